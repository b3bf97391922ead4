package accesslog

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

const (
	shapesMost = 256 // told apart at a time; what is asked for least leaves
	shapeText  = 120 // bytes of a shape that are kept
	agentText  = 160 // bytes of an agent that are kept
	notFound   = 404
)

// Shapes counts requests by the shape of their address, in bounded memory: a
// calendar without an end and the filters of a shop are one shape each. Make one
// with NewShapes.
type Shapes struct {
	seed  maphash.Seed
	m     map[uint64]*shape
	floor int64
	door  []uint64 // a bit for who came once, when the table is half full
	buf   []byte
}

// shape is one pattern of addresses.
type shape struct {
	class   attack.Class
	text    string
	n       int64
	errors  int64
	self    int64
	tookUs  int64
	timed   bool
	clients small
	urls    small
	agent   uint64 // candidate of a majority vote (Boyer and Moore)
	votes   int64
	name    []byte // of that agent
}

// NewShapes returns an empty table.
func NewShapes() *Shapes {
	return &Shapes{seed: maphash.MakeSeed(), m: map[uint64]*shape{}, buf: make([]byte, 0, shapeText+8)}
}

// Add counts a request, if it costs a worker.
func (s *Shapes) Add(q *Request) {
	if !q.Class.Dynamic() {
		return
	}
	s.buf = appendShape(s.buf[:0], q)
	var h maphash.Hash
	h.SetSeed(s.seed)
	_ = h.WriteByte(byte(q.Class))
	_, _ = h.Write(s.buf)
	if e := s.entry(h.Sum64(), q.Class); e != nil {
		e.add(q, maphash.Bytes(s.seed, q.Agent))
	}
}

// entry finds a shape, or makes room for it; nil where the table is full and it
// comes for the first time.
func (s *Shapes) entry(key uint64, class attack.Class) *shape {
	if e := s.m[key]; e != nil {
		return e
	}
	if len(s.m) >= shapesMost/2 && !s.known(key) {
		return nil
	}
	for len(s.m) >= shapesMost {
		s.floor++
		clear(s.door)
		for k, e := range s.m {
			if e.n <= s.floor {
				delete(s.m, k)
			}
		}
	}
	e := &shape{class: class, text: Printable(s.buf, shapeText)}
	s.m[key] = e
	return e
}

func (s *Shapes) known(h uint64) bool {
	if s.door == nil {
		s.door = make([]uint64, doorBits/64)
	}
	word, bit := &s.door[h%doorBits/64], uint64(1)<<(h%64)
	was := *word&bit != 0
	*word |= bit
	return was
}

func (e *shape) add(q *Request, agent uint64) {
	e.n++
	if q.Status >= 400 {
		e.errors++
	}
	if q.Self {
		e.self++
	}
	if q.TookUs >= 0 {
		e.timed = true
		e.tookUs += q.TookUs
	}
	e.clients.add(q.WhoHash)
	e.urls.add(q.URLHash)
	switch {
	case e.votes == 0:
		e.agent, e.votes = agent, 1
		e.name = append(e.name[:0], q.Agent[:min(len(q.Agent), agentText)]...)
	case e.agent == agent:
		e.votes++
	default:
		e.votes--
	}
}

// Busiest is how often the shape that was asked for most often was.
func (s *Shapes) Busiest() int64 {
	most := int64(0)
	for _, e := range s.m {
		most = max(most, e.n)
	}
	return most
}

// Paths emits the top shapes that had at least least requests, the busiest first,
// and empties the table.
func (s *Shapes) Paths(site string, over time.Duration, top int, least int64, emit func(evidence.PathUse)) {
	all := make([]*shape, 0, top)
	for _, e := range s.m {
		if e.n >= least {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(x, y *shape) int {
		return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.text, y.text), cmp.Compare(x.class, y.class))
	})
	for _, e := range all[:min(top, len(all))] {
		emit(e.fact(site, over))
	}
	clear(s.m)
	clear(s.door)
	s.floor = 0
}

func (e *shape) fact(site string, over time.Duration) evidence.PathUse {
	out := evidence.PathUse{
		Site: site, OverMs: over.Milliseconds(), Class: classNames[e.class], Pattern: e.text, Requests: e.n,
		Clients: min(e.clients.count(), e.n), Distinct: min(e.urls.count(), e.n), TookMs: -1, Errors: e.errors, Self: e.self,
	}
	if e.timed {
		out.TookMs = e.tookUs / 1000
	}
	// What is left of the votes is what the agent has more than all others together.
	if 2*e.votes >= e.n {
		out.Robot = attack.Robot(e.name)
	}
	return out
}

// appendShape appends the shape of what was asked for: the path with each number as
// N, and the names of the parameters. Addresses that nothing answers differ
// in all but that: they are one shape.
func appendShape(to []byte, q *Request) []byte {
	if q.Status == notFound {
		if bytes.HasSuffix(q.Path, []byte(".php")) {
			return append(to, "/*.php"...)
		}
		return append(to, "/*"...)
	}
	to = appendNumberless(to, q.Path)
	mark, query := byte('?'), q.Query
	for len(query) > 0 && len(to) < shapeText {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		key, _, _ := bytes.Cut(pair, []byte{'='})
		if len(key) == 0 || attack.Tracks(key) {
			continue
		}
		to = append(appendNumberless(append(to, mark), key), '=')
		mark = '&'
	}
	return to
}

// appendNumberless appends a text with each number in it as N, up to what is kept.
func appendNumberless(to, text []byte) []byte {
	in := false
	for _, c := range text {
		if len(to) >= shapeText {
			break
		}
		digit := c >= '0' && c <= '9'
		switch {
		case !digit:
			to = append(to, c)
		case !in:
			to = append(to, 'N')
		}
		in = digit
	}
	return to
}
