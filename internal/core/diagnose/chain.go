package diagnose

import (
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// chain puts the cause, the steps that its rule knows and the steps that the
// machine shows into the order in which they began.
func (c *Case) chain(f Finding) []Link {
	links := []Link{{ID: f.Rule, Role: RoleCause, Span: f.Active, Share: f.Share, Say: f.Claim}}
	links = append(links, f.Steps...)
	span := Span{f.Active.From.Add(-slack), c.W.To}
	if !c.Outage.Zero() {
		span.To = c.Outage.To
	}
	saturated := func(s Span) (Link, bool) { return c.saturatedLink(s, f) }
	for _, step := range []func(Span) (Link, bool){c.capLink, saturated, c.locksLink, c.workersLink, c.waitLink, c.failLink, c.errorsLink} {
		if l, ok := step(span); ok && !slices.ContainsFunc(links, func(o Link) bool { return o.ID == l.ID }) {
			links = append(links, l)
		}
	}
	if l, ok := c.outlastsLink(f); ok {
		links = append(links, l)
	}
	// Nothing in the chain begins before its cause: a request that was under way
	// then suffers from it as well.
	for i := range links {
		links[i].Span.From = later(links[i].Span.From, f.Active.From)
	}
	slices.SortStableFunc(links[1:], func(a, b Link) int { return a.Span.From.Compare(b.Span.From) })
	return links
}

// capLink says that the CPU was held back. A cap that bit before the cause
// began is a circumstance, not a step.
func (c *Case) capLink(s Span) (Link, bool) {
	least := func(line string) float64 { return max(0.10, 2*c.g.mean(line, c.Quiet)) }
	if t := c.g.sustained(lineThrottled, s, least(lineThrottled), 3*time.Second, 15*time.Second); !t.Zero() {
		quota := -1.0
		for _, g := range recording.All[evidence.Cgroup](c.In(t)) {
			if g.QuotaCPUs > 0 && g.ThrottledMs > 0 {
				quota = g.QuotaCPUs
			}
		}
		return Link{ID: "cpu-capped", Role: RoleStep, Span: t, Share: c.withheld(t),
			Say: Say("link-cpu-capped", "quota", Number(quota), "throttled", Number(c.g.mean(lineThrottled, t)))}, true
	}
	if t := c.g.sustained(lineSteal, s, least(lineSteal), 3*time.Second, 15*time.Second); !t.Zero() {
		return Link{ID: "cpu-capped", Role: RoleStep, Span: t, Share: c.withheld(t),
			Say: Say("link-cpu-stolen", "steal", Share01(c.g.mean(lineSteal, t)), "busy", Share01(c.g.mean(lineBusy, t)))}, true
	}
	return Link{}, false
}

// withheld is the share of the CPU time wanted in a span that a cap kept back.
func (c *Case) withheld(s Span) Share {
	l := c.Load(s)
	kept := max(c.g.mean(lineThrottled, s), 0)*s.Duration().Seconds() + l.Steal
	share := UnknownShare
	if all := kept + l.Used(); all > 0 {
		share.CPU = kept / all
	}
	return share
}

// saturatedLink says that all of the CPU is in use since the cause began. What was
// so before is a circumstance, and what others on the host use is no effect of a
// cause that takes little of it.
func (c *Case) saturatedLink(s Span, f Finding) (Link, bool) {
	t := c.g.sustained(lineBusy, s, saturatedLeast, 4*time.Second, 5*time.Second)
	if t.Zero() || c.g.mean(lineBusy, c.Quiet) >= saturatedLeast {
		return Link{}, false
	}
	if l := c.Load(t); f.Share.CPU < 0.2 && l.Busy > 0 && l.Services < l.Busy/2 {
		return Link{}, false
	}
	return Link{ID: "cpu-saturated", Role: RoleStep, Span: t, Share: UnknownShare,
		Say: Say("link-cpu-saturated", "busy", Share01(c.g.mean(lineBusy, t)))}, true
}

// saturatedLeast is the share of the CPU in use from which none is left.
const saturatedLeast = 0.85

func (c *Case) locksLink(s Span) (Link, bool) {
	t := c.g.sustained(lineWaiters, s, 1, 2*time.Second, 5*time.Second)
	if t.Zero() {
		return Link{}, false
	}
	table := ""
	for _, l := range recording.All[evidence.LockWait](c.In(t)) {
		table = l.Table
	}
	waiting := UnknownShare
	waiting.DatabaseTime = min(c.g.mean(lineWaiters, t)/max(c.g.mean(lineStmts, t), 1), 1)
	return Link{ID: "lock-waits", Role: RoleStep, Span: t, Share: waiting,
		Say: Say("link-lock-waits", "waiters", Count(c.g.quantile(lineWaiters, t, 1)), "table", table)}, true
}

func (c *Case) workersLink(s Span) (Link, bool) {
	t := c.g.sustained(lineWorkers, s, 0.999, 2*time.Second, 10*time.Second)
	if t.Zero() {
		return Link{}, false
	}
	// Behind PHP the web server fills up as well: PHP is what is told of.
	php := len(c.Crews(t)) > 0 && c.Crews(t)[0].Full > 0
	busy, limit, queue := 0, 0, 0
	for _, p := range recording.All[evidence.WorkerPool](c.In(t)) {
		if p.Max > 0 && p.Busy >= p.Max && (!php || p.Service == evidence.ServicePHP) {
			busy, limit, queue = max(busy, p.Busy), p.Max, max(queue, p.Queue)
		}
	}
	full := UnknownShare
	full.WorkerTime = min(c.g.mean(lineWorkers, t), 1)
	return Link{ID: "workers-full", Role: RoleStep, Span: t, Share: full,
		Say: Say("link-workers-full", "busy", Count(busy), "max", Count(limit), "queue", Count(queue))}, true
}

func (c *Case) waitLink(Span) (Link, bool) {
	if c.Outage.Zero() {
		return Link{}, false
	}
	v := c.visitors()
	if v.OutageMs < 0 || v.QuietMs >= 0 && v.OutageMs <= v.QuietMs {
		return Link{}, false // an error is often quicker than a page
	}
	return Link{ID: "visitors-wait", Role: RoleEffect, Span: c.Outage, Share: UnknownShare,
		Say: Say("link-visitors-wait", "quiet", Ms(v.QuietMs), "outage", Ms(v.OutageMs), "worst", Ms(v.WorstMs))}, true
}

func (c *Case) failLink(s Span) (Link, bool) {
	t := c.g.sustained(lineFail, s, 0.5, 0, c.Outage.Duration())
	if t.Zero() || c.Outage.Zero() {
		return Link{}, false
	}
	return Link{ID: "visitor-timeouts", Role: RoleEffect, Span: t, Share: UnknownShare,
		Say: Say("link-visitors-fail", "share", Share01(c.g.mean(lineFail, c.Outage)))}, true
}

// errorsLink says when the server began to answer with errors, which tells an
// effect from a cause.
func (c *Case) errorsLink(s Span) (Link, bool) {
	t := c.g.sustained(lineErrors, s, max(0.01, 6*c.g.mean(lineErrors, c.Quiet)), 0, c.Outage.Duration())
	if t.Zero() || c.Outage.Zero() {
		return Link{}, false
	}
	errors := int64(0)
	for _, r := range c.Traffic(t) {
		errors += r.Errors
	}
	return Link{ID: "errors", Role: RoleEffect, Span: t, Share: UnknownShare,
		Say: Say("link-errors-after", "errors", Count(errors), "after", t.From.Sub(s.From.Add(slack)))}, true
}

// outlastsLink says that the site stayed down when the cause itself was over:
// what it left behind, and the backlog of requests, keep it there.
func (c *Case) outlastsLink(f Finding) (Link, bool) {
	end := later(f.Active.To, c.Outage.From)
	if c.Outage.Zero() || c.Outage.To.Sub(end) < 2*slack {
		return Link{}, false
	}
	return Link{ID: "backlog", Role: RoleEffect, Span: Span{end, c.Outage.To}, Share: UnknownShare,
		Say: Say("link-outlasts", "after", c.Outage.To.Sub(end))}, true
}
