package attack

import (
	"maps"
	"slices"
)

// The refusals of xmlrpc.php are one fixed text, so under an attack nearly all
// answers have one size. It differs from site to site by the language, by
// compression and by whether the log counts headers: it is learned.
const (
	// A client that hammers: so many answers of one size, and a fair part of its
	// own; a text that is changed in the middle makes two.
	hammerAnswers = 20
	hammerShare   = 0.25
	hammerBurst   = 20
	// Or a size that so many clients got who do nothing else.
	sharedActors  = 10
	sharedAnswers = 30
	// Few clients that go on for days, none of them fast: that is how the table of
	// a security plugin fills up unnoticed. One alone may be a program of the
	// owner's that always gets the same answer.
	steadyActors  = 3
	steadyAnswers = 300
	// An app that is opened makes a dozen calls at once; none makes a hundred.
	appHammers = 100
	// Few texts refuse; more sizes than these are something else.
	faultsMost = 64
	// A refusal has 370 bytes of body at least, and compressed by gzip some 230; the
	// answer to a post that was published has 160. Other compressions make it
	// smaller: between the two bounds a size is that of a refusal only where so many
	// clients get it, or one so often, as nobody publishes posts.
	faultLeast    = 200
	faultSmallest = 100
	manyPosts     = 400 // by one client,
	fastPosts     = 200 // and in one burst
	// The fault of pingback.ping has an empty text: fault code 0 in 370 bytes of
	// body in every language (WordPress 6.1; "200 370" stands in three independent
	// logs). Where headers are counted, too, it is told by how much smaller it is
	// than the refusal of a log-in, in English and in Japanese.
	pingBody    = 370
	pingLess    = 403 - pingBody
	pingLessJa  = 441 - pingBody
	pingJitter  = 2
	pingAnswers = 3
)

// sizeSeen is how often a size came.
type sizeSeen struct {
	actors  int
	answers uint64
	hammers int
}

func (s *sizeSeen) add(o *sizeSeen) {
	s.actors, s.answers, s.hammers = s.actors+o.actors, s.answers+o.answers, s.hammers+o.hammers
}

// refusal reports whether a size that came so often is that of a refusal.
func (s *sizeSeen) refusal(size int32) bool {
	switch {
	case size < faultLeast:
		return s.hammers > 0 || s.actors >= sharedActors && s.answers >= sharedAnswers
	case s.hammers > 0, s.actors >= sharedActors && s.answers >= sharedAnswers, s.actors >= steadyActors && s.answers >= steadyAnswers:
		return true
	case slices.ContainsFunc(usualFaults, func(f int32) bool { return about(size, f) }):
		return s.actors > 0 && s.answers >= sharedAnswers
	}
	return false
}

// sizeCounts counts by size.
type sizeCounts map[int32]uint64

// near sums the sizes that are about one.
func (c sizeCounts) near(size int32) (n uint64) {
	for d := int32(-sizeNear); d <= sizeNear; d++ {
		n += c[size+d]
	}
	return n
}

// trusted reports whether a caller is what gets answers by right: of apps and
// blogs that is their word, and holds while they do not hammer.
func (s *suspect) trusted() bool {
	switch s.kind {
	case kindJetpack:
		return jetpackNet.Contains(s.unit.addr()) || s.burst.peak < appHammers
	case kindApp, kindBlog:
		return s.burst.peak < appHammers
	default:
		return s.admin > 0
	}
}

// learnSizes finds the sizes of refusals.
func (c *court) learnSizes() {
	by := map[int32]*sizeSeen{}
	for _, s := range c.of[groupXMLRPC] {
		if !s.trusted() {
			c.seeSizes(by, s)
		}
	}
	for _, size := range slices.Sorted(maps.Keys(by)) {
		sum := sizeSeen{}
		for d := int32(-sizeNear); d <= sizeNear; d++ {
			if o := by[size+d]; o != nil {
				sum.add(o)
			}
		}
		if len(c.faults) < faultsMost && sum.refusal(size) && c.bundled(size, c.faults) < multicallLeast {
			c.faults = append(c.faults, size)
		}
	}
	c.learnPings(by)
}

// seeSizes counts the sizes that one caller got.
func (c *court) seeSizes(by map[int32]*sizeSeen, s *suspect) {
	for _, z := range s.sizes {
		if z.n == 0 || z.size < faultSmallest || c.bundled(z.size, usualFaults) >= multicallLeast {
			continue
		}
		e := by[z.size]
		if e == nil {
			e = &sizeSeen{}
			by[z.size] = e
		}
		if s.bare() {
			e.actors++
			e.answers += uint64(z.n)
		}
		answers, burst := hammerAnswers, hammerBurst
		if z.size < faultLeast {
			answers, burst = manyPosts, fastPosts
		}
		if int(z.n) >= answers && float64(z.n) >= hammerShare*float64(s.sized()) && int(s.burst.peak) >= burst {
			e.hammers++
		}
	}
}

// learnPings tells the refusals of pingbacks from those of log-ins.
func (c *court) learnPings(by map[int32]*sizeSeen) {
	c.pings = []int32{pingBody}
	if by[pingBody] != nil || slices.ContainsFunc(usualFaults, func(f int32) bool { return by[f] != nil }) {
		return // sizes are those of bodies: nothing to compare
	}
	for _, small := range slices.Sorted(maps.Keys(by)) {
		if slices.ContainsFunc(c.faults, func(large int32) bool { return about(large-small, pingLess) || about(large-small, pingLessJa) }) {
			c.pings = append(c.pings, small)
		}
	}
}

func about(d, want int32) bool { return d >= want-pingJitter && d <= want+pingJitter }

// fit is how many calls a system.multicall had, by the size of its answer and
// that of one refusal; 0: it is none. The answer is a frame of 187 bytes and 214
// for each call where a single refusal has 403 (WordPress 6.1, in English); a
// longer message makes each call longer by as much, and headers that are
// counted too stand once in both.
func (c *court) fit(size, fault int32) int {
	for _, each := range []int32{fault - 189, 214, 252} {
		if each < 200 {
			continue
		}
		more := size - fault + 2
		calls := (more + each/2) / each
		if off := more - calls*each; calls >= 1 && off >= -1 && off <= 1 {
			return int(calls) + 1
		}
	}
	return 0
}

// sized counts the good answers whose size is known.
func (a *actor) sized() uint32 {
	n := a.others
	for _, z := range a.sizes {
		n += z.n
	}
	return n
}

func isNear(sizes []int32, size int32) bool {
	return slices.ContainsFunc(sizes, func(s int32) bool { return nearSize(s, size) })
}

// isPing reports whether a size is that of a refused pingback. A refused log-in
// in another language may lie near it: the learned ones are compared more closely.
func (c *court) isPing(size int32) bool {
	return slices.ContainsFunc(c.pings, func(s int32) bool { return about(size-s, 0) })
}

// guessedBy counts the answers of a caller that refuse a log-in.
func (c *court) guessedBy(s *suspect) (n uint32) {
	for _, z := range s.sizes {
		if z.n > 0 && !c.isPing(z.size) && isNear(c.faults, z.size) {
			n += z.n
		}
	}
	return n
}

// bundled is how many calls an answer holds, by the refusals that are known; 0:
// it is no such answer.
func (c *court) bundled(size int32, faults []int32) (calls int) {
	for _, f := range faults {
		if size > 5*f {
			calls = max(calls, c.fit(size, f))
		}
	}
	return calls
}

// usualFaults are the refusals as WordPress 6.1 sends them, in English and in
// Japanese: to be asked where a site's own are not known.
var usualFaults = []int32{403, 441}

// sizedPart is what a suspect is held to have done by the sizes of the
// answers: all of it, where nearly all are such.
func (s *suspect) sizedPart(is func(size int32) bool) part {
	p := part{suspect: s, fired: true}
	for _, z := range s.sizes {
		if z.n > 0 && is(z.size) {
			p.n += z.n
			p.from, p.to = earlier(p.from, z.first), max(p.to, z.last)
		}
	}
	if p.n*5 >= s.sized()*4 && p.n > 0 {
		return whole(s, true)
	}
	return p
}
