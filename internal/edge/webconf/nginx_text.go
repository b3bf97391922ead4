package webconf

import (
	"fmt"
	"strings"
)

// maxNested bounds blocks inside blocks.
const maxNested = 50

// parseNginx parses one file's text. On a fault it returns what came before.
func parseNginx(file, text string) ([]Directive, error) {
	l := nginxLexer{file: file, text: text, line: 1}
	ds, err := l.parse(0)
	if err != nil {
		err = fmt.Errorf("read %s: %w", file, err)
	}
	return ds, err
}

type nginxLexer struct {
	file string
	text string
	pos  int
	line int
}

// token is a word, or one of ; { } as its kind.
type token struct {
	kind  byte
	text  string
	line  int
	first bool
}

const (
	tokenEnd  = 0
	tokenWord = 'w'
)

// parse reads directives up to the closing brace of its level.
func (l *nginxLexer) parse(level int) ([]Directive, error) {
	if level > maxNested {
		return nil, fmt.Errorf("line %d: blocks are nested too deep", l.line)
	}
	out := []Directive{}
	var words []token
	for {
		t := l.next()
		switch t.kind {
		case tokenWord:
			words = append(words, t)
		case tokenEnd:
			if level > 0 || len(words) > 0 {
				return out, fmt.Errorf("line %d: unexpected end", l.line)
			}
			return out, nil
		case '}':
			if level == 0 {
				return out, fmt.Errorf("line %d: unexpected }", t.line)
			}
			return out, nil
		case ';':
			if len(words) > 0 {
				out = append(out, l.directive(words))
			}
			words = nil
		case '{':
			d, err := l.block(words, level)
			if out = append(out, d); err != nil {
				return out, err
			}
			words = nil
		}
	}
}

func (l *nginxLexer) block(words []token, level int) (d Directive, err error) {
	d = l.directive(words)
	d.Open = true
	if strings.HasSuffix(d.Name, "_by_lua_block") {
		l.skipBraces()
		return d, nil
	}
	d.Block, err = l.parse(level + 1)
	return d, err
}

func (l *nginxLexer) directive(words []token) Directive {
	d := Directive{File: l.file, Line: l.line}
	for i, w := range words {
		if i == 0 {
			d.Name, d.Line, d.First = w.text, w.line, w.first
			continue
		}
		d.Args = append(d.Args, w.text)
	}
	return d
}

// skipBraces passes over a program in another language.
func (l *nginxLexer) skipBraces() {
	for depth := 1; depth > 0 && l.pos < len(l.text); l.pos++ {
		switch l.text[l.pos] {
		case '{':
			depth++
		case '}':
			depth--
		case '\n':
			l.line++
		}
	}
}

func (l *nginxLexer) next() token {
	l.space()
	t := token{line: l.line, first: l.alone()}
	if l.pos >= len(l.text) {
		return t
	}
	switch c := l.text[l.pos]; c {
	case ';', '{', '}':
		l.pos++
		t.kind = c
	case '"', '\'':
		t.kind, t.text = tokenWord, l.quoted(c)
	default:
		t.kind, t.text = tokenWord, l.word()
	}
	return t
}

// alone reports whether only blanks stand before the position on its line.
func (l *nginxLexer) alone() bool {
	start := strings.LastIndexByte(l.text[:l.pos], '\n') + 1
	return strings.TrimLeft(l.text[start:l.pos], " \t\r") == ""
}

func (l *nginxLexer) space() {
	for l.pos < len(l.text) {
		switch l.text[l.pos] {
		case '\n':
			l.line++
		case ' ', '\t', '\r':
		case '#':
			for l.pos < len(l.text) && l.text[l.pos] != '\n' {
				l.pos++
			}
			continue
		default:
			return
		}
		l.pos++
	}
}

// word takes a word without quotes: up to a blank, a semicolon or an opening
// brace that belongs to no ${variable}.
func (l *nginxLexer) word() string {
	start := l.pos
	for ; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case strings.IndexByte(" \t\r\n;", c) >= 0, c == '{' && (l.pos == start || l.text[l.pos-1] != '$'):
			return l.unescape(l.text[start:l.pos])
		case c == '\\':
			l.pos++ // whatever comes next does not end the word
		}
	}
	l.pos = len(l.text)
	return l.unescape(l.text[start:])
}

func (l *nginxLexer) quoted(quote byte) string {
	l.pos++
	start := l.pos
	for ; l.pos < len(l.text); l.pos++ {
		switch l.text[l.pos] {
		case quote:
			l.pos++
			return l.unescape(l.text[start : l.pos-1])
		case '\\':
			l.pos++
		}
	}
	l.pos = len(l.text)
	return l.unescape(l.text[start:])
}

// nginxEscapes are the only ones that nginx knows: a backslash before anything
// else stays, as expressions need it.
// Source: ngx_conf_read_token in nginx 1.22's ngx_conf_file.c.
var nginxEscapes = strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`, `\t`, "\t", `\r`, "\r", `\n`, "\n")

// unescape turns what was written as a word into the word, and counts its lines.
func (l *nginxLexer) unescape(s string) string {
	l.line += strings.Count(s, "\n")
	return nginxEscapes.Replace(s)
}
