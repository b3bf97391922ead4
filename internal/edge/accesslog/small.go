package accesslog

import (
	"fmt"
	"math"
	"math/bits"
	"unicode"
	"unicode/utf8"
)

// small counts different hashes in 128 bytes by linear counting: good to some
// thousands, then it stays where it is.
type small [16]uint64

func (s *small) add(h uint64) { s[h>>60] |= 1 << (h >> 54 & 63) }

func (s *small) count() int64 {
	zero := 0
	for _, w := range s {
		zero += bits.OnesCount64(^w)
	}
	const m = 64 * len(s)
	return int64(float64(m)*math.Log(float64(m)/float64(max(zero, 1))) + 0.5)
}

// Printable makes hostile bytes fit to be shown: control characters, invalid
// UTF-8 and what turns the writing direction become \x escapes, and what
// exceeds max bytes is cut with an ellipsis.
func Printable(b []byte, max int) string {
	if printable(b) && len(b) <= max {
		return string(b)
	}
	out := make([]byte, 0, min(len(b), max)+4)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		var next []byte
		switch {
		case r == utf8.RuneError && n <= 1:
			next = fmt.Appendf(out, `\x%02x`, b[0])
		case unicode.IsPrint(r):
			next = append(out, b[:n]...)
		case r < 0x80:
			next = fmt.Appendf(out, `\x%02x`, r)
		default:
			next = fmt.Appendf(out, `\u%04x`, r)
		}
		if len(next) > max {
			return string(append(out, "…"...))
		}
		out, b = next, b[n:]
	}
	return string(out)
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
