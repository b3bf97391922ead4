package report

import (
	"strings"
	"unicode"
)

// runeWidth is how many terminal cells a rune takes: 2 for East Asian wide and
// full-width characters, 0 for combining marks, else 1. The ranges are those of
// Unicode's EastAsianWidth W and F that Japanese text and emoji use.
func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func pad(s string, w int) string {
	return s + strings.Repeat(" ", max(0, w-cells(s)))
}

// cut shortens s to w cells.
func cut(s string, w int) string {
	if cells(s) <= w {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n+runeWidth(r) > w-1 {
			break
		}
		b.WriteRune(r)
		n += runeWidth(r)
	}
	return b.String() + "…"
}

// Characters that may not begin or end a line of Japanese (kinsoku).
const (
	notFirst = "、。，．）」』】！？ー〜：ぁぃぅぇぉっゃゅょァィゥェォッャュョ・…"
	notLast  = "（「『【"
)

// wrap breaks s into lines of at most w cells: at spaces, and between any two
// wide characters where Japanese allows it. A longer word is broken by force.
func wrap(s string, w int) []string {
	var lines []string
	line, n := "", 0
	for _, word := range units(s) {
		c := cells(word)
		if n+cells(strings.TrimRight(word, " ")) > w && n > 0 {
			lines = append(lines, strings.TrimRight(line, " "))
			line, n = "", 0
		}
		for c > w {
			head, tail := split(word, w)
			lines = append(lines, head)
			word, c = tail, cells(tail)
		}
		line, n = line+word, n+c
	}
	if n > 0 || len(lines) == 0 {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// units cuts s into pieces that stay together: a narrow word with the space
// behind it, or one wide character with the punctuation that clings to it.
func units(s string) []string {
	var out []string
	cur, prev := "", rune(0)
	for _, r := range s {
		wide := runeWidth(r) == 2 || runeWidth(prev) == 2
		if cur != "" && (prev == ' ' && r != ' ' || wide && r != ' ' && !cling(prev, r)) {
			out = append(out, cur)
			cur = ""
		}
		cur, prev = cur+string(r), r
	}
	return append(out, cur)
}

func cling(prev, r rune) bool {
	return strings.ContainsRune(notFirst, r) || strings.ContainsRune(notLast, prev)
}

func split(s string, w int) (string, string) {
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > w && i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
