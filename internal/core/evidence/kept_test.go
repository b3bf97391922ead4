package evidence

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the samples that are missing; none is ever written anew")

// kept is where the samples of this version of the encoding lie. They are what
// old tapes are made of, so a change that cannot read them breaks tapes.
const kept = "testdata/v1"

func keptRecord(f Fact) Record {
	return Record{At: time.UnixMilli(1770000000123).UTC(), Source: "kept", Fact: f}
}

func TestEveryKindIsStillReadFromItsKeptSample(t *testing.T) {
	var have []string
	for _, f := range keptFacts {
		have = append(have, f.Kind())
		t.Run(f.Kind(), func(t *testing.T) {
			want := keptRecord(f)
			got, unknown, err := Decode(bytes.NewReader(sample(t, want)))
			if err != nil || unknown != 0 || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("got  %+v, %d unknown, %v\nwant %+v\na kept sample must stay readable: give a changed field a new key", got, unknown, err, want)
			}
		})
	}
	slices.Sort(have)
	if !slices.Equal(have, Kinds()) {
		t.Errorf("got  samples of %v\nwant one of each kind: %v\nadd a value to keptFacts, then run: go test ./internal/core/evidence -update", have, Kinds())
	}
}

// sample returns the bytes that were kept of a record; with -update it makes
// them where there are none.
func sample(t *testing.T, r Record) []byte {
	t.Helper()
	file := filepath.Join(kept, r.Fact.Kind()+".cbor")
	b, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) || !*update {
		if err != nil {
			t.Fatalf("read a kept sample: %v\nto make it: go test ./internal/core/evidence -update", err)
		}
		return b
	}
	if field := empty(reflect.ValueOf(r.Fact), r.Fact.Kind()); field != "" {
		t.Fatalf("%s has no value: the sample would not keep it", field)
	}
	var out bytes.Buffer
	if err := Encode(&out, []Record{r}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// empty names a field that has no value, or "".
func empty(v reflect.Value, name string) string {
	switch {
	case v.Kind() == reflect.Slice && v.Len() > 0:
		return empty(v.Index(0), name)
	case v.Kind() == reflect.Struct:
		for f, inner := range v.Fields() {
			if missing := empty(inner, name+"."+f.Name); missing != "" {
				return missing
			}
		}
	case v.IsZero() || v.Kind() == reflect.Slice:
		return name
	}
	return ""
}

func TestNoKeptSampleIsWithoutItsKind(t *testing.T) {
	files, err := filepath.Glob(kept + "/*.cbor")
	if err != nil || len(files) < len(Kinds()) {
		t.Fatalf("got %d samples in %s (%v), want at least %d", len(files), kept, err, len(Kinds()))
	}
	for _, f := range files {
		if kind := strings.TrimSuffix(filepath.Base(f), ".cbor"); !slices.Contains(Kinds(), kind) {
			t.Errorf("%s: no fact is of kind %q any more, but tapes have it: kinds are kept for ever", f, kind)
		}
	}
}
