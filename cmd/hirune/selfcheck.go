package main

import (
	"cmp"
	"fmt"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

// RunDue is one run of a plan that is done, with what has been found out of its
// effect so far.
type RunDue struct {
	Run     int
	Because remedy.Because
	Settle  remedy.Settle
	Ended   time.Time // when its last step was done
	Checks  int       // outcomes that were noted
	Last    *verify.Outcome
}

// Said is what one check gave: an outcome, or why there is none.
type Said struct {
	Run     int
	Outcome verify.Outcome
	Err     error
}

// How often is checked, and what is read for it: an hour of tape costs a second
// of CPU and 20 MB.
const (
	checksMost  = 30             // of one run: after a month the user has to ask
	checkDaily  = 24 * time.Hour // while it is untested and no time is known
	checkAfter  = 90 * time.Second
	checkAgain  = 10 * time.Minute // after a failure, and at least between two checks
	checkBefore = 15 * time.Minute // read before the job is due
	checkRead   = 3 * time.Hour    // at most
	outageRead  = 30 * time.Minute // before the outage, for what is usual
)

// SelfCheck lets the recorder say by itself whether plans have helped, when the
// accused job has run again. It has no goroutine: Tick is called once a minute.
type SelfCheck struct {
	Runs    func() ([]RunDue, error)                           // that are done and not undone
	Load    func(from, to time.Time) (recording.Window, error) // of the tape
	Note    func(run int, o verify.Outcome) error              // keeps an outcome
	Rules   []diagnose.Rule
	Options diagnose.Options

	rest map[int]time.Time // by run: not before; run 0: reading the runs
	told map[string]bool   // failures that were told already
	past map[int]outage
}

// outage is what the time before the plan tells of.
type outage struct {
	visitors diagnose.Visitors
	usual    float64
}

// Tick checks the run that has been due for longest, if one is, and says what
// came of it. A failure is said once, and tried again later.
func (c *SelfCheck) Tick(now time.Time) []Said {
	if now.Before(c.rest[0]) {
		return nil
	}
	runs, err := c.Runs()
	if err != nil {
		return c.failed(now, 0, fmt.Errorf("read which plans are to be verified: %w", err))
	}
	var pick *RunDue
	for i, r := range runs {
		if at, ok := checkAt(r); ok && !at.After(now) && !now.Before(c.rest[r.Run]) && (pick == nil || at.Before(first(checkAt(*pick)))) {
			pick = &runs[i]
		}
	}
	if pick == nil {
		return nil
	}
	c.delay(pick.Run, now)
	o, err := c.Judge(now, *pick)
	if err == nil {
		err = c.Note(pick.Run, o)
	}
	if err != nil {
		return c.failed(now, pick.Run, fmt.Errorf("verify run %d: %w", pick.Run, err))
	}
	clear(c.told)
	return []Said{{Run: pick.Run, Outcome: o}}
}

// Judge says now whether a run has helped, due or not. It notes nothing.
func (c *SelfCheck) Judge(now time.Time, r RunDue) (verify.Outcome, error) {
	before, err := c.outage(r)
	if err != nil {
		return verify.Outcome{}, err
	}
	w, err := c.Load(checkFrom(r, now), now)
	if err != nil {
		return verify.Outcome{}, err
	}
	return verify.Judge(verify.In{Because: r.Because, Settle: r.Settle, Ended: r.Ended, Window: w, Rules: c.Rules, Options: c.Options,
		Before: before.visitors, Usual: before.usual}), nil
}

// outage reads once for each run how visitors fared in the outage, and how many
// are usual. A tape that no longer has it is no fault.
func (c *SelfCheck) outage(r RunDue) (outage, error) {
	if o, ok := c.past[r.Run]; ok {
		return o, nil
	}
	active := r.Because.Active
	if active.Zero() {
		return outage{}, nil
	}
	w, err := c.Load(active.From.Add(-outageRead), earlier(active.To.Add(checkAgain), active.From.Add(outageRead)))
	if err != nil {
		return outage{}, err
	}
	o := outage{usual: verify.Demand(w, diagnose.Options{At: active.From, Loc: c.Options.Loc})}
	if v := diagnose.Diagnose(w, nil, diagnose.Options{At: active.From, Loc: c.Options.Loc}); !v.Outage.Zero() {
		o.visitors = v.Visitors
	}
	if c.past == nil {
		c.past = map[int]outage{}
	}
	c.past[r.Run] = o
	return o, nil
}

// checkAt is when a run is to be checked next; false: never again.
func checkAt(r RunDue) (time.Time, bool) {
	if r.Last == nil {
		return firstCheck(r), true
	}
	if r.Last.Status != verify.Untested || r.Checks >= checksMost {
		return time.Time{}, false
	}
	if r.Last.Next.IsZero() {
		return r.Last.At.Add(checkDaily), true
	}
	return r.Last.Next.Add(checkAfter), true
}

// firstCheck is when the job has run and settled, or the trouble has stayed away
// for long enough. WordPress' schedule is read once a minute.
func firstCheck(r RunDue) time.Time {
	hook := cmp.Or(r.Settle.Hook, r.Because.Origin.Hook, r.Because.Origin.Schedule)
	due := dueSince(r.Settle, r.Ended)
	switch {
	case hook == "":
		return r.Ended.Add(max(r.Settle.Least, checkAgain) + checkAfter)
	case due.IsZero():
		return r.Ended.Add(checkAgain) // the tape tells when it is due
	}
	return due.Add(r.Settle.After + checkAfter)
}

// dueSince is the job's first due time since the plan was done; zero: unknown.
func dueSince(s remedy.Settle, ended time.Time) time.Time {
	due := s.Due
	for !due.IsZero() && due.Before(ended) {
		if s.Every <= 0 {
			return time.Time{}
		}
		due = due.Add(ended.Sub(due).Truncate(s.Every) + s.Every)
	}
	return due
}

// checkFrom is from when on the tape is read: from a little before the job was
// due, or as much as is needed to have watched for long enough.
func checkFrom(r RunDue, now time.Time) time.Time {
	back := max(2*r.Settle.Least, time.Hour)
	from := now.Add(-back)
	var due time.Time
	switch last := r.Last; {
	case last == nil:
		due = dueSince(r.Settle, r.Ended)
	case last.Job == nil:
	case !last.Job.Ran && !last.Job.Due.IsZero():
		due = last.Job.Due
	case !last.Next.IsZero():
		due = last.Next.Add(-r.Settle.After)
	}
	if !due.IsZero() && due.Before(now) {
		from = due.Add(-checkBefore)
	}
	return later(r.Ended, later(from, now.Add(-checkRead)))
}

// failed says a failure the first time, and lets the run rest.
func (c *SelfCheck) failed(now time.Time, run int, err error) []Said {
	c.delay(run, now)
	if c.told[err.Error()] {
		return nil
	}
	if c.told == nil {
		c.told = map[string]bool{}
	}
	c.told[err.Error()] = true
	return []Said{{Run: run, Err: err}}
}

func (c *SelfCheck) delay(run int, now time.Time) {
	if c.rest == nil {
		c.rest = map[int]time.Time{}
	}
	c.rest[run] = now.Add(checkAgain)
}

func first(at time.Time, _ bool) time.Time { return at }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
