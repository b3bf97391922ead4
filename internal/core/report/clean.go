package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest that hostile text may be in a sentence, in runes: names are at most
// 64 in the database; statements and log lines are worth more room.
const (
	nameRunes = 80
	longRunes = 240
)

// clean makes text of unknown origin safe for a terminal: whatever is not
// printable (C0, C1, ANSI, bidi controls, zero-width characters, odd spaces,
// invalid UTF-8) is shown as an escape, and at most n runes are kept.
func clean(s string, n int) string {
	var b strings.Builder
	for i, kept := 0, 0; i < len(s); kept++ {
		if kept >= n {
			b.WriteString("…")
			break
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unprintable(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// unprintable reports whether r could move, hide or reorder text. Combining
// marks beyond what a language needs are harmless here: they only cost length.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// markdown makes text of unknown origin safe for Markdown and for the HTML that
// is made of it. Plain names become code; anything else has every character
// that Markdown or HTML could read as its own replaced by an entity.
func markdown(s string, n int) string {
	s = clean(s, n)
	if codeSafe(s) {
		return "`" + s + "`"
	}
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if r < 0x80 && !plainIn(runes, i) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainIn reports whether the ASCII character at i means nothing to Markdown
// where it stands: no markup, no link, no entity, no list or heading.
func plainIn(s []rune, i int) bool {
	switch r := s[i]; {
	case isWord(r) || strings.ContainsRune(" ,;?/%'()=", r):
		return true
	case r == '_' || r == '-':
		return i > 0 && i+1 < len(s) && isWord(s[i-1]) && isWord(s[i+1])
	}
	return false
}

func isWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// codeSafe reports whether s can stand in a code span: no backtick, no HTML, no
// table bar, and no space at its ends.
func codeSafe(s string) bool {
	if s == "" || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return strings.ContainsRune("`<>&|\\\"", r) })
}
