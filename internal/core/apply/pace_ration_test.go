package apply

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

// plant is a machine whose CPU is rationed: what a key costs, and what visitors use.
type plant struct {
	cpus float64                  // that all may use
	key  float64                  // CPU s of a key, clean-up included
	took float64                  // s of a key
	free func(s int) float64      // share used by visitors
	page func(used float64) int64 // ms of a page
	told func(used float64) []evidence.Fact
}

// run works for some seconds and returns the share of the ration that was used
// and the keys that were done in each.
func (m plant) run(p *Pace, seconds int) (used []float64, keys []int64) {
	now, end := noon, noon
	did := Piece{}
	for s := range seconds {
		end = end.Add(time.Second)
		done := int64(0)
		for now.Before(end) {
			l := p.Next(now, did)
			did = Piece{}
			if l.Hold {
				now = now.Add(100 * time.Millisecond)
				continue
			}
			took := time.Duration(float64(l.Size) * m.took * float64(time.Second))
			now = now.Add(l.Pause + took)
			did = Piece{Size: l.Size, Rows: l.Size, Took: took}
			done += l.Size
		}
		share := min(1, m.free(s)+float64(done)*m.key/m.cpus)
		for _, f := range m.told(share) {
			p.Observe(evidence.Record{At: end, Fact: f})
		}
		if m.page != nil {
			p.Observe(evidence.Record{At: end, Fact: page(m.page(share))})
		}
		used, keys = append(used, share), append(keys, done)
	}
	return used, keys
}

func mean[T int64 | float64](v []T) float64 {
	sum := T(0)
	for _, x := range v {
		sum += x
	}
	return float64(sum) / float64(len(v))
}

func capped(used float64) []evidence.Fact { return []evidence.Fact{host(0.8, 0), quota(used)} }

// stolen is a machine of two CPUs of which a hypervisor leaves a fifth of one.
func stolen(used float64) []evidence.Fact {
	if used < 1 {
		return []evidence.Fact{host(1-0.1*used, 0)}
	}
	return []evidence.Fact{host(0.6, 0.3)}
}

func TestRationIsUsedUpToItsTarget(t *testing.T) {
	steady := func(share float64) func(int) float64 { return func(int) float64 { return share } }
	for name, tc := range map[string]struct {
		m           plant
		before      []evidence.Fact
		least, most float64 // share used in the last half minute
		work        float64 // keys a second, at least
	}{
		"visitors leave half":            {plant{free: steady(0.45), told: capped}, []evidence.Fact{host(0.8, 0), quota(0.45), page(60)}, 0.78, 0.9, 1000},
		"they come more and more":        {plant{free: func(s int) float64 { return min(0.7, 0.2+0.01*float64(s)) }, told: capped}, []evidence.Fact{host(0.8, 0), quota(0.2), page(60)}, 0.78, 0.92, 300},
		"they leave nothing":             {plant{free: steady(1), told: capped}, []evidence.Fact{host(0.8, 0), quota(1), page(60)}, 1, 1, 100},
		"a key costs more than it takes": {plant{free: steady(0.45), told: capped, key: 4 * 35e-6}, []evidence.Fact{host(0.8, 0), quota(0.45), page(60)}, 0.78, 0.92, 250},
		"a hypervisor has the last word": {plant{free: steady(0.3), told: stolen}, []evidence.Fact{host(0.97, 0), page(60)}, 0.6, 0.97, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			m := tc.m
			m.cpus, m.took = 0.2, 25e-6
			if m.key == 0 {
				m.key = 35e-6
			}
			p := begun(tc.before...)
			used, keys := m.run(p, 120)
			if got := mean(used[90:]); got < tc.least || got > tc.most {
				t.Errorf("%.2f of the ration was used at the end, want %.2f to %.2f", got, tc.least, tc.most)
			}
			if got := mean(keys[90:]); got < tc.work || got > 20*tc.work {
				t.Errorf("%.0f keys a second, want %.0f or more, and not all that there is", got, tc.work)
			}
			if why := p.Next(noon.Add(120*time.Second), Piece{}).Why; (why == WaitCapped) != (tc.least == 1) {
				t.Errorf("it waits for %q", why)
			}
		})
	}
}

func TestSlowPagesTakeFromOurPartAlone(t *testing.T) {
	slow := plant{cpus: 0.2, key: 35e-6, took: 25e-6, free: func(int) float64 { return 0.45 }, told: capped, page: func(float64) int64 { return 400 }}
	p := begun(host(0.8, 0), quota(0.45), page(60))
	used, keys := slow.run(p, 120)
	if got := mean(used[90:]); got < 0.5 || got > 0.72 || mean(keys[90:]) < 100 {
		t.Errorf("used %.2f of the ration and did %.0f keys a second, want less than the target and still some", got, mean(keys[90:]))
	}
}

// period is a control group with 20 ms of CPU in each 100 ms, in steps of one
// millisecond: pages of 22 ms that come now and then, and work in the slots.
type period struct {
	p       *Pace
	q       Quota
	used    time.Duration   // in the present period
	pages   []time.Duration // left of each page under way
	asked   []int           // when each came
	work    time.Duration   // left of the piece
	again   int             // ms at which the next look is due
	keys    int64
	latency []int // ms of pages
}

func (g *period) step(ms int, comes, working bool) {
	const tick = time.Millisecond
	if ms%100 == 0 {
		g.q.Periods, g.used = g.q.Periods+1, 0
	}
	if comes {
		g.pages, g.asked = append(g.pages, 22*tick), append(g.asked, ms)
	}
	if now := noon.Add(time.Duration(ms) * tick); working && g.work <= 0 && ms >= g.again {
		n, again := g.p.Slot(now, g.q)
		g.keys, g.work, g.again = g.keys+n, time.Duration(n)*40*time.Microsecond, ms+int(again.Milliseconds())
	}
	if len(g.pages) > 0 && g.spend(tick) { // one CPU is for pages, the other for work
		if g.pages[0] -= tick; g.pages[0] <= 0 {
			g.latency = append(g.latency, ms+1-g.asked[0])
			g.pages, g.asked = g.pages[1:], g.asked[1:]
		}
	}
	if g.work > 0 && g.spend(tick) {
		g.work -= tick
	}
}

func (g *period) spend(d time.Duration) bool {
	if g.used+d > 20*time.Millisecond {
		return false
	}
	g.used, g.q.Used = g.used+d, g.q.Used+d
	return true
}

func (g *period) run(seconds int, working bool) (median int) {
	next := 0
	for ms := range seconds * 1000 {
		comes := ms == next
		if comes {
			next += 130 + (ms*7919)%420 // three a second, at all phases of the period
		}
		g.step(ms, comes, working)
	}
	slices.Sort(g.latency)
	return g.latency[len(g.latency)/2]
}

func TestSlotsTakeWhatPagesLeave(t *testing.T) {
	anew := func() *period {
		p := begun(host(0.8, 0), quota(0.45), page(60))
		p.size = sizeMost
		return &period{p: p, q: Quota{Period: 100 * time.Millisecond}}
	}
	alone, beside := anew(), anew()
	without, with := alone.run(120, false), beside.run(120, true)
	if float64(with) > 1.5*float64(without) {
		t.Errorf("half of the pages took %d ms and more beside the work, %d ms without it; want at most 1.5 times", with, without)
	}
	left := 120*200*time.Millisecond - alone.q.Used
	if got := time.Duration(beside.keys) * 40 * time.Microsecond; got < left/2 {
		t.Errorf("the work took %s of %s that pages leave, want half of it at least", got, left)
	}
}

func TestSlotsOfABusySite(t *testing.T) {
	p := begun(host(0.8, 0), quota(1), page(60))
	q := Quota{Period: 100 * time.Millisecond}
	keys := int64(0)
	for ms := 0; ms < 10_000; ms += 5 {
		q.Periods, q.Used = int64(ms/100), time.Duration(ms/100)*20*time.Millisecond
		n, _ := p.Slot(noon.Add(time.Duration(ms)*time.Millisecond), q)
		keys += n
	}
	if keys < 9*sizeLeast || keys > 20*slotFirst {
		t.Errorf("%d keys in 10 s where visitors need everything, want a piece a second", keys)
	}
}

// A slot is not taken while somebody uses CPU, and not twice in a period.
func TestSlotsAreForWhenNobodyIsServed(t *testing.T) {
	for name, tc := range map[string]struct {
		used  time.Duration // at the last look, 5 ms after the one before
		after time.Duration // of the period's begin
		want  bool
	}{
		"nobody is served":     {2 * time.Millisecond, 82 * time.Millisecond, true},
		"a page is being made": {6 * time.Millisecond, 82 * time.Millisecond, false},
		"too early":            {2 * time.Millisecond, 40 * time.Millisecond, false},
		"visitors have it all": {19 * time.Millisecond, 82 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := begun(host(0.8, 0), quota(0.45), page(60))
			look := func(after, used time.Duration) int64 {
				n, again := p.Slot(noon.Add(after), Quota{Period: 100 * time.Millisecond, Periods: 1 + int64(after/(100*time.Millisecond)), Used: used})
				if n == 0 && (again < slotStep || again > 100*time.Millisecond) {
					t.Errorf("to be asked again after %s", again)
				}
				return n
			}
			look(0, 0)
			before := 2 * time.Millisecond
			if tc.used > 10*time.Millisecond {
				before = tc.used
			}
			look(tc.after-5*time.Millisecond, before)
			got := look(tc.after, tc.used)
			if (got > 0) != tc.want {
				t.Errorf("got %d keys, want some: %v", got, tc.want)
			}
			if again := look(tc.after+5*time.Millisecond, tc.used); tc.want && again != 0 {
				t.Errorf("%d keys more in the same period", again)
			}
		})
	}
}

// Burst credit runs out in the middle of the work, and comes back.
func TestACapThatComesAndGoes(t *testing.T) {
	p := begun(host(0.8, 0), wideQuota(0.1), page(20))
	see := func(from, to int, f evidence.Cgroup, ms int64) {
		for s := from; s < to; s++ {
			for _, fact := range []evidence.Fact{host(0.8, 0), f, page(ms)} {
				p.Observe(at(float64(s), fact))
			}
		}
	}
	grouped := func(s int) bool { return p.Next(noon.Add(time.Duration(s)*time.Second), Piece{}).Group != "" }
	inGroup := func(f evidence.Cgroup) evidence.Cgroup { f.Path = "/site"; return f }
	see(1, 10, inGroup(wideQuota(0.5)), 25)
	if p.Rationed() || grouped(10) {
		t.Error("it is rationed without a cap")
	}
	see(10, 40, inGroup(quota(0.8)), 90)
	if !p.Rationed() || !grouped(40) || p.ration.ease < 1 {
		t.Errorf("capped: rationed %v, ease %.2f; pages are slow by the cap, not by us", p.Rationed(), p.ration.ease)
	}
	see(40, 50, inGroup(wideQuota(0.5)), 25)
	if p.Rationed() || grouped(50) {
		t.Error("it is rationed although the cap has gone")
	}
}
