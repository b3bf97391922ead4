package errorlog

import (
	"bytes"
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// MessageMost is the most of a message that is kept, in bytes.
const MessageMost = 200

// Message makes a line fit to be kept: without its time and process numbers,
// without the literals of SQL, the query strings of URLs and what PHP's stack
// traces show of arguments; on one line, printable, and short. Addresses stay.
func Message(rest []byte) string {
	rest = preamble(rest)
	if i := bytes.Index(rest, []byte("Stack trace:")); i >= 0 {
		rest = rest[:i]
	}
	if i := bytes.Index(rest, []byte(" for query ")); i >= 0 {
		i += len(" for query ")
		rest = append(bytes.Clone(rest[:i]), literals(rest[i:])...)
	}
	return printable(sessions(queries(rest)))
}

// sessionName is the file of a PHP session; its name is what logs its owner in.
var sessionName = regexp.MustCompile(`sess_[A-Za-z0-9,-]+`)

func sessions(b []byte) []byte { return sessionName.ReplaceAll(b, []byte("sess_…")) }

// preamble takes off [pid 7052:tid 7058], 7062#7062: and the like.
func preamble(b []byte) []byte {
	for {
		b = bytes.TrimLeft(b, " ")
		i := bytes.IndexByte(b[:min(len(b), 48)], ' ')
		switch {
		case bytes.HasPrefix(b, []byte("[pid ")):
			i = bytes.IndexByte(b, ']')
		case i > 0 && bytes.Contains(b[:i], []byte{'#'}) && b[i-1] == ':':
		case i > 0 && len(bytes.Trim(b[:i], "0123456789")) == 0: // a thread id
		case i > 0 && b[0] == '[' && b[i-1] == ']' && bytes.IndexByte(b[i:min(len(b), i+16)], '#') > 0: // [error] 7062#7062:
		case i > 0 && b[0] == '[' && b[i-1] == ']' && bytes.IndexByte(b[:i], ':') > 0: // [proxy_fcgi:error]
		default:
			return b
		}
		if i < 0 || i+1 > len(b) {
			return b
		}
		b = b[i+1:]
	}
}

// literals puts ? in the place of strings and numbers. A string that does not
// end hides all that follows. Digits within a name belong to the name.
func literals(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '\'' || c == '"':
			i = stringEnd(b, i)
			out = append(out, '?')
		case c >= '0' && c <= '9' && (i == 0 || !inName(b[i-1])):
			for i+1 < len(b) && (inName(b[i+1]) || b[i+1] == '.') {
				i++
			}
			out = append(out, '?')
		default:
			out = append(out, c)
		}
	}
	return out
}

// stringEnd is where the string that begins at i ends: at its quote, neither
// escaped nor doubled.
func stringEnd(b []byte, i int) int {
	quote := b[i]
	for i++; i < len(b); i++ {
		switch {
		case b[i] == '\\':
			i++
		case b[i] == quote && i+1 < len(b) && b[i+1] == quote:
			i++
		case b[i] == quote:
			return i
		}
	}
	return len(b)
}

func inName(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// queries cuts what follows the ? of an address.
func queries(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); i++ {
		out = append(out, b[i])
		if b[i] != '?' || i == 0 || !inName(b[i-1]) && b[i-1] != '/' && b[i-1] != '-' && b[i-1] != '.' {
			continue
		}
		end := i + 1
		for end < len(b) && b[end] > ' ' && b[end] != '"' && b[end] != '\'' && b[end] != ')' {
			end++
		}
		if end > i+1 {
			out = append(out, "…"...)
		}
		i = end - 1
	}
	return out
}

func printable(b []byte) string {
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		var next []byte
		switch {
		case r == utf8.RuneError && n <= 1 || r < 0x80 && !unicode.IsPrint(r):
			next = fmt.Appendf(out, `\x%02x`, b[0])
		case unicode.IsPrint(r):
			next = append(out, b[:n]...)
		default:
			next = fmt.Appendf(out, `\u%04x`, r)
		}
		if len(next) > MessageMost {
			return string(append(out, "…"...))
		}
		out, b = next, b[n:]
	}
	return string(out)
}
