package tape

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Minute is how visitors fared in one minute of the recording, all sites
// together.
type Minute struct {
	From         time.Time
	Requests     int64
	Errors5xx    int64
	ProbeMs      int64 // median time of hirune's own requests; -1 if there was none
	Probes       int64
	ProbesFailed int64
	CPUShare     float64 // of all CPUs in use; -1 unknown
	PHPMs        int64   // CPU that PHP-FPM used
	DatabaseMs   int64   // CPU that the database used
}

// Minutes returns the minutes that begin from from to to, both included, oldest
// first. They are kept much longer than the facts. With ErrDamaged come those
// that can be read. Source: the table minute.
func (r *Reader) Minutes(from, to time.Time) ([]Minute, error) {
	rows, err := r.db.QueryContext(context.Background(), `SELECT from_ms, coalesce(requests,0), coalesce(errors_5xx,0), probe_p50_ms, coalesce(probes,0), coalesce(probes_failed,0), cpu_share, coalesce(php_cpu_ms,-1), coalesce(db_cpu_ms,-1)
		FROM minute WHERE from_ms BETWEEN ? AND ? ORDER BY from_ms`, from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, classify(fmt.Errorf("read the minutes of %s: %w", r.path, err))
	}
	defer rows.Close()
	var out []Minute
	for rows.Next() {
		var m Minute
		var at int64
		var took sql.NullInt64
		var cpu sql.NullFloat64
		if err := rows.Scan(&at, &m.Requests, &m.Errors5xx, &took, &m.Probes, &m.ProbesFailed, &cpu, &m.PHPMs, &m.DatabaseMs); err != nil {
			return out, damaged(fmt.Errorf("read the minutes of %s: %w", r.path, err))
		}
		m.From, m.ProbeMs, m.CPUShare = time.UnixMilli(at).UTC(), -1, -1
		if cpu.Valid {
			m.CPUShare = cpu.Float64
		}
		if took.Valid {
			m.ProbeMs = took.Int64
		}
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return out, classify(fmt.Errorf("read the minutes of %s: %w", r.path, err))
	}
	return out, nil
}
