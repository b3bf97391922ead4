package verify

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// run is one run of the accused job. It began between from and to.
type run struct {
	due, from, to time.Time
	how           string
	statement     *diagnose.Run // the longest of its statements that was seen
}

// How it is known that a job ran.
const (
	howRescheduled = "rescheduled"
	howRequest     = "request"
	howStatement   = "statement"
	howSchedule    = "schedule"
)

// due is one look at the schedule: when the job is due next, or that it is not
// on it.
type due struct {
	at   time.Time
	next time.Time // zero: it is not on it
	each time.Duration
}

// schedule returns all looks at the schedule of the job's site, oldest first.
// The same hook can be due several times: the first of them counts.
func (j *judge) schedule() []due {
	var out []due
	for at, e := range recording.Ever[evidence.CronEvent](j.Window) {
		if j.Settle.Site != "" && e.Site != "" && e.Site != j.Settle.Site {
			continue
		}
		if n := len(out); n == 0 || !out[n-1].at.Equal(at) {
			out = append(out, due{at: at})
		}
		d := &out[len(out)-1]
		if next := time.Unix(e.NextUnixS, 0).UTC(); e.Hook == j.Settle.Hook && (d.next.IsZero() || next.Before(d.next)) {
			d.next, d.each = next, time.Duration(e.IntervalS)*time.Second
		}
	}
	return out
}

// runs returns the runs of the job since the plan was done, oldest first, when
// it is due next (zero: unknown), and whether it has gone from the schedule.
//
// WordPress puts a recurring event to its next time before it runs it. So an
// event that is due, and then is due an interval later, ran in between; and so
// did one that is now due an interval after a moment between two looks, where
// wp-cron was asked at that moment.
func (j *judge) runs() (out []run, next time.Time, gone bool) {
	looks := j.schedule()
	next = j.Settle.Due
	first := slices.IndexFunc(looks, func(d due) bool { return !d.at.Before(j.Ended) })
	if first < 0 {
		first = len(looks)
	}
	for _, d := range looks[:first] {
		if !d.next.IsZero() {
			next = d.next
		}
	}
	if first == len(looks) {
		next = rolled(next, j.Settle.Every, j.Ended)
	}
	last := j.Ended // when next was known to hold
	for _, d := range looks[first:] {
		// What is known of earlier times was not read all at once.
		if gone = d.next.IsZero() && !d.at.Before(j.after.From) && !j.crowded(); d.next.IsZero() {
			continue
		}
		if r, ok := j.rescheduled(next, last, d); ok {
			out = append(out, r)
		}
		next, last = d.next, d.at
	}
	if r, ok := j.unscheduled(next, last); ok && !gone {
		out = append(out, r)
		next = rolled(next, j.Settle.Every, next.Add(time.Second))
	}
	for i := range out {
		out[i].statement = j.statementIn(diagnose.Span{From: out[i].from.Add(-tolerance), To: out[i].to.Add(j.Settle.After)})
	}
	return out, next, gone
}

// rescheduled is the run between two looks at the schedule: at last the job was
// due at next, then d was seen.
func (j *judge) rescheduled(next, last time.Time, d due) (run, bool) {
	r := run{due: next, from: later(next, last), to: d.at, how: howRescheduled}
	moved := !next.IsZero() && !d.at.Before(next) && d.next.After(next) && d.next.Sub(next) >= max(d.each, j.Settle.Every)*9/10
	hidden := d.next.Add(-d.each) // due and run without being seen to be due
	if !moved {
		if d.each <= 0 || d.next.Equal(next) || hidden.Before(last) || hidden.After(d.at) {
			return run{}, false
		}
		r.due, r.from = hidden, hidden
	}
	asked, ok := j.askedCron(diagnose.Span{From: r.from.Add(-time.Second), To: d.at})
	if ok {
		r.to = asked
	}
	return r, moved || ok
}

// askedCron is the last request to wp-cron in a span; it was over then.
func (j *judge) askedCron(s diagnose.Span) (last time.Time, ok bool) {
	for at, t := range recording.All[evidence.Traffic](j.after.Between(s.From, s.To)) {
		if t.Class == evidence.ClassCron && t.Requests > 0 && !t.FromHist {
			last, ok = at, true
		}
	}
	return last, ok
}

// crowded reports whether the schedule is too long to be recorded in full.
func (j *judge) crowded() bool {
	_, _, ok := recording.Last(j.Window.Whole(), func(u evidence.Unseen) bool { return u.Code == "cron-crowded" })
	return ok
}

// unscheduled finds a run that the schedule does not tell of: its statement, or
// else a request to wp-cron where nobody has read the schedule since, or the
// host's own clock.
func (j *judge) unscheduled(next, last time.Time) (run, bool) {
	if next.IsZero() || next.After(j.Window.To) {
		return run{}, false
	}
	within := diagnose.Span{From: next.Add(-tolerance), To: next.Add(jobWithin)}
	if s := j.statementIn(within); s != nil {
		return run{due: next, from: s.Active.From, to: s.Active.From, how: howStatement}, true
	}
	if j.Because.Origin.Hook == "" && j.Because.Origin.Schedule != "" { // cron waits for nobody
		return run{due: next, from: next, to: next.Add(time.Minute), how: howSchedule}, !next.Add(time.Minute).After(j.Window.To)
	}
	if last.After(next.Add(tolerance)) {
		return run{}, false // it was still due then
	}
	asked, ok := j.askedCron(diagnose.Span{From: next, To: within.To})
	return run{due: next, from: next, to: asked, how: howRequest}, ok
}

// statementIn is the longest execution of the accused statement that was under
// way in the span; nil if none was seen.
func (j *judge) statementIn(s diagnose.Span) *diagnose.Run {
	var out *diagnose.Run
	for _, r := range j.c.Runs(s) {
		accused := j.Because.Digest != "" && r.Digest == j.Because.Digest ||
			j.Because.About.Table != "" && r.Table == j.Because.About.Table && strings.EqualFold(r.Verb, "DELETE")
		if accused && !r.Active.From.Before(j.Ended) && (out == nil || r.Running > out.Running) {
			out = &r
		}
	}
	return out
}
