package webconf

import (
	"iter"
	"strings"
)

// apacheLines yields the lines of a text with the number of each, from 1; those
// that end in a backslash are one with the next.
func apacheLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		held, at, n := "", 0, 0
		for line := range strings.Lines(text) {
			n++
			if at == 0 {
				at = n
			}
			line = strings.TrimRight(line, "\r\n")
			if cut, ok := strings.CutSuffix(line, `\`); ok {
				held += cut
				continue
			}
			if !yield(at, held+line) {
				return
			}
			held, at = "", 0
		}
		if held != "" {
			yield(at, held)
		}
	}
}

// apacheWords splits a line into words. Quotes hold blanks together.
// Source: ap_getword_conf and substring_conf in Apache 2.4's server/util.c.
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

// apacheWord takes a word: \\ stands for a backslash, and inside quotes a
// backslash and the quote for the quote.
func apacheWord(line string) (word, rest string) {
	quote := line[0]
	if quote != '"' && quote != '\'' {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		return strings.ReplaceAll(line[:end], `\\`, `\`), line[end:]
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

// PlainName takes scheme and port from Apache's ServerName.
func PlainName(s string) string {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "http://"), "https://")
	name, _, _ := strings.Cut(s, ":")
	return name
}
