package accesslog

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

// Counter counts requests by class over one interval. The zero value is ready.
type Counter struct{ tallies [classes]*tally }

// tally is one class.
type tally struct {
	n, posts, self, fault int64
	s2, s3, s4, s5        int64
	bytes, tookUs, maxUs  int64
	timed                 int64
	clients, urls         Distinct
	sizes                 map[int64]int64 // of posted xmlrpc answers, to tell faults at the end
}

// Add counts a request.
func (c *Counter) Add(q *Request) {
	t := c.tallies[q.Class]
	if t == nil {
		t = &tally{}
		c.tallies[q.Class] = t
	}
	t.add(q)
}

func (t *tally) add(q *Request) {
	t.n++
	t.bytes += q.Bytes
	if string(q.Method) == "POST" {
		t.posts++
	}
	if q.Self {
		t.self++
	}
	if loginFault(q) {
		t.fault++
	}
	t.status(q.Status)
	if q.TookUs >= 0 {
		t.timed++
		t.tookUs += q.TookUs
		t.maxUs = max(t.maxUs, q.TookUs)
	}
	t.clients.Add(q.WhoHash)
	t.urls.Add(q.URLHash)
	if (*Faults)(nil).about(q) && (len(t.sizes) < faultSizes || t.sizes[q.Bytes] > 0) {
		if t.sizes == nil {
			t.sizes = map[int64]int64{}
		}
		t.sizes[q.Bytes]++
	}
}

func (t *tally) status(code int) {
	switch code / 100 {
	case 2:
		t.s2++
	case 3:
		t.s3++
	case 4:
		t.s4++
	case 5:
		t.s5++
	}
}

// Traffic emits a fact for each class that had requests, in the order of the
// names, and empties the counter.
func (c *Counter) Traffic(site string, over time.Duration, f *Faults, emit func(evidence.Traffic)) {
	for _, class := range byName {
		t := c.tallies[class]
		if t == nil || t.n == 0 {
			continue
		}
		emit(t.fact(site, classNames[class], over, f))
		t.reset()
	}
}

func (t *tally) fact(site, class string, over time.Duration, f *Faults) evidence.Traffic {
	out := evidence.Traffic{
		Site: site, OverMs: over.Milliseconds(), Class: class, Requests: t.n, Posts: t.posts,
		S2xx: t.s2, S3xx: t.s3, S4xx: t.s4, S5xx: t.s5, TookMs: -1, MaxMs: -1, Bytes: t.bytes,
		Clients: t.clients.Count(), Self: t.self, Fault: t.fault, Distinct: t.urls.Count(),
	}
	if t.timed > 0 {
		out.TookMs, out.MaxMs = t.tookUs/1000, t.maxUs/1000
	}
	if usual, ok := f.Usual(); ok {
		out.Fault += t.sizes[usual]
	}
	return out
}

func (t *tally) reset() {
	clients, urls, sizes := t.clients, t.urls, t.sizes
	clients.Reset()
	urls.Reset()
	clear(sizes)
	*t = tally{clients: clients, urls: urls, sizes: sizes}
}

// byName are all classes in the order of their names.
var byName = func() (all [classes]attack.Class) {
	for i := range all {
		all[i] = attack.Class(i)
	}
	slices.SortFunc(all[:], func(a, b attack.Class) int { return cmp.Compare(classNames[a], classNames[b]) })
	return all
}()

// Busiest finds the clients that ask most, by class, in bounded memory. The
// zero value is ready.
type Busiest struct{ classes [classes]*clients }

const clientsMost = 1024 // a class; more are thinned out from the idlest

// clients counts with the lossy counting of Manku and Motwani: when the table
// is full the idlest leave, so who asks much is never lost.
type clients struct {
	m     map[uint64]*use
	floor int64
	door  []uint64 // a bit for who came once, when the table is half full
}

const doorBits = 1 << 15

type use struct {
	who, agent string
	n, errors  int64
	tookUs     int64
	timed      bool
	urls       small
	path       string // candidate of a majority vote (Boyer and Moore)
	votes      int64
}

// Add counts a request, if it costs a worker and was not sent by the server itself.
func (b *Busiest) Add(q *Request) {
	if q.Self || !q.Class.Dynamic() {
		return
	}
	c := b.classes[q.Class]
	if c == nil {
		c = &clients{m: map[uint64]*use{}}
		b.classes[q.Class] = c
	}
	c.add(q)
}

func (c *clients) add(q *Request) {
	u := c.m[q.WhoHash]
	if u == nil {
		if len(c.m) >= clientsMost/2 && !c.known(q.WhoHash) {
			return
		}
		for len(c.m) >= clientsMost {
			c.thin()
		}
		u = &use{who: Printable(q.Who, 64), agent: Printable(q.Agent, 120)}
		c.m[q.WhoHash] = u
	}
	u.n++
	if q.Status >= 400 {
		u.errors++
	}
	if q.TookUs >= 0 {
		u.timed = true
		u.tookUs += q.TookUs
	}
	u.urls.add(q.URLHash)
	switch {
	case u.votes == 0:
		u.path, u.votes = Printable(q.Path, 120), 1
	case u.path == string(q.Path):
		u.votes++
	default:
		u.votes--
	}
}

// known reports whether the client came before, and remembers it. Under a
// flood of clients that come once they cost a bit each instead of an entry;
// who comes again is counted from the second time on.
func (c *clients) known(h uint64) bool {
	if c.door == nil {
		c.door = make([]uint64, doorBits/64)
	}
	word, bit := &c.door[h%doorBits/64], uint64(1)<<(h%64)
	if *word&bit != 0 {
		return true
	}
	*word |= bit
	return false
}

func (c *clients) thin() {
	c.floor++
	clear(c.door)
	for h, u := range c.m {
		if u.n <= c.floor {
			delete(c.m, h)
		}
	}
}

// Clients emits the top busiest clients of each class that had at least least
// requests of them, and empties the table.
func (b *Busiest) Clients(site string, over time.Duration, top int, least int64, emit func(evidence.ClientUse)) {
	for _, class := range byName {
		if b.classes[class] == nil {
			continue
		}
		all := make([]*use, 0, len(b.classes[class].m))
		for _, u := range b.classes[class].m {
			if u.n >= least {
				all = append(all, u)
			}
		}
		slices.SortFunc(all, func(x, y *use) int {
			return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.who, y.who))
		})
		for _, u := range all[:min(top, len(all))] {
			emit(u.fact(site, classNames[class], over))
		}
	}
	b.classes = [classes]*clients{}
}

func (u *use) fact(site, class string, over time.Duration) evidence.ClientUse {
	out := evidence.ClientUse{
		Site: site, OverMs: over.Milliseconds(), Class: class, Client: u.who, Agent: u.agent,
		Requests: u.n, Distinct: min(u.urls.count(), u.n), TookMs: -1, Errors: u.errors, Path: u.path,
	}
	if u.timed {
		out.TookMs = u.tookUs / 1000
	}
	return out
}
