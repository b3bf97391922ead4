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

// lethal are the lines that say that a service or the machine failed.
var lethal = map[string]bool{
	"kernel-oom": true, "kernel-oom-cgroup": true, "kernel-io-error": true, "kernel-read-only": true,
	"db-signal": true, "db-assertion": true, "db-crash-recovery": true, "db-out-of-memory": true, "db-disk-full": true,
	"nginx-disk-full": true, "systemd-killed": true,
}

// ends and begins are the lines by which a service goes away and comes back.
var (
	ends   = map[string]bool{"db-stopping": true, "db-stop": true, "apache-stop": true, "fpm-stop": true, "nginx-stop": true, "systemd-stopping": true}
	begins = map[string]bool{"db-start": true, "apache-start": true, "fpm-start": true}
)

const (
	// justBefore is how long a service that has begun anew is slow.
	justBefore = 30 * time.Second
	// diedBefore is how long before the trouble something may have failed that it
	// comes of: the queue has to pile up first.
	diedBefore = 5 * time.Minute
	// stopTakes is how long services take to stop; not all of them say when they
	// are back.
	stopTakes = 2 * time.Minute
	// rebootTakes is how long a machine takes to start, and awayMost how long one can
	// have been away whose silence is looked at.
	rebootTakes = 5 * time.Minute
	awayMost    = time.Hour
)

// Died returns a line that says that a service or the machine failed when the
// trouble began, was stopped and not back, or began anew just then: what came
// after is its effect.
func (c *Case) Died() (Line, bool) {
	onset := Span{c.Outage.From.Add(-diedBefore), c.Outage.From.Add(coarse)}
	var down []Line
	for at, l := range recording.All[evidence.ErrorLine](c.In(onset)) {
		switch {
		case lethal[l.ID], begins[l.ID] && c.Outage.From.Sub(at) <= justBefore:
			return Line{l, at}, true
		case ends[l.ID]:
			down = append(down, Line{l, at})
		case begins[l.ID]:
			down = slices.DeleteFunc(down, func(d Line) bool { return d.Service == l.Service })
		}
	}
	for _, d := range down {
		if c.Outage.From.Sub(d.At) <= stopTakes || c.beginsAfter(d.Service, onset.To) {
			return d, true
		}
	}
	return c.bornAgain(onset.To)
}

// beginsAfter reports whether a service says that it is back after a moment.
func (c *Case) beginsAfter(service string, at time.Time) bool {
	for _, l := range recording.All[evidence.ErrorLine](c.In(Span{at, c.W.To})) {
		if begins[l.ID] && l.Service == service {
			return true
		}
	}
	return false
}

// bornAgain returns the line by which the database came back that had not said
// that it went, as after a loss of power. If it was away from the beginning of
// the trouble on, that is soon, or nobody was served meanwhile.
func (c *Case) bornAgain(after time.Time) (Line, bool) {
	soon := c.Outage.From.Add(rebootTakes)
	for at, l := range recording.All[evidence.ErrorLine](c.In(Span{after, c.Outage.From.Add(awayMost)})) {
		switch {
		case l.ID == "db-start", l.ID == "db-crash-recovery":
			return Line{l, at}, !at.After(soon) || !c.served(Span{after, at.Add(-coarse)})
		case lethal[l.ID], ends[l.ID]:
			return Line{}, false // it ended later than the trouble began
		}
	}
	return Line{}, false
}

// served reports whether any request was completed in a span, or whether no
// access log tells.
func (c *Case) served(s Span) bool {
	told := false
	for at, t := range recording.All[evidence.Traffic](c.In(Span{c.W.From, s.To})) {
		if t.FromHist || t.Requests == 0 {
			continue
		}
		told = true
		if !at.Add(-time.Duration(t.OverMs) * time.Millisecond).Before(s.From) {
			return true
		}
	}
	return !told
}

// FailedMeanwhile returns the first line that says that a service or the machine
// failed when the trouble was under way: its effect, or a trouble of its own. A
// trouble that lines tell of lasts longer than they say.
func (c *Case) FailedMeanwhile() (Line, bool) {
	onset := c.Outage.From.Add(coarse)
	for at, l := range recording.All[evidence.ErrorLine](c.In(Span{onset, later(onset.Add(diedBefore), c.Outage.To.Add(coarse))})) {
		if lethal[l.ID] {
			return Line{l, at}, true
		}
	}
	return Line{}, false
}

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

// leads are what failed and what was due when the trouble began: no accusation, but where to
// look. They are told where nobody watched and no rule knows the cause.
func (c *Case) leads() []Sentence {
	if c.Outage.Zero() || !c.Kept() {
		return nil
	}
	var out []Sentence
	for _, failed := range []func() (Line, bool){c.Died, c.FailedMeanwhile} {
		if l, ok := failed(); ok {
			out = append(out, Say("note-failed-then", "service", l.Service, "message", l.Message, "at", l.At, "began", c.Outage.From))
			break
		}
	}
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
