package audit

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// purgeTooLong is how long a clean-up may read its whole table: a small plan's
	// credit bears ten seconds of it, as the outage of case 0 shows.
	purgeTooLong = 10 * time.Second
	// rowsPerSecond is how fast a DELETE goes through its table where none was seen to
	// run. Source: measured on two CPUs without a cap, MariaDB 10.11 and MySQL 9.7.
	rowsPerSecond, rowsPerSecondMySQL = 60_000, 22_000
	// lockBytes is what the row locks of a whole-table DELETE take for each row, and
	// lockLimit the share of the buffer pool at which it ends with error 1206.
	// Source: measured on MariaDB 10.11 and MySQL 9.7.
	lockBytes = 21
	lockLimit = 0.75
)

// cleanUp is a clean-up of a table by the age of its rows, which has to read the
// whole of it.
type cleanUp struct {
	schema, table, column string
	hook, plugin          string
	keeps                 time.Duration // how long rows are kept; 0 unknown
}

// tables tells of clean-ups without an index, and when their table is too large.
func (v view) tables() {
	told := map[string]bool{}
	for _, p := range v.cleanUps() {
		t, ok := v.Table(p.schema, p.table)
		key := t.Schema + "." + t.Name
		if told[key] || !ok || len(t.Indexes) == 0 || t.IndexedBy(p.column) {
			continue
		}
		told[key] = true
		v.cleanUp(p, t)
	}
}

// cleanUps are the clean-ups that are known: a DELETE that was seen, then recurring
// jobs whose code names a table that is dated by a column.
func (v view) cleanUps() []cleanUp {
	var out []cleanUp
	for at, f := range recording.Ever[evidence.Filter](v.w) {
		if f.Verb != "DELETE" || len(f.Range) == 0 || f.Limit {
			continue
		}
		p := cleanUp{schema: f.Schema, table: f.Table, column: f.Range[0]}
		if f.CutoffUnixS > 0 {
			p.keeps = at.Sub(time.Unix(f.CutoffUnixS, 0))
		}
		if o, ok := v.Owner(f.Schema, f.Table); ok {
			p.plugin = o.Plugin
		}
		out = append(out, p)
	}
	recurs := map[string]bool{}
	for _, e := range recording.Ever[evidence.CronEvent](v.w) {
		recurs[e.Site+"\x00"+e.Hook] = e.IntervalS >= 3600
	}
	for _, h := range recording.Ever[evidence.HookTable](v.w) {
		schema := v.schemaOf(h.Site)
		if age, ok := v.AgeOf(schema, h.Table); ok && recurs[h.Site+"\x00"+h.Hook] {
			out = append(out, cleanUp{schema: schema, table: h.Table, column: age.Column, hook: h.Hook, plugin: h.Plugin})
		}
	}
	return out
}

func (v view) schemaOf(site string) string {
	for _, s := range recording.Ever[evidence.Site](v.w) {
		if s.Name == site || s.Root == site {
			return s.Schema
		}
	}
	return ""
}

// cleanUp tells when a table outgrows its clean-up: in time, and in the memory for
// its locks.
func (v view) cleanUp(p cleanUp, t evidence.Table) {
	rows, age, speed := v.Rows(t.Schema, t.Name), diagnose.TableAge{PerDay: -1}, v.speed(t)
	if a, ok := v.AgeOf(t.Schema, t.Name); ok {
		age = a
	}
	if rows < 0 {
		return
	}
	size := diagnose.Say("audit-table", "table", t.Name, "bytes", diagnose.Bytes(max(t.FileBytes, t.DataBytes)), "rows", diagnose.Count(rows), "per_day", diagnose.Number(age.PerDay), "oldest", age.Oldest)
	from := diagnose.Say("audit-clean-up", "table", t.Name, "column", p.column, "hook", p.hook, "plugin", p.plugin)
	remedies := []string{"purge", "add-index", "keep-it-small"}
	limit := int64(speed * purgeTooLong.Seconds())
	if when, ok := v.grows(rows, limit, age, p.keeps); ok {
		v.found(Risk{ID: "purge-without-index", When: when, Remedies: remedies, Evidence: []diagnose.Sentence{from, size},
			Say: diagnose.Say("risk-purge", "table", t.Name, "column", p.column, "limit", diagnose.Count(limit), "running", purgeTooLong, "takes", time.Duration(float64(rows)/speed*float64(time.Second)).Round(time.Second))})
	}
	if pool := v.pool(); pool > 0 {
		limit := int64(lockLimit * float64(pool) / lockBytes)
		if when, ok := v.grows(rows, limit, age, p.keeps); ok {
			v.found(Risk{ID: "lock-memory", When: when, Remedies: append(remedies, "raise-buffer-pool"), Evidence: []diagnose.Sentence{from, size},
				Say: diagnose.Say("risk-lock-memory", "table", t.Name, "limit", diagnose.Count(limit), "pool", diagnose.Bytes(pool))})
		}
	}
}

// grows tells when a table has so many rows. A clean-up that works keeps it as it
// is: as many go as come.
func (v view) grows(rows, limit int64, age diagnose.TableAge, keeps time.Duration) (When, bool) {
	if rows >= limit {
		return When{Kind: Already}, true
	}
	if age.PerDay <= 0 {
		return When{}, false
	}
	if days := keeps.Hours() / 24; keeps > 0 && age.PerDay*days < float64(limit) && age.Oldest.After(v.o.Now.Add(-keeps-3*24*time.Hour)) {
		return When{}, false
	}
	return v.in(float64(limit-rows) / age.PerDay)
}

// speed is how many rows a second a DELETE of the table goes through, as seen or as
// usual on such a server.
func (v view) speed(t evidence.Table) float64 {
	for _, r := range v.Runs(diagnose.Span{From: v.w.From, To: v.w.To}) {
		if r.Verb == "DELETE" && r.Table == t.Name && r.Running >= 3*time.Second && r.RowsRead > 20_000 {
			return float64(r.RowsRead) / r.Running.Seconds()
		}
	}
	for _, s := range recording.Ever[evidence.DBServer](v.w) {
		if s.Flavour == "mysql" {
			return rowsPerSecondMySQL
		}
	}
	return rowsPerSecond
}

// pool is the size of the buffer pool; 0 unknown.
func (v view) pool() int64 {
	pool := int64(0)
	for _, s := range recording.Ever[evidence.DBServer](v.w) {
		pool = s.BufferPoolBytes
	}
	return pool
}
