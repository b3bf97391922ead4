package change

import (
	"errors"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/edge/mysql"
)

// Codes of why chunks wait, beside those of the Pacer.
const (
	WaitRows    = "row-locks"     // another transaction holds rows of the chunk
	WaitDown    = "database-down" // the connection is lost
	WaitSmaller = "smaller-chunk" // the chunk was too much and is done again in parts
)

// Codes of what a step does with chunks of rows.
const (
	DoingDelete = "deleting"
	DoingLoad   = "loading"
	DoingWait   = "waiting"
)

func waitCode(err error) string {
	switch {
	case errors.Is(err, errTooMuch):
		return WaitSmaller
	case transient(mysql.Number(err)):
		return WaitRows
	}
	return WaitDown
}

func (p *purge) tell(g apply.Grant) { p.w.Tell(p.progress(DoingDelete, g.Why)) }

func (p *purge) progress(doing, wait string) apply.Progress {
	return apply.Progress{Doing: doing, Wait: wait, Done: p.state.Next - p.step.FromKey, Total: p.step.ToKey - p.step.FromKey + 1,
		Rows: p.deleted(), PerSec: p.rate.perSec}
}

func (p *purge) deleted() int64 {
	if p.arch != nil {
		return p.arch.kept
	}
	return p.state.Deleted
}

// chunkRate is rows a second over the last few seconds.
type chunkRate struct {
	since  time.Time
	rows   int64
	perSec float64
}

const rateOver = 2 * time.Second

func (r *chunkRate) start(at time.Time) { r.since, r.rows = at, 0 }

func (r *chunkRate) add(at time.Time, rows int64) {
	r.rows += rows
	if d := at.Sub(r.since); d >= rateOver {
		r.perSec = float64(r.rows) / d.Seconds()
		r.start(at)
	}
}
