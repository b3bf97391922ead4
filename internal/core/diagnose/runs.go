package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Run is one execution of a statement, put together from the samples in which
// it was seen.
type Run struct {
	DB       string
	ConnID   uint64
	User     string
	Schema   string
	Digest   string
	Verb     string
	Table    string
	Active   Span          // from its beginning to the last sample that saw it
	Running  time.Duration // as long as the server said last
	RowsRead int64         // the most that was seen; -1 unknown
	Seen     time.Duration // database time: samples times their distance
	Samples  int
	Logged   bool // the slow log tells of it, at its end
}

// runKey tells executions apart: the same connection may run the same shape again.
type runKey struct {
	db     string
	conn   uint64
	query  uint64
	digest string
}

// runBreak is the longest time between two samples of one execution.
const runBreak = 15 * time.Second

// statementRuns joins the samples of the statement list into executions,
// oldest first.
func statementRuns(w recording.Window, beat func(time.Time) time.Duration) []Run {
	open := map[runKey]*Run{}
	var done []*Run
	for at, s := range recording.All[evidence.Statement](w) {
		if s.Command == "Sleep" || s.Digest == "" {
			continue
		}
		began := at.Add(-time.Duration(s.RunningMs) * time.Millisecond)
		k := runKey{s.DB, s.ConnID, s.QueryID, s.Digest}
		r := open[k]
		if s.Command == evidence.CommandLogged {
			r = nil // each line of the log is one execution
		}
		// Without a query id, one that seems to have begun later is another one.
		if r == nil || at.Sub(r.Active.To) > runBreak || (s.QueryID == 0 && began.Sub(r.Active.From) > 3*time.Second) {
			r = &Run{DB: s.DB, ConnID: s.ConnID, User: s.User, Schema: s.Schema, Digest: s.Digest, Verb: strings.ToUpper(s.Verb), Table: s.Table, RowsRead: -1}
			r.Active.From = began
			open[k] = r
			done = append(done, r)
		}
		r.Active.To = at
		r.Running = max(r.Running, time.Duration(s.RunningMs)*time.Millisecond)
		r.RowsRead = max(r.RowsRead, s.RowsRead)
		if s.Command == evidence.CommandLogged {
			r.Seen, r.Logged = r.Running, true // nobody took samples: the log tells all of it
		} else {
			r.Seen += beat(at)
		}
		r.Samples++
	}
	out := make([]Run, 0, len(done))
	for _, r := range done {
		out = append(out, *r)
	}
	slices.SortStableFunc(out, func(a, b Run) int {
		return cmp.Or(a.Active.From.Compare(b.Active.From), cmp.Compare(a.ConnID, b.ConnID), cmp.Compare(a.Digest, b.Digest))
	})
	return out
}

// sampleDistance returns how much time one sample of the statement list stands
// for: the time since the sample before it.
func sampleDistance(w recording.Window) func(time.Time) time.Duration {
	over := map[int64]time.Duration{}
	for at, s := range recording.All[evidence.DBStatus](w) {
		over[at.UnixMilli()] = min(time.Duration(s.OverMs)*time.Millisecond, runBreak)
	}
	return func(at time.Time) time.Duration {
		if d := over[at.UnixMilli()]; d > 0 {
			return d
		}
		return time.Second
	}
}

// Runs returns the executions that were under way in a span, oldest first.
func (c *Case) Runs(s Span) []Run {
	var out []Run
	for _, r := range c.runs {
		if !r.Active.From.After(s.To) && !r.Active.To.Before(s.From) {
			out = append(out, r)
		}
	}
	return out
}

// DatabaseTime sums the time of all statements that were seen in a span, and
// of those that pick accepts.
func (c *Case) DatabaseTime(s Span, pick func(Run) bool) (part, all time.Duration) {
	for _, r := range c.Runs(s) {
		all += r.Seen
		if pick(r) {
			part += r.Seen
		}
	}
	return part, all
}

// DatabaseShare is the share of the picked statements in the database time of
// a span; -1 if no statement was seen.
func (c *Case) DatabaseShare(s Span, pick func(Run) bool) float64 {
	part, all := c.DatabaseTime(s, pick)
	if all <= 0 {
		return -1
	}
	return float64(part) / float64(all)
}
