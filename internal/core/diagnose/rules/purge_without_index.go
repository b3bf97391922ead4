package rules

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// PurgeWithoutIndex is case 0: a plugin's clean-up is one DELETE that has to
// read its whole table, because no index begins with the column it filters by.
func PurgeWithoutIndex() diagnose.Rule {
	return diagnose.Rule{
		ID:     "purge-without-index",
		Title:  "a clean-up reads its whole table, because no index begins with the column it filters by",
		Source: "the outage rebuilt on the real stack: the statement, then InnoDB's purge, spend the CPU credit",
		Needs:  map[string]string{evidence.DBStatus{}.Kind(): "missing-statements"},
		Match:  matchPurgeWithoutIndex,
		Clear:  clearPurge,
		// On a table that is locked as a whole its locks are only how it hurts.
		Explains: []string{"table-locked"},
	}
}

func matchPurgeWithoutIndex(c *diagnose.Case) []diagnose.Finding {
	var out []diagnose.Finding
	seen := map[string]bool{}
	for _, p := range purges(c) {
		// 1. It reads the whole table, and no index could spare it that.
		fullScan := p.planned && p.plan.FullScan()
		if p.known && p.column() != "" && !p.unindexed() || !p.unindexed() && !fullScan || seen[p.Table] {
			continue
		}
		// 2. It costs: the database's share of the CPU, or of everybody's waiting.
		share, after := p.burden(c)
		blocks := blockedBy(c, p)
		if !p.wide() || share.CPU >= 0 && share.CPU < 0.2 && blocks == 0 {
			continue
		}
		// 3. It began before visitors suffered, and was at work when they did.
		if !explains(c, diagnose.Span{From: p.Active.From, To: after.To}) {
			continue
		}
		seen[p.Table] = true
		out = append(out, purgeFinding(c, p, share, after, fullScan))
	}
	if len(out) == 0 {
		return append(unseenPurges(c), purgesByClock(c)...)
	}
	return out
}

// explains reports whether something that was at work in the span began no
// later than the outage, and had not ended long before it. A cap on the CPU that
// began with it and holds until visitors suffer carries it on: the queue that
// piled up meanwhile is what they wait in.
func explains(c *diagnose.Case, s diagnose.Span) bool {
	if c.Outage.Zero() {
		return true
	}
	if capped, _ := c.Capped(diagnose.Span{From: s.From, To: c.Outage.To}); !capped.Zero() && capped.From.Before(s.To.Add(orderSlack)) && capped.To.After(s.To) {
		s.To = s.To.Add(min(capped.To.Sub(s.To), carries))
	}
	if s.From.After(c.Outage.From.Add(orderSlack)) || s.To.Before(c.Outage.From.Add(-orderSlack)) {
		return false
	}
	rest := diagnose.Span{From: s.To, To: c.Outage.To}
	most := max(time.Minute, 2*s.Duration())
	if c.Kept() {
		most += carries // nobody saw when it ended: a line in a log stands for its minute
	}
	return rest.Duration() <= most || c.Starved(rest)
}

// carries is how long a cap can carry a cause on before visitors feel it.
const carries = 3 * time.Minute

// orderSlack is how much later than its effect a cause may seem to begin:
// probe and samples are not taken at the same moment, and a probe that began
// before the cause can be the first to suffer from it.
const orderSlack = 10 * time.Second

// blockedBy returns for how long others waited for locks of the purge.
func blockedBy(c *diagnose.Case, p purge) time.Duration {
	for _, w := range c.Waits(diagnose.Span{From: p.Active.From, To: p.Active.To}) {
		if w.Blocker == p.ConnID && w.DB == p.DB {
			return w.Waited
		}
	}
	return 0
}

func purgeFinding(c *diagnose.Case, p purge, share diagnose.Share, after diagnose.Span, fullScan bool) diagnose.Finding {
	f := diagnose.Finding{
		About: p.about(), Origin: p.origin(), Statement: p.statement(), Share: share, Active: p.Active,
		Claim:    diagnose.Say("purge-without-index", "table", p.Table, "column", p.column(), "running", p.Running),
		Proof:    p.proofs(c),
		Missing:  p.missing(),
		Remedies: []string{"purge", "add-index"},
	}
	if g := c.GrowthClass(f); g == evidence.ClassXMLRPC {
		f.Remedies = append(f.Remedies, "close-xmlrpc")
	}
	f.Remedies = append(f.Remedies, "keep-it-small")
	if len(p.filter.Range)+len(p.filter.Equal) == 0 && len(p.filter.Wrapped) > 0 {
		// The column is inside a function: an index would not be used.
		f.Remedies = slices.DeleteFunc(f.Remedies, func(r string) bool { return r == "add-index" })
	}
	f.Confidence = 0.45
	for _, ok := range []bool{p.unindexed(), fullScan, share.CPU >= 0.2, p.wide()} {
		if ok {
			f.Confidence += 0.12
		}
	}
	if p.event.Matches {
		f.Confidence += 0.05
	}
	if !p.unindexed() || !fullScan {
		f.Confidence = min(f.Confidence, 0.85) // one of the two that prove each other is missing
	}
	f.Proof = append(f.Proof, databaseCPU(c, share.CPU, p.Active.From))
	if d := after.Duration(); d >= 3*time.Second {
		_, extra := p.aftermath(c, p.level(c))
		all := c.Load(diagnose.Span{From: p.Active.From, To: after.To})
		f.Steps = append(f.Steps, diagnose.Link{ID: "innodb-purge", Role: diagnose.RoleStep, Span: after,
			Share: diagnose.Share{DatabaseTime: -1, CPU: all.ShareOf(extra), WorkerTime: -1},
			Say:   diagnose.Say("link-innodb-purge", "cpu", diagnose.Number(extra), "during", d)})
	}
	return f
}

// databaseCPU compares the database's share of the CPU with what it was before.
func databaseCPU(c *diagnose.Case, share float64, from time.Time) diagnose.Sentence {
	before := c.Load(diagnose.Span{From: c.W.From, To: from})
	return diagnose.Say("proof-database-cpu", "share", diagnose.Share01(share), "quiet", diagnose.Share01(before.ShareOf(before.Database)))
}

// weighty reports whether a statement that reads a whole table ran for long while
// visitors suffered: that is no proof against it, and none for it.
func weighty(c *diagnose.Case, r diagnose.Run) bool {
	return heavy(c, r) && !c.Outage.Zero() && r.Running >= weightyLeast && explains(c, r.Active)
}

// weightyLeast is from when on a clean-up is not cleared by being short.
const weightyLeast = 20 * time.Second

// clearPurge says which clean-ups ran and were no burden.
func clearPurge(c *diagnose.Case) []diagnose.Rejected {
	var out []diagnose.Rejected
	if c.Kept() {
		return nil // what it was a burden to nobody saw
	}
	for _, r := range c.Runs(c.Scope()) {
		if r.Verb == "DELETE" && r.Running >= time.Second && len(out) == 0 && !weighty(c, r) {
			out = append(out, diagnose.Rejected{ID: "purge-without-index", Metric: "statement_seconds", Window: r.Running.Seconds(),
				Say: diagnose.Say("cleared-purge", "table", r.Table, "running", r.Running)})
		}
	}
	return out
}
