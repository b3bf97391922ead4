package accesslog

import (
	"bytes"
	"unicode/utf8"
)

// escapes is how a log writes bytes that could be mistaken for its own.
type escapes uint8

const (
	// escapesLog: \" and \\ and \n and \x1b as Apache writes them, \x22 and \x5C
	// and \x1B as nginx does.
	escapesLog  escapes = iota
	escapesJSON         // as RFC 8259 says
	escapesNone         // a backslash is one
)

// decode appends b to out as it was before it was logged.
func (k escapes) decode(out, b []byte) []byte {
	if k == escapesNone {
		return append(out, b...)
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 == len(b) {
			break
		}
		out = append(out, b[:i]...)
		b = b[i+1:]
		var n int
		if out, n = k.one(out, b); n == 0 { // not an escape of these
			out = append(out, '\\')
		}
		b = b[n:]
	}
	return append(out, b...)
}

// one decodes what follows a backslash, of which there is at least one byte; n
// is how long it is.
func (k escapes) one(out, b []byte) (_ []byte, n int) {
	switch c := b[0]; {
	case c == 'x' && k == escapesLog && len(b) >= 3 && hex(b[1]) >= 0 && hex(b[2]) >= 0:
		return append(out, byte(hex(b[1])<<4|hex(b[2]))), 3
	case c == 'u' && k == escapesJSON && len(b) >= 5:
		digits, v := group(b[1:5])
		if digits != 4 {
			return out, 0
		}
		return utf8.AppendRune(out, rune(v)), 5
	case c == '"' || c == '\\' || c == '/' && k == escapesJSON:
		return append(out, c), 1
	}
	if i := bytes.IndexByte([]byte("bfnrtv"), b[0]); i >= 0 {
		return append(out, "\b\f\n\r\t\v"[i]), 1
	}
	return out, 0
}
