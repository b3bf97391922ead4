package recording

import (
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func at(s int) time.Time { return time.Unix(1_770_000_000+int64(s), 0).UTC() }

func probes(seconds ...int) []evidence.Record {
	var out []evidence.Record
	for _, s := range seconds {
		out = append(out, evidence.Record{At: at(s), Fact: evidence.Probe{TookMs: int64(s)}})
	}
	return out
}

func took(w Window) []int64 {
	var out []int64
	for _, p := range All[evidence.Probe](w) {
		out = append(out, p.TookMs)
	}
	return out
}

func TestWindowSortsAndCuts(t *testing.T) {
	w := New(probes(9, 3, 5, 1, 7))
	if !w.From.Equal(at(1)) || !w.To.Equal(at(9)) || len(took(w)) != 5 {
		t.Fatalf("got %v to %v with %v", w.From, w.To, took(w))
	}
	for name, c := range map[string]struct {
		from, to int
		want     int
	}{
		"inner, both ends in":       {3, 7, 3},
		"before the recording":      {-9, 0, 0},
		"after the recording":       {10, 20, 0},
		"to before from":            {7, 3, 0},
		"begins before, ends after": {-9, 20, 5},
	} {
		if got := took(w.Between(at(c.from), at(c.to))); len(got) != c.want {
			t.Errorf("%s: got %v, want %d facts", name, got, c.want)
		}
	}
}

func TestLookUpsBeyondTheWindow(t *testing.T) {
	w := New(append(probes(1, 2, 8), evidence.Record{At: at(0), Fact: evidence.Site{Name: "blog"}}))
	narrow := w.Between(at(7), at(9))
	if n := Count[evidence.Site](narrow); n != 0 {
		t.Errorf("in the window: got %d sites, want 0", n)
	}
	n := 0
	for range Ever[evidence.Site](narrow) {
		n++
	}
	if n != 1 || !narrow.Whole().Has("site") || narrow.Has("site") {
		t.Errorf("ever: got %d sites, want 1", n)
	}
	if p, when, ok := Last(w, func(p evidence.Probe) bool { return p.TookMs < 5 }); !ok || p.TookMs != 2 || !when.Equal(at(2)) {
		t.Errorf("last below 5: got %v at %v, %v", p, when, ok)
	}
	if !New(nil).Empty() || w.Empty() {
		t.Error("only the window without records is empty")
	}
}
