// Package verify says whether a plan helped, from what was recorded since.
//
// It is pure: the journal's run and a window of the tape in, an Outcome out.
// Silence is no cure: where a job was the cause, it must have run again.
package verify

import (
	"time"

	"hirune/internal/core/diagnose"
)

// Status is the answer.
type Status string

// Statuses.
const (
	Cured    Status = "cured"    // the job ran again, or the trouble stayed away long enough, and the accusing rule is silent
	Persists Status = "persists" // the accusing rule fires again on the same subject
	Untested Status = "untested" // the job has not run again yet, or nobody watched when it did
)

// Outcome is the answer with what bears it.
type Outcome struct {
	Status Status
	At     time.Time           // end of what was looked at
	Window diagnose.Span       // what was looked at, since the plan was done
	Job    *JobRun             // the job that had to run again; nil if there is none
	Before diagnose.Visitors   // in the outage that the plan answers
	After  diagnose.Visitors   // since; How empty: nobody watched
	Says   []diagnose.Sentence // ids of Sayings
	Next   time.Time           // when it is worth asking again; zero: now, or never
}

// JobRun is the next real run of the accused job.
type JobRun struct {
	Hook string
	Due  time.Time
	Ran  bool
	How  string        // "rescheduled", "request", "statement", "schedule": how it is known that it ran
	Took time.Duration // the longest that its statement was seen to run; 0: never seen, so less than a second; -1 unknown
}
