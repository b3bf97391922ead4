// Package apply carries a plan out through interfaces: it journals, has a Doer
// do, checks, and can undo.
//
// The journal is written before anything is done. After a crash the executor
// asks the world (Doer.Done) instead of assuming; where the world cannot tell,
// it stops and asks the human. Nothing here touches anything by itself, and the
// clock is an argument.
package apply

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"hirune/internal/core/remedy"
)

// Errors that callers branch on.
var (
	// ErrIrreversible says that a step cannot be undone.
	ErrIrreversible = errors.New("it cannot be undone")
	// ErrUnknownOutcome says that it may have happened: stop and ask.
	ErrUnknownOutcome = errors.New("it is not known whether it was done")
	// ErrStopped says that somebody asked to stop; the step can go on later.
	ErrStopped = errors.New("stopped")
	// ErrRefused says that the world is not as it was planned for; nothing was done since.
	ErrRefused = errors.New("refused")
)

// Answer is what the world says of a step.
type Answer string

// Answers.
const (
	NotDone    Answer = "not-done"
	Partly     Answer = "partly" // Do goes on from here
	IsDone     Answer = "done"
	CannotTell Answer = "cannot-tell"
)

// Doer does, checks and undoes the steps of some kinds. Each of its methods is
// idempotent: it may be called again after a crash at any moment.
type Doer interface {
	// Do carries the step out, or goes on with it from w.State. It returns
	// ErrStopped (wrapped) after a clean stop, ErrRefused where the world is not
	// what the plan was made for, ErrUnknownOutcome where it cannot tell.
	Do(ctx context.Context, s remedy.Step, w *Work) error
	// Done looks at the world. state is what Do noted last, nil if nothing.
	Done(ctx context.Context, s remedy.Step, state json.RawMessage) (Answer, error)
	// Undo takes back what Do did, by w.State. ErrIrreversible where it cannot.
	Undo(ctx context.Context, s remedy.Step, w *Work) error
}

// Work is what a Doer is given for one step.
type Work struct {
	State json.RawMessage // noted last by an earlier call; nil at first
	note  func(any) error
	Pace  Pacer
	Tell  func(Progress) // may be called often; never nil
	Now   func() time.Time
}

// Note journals the state that the step has reached, durably. A Doer notes
// before it does what it would otherwise not be able to find again, and after
// each piece that it must not do twice.
func (w *Work) Note(state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := w.note(json.RawMessage(text)); err != nil {
		return err
	}
	w.State = text
	return nil
}

// Load reads the state noted last into dst; false where there is none.
func (w *Work) Load(dst any) (bool, error) {
	if len(w.State) == 0 {
		return false, nil
	}
	return true, json.Unmarshal(w.State, dst)
}

// NewWork is the work of one step; note makes a state durable. A nil Pace never
// waits, a nil tell says nothing.
func NewWork(state json.RawMessage, note func(any) error, pace Pacer, tell func(Progress), now func() time.Time) *Work {
	w := &Work{State: state, note: note, Pace: pace, Tell: tell, Now: now}
	if w.Pace == nil {
		w.Pace = Unpaced{}
	}
	if w.Tell == nil {
		w.Tell = func(Progress) {}
	}
	return w
}

// Progress is how far a step is.
type Progress struct {
	Step   string // id of the step
	Kind   string
	Doing  string  // code: "deleting", "copying", "indexing", "waiting", "rolling-back", "testing", "loading"
	Done   int64   // keys or rows done
	Total  int64   // of them; -1 unknown
	Rows   int64   // rows changed so far
	PerSec float64 // rows a second of late; 0 unknown
	Wait   string  // code of why it waits now; "" : it does not
	Fact   string  // plain words of the server, such as the process that waits
}

// Pacer says when the next piece of work may be done and how big it may be, so
// that visitors do not notice. Why it waits is in the Grant.
type Pacer interface {
	// Next is asked before each piece. did is the one before, zero at first. It
	// returns after the pause that is due, or ErrStopped (wrapped).
	Next(ctx context.Context, did Piece) (Grant, error)
}

// Piece is a piece of work that was done.
type Piece struct {
	Size int64         // keys or rows asked for
	Rows int64         // rows changed
	Took time.Duration // of the statement and its commit
}

// Grant is leave to do one piece.
type Grant struct {
	Size   int64         // at most so many keys or rows; 0: as the step says
	Waited time.Duration // before it was granted
	Why    string        // code of what it waited for; "" : nothing
}

// Unpaced never waits. It is for tests, and for steps of one piece.
type Unpaced struct{}

// Next implements Pacer.
func (Unpaced) Next(ctx context.Context, _ Piece) (Grant, error) {
	if ctx.Err() != nil {
		return Grant{}, errors.Join(ErrStopped, ctx.Err())
	}
	return Grant{}, nil
}
