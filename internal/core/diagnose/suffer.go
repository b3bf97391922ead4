package diagnose

import (
	"slices"
	"time"
)

// When a visitor suffers. Below slowMs nobody complains, however quick the
// site is otherwise; from slowFactor times the quick time on it is no whim.
const (
	slowMs     = 1000.0
	slowFactor = 3.0
	// Bad moments that are not further apart than this are one episode: at a
	// CPU cap the site breathes now and then without being back.
	episodePause = 20 * time.Second
	// A single slow page is no outage.
	episodeLeast = 4 * time.Second
)

// episodes returns when visitors suffered, oldest first.
func (g *grid) episodes() []Span {
	bad := g.line("bad")
	whole := Span{g.at(0), g.at(g.n - 1)}
	// What is quick here. By request, not by time: a slow request fills much
	// more of the time line than a quick one. A site that was never quick while
	// it was watched is measured by the absolute bound alone.
	slow := slowMs
	if quick := quantile(g.visits, 0.1); quick < slowMs {
		slow = max(slow, slowFactor*quick)
	}
	for i := range bad {
		bad[i] = g.suffering(i, slow)
	}
	return slices.DeleteFunc(g.stretches("bad", whole, 1, episodePause), func(s Span) bool {
		return s.Duration() < episodeLeast || g.single(s, slow)
	})
}

// single reports whether all of a stretch is one slow request: the page of
// somebody on a slow line, which the log counts as well. Where it is all that a
// short look saw of visitors, nobody else was quick.
func (g *grid) single(s Span, slow float64) bool {
	if len(g.witnesses) == 1 && 3*s.Duration() >= time.Duration(g.n)*g.step {
		return false
	}
	n := 0
	for _, v := range g.witnesses {
		if v.failed && s.Contains(v.at) {
			return false
		}
		if v.ms >= slow && !v.at.After(s.To) && !v.at.Add(time.Duration(v.ms)*time.Millisecond).Before(s.From) {
			n++
		}
	}
	return n == 1
}

// suffering is 1 where visitors suffer in the bin, by the best witness that
// there is: visitors themselves, else workers that are all busy while requests
// wait.
func (g *grid) suffering(i int, slow float64) float64 {
	get := func(name string) float64 {
		if l, ok := g.lines[name]; ok {
			return l[i]
		}
		return unknown
	}
	visitor, failed := get(lineVisitor), get(lineFail)
	if visitor >= slow || failed > 0.5 {
		return 1
	}
	if e, d := get(lineErrors), get(lineDynamic); e >= 0.5 && d > 0 && e/d > 0.2 {
		return 1
	}
	if visitor != unknown || failed != unknown {
		return 0
	}
	if get(lineQueue) > 0 && get(lineWorkers) >= 1 || get(lineTold) > 0 {
		return 1
	}
	return 0
}

// pick returns the episode that is asked for: the one at or next to at, or the
// one in which visitors suffered longest.
func pick(episodes []Span, at time.Time) Span {
	if len(episodes) == 0 {
		return Span{}
	}
	if at.IsZero() {
		return slices.MaxFunc(episodes, func(a, b Span) int { return int(a.Duration() - b.Duration()) })
	}
	far := func(s Span) time.Duration {
		if s.Contains(at) {
			return 0
		}
		return min(s.From.Sub(at).Abs(), s.To.Sub(at).Abs())
	}
	return slices.MinFunc(episodes, func(a, b Span) int { return int(far(a) - far(b)) })
}

// quietLeast is the shortest time that says what is normal.
const quietLeast = 10 * time.Second

// quiet returns the longest stretch without suffering, before the outage where
// there is one: what is normal. It keeps a little away from the episodes.
func quiet(whole Span, episodes []Span, outage Span) Span {
	if outage.Zero() {
		return whole
	}
	free := func(from, to time.Time) Span { return Span{from.Add(slack), to.Add(-slack / 2)} }
	var before, after []Span
	last := whole.From.Add(-slack)
	for _, e := range append(slices.Clone(episodes), Span{From: whole.To.Add(slack)}) {
		s := free(last, e.From)
		if !s.From.Before(whole.From) && s.Duration() >= quietLeast {
			if s.From.Before(outage.From) {
				before = append(before, s)
			} else {
				after = append(after, s)
			}
		}
		last = e.To
	}
	longest := func(a, b Span) int { return int(a.Duration() - b.Duration()) }
	switch {
	case len(before) > 0:
		return slices.MaxFunc(before, longest)
	case len(after) > 0:
		return slices.MaxFunc(after, longest)
	}
	return Span{}
}
