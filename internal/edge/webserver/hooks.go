package webserver

import (
	"fmt"
	"slices"
	"strings"

	"hirune/internal/core/remedy"
)

// byFile are the lines that each file of others gets, the files in a fixed order.
func byFile(hooks []remedy.Hook) ([]string, map[string][]remedy.Hook) {
	var files []string
	all := map[string][]remedy.Hook{}
	for _, h := range hooks {
		if all[h.File] == nil {
			files = append(files, h.File)
		}
		all[h.File] = append(all[h.File], h)
	}
	return files, all
}

// hooksIn counts the lines of ours in a file's text.
func hooksIn(text string, hooks []remedy.Hook) int {
	n := 0
	for line := range strings.Lines(text) {
		if isHook(line, hooks) {
			n++
		}
	}
	return n
}

func isHook(line string, hooks []remedy.Hook) bool {
	line = strings.TrimRight(line, "\r\n")
	return slices.ContainsFunc(hooks, func(h remedy.Hook) bool { return h.Line == line })
}

// withHooks puts the lines in. The file has to be as it was planned for where
// they go.
func withHooks(text string, hooks []remedy.Hook) (string, error) {
	lines := slices.Collect(strings.Lines(text))
	hooks = slices.Clone(hooks)
	slices.SortFunc(hooks, func(a, b remedy.Hook) int { return b.At - a.At })
	for _, h := range hooks {
		if h.At < 1 || h.At > len(lines) || strings.TrimRight(lines[h.At-1], "\r\n") != h.Next {
			return "", fmt.Errorf("line %d of %s is not what it was when this was planned", h.At, shown(h.File))
		}
		end := "\n"
		if strings.HasSuffix(lines[h.At-1], "\r\n") {
			end = "\r\n"
		}
		lines = slices.Insert(lines, h.At-1, h.Line+end)
	}
	return strings.Join(lines, ""), nil
}

// withoutHooks takes them out again; all else stays byte for byte.
func withoutHooks(text string, hooks []remedy.Hook) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !isHook(line, hooks) {
			b.WriteString(line)
		}
	}
	return b.String()
}
