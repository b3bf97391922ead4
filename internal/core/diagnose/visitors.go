package diagnose

import (
	"maps"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// visitors says how visitors fared in the outage against the quiet time; with
// no outage, over the whole recording.
func (c *Case) visitors() Visitors {
	v := Visitors{QuietMs: unknown, OutageMs: unknown, WorstMs: unknown}
	if c.g == nil {
		return v
	}
	in := c.Outage
	if in.Zero() {
		in = Span{c.W.From, c.W.To}
	}
	seen := len(c.g.values(lineVisitor, in))
	switch {
	case c.toldOnly(in):
		v.How = "told"
		v.QuietMs = c.g.quantile(lineVisitor, c.Quiet, 0.5)
		return v
	case c.has(evidence.Probe{}.Kind()) && seen > 0:
		v.How = "probe"
	case seen > 0:
		v.How = "access-log"
	}
	v.QuietMs = c.g.quantile(lineVisitor, c.Quiet, 0.5)
	v.OutageMs = c.g.quantile(lineVisitor, in, 0.5)
	v.WorstMs = c.g.quantile(lineVisitor, in, 1)
	v.FailShare = max(c.g.mean(lineFail, in), 0)
	v.QuietFail = max(c.g.mean(lineFail, c.Quiet), 0)
	v.StillGoing = !c.Outage.Zero() && c.W.To.Sub(c.Outage.To) < slack
	return v
}

// toldOnly reports whether the trouble is known by the server's own logs alone:
// who measured a page in it met a quick one, because he looked afterwards.
func (c *Case) toldOnly(in Span) bool {
	return !c.Outage.Zero() && len(c.g.values(lineTold, in)) > 0 && c.g.quantile(lineVisitor, in, 1) < slowMs && c.g.mean(lineFail, in) <= 0
}

// seriesShown are the series of the time line, with their units.
var seriesShown = []struct{ name, unit string }{
	{lineVisitor, "ms"}, {lineFail, "share"}, {lineBusy, "share"}, {lineDatabase, "cpus"}, {linePHP, "cpus"},
	{lineThrottled, "cpus"}, {lineSteal, "share"}, {lineWorkers, "share"}, {lineStmts, "count"},
	{lineWaiters, "count"}, {lineDynamic, "per_s"}, {lineErrors, "per_s"},
}

// seriesPoints is how many points a time line has at most.
const seriesPoints = 120

// series returns the time line around the outage, or of the whole recording.
func (c *Case) series() []Series {
	if c.g == nil {
		return nil
	}
	s := Span{c.W.From, c.W.To}
	if !c.Outage.Zero() {
		around := max(c.Outage.Duration()/2, time.Minute)
		s = Span{later(s.From, c.Outage.From.Add(-around)), earlier(s.To, c.Outage.To.Add(around))}
	}
	per := max(1, (c.g.bin(s.To)-c.g.bin(s.From)+1+seriesPoints-1)/seriesPoints)
	_, _, known := recording.Last[evidence.Host](c.W, nil)
	var out []Series
	for _, want := range seriesShown {
		if len(c.g.values(want.name, s)) == 0 {
			continue
		}
		line := Series{ID: want.name, Unit: want.unit, From: c.g.at(c.g.bin(s.From)), Step: time.Duration(per) * c.g.step}
		for i := c.g.bin(s.From); i <= c.g.bin(s.To); i += per {
			v := c.g.mean(want.name, Span{c.g.at(i), c.g.at(min(i+per-1, c.g.n-1))})
			if known && want.unit == "cpus" {
				v = min(v, c.cpus()) // the kernel books what it held back when it lets go: seconds of it at once
			}
			line.Values = append(line.Values, v)
		}
		out = append(out, line)
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// notes are worth knowing and no part of the chain.
func (c *Case) notes(v Verdict) []Sentence {
	var out []Sentence
	if v.Visitors.StillGoing {
		out = append(out, Say("note-still-down"))
	}
	if len(v.Causes) > 0 && c.Outage.Zero() {
		out = append(out, Say("note-harmless"))
	}
	for _, site := range slices.Sorted(maps.Keys(deadSites(c.W))) {
		out = append(out, Say("note-dead-site", "site", site))
	}
	for at, s := range recording.All[evidence.DBStatus](c.W) {
		if s.Restarted {
			out = append(out, Say("note-restarted", "service", evidence.ServiceDatabase, "at", at))
		}
	}
	for _, s := range recording.All[evidence.ClockStep](c.W) {
		out = append(out, Say("note-clock-step", "step", time.Duration(s.StepMs)*time.Millisecond))
	}
	if len(v.Causes) == 0 {
		out = append(out, c.leads()...)
		if s, ok := c.askedMost(); ok {
			out = append(out, s)
		}
		if s, ok := c.pageCost(); ok {
			out = append(out, s)
		}
	}
	if rate, quiet, _, rush := c.Rush(); rush && !slices.ContainsFunc(v.Causes, func(f Finding) bool { return slices.Contains(demandRules, f.Rule) }) {
		out = append(out, Say("note-rush", "rate", Number(rate), "quiet", Number(quiet)))
	}
	out = append(out, c.gaps()...)
	if v.SelfCPUMs >= 0 {
		if l := c.Load(Span{c.W.From, c.W.To}); l.Capacity > 0 {
			out = append(out, Say("note-recorder-cost", "cpu", Share01(float64(v.SelfCPUMs)/1000/l.Capacity)))
		}
	}
	return out
}

// gaps says when nothing was recorded: the recorder or the machine was off.
func (c *Case) gaps() []Sentence {
	var out []Sentence
	seen := Watched(c.W, GapLeast)
	for i := 1; i < len(seen); i++ {
		out = append(out, Say("note-gap", "from", seen[i-1].To, "to", seen[i].From))
	}
	return out
}
