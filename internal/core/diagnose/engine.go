package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Rule knows one cause. It is a value: its documentation is part of it.
type Rule struct {
	ID     string // kebab-case, stable for ever; the id of the cause
	Title  string // one line, for docs/rules.md
	Source string // where the knowledge comes from
	// Needs names the kinds of fact without which the rule cannot judge, each
	// with the sentence that says so.
	Needs map[string]string
	// Match returns the findings that the evidence bears, or none.
	Match func(*Case) []Finding
	// Clear returns the numbers that clear the suspect when Match found none;
	// it may be nil.
	Clear func(*Case) []Rejected
	// Explains names rules whose findings on the same subject are only another
	// view of this one's.
	Explains []string
	// Residual says that it blames what is left over: its findings are dropped where
	// any other rule finds a cause.
	Residual bool
	// Yields says that its finding is only why another one came now, where that is of
	// the same table or plugin and as sure: it is dropped then.
	Yields bool
}

// Options are what the caller chooses.
type Options struct {
	At  time.Time      // diagnose the episode at or next to this moment; zero: the worst one
	Loc *time.Location // for times of day; nil: UTC
	// Onsets are when the server's own logs say that trouble began, over a longer
	// time than the window, oldest first; nil: not known.
	Onsets []time.Time
}

// slack is how far a cause may seem to begin after its effect: the probe and
// the samples are not taken at the same moment.
const slack = 8 * time.Second

// Diagnose looks at the whole of the window and says why visitors suffered.
// The same window gives the same verdict, whatever the order of its records.
func Diagnose(w recording.Window, rules []Rule, o Options) Verdict {
	c := NewCase(w, o)
	v := Verdict{
		Window: Span{w.From, w.To}, Outage: c.Outage, Quiet: c.Quiet, Episodes: c.Episodes,
		Visitors: c.visitors(), SelfCPUMs: c.selfCPU(), Series: c.series(), Unseen: c.unseen(),
	}
	if w.Empty() {
		v.Status = CannotJudge
		return v
	}
	v.Causes = c.causes(rules)
	v.Status = c.status(v.Causes)
	v.Surer = c.missing(rules, v)
	v.Notes = c.notes(v)
	if len(v.Causes) > 0 {
		first := v.Causes[0]
		v.Chain = c.chain(first)
		v.WhyNow = c.whyChanged(first, c.growth(first), rules)
		v.Recurrence = c.recurrence(first)
		v.Remedies = remedies(v.Causes)
	} else {
		v.Recurrence = c.foldAgain()
	}
	v.Rejected = c.rejected(rules, v.Causes, v.WhyNow)
	v.Notes = append(v.Notes, c.changeNotes(v)...)
	return v
}

// causes asks every rule, drops what another finding explains, and ranks.
func (c *Case) causes(rules []Rule) []Finding {
	var all []Finding
	explains, yielding, residual := map[string][]string{}, map[string]bool{}, map[string]bool{}
	for _, r := range rules {
		explains[r.ID], yielding[r.ID], residual[r.ID] = r.Explains, r.Yields, r.Residual
		for _, f := range r.Match(c) {
			f.Rule = r.ID
			f.Harmless = c.Outage.Zero()
			if c.Kept() {
				f.Confidence = min(f.Confidence, unwatchedMost)
			}
			all = append(all, f)
		}
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(f Finding) bool {
		return yielding[f.Rule] && yields(f, all) || slices.ContainsFunc(all, func(g Finding) bool {
			return slices.Contains(explains[g.Rule], f.Rule) && (g.About.Table == f.About.Table || f.About.Table == "" || g.About.Table == "")
		})
	})
	if slices.ContainsFunc(kept, func(f Finding) bool { return !residual[f.Rule] }) {
		kept = slices.DeleteFunc(kept, func(f Finding) bool { return residual[f.Rule] })
	}
	slices.SortStableFunc(kept, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), a.Active.From.Compare(b.Active.From), cmp.Compare(a.Rule, b.Rule))
	})
	return c.together(kept)
}

// together measures the shares of several causes over the same time. Each rule
// takes them over its own: one thing taken by two at different times would add up
// to more than there is.
func (c *Case) together(fs []Finding) []Finding {
	for _, part := range []func(*Share) *float64{
		func(s *Share) *float64 { return &s.DatabaseTime }, func(s *Share) *float64 { return &s.CPU }, func(s *Share) *float64 { return &s.WorkerTime },
	} {
		sum := 0.0
		for i := range fs {
			sum += max(*part(&fs[i].Share), 0)
		}
		if sum <= 1 || len(fs) < 2 || c.Outage.Zero() {
			continue
		}
		for i, f := range fs {
			within := earlier(f.Active.To, c.Outage.To).Sub(later(f.Active.From, c.Outage.From))
			if share := part(&fs[i].Share); *share > 0 && within > 0 {
				*share *= within.Seconds() / c.Outage.Duration().Seconds()
			}
		}
	}
	return fs
}

// weight ranks findings: how sure, times how much it explains.
func (f Finding) weight() float64 {
	return f.Confidence * (0.2 + max(f.Share.CPU, f.Share.DatabaseTime, f.Share.WorkerTime, 0))
}

// unwatchedMost is the most confidence in a finding of which nobody watched the
// effect: what a server keeps by itself is coarse, and says nothing of much.
const unwatchedMost = 0.85

// provenFrom is the confidence from which a finding counts as proven: the
// mechanism was seen at work, from the object to the visitor.
const provenFrom = 0.9

func (c *Case) status(causes []Finding) Status {
	switch {
	case len(causes) > 0 && causes[0].Confidence >= provenFrom:
		return Proven
	case len(causes) > 0:
		return Likely
	case !c.Outage.Zero():
		return NotProven
	case !c.sawVisitors():
		return CannotJudge // nobody saw whether the site answers
	}
	return Healthy
}

// missing says what would make the verdict surer: what the rules need and do
// not have, and what the findings miss.
func (c *Case) missing(rules []Rule, v Verdict) []Sentence {
	var out []Sentence
	for _, f := range v.Causes {
		out = append(out, f.Missing...)
	}
	if v.Status == Healthy {
		return out
	}
	if len(v.Causes) == 0 || v.Status == Likely {
		for _, r := range rules {
			for kind, id := range r.Needs {
				if !c.has(kind) {
					out = append(out, Say(id))
				}
			}
		}
	}
	if !c.sawVisitors() {
		out = append(out, Say("missing-probe"))
	}
	if c.Quiet.Zero() && !c.Outage.Zero() {
		out = append(out, Say("missing-quiet"))
	}
	if !c.Outage.Zero() && c.Kept() {
		out = append(out, Say("missing-recorder"))
	}
	if v.Status == NotProven {
		out = append(out, Say("missing-mechanism"))
	}
	return dedupe(out)
}

func dedupe(in []Sentence) []Sentence {
	slices.SortStableFunc(in, func(a, b Sentence) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(in, func(a, b Sentence) bool { return a.ID == b.ID })
}

// remedies joins the remedies of the findings, each once, in their order.
func remedies(fs []Finding) []string {
	var out []string
	for _, f := range fs {
		for _, r := range f.Remedies {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// unseen returns what cannot be read at the end of the recording. What a
// source told before a new run of the recorder began does not count any more.
func (c *Case) unseen() []Unseen {
	type what struct{ source, code, what string }
	last := map[what]evidence.Unseen{}
	for _, u := range recording.Ever[evidence.Unseen](c.W) {
		k := what{u.Source, u.Code, u.What}
		switch {
		case !u.Seen:
			last[k] = u
		case u.Code == "":
			maps.DeleteFunc(last, func(k what, _ evidence.Unseen) bool { return k.source == u.Source })
		default:
			delete(last, k)
		}
	}
	out := make([]Unseen, 0, len(last))
	for _, u := range last {
		out = append(out, Unseen{Source: u.Source, Code: u.Code, What: u.What, Hint: u.Hint})
	}
	slices.SortFunc(out, func(a, b Unseen) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Code, b.Code), cmp.Compare(a.What, b.What))
	})
	return out
}
