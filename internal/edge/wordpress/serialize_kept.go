package wordpress

import (
	"fmt"
	"strconv"
	"strings"
)

// kept is a serialized value that can be written again byte for byte: an array
// by its elements, anything else as its text.
type kept struct {
	array bool
	items []keptItem
	raw   string // of what is no array
}

// keptItem is one element of an array.
type keptItem struct {
	key    string
	number bool // the key is an integer
	value  *kept
}

// at is the place of a key, or -1. PHP makes integers of decimal keys, so the
// two kinds cannot meet.
func (v *kept) at(key string) int {
	for i, it := range v.items {
		if it.key == key {
			return i
		}
	}
	return -1
}

// readKept reads a whole option. Objects, enumerations and references are
// errors: what is not understood is not written.
func readKept(s string) (*kept, error) {
	p := phpReader{s: s, items: phpItems}
	v, err := p.kept(0)
	if err == nil && p.s != "" {
		err = errWrong
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w at byte %d of %d", ErrSerialized, err, len(s)-len(p.s), len(s))
	}
	return v, nil
}

func (p *phpReader) kept(depth int) (*kept, error) {
	if strings.HasPrefix(p.s, "a:") {
		return p.keptArray(depth)
	}
	if p.s == "" || !strings.ContainsRune("Nibds", rune(p.s[0])) {
		return nil, errWrong
	}
	before := p.s
	if _, err := p.value(depth); err != nil {
		return nil, err
	}
	return &kept{raw: before[:len(before)-len(p.s)]}, nil
}

func (p *phpReader) keptArray(depth int) (*kept, error) {
	if depth > phpDepth {
		return nil, errDeep
	}
	before := p.s
	p.s = p.s[len("a:"):]
	n, err := p.count()
	if err != nil {
		return nil, err
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	if head := before[:len(before)-len(p.s)]; head != arrayHead(n) || n > len(p.s)/4 {
		return nil, errWrong
	}
	v := &kept{array: true}
	seen := make(map[string]bool, min(n, 1024))
	for range n {
		it, err := p.keptItem(depth + 1)
		if err != nil {
			return nil, err
		}
		if seen[it.key] {
			return nil, errWrong
		}
		seen[it.key] = true
		v.items = append(v.items, it)
	}
	return v, p.expect("}")
}

// keptItem reads a key in the one form that PHP writes, and its value.
func (p *phpReader) keptItem(depth int) (keptItem, error) {
	before := p.s
	k, err := p.value(depth)
	if err != nil {
		return keptItem{}, err
	}
	it := keptItem{}
	switch k := k.(type) {
	case int64:
		it.key, it.number = strconv.FormatInt(k, 10), true
	case string:
		it.key = k
	default:
		return keptItem{}, errWrong
	}
	if before[:len(before)-len(p.s)] != it.keyText() || !it.number && decimal(it.key) {
		return keptItem{}, errWrong
	}
	it.value, err = p.kept(depth)
	return it, err
}

// decimal reports whether PHP would have made an integer of the key.
func decimal(key string) bool {
	n, err := strconv.ParseInt(key, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == key
}

func (it keptItem) keyText() string {
	if it.number {
		return "i:" + it.key + ";"
	}
	return "s:" + strconv.Itoa(len(it.key)) + `:"` + it.key + `";`
}

func arrayHead(n int) string { return "a:" + strconv.Itoa(n) + ":{" }

func (v *kept) write(b *strings.Builder) {
	if !v.array {
		b.WriteString(v.raw)
		return
	}
	b.WriteString(arrayHead(len(v.items)))
	for _, it := range v.items {
		b.WriteString(it.keyText())
		it.value.write(b)
	}
	b.WriteByte('}')
}
