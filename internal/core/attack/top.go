package attack

// topWays is how many keys share a bucket: eight hashes fill one cache line.
const topWays = 8

// top finds the most frequent keys of a stream in a fixed number of slots. It
// is Space-Saving (Metwally et al. 2005) in buckets: a key belongs to one
// bucket by its hash, and each bucket of topWays slots is a Space-Saving
// summary of its own part of the stream. So a touch costs one cache line and
// no list or heap is kept. Of the part of length n that falls on a bucket:
// a count is never too low and too high by at most errs, which is at most
// n/topWays; who is more than n/topWays of it is there.
//
// A key is its seeded 64-bit hash; what belongs to it lies in a slice of the
// caller's, at the index that touch returns.
type top struct {
	tags   []uint64 // 0: free
	counts []uint32
	errs   []uint32
	mask   uint64
	forgot int64 // keys that were dropped for others
}

// newTop makes one of n slots, a power of two of at least topWays.
func newTop(n int) top {
	return top{tags: make([]uint64, n), counts: make([]uint32, n), errs: make([]uint32, n), mask: uint64(n/topWays - 1)}
}

// tagOf is the hash as it is kept: never 0, which means free.
func tagOf(h uint64) uint64 { return max(h, 1) }

// touch counts a key and returns its slot. Where it is fresh, the slot is new
// to the key, and what the caller has there is another's.
func (t *top) touch(h uint64) (slot int, fresh bool) {
	tag := tagOf(h)
	base := int(h>>32&t.mask) * topWays
	tags := t.tags[base : base+topWays : base+topWays]
	for i, have := range tags {
		if have == tag {
			t.counts[base+i] = satAdd(t.counts[base+i], 1)
			return base + i, false
		}
	}
	return t.replace(base, tag), true
}

func (t *top) replace(base int, tag uint64) int {
	least := base
	for i := base; i < base+topWays; i++ {
		if t.tags[i] == 0 {
			least = i
			break
		}
		if t.counts[i] < t.counts[least] {
			least = i
		}
	}
	if t.tags[least] != 0 {
		t.forgot++
		t.errs[least] = t.counts[least]
	}
	t.tags[least] = tag
	t.counts[least] = satAdd(t.counts[least], 1)
	return least
}

// find returns the slot of a key, -1 where it is not kept.
func (t *top) find(h uint64) int {
	tag := tagOf(h)
	base := int(h>>32&t.mask) * topWays
	for i := base; i < base+topWays; i++ {
		if t.tags[i] == tag {
			return i
		}
	}
	return -1
}

// least is the bound of what a key that the bucket does not hold may count.
func (t *top) least(base int) uint32 {
	low := t.counts[base]
	for i := base; i < base+topWays; i++ {
		if t.tags[i] == 0 {
			return 0
		}
		low = min(low, t.counts[i])
	}
	return low
}

// merge adds another one of the same size and seed. both says that slot of t
// and slot from of u hold the same key; take says that slot of t now holds
// what from of u held. What the caller keeps is moved by them. Source:
// Agarwal et al., "Mergeable Summaries", 2012.
func (t *top) merge(u *top, both, take func(slot, from int)) {
	t.forgot += u.forgot
	for base := 0; base < len(t.tags); base += topWays {
		t.mergeBucket(u, base, both, take)
	}
}

func (t *top) mergeBucket(u *top, base int, both, take func(slot, from int)) {
	mine, theirs := t.least(base), u.least(base)
	var matched [topWays]bool // slots of u
	for i := base; i < base+topWays; i++ {
		if t.tags[i] == 0 {
			continue
		}
		j := u.within(base, t.tags[i])
		if j < 0 {
			t.counts[i], t.errs[i] = satAdd(t.counts[i], theirs), satAdd(t.errs[i], theirs)
			continue
		}
		matched[j-base] = true
		t.counts[i], t.errs[i] = satAdd(t.counts[i], u.counts[j]), satAdd(t.errs[i], u.errs[j])
		both(i, j)
	}
	for j := base; j < base+topWays; j++ {
		if u.tags[j] != 0 && !matched[j-base] {
			t.adopt(u, base, j, mine, take)
		}
	}
}

// adopt takes a key of u in, if it counts more than the least in the bucket.
func (t *top) adopt(u *top, base, j int, mine uint32, take func(slot, from int)) {
	count := satAdd(u.counts[j], mine)
	low := base
	for i := base; i < base+topWays; i++ {
		if t.tags[i] == 0 {
			low = i
			break
		}
		if t.counts[i] < t.counts[low] {
			low = i
		}
	}
	if t.tags[low] != 0 {
		t.forgot++
		if t.counts[low] >= count {
			return
		}
	}
	t.tags[low], t.counts[low], t.errs[low] = u.tags[j], count, satAdd(u.errs[j], mine)
	take(low, j)
}

func (t *top) within(base int, tag uint64) int {
	for j := base; j < base+topWays; j++ {
		if t.tags[j] == tag {
			return j
		}
	}
	return -1
}

// satAdd adds without running over.
func satAdd(a, b uint32) uint32 {
	if s := a + b; s >= a {
		return s
	}
	return ^uint32(0)
}
