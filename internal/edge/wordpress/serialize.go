package wordpress

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	phpDepth = 32
	phpItems = 1 << 20
)

// ErrSerialized says that a text is not what PHP's serialize writes.
var ErrSerialized = errors.New("not a serialized PHP value")

// Pair is one element of an array.
type Pair struct {
	Key   string // integers as decimal digits
	Value any
}

// Array is a PHP array in its order; an object is read as the array of its
// properties, and is never made.
type Array []Pair

// Get returns the element with the key, or nil.
func (a Array) Get(key string) any {
	for _, p := range a {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// Unserialize reads a value that PHP's serialize wrote: nil, bool, int64,
// float64, string or Array. References become nil. Depth and number of
// elements are bounded; the error wraps ErrSerialized.
func Unserialize(s string) (any, error) {
	p := phpReader{s: s, items: phpItems}
	v, err := p.value(0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w at byte %d of %d", ErrSerialized, err, len(s)-len(p.s), len(s))
	}
	return v, nil
}

// eachOf reads an array that PHP's serialize wrote, one element after the other,
// and calls f for each. Its errors are those of Unserialize.
func eachOf(s string, f func(Pair)) error {
	p := phpReader{s: s, items: phpItems}
	err := p.each(f)
	if err != nil {
		return fmt.Errorf("%w: %w at byte %d of %d", ErrSerialized, err, len(s)-len(p.s), len(s))
	}
	return nil
}

func (p *phpReader) each(f func(Pair)) error {
	if len(p.s) < 2 {
		return errCut
	}
	if p.s[:2] != "a:" {
		return errWrong
	}
	p.s = p.s[2:]
	return p.elements(0, f)
}

type phpReader struct {
	s     string
	items int
}

var (
	errCut   = errors.New("it ends too early")
	errDeep  = errors.New("it is nested too deeply")
	errMany  = errors.New("it has too many elements")
	errWrong = errors.New("unexpected text")
)

func (p *phpReader) value(depth int) (any, error) {
	if depth > phpDepth {
		return nil, errDeep
	}
	if p.items--; p.items < 0 {
		return nil, errMany
	}
	if len(p.s) < 2 {
		return nil, errCut
	}
	tag := p.s[0]
	if tag == 'N' && p.s[1] == ';' {
		p.s = p.s[2:]
		return nil, nil
	}
	if p.s[1] != ':' {
		return nil, errWrong
	}
	p.s = p.s[2:]
	switch tag {
	case 'i', 'b', 'd', 'r', 'R':
		return p.scalar(tag)
	case 's':
		s, err := p.quoted()
		if err == nil {
			err = p.expect(";")
		}
		return s, err
	case 'E':
		_, err := p.quoted()
		if err == nil {
			err = p.expect(";")
		}
		return nil, err
	case 'O':
		if _, err := p.quoted(); err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		return p.array(depth)
	case 'a':
		return p.array(depth)
	}
	return nil, errWrong
}

func (p *phpReader) scalar(tag byte) (any, error) {
	text, err := p.until(';')
	if err != nil {
		return nil, err
	}
	switch tag {
	case 'i':
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errWrong
		}
		return n, nil
	case 'b':
		return text == "1", nil
	case 'd':
		f, err := strconv.ParseFloat(text, 64) // also INF and NAN
		if err != nil {
			return nil, errWrong
		}
		return f, nil
	}
	return nil, nil
}

// quoted reads 5:"hello"; the length counts bytes.
func (p *phpReader) quoted() (string, error) {
	n, err := p.count()
	if err != nil {
		return "", err
	}
	if n > len(p.s)-2 {
		return "", errCut
	}
	if p.s[0] != '"' || p.s[n+1] != '"' {
		return "", errWrong
	}
	s := p.s[1 : n+1]
	p.s = p.s[n+2:]
	return s, nil
}

func (p *phpReader) array(depth int) (Array, error) {
	out := Array{}
	err := p.elements(depth, func(v Pair) { out = append(out, v) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// elements reads the elements of an array, from its length on.
func (p *phpReader) elements(depth int, f func(Pair)) error {
	n, err := p.count()
	if err != nil {
		return err
	}
	if err := p.expect("{"); err != nil {
		return err
	}
	if n > len(p.s)/4 { // an element takes more than that
		return errCut
	}
	for range n {
		k, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		switch k := k.(type) {
		case int64:
			f(Pair{strconv.FormatInt(k, 10), v})
		case string:
			f(Pair{k, v})
		default:
			return errWrong
		}
	}
	return p.expect("}")
}

func (p *phpReader) count() (int, error) {
	text, err := p.until(':')
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errWrong
	}
	return int(n), nil
}

func (p *phpReader) until(end byte) (string, error) {
	i := strings.IndexByte(p.s, end)
	if i < 0 || i > 64 {
		return "", errCut
	}
	text := p.s[:i]
	p.s = p.s[i+1:]
	return text, nil
}

func (p *phpReader) expect(s string) error {
	if !strings.HasPrefix(p.s, s) {
		return errWrong
	}
	p.s = p.s[len(s):]
	return nil
}
