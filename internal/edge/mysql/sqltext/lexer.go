// Package sqltext reads SQL text without a grammar: it makes digests without
// literals, and finds the verb, the table and the filtered columns of a
// statement.
//
// The text comes from a server's list of running statements. It may be cut
// anywhere, may hold any bytes, and is hostile. Nothing here fails: a text
// that makes no sense gives a poor answer, never a panic and never a literal.
package sqltext

import "strings"

// kind is what a token is.
type kind uint8

const (
	end     kind = iota
	word         // identifier or keyword, not quoted
	quoted       // identifier in backticks, without them
	literal      // string, number, ?, or the ... of a server's own digest
	symbol       // operator or punctuation
)

// token is one lexical unit. Upper is the text in upper case for words. raw is
// a literal as it was written; it goes into no digest.
type token struct {
	kind  kind
	text  string
	upper string
	raw   string
}

func (t token) is(upper string) bool { return t.kind == word && t.upper == upper }
func (t token) sym(s string) bool    { return t.kind == symbol && t.text == s }
func (t token) ident() bool          { return t.kind == quoted || t.kind == word }

// lexer cuts MySQL and MariaDB text into tokens; comments are left out, the
// content of /*! */ stays. Double quotes are strings: taking an identifier
// for a string under ANSI_QUOTES loses a name, the other way round leaks data.
type lexer struct {
	s    string
	pos  int
	exec bool // inside /*! */
}

func lex(s string) []token {
	l := lexer{s: s}
	out := make([]token, 0, len(s)/5+4)
	for {
		t := l.next()
		if t.kind == end {
			return out
		}
		out = append(out, t)
	}
}

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.s) {
		return l.s[l.pos+n]
	}
	return 0
}

func (l *lexer) next() token {
	l.skip()
	if l.pos >= len(l.s) {
		return token{}
	}
	c := l.s[l.pos]
	switch {
	case c == '\'' || c == '"':
		from := l.pos
		l.str(c)
		return token{kind: literal, text: "?", raw: l.s[from:l.pos]}
	case c == '`':
		return token{kind: quoted, text: l.backtick()}
	case isDigit(c) || c == '.' && isDigit(l.peek(1)) && !l.afterName():
		return l.number()
	case isWord(c):
		return l.name()
	case c == '?':
		l.pos++
		return token{kind: literal, text: "?"}
	case strings.HasPrefix(l.s[l.pos:], "..."):
		l.pos += 3
		return token{kind: literal, text: "?"}
	}
	return l.operator()
}

// skip passes white space, control characters and comments.
func (l *lexer) skip() {
	for l.pos < len(l.s) {
		rest := l.s[l.pos:]
		switch c := rest[0]; {
		case c <= ' ' || c == 0x7f:
			l.pos++
		case strings.HasPrefix(rest, "/*"):
			l.comment(rest)
		case l.exec && strings.HasPrefix(rest, "*/"):
			l.exec = false
			l.pos += 2
		case c == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
			l.toAfter("\n")
		default:
			return
		}
	}
}

func (l *lexer) comment(rest string) {
	n := 0
	if strings.HasPrefix(rest, "/*!") {
		n = 3
	} else if strings.HasPrefix(rest, "/*M!") {
		n = 4
	}
	if n == 0 {
		l.pos += 2
		l.toAfter("*/")
		return
	}
	l.pos += n
	l.exec = true
	for isDigit(l.peek(0)) {
		l.pos++
	}
}

func (l *lexer) toAfter(mark string) {
	if i := strings.Index(l.s[l.pos:], mark); i >= 0 {
		l.pos += i + len(mark)
		return
	}
	l.pos = len(l.s)
}

// str passes a string literal, closed or cut off.
func (l *lexer) str(q byte) {
	for l.pos++; l.pos < len(l.s); l.pos++ {
		switch l.s[l.pos] {
		case '\\':
			l.pos++
		case q:
			if l.peek(1) != q {
				l.pos++
				return
			}
			l.pos++
		}
	}
	l.pos = len(l.s)
}

// maxName is the longest name a server takes, in characters; we count bytes
// with room for four of them in a character.
const maxName = 256

func (l *lexer) backtick() string {
	var b strings.Builder
	for l.pos++; l.pos < len(l.s); l.pos++ {
		if l.s[l.pos] == '`' {
			if l.peek(1) != '`' {
				l.pos++
				break
			}
			l.pos++
		}
		b.WriteByte(l.s[l.pos])
	}
	return cleanName(b.String())
}

// cleanName takes out of a name what no name has, and bounds it.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

// afterName reports whether a name ended just before: then a dot belongs to
// the name that follows, as in t.1st.
func (l *lexer) afterName() bool {
	return l.pos > 0 && (isWord(l.s[l.pos-1]) || l.s[l.pos-1] == '`')
}

// number passes a number. Names may begin with a digit: then it is a word.
func (l *lexer) number() token {
	from := l.pos
	for isWord(l.peek(0)) || l.peek(0) == '.' || l.exponentSign(from) {
		l.pos++
	}
	if text := l.s[from:l.pos]; isNumber(text) {
		return token{kind: literal, text: "?", raw: text}
	}
	if l.pos = from; l.s[from] == '.' {
		return l.operator()
	}
	t := l.name()
	if isNumber(t.text) {
		t = token{kind: literal, text: "?"}
	}
	return t
}

func (l *lexer) exponentSign(from int) bool {
	c := l.peek(0)
	if c != '+' && c != '-' || l.pos == from {
		return false
	}
	e := l.s[l.pos-1]
	return (e == 'e' || e == 'E') && isDigit(l.peek(1)) && strings.Trim(l.s[from:l.pos-1], "0123456789.") == ""
}

func isNumber(s string) bool {
	if len(s) > 2 && s[0] == '0' && (s[1]|0x20 == 'x' || s[1]|0x20 == 'b') {
		return strings.Trim(s[2:], "0123456789abcdefABCDEF") == ""
	}
	mantissa, exp, cut := strings.Cut(strings.ToLower(s), "e")
	if cut {
		digits := strings.TrimLeft(exp, "+-")
		if digits == "" || strings.Trim(digits, "0123456789") != "" {
			return false
		}
	}
	return strings.Trim(mantissa, "0123456789.") == ""
}

// name reads a word; x'41', b'01', n'a' and _utf8'a' are literals.
func (l *lexer) name() token {
	from := l.pos
	for l.pos < len(l.s) && isWord(l.s[l.pos]) {
		l.pos++
	}
	text := l.s[from:l.pos]
	if q := l.peek(0); (q == '\'' || q == '"') && isPrefix(text) {
		l.str(q)
		return token{kind: literal, text: "?"}
	}
	text = cleanName(text)
	return token{kind: word, text: text, upper: strings.ToUpper(text)}
}

func isPrefix(s string) bool {
	return s[0] == '_' || len(s) == 1 && strings.ContainsAny(s, "xXbBnN")
}

// operators of more than one byte, longest first.
var operators = []string{"<=>", "->>", "<<", ">>", "<=", ">=", "<>", "!=", ":=", "&&", "||", "->"}

func (l *lexer) operator() token {
	for _, op := range operators {
		if strings.HasPrefix(l.s[l.pos:], op) {
			l.pos += len(op)
			return token{kind: symbol, text: op}
		}
	}
	l.pos++
	return token{kind: symbol, text: l.s[l.pos-1 : l.pos]}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}
