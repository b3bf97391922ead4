package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hirune/internal/core/remedy"
)

// cell is a world of one place per table: a step raises it by one in parts of a
// tenth, and may crash anywhere. It stands for what an edge touches.
type cell struct {
	parts   map[string]int // tenths done, by table
	applied map[string]int // how often a part was done, for "nothing twice"
	crash   func() bool
	fail    error
	cannot  bool
	forever bool // cannot be undone
	// tables whose step fails half-way, and whose undoing fails
	failOn, undoFail string
}

type crashed struct{}

func (c *cell) maybe() {
	if c.crash != nil && c.crash() {
		panic(crashed{})
	}
}

func (c *cell) Do(ctx context.Context, s remedy.Step, w *Work) error {
	t := s.(remedy.AddIndex).Table
	for c.parts[t] < 10 {
		if _, err := w.Pace.Next(ctx, Piece{}); err != nil {
			return err
		}
		if c.fail != nil && c.parts[t] == 5 {
			return c.fail
		}
		if c.failOn == t && c.parts[t] == 5 {
			return errors.New("half-way")
		}
		c.maybe()
		c.parts[t]++
		c.applied[fmt.Sprint(t, c.parts[t])]++
		c.maybe()
		if err := w.Note(c.parts[t]); err != nil {
			return err
		}
	}
	return nil
}

func (c *cell) Done(_ context.Context, s remedy.Step, _ json.RawMessage) (Answer, error) {
	switch n := c.parts[s.(remedy.AddIndex).Table]; {
	case c.cannot:
		return CannotTell, nil
	case n == 0:
		return NotDone, nil
	case n < 10:
		return Partly, nil
	}
	return IsDone, nil
}

func (c *cell) Undo(_ context.Context, s remedy.Step, w *Work) error {
	if c.forever {
		return fmt.Errorf("undo: %w", ErrIrreversible)
	}
	t := s.(remedy.AddIndex).Table
	if c.undoFail == t {
		return errors.New("the disk is full")
	}
	for c.parts[t] > 0 {
		c.maybe()
		c.parts[t]--
		if err := w.Note(c.parts[t]); err != nil {
			return err
		}
	}
	return nil
}

// book is a journal that survives what crashes around it.
type book struct {
	entries []Entry
	fail    bool
}

func (b *book) Write(e Entry) error {
	if b.fail {
		return errors.New("no room")
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var back Entry
	if err := json.Unmarshal(text, &back); err != nil {
		return err
	}
	b.entries = append(b.entries, back)
	return nil
}

func scene(c *cell) (*Executor, *book) {
	if c.parts == nil {
		c.parts = map[string]int{}
	}
	c.applied = map[string]int{}
	b := &book{}
	now := time.Unix(1_700_000_000, 0)
	x := &Executor{Journal: b, Doers: map[string]Doer{"add-index": c}, Now: func() time.Time { now = now.Add(time.Second); return now }}
	return x, b
}

func planOf(tables ...string) remedy.Plan {
	p := remedy.Plan{Remedy: "add-index"}
	for i, t := range tables {
		p.Steps = append(p.Steps, remedy.Planned{ID: fmt.Sprint(i + 1), Step: remedy.AddIndex{On: remedy.On{Schema: "s", Table: t}}})
	}
	return p
}

func TestApplyDoesChecksAndJournalsEachStep(t *testing.T) {
	c := &cell{}
	x, b := scene(c)
	r, err := x.Begin(1, planOf("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Apply(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if c.parts["a"] != 10 || c.parts["b"] != 10 || !r.Ended || r.State() != "done" {
		t.Fatalf("got %v, run %s", c.parts, r.State())
	}
	if b.entries[0].Event != RunPlanned || b.entries[1].Event != StepBegun || b.entries[len(b.entries)-1].Event != RunEnded {
		t.Errorf("journal begins %s, %s and ends %s", b.entries[0].Event, b.entries[1].Event, b.entries[len(b.entries)-1].Event)
	}
	if left, err := x.Undo(t.Context(), &r); err != nil || len(left) > 0 {
		t.Fatalf("undo left %v: %v", left, err)
	}
	if c.parts["a"] != 0 || c.parts["b"] != 0 || r.State() != "undone" || r.Touched() {
		t.Errorf("undo after do left %v, run %s", c.parts, r.State())
	}
}

func TestWhatWasSoBeforeIsNotUndone(t *testing.T) {
	c := &cell{parts: map[string]int{"a": 10}}
	x, _ := scene(c)
	r, _ := x.Begin(1, planOf("a", "b"))
	if err := x.Apply(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Steps["1"].Event != StepFound {
		t.Errorf("got %s, want %s", r.Steps["1"].Event, StepFound)
	}
	if _, err := x.Undo(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if c.parts["a"] != 10 || c.parts["b"] != 0 {
		t.Errorf("undo left %v, want a as it was", c.parts)
	}
}

// TestCrashAnywhere crashes at random moments of doing and of undoing, and goes
// on from the journal alone: nothing is done twice, and the end is the same.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		c := &cell{crash: func() bool { return rng.IntN(12) == 0 }}
		x, b := scene(c)
		if _, err := x.Begin(1, planOf("a", "b", "c")); err != nil {
			t.Fatal(err)
		}
		again := func(act func(*Run) error) {
			for tries := 0; ; tries++ {
				if tries > 500 {
					t.Fatalf("seed %d: no end", seed)
				}
				if ok := survive(t, func() error { r := Runs(b.entries)[0]; return act(&r) }); ok {
					return
				}
			}
		}
		again(func(r *Run) error { return x.Apply(t.Context(), r) })
		for part, n := range c.applied {
			if n != 1 {
				t.Fatalf("seed %d: part %s was done %d times", seed, part, n)
			}
		}
		if c.parts["a"]+c.parts["b"]+c.parts["c"] != 30 || !Runs(b.entries)[0].Ended {
			t.Fatalf("seed %d: got %v", seed, c.parts)
		}
		again(func(r *Run) error { _, err := x.Undo(t.Context(), r); return err })
		if c.parts["a"]+c.parts["b"]+c.parts["c"] != 0 || !Runs(b.entries)[0].Undone {
			t.Fatalf("seed %d: undo left %v", seed, c.parts)
		}
	}
}

// survive reports whether the act ended without a crash.
func survive(t *testing.T, act func() error) (ok bool) {
	t.Helper()
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case crashed:
			ok = false
		default:
			panic(r)
		}
	}()
	if err := act(); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestApplyStopsWithTheReason(t *testing.T) {
	boom := errors.New("deadlock")
	for name, tc := range map[string]struct {
		c     cell
		want  error
		event Event
		state string
	}{
		"a step fails":        {cell{fail: boom}, boom, StepFailed, "failed"},
		"cannot tell":         {cell{cannot: true}, ErrUnknownOutcome, StepFailed, "failed"},
		"refused on the way":  {cell{fail: fmt.Errorf("altered: %w", ErrRefused)}, ErrRefused, StepFailed, "failed"},
		"stopped by the user": {cell{fail: fmt.Errorf("ctrl-c: %w", ErrStopped)}, ErrStopped, StepStopped, "stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			x, b := scene(&tc.c)
			r, _ := x.Begin(1, planOf("a", "b"))
			if err := x.Apply(t.Context(), &r); !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			kept := Runs(b.entries)[0]
			if kept.Steps["1"].Event != tc.event || kept.Steps["1"].Err == "" || kept.Steps["2"].Event != "" {
				t.Errorf("steps: %+v", kept.Steps)
			}
			if kept.State() != tc.state || !kept.Open() {
				t.Errorf("state %s, open %t", kept.State(), kept.Open())
			}
			tc.c.fail, tc.c.cannot = nil, false
			if err := x.Apply(t.Context(), &kept); err != nil || tc.c.parts["b"] != 10 {
				t.Errorf("going on: %v, %v", err, tc.c.parts)
			}
		})
	}
}

func TestNothingIsDoneWithoutAJournal(t *testing.T) {
	c := &cell{}
	x, b := scene(c)
	r, _ := x.Begin(1, planOf("a"))
	b.fail = true
	if err := x.Apply(t.Context(), &r); err == nil {
		t.Fatal("no error")
	}
	if c.parts["a"] != 0 {
		t.Errorf("%d parts were done", c.parts["a"])
	}
}

func TestWhatCannotBeUndoneIsToldAndLeft(t *testing.T) {
	c := &cell{forever: true}
	x, b := scene(c)
	r, _ := x.Begin(1, planOf("a"))
	if err := x.Apply(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	left, err := x.Undo(t.Context(), &r)
	if err != nil || len(left) != 1 || left[0].ID != "1" {
		t.Fatalf("left %v: %v", left, err)
	}
	if e := Runs(b.entries)[0].Steps["1"]; e.Event != UndoLeft || e.Err == "" {
		t.Errorf("got %+v", e)
	}
}

func TestAPlanWithoutHandsIsRefused(t *testing.T) {
	x, b := scene(&cell{})
	for name, p := range map[string]remedy.Plan{
		"no step":      {Remedy: "purge"},
		"no doer":      {Remedy: "purge", Steps: []remedy.Planned{{ID: "1", Step: remedy.DropTable{}}}},
		"refused plan": func() remedy.Plan { p := planOf("a"); p.Refused = p.Says; p.Steps = nil; return p }(),
	} {
		if _, err := x.Begin(1, p); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(b.entries) != 0 {
		t.Errorf("%d entries were journaled", len(b.entries))
	}
}

// halfUndone is a run of two steps whose second is taken back and whose first
// is not.
func halfUndone(t *testing.T, ended bool) (*Executor, *cell, Run) {
	t.Helper()
	c := &cell{}
	x, b := scene(c)
	r, err := x.Begin(1, planOf("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if !ended { // the second step fails half-way
		c.failOn = "b"
	}
	if err := x.Apply(t.Context(), &r); (err == nil) != ended {
		t.Fatal(err)
	}
	c.undoFail = "a"
	if _, err := x.Undo(t.Context(), &r); err == nil {
		t.Fatal("undoing did not fail")
	}
	return x, c, Runs(b.entries)[0]
}

func TestWhatIsHalfTakenBackIsNotDoneAgain(t *testing.T) {
	for _, ended := range []bool{false, true} {
		x, c, r := halfUndone(t, ended)
		if r.State() != "failed" || r.Open() || !r.HalfUndone() || !r.Touched() {
			t.Errorf("ended %t: state %s, open %t, half undone %t, touched %t", ended, r.State(), r.Open(), r.HalfUndone(), r.Touched())
		}
		c.failOn = ""
		if err := x.Apply(t.Context(), &r); !errors.Is(err, ErrRefused) || c.parts["b"] != 0 {
			t.Errorf("ended %t: going on with it: %v, %v", ended, err, c.parts)
		}
		c.undoFail = ""
		if left, err := x.Undo(t.Context(), &r); err != nil || len(left) > 0 || c.parts["a"] != 0 || r.State() != "undone" {
			t.Errorf("ended %t: taking back the rest: %v, %v, state %s", ended, err, c.parts, r.State())
		}
	}
}

// cutShort is a server whose answers do not come any more once it was interrupted.
type cutShort struct {
	cell
	stop func()
}

func (c *cutShort) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (Answer, error) {
	if c.parts[s.(remedy.AddIndex).Table] == 10 {
		c.stop()
		return NotDone, fmt.Errorf("connection lost: %w", ctx.Err())
	}
	return c.cell.Done(ctx, s, state)
}

func TestAnInterruptedCheckIsAStopThatWasAskedFor(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	c := &cutShort{stop: stop}
	x, b := scene(&c.cell)
	x.Doers["add-index"] = c
	r, _ := x.Begin(1, planOf("a"))
	if err := x.Apply(ctx, &r); !errors.Is(err, ErrStopped) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a stop", err)
	}
	if kept := Runs(b.entries)[0]; kept.Steps["1"].Event != StepStopped || !kept.Open() {
		t.Errorf("journal: %+v, want a stopped step", kept.Steps)
	}
}
