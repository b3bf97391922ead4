package evidence

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"time"
)

// scanner decodes the form of CBOR that Encode writes, several times faster
// than a general decoder and with one copy of each repeated text: an hour of a
// busy host is 100,000 facts, and a diagnosis has a second of CPU for all. It
// refuses what it does not expect; the general decoder then takes the record.
type scanner struct {
	b       []byte
	i       int
	texts   map[string]string
	targets map[string]*target
}

// maxTexts bounds the memory for texts that never repeat.
const maxTexts = 20_000

// target is a fact of one kind to decode into, used again for each.
type target struct {
	fact   reflect.Value
	fields []field
}

// field is one field of a struct under its wire key.
type field struct {
	key   string
	index int
	inner []field // of the structs in a slice
}

func newScanner() *scanner {
	return &scanner{texts: map[string]string{}, targets: map[string]*target{}}
}

// record decodes the first record of data; ok is false where it has another
// form. Its Fact is nil where the kind is unknown.
func (s *scanner) record(data []byte) (rec Record, rest []byte, ok bool) {
	s.b, s.i = data, 0
	if n, ok := s.head(4); !ok || n != 4 {
		return rec, nil, false
	}
	kind, ok1 := s.bytes(3)
	at, ok2 := s.int()
	source, ok3 := s.text()
	if !ok1 || !ok2 || !ok3 {
		return rec, nil, false
	}
	t := s.target(string(kind))
	if t == nil {
		ok = s.skip(0)
		return Record{}, s.b[s.i:], ok
	}
	t.fact.SetZero()
	if !s.object(t.fact, t.fields) {
		return rec, nil, false
	}
	f, is := reflect.TypeAssert[Fact](t.fact)
	return Record{At: time.UnixMilli(at).UTC(), Source: source, Fact: f}, s.b[s.i:], is
}

// target returns the target of a kind, or nil where the kind is unknown.
func (s *scanner) target(kind string) *target {
	if t, ok := s.targets[kind]; ok {
		return t
	}
	var t *target
	if d, ok := decoders[kind]; ok {
		if empty, err := d([]byte{0xa0}); err == nil { // an empty map
			typ := reflect.TypeOf(empty)
			t = &target{reflect.New(typ).Elem(), fieldsOf(typ)}
		}
	}
	s.targets[strings.Clone(kind)] = t
	return t
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("cbor"), ",")
		f := field{key: key, index: i}
		if e := t.Field(i).Type; e.Kind() == reflect.Slice && e.Elem().Kind() == reflect.Struct {
			f.inner = fieldsOf(e.Elem())
		}
		out = append(out, f)
	}
	return out
}

// head reads the head of an item of that major type and returns its argument.
func (s *scanner) head(major byte) (uint64, bool) {
	if s.i >= len(s.b) || s.b[s.i]>>5 != major {
		return 0, false
	}
	low := s.b[s.i] & 0x1f
	s.i++
	if low < 24 {
		return uint64(low), true
	}
	size := 1 << (low - 24)
	if low > 27 || len(s.b)-s.i < size {
		return 0, false
	}
	var n uint64
	for _, c := range s.b[s.i : s.i+size] {
		n = n<<8 | uint64(c)
	}
	s.i += size
	return n, true
}

// bytes reads a text (major type 3) or bytes (2) without a copy.
func (s *scanner) bytes(major byte) ([]byte, bool) {
	n, ok := s.head(major)
	if !ok || n > uint64(len(s.b)-s.i) {
		return nil, false
	}
	b := s.b[s.i : s.i+int(n)]
	s.i += int(n)
	return b, true
}

// text reads a text; equal ones share their memory.
func (s *scanner) text() (string, bool) {
	b, ok := s.bytes(3)
	if !ok || len(b) == 0 {
		return "", ok
	}
	if t, ok := s.texts[string(b)]; ok {
		return t, true
	}
	t := string(b)
	if len(s.texts) < maxTexts {
		s.texts[t] = t
	}
	return t, true
}

func (s *scanner) int() (int64, bool) {
	if s.i < len(s.b) && s.b[s.i]>>5 == 1 {
		n, ok := s.head(1)
		return -1 - int64(n), ok && n <= math.MaxInt64
	}
	n, ok := s.head(0)
	return int64(n), ok && n <= math.MaxInt64
}

// object reads a map into a struct. The keys come in the order of the fields,
// so the search goes on where the last one ended.
func (s *scanner) object(v reflect.Value, fields []field) bool {
	n, ok := s.head(5)
	if !ok {
		return false
	}
	next := 0
	for range n {
		key, ok := s.bytes(3)
		if !ok {
			return false
		}
		at := -1
		for k := next; k < len(fields); k++ {
			if fields[k].key == string(key) {
				at = k
				break
			}
		}
		if at < 0 {
			return false // a key of a newer hirune, or out of order
		}
		if !s.value(v.Field(fields[at].index), fields[at].inner) {
			return false
		}
		next = at + 1
	}
	return true
}

func (s *scanner) value(v reflect.Value, inner []field) bool {
	switch v.Kind() {
	case reflect.String:
		t, ok := s.text()
		v.SetString(t)
		return ok
	case reflect.Int, reflect.Int64:
		n, ok := s.int()
		v.SetInt(n)
		return ok
	case reflect.Uint64:
		n, ok := s.head(0)
		v.SetUint(n)
		return ok
	case reflect.Bool:
		n, ok := s.head(7)
		v.SetBool(n == 21)
		return ok && (n == 20 || n == 21)
	case reflect.Float64:
		return s.float(v)
	case reflect.Slice:
		return s.slice(v, inner)
	default: // no fact has a field of another kind
		return false
	}
}

// float reads a number of 64 bits, which is all that Encode writes.
func (s *scanner) float(v reflect.Value) bool {
	if s.i+9 > len(s.b) || s.b[s.i] != 0xfb {
		return false
	}
	v.SetFloat(math.Float64frombits(binary.BigEndian.Uint64(s.b[s.i+1:])))
	s.i += 9
	return true
}

func (s *scanner) slice(v reflect.Value, inner []field) bool {
	if s.i < len(s.b) && s.b[s.i] == 0xf6 { // null: a slice that was nil
		s.i++
		v.SetZero()
		return true
	}
	n, ok := s.head(4)
	if !ok || n > uint64(len(s.b)-s.i) { // each element takes a byte at least
		return false
	}
	out := reflect.MakeSlice(v.Type(), int(n), int(n))
	for k := range int(n) {
		e := out.Index(k)
		if inner != nil && !s.object(e, inner) || inner == nil && !s.value(e, nil) {
			return false
		}
	}
	v.Set(out)
	return true
}

// skip passes over one item of a fact of an unknown kind.
func (s *scanner) skip(depth int) bool {
	if s.i >= len(s.b) || depth > 8 {
		return false
	}
	switch major := s.b[s.i] >> 5; major {
	case 2, 3:
		_, ok := s.bytes(major)
		return ok
	case 4, 5:
		n, ok := s.head(major)
		if !ok || n > uint64(len(s.b)-s.i) {
			return false
		}
		for range n * uint64(major-3) { // a map has a key and a value each
			if !s.skip(depth + 1) {
				return false
			}
		}
		return true
	case 6:
		return false
	default:
		_, ok := s.head(major)
		return ok
	}
}
