package sqltext

import "strings"

// maxDigest bounds a digest, in bytes. It is cut between tokens.
const maxDigest = 1500

// Digest returns the shape of a statement: every literal is ?, lists of
// literals and the rows of VALUES are one, comments are gone, white space and
// the case of keywords are uniform. Two texts that differ only in literals
// have the same digest; the digest of a digest is itself. It holds no literal.
func Digest(text string) string { return digest(lex(text)) }

func digest(ts []token) string {
	ts = collapse(dropRows(foldLiterals(ts)))
	var b strings.Builder
	var prev token
	for _, t := range ts {
		s := spell(t)
		if b.Len()+len(s)+1 > maxDigest {
			break
		}
		if b.Len() > 0 && spaced(prev, t) {
			b.WriteByte(' ')
		}
		b.WriteString(s)
		prev = t
	}
	return b.String()
}

// foldLiterals makes NULL, TRUE and FALSE literals where they are values, takes
// the sign to a number that has one, and makes 'a' 'b' one string.
func foldLiterals(ts []token) []token {
	out := make([]token, 0, len(ts))
	for _, t := range ts {
		if isValue(t) {
			prev := last(out, 1)
			if t.kind == word && (prev.is("IS") || prev.is("NOT") || prev.is("DEFAULT")) {
				out = append(out, t)
				continue
			}
			for sign(last(out, 1)) && startsValue(last(out, 2)) {
				out = out[:len(out)-1]
			}
			if last(out, 1).kind == literal {
				continue
			}
			t = token{kind: literal, text: "?"}
		}
		out = append(out, t)
	}
	return out
}

// last returns the nth token from the end, or the end.
func last(ts []token, n int) token {
	if len(ts) < n {
		return token{}
	}
	return ts[len(ts)-n]
}

func sign(t token) bool { return t.sym("-") || t.sym("+") }

func isValue(t token) bool {
	return t.kind == literal || t.is("NULL") || t.is("TRUE") || t.is("FALSE")
}

// startsValue reports whether an operand begins after t.
func startsValue(t token) bool {
	switch t.kind {
	case end:
		return true
	case symbol:
		return t.text != ")"
	case word:
		return keywords[t.upper]
	default: // a name or a value
		return false
	}
}

// dropRows keeps the first of VALUES (…), (…), (…).
func dropRows(ts []token) []token {
	out := make([]token, 0, len(ts))
	for i := 0; i < len(ts); i++ {
		out = append(out, ts[i])
		if !ts[i].is("VALUES") && !ts[i].is("VALUE") || i+1 >= len(ts) || !ts[i+1].sym("(") {
			continue
		}
		first := closing(ts, i+1)
		out = append(out, ts[i+1:first]...)
		for i = first - 1; i+1 < len(ts) && ts[i+1].sym(","); {
			if i+2 >= len(ts) { // cut off after a comma
				i++
				break
			}
			if !ts[i+2].sym("(") {
				break
			}
			i = closing(ts, i+2) - 1
		}
	}
	return out
}

// closing returns the index after the parenthesis that closes the one at i;
// the end of a text that is cut off.
func closing(ts []token, i int) int {
	depth := 0
	for ; i < len(ts); i++ {
		if ts[i].sym("(") {
			depth++
		} else if ts[i].sym(")") {
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

// collapse makes one of "?, ?" and of "(?), (?)", also where they are nested.
func collapse(ts []token) []token {
	out := make([]token, 0, len(ts))
	for _, t := range ts {
		out = append(out, t)
		for {
			n := repeated(out)
			if n == 0 {
				break
			}
			out = out[:len(out)-n]
		}
	}
	return out
}

// repeated returns how many tokens at the end of ts say again what is just
// before: a comma and a value, which is a literal or literals in parentheses.
func repeated(ts []token) int {
	n := valueLen(ts)
	if n == 0 || len(ts) <= n || !ts[len(ts)-n-1].sym(",") {
		return 0
	}
	if valueLen(ts[:len(ts)-n-1]) == n {
		return n + 1
	}
	return 0
}

// valueLen is the length of the value that ts ends with: ?, (?), ((?)) …; or 0.
func valueLen(ts []token) int {
	depth := 0
	i := len(ts) - 1
	for i >= 0 && ts[i].sym(")") {
		depth++
		i--
	}
	if i < depth || ts[i].kind != literal {
		return 0
	}
	for k := 1; k <= depth; k++ {
		if !ts[i-k].sym("(") {
			return 0
		}
	}
	return 2*depth + 1
}

// spell writes a token so that lexing it again gives the same token.
func spell(t token) string {
	if t.kind == word && keywords[t.upper] {
		return t.upper
	}
	if t.kind == quoted && !plain(t.text) {
		return "`" + strings.ReplaceAll(t.text, "`", "``") + "`"
	}
	return t.text
}

// plain reports whether a quoted name means the same without quotes.
func plain(s string) bool {
	if s == "" || isDigit(s[0]) || keywords[strings.ToUpper(s)] || units[strings.ToUpper(s)] {
		return false
	}
	switch strings.ToUpper(s) {
	case "NULL", "TRUE", "FALSE", "VALUE", "VALUES":
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

func spaced(a, b token) bool {
	switch {
	case a.sym("(") || b.sym(")") || b.sym(",") || b.sym(";") || b.sym("@") && a.sym("@"):
		return false
	case a.sym(".") || a.sym("@"):
		return b.kind == literal || b.sym(".")
	case b.sym("."):
		return !a.ident()
	case b.sym("("):
		return !a.ident() || spacedCall(a)
	}
	return true
}

// spacedCall reports whether a parenthesis after the word is no call.
func spacedCall(t token) bool {
	switch t.upper {
	case "IN", "AND", "OR", "VALUES", "VALUE", "AS", "ON", "FROM", "WHERE", "SELECT", "NOT", "EXISTS", "USING", "UNION", "ALL", "BY", "JOIN", "INTO":
		return t.kind == word
	}
	return false
}
