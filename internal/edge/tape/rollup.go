package tape

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/evidence"
)

// rollup is what the table minute keeps of a minute, long after its block is gone.
type rollup struct {
	capacity, busy, iowait, steal, throttled int64 // ms
	memAvailKB, phpMs, dbMs                  int64
	requests, errors5xx                      int64
	probes                                   []int64
	failed, queue, statementMs               int64
}

func (a *rollup) add(f evidence.Fact) {
	switch f := f.(type) {
	case evidence.Host:
		a.capacity += f.CapacityMs()
		a.busy += f.BusyMs()
		a.iowait += f.IowaitMs
		a.steal += f.StealMs
		if a.memAvailKB == 0 || f.MemAvailKB < a.memAvailKB {
			a.memAvailKB = f.MemAvailKB
		}
	case evidence.Cgroup:
		a.throttled += f.ThrottledMs
	case evidence.ServiceUse:
		a.addService(f)
	case evidence.Traffic:
		if !f.FromHist {
			a.requests += f.Requests
			a.errors5xx += f.S5xx
		}
	case evidence.Probe:
		a.addProbe(f)
	case evidence.WorkerPool:
		a.queue = max(a.queue, int64(f.Queue))
	case evidence.Statement:
		if f.Digest != "" {
			a.statementMs = max(a.statementMs, f.RunningMs)
		}
	}
}

func (a *rollup) addService(f evidence.ServiceUse) {
	switch f.Service {
	case evidence.ServicePHP:
		a.phpMs += f.CPUMs
	case evidence.ServiceDatabase:
		a.dbMs += f.CPUMs
	}
}

func (a *rollup) addProbe(f evidence.Probe) {
	if f.Failed() {
		a.failed++
	}
	if len(a.probes) < 600 {
		a.probes = append(a.probes, f.TookMs)
	}
}

// share is a part of the capacity, or NULL where there was no host fact.
func (a *rollup) share(ms int64) any {
	if a.capacity == 0 {
		return nil
	}
	return float64(ms*1000/a.capacity) / 1000
}

func (a *rollup) probeMedian() any {
	if len(a.probes) == 0 {
		return nil
	}
	slices.Sort(a.probes)
	return a.probes[len(a.probes)/2]
}

func (w *Writer) writeMinute(tx *sql.Tx) error {
	if w.minute.facts == 0 {
		return nil
	}
	a := &w.roll
	from := time.UnixMilli(w.minute.from).Truncate(time.Minute).UnixMilli()
	_, err := tx.ExecContext(context.Background(), `INSERT OR REPLACE INTO minute VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		from, a.share(a.busy), a.share(a.iowait), a.share(a.steal), a.throttled, a.memAvailKB, a.phpMs, a.dbMs,
		a.requests, a.errors5xx, a.probeMedian(), len(a.probes), a.failed, a.queue, a.statementMs)
	if err != nil {
		return fmt.Errorf("write the minute to %s: %w", w.path, err)
	}
	return nil
}

// shapeKey tells statement shapes apart.
type shapeKey struct{ db, schema, digest string }

// shape is what was seen of one statement shape in the running minute.
type shape struct {
	verb, table            string
	first, last            int64
	times, maxMs, rowsRead int64
}

// maxShapes bounds the memory of a minute in which every statement differs.
const maxShapes = 2000

func (w *Writer) seeShape(at time.Time, f evidence.Statement) {
	if f.Digest == "" {
		return
	}
	k := shapeKey{f.DB, f.Schema, f.Digest}
	s := w.shapes[k]
	if s == nil {
		if len(w.shapes) >= maxShapes {
			return
		}
		s = &shape{verb: f.Verb, table: f.Table, first: at.UnixMilli()}
		w.shapes[k] = s
	}
	s.last = at.UnixMilli()
	s.times++
	s.maxMs = max(s.maxMs, f.RunningMs)
	s.rowsRead = max(s.rowsRead, f.RowsRead)
}

func (w *Writer) writeShapes(tx *sql.Tx) error {
	if len(w.shapes) == 0 {
		return nil
	}
	st, err := tx.PrepareContext(context.Background(), `INSERT INTO statement VALUES (?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (db,schema,digest) DO UPDATE SET last_ms=max(last_ms,excluded.last_ms), times_seen=times_seen+excluded.times_seen,
		max_running_ms=max(max_running_ms,excluded.max_running_ms), max_rows_read=max(max_rows_read,excluded.max_rows_read)`)
	if err != nil {
		return fmt.Errorf("write the statements to %s: %w", w.path, err)
	}
	defer st.Close()
	for k, s := range w.shapes {
		if _, err := st.ExecContext(context.Background(), k.db, k.schema, k.digest, s.verb, s.table, s.first, s.last, s.times, s.maxMs, s.rowsRead); err != nil {
			return fmt.Errorf("write the statements to %s: %w", w.path, err)
		}
	}
	return nil
}
