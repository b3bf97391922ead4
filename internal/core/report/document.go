package report

import (
	"fmt"
	"math"
	"time"

	"hirune/internal/core/diagnose"
)

// document turns a verdict into its JSON form.
func document(v diagnose.Verdict) Document {
	return Document{
		Schema: Schema, Status: v.Status, Window: interval(v.Window),
		Causes: each(v.Causes, cause), Chain: each(v.Chain, chainLink), Rejected: each(v.Rejected, suspect),
		Recurrence: recurrence(v.Recurrence), Unseen: each(v.Unseen, unseen), Remedies: ids(v.Remedies),
		Outage: optional(v.Outage), Quiet: optional(v.Quiet), Episodes: each(v.Episodes, interval),
		Visitors: visitors(v.Visitors), WhyNow: whyNow(v.WhyNow), Surer: each(v.Surer, claim),
		Notes: each(v.Notes, claim), SelfCPU: known(float64(v.SelfCPUMs) / 1000), Series: each(v.Series, series),
	}
}

// each maps a list and returns an empty list for none: JSON must not say null.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, x := range in {
		out = append(out, f(x))
	}
	return out
}

func ids(in []string) []string { return each(in, func(s string) string { return s }) }

func cause(f diagnose.Finding) Cause {
	a, o := f.About, f.Origin
	c := 0.0
	if k := known(f.Confidence); k != nil {
		c = *k
	}
	return Cause{
		ID: f.Rule, Confidence: c,
		Subject:   Subject{a.Schema, a.Table, a.Column, a.Session, a.Client, a.Clients, a.Path, a.Service, a.Process, a.Remote},
		Origin:    Origin{o.Plugin, o.Version, o.Hook, o.Schedule, o.Site, o.User, o.File},
		Statement: accused(f.Statement), Share: share(f.Share), Harmless: f.Harmless, Active: interval(f.Active),
		Claim: claim(f.Claim), Proofs: each(f.Proof, claim), Missing: each(f.Missing, claim), Remedies: ids(f.Remedies),
	}
}

func accused(s *diagnose.Statement) *Accused {
	if s == nil {
		return nil
	}
	f := s.Filter
	a := &Accused{Digest: s.Digest, Verb: s.Verb, At: instant(s.At), Schema: f.Schema, Table: f.Table, Equal: f.Equal, Range: f.Range, Wrapped: f.Wrapped, Limit: f.Limit, OrderBy: f.OrderBy}
	if f.CutoffUnixS != 0 {
		a.Cutoff = instant(time.Unix(f.CutoffUnixS, 0))
	}
	return a
}

func share(s diagnose.Share) Share {
	return Share{known(s.DatabaseTime), known(s.CPU), known(s.WorkerTime)}
}

func chainLink(l diagnose.Link) ChainLink {
	return ChainLink{l.ID, l.Role, instant(l.Span.From), instant(l.Span.To), share(l.Share), claim(l.Say)}
}

func suspect(r diagnose.Rejected) Suspect {
	return Suspect{r.ID, r.Metric, known(r.Baseline), known(r.Window), claim(r.Say)}
}

func recurrence(r *diagnose.Recurrence) *Recurrence {
	if r == nil {
		return nil
	}
	return &Recurrence{r.At, instant(r.Next), r.Schedule, r.Seen}
}

func unseen(u diagnose.Unseen) Unseen { return Unseen{u.Source, u.Hint, u.Code, u.What} }

func visitors(v diagnose.Visitors) *Visitors {
	if v.How == "" {
		return nil
	}
	return &Visitors{v.How, known(v.QuietMs), known(v.OutageMs), known(v.WorstMs),
		known(v.FailShare), known(v.QuietFail), v.StillGoing}
}

func whyNow(g *diagnose.Growth) *WhyNow {
	if g == nil {
		return nil
	}
	return &WhyNow{g.Table, known(float64(g.Rows)), known(float64(g.OldRows)), known(g.RowsPerDay), g.Class,
		known(g.PerDay), known(float64(g.RowsSeen)), known(float64(g.ReqsSeen)), interval(g.Counted), each(g.Say, claim)}
}

func series(s diagnose.Series) Series {
	return Series{s.ID, s.Unit, instant(s.From), s.Step.Seconds(), each(s.Values, known)}
}

// claim turns a sentence into its id and plain values, units in the names.
func claim(s diagnose.Sentence) Claim {
	c := Claim{ID: s.ID, Args: map[string]any{}}
	for name, v := range s.Args {
		switch x := v.(type) {
		case string, []string:
			c.Args[name] = x
		case time.Time:
			c.Args[name] = instant(x)
		case time.Duration:
			c.Args[name+"_s"] = signed(x.Seconds())
		case diagnose.Ms:
			c.Args[name+"_ms"] = known(float64(x))
		case diagnose.Bytes:
			c.Args[name+"_bytes"] = known(float64(x))
		case uint64:
			c.Args[name] = x
		default:
			c.Args[name] = plain(v)
		}
	}
	return c
}

func plain(v any) any {
	if f, ok := number(v); ok {
		return known(f)
	}
	return fmt.Sprint(v)
}

// signed is a duration that may be negative, as a clock's step is.
func signed(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
