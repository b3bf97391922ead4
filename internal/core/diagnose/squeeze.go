package diagnose

import (
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Squeeze is the CPU being held back while visitors suffer, with what was used
// before that.
type Squeeze struct {
	Span   Span    // when it was held back
	Stolen bool    // by the hypervisor, else by a quota
	Held   float64 // CPUs withheld on average: wanted and not given
	Given  float64 // CPUs that were used meanwhile
	CPUs   float64 // of the machine
	// Quota is the limit that bites, in CPUs, and Before the one that held earlier: -1
	// without a limit, 0 where that was not seen. Both are 0 where the hypervisor takes it.
	Quota, Before float64
	Flat          bool // what was used stayed at one level

	Earlier Span    // the time before
	Burnt   float64 // CPUs that were used then
	Steady  bool    // it was used evenly: nothing grew
}

const (
	// squeezeLook is how long before a squeeze one looks.
	squeezeLook  = 6 * time.Hour
	squeezeLeast = 15 * time.Second // of the time before
	// flatSpread is how far the CPU in use may spread, against its median, to be
	// pinned at a level, and steadyRise how much more than at first was used at last.
	flatSpread = 0.35
	steadyRise = 1.4
)

// Squeezed returns how the CPU was held back in the outage; false where it was
// not, or only for a part of it, or after visitors began to suffer.
func (c *Case) Squeezed() (Squeeze, bool) {
	if c.Outage.Zero() {
		return Squeeze{}, false
	}
	within := Span{later(c.W.From, c.Outage.From.Add(-lead)), c.Outage.To}
	span, line := c.held(within, lineThrottled), lineThrottled
	if span.Zero() {
		span, line = c.held(within, lineSteal), lineSteal
	}
	if span.Zero() || span.From.After(c.Outage.From.Add(slack)) || 2*overlap(span, c.Outage) < c.Outage.Duration() {
		return Squeeze{}, false
	}
	s := Squeeze{Span: span, Held: c.g.mean(line, span), CPUs: c.cpus(), Stolen: line == lineSteal}
	if s.Stolen {
		s.Held *= s.CPUs
	}
	s.Earlier = Span{later(c.W.From, span.From.Add(-squeezeLook)), span.From}
	if s.Stolen {
		s.Given, s.Burnt = c.g.mean(lineBusy, span)*s.CPUs, max(c.g.mean(lineBusy, s.Earlier), 0)*s.CPUs
		s.Flat = flat(c.g.values(lineBusy, span))
	} else {
		s.Quota, s.Before = c.quotas(span)
		s.Given, s.Burnt = c.servicesRate(span), c.servicesRate(s.Earlier)
		s.Flat = s.Given >= 0.8*s.Quota
	}
	s.Steady = s.Earlier.Duration() >= squeezeLeast && c.steadyUse(s.Earlier)
	return s, true
}

// held is the stretch in which something was withheld that covers most of the
// outage: more than a trace, and more than in the quiet time.
func (c *Case) held(within Span, line string) Span {
	best, least := Span{}, 0.10
	if usual := c.g.values(line, c.Quiet); 2*len(usual) > int(c.Quiet.Duration()/c.g.step) { // a limit that came later is not in it
		least = max(least, 2*c.g.mean(line, c.Quiet))
	}
	for _, s := range c.g.stretches(line, within, least, slack) {
		if s.Duration() >= 3*time.Second && (best.Zero() || overlap(s, c.Outage) > overlap(best, c.Outage)) {
			best = s
		}
	}
	return best
}

// overlap is how long two spans are the same time.
func overlap(a, b Span) time.Duration {
	return max(earlier(a.To, b.To).Sub(later(a.From, b.From)), 0)
}

// servicesRate is how many CPUs the services used on average.
func (c *Case) servicesRate(s Span) float64 {
	l := c.Load(s)
	if l.Seconds <= 0 {
		return 0
	}
	return l.Services / l.Seconds
}

// flat reports whether a series stays at one level.
func flat(v []float64) bool {
	if len(v) < 5 {
		return false
	}
	v = slices.Sorted(slices.Values(v))
	return quantile(v, 0.85)-quantile(v, 0.15) <= flatSpread*quantile(v, 0.5)
}

// steadyUse reports whether the services used the CPU evenly over a span, to its
// end: neither more at last than at first, nor in one burst.
func (c *Case) steadyUse(s Span) bool {
	const parts = 4
	step := s.Duration() / parts
	var rates []float64
	for i := range parts {
		from := s.From.Add(time.Duration(i) * step)
		if l := c.Load(Span{from, from.Add(step)}); l.Seconds > 0 {
			rates = append(rates, l.Services/l.Seconds)
		}
	}
	if len(rates) < parts {
		return false
	}
	// At first a recorder and its services may only be starting.
	usual := (rates[1] + rates[2]) / 2
	return slices.Max(rates) <= steadyRise*usual
}

// quotas returns the limit of the group that is held back most in a span, and the
// one that it had before: -1 without one, 0 where that was not seen.
func (c *Case) quotas(s Span) (now, before float64) {
	held := map[string]int64{}
	worst := ""
	for _, g := range recording.All[evidence.Cgroup](c.In(s)) {
		held[g.Path] += g.ThrottledMs
		if h := held[g.Path]; g.QuotaCPUs > 0 && (worst == "" || h > held[worst] || h == held[worst] && g.Path < worst) {
			worst = g.Path
		}
	}
	for at, g := range recording.Ever[evidence.Cgroup](c.W) {
		switch {
		case g.Path != worst:
		case at.Before(s.From.Add(-time.Second)):
			before = g.QuotaCPUs
		case !at.After(s.To) && g.QuotaCPUs > 0:
			now = g.QuotaCPUs
		}
	}
	// A group with a limit is told each beat: one that was not told had none.
	if before == 0 && len(c.g.values(lineBusy, Span{c.W.From, s.From.Add(-squeezeLeast)})) > 0 {
		before = unknown
	}
	return now, before
}

// Lowered reports whether the limit was set or lowered when the squeeze began, as
// a provider does when credit is spent. A quota that was there all along was not.
func (s Squeeze) Lowered() bool {
	return !s.Stolen && s.Quota > 0 && (s.Before < 0 || s.Before > 1.5*s.Quota)
}

// Fell reports whether less was completed while it lasted than before.
func (c *Case) Fell(s Squeeze) (before, during float64, ok bool) {
	before, during = c.rate(s.Earlier, Dynamic), c.rate(s.Span, Dynamic)
	return before, during, before > 0 && during < 0.9*before
}
