package evidence

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// filled returns a fact of the kind with chance in each field.
func filled(t testing.TB, kind string, rnd *rand.Rand) Fact {
	empty, err := decoders[kind]([]byte{0xa0})
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.New(reflect.TypeOf(empty)).Elem()
	fill(v, rnd)
	f, ok := reflect.TypeAssert[Fact](v)
	if !ok {
		t.Fatalf("%s is no fact", kind)
	}
	return f
}

func fill(v reflect.Value, rnd *rand.Rand) {
	words := []string{"", "a", "SELECT ? FROM `wp_posts`", "昼寝", string(bytes.Repeat([]byte("x"), 300)), "not \xff UTF-8"}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words[rnd.IntN(len(words))])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, -1, 1, 23, 24, 255, 256, 70000, 1 << 40, -1 << 63, 1<<63 - 1}[rnd.IntN(11)])
	case reflect.Uint64:
		v.SetUint([]uint64{0, 1, 1 << 33, 1<<64 - 1}[rnd.IntN(4)])
	case reflect.Float64:
		v.SetFloat([]float64{0, -1, 0.1, 1e300}[rnd.IntN(4)])
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) == 1)
	case reflect.Slice:
		n := rnd.IntN(4)
		if n == 0 {
			return // nil: an empty slice may come back as nil
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), rnd)
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(f, rnd)
		}
	default:
		panic("a fact has a field of a kind that the scanner does not know: " + v.Type().String())
	}
}

func TestTheFastDecoderReadsWhatEncodeWrites(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, kind := range Kinds() {
		for range 50 {
			in := Record{At: time.UnixMilli(rnd.Int64N(1 << 41)).UTC(), Source: "test", Fact: filled(t, kind, rnd)}
			var b bytes.Buffer
			if err := Encode(&b, []Record{in}); err != nil {
				t.Fatal(err)
			}
			got, rest, ok := newScanner().record(b.Bytes())
			if !ok || len(rest) > 0 || !reflect.DeepEqual(got, in) {
				t.Fatalf("fast decoder (ok %t): got  %+v\nwant %+v", ok, got, in)
			}
			slow, rest, err := slowRecord(b.Bytes())
			if err != nil || len(rest) > 0 || !reflect.DeepEqual(slow, in) {
				t.Fatalf("general decoder: got  %+v, %v\nwant %+v", slow, err, in)
			}
		}
	}
}

func TestDecodeTakesOtherFormsToo(t *testing.T) {
	want := Record{At: time.UnixMilli(5).UTC(), Source: "x", Fact: ClockStep{StepMs: 7}}
	for name, b := range map[string][]byte{
		"a key of a newer version":   []byte("\x84\x65clock\x05\x61x\xa2\x61s\x07\x61z\x01"),
		"keys in another order":      []byte("\x84\x65clock\x05\x61x\xa2\x61z\x01\x61s\x07"),
		"a map of unknown length":    []byte("\x84\x65clock\x05\x61x\xbf\x61s\x07\xff"),
		"an array of unknown length": []byte("\x9f\x65clock\x05\x61x\xa1\x61s\x07\xff"),
	} {
		got, unknown, err := Decode(bytes.NewReader(b))
		if err != nil || unknown != 0 || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: got %+v, %d unknown, %v; want %+v", name, got, unknown, err, want)
		}
	}
	both := append([]byte("\x84\x68teleport\x05\x61x\xa1\x61q\x82\x01\xa1\x61a\xf4"), "\x84\x65clock\x05\x61x\xa1\x61s\x07"...)
	if got, unknown, err := Decode(bytes.NewReader(both)); err != nil || unknown != 1 || len(got) != 1 {
		t.Errorf("after an unknown kind: got %+v, %d unknown, %v", got, unknown, err)
	}
	if got, _, err := Decode(bytes.NewReader(both[:len(both)-1])); err == nil || len(got) != 0 {
		t.Errorf("cut short: got %+v and no error", got)
	}
}

func FuzzDecode(f *testing.F) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for _, k := range Kinds() {
		var b bytes.Buffer
		if err := Encode(&b, []Record{{At: time.UnixMilli(1), Source: "s", Fact: filled(f, k, rnd)}}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = Decode(bytes.NewReader(b))
		fast, rest, ok := newScanner().record(b)
		if !ok || fast.Fact == nil {
			return
		}
		slow, slowRest, err := slowRecord(b)
		if err != nil {
			return // the scanner checks less, such as the length of a simple value
		}
		if !reflect.DeepEqual(fast, slow) || len(rest) != len(slowRest) {
			t.Errorf("the decoders disagree on %x:\nfast %+v\nslow %+v", b, fast, slow)
		}
	})
}
