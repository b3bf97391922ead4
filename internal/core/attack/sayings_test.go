package attack

import (
	"fmt"
	"testing"
)

// flooded is a site with a log-in flood of so many requests a second among
// visitors of its own, and what both cost.
func flooded(perSecond float64, us int64, visits int, pageUs int64, opt Options) Picture {
	s := newSite()
	for i := range int64(visits) {
		s.add(req{at: start + i*3600/int64(visits), client: fmt.Sprintf("203.0.%d.%d", i%99, i%240), target: "/post-1/", us: pageUs})
		s.add(req{at: start + i*3600/int64(visits), client: fmt.Sprintf("203.0.%d.%d", i%99, i%240), target: "/a.css", referer: "https://shop.example/post-1/"})
	}
	for i := range int64(1800 * perSecond) {
		s.add(req{at: start + 900 + int64(float64(i)/perSecond), client: "198.51.100.7", method: "POST", target: "/xmlrpc.php", bytes: 403, us: us})
	}
	s.sort()
	return s.tally(opt).Picture()
}

func TestEverySentenceIsSaid(t *testing.T) {
	said := map[string]bool{}
	hear := func(p Picture) {
		for _, a := range p.Attacks {
			wellFormed(t, a)
			for _, s := range a.Says {
				said[s.ID] = true
			}
		}
	}
	for _, k := range allCases() {
		s := newSite()
		s.visitors(6, 100)
		k.add(s)
		s.sort()
		hear(s.tally(caseOptions).Picture())
	}
	five := Options{Seed: 7, Workers: 5}
	hear(flooded(10, 500_000, 3600, 60_000, five))    // fills
	hear(flooded(4, 500_000, 3600, 60_000, five))     // hurts
	hear(flooded(1, 10_000, 3600, 60_000, five))      // nobody waits for it
	hear(flooded(3, 200_000, 36000, 2_000_000, five)) // little of much
	hear(flooded(3, 200_000, 20000, 500_000, five))   // room, or none
	hear(flooded(3, 200_000, 3600, 4_000_000, five))  // workers were full already
	s := siege()
	s.took = false
	for i := range s.hits {
		s.hits[i].TookUs = -1
	}
	s.add(req{at: start, client: "20.171.1.1", target: "/robots.txt", agent: gptbot, us: -1})
	s.sort()
	hear(s.tally(Options{Seed: 7}).Picture())
	hear(s.tally(Options{Seed: 7, Cost: map[Class]int64{ClassPage: 600_000, ClassQuery: 600_000}}).Picture())
	for id := range Sayings() {
		if !said[id] {
			t.Errorf("%s is said in no case", id)
		}
	}
}
