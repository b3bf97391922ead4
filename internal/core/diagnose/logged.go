package diagnose

import (
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// liveBeat is the longest interval of the facts of somebody who watched: what is
// rarer was kept by the server for itself.
const liveBeat = 2 * time.Minute

// Watched reports whether somebody watched the machine, its database or its
// pages in a span. Else all that is known is what the server kept by itself.
func (c *Case) Watched(s Span) bool {
	w := c.In(s)
	if w.Has(evidence.Probe{}.Kind()) {
		return true
	}
	for _, h := range recording.All[evidence.Host](w) {
		if h.OverMs <= liveBeat.Milliseconds() {
			return true
		}
	}
	return w.Has(evidence.DBStatus{}.Kind())
}

// Kept reports whether all that is known of how the trouble began is what the
// server kept by itself: nobody watched then.
func (c *Case) Kept() bool {
	if c.Outage.Zero() {
		return !c.Watched(c.Scope())
	}
	return !c.Watched(Span{c.Outage.From.Add(-slack), c.Outage.From.Add(slack)})
}

// SlowLogged reports whether the slow log tells of statements that were under way
// in a span: then one that is not among them was quick, or did not run.
func (c *Case) SlowLogged(s Span) bool {
	return slices.ContainsFunc(c.Runs(s), func(r Run) bool { return r.Logged })
}

// Line is a line of a service's own log that tells that visitors wait.
type Line struct {
	evidence.ErrorLine
	At time.Time
}

// Tellers returns, of each kind, the first line in a span by which a service
// said that visitors wait or get errors.
func (c *Case) Tellers(s Span) []Line {
	var out []Line
	seen := map[string]bool{}
	for at, l := range recording.All[evidence.ErrorLine](c.In(s)) {
		if tells[l.ID] && !seen[l.ID] {
			seen[l.ID] = true
			out = append(out, Line{l, at})
		}
	}
	return out
}

// full are the lines that say that every worker is busy.
var full = map[string]bool{"fpm-max-children": true, "apache-workers-full": true, "apache-scoreboard-full": true, "nginx-connections-full": true}

// ToldFull reports whether a service said in a span that all of its workers are
// busy.
func (c *Case) ToldFull(s Span) bool {
	for _, l := range c.Tellers(Span{s.From.Add(-slack), s.To}) {
		if full[l.ID] {
			return true
		}
	}
	return false
}

// Died returns a line that says that a service or the machine failed in a span,
// or that a service was stopped or began anew just before its end: then what came
// after is its effect.
func (c *Case) Died(s Span) (Line, bool) {
	for at, l := range recording.All[evidence.ErrorLine](c.In(s)) {
		switch l.ID {
		case "kernel-oom", "kernel-oom-cgroup", "kernel-io-error", "kernel-read-only", "db-signal", "db-crash-recovery", "db-out-of-memory", "db-disk-full", "nginx-disk-full":
			return Line{l, at}, true
		case "db-start", "db-stop", "apache-start", "apache-stop", "fpm-start", "fpm-stop":
			if c.Outage.From.Sub(at) <= justBefore {
				return Line{l, at}, true
			}
		}
	}
	return Line{}, false
}

// justBefore is how long a service that has begun anew is slow.
const justBefore = 30 * time.Second

// Onsets are the moments at which the server's own logs say that trouble began,
// over all that is known.
func (c *Case) Onsets() []time.Time { return c.onsets }

// DaysAt counts the days on which trouble began when something is due each
// interval: due is one of its moments, within says how long after it.
func (c *Case) DaysAt(due time.Time, interval, within time.Duration) int {
	n := 0
	for _, o := range c.onsets {
		late := o.Sub(due) % interval
		if late < -coarse {
			late += interval
		}
		if late >= -coarse && late <= within || interval-late <= coarse {
			n++
		}
	}
	return n
}

// coarse is how much earlier than its cause a trouble can seem to begin that is
// known by the minute only.
const coarse = time.Minute

// foldAgain says when it comes again by the moments at which the logs tell that
// trouble began, where no schedule does.
func (c *Case) foldAgain() *Recurrence {
	f, ok := FoldOf(c.onsets, c.Loc)
	if !ok || c.Outage.Zero() || !slices.ContainsFunc(f.Hits, func(h time.Time) bool { return h.Sub(c.Outage.From).Abs() <= foldWithin }) {
		return nil
	}
	last := f.Hits[len(f.Hits)-1]
	r := &Recurrence{Schedule: "daily", Seen: len(f.Hits), At: last.In(c.Loc).Format("15:04")}
	id, days := "again-fold", 1
	if f.Period < 24*time.Hour {
		id, r.Schedule, days = "again-fold-hour", "hourly", 0
	} else if f.Period > 24*time.Hour {
		id, r.Schedule, days = "again-fold-week", "weekly", 7
	}
	next := last
	for !next.After(c.W.To) { // bounded: the onsets are of the last weeks
		if f.Wall && days > 0 {
			next = next.In(c.Loc).AddDate(0, 0, days)
		} else {
			next = next.Add(f.Period)
		}
	}
	r.Next = next.UTC()
	r.Say = Say(id, "times", Count(len(f.Hits)), "at", r.At)
	return r
}

// leads are what was due when the trouble began: no accusation, but where to
// look. They are told where nobody watched and no rule knows the cause.
func (c *Case) leads() []Sentence {
	if c.Outage.Zero() || !c.Kept() {
		return nil
	}
	var out []Sentence
	seen := map[string]bool{}
	began := c.Outage.From.Add(coarse)
	for _, e := range recording.Ever[evidence.CronEvent](c.W) {
		ev := eventAt(e, began)
		if e.IntervalS < leadEvery || e.IntervalS > 400*24*3600 || ev.Late < 0 || ev.Late > dueWithin+coarse || seen[e.Hook] {
			continue
		}
		seen[e.Hook] = true
		out = append(out, Say("note-due-then", "job", e.Hook, "due", ev.Due, "began", c.Outage.From))
	}
	if j, due, ok := c.JobAt(began); ok {
		out = append(out, Say("note-due-then", "job", j.Command, "due", due, "began", c.Outage.From))
	}
	return out[:min(len(out), leadsMost)]
}

const (
	leadEvery = 12 * 3600 // s: what runs more often was always due just now
	leadsMost = 4
)
