package attack

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
)

// ask is one request of a client with the n-th of many programs.
func ask(client string, at int64, class Class, agent int) *Hit {
	h := &Hit{At: at, Class: class, TookUs: -1, Agent: fmt.Appendf(nil, "Mozilla/5.0 (X11; Linux) Browser/%d.0", agent)}
	if client != "" {
		h.Client = netip.MustParseAddr(client)
	}
	return h
}

func TestPeers(t *testing.T) {
	visitors := func(a *Around, n int) {
		for i := range n {
			a.Add(ask(fmt.Sprintf("198.51.%d.%d", i/200%200, i%200), int64(i), Class(i%int(classes)), i))
		}
	}
	for name, c := range map[string]struct {
		add     func(*Around)
		proxies int
		unnamed bool
	}{
		"visitors": {func(a *Around) { visitors(a, 5000) }, 0, false},
		"nothing":  {func(*Around) {}, 0, false},
		"a private proxy": {func(a *Around) {
			for i := range 1000 {
				a.Add(ask("10.0.0.1", 1, ClassPage, i))
			}
			visitors(a, 100)
		}, 1, false},
		"two on this host": {func(a *Around) {
			for i := range 1000 {
				a.Add(ask(fmt.Sprintf("127.0.0.%d", 1+i%2), 1, ClassPage, i/2))
			}
		}, 2, false},
		"a private monitor": {func(a *Around) {
			for range 1000 {
				a.Add(ask("10.0.0.1", 1, ClassPage, 1))
			}
			visitors(a, 500)
		}, 0, false},
		"many private clients": {func(a *Around) {
			for i := range 5000 {
				a.Add(ask(fmt.Sprintf("10.0.%d.%d", i/200%20, i%200), 1, ClassPage, i))
			}
		}, 0, false},
		"a flood by one address": {func(a *Around) {
			for range 5000 {
				a.Add(ask("203.0.113.7", 1, ClassXMLRPC, 1))
			}
			visitors(a, 300)
		}, 0, false},
		"a flood that changes name": {func(a *Around) {
			for i := range 5000 {
				a.Add(ask("203.0.113.7", 1, ClassXMLRPC, i))
			}
			visitors(a, 300)
		}, 0, false},
		"a public proxy": {func(a *Around) {
			for i := range 5000 {
				a.Add(ask("192.0.2.1", 1, Class(i%int(classes)), i))
			}
			visitors(a, 100)
		}, 1, false},
		"no addresses": {func(a *Around) {
			for i := range 1000 {
				a.Add(ask("", 1, ClassPage, i))
			}
			visitors(a, 100)
		}, 0, true},
		"too few to say": {func(a *Around) {
			for i := range 100 {
				a.Add(ask("10.0.0.1", 1, ClassPage, i))
			}
		}, 0, false},
	} {
		whole, merged := &Around{}, &Around{}
		c.add(whole)
		half := &Around{}
		c.add(merged)
		c.add(half)
		merged.Merge(half)
		for kind, a := range map[string]*Around{"": whole, " merged": merged} {
			got := a.Peers()
			if kind != "" && name == "too few to say" {
				continue // twice as many are enough
			}
			if len(got.Proxies) != c.proxies || got.Unnamed > unnamedTooMany != c.unnamed {
				t.Errorf("%s%s: got %+v, want %d proxies, unnamed %v", name, kind, got, c.proxies, c.unnamed)
			}
		}
	}
}

// TestSharesOfPeersAreBounds: what the few counters say is at most the truth,
// and at most 1/16 of all below it.
func TestSharesOfPeersAreBounds(t *testing.T) {
	a, true1 := &Around{}, 0
	for i := range 100_000 {
		client := fmt.Sprintf("198.51.%d.%d", i/3%200, i/7%250)
		if i%3 == 0 {
			client = "10.0.0.1"
		}
		if i%3 == 0 && (i < sampleFrom || (i+1)%sampleEvery == 0) {
			true1++
		}
		a.Add(ask(client, 1, ClassPage, i))
	}
	for _, p := range a.peers {
		if p.addr == netip.MustParseAddr("10.0.0.1") {
			if p.n > int64(true1) || p.n < int64(true1)-a.seen/peersKept {
				t.Errorf("got %d, true %d", p.n, true1)
			}
			return
		}
	}
	t.Error("the most frequent peer was lost")
}

func TestLoad(t *testing.T) {
	a := &Around{Since: 0}
	day := int64(24 * hourS)
	add := func(from, hours int64, perHour int) {
		for k := range hours {
			for i := range perHour {
				a.Add(ask("198.51.100.1", from+k*hourS+int64(i), ClassPage, 1))
				a.Add(ask("198.51.100.1", from+k*hourS+int64(i), ClassStatic, 1))
			}
		}
	}
	for d := range int64(5) {
		add(day*(20000+d), 24, 36) // 0.01 a second
	}
	from := day*20005 + 2*hourS
	add(from, 3, 3600/2)
	flood := Attack{From: from, To: from + 3*hourS - 1}
	got := a.Load(flood.From, flood.To, []Attack{flood})
	if math.Abs(got.During-0.5) > 1e-9 || math.Abs(got.Usual-0.01) > 1e-9 {
		t.Errorf("got %+v, want 0.5 and 0.01", got)
	}
	if got := a.Load(from, from+60, []Attack{flood}); got.During != -1 || got.Usual != -1 {
		t.Errorf("a minute: got %+v, want unknown", got)
	}
	always := Attack{From: 0, To: day * 30000}
	if got := a.Load(always.From, always.To, []Attack{always}); got.Usual != -1 {
		t.Errorf("no calm hour: got %+v, want an unknown usual load", got)
	}
}

// TestAroundIsBounded: times and clients without end do not make it grow.
// The edges of a CDN have none of them nearly all requests: each stands for many all the same.
func TestEdgesOfACDNAreShared(t *testing.T) {
	a := &Around{Since: -1 << 62}
	for i := range 3000 {
		class := ClassPage
		if i/6%3 == 0 {
			class = ClassStatic
		}
		a.Add(ask(fmt.Sprintf("151.101.1.%d", 1+i%6), int64(i), class, i/6%97))
		a.Add(ask("203.0.113.7", int64(i), ClassLogin, 1))
	}
	got := a.Peers()
	if len(got.Proxies) != 0 || len(got.Shared) != 6 {
		t.Fatalf("got %+v, want six that are shared", got)
	}
	in := ProposeIn{Peers: got}
	if why := in.spare(Attack{ID: "sql-injection"}, Actor{Prefix: netip.MustParsePrefix("151.101.1.1/32")}); why != SpareProxy {
		t.Errorf("an edge is spared for %q, want %q", why, SpareProxy)
	}
	if why := in.spare(Attack{ID: "sql-injection"}, Actor{Prefix: netip.MustParsePrefix("203.0.113.7/32")}); why != "" {
		t.Errorf("one who only guesses is spared for %q", why)
	}
}

func TestAroundIsBounded(t *testing.T) {
	a := &Around{Since: -1 << 62}
	for i := range int64(2 * hoursMost) {
		a.Add(ask("198.51.100.1", i*hourS, ClassPage, 1))
	}
	if len(a.hours) > hoursMost {
		t.Errorf("%d hours are kept", len(a.hours))
	}
	if a.all != 2*hoursMost {
		t.Errorf("got %d requests", a.all)
	}
}

func BenchmarkAround(b *testing.B) {
	var hits []*Hit
	for i := range 10_000 {
		hits = append(hits, ask(fmt.Sprintf("198.51.%d.%d", i/200%200, i*7%200), int64(i), Class(i%int(classes)), i%40))
	}
	a := &Around{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Add(hits[i%len(hits)])
	}
}
