package attack

// A timeline has linesMost stretches of equal length, from one minute up, so
// that a day is kept by the minute and three months by the hour or two.
// Stretches are aligned to 1970: two timelines that were coarsened apart still
// fit together.
const (
	linesMost = 2048
	minuteLen = 60 // seconds
	coarsest  = 9  // doublings: 512 minutes times linesMost are two years
)

// stretch is what one stretch of time saw.
type stretch struct {
	requests, dynamic uint32
	groups            uint32 // bits of the groups that had attempts
	tookUs            uint64
}

func (s *stretch) merge(o stretch) {
	s.requests, s.dynamic = satAdd(s.requests, o.requests), satAdd(s.dynamic, o.dynamic)
	s.groups |= o.groups
	s.tookUs += o.tookUs
}

// timeline sums requests over time. It is a ring: stretch n since 1970 lies at
// n modulo linesMost.
type timeline struct {
	shift     uint   // a stretch is minuteLen<<shift seconds
	low, high uint32 // the stretches in use, of equal numbers where it is one
	any       bool
	ring      []stretch
}

func newTimeline() timeline { return timeline{ring: make([]stretch, linesMost)} }

// at finds a moment's stretch and makes room for it; nil where it lies years
// off the others.
func (l *timeline) at(when uint32) *stretch {
	n := when / minuteLen >> l.shift
	if l.any && n-l.low <= l.high-l.low { // the usual case, in one comparison
		return &l.ring[n%linesMost]
	}
	if !l.any {
		l.any, l.low, l.high = true, n, n
	}
	for max(l.high, n)-min(l.low, n) >= linesMost {
		if l.shift == coarsest {
			return nil
		}
		l.coarsen()
		n >>= 1
	}
	l.low, l.high = min(l.low, n), max(l.high, n)
	return &l.ring[n%linesMost]
}

// coarsen doubles the length of the stretches.
func (l *timeline) coarsen() {
	ring := make([]stretch, linesMost)
	for n := l.low; n <= l.high; n++ {
		ring[n/2%linesMost].merge(l.ring[n%linesMost])
	}
	l.ring, l.low, l.high, l.shift = ring, l.low/2, l.high/2, l.shift+1
}

// merge adds another timeline.
func (l *timeline) merge(o *timeline) {
	for l.any && o.any && l.shift < o.shift {
		l.coarsen()
	}
	for n := o.low; o.any && n <= o.high; n++ {
		if s := o.ring[n%linesMost]; s.requests > 0 {
			if to := l.at(n << o.shift * minuteLen); to != nil {
				to.merge(s)
			}
		}
	}
}

// during sums the stretches from one moment to another in which one of the
// groups had attempts; 0 stands for all.
func (l *timeline) during(from, to uint32, of uint32) Sums {
	var s Sums
	if !l.any {
		return s
	}
	for n := max(l.low, from/minuteLen>>l.shift); n <= min(l.high, to/minuteLen>>l.shift); n++ {
		e := &l.ring[n%linesMost]
		if of != 0 && e.groups&of == 0 {
			continue
		}
		s.Requests += int64(e.requests)
		s.Dynamic += int64(e.dynamic)
		s.TookUs += int64(e.tookUs)
	}
	return s
}
