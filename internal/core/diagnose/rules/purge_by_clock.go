package rules

import (
	"cmp"
	"math"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Where nobody watched at all, a clean-up is known by its clock: the trouble
// that the server's own logs tell of began when a hook was due whose code names
// a large table, no index of the table begins with the column that dates its
// rows, and the oldest row that is left tells when rows were deleted last.
const (
	clockWithin = 5 * time.Minute  // from the due time to the trouble: the queue has to pile up first
	clockCoarse = time.Minute      // a trouble that is known by the minute can seem to begin earlier
	clockLead   = 5 * time.Minute  // before the trouble, in which a flood would show
	clockEvery  = 12 * time.Hour   // what runs more often was always due just now
	keepMost    = 400              // days that a log is kept
	rowsApart   = 30 * time.Minute // rows that are rarer do not tell when others were deleted
	rowsSlack   = 2 * time.Minute
)

// clockwork is a clean-up that was due when the trouble began.
type clockwork struct {
	event  diagnose.Event
	link   evidence.HookTable
	table  evidence.Table
	column string
	plan   evidence.Plan
	swept  swept
	ok     bool // the oldest row agrees
}

func (k clockwork) bytes() int64 { return max(k.table.FileBytes, k.table.DataBytes) }

// purgesByClock returns the clean-up that must have run when the trouble began.
func purgesByClock(c *diagnose.Case) []diagnose.Finding {
	// 1. The server's own logs tell of trouble, and nobody saw what the database ran.
	if c.Outage.Zero() || !c.Kept() {
		return nil
	}
	ks := clockworks(c)
	if len(ks) == 0 {
		return nil
	}
	k := ks[0]
	if c.Watched(diagnose.Span{From: k.event.Due, To: c.Outage.From}) || c.SlowLogged(diagnose.Span{From: k.event.Due, To: k.event.Due.Add(clockWithin)}) {
		return nil // then it would have been seen
	}
	// 2. Nothing else broke before it, and no more was asked than usual.
	if _, died := c.Died(); died {
		return nil
	}
	asked := askedThen(c)
	if asked.flood() {
		return nil
	}
	f := diagnose.Finding{
		About:  diagnose.Subject{Schema: k.table.Schema, Table: k.link.Table, Column: k.column},
		Origin: diagnose.Origin{Plugin: k.link.Plugin, Hook: k.link.Hook, Schedule: k.event.Schedule, Site: k.link.Site, File: k.link.File},
		Share:  diagnose.UnknownShare,
		Active: diagnose.Span{From: k.event.Due, To: c.Outage.To},
		Claim:  diagnose.Say("link-purge-due", "table", k.link.Table, "column", k.column, "hook", k.link.Hook, "due", k.event.Due),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-due-then", "hook", k.link.Hook, "due", k.event.Due, "began", c.Outage.From),
			diagnose.Say("proof-plugin-code", "plugin", k.link.Plugin, "file", k.link.File, "hook", k.link.Hook, "table", k.link.Table),
			diagnose.Say("proof-table-size", "table", k.link.Table, "bytes", diagnose.Bytes(k.bytes()), "rows", diagnose.Count(c.Rows(k.table.Schema, k.link.Table))),
		},
		Missing:    []diagnose.Sentence{diagnose.Say("missing-recorder", "at", k.event.Due.Add(time.Duration(k.event.IntervalS)*time.Second))},
		Confidence: unseenConfidence,
		Remedies:   []string{"purge", "add-index"},
	}
	if c.GrowthClass(f) == evidence.ClassXMLRPC {
		f.Remedies = append(f.Remedies, "close-xmlrpc")
	}
	f.Remedies = append(f.Remedies, "keep-it-small")
	// 3. Each further trace makes it surer; none of them is the statement itself.
	if k.plan.FullScan() {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-would-scan", "table", k.link.Table, "column", k.column, "access", k.plan.Access, "rows", diagnose.Count(k.plan.Rows)))
	}
	if k.ok {
		f.Confidence += 0.1
		f.Proof = append(f.Proof, diagnose.Say("proof-oldest-row", "table", k.link.Table, "oldest", k.swept.oldest, "days", diagnose.Count(k.swept.days), "due", k.event.Due))
	}
	if days := c.DaysAt(k.event.Due, time.Duration(k.event.IntervalS)*time.Second, clockWithin); days > 1 {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-repeats", "days", diagnose.Count(days-1)))
	}
	if len(ks) > 1 && 2*ks[1].bytes() > k.bytes() {
		f.Confidence = 0.5 // another one of its size was due then, too
	}
	// 4. What else was going on may be its effect, or the cause of all.
	for _, other := range otherwise(c, asked) {
		f.Confidence = min(f.Confidence, 0.5)
		f.Missing = append(f.Missing, other)
	}
	f.Steps = tellerLinks(c)
	return []diagnose.Finding{f}
}

// otherwise are other explanations of the trouble: what failed while it was under
// way, and what was asked.
func otherwise(c *diagnose.Case, asked asking) []diagnose.Sentence {
	var out []diagnose.Sentence
	if l, ok := c.FailedMeanwhile(); ok {
		out = append(out, diagnose.Say("missing-other-failure", "service", l.Service, "message", l.Message, "at", l.At))
	}
	if asked.more() {
		out = append(out, diagnose.Say("missing-more-asked", "rate", diagnose.Number(asked.peak), "usual", diagnose.Number(asked.usual)))
	}
	return out
}

// clockworks are the clean-ups that were due when the trouble began, on tables
// where they must be heavy; the largest table first.
func clockworks(c *diagnose.Case) []clockwork {
	var out []clockwork
	told := map[string]bool{}
	began := c.Outage.From.Add(clockCoarse)
	for _, h := range recording.Ever[evidence.HookTable](c.W) {
		e, ok := c.EventFor(schemaOf(c, h.Site), h.Table, began)
		if told[h.Table] || !ok || !e.Table || e.Hook != h.Hook || e.IntervalS < int64(clockEvery.Seconds()) || e.Late < 0 || e.Late > clockWithin+clockCoarse {
			continue
		}
		told[h.Table] = true
		column, ok := unindexedTime(c, h.Table)
		if !ok {
			continue
		}
		k := clockwork{event: e, link: h, column: column}
		k.table, _ = c.Table("", h.Table)
		k.plan = agePlan(c, k.table.Schema, h.Table, column)
		k.swept, k.ok = sweptAt(c, h.Table, e.Due)
		out = append(out, k)
	}
	slices.SortStableFunc(out, func(a, b clockwork) int { return cmp.Compare(b.bytes(), a.bytes()) })
	return out
}

// agePlan is how the server would read the table for a clean-up by age.
func agePlan(c *diagnose.Case, schema, table, column string) evidence.Plan {
	for _, f := range recording.Ever[evidence.Filter](c.W) {
		if f.Verb == "DELETE" && f.Table == table && (schema == "" || f.Schema == "" || f.Schema == schema) && slices.Equal(f.Range, []string{column}) {
			if p, ok := c.PlanOf(f.Digest); ok && p.Table == table {
				return p
			}
		}
	}
	return evidence.Plan{}
}

// swept is what the oldest row of a log tells of its last clean-up.
type swept struct {
	oldest time.Time
	days   int // that rows are kept
}

// sweptAt reports whether the oldest row is a whole number of days older than
// due: then rows were deleted up to there at that time of the day. A row that
// was written a little later than the bound is the oldest that is left.
func sweptAt(c *diagnose.Case, table string, due time.Time) (swept, bool) {
	for _, g := range recording.Ever[evidence.TableGrowth](c.W) {
		if g.Name != table || !g.Ordered || len(g.Probes) < 3 || g.Probes[0].Key != g.MinKey {
			continue
		}
		a, b := g.Probes[0], g.Probes[1]
		each := time.Duration(float64(b.UnixS-a.UnixS) / float64(max(b.Key-a.Key, 1)) * float64(time.Second))
		oldest := time.Unix(a.UnixS, 0).UTC()
		days := math.Floor(due.Sub(oldest).Hours()/24 + 0.5)
		// It ran at the due time or within minutes after it, on that day or the last
		// before the look; rows come each so often.
		late := oldest.Sub(due.Add(-time.Duration(days) * 24 * time.Hour))
		if each > rowsApart || days < 1 || days > keepMost {
			continue
		}
		if late >= -rowsSlack && late <= clockWithin+3*each {
			return swept{oldest, int(days)}, true
		}
	}
	return swept{}, false
}

// asking is what was asked just before the trouble and what is usual, completed
// requests a second; usual is -1 where nothing tells.
type asking struct{ peak, usual float64 }

// askedThen compares with the quiet time and with the same hour of other days: in
// the morning more is asked than in the night before, with no flood.
func askedThen(c *diagnose.Case) asking {
	a := asking{usual: max(c.QuietRate(diagnose.Dynamic), c.HourRate(c.Outage.From, diagnose.Dynamic))}
	for _, r := range c.Rates(diagnose.Span{From: c.Outage.From.Add(-clockLead), To: c.Outage.From.Add(clockCoarse)}, diagnose.Dynamic) {
		a.peak = max(a.peak, r)
	}
	return a
}

// flood reports whether it was so much more that the clean-up is not to blame.
func (a asking) flood() bool {
	return a.usual >= 0 && a.peak > floodFactor*a.usual+floodLeastRate
}

// more reports whether it was more than by chance: a part of the trouble, perhaps.
func (a asking) more() bool {
	const factor, sigmas, aMinute = 1.5, 3, 60
	return a.usual >= 0 && a.peak > factor*a.usual+sigmas*math.Sqrt(max(a.usual, 1./aMinute)/aMinute)
}

// tellerLinks are what the services wrote while visitors suffered.
func tellerLinks(c *diagnose.Case) []diagnose.Link {
	var out []diagnose.Link
	for _, l := range c.Tellers(c.Outage) {
		out = append(out, diagnose.Link{ID: "told-" + l.ID, Role: diagnose.RoleStep, Span: diagnose.Span{From: l.At, To: l.At}, Share: diagnose.UnknownShare,
			Say: diagnose.Say("link-told", "service", l.Service, "message", l.Message, "at", l.At)})
	}
	return out[:min(len(out), tellersMost)]
}

// tellersMost is how many kinds of log line a chain shows.
const tellersMost = 3
