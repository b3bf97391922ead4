package evidence

import (
	"bytes"
	"testing"
	"time"
)

func TestRoundTripKeepsEveryKind(t *testing.T) {
	at := time.UnixMilli(1770000000123).UTC()
	var in []Record
	for _, k := range Kinds() {
		f, err := decoders[k]([]byte{0xa0}) // an empty CBOR map
		if err != nil {
			t.Fatalf("decode an empty %s: %v", k, err)
		}
		if f.Kind() != k {
			t.Fatalf("codec table: key %q decodes to kind %q", k, f.Kind())
		}
		in = append(in, Record{At: at, Source: "test", Fact: f})
	}
	var buf bytes.Buffer
	if err := Encode(&buf, in); err != nil {
		t.Fatal(err)
	}
	out, unknown, err := Decode(&buf)
	if err != nil || unknown != 0 || len(out) != len(in) {
		t.Fatalf("got %d records, %d unknown, err %v; want %d", len(out), unknown, err, len(in))
	}
	for i := range in {
		if out[i].Fact.Kind() != in[i].Fact.Kind() || !out[i].At.Equal(at) || out[i].Source != "test" {
			t.Errorf("record %d: got %+v, want %+v", i, out[i], in[i])
		}
	}
}
