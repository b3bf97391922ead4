package webserver

import (
	"path/filepath"
	"strings"
)

// directive takes what concerns us of one directive.
func (r *apacheReader) directive(name string, args []string, depth int, open []section) {
	h := &r.hosts[r.at]
	switch name {
	case "include", "includeoptional":
		r.include(args[0], depth, open)
	case "define":
		r.vars[args[0]] = strings.Join(args[1:], " ")
	case "undefine":
		delete(r.vars, args[0])
	case "loadmodule":
		r.modules[args[0]] = true
		r.mark(func(t *take) { t.loads = true })
	case "serverroot":
		r.root = args[0]
	case "servername":
		h.names = append([]string{plainName(args[0])}, h.names...)
	case "serveralias":
		h.names = append(h.names, args...)
	case "documentroot":
		h.docRoot = under(r.root, args[0])
	case "sslengine":
		h.tls = strings.EqualFold(args[0], "on")
	case "use":
		r.macros = true
	}
}

// plainName takes scheme and port from a ServerName.
func plainName(s string) string {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "http://"), "https://")
	name, _, _ := strings.Cut(s, ":")
	return name
}

// under makes a path absolute against a directory.
func under(dir, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// include reads the files of a pattern; a directory stands for all below it.
func (r *apacheReader) include(pattern string, depth int, open []section) {
	pattern = under(r.root, pattern)
	files := []string{pattern}
	wild := strings.ContainsAny(pattern, "*?[")
	if wild {
		files, _ = filepath.Glob(pattern)
	}
	if wild || isDir(pattern) {
		t := take{pattern: pattern, host: r.at, sure: true}
		if !wild {
			t.pattern = filepath.Join(pattern, "*")
		}
		for _, s := range open {
			t.sure = t.sure && s.state == secOn
		}
		r.takes = append(r.takes, t)
		r.within = append(r.within, len(r.takes)-1)
		defer func() { r.within = r.within[:len(r.within)-1] }()
	}
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), ".") {
			continue
		}
		r.path(f, depth+1, open)
	}
}

// path reads a file, or all files below a directory. What cannot be read is the
// server's own business: its test will say so.
func (r *apacheReader) path(name string, depth int, open []section) {
	if !isDir(name) {
		_ = r.file(name, depth, open)
		return
	}
	if depth > configDepth {
		return
	}
	all, _ := filepath.Glob(filepath.Join(name, "*"))
	for _, f := range all {
		r.path(f, depth+1, open)
	}
}

// apacheWords splits a line into words. Quotes hold blanks together, \" and \\
// inside them stand for the sign itself, as ap_getword_conf has it.
func apacheWords(line string) []string {
	var out []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return out
		}
		var word string
		word, line = apacheWord(line)
		out = append(out, word)
	}
}

func apacheWord(line string) (word, rest string) {
	quote := line[0]
	if quote != '"' && quote != '\'' {
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			return line[:i], line[i:]
		}
		return line, ""
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == quote:
			return b.String(), line[i+1:]
		case line[i] == '\\' && i+1 < len(line) && (line[i+1] == quote || line[i+1] == '\\'):
			i++
		}
		b.WriteByte(line[i])
	}
	return b.String(), ""
}
