package attack

import "slices"

// tracesKept is how many files that answered are remembered. A site has few
// PHP files that are called by their own name, and hardly any secret ones.
const tracesKept = 512

// trace is a file that answered and should perhaps not have: a PHP file by its
// own name, a copy of the database.
type trace struct {
	signs       signs
	count       uint32
	posts       uint32
	first, last uint32
	bytes       int64 // of the largest answer
	least       int64
	units       [tracedUnits]unit // the first different ones
	n           uint8
	more        bool // there were further ones
	path        text
}

const tracedUnits = 4

type traces struct {
	top top
	of  []trace
}

func newTraces(n int) traces { return traces{newTop(n), make([]trace, n)} }

// add notes an answer.
func (t *traces) add(hash uint64, u unit, h *Hit, s signs, now uint32) {
	i, fresh := t.top.touch(hash)
	e := &t.of[i]
	if fresh {
		*e = trace{signs: s, first: now, least: h.Bytes}
		e.path.set(h.Path)
	}
	e.count = satAdd(e.count, 1)
	if h.Method == Post {
		e.posts = satAdd(e.posts, 1)
	}
	e.first, e.last = earlier(e.first, now), max(e.last, now)
	e.bytes, e.least = max(e.bytes, h.Bytes), min(e.least, h.Bytes)
	e.by(u)
}

func (e *trace) by(u unit) {
	if slices.Contains(e.units[:e.n], u) {
		return
	}
	if int(e.n) == tracedUnits {
		e.more = true
		return
	}
	e.units[e.n] = u
	e.n++
}

func (t *traces) merge(o *traces) {
	t.top.merge(&o.top, func(i, j int) { t.of[i].merge(&o.of[j]) }, func(i, j int) { t.of[i] = o.of[j] })
}

func (e *trace) merge(o *trace) {
	e.count, e.posts = satAdd(e.count, o.count), satAdd(e.posts, o.posts)
	e.first, e.last = earlier(e.first, o.first), max(e.last, o.last)
	e.bytes, e.least = max(e.bytes, o.bytes), min(e.least, o.least)
	e.more = e.more || o.more
	for _, u := range o.units[:o.n] {
		e.by(u)
	}
}

// pathsKept is how many paths of attempts are counted at a time, those of all
// groups together.
const pathsKept = 1024

// paths counts the paths of attempts by group.
type paths struct {
	top top
	of  []groupPath
}

type groupPath struct {
	group group
	path  text
}

func newPaths(n int) paths { return paths{newTop(n), make([]groupPath, n)} }

func (p *paths) add(hash uint64, g group, path []byte) {
	i, fresh := p.top.touch(hash)
	if fresh {
		p.of[i].group = g
		p.of[i].path.set(path)
	}
}

func (p *paths) merge(o *paths) {
	p.top.merge(&o.top, func(int, int) {}, func(i, j int) { p.of[i] = o.of[j] })
}

// namesKept is how many agents of attempts are kept by name.
const namesKept = 2048

// names keeps the agents of attempts by their hash.
type names struct {
	top top
	of  []text
}

func newNames(n int) names { return names{newTop(n), make([]text, n)} }

func (n *names) add(hash uint64, name []byte) {
	if i, fresh := n.top.touch(hash); fresh {
		n.of[i].set(name)
	}
}

// get returns an agent's name; "" where it is forgotten.
func (n *names) get(hash uint64) string {
	if i := n.top.find(hash); i >= 0 {
		return n.of[i].String()
	}
	return ""
}

func (n *names) merge(o *names) {
	n.top.merge(&o.top, func(int, int) {}, func(i, j int) { n.of[i] = o.of[j] })
}
