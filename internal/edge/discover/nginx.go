package discover

import (
	"fmt"
	"path"
	"strings"
)

// ngxDirective is one directive of an nginx configuration with its block.
type ngxDirective struct {
	Name  string
	Args  []string
	Block []ngxDirective // nil without one
}

// parseNginx reads an nginx configuration and puts what it includes in the
// place of the include. Relative includes are taken from the main file's
// directory. A file that cannot be read is an error and the rest goes on.
func parseNginx(t tree, file string) ([]ngxDirective, []error) {
	r := ngxReader{tree: t, dir: path.Dir(file), left: maxFiles}
	return r.file(file, 0), r.errs
}

type ngxReader struct {
	tree tree
	dir  string
	left int
	errs []error
}

func (r *ngxReader) file(name string, depth int) []ngxDirective {
	if r.left == 0 || depth > maxDepth {
		return nil
	}
	r.left--
	b, err := r.tree.read(name)
	if err != nil {
		r.errs = append(r.errs, err)
		return nil
	}
	ds, err := parseNginxText(string(b))
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("parse %s: %w", name, err))
	}
	return r.expand(ds, depth)
}

func (r *ngxReader) expand(ds []ngxDirective, depth int) []ngxDirective {
	var out []ngxDirective
	for _, d := range ds {
		if d.Name == "include" && len(d.Args) == 1 {
			for _, f := range r.tree.glob(abs(r.dir, d.Args[0])) {
				out = append(out, r.file(f, depth+1)...)
			}
			continue
		}
		d.Block = r.expand(d.Block, depth)
		out = append(out, d)
	}
	return out
}

// parseNginxText parses one file's text. On a fault it returns what came before.
func parseNginxText(text string) ([]ngxDirective, error) {
	l := ngxLexer{text: text, line: 1}
	ds, err := l.block(0)
	return ds, err
}

type ngxLexer struct {
	text string
	pos  int
	line int
}

// block parses directives up to the closing brace of its level.
func (l *ngxLexer) block(level int) ([]ngxDirective, error) {
	if level > 50 {
		return nil, fmt.Errorf("line %d: blocks are nested too deep", l.line)
	}
	out := []ngxDirective{}
	var words []string
	for {
		word, kind := l.next()
		switch kind {
		case ngxWord:
			words = append(words, word)
		case ngxEnd:
			if level > 0 || len(words) > 0 {
				return out, fmt.Errorf("line %d: unexpected end", l.line)
			}
			return out, nil
		case '}':
			if level == 0 {
				return out, fmt.Errorf("line %d: unexpected }", l.line)
			}
			return out, nil
		case ';':
			if len(words) > 0 {
				out = append(out, ngxDirective{Name: words[0], Args: words[1:]})
			}
			words = nil
		case '{':
			d, err := l.open(words, level)
			out = append(out, d)
			if err != nil {
				return out, err
			}
			words = nil
		}
	}
}

func (l *ngxLexer) open(words []string, level int) (ngxDirective, error) {
	d := ngxDirective{Block: []ngxDirective{}}
	if len(words) > 0 {
		d.Name, d.Args = words[0], words[1:]
	}
	if strings.HasSuffix(d.Name, "_by_lua_block") {
		l.skipBraces()
		return d, nil
	}
	var err error
	d.Block, err = l.block(level + 1)
	return d, err
}

// skipBraces passes over a program in another language.
func (l *ngxLexer) skipBraces() {
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

const (
	ngxEnd  = 0
	ngxWord = 'w'
)

// next returns the next word, or one of ; { } as its kind.
func (l *ngxLexer) next() (string, byte) {
	l.space()
	if l.pos >= len(l.text) {
		return "", ngxEnd
	}
	switch c := l.text[l.pos]; c {
	case ';', '{', '}':
		l.pos++
		return "", c
	case '"', '\'':
		return l.quoted(c), ngxWord
	}
	var b strings.Builder
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case c == '$' && strings.HasPrefix(l.text[l.pos:], "${"): // its braces belong to the word
			end := strings.IndexByte(l.text[l.pos:], '}')
			if end < 0 {
				end = len(l.text) - l.pos - 1
			}
			b.WriteString(l.text[l.pos : l.pos+end+1])
			l.pos += end + 1
			continue
		case strings.IndexByte(" \t\r\n;{}", c) >= 0:
			return b.String(), ngxWord
		case c == '\\' && l.pos+1 < len(l.text):
			l.pos++
			c = l.text[l.pos]
		}
		b.WriteByte(c)
		l.pos++
	}
	return b.String(), ngxWord
}

func (l *ngxLexer) space() {
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

func (l *ngxLexer) quoted(quote byte) string {
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

// find returns the directives of a block with that name.
func find(ds []ngxDirective, name string) []ngxDirective {
	var out []ngxDirective
	for _, d := range ds {
		if d.Name == name {
			out = append(out, d)
		}
	}
	return out
}

// last returns the first argument of the last directive with that name.
func last(ds []ngxDirective, name string) (string, bool) {
	v, ok := "", false
	for _, d := range ds {
		if d.Name == name && len(d.Args) > 0 {
			v, ok = d.Args[0], true
		}
	}
	return v, ok
}
