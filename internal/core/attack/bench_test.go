package attack

import (
	"fmt"
	"testing"
)

// BenchmarkAdd adds ordinary traffic: visitors with their files, a few robots,
// many agents.
func BenchmarkAdd(b *testing.B) {
	s := newSite()
	for i := range 4000 {
		browsers = append(browsers[:5:5], fmt.Sprintf("Mozilla/5.0 (Linux; Android %d; Model %d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36", i%9, i%800))
		agent := browsers[s.rnd.IntN(len(browsers))]
		client := fmt.Sprintf("203.%d.%d.%d", s.rnd.IntN(100), s.rnd.IntN(100), s.rnd.IntN(250))
		for p := range 1 + s.rnd.IntN(3) {
			s.visit(start+int64(i)*2+int64(p)*20, client, agent, fmt.Sprintf("/post-%d/", s.rnd.IntN(3000)))
		}
		s.add(req{at: start + int64(i)*2, client: "66.249.66.1", target: fmt.Sprintf("/tag/%d/?page=%d", i%50, i), agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"})
		s.add(req{at: start + int64(i)*2, client: "203.0.113.9", method: "POST", target: "/xmlrpc.php", bytes: 403})
	}
	t := NewTally(Options{Seed: 1})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		t.Add(&s.hits[i])
		if i++; i == len(s.hits) {
			i = 0
		}
	}
}

// BenchmarkAddManyClients adds hits of ever new clients: the worst case for
// the memory of a visit.
func BenchmarkAddManyClients(b *testing.B) {
	s := newSite()
	s.visit(start, "203.0.113.1", browsers[0], "/post-1/")
	t := NewTally(Options{Seed: 1})
	b.ReportAllocs()
	n := uint32(0)
	for b.Loop() {
		h := s.hits[n%5]
		h.Client = v4(0x0b000000 + n/5*2654435761)
		t.Add(&h)
		n++
	}
}

// BenchmarkAddHostile adds injections, each of another client, agent and
// target: nothing is remembered, all is looked at.
func BenchmarkAddHostile(b *testing.B) {
	t := NewTally(Options{Seed: 1})
	var hits []Hit
	for i := range 20_000 {
		s := newSite()
		s.get(start, v4(uint32(i)*2654435761).String(), fmt.Sprintf("/product-%d/?id=%s&n=%d", i, escaped(injections[i%len(injections)]), i), 200, 9000)
		s.hits[0].Agent = fmt.Appendf(nil, "Mozilla/5.0 (X11; Linux x86_64) Chrome/%d.0", i)
		hits = append(hits, s.hits[0])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		t.Add(&hits[i%len(hits)])
		i++
	}
}
