package attack

import (
	"math/rand/v2"
	"testing"
)

func TestBurst(t *testing.T) {
	for _, c := range []struct {
		name       string
		at         []uint32
		peak, most uint32
	}{
		{"none", nil, 0, 0},
		{"one slot", []uint32{7, 7, 7}, 3, 3},
		{"two neighbours", []uint32{7, 7, 8, 8, 8}, 5, 3},
		{"a gap", []uint32{7, 7, 9, 9, 9}, 3, 3},
		{"late lines", []uint32{7, 8, 7, 8, 7, 8}, 6, 3},
		{"the worst is over", []uint32{1, 1, 1, 1, 5, 9, 12}, 4, 4},
	} {
		var b burst
		for _, at := range c.at {
			b.add(at, 1)
		}
		if b.peak != c.peak || b.most != c.most {
			t.Errorf("%s: got %d and %d, want %d and %d", c.name, b.peak, b.most, c.peak, c.most)
		}
	}
}

// TestBurstsOfPartsAreTheBurstOfTheWhole cuts streams anywhere.
func TestBurstsOfPartsAreTheBurstOfTheWhole(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for range 2000 {
		n := 1 + rnd.IntN(40)
		var all []uint32
		at := uint32(100)
		for range n {
			if rnd.IntN(3) == 0 {
				at += uint32(rnd.IntN(3))
			}
			all = append(all, at)
		}
		var whole, joined burst
		for _, at := range all {
			whole.add(at, 1)
		}
		for from := 0; from < n; {
			to := min(from+1+rnd.IntN(12), n)
			var part burst
			for _, at := range all[from:to] {
				part.add(at, 1)
			}
			joined.merge(&part)
			from = to
		}
		if joined != whole {
			t.Fatalf("%v: joined %+v, whole %+v", all, joined, whole)
		}
	}
}

func TestTimeline(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	for _, span := range []int{600, 86400, 30 * 86400, 400 * 86400} {
		a, b := newTimeline(), newTimeline()
		var in, all int64
		from, to := uint32(start+span/4), uint32(start+span/2)
		for range 20_000 {
			at := uint32(start + rnd.IntN(span))
			l := &a
			if at > uint32(start+span/3) {
				l = &b
			}
			s := l.at(at)
			s.requests++
			s.tookUs += 10
			all++
			if at >= from && at <= to {
				in++
			}
		}
		a.merge(&b)
		sum := a.during(0, 1<<32-1, 0)
		if sum.Requests != all || sum.TookUs != all*10 {
			t.Errorf("span %d: got %+v, want %d", span, sum, all)
		}
		length := int64(minuteLen) << a.shift
		if got := a.during(from, to, 0).Requests; got < in || got > in+all*2*length/int64(span)+200 {
			t.Errorf("span %d: got %d between, want %d; a stretch is %d s", span, got, in, length)
		}
	}
	l := newTimeline()
	l.at(start).requests++
	if l.at(1) != nil {
		t.Error("1970 and 2025 fit into one line")
	}
}
