package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// A purge that was over before anybody looked leaves no statement behind: the
// database works on with nothing to show for it, and the site stays down in the
// queue that has piled up. What is left is the schedule, the size of the table
// and the index that it has not.
const (
	// unseenWithin is how long before the recording began the hook may have been due.
	unseenWithin = 45 * time.Minute
	// unseenLeastBytes is the size from which reading a whole table is a burden
	// on a small server: lock memory and pages, not rows, are what hurts.
	unseenLeastBytes = 200 << 20
	// unseenQuestion is what a statement of a page costs the database: 250 of them a
	// second took 2.5 % of a CPU in the lab. What they do not explain must be at
	// least unseenUnexplained of the database's CPU.
	unseenQuestion    = 100 * time.Microsecond
	unseenUnexplained = 0.4
	// unseenLeastCPU is the share of the CPU that the database must take: a page of a
	// WordPress site leaves it a tenth to a seventh, the purge under a cap a quarter.
	unseenLeastCPU = 0.2
	// unseenStatements is how many statements may be seen at a time: at a cap even
	// the quick ones of the pages hang about for a while.
	unseenStatements = 3
	unseenConfidence = 0.6 // likely at most: nobody saw the statement
)

// unseenPurges returns the clean-ups that were due shortly before the recording
// began, on tables where they must have been heavy.
func unseenPurges(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() || c.Outage.From.Sub(c.W.From) > orderSlack {
		return nil // it began before our eyes: then so did its cause
	}
	// The database works much, and no statement accounts for it.
	load := c.Load(c.Outage)
	cpu := load.ShareOf(load.Database)
	_, seen := c.DatabaseTime(c.Outage, func(diagnose.Run) bool { return true })
	questions := int64(0)
	for _, s := range recording.All[evidence.DBStatus](c.In(c.Outage)) {
		questions += s.Questions
	}
	if load.Database-float64(questions)*unseenQuestion.Seconds() < unseenUnexplained*load.Database {
		return nil // the small statements of the pages account for it
	}
	if cpu < unseenLeastCPU || !c.Starved(c.Outage) || seen > unseenStatements*c.Outage.Duration() {
		return nil
	}
	var out []diagnose.Finding
	told := map[string]bool{}
	for _, h := range recording.Ever[evidence.HookTable](c.W) {
		e, ok := c.EventFor(schemaOf(c, h.Site), h.Table, c.W.From)
		if told[h.Table] || !ok || !e.Table || e.Hook != h.Hook || e.IntervalS < 12*3600 || e.Late > unseenWithin {
			continue
		}
		told[h.Table] = true
		column, ok := unindexedTime(c, h.Table)
		if !ok {
			continue
		}
		t, _ := c.Table("", h.Table)
		f := diagnose.Finding{
			About:  diagnose.Subject{Schema: t.Schema, Table: h.Table, Column: column},
			Origin: diagnose.Origin{Plugin: h.Plugin, Hook: h.Hook, Schedule: e.Schedule, Site: h.Site, File: h.File},
			Share:  diagnose.Share{DatabaseTime: -1, CPU: cpu, WorkerTime: -1},
			Active: diagnose.Span{From: e.Due, To: c.W.From},
			Claim:  diagnose.Say("link-purge-unseen", "table", h.Table, "column", column, "hook", h.Hook, "due", e.Due),
			Proof: []diagnose.Sentence{
				diagnose.Say("proof-no-statement-but", "cpu", diagnose.Number(load.Database), "during", c.Outage.Duration()),
				diagnose.Say("proof-plugin-code", "plugin", h.Plugin, "file", h.File, "hook", h.Hook, "table", h.Table),
				diagnose.Say("proof-table-size", "table", h.Table, "bytes", diagnose.Bytes(max(t.FileBytes, t.DataBytes)), "rows", diagnose.Count(c.Rows(t.Schema, h.Table))),
			},
			Missing:    []diagnose.Sentence{diagnose.Say("missing-next-run", "at", e.Due.Add(time.Duration(e.IntervalS)*time.Second))},
			Confidence: unseenConfidence,
			Remedies:   []string{"purge", "add-index", "keep-it-small"},
		}
		out = append(out, f)
	}
	return out
}

func schemaOf(c *diagnose.Case, site string) string {
	for _, s := range recording.Ever[evidence.Site](c.W) {
		if s.Name == site || s.Root == site {
			return s.Schema
		}
	}
	return ""
}

// unindexedTime returns the column that the rows of a large append-only table
// are dated by, if no index begins with it.
func unindexedTime(c *diagnose.Case, table string) (string, bool) {
	t, ok := c.Table("", table)
	if !ok || len(t.Indexes) == 0 || max(t.FileBytes, t.DataBytes) < unseenLeastBytes {
		return "", false
	}
	for _, g := range recording.Ever[evidence.TableGrowth](c.W) {
		if g.Name == table && g.Ordered && !t.IndexedBy(g.Column) {
			return g.Column, true
		}
	}
	return "", false
}
