package webserver

import (
	"fmt"
	"path/filepath"
	"strings"
)

// directive is one directive of an nginx configuration, with where it stands.
type directive struct {
	name  string
	args  []string
	block []directive // what it holds: of an include the files' own
	has   bool        // it has a block of its own
	file  string
	line  int  // from 1
	first bool // nothing stands before it on its line
}

// readNginx reads an nginx configuration with what it includes. Relative
// includes are taken from the main file's directory. Only the main file has to
// be readable.
func readNginx(file string) ([]directive, error) {
	r := nginxReader{dir: filepath.Dir(file), left: configFiles}
	return r.file(file, 0)
}

type nginxReader struct {
	dir  string
	left int
}

func (r *nginxReader) file(name string, depth int) ([]directive, error) {
	if r.left == 0 || depth > configDepth {
		return nil, nil
	}
	r.left--
	text, err := readConfig(name)
	if err != nil {
		return nil, err
	}
	ds, err := parseNginx(name, text)
	r.expand(ds, depth)
	return ds, err
}

func (r *nginxReader) expand(ds []directive, depth int) {
	for i := range ds {
		d := &ds[i]
		if d.name != "include" || len(d.args) != 1 {
			r.expand(d.block, depth)
			continue
		}
		pattern := under(r.dir, d.args[0])
		files := []string{pattern}
		if strings.ContainsAny(pattern, "*?[") {
			files, _ = filepath.Glob(pattern)
		}
		for _, f := range files {
			if strings.HasPrefix(filepath.Base(f), ".") && !strings.HasPrefix(filepath.Base(pattern), ".") {
				continue
			}
			in, _ := r.file(f, depth+1) // the server's own test says what is wrong with it
			d.block = append(d.block, in...)
		}
	}
}

// parseNginx parses one file's text. On a fault it returns what came before.
func parseNginx(file, text string) ([]directive, error) {
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
	ngxEnd  = 0
	ngxWord = 'w'
)

// parse reads directives up to the closing brace of its level.
func (l *nginxLexer) parse(level int) ([]directive, error) {
	if level > 50 {
		return nil, fmt.Errorf("line %d: blocks are nested too deep", l.line)
	}
	out := []directive{}
	var words []token
	for {
		t := l.next()
		switch t.kind {
		case ngxWord:
			words = append(words, t)
		case ngxEnd:
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
				out = append(out, l.of(words))
			}
			words = nil
		case '{':
			d := l.of(words)
			d.has = true
			var err error
			if strings.HasSuffix(d.name, "_by_lua_block") {
				l.skipBraces()
			} else {
				d.block, err = l.parse(level + 1)
			}
			if out = append(out, d); err != nil {
				return out, err
			}
			words = nil
		}
	}
}

func (l *nginxLexer) of(words []token) directive {
	d := directive{file: l.file, line: l.line}
	for i, w := range words {
		if i == 0 {
			d.name, d.line, d.first = w.text, w.line, w.first
			continue
		}
		d.args = append(d.args, w.text)
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
		return t
	case '"', '\'':
		t.kind, t.text = ngxWord, l.quoted(c)
		return t
	}
	t.kind, t.text = ngxWord, l.word()
	return t
}

// alone reports whether only blanks stand before the position on its line.
func (l *nginxLexer) alone() bool {
	start := strings.LastIndexByte(l.text[:l.pos], '\n') + 1
	return strings.TrimLeft(l.text[start:l.pos], " \t\r") == ""
}

func (l *nginxLexer) word() string {
	var b strings.Builder
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case c == '$' && strings.HasPrefix(l.text[l.pos:], "${"): // its braces belong to the word
			end := strings.IndexByte(l.text[l.pos:], '}')
			if end < 0 {
				end = len(l.text) - l.pos - 1
			}
			l.line += strings.Count(l.text[l.pos:l.pos+end+1], "\n")
			b.WriteString(l.text[l.pos : l.pos+end+1])
			l.pos += end + 1
			continue
		case strings.IndexByte(" \t\r\n;{}", c) >= 0:
			return b.String()
		case c == '\\' && l.pos+1 < len(l.text):
			b.WriteByte(c)
			l.pos++
			c = l.text[l.pos]
		}
		if c == '\n' {
			l.line++
		}
		b.WriteByte(c)
		l.pos++
	}
	return b.String()
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

func (l *nginxLexer) quoted(quote byte) string {
	var b strings.Builder
	for l.pos++; l.pos < len(l.text); l.pos++ {
		c := l.text[l.pos]
		if c == '\n' {
			l.line++
		}
		if c == quote {
			l.pos++
			break
		}
		if c == '\\' && l.pos+1 < len(l.text) && strings.IndexByte(`"'\`, l.text[l.pos+1]) >= 0 {
			l.pos++
			c = l.text[l.pos]
		}
		b.WriteByte(c)
	}
	return b.String()
}

// flat yields the directives of a block with those of the files that it
// includes in the include's place.
func flat(ds []directive) []directive {
	var out []directive
	for _, d := range ds {
		if d.name == "include" && !d.has {
			out = append(out, flat(d.block)...)
			continue
		}
		out = append(out, d)
	}
	return out
}

// named are the directives of a block with that name.
func named(ds []directive, name string) []directive {
	var out []directive
	for _, d := range flat(ds) {
		if d.name == name {
			out = append(out, d)
		}
	}
	return out
}

// value is the first argument of a block's last directive with that name.
func value(ds []directive, name string) string {
	v := ""
	for _, d := range named(ds, name) {
		if len(d.args) > 0 {
			v = d.args[0]
		}
	}
	return v
}
