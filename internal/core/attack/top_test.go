package attack

import (
	"math"
	"math/rand/v2"
	"testing"
)

// stream touches keys of a skewed stream and returns the exact counts.
func stream(t *top, rnd *rand.Rand, h hasher, n int, keys uint64) map[uint64]uint32 {
	exact := map[uint64]uint32{}
	for range n {
		k := uint64(math.Pow(rnd.Float64(), 4) * float64(keys)) // some are frequent, most are not
		exact[k]++
		t.touch(h.pair(k, 0))
	}
	return exact
}

// holdsBounds checks Space-Saving's promises bucket by bucket.
func holdsBounds(t *testing.T, s *top, h hasher, exact map[uint64]uint32) {
	t.Helper()
	load := map[uint64]uint32{} // what fell on each bucket
	for k, n := range exact {
		load[h.pair(k, 0)>>32&s.mask] += n
	}
	for k, n := range exact {
		hash := h.pair(k, 0)
		bucket := load[hash>>32&s.mask]
		i := s.find(hash)
		if i < 0 {
			if n > bucket/topWays {
				t.Fatalf("key %d with %d of %d is not there", k, n, bucket)
			}
			continue
		}
		if s.counts[i] < n || s.counts[i]-s.errs[i] > n || s.errs[i] > bucket/topWays {
			t.Fatalf("key %d: %d ± %d, exact %d, bucket %d", k, s.counts[i], s.errs[i], n, bucket)
		}
	}
}

func TestTopHoldsItsBounds(t *testing.T) {
	for seed := range uint64(8) {
		h, rnd := newHasher(seed), rand.New(rand.NewPCG(seed, 1))
		s := newTop(256)
		exact := stream(&s, rnd, h, 40_000, 5_000)
		holdsBounds(t, &s, h, exact)
		if s.forgot == 0 {
			t.Error("nothing was dropped: the test is too small")
		}
	}
}

func TestTopMerged(t *testing.T) {
	for seed := range uint64(8) {
		h, rnd := newHasher(seed), rand.New(rand.NewPCG(seed, 2))
		a, b := newTop(256), newTop(256)
		exact := stream(&a, rnd, h, 20_000, 5_000)
		for k, n := range stream(&b, rnd, h, 30_000, 5_000) {
			exact[k] += n
		}
		payload := make([]uint64, 256)
		copy(payload, a.tags)
		a.merge(&b, func(i, j int) {
			if a.tags[i] != b.tags[j] {
				t.Fatal("both: not the same key")
			}
		}, func(i, j int) { payload[i] = b.tags[j] })
		holdsBounds(t, &a, h, exact)
		for i, tag := range a.tags {
			if payload[i] != tag {
				t.Fatalf("slot %d holds what belongs to another key", i)
			}
		}
	}
}

func TestTopIsExactWhileThereIsRoom(t *testing.T) {
	h, rnd := newHasher(5), rand.New(rand.NewPCG(3, 3))
	s := newTop(4096)
	for k, n := range stream(&s, rnd, h, 20_000, 300) {
		if i := s.find(h.pair(k, 0)); i < 0 || s.counts[i] != n || s.errs[i] != 0 {
			t.Fatalf("key %d: not exact", k)
		}
	}
}

func TestDistinct(t *testing.T) {
	h := newHasher(9)
	for _, n := range []uint64{0, 1, 100, exactMost, exactMost + 1, 5000, 100_000, 3_000_000} {
		a, b := newDistinct(), newDistinct()
		for i := range n {
			a.add(h.pair(i, 1))
			if i%2 == 0 || i < 50 {
				b.add(h.pair(i, 1))
			}
		}
		a.add(h.pair(0, 1))
		if n == 0 {
			a = newDistinct()
		}
		if got, off := a.count(), math.Abs(float64(a.count())-float64(n)); n <= exactMost && off != 0 || off > 0.03*float64(n) {
			t.Errorf("%d: got %d", n, got)
		}
		before := a.count()
		a.merge(&b)
		if a.count() != before {
			t.Errorf("%d: merging a part of itself made %d of %d", n, a.count(), before)
		}
	}
}

func TestRegistersAndBitmap(t *testing.T) {
	h := newHasher(9)
	for _, n := range []uint64{1, 3, 10, 60, 1000, 100_000} {
		var r registers
		var b bitmap
		for i := range n {
			r.add(h.pair(i, 1))
			b.add(h.pair(i, 1))
		}
		if off := math.Abs(float64(r.count())-float64(n)) / float64(n); off > 0.4 {
			t.Errorf("registers: %d counted as %d", n, r.count())
		}
		if n <= 60 && math.Abs(float64(b.count())-float64(n)) > max(2, 0.3*float64(n)) {
			t.Errorf("bitmap: %d counted as %d", n, b.count())
		}
	}
}
