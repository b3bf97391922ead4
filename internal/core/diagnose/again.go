package diagnose

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Event is an event of WordPress' schedule that was due when something began.
type Event struct {
	evidence.CronEvent
	Due     time.Time     // when it was due that time
	Late    time.Duration // how long after that the thing began
	Table   bool          // the plugin's code names the event's hook and the table
	File    string        // in which file
	Matches bool          // it was due within dueWithin before the thing began
}

// dueWithin is how long after its due time an event of WordPress' own schedule
// can begin: it waits for the first visit, and a slow site for its turn.
const dueWithin = 3 * time.Minute

// EventFor returns the scheduled event that belongs to a table, or that was due
// when something that works on the table began. A recurring event keeps its
// phase to the second, so its next time tells all of its earlier ones.
func (c *Case) EventFor(schema, table string, began time.Time) (Event, bool) {
	here := c.sitesOn(schema)
	hooks := map[string]evidence.HookTable{}
	for _, h := range recording.Ever[evidence.HookTable](c.W) {
		if h.Table == table && here(h.Site) {
			hooks[h.Hook] = h
		}
	}
	owner, _ := c.Owner(schema, table)
	var best Event
	bestRank := 0
	for _, e := range recording.Ever[evidence.CronEvent](c.W) {
		if !here(e.Site) || e.IntervalS < 0 || e.IntervalS > 400*24*3600 {
			continue // the option is outside text
		}
		ev := eventAt(e, began)
		h, named := hooks[e.Hook]
		ev.Table, ev.File = named, h.File
		rank := 0
		switch {
		case named && ev.Matches:
			rank = 4
		case ev.Matches && owner.Plugin != "" && e.Owner == owner.Plugin:
			rank = 3
		case named && e.IntervalS > 0:
			rank = 1
		}
		if rank > bestRank || rank == bestRank && rank > 0 && e.NextUnixS > best.NextUnixS {
			best, bestRank = ev, rank
		}
	}
	return best, bestRank > 0
}

// eventAt works out the last time before began that the event was due.
func eventAt(e evidence.CronEvent, began time.Time) Event {
	due := time.Unix(e.NextUnixS, 0)
	if e.IntervalS > 0 {
		interval := time.Duration(e.IntervalS) * time.Second
		late := began.Sub(due) % interval
		if late < 0 {
			late += interval
		}
		// A second of tolerance: due times and samples are cut to seconds.
		if interval-late <= 2*time.Second {
			late -= interval
		}
		due = began.Add(-late)
	}
	late := began.Sub(due)
	return Event{CronEvent: e, Due: due, Late: late, Matches: late >= -2*time.Second && late <= dueWithin}
}

// JobAt returns the job of the host's own schedules that was due when something
// began, if it runs once a day or less often and is the only one: what runs every
// five minutes was always due just now.
func (c *Case) JobAt(began time.Time) (job evidence.Schedule, due time.Time, ok bool) {
	seen := map[string]bool{}
	for _, j := range recording.Ever[evidence.Schedule](c.W) {
		key := j.Origin + "\x00" + j.Spec + "\x00" + j.Command
		if j.Next <= 0 || seen[key] || !atOneTime(j.Spec) {
			continue
		}
		seen[key] = true
		e := eventAt(evidence.CronEvent{NextUnixS: j.Next, IntervalS: 24 * 3600}, began)
		if !e.Matches {
			continue
		}
		if ok {
			return evidence.Schedule{}, time.Time{}, false
		}
		job, due, ok = j, e.Due, true
	}
	return job, due, ok
}

// TiedJobAt is JobAt where something ties the job to what began: it began with the
// job to the second, or the job's command works on databases. A job that was
// merely due some minutes before, such as a rotation of logs, is no origin.
func (c *Case) TiedJobAt(began time.Time) (job evidence.Schedule, due time.Time, ok bool) {
	job, due, ok = c.JobAt(began)
	if ok = ok && (began.Sub(due) <= tiedWithin || onDatabases(job)); !ok {
		return evidence.Schedule{}, time.Time{}, false
	}
	return job, due, true
}

// tiedWithin is how long after its minute a job of cron may come to its first statement.
const tiedWithin = 5 * time.Second

// onDatabases reports whether a job is one that works on databases, by its command.
func onDatabases(j evidence.Schedule) bool {
	command := strings.ToLower(j.Command)
	return j.Origin == "mysql event" || slices.ContainsFunc([]string{"mysql", "mariadb", "mydumper", "xtrabackup", "wp db", "backup"},
		func(word string) bool { return strings.Contains(command, word) })
}

// atOneTime reports whether a crontab line names one minute of one hour, or an
// event of the database has one time of the day.
func atOneTime(spec string) bool {
	f := strings.Fields(spec)
	number := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return spec == "@daily" || spec == "EVERY 1 DAY" || spec == "@midnight" || len(f) == 5 && number(f[0]) && number(f[1]) && f[2] == "*" && f[3] == "*" && f[4] == "*"
}

// Owner returns the plugin that a table belongs to; found in its code before
// guessed from its name.
func (c *Case) Owner(schema, table string) (evidence.Owner, bool) {
	here := c.sitesOn(schema)
	var out evidence.Owner
	ok := false
	for _, o := range recording.Ever[evidence.Owner](c.W) {
		if o.Table == table && here(o.Site) && (!ok || o.How == "source" || out.How != "source") {
			out, ok = o, true
		}
	}
	return out, ok
}

// sitesOn tells the sites whose tables are in a schema; any site where that is
// not known.
func (c *Case) sitesOn(schema string) func(site string) bool {
	on := map[string]bool{}
	for _, s := range recording.Ever[evidence.Site](c.W) {
		if s.Schema == schema && schema != "" {
			on[s.Name], on[s.Root] = true, true
		}
	}
	return func(site string) bool { return len(on) == 0 || on[site] }
}

// recurrence says when the cause comes again.
func (c *Case) recurrence(f Finding) *Recurrence {
	if f.About.Table == "" {
		return c.scheduleAgain(f)
	}
	e, ok := c.EventFor(f.About.Schema, f.About.Table, f.Active.From)
	if !ok || e.IntervalS <= 0 || e.Hook != f.Origin.Hook {
		return c.jobAgain(f)
	}
	interval := time.Duration(e.IntervalS) * time.Second
	next := time.Unix(e.NextUnixS, 0)
	for !next.After(c.W.To) { // bounded: the event may have been read long before
		next = next.Add(c.W.To.Sub(next).Truncate(interval) + interval)
	}
	at := e.Due.In(c.Loc).Format("15:04:05")
	return &Recurrence{At: at, Next: next.UTC(), Schedule: e.Schedule, Seen: c.seenTimes(f),
		Say: Say("again-schedule", "hook", e.Hook, "at", at, "next", next)}
}

// jobAgain says when the host's own schedule starts it again.
func (c *Case) jobAgain(f Finding) *Recurrence {
	j, due, ok := c.JobAt(f.Active.From)
	if !ok || j.Spec != f.Origin.Schedule {
		return c.foldAgain()
	}
	at := due.In(c.Loc).Format("15:04:05")
	next := time.Unix(j.Next, 0)
	for !next.After(c.W.To) { // bounded: the crontab may have been read days before
		next = next.Add(24 * time.Hour)
	}
	return &Recurrence{At: at, Next: next.UTC(), Schedule: j.Spec, Seen: c.seenTimes(f),
		Say: Say("again-host-schedule", "job", j.Command, "at", at, "next", next)}
}

// seenTimes counts the executions of the same kind that the recording holds.
func (c *Case) seenTimes(f Finding) int {
	n := 0
	for _, r := range c.runs {
		if r.Table == f.About.Table && r.Verb == "DELETE" && r.Running >= time.Second {
			n++
		}
	}
	return n
}
