package attack

// agentsKept is how many agents are told apart at a time; a site of millions
// of visitors sees some thousands, and those that matter by load are few.
const agentsKept = 1024

// textMost is how much of an agent or a path is kept.
const textMost = 120

// text is the beginning of a text from outside, as it was.
type text struct {
	n uint8
	b [textMost]byte
}

func (t *text) set(p []byte) { t.n = uint8(copy(t.b[:], p)) }

func (t *text) String() string { return printable(t.b[:t.n]) }

// agent is what all clients of one agent asked.
type agent struct {
	name        int16 // in agentNames; -1: none
	kind        kind
	robots      bool // it asked for robots.txt
	first, last uint32
	requests    uint32
	dynamic     uint32 // without what counts as an attempt of something else
	tookUs      uint64 // of the dynamic ones
	clients     registers
	peaks
	answers answers
	sample  text
}

// answers counts statuses by their first digit.
type answers struct{ s2, s3, s4, s5 uint32 }

func (a *answers) add(status int) {
	switch status / 100 {
	case 2:
		a.s2++
	case 3:
		a.s3++
	case 4:
		a.s4++
	case 5:
		a.s5++
	}
}

func (a *answers) merge(o answers) {
	a.s2, a.s3, a.s4, a.s5 = satAdd(a.s2, o.s2), satAdd(a.s3, o.s3), satAdd(a.s4, o.s4), satAdd(a.s5, o.s5)
}

// agents are the most frequent ones.
type agents struct {
	top top
	of  []agent
}

func newAgents(n int) agents { return agents{newTop(n), make([]agent, n)} }

// touch finds an agent's slot, and makes it the agent's where it is new.
func (a *agents) touch(h uint64, name []byte) *agent {
	i, fresh := a.top.touch(h)
	e := &a.of[i]
	if fresh {
		n := kindOf(name)
		*e = agent{name: int16(n), kind: kindAt(n)}
		e.sample.set(name)
	}
	return e
}

func (a *agents) merge(o *agents) {
	a.top.merge(&o.top, func(i, j int) { a.of[i].merge(&o.of[j]) }, func(i, j int) { a.of[i] = o.of[j] })
}

func (a *agent) merge(o *agent) {
	a.first, a.last = earlier(a.first, o.first), max(a.last, o.last)
	a.requests, a.dynamic = satAdd(a.requests, o.requests), satAdd(a.dynamic, o.dynamic)
	a.tookUs += o.tookUs
	a.robots = a.robots || o.robots
	a.clients.merge(&o.clients)
	a.peaks.merge(&o.peaks)
	a.answers.merge(o.answers)
}

// earlier is the earlier of two moments, of which 0 is unknown.
func earlier(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
