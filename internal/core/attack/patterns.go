package attack

import (
	"bytes"
	"math"
	"math/bits"
)

// patternsKept is how many shapes of URLs are told apart at a time.
const patternsKept = 512

// pattern is a shape of URLs: one path, with the names of its parameters and
// without their values, or with a date in it. A calendar without an end and the
// filters of a shop are such shapes, with more URLs than a crawler ever finishes.
type pattern struct {
	first, last uint32
	requests    uint32
	dynamic     uint32
	tookUs      uint64
	clients     registers
	urls        registers
	robots      uint32 // requests by robots that say so
	robot       uint64 // the agent of most of these, if one has the half (Boyer and Moore's vote)
	robotVotes  uint32
	followed    uint32 // page views that an asset of the page followed
	referred    uint32
	peaks
	answers answers
	sample  text // its path with the names of the parameters
}

// registers count different hashes in 64 bytes: HyperLogLog with a standard
// error of 13 %, enough to tell many from few.
type registers [64]uint8

func (r *registers) add(h uint64) {
	i := h >> 58
	r[i] = max(r[i], uint8(bits.LeadingZeros64(h<<6|1<<5)+1))
}

func (r *registers) count() int64 {
	sum, zero := 0.0, 0
	for _, v := range r {
		sum += math.Ldexp(1, -int(v))
		if v == 0 {
			zero++
		}
	}
	const m = float64(len(r))
	if est := 0.709 * m * m / sum; est > 2.5*m || zero == 0 {
		return int64(est + 0.5)
	}
	return int64(m*math.Log(m/float64(zero)) + 0.5)
}

func (r *registers) merge(o *registers) {
	for i, v := range o {
		r[i] = max(r[i], v)
	}
}

type patterns struct {
	top top
	of  []pattern
}

func newPatterns(n int) patterns { return patterns{newTop(n), make([]pattern, n)} }

func (p *patterns) touch(s *seen, path, query []byte, now uint32) *pattern {
	i, fresh := p.top.touch(s.pattern)
	e := &p.of[i]
	if fresh {
		*e = pattern{first: now}
		e.sample.set(path)
		e.sample.names(query)
	}
	return e
}

func (p *patterns) merge(o *patterns) {
	p.top.merge(&o.top, func(i, j int) { p.of[i].merge(&o.of[j]) }, func(i, j int) { p.of[i] = o.of[j] })
}

func (p *pattern) merge(o *pattern) {
	p.first, p.last = earlier(p.first, o.first), max(p.last, o.last)
	p.requests, p.dynamic = satAdd(p.requests, o.requests), satAdd(p.dynamic, o.dynamic)
	p.tookUs += o.tookUs
	p.clients.merge(&o.clients)
	p.urls.merge(&o.urls)
	p.robots = satAdd(p.robots, o.robots)
	p.vote(o.robot, o.robotVotes)
	p.followed, p.referred = satAdd(p.followed, o.followed), satAdd(p.referred, o.referred)
	p.peaks.merge(&o.peaks)
	p.answers.merge(o.answers)
}

// vote counts n requests of a robot for the agent of most.
func (p *pattern) vote(agent uint64, n uint32) {
	switch {
	case p.robot == agent:
		p.robotVotes = satAdd(p.robotVotes, n)
	case p.robotVotes < n:
		p.robot, p.robotVotes = agent, n-p.robotVotes
	default:
		p.robotVotes -= n
	}
}

// names appends the names of the parameters, without values: those may be
// anything, and secret.
func (t *text) names(query []byte) {
	mark := byte('?')
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		key, _, _ := bytes.Cut(pair, []byte{'='})
		if len(key) == 0 || tracks(key) || int(t.n)+len(key)+2 > textMost {
			continue
		}
		t.b[t.n] = mark
		n := copy(t.b[t.n+1:], key)
		t.b[int(t.n)+1+n] = '='
		t.n += uint8(n + 2)
		mark = '&'
	}
}

// pattern hashes the shape of a URL; 0 where nothing in it varies.
func (l *looker) pattern(path, query []byte) uint64 {
	h, any := uint64(2), false
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		key, _, _ := bytes.Cut(pair, []byte{'='})
		if len(key) == 0 || tracks(key) {
			continue
		}
		h, any = l.hash.bytes(h, key), true
	}
	if dated(path) {
		return max(l.hash.bytes(h, undated(l.value[:0], path)), 1)
	}
	if !any {
		return 0
	}
	return max(l.hash.bytes(h, path), 1)
}

// dated reports whether the path has a month as calendars write it, 2024-05.
func dated(path []byte) bool {
	for i := 4; i+3 <= len(path); i++ {
		if path[i] == '-' && digits(path[i-4:i]) && digits(path[i+1:i+3]) {
			return true
		}
	}
	return false
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// undated appends the path with each digit as a nought.
func undated(to, path []byte) []byte {
	for _, c := range path[:min(len(path), lookMost)] {
		if c >= '0' && c <= '9' {
			c = '0'
		}
		to = append(to, c)
	}
	return to
}
