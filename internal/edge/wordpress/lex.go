// Package wordpress reads what a WordPress site says about itself: its
// configuration, its version, its schedule, and which plugin names which hook
// and which table. It executes no PHP and makes no objects of what PHP has
// serialized: all of it may have been written by an attacker.
package wordpress

import "bytes"

// kind is what a token of PHP is.
type kind uint8

const (
	kEnd kind = iota
	kString
	kName // identifier, keyword or constant
	kVar
	kNumber
	kPunct
)

// token is one word of PHP. Text is the value of a string without its quotes;
// Mixed says that the string holds variables.
type token struct {
	kind  kind
	text  string
	mixed bool
}

func (t token) is(p string) bool { return t.kind == kPunct && t.text == p }

// lexer splits PHP source into tokens; comments and what is outside of
// <?php ?> are left out. It understands enough to find constants, calls and
// strings, and takes any bytes whatever.
type lexer struct {
	src []byte
	in  bool // within <?php ?>
}

func (l *lexer) next() token {
	for {
		if !l.in && !l.enter() {
			return token{}
		}
		l.src = bytes.TrimLeft(l.src, " \t\r\n")
		if len(l.src) == 0 {
			return token{}
		}
		switch c := l.src[0]; {
		case bytes.HasPrefix(l.src, []byte("?>")):
			l.src, l.in = l.src[2:], false
		case c == '#' && !bytes.HasPrefix(l.src, []byte("#[")), bytes.HasPrefix(l.src, []byte("//")):
			l.lineComment()
		case bytes.HasPrefix(l.src, []byte("/*")):
			l.src = after(l.src[2:], "*/")
		case bytes.HasPrefix(l.src, []byte("<<<")):
			return l.heredoc()
		case c == '\'' || c == '"':
			return l.str(c)
		case c == '$' && len(l.src) > 1 && nameByte(l.src[1]):
			return l.word(kVar, 1)
		case c >= '0' && c <= '9':
			return l.word(kNumber, 0)
		case nameByte(c) || c == '\\':
			return l.word(kName, 0)
		default:
			l.src = l.src[1:]
			return token{kind: kPunct, text: string(rune(c))}
		}
	}
}

func (l *lexer) enter() bool {
	i := bytes.Index(l.src, []byte("<?"))
	if i < 0 {
		l.src = nil
		return false
	}
	l.src = bytes.TrimPrefix(l.src[i+2:], []byte("php"))
	l.in = true
	return true
}

func (l *lexer) lineComment() {
	end := bytes.IndexByte(l.src, '\n')
	if end < 0 {
		end = len(l.src)
	}
	if i := bytes.Index(l.src[:end], []byte("?>")); i >= 0 { // ends the comment too
		end = i
	}
	l.src = l.src[end:]
}

// str reads a string. An escape stands for the byte behind it, which is right
// for quotes and backslashes; \n and the like become a space, which no name has.
func (l *lexer) str(quote byte) token {
	t := token{kind: kString}
	var out []byte
	i := 1
	for ; i < len(l.src) && l.src[i] != quote; i++ {
		c := l.src[i]
		switch {
		case c == '\\' && i+1 < len(l.src):
			i++
			switch next := l.src[i]; {
			case next == quote || next == '\\' || next == '$' && quote == '"':
				c = next
			case quote == '\'':
				out = append(out, '\\')
				c = next
			default:
				c = ' '
			}
		case c == '$' && quote == '"':
			t.mixed = true
		}
		out = append(out, c)
	}
	l.src = l.src[min(i+1, len(l.src)):]
	t.text = string(out)
	return t
}

func (l *lexer) heredoc() token {
	head := bytes.TrimLeft(l.src[3:], " \t")
	nowdoc := bytes.HasPrefix(head, []byte("'"))
	head = bytes.TrimLeft(head, `'"`)
	n := 0
	for n < len(head) && nameByte(head[n]) {
		n++
	}
	if n == 0 {
		l.src = l.src[3:]
		return token{kind: kPunct, text: "<"}
	}
	body := after(head[n:], "\n")
	for rest := body; ; {
		line := bytes.TrimLeft(rest, " \t")
		if bytes.HasPrefix(line, head[:n]) && (len(line) == n || !nameByte(line[n])) {
			text := body[:len(body)-len(rest)]
			l.src = line[n:]
			return token{kind: kString, text: string(text), mixed: !nowdoc && bytes.IndexByte(text, '$') >= 0}
		}
		if rest = after(rest, "\n"); len(rest) == 0 {
			l.src = nil
			return token{kind: kString, text: string(body)}
		}
	}
}

func (l *lexer) word(k kind, from int) token {
	n := from
	for n < len(l.src) && (nameByte(l.src[n]) || l.src[n] == '\\' && k == kName) {
		n++
	}
	t := token{kind: k, text: string(l.src[from:n])}
	l.src = l.src[n:]
	return t
}

func nameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func after(b []byte, end string) []byte {
	i := bytes.Index(b, []byte(end))
	if i < 0 {
		return nil
	}
	return b[i+len(end):]
}
