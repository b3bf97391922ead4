package rules

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
)

// newWork is the database's work on the tables of what was changed.
type newWork struct {
	first, heaviest diagnose.Run
	from, to        time.Time
	seen            time.Duration // of what was not there before the change
	conns           map[uint64]bool
	writes          bool
}

// workOf sums up the statements on its tables that were not seen before the change.
func workOf(c *diagnose.Case, ch diagnose.Changed) newWork {
	known := map[string]bool{}
	w := newWork{conns: map[uint64]bool{}}
	bySeen := map[string]time.Duration{}
	for _, r := range c.Runs(diagnose.Span{From: c.W.From, To: c.Outage.To}) {
		if !c.Owns(ch, r.Schema, r.Table) {
			continue
		}
		if r.Active.From.Before(ch.At.Add(-lineSlack)) {
			known[r.Digest] = true
			continue
		}
		// A quick statement that every page runs is seen only when the server is short
		// of something: that it was not seen before says nothing.
		if known[r.Digest] || !heavy(c, r) {
			continue
		}
		if w.conns[r.ConnID] = true; w.from.IsZero() {
			w.first, w.from = r, r.Active.From
		}
		w.seen += r.Seen
		if r.Active.To.After(w.to) {
			w.to = r.Active.To
		}
		if bySeen[r.Digest] += r.Seen; bySeen[r.Digest] >= bySeen[w.heaviest.Digest] {
			w.heaviest = r
		}
	}
	w.writes = w.heaviest.Verb != "SELECT"
	return w
}

// reshapes are the statements that no visitor's number makes heavy.
var reshapes = []string{"ALTER", "CREATE", "DROP", "OPTIMIZE", "REPAIR", "ANALYZE", "RENAME", "TRUNCATE"}

// heavy reports whether a statement is a burden by itself, not by what it waits for.
func heavy(c *diagnose.Case, r diagnose.Run) bool {
	if slices.Contains(reshapes, r.Verb) || r.RowsRead >= purgeLeastRows {
		return true
	}
	plan, ok := c.PlanOf(r.Digest)
	return ok && plan.FullScan() && plan.Rows >= purgeLeastRows
}

// worksSince makes the argument for statements that came with the change: since
// then the database works on the tables of what was changed, by statements that
// were not there before.
func worksSince(c *diagnose.Case, ch diagnose.Changed) (diagnose.Finding, bool) {
	// 1. It was changed while somebody watched, not long before visitors suffered.
	if !ch.Watched || ch.At.After(c.Outage.From.Add(orderSlack)) || c.Outage.From.Sub(ch.At) > diagnose.ChangeReach {
		return diagnose.Finding{}, false
	}
	// 2. New statements on its tables run soon after, and until visitors suffer.
	w := workOf(c, ch)
	active := diagnose.Span{From: w.from, To: w.to}
	if w.from.IsZero() || w.seen < purgeLeastRunning || !explains(c, active) {
		return diagnose.Finding{}, false
	}
	// 3. They are most of what the database does, with those who wait for them.
	its := func(r diagnose.Run) bool { return c.Owns(ch, r.Schema, r.Table) }
	quiet := c.Quiet
	if quiet.To.After(ch.At) {
		quiet.To = ch.At // visitors bear the first seconds of it
	}
	share, before := c.DatabaseShare(active, its), c.DatabaseShare(quiet, its)
	load := c.Load(active)
	cpu := load.ShareOf(load.Database)
	waited := waitedFor(c, ch, active)
	if share < changeShare || share < 2*before || cpu >= 0 && cpu < 0.2 && waited < waitedLeast {
		return diagnose.Finding{}, false
	}
	f := changeFinding(c, ch)
	f.About.Schema, f.About.Table = w.heaviest.Schema, w.heaviest.Table
	f.Share = diagnose.Share{DatabaseTime: share, CPU: cpu, WorkerTime: -1}
	f.Active.To = w.to
	f.Proof = append(f.Proof,
		diagnose.Say("proof-new-statement", "connections", diagnose.Count(len(w.conns)), "digest", w.heaviest.Digest, "at", ch.At),
		diagnose.Say("proof-first-sign", "after", max(w.from.Sub(ch.At), 0), "at", ch.At),
		diagnose.Say("proof-its-work", "name", ch.Name, "share", diagnose.Share01(share), "quiet", diagnose.Share01(before)),
		databaseCPU(c, cpu, ch.At))
	if waited >= waitedLeast {
		f.Proof = append(f.Proof, diagnose.Say("proof-waited-for", "table", f.About.Table, "waited", waited))
	}
	// 4. Page views run them: one after the other, each on a connection of its own.
	f.Confidence += 0.1
	if len(w.conns) >= changeFew {
		f.Confidence += 0.1
	}
	if share >= 0.7 {
		f.Confidence += 0.03
	}
	// 5. Its code names the table.
	if o, _ := c.Owner(w.heaviest.Schema, w.heaviest.Table); o.How == "source" {
		f.Confidence += 0.08
		f.Proof = append(f.Proof, diagnose.Say("proof-plugin-table", "plugin", ch.Name, "table", f.About.Table))
	} else {
		f.Proof = append(f.Proof, diagnose.Say("proof-plugin-prefix", "plugin", ch.Name, "table", f.About.Table))
	}
	if !w.writes {
		f.Confidence = min(f.Confidence, 0.8) // why a SELECT is slow is another rule's to prove
	}
	return f, true
}

// waitedFor is for how long others waited for locks on its tables.
func waitedFor(c *diagnose.Case, ch diagnose.Changed, in diagnose.Span) time.Duration {
	out := time.Duration(0)
	for _, w := range c.Waits(in) {
		if c.Owns(ch, w.Schema, w.Table) {
			out += w.Waited
		}
	}
	return out
}
