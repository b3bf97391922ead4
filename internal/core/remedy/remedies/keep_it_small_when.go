package remedies

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// timeOfDay is minutes after midnight.
type timeOfDay int

const minutesADay = 24 * 60

func (t timeOfDay) hour() int      { return int(t) / 60 }
func (t timeOfDay) minute() int    { return int(t) % 60 }
func (t timeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t.hour(), t.minute()) }

// add is the time of day some minutes later, or earlier.
func (t timeOfDay) add(minutes int) timeOfDay {
	return timeOfDay(((int(t)+minutes)%minutesADay + minutesADay) % minutesADay)
}

// apart is how far two times of day are apart, by the shorter way.
func (t timeOfDay) apart(o timeOfDay) int {
	d := (int(t-o) + minutesADay) % minutesADay
	return min(d, minutesADay-d)
}

func dayTime(t time.Time, loc *time.Location) timeOfDay {
	t = t.In(loc)
	return timeOfDay(t.Hour()*60 + t.Minute())
}

// Times at which visitors sleep, on the site's own clock; the hour that a change
// to summer time may skip or double is none of them. wayOff is how far a job
// stays away from the plugin's own, and from when the trouble was.
var quiet = []timeOfDay{3*60 + 40, 4*60 + 40, 5*60 + 30, 60 + 15, 23*60 + 45}

const wayOff = 90

// quietTime is when the job runs, on the machine's clock: the user's wish, else
// a time in the site's night that is away from the accused job. Tables differ in
// the minute, so that their jobs do not meet.
func quietTime(f diagnose.Finding, w remedy.World, wish remedy.Wishes) timeOfDay {
	if t, ok := clockTime(wish.At); ok {
		return t
	}
	return quietBut(w, int(sum(w.Table.Name)%15), busyTimes(f, w))
}

// quietBut is the first quiet time of the machine's clock, some minutes later,
// that is away from the busy ones.
func quietBut(w remedy.World, later int, busy []timeOfDay) timeOfDay {
	best, most := timeOfDay(0), -1
	for _, q := range quiet {
		t := q.add(later + ahead(w))
		least := minutesADay
		for _, b := range busy {
			least = min(least, t.apart(b))
		}
		if least >= wayOff {
			return t
		}
		if least > most {
			best, most = t, least
		}
	}
	return best
}

// busyTimes are when the accused job runs and when the trouble was, on the
// machine's clock.
func busyTimes(f diagnose.Finding, w remedy.World) []timeOfDay {
	loc := zoneOf(w)
	var out []timeOfDay
	if !f.Active.Zero() {
		out = append(out, dayTime(f.Active.From, loc), dayTime(f.Active.To, loc))
	}
	if e, ok := eventOf(f, w); ok {
		out = append(out, dayTime(time.Unix(e.NextUnixS, 0), loc))
	}
	return out
}

// ahead is how many minutes the machine's clock is ahead of the site's.
func ahead(w remedy.World) int {
	if w.Site == nil {
		return 0
	}
	_, machine := w.Now.In(zoneOf(w)).Zone()
	if w.Site.UTCOffset == 0 { // unknown, or UTC: then the machine's own night is as good
		return 0
	}
	return (machine - int(w.Site.UTCOffset)) / 60
}

func zoneOf(w remedy.World) *time.Location {
	if w.Loc == nil {
		return time.UTC
	}
	return w.Loc
}

// clockTime reads "03:40".
func clockTime(s string) (timeOfDay, bool) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, false
	}
	return timeOfDay(t.Hour()*60 + t.Minute()), true
}

// eventOf is the next event of the accused hook.
func eventOf(f diagnose.Finding, w remedy.World) (evidence.CronEvent, bool) {
	var out evidence.CronEvent
	if w.Site == nil || f.Origin.Hook == "" {
		return out, false
	}
	for _, e := range w.Site.Events {
		if e.Hook != f.Origin.Hook || f.Origin.Site != "" && e.Site != "" && e.Site != f.Origin.Site {
			continue
		}
		if out.Hook == "" || e.NextUnixS < out.NextUnixS {
			out = e
		}
	}
	return out, out.Hook != ""
}

// Moving is worth it for jobs that run at most twice a day; a move that is due
// sooner than soonest could meet the job itself.
const (
	rarely   = 12 * time.Hour
	soonest  = 30 * time.Minute
	afterOur = 60 // minutes that the plugin's job comes behind ours, when little is left to do
)

// move adds the step that moves the plugin's own job, or says that it can be had.
func (k small) move(p *remedy.Plan, w remedy.World, wish remedy.Wishes) {
	hook := p.Because.Origin.Hook
	if hook == "" {
		return
	}
	e, ok := eventOf(diagnose.Finding{Origin: p.Because.Origin}, w)
	wanted := accepted(wish, moveEvent)
	switch every := time.Duration(e.IntervalS) * time.Second; {
	case !ok || e.Schedule == "":
		if wanted {
			p.Says = append(p.Says, say("small-no-event", "hook", hook))
		}
		return
	case every < rarely:
		if wanted {
			p.Says = append(p.Says, say("small-too-often", "hook", hook, "every", every))
		}
		return
	case !wanted:
		p.Says = append(p.Says, say("small-can-move", "hook", hook, "name", moveEvent))
		return
	}
	due := time.Unix(e.NextUnixS, 0)
	to := nextAt(k.at.add(afterOur), latest(w.Now.Add(soonest), due.Add(-rarely)), zoneOf(w))
	if to.Equal(due) {
		return
	}
	p.Steps = append(p.Steps, remedy.Planned{
		ID: strconv.Itoa(len(p.Steps) + 1),
		Step: remedy.MoveCronEvent{Instance: w.Server.Instance, Schema: w.Site.Schema, Prefix: w.Site.Prefix, Site: w.Site.Name, Hook: hook,
			From: e.NextUnixS, To: to.Unix()},
		Estimate: remedy.Estimate{Takes: time.Second, TakesCapped: time.Second, Rows: 1, Locks: say("small-locks-none"), Risk: remedy.RiskLow},
		Says:     sentences{say("small-move", "hook", hook, "due", due, "to", to)},
		Undo:     say("small-undo-move", "hook", hook, "due", due),
	})
	p.Settle.Due = to.UTC() // it proves itself at its new time
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextAt is the next moment at a time of day, not before from.
func nextAt(t timeOfDay, from time.Time, loc *time.Location) time.Time {
	d := from.In(loc)
	for i := range 3 { // a day may lack the time of day
		m := time.Date(d.Year(), d.Month(), d.Day()+i, t.hour(), t.minute(), 0, 0, loc)
		if !m.Before(from) {
			return m
		}
	}
	return from
}

func sum(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // it cannot fail
	return h.Sum32()
}

func shortSum(s string) string { return fmt.Sprintf("%08x", sum(s)) }

// configFile is the site's wp-config.php as far as it is known.
func configFile(w remedy.World) string {
	if w.Site == nil || w.Site.Root == "" {
		return "wp-config.php"
	}
	return strings.TrimSuffix(w.Site.Root, "/") + "/wp-config.php"
}

// define is a line of wp-config.php.
func define(constant string, n int64) string {
	return fmt.Sprintf("define( '%s', %d );", constant, n)
}
