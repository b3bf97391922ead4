package apply

import (
	"encoding/json"
	"time"

	"hirune/internal/core/remedy"
)

// Event is what a journal entry says happened.
type Event string

// Events of a run and of its steps.
const (
	RunPlanned  Event = "planned"    // Plan is set; the user has agreed to it
	StepBegun   Event = "begun"      // written before Do
	StepState   Event = "state"      // State is set: how far Do or Undo is
	StepDone    Event = "done"       // Do has ended and Done agrees
	StepFound   Event = "found-done" // it was so before; undo leaves it alone
	StepFailed  Event = "failed"     // Err says why
	StepStopped Event = "stopped"    // cleanly, by request; it can go on
	RunEnded    Event = "ended"      // all steps are done
	RunClosed   Event = "closed"     // the user gave up on the rest
	UndoBegun   Event = "undo-begun"
	UndoDone    Event = "undone"
	UndoLeft    Event = "undo-left" // it cannot be undone; Err says why
	UndoFailed  Event = "undo-failed"
	RunUndone   Event = "run-undone"
	RunVerified Event = "verified" // Outcome is set
)

// Entry is one line of the journal.
type Entry struct {
	At      time.Time       `json:"at"`
	Run     int             `json:"run"`
	Event   Event           `json:"event"`
	Step    string          `json:"step,omitempty"`
	Plan    *remedy.Plan    `json:"plan,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
	Err     string          `json:"err,omitempty"`
	Outcome json.RawMessage `json:"outcome,omitempty"`
	Version string          `json:"version,omitempty"`
}

// Journal keeps entries durably, in their order.
type Journal interface {
	// Write returns when the entry is on disk.
	Write(Entry) error
}

// Run is what the journal says of one plan that was agreed to.
type Run struct {
	ID       int
	Plan     remedy.Plan
	Planned  time.Time
	Last     time.Time // of the last entry
	Steps    map[string]StepRecord
	Ended    bool
	Closed   bool
	Undoing  bool // undoing was begun, and is not undone until it has ended: nobody goes on with the plan
	Undone   bool
	Verified json.RawMessage // the last outcome; nil: not yet
}

// StepRecord is what the journal says of one step.
type StepRecord struct {
	Event Event // the last one, StepState left out
	At    time.Time
	Since time.Time // when it was begun first
	State json.RawMessage
	Err   string
}

// Open reports whether the run was begun and has neither ended nor been given
// up, nor has anybody begun to take it back.
func (r Run) Open() bool { return !r.Ended && !r.Closed && !r.Undoing && !r.Undone }

// HalfUndone reports whether undoing was begun and has neither ended nor been
// given up.
func (r Run) HalfUndone() bool { return r.Undoing && !r.Undone && !r.Closed }

// Touched reports whether a step may have changed something that is not undone.
func (r Run) Touched() bool {
	for _, s := range r.Steps {
		if s.Touched() {
			return true
		}
	}
	return false
}

// State says how the run stands: "open", "failed", "stopped", "done", "closed"
// or "undone". One that is half taken back has failed, whatever it was before.
func (r Run) State() string {
	switch {
	case r.Undone:
		return "undone"
	case r.HalfUndone():
		return "failed"
	case r.Closed:
		return "closed"
	case r.Ended:
		return "done"
	}
	for _, s := range r.Steps {
		switch s.Event {
		case StepFailed, UndoFailed:
			return "failed"
		case StepStopped:
			return "stopped"
		default:
		}
	}
	return "open"
}

// Touched reports whether a step may have changed something that is not undone.
func (s StepRecord) Touched() bool {
	switch s.Event {
	case StepBegun, StepDone, StepFailed, StepStopped, UndoBegun, UndoFailed:
		return true
	case RunPlanned, StepState, StepFound, RunEnded, RunClosed, UndoDone, UndoLeft, RunUndone, RunVerified:
	}
	return false
}

// Runs folds entries into runs, oldest first. Entries of runs whose plan is
// missing are left out.
func Runs(entries []Entry) []Run {
	var out []Run
	at := map[int]int{}
	for _, e := range entries {
		if e.Event == RunPlanned && e.Plan != nil {
			at[e.Run] = len(out)
			out = append(out, Run{ID: e.Run, Plan: *e.Plan, Planned: e.At, Steps: map[string]StepRecord{}})
		}
		i, ok := at[e.Run]
		if !ok {
			continue
		}
		out[i].fold(e)
	}
	return out
}

func (r *Run) fold(e Entry) {
	r.Last = e.At
	switch e.Event {
	case RunEnded:
		r.Ended = true
	case RunClosed:
		r.Closed = true
	case RunUndone:
		r.Undone = true
	case RunVerified:
		r.Verified = e.Outcome
	case UndoBegun:
		r.Undoing, r.Closed = true, false
	case RunPlanned, StepBegun, StepState, StepDone, StepFound, StepFailed, StepStopped, UndoDone, UndoLeft, UndoFailed:
	}
	if e.Step == "" {
		return
	}
	s := r.Steps[e.Step]
	if e.State != nil {
		s.State = e.State
	}
	if e.Event != StepState {
		s.Event, s.At, s.Err = e.Event, e.At, e.Err
	}
	if s.Since.IsZero() {
		s.Since = e.At
	}
	r.Steps[e.Step] = s
}
