package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// A DELETE that is over sooner, or reads fewer rows, is no burden to anybody.
const (
	purgeLeastRunning = 3 * time.Second
	purgeLeastRows    = 20_000
	purgeMost         = 20 // looked at closely, the heaviest first
)

// purge is a DELETE at work with what is known of it.
type purge struct {
	diagnose.Run
	filter  evidence.Filter
	table   evidence.Table
	known   bool // the table's indexes are known
	plan    evidence.Plan
	planned bool
	trx     []evidence.Transaction // its transaction, sample by sample
	trxAt   []time.Time
	event   diagnose.Event
	job     evidence.Schedule // of the host, where no event of the site fits
	jobDue  time.Time
	owner   evidence.Owner
}

// purges returns the heavy DELETEs in the scope of the case, the one that took
// most database time first.
func purges(c *diagnose.Case) []purge {
	heavy := slices.DeleteFunc(c.Runs(c.Scope()), func(r diagnose.Run) bool { return r.Verb != "DELETE" || r.Running < purgeLeastRunning })
	slices.SortStableFunc(heavy, func(a, b diagnose.Run) int { return cmp.Compare(b.Seen, a.Seen) })
	var out []purge
	for _, r := range heavy[:min(len(heavy), purgeMost)] {
		p := purge{Run: r}
		p.filter, _ = c.FilterOf(r.Digest)
		p.Table = cmp.Or(p.filter.Table, r.Table)
		p.table, p.known = c.Table(cmp.Or(p.filter.Schema, r.Schema), p.Table)
		p.known = p.known && len(p.table.Indexes) > 0
		p.plan, p.planned = c.PlanOf(r.Digest)
		for at, t := range recording.All[evidence.Transaction](c.In(diagnose.Span{From: r.Active.From, To: r.Active.To.Add(5 * time.Second)})) {
			if t.ConnID == r.ConnID && t.DB == r.DB {
				p.trx, p.trxAt = append(p.trx, t), append(p.trxAt, at)
			}
		}
		schema := cmp.Or(p.filter.Schema, r.Schema)
		p.event, _ = c.EventFor(schema, p.Table, r.Active.From)
		p.owner, _ = c.Owner(schema, p.Table)
		if !p.event.Matches {
			p.job, p.jobDue, _ = c.TiedJobAt(r.Active.From)
		}
		out = append(out, p)
	}
	return out
}

// column returns the column that the purge filters by and that an index would
// have to begin with.
func (p purge) column() string {
	for _, set := range [][]string{p.filter.Range, p.filter.Equal, p.filter.Wrapped} {
		if len(set) > 0 {
			return set[0]
		}
	}
	return ""
}

// unindexed reports whether no index of the table begins with any column that
// the purge compares.
func (p purge) unindexed() bool {
	if !p.known || p.column() == "" {
		return false
	}
	return !slices.ContainsFunc(slices.Concat(p.filter.Range, p.filter.Equal, p.filter.Wrapped), p.table.IndexedBy)
}

// wide reports whether the purge was seen to read a large part of the table.
func (p purge) wide() bool {
	if p.RowsRead >= purgeLeastRows || p.RowsRead < 0 && p.planned && p.plan.FullScan() && p.plan.Rows >= purgeLeastRows {
		return true
	}
	return slices.ContainsFunc(p.trx, func(t evidence.Transaction) bool { return t.RowsLocked >= purgeLeastRows })
}

// lockMemory is the most memory that its row locks took.
func (p purge) lockMemory() int64 {
	most := int64(0)
	for _, t := range p.trx {
		most = max(most, t.LockMemoryBytes)
	}
	return most
}

// rolledBack returns when its changes were first seen to be taken back, and
// how many there were.
func (p purge) rolledBack() (at time.Time, modified int64, ok bool) {
	for i, t := range p.trx {
		modified = max(modified, t.RowsModified)
		back := strings.EqualFold(t.State, "ROLLING BACK")
		if back || i > 0 && t.RowsModified < p.trx[i-1].RowsModified && t.ID == p.trx[i-1].ID {
			return p.trxAt[i], modified, true
		}
	}
	return time.Time{}, modified, false
}

// origin says whose purge it is.
func (p purge) origin() diagnose.Origin {
	o := diagnose.Origin{Plugin: p.owner.Plugin, Version: p.owner.Version, Site: p.owner.Site, User: p.User}
	if p.event.Matches || p.event.Table {
		o.Hook, o.Schedule, o.File = p.event.Hook, p.event.Schedule, p.event.File
		o.Plugin = cmp.Or(o.Plugin, p.event.Owner)
	}
	o.Schedule = cmp.Or(p.job.Spec, o.Schedule)
	return o
}

func (p purge) about() diagnose.Subject {
	return diagnose.Subject{Schema: cmp.Or(p.table.Schema, p.filter.Schema, p.Schema), Table: p.Table, Column: p.column(), Session: p.ConnID}
}

// statement is what a remedy has to know of it.
func (p purge) statement() *diagnose.Statement {
	return &diagnose.Statement{Digest: p.Digest, Verb: p.Verb, Filter: p.filter, At: p.Active.From}
}

// proofs are the sentences that any purge finding shares.
func (p purge) proofs(c *diagnose.Case) []diagnose.Sentence {
	out := []diagnose.Sentence{diagnose.Say("proof-statement", "digest", p.Digest, "at", p.Active.From, "running", p.Running)}
	if p.unindexed() {
		names := []string{}
		for _, i := range p.table.Indexes {
			names = append(names, i.Name+" ("+strings.Join(i.Columns, ", ")+")")
		}
		out = append(out, diagnose.Say("proof-no-index", "table", p.Table, "column", p.column(), "indexes", strings.Join(names, "; ")))
	}
	if p.planned && p.plan.FullScan() {
		id := "proof-explain"
		if p.plan.Running {
			id = "proof-explain-running"
		}
		out = append(out, diagnose.Say(id, "table", p.Table, "access", p.plan.Access, "rows", diagnose.Count(p.plan.Rows)))
	}
	if p.RowsRead > 0 && p.known {
		out = append(out, diagnose.Say("proof-rows-examined", "rows", diagnose.Count(p.RowsRead), "table_rows", diagnose.Count(c.Rows(p.table.Schema, p.Table)), "table", p.Table))
	}
	return append(out, p.originProofs()...)
}

func (p purge) originProofs() []diagnose.Sentence {
	var out []diagnose.Sentence
	if p.event.Matches {
		out = append(out, diagnose.Say("proof-cron-match", "hook", p.event.Hook, "due", p.event.Due, "started", p.Active.From))
	}
	if p.job.Spec != "" {
		out = append(out, diagnose.Say("proof-schedule-match", "job", p.job.Command, "spec", p.job.Spec, "due", p.jobDue, "started", p.Active.From))
	}
	switch {
	case p.event.Table:
		out = append(out, diagnose.Say("proof-plugin-code", "plugin", p.origin().Plugin, "file", p.event.File, "hook", p.event.Hook, "table", p.Table))
	case p.owner.Plugin != "" && p.owner.How == "source":
		out = append(out, diagnose.Say("proof-plugin-table", "plugin", p.owner.Plugin, "table", p.Table))
	case p.owner.Plugin != "":
		out = append(out, diagnose.Say("proof-plugin-prefix", "plugin", p.owner.Plugin, "table", p.Table))
	}
	return out
}

// missing says what would make any purge finding surer.
func (p purge) missing() []diagnose.Sentence {
	var out []diagnose.Sentence
	if !p.known {
		out = append(out, diagnose.Say("missing-indexes", "table", p.Table))
	}
	if !p.planned {
		out = append(out, diagnose.Say("missing-plan", "table", p.Table))
	}
	if o := p.origin(); o.Hook == "" && o.Plugin == "" && o.Schedule == "" {
		out = append(out, diagnose.Say("missing-origin", "table", p.Table))
	}
	return out
}

// level is what the database used in CPUs before the purge began; 0 where
// nothing was seen.
func (p purge) level(c *diagnose.Case) float64 {
	before := c.Load(diagnose.Span{From: c.W.From, To: p.Active.From})
	if before.Seconds < 5 {
		return 0
	}
	return before.Database / before.Seconds
}

// aftermath is the time after the statement in which InnoDB still removes the
// deleted rows: the database works hard with no statement to show for it. It
// returns the CPU seconds beyond the level before the purge.
func (p purge) aftermath(c *diagnose.Case, level float64) (diagnose.Span, float64) {
	span := diagnose.Span{From: p.Active.To, To: p.Active.To}
	extra, calm := 0.0, 0
	for at, u := range recording.All[evidence.ServiceUse](c.In(diagnose.Span{From: p.Active.To.Add(time.Second), To: c.Scope().To})) {
		if u.Service != evidence.ServiceDatabase || u.OverMs <= 0 {
			continue
		}
		over := float64(u.OverMs) / 1000
		used := float64(u.CPUMs) / 1000
		// A quarter more than before, and 1 % of a CPU: under a cap the purge gets
		// little, but steadily, and visitors' own statements get less than before.
		if used < over*(1.25*level+0.01) {
			if calm++; calm > 5 {
				break
			}
			continue
		}
		calm = 0
		extra += used - over*level
		span.To = at
	}
	return span, extra
}

// burden is what the purge took of the machine, with its aftermath, from its
// beginning to the end of the outage.
func (p purge) burden(c *diagnose.Case) (share diagnose.Share, after diagnose.Span) {
	level := p.level(c)
	after, extra := p.aftermath(c, level)
	span := diagnose.Span{From: p.Active.From, To: after.To}
	during := c.Load(diagnose.Span{From: p.Active.From, To: p.Active.To})
	all := c.Load(span)
	share = diagnose.Share{CPU: -1, WorkerTime: c.OneWorker(p.Active),
		DatabaseTime: c.DatabaseShare(diagnose.Span{From: p.Active.From, To: p.Active.To}, func(r diagnose.Run) bool { return r.ConnID == p.ConnID && r.Digest == p.Digest })}
	if !c.In(span).Has(evidence.ServiceUse{}.Kind()) {
		return share, after // nobody saw who used the CPU
	}
	cpu := max(during.Database-level*p.Active.Duration().Seconds(), 0) + extra
	share.CPU = all.ShareOf(cpu)
	return share, after
}
