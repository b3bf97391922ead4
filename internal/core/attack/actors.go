package attack

// actorsKept is how many pairs of a client and a group are remembered.
const actorsKept = 32768

// Lengths of slots in seconds: two neighbouring ones are the ten minutes and
// the six hours that thresholds speak of.
const (
	burstLen = 300
	hourLen  = 3600
)

// actor is what one unit attempted in one group.
type actor struct {
	unit       unit
	sub        uint64 // what else tells it apart: the path of a form; 0: nothing
	group      group
	mixedAgent bool // its attempts came with several agents
	from, to   uint32
	attempts   uint32
	referred   uint32 // attempts with a referrer
	answers    answers
	refused    uint32 // answers that say that the door is shut, or that nothing is there
	tookUs     uint64
	agent      uint64 // hash of its first agent
	referer    uint64
	burst      burst  // by burstLen; refusals of an endpoint left out
	seen       bitmap // different targets
	strong     bitmap // of them, those that leave no doubt
	views      uint32 // of the client, at its last attempt
	assets     uint32
	visits     uint32 // requests that are no attempts
	requests   uint32
	admin      uint32
	sizes      [sizesKept]sizeUse
	others     uint32 // answers of further sizes
	login      guessing
}

// guessing is how the guesses of an actor went.
type guessing struct {
	run     uint32 // failures since the last that went well
	first   entry  // the first that went well, and the one with most failures before
	best    entry
	uploads uint32 // POSTs to where code is installed or edited, after one that went well
}

// entry is a log-in that went well, by the look of its answer.
type entry struct {
	at       uint32 // 0: none
	failures uint32 // since the one before
	adminAt  uint32 // moment of the page of wp-admin that followed within adminSoon; 0: none
}

// sizesKept is how many sizes of answers are told apart for one actor.
const sizesKept = 5

// sizeNear is how far answers of one template lie apart: compression and the
// headers that some formats count move them by a few bytes.
const sizeNear = 8

// sizeUse is how often answers of about one size came.
type sizeUse struct {
	size        int32
	n           uint32
	before      uint32 // attempts of the actor before the first of them
	first, last uint32
}

type actors struct {
	top top
	of  []actor
}

func newActors(n int) actors { return actors{newTop(n), make([]actor, n)} }

// size counts the size of an answer.
func (a *actor) size(bytes int64, now uint32) {
	size := int32(min(max(bytes, 0), 1<<31-1))
	for i := range a.sizes {
		s := &a.sizes[i]
		if s.n == 0 {
			*s = sizeUse{size: size, n: 1, before: a.attempts, first: now, last: now}
			return
		}
		if nearSize(s.size, size) {
			s.n, s.last = satAdd(s.n, 1), max(s.last, now)
			return
		}
	}
	a.others = satAdd(a.others, 1)
}

func nearSize(a, b int32) bool { return a-b <= sizeNear && b-a <= sizeNear }

func (a *actors) merge(o *actors) {
	a.top.merge(&o.top, func(i, j int) { a.of[i].merge(&o.of[j]) }, func(i, j int) { a.of[i] = o.of[j] })
}

func (a *actor) merge(o *actor) {
	a.login.merge(&o.login)
	for _, s := range o.sizes {
		a.mergeSize(s)
	}
	a.mixedAgent = a.mixedAgent || o.mixedAgent || a.agent != o.agent
	a.from, a.to = earlier(a.from, o.from), max(a.to, o.to)
	a.attempts, a.referred, a.others = satAdd(a.attempts, o.attempts), satAdd(a.referred, o.referred), satAdd(a.others, o.others)
	a.answers.merge(o.answers)
	a.refused = satAdd(a.refused, o.refused)
	a.tookUs += o.tookUs
	a.burst.merge(&o.burst)
	a.seen |= o.seen
	a.strong |= o.strong
	a.views, a.assets = satAdd(a.views, o.views), satAdd(a.assets, o.assets)
	a.visits = satAdd(a.visits, o.visits)
	a.requests, a.admin = satAdd(a.requests, o.requests), satAdd(a.admin, o.admin)
}

func (a *actor) mergeSize(s sizeUse) {
	if s.n == 0 {
		return
	}
	for i := range a.sizes {
		have := &a.sizes[i]
		if have.n == 0 {
			s.before = satAdd(s.before, a.attempts)
			*have = s
			return
		}
		if nearSize(have.size, s.size) {
			have.n, have.last = satAdd(have.n, s.n), max(have.last, s.last)
			return
		}
	}
	a.others = satAdd(a.others, s.n)
}

// failed counts an attempt that did not get in.
func (l *guessing) failed() { l.run = satAdd(l.run, 1) }

// passed counts one that did.
func (l *guessing) passed(now uint32) {
	e := entry{at: now, failures: l.run}
	if l.first.at == 0 {
		l.first = e
	}
	if l.best.at == 0 || e.failures > l.best.failures {
		l.best = e
	}
	l.run = 0
}

// entered says that a page of wp-admin followed on the log-in at a moment.
func (l *guessing) entered(posted, now uint32) {
	for _, e := range []*entry{&l.first, &l.best} {
		if e.at == posted && e.adminAt == 0 {
			e.adminAt = now
		}
	}
}

func (l *guessing) merge(o *guessing) {
	first, best := o.first, o.best
	if first.at == 0 {
		l.run = satAdd(l.run, o.run)
	} else {
		first.failures = satAdd(first.failures, l.run)
		if best.at == 0 || first.failures > best.failures {
			best = first
		}
		l.run = o.run
	}
	if l.first.at == 0 {
		l.first = first
	}
	if l.best.at == 0 || best.failures > l.best.failures {
		l.best = best
	}
	l.uploads = satAdd(l.uploads, o.uploads)
}
