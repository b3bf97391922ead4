package verify

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
)

// episodesMost bounds how many outages are looked into: the longest come first.
const episodesMost = 8

// accused runs the rules again and returns the first finding of the accusing
// rule on the same subject that began since the plan was done, and when it did.
// A diagnosis is of one outage: so there is one for each, and one of the time
// around each run of the job.
func (j *judge) accused() (*diagnose.Finding, time.Time) {
	if f := j.find(diagnose.Span{From: j.after.From, To: j.after.To}, time.Time{}); f != nil {
		return f, f.Active.From
	}
	episodes := slices.SortedStableFunc(slices.Values(j.c.Episodes), func(a, b diagnose.Span) int { return cmp.Compare(b.Duration(), a.Duration()) })
	for _, e := range episodes[:min(len(episodes), episodesMost)] {
		if f := j.find(diagnose.Span{From: j.after.From, To: j.after.To}, e.From.Add(e.Duration()/2)); f != nil {
			return f, f.Active.From
		}
	}
	if len(episodes) == 0 {
		return nil, time.Time{}
	}
	// What runs apart from an outage is seen only where none is in the window.
	runs, _, _ := j.runs()
	for _, r := range runs {
		if f := j.find(diagnose.Span{From: r.from.Add(-jobWithin), To: r.to.Add(j.Settle.After)}, time.Time{}); f != nil {
			return f, f.Active.From
		}
	}
	return nil, time.Time{}
}

func (j *judge) find(s diagnose.Span, at time.Time) *diagnose.Finding {
	o := j.Options
	o.At = at
	v := diagnose.Diagnose(j.after.Between(s.From, s.To), j.Rules, o)
	for _, f := range v.Causes {
		// What began before is what the plan answers, and may have ended since.
		if f.Rule == j.Because.Rule && same(f.About, j.Because.About) && !f.Active.From.Before(j.Ended) {
			return &f
		}
	}
	return nil
}

// same compares subjects by what lasts: sessions and addresses are others the
// next time.
func same(a, b diagnose.Subject) bool {
	either := func(x, y string) bool { return x == y || x == "" || y == "" }
	if a.Table != "" || b.Table != "" {
		return a.Table == b.Table && either(a.Schema, b.Schema)
	}
	return either(a.Service, b.Service) && either(a.Process, b.Process) && either(a.Path, b.Path)
}

// blind says what the accusing rule would have to see in the window, and does
// not: its silence then says nothing.
func (j *judge) blind(s diagnose.Span) []diagnose.Sentence {
	r, ok := j.rule()
	if !ok {
		return nil
	}
	w := j.after.Between(s.From, s.To)
	var out []diagnose.Sentence
	for _, kind := range slices.Sorted(maps.Keys(r.Needs)) {
		if !w.Has(kind) {
			out = append(out, diagnose.Say(r.Needs[kind]))
		}
	}
	return out
}
