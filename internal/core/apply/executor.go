package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// Executor carries plans out.
type Executor struct {
	Journal Journal
	Doers   map[string]Doer // by kind of step
	Pace    func(remedy.Step) Pacer
	Tell    func(Progress)
	Now     func() time.Time
	Version string
}

// Can returns ErrRefused for a plan that cannot be begun. Where several plans
// were agreed to together, all are asked before the first is journaled.
func (x *Executor) Can(p remedy.Plan) error {
	if !p.Doable() {
		return fmt.Errorf("begin %s: %w: the plan has nothing to do", p.Remedy, ErrRefused)
	}
	for _, s := range p.Steps {
		if x.Doers[s.Step.Kind()] == nil {
			return fmt.Errorf("begin %s: %w: nothing here can do a step of kind %s", p.Remedy, ErrRefused, s.Step.Kind())
		}
	}
	return nil
}

// Begin journals a plan that the user has agreed to and returns its run.
func (x *Executor) Begin(id int, p remedy.Plan) (Run, error) {
	if err := x.Can(p); err != nil {
		return Run{}, err
	}
	e := Entry{At: x.Now(), Run: id, Event: RunPlanned, Plan: &p, Version: x.Version}
	if err := x.Journal.Write(e); err != nil {
		return Run{}, fmt.Errorf("journal the plan: %w", err)
	}
	return Runs([]Entry{e})[0], nil
}

// Apply carries out what is left of a run, in order, and stops at the first
// step that does not succeed. The run is kept up to date. One that somebody has
// begun to take back is refused: its steps would be done a second time.
func (x *Executor) Apply(ctx context.Context, r *Run) error {
	if r.Undoing || r.Undone {
		return hint.Wrap(fmt.Errorf("go on with run %d: %w: taking it back was begun", r.ID, ErrRefused), "half-undone", fmt.Sprintf("take back the rest: hirune undo %d", r.ID))
	}
	for _, p := range r.Plan.Steps {
		if e := r.Steps[p.ID].Event; e == StepDone || e == StepFound {
			continue
		}
		if err := x.step(ctx, r, p); err != nil {
			return err
		}
	}
	return x.write(r, Entry{Event: RunEnded})
}

func (x *Executor) step(ctx context.Context, r *Run, p remedy.Planned) error {
	was := r.Steps[p.ID]
	doer := x.Doers[p.Step.Kind()]
	if doer == nil {
		return fmt.Errorf("step %s: %w: nothing here can do a step of kind %s", p.ID, ErrRefused, p.Step.Kind())
	}
	if err := ctx.Err(); err != nil {
		return x.end(r, p, errors.Join(ErrStopped, err))
	}
	answer, err := doer.Done(ctx, p.Step, was.State)
	switch {
	case err != nil:
		return x.end(r, p, asked(ctx, fmt.Errorf("look whether step %s is done: %w", p.ID, err)))
	case answer == CannotTell:
		return x.end(r, p, fmt.Errorf("step %s: %w", p.ID, ErrUnknownOutcome))
	case answer == IsDone && was.Event == "":
		return x.write(r, Entry{Step: p.ID, Event: StepFound})
	case answer == IsDone:
		return x.write(r, Entry{Step: p.ID, Event: StepDone})
	}
	if err := x.write(r, Entry{Step: p.ID, Event: StepBegun}); err != nil {
		return err
	}
	if err := doer.Do(ctx, p.Step, x.work(r, p)); err != nil {
		return x.end(r, p, err)
	}
	return x.check(ctx, r, p, doer)
}

// check asks the world whether the step is done, now that its Doer says so.
func (x *Executor) check(ctx context.Context, r *Run, p remedy.Planned, doer Doer) error {
	answer, err := doer.Done(ctx, p.Step, r.Steps[p.ID].State)
	if err != nil {
		return x.end(r, p, asked(ctx, fmt.Errorf("check step %s: %w", p.ID, err)))
	}
	if answer != IsDone {
		return x.end(r, p, hint.Wrap(fmt.Errorf("check step %s: %w: the server says %s", p.ID, ErrUnknownOutcome, answer), "not-done", "go on with: hirune apply; or take it back with: hirune undo"))
	}
	return x.write(r, Entry{Step: p.ID, Event: StepDone})
}

// asked turns the error of a question that was cut short into what it is: a stop that was asked for.
func asked(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(ErrStopped, ctx.Err())
	}
	return err
}

// end journals how a step ended without success.
func (x *Executor) end(r *Run, p remedy.Planned, err error) error {
	e := Entry{Step: p.ID, Event: StepFailed, Err: err.Error()}
	if errors.Is(err, ErrStopped) {
		e.Event = StepStopped
	}
	return errors.Join(err, x.write(r, e))
}

// Undo takes the steps of a run back, the last one first. A step that cannot be
// undone is told and left; an error stops.
func (x *Executor) Undo(ctx context.Context, r *Run) (left []remedy.Planned, err error) {
	for _, p := range slices.Backward(r.Plan.Steps) {
		if !r.Steps[p.ID].Touched() {
			continue
		}
		err := x.undo(ctx, r, p)
		switch {
		case errors.Is(err, ErrIrreversible):
			left = append(left, p)
		case err != nil:
			return left, err
		}
	}
	return left, x.write(r, Entry{Event: RunUndone})
}

func (x *Executor) undo(ctx context.Context, r *Run, p remedy.Planned) error {
	doer := x.Doers[p.Step.Kind()]
	if doer == nil {
		return fmt.Errorf("undo step %s: %w: nothing here can undo a step of kind %s", p.ID, ErrRefused, p.Step.Kind())
	}
	if err := x.write(r, Entry{Step: p.ID, Event: UndoBegun}); err != nil {
		return err
	}
	err := doer.Undo(ctx, p.Step, x.work(r, p))
	e := Entry{Step: p.ID, Event: UndoDone}
	if err != nil {
		e.Event, e.Err = UndoFailed, err.Error()
	}
	if errors.Is(err, ErrIrreversible) {
		e.Event = UndoLeft
	}
	return errors.Join(err, x.write(r, e))
}

func (x *Executor) work(r *Run, p remedy.Planned) *Work {
	note := func(state any) error {
		text, ok := state.(json.RawMessage)
		if !ok {
			return fmt.Errorf("state of step %s: not coded", p.ID)
		}
		return x.write(r, Entry{Step: p.ID, Event: StepState, State: text})
	}
	var pace Pacer
	if x.Pace != nil {
		pace = x.Pace(p.Step)
	}
	tell := func(g Progress) {
		g.Step, g.Kind = p.ID, p.Step.Kind()
		if x.Tell != nil {
			x.Tell(g)
		}
	}
	return NewWork(r.Steps[p.ID].State, note, pace, tell, x.Now)
}

// write journals an entry of the run and folds it in.
func (x *Executor) write(r *Run, e Entry) error {
	e.At, e.Run = x.Now(), r.ID
	if err := x.Journal.Write(e); err != nil {
		return hint.Wrap(fmt.Errorf("journal %s: %w", e.Event, err), "journal", "nothing more is done without a journal: is the disk full?")
	}
	r.fold(e)
	return nil
}

// GiveUp notes that nobody goes on with the run; what it has done stays.
func (x *Executor) GiveUp(r *Run) error { return x.write(r, Entry{Event: RunClosed}) }

// Verified notes what became of a run.
func (x *Executor) Verified(r *Run, outcome json.RawMessage) error {
	return x.write(r, Entry{Event: RunVerified, Outcome: outcome})
}
