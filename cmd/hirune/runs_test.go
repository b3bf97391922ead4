package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/journal"
)

// journalOf is a journal with one run for each list of events; the rule of each
// run is its remedy.
func journalOf(t *testing.T, runs map[string][]apply.Event) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, j.Close()) })
	for rule, events := range runs {
		p := remedy.Plan{Remedy: rule, Because: remedy.Because{Rule: rule}, Steps: []remedy.Planned{{ID: "1", Step: remedy.AddIndex{}}}}
		id := j.Next()
		must(t, j.Write(apply.Entry{At: time.Unix(1, 0), Run: id, Event: apply.RunPlanned, Plan: &p}))
		for _, e := range events {
			must(t, j.Write(apply.Entry{At: time.Unix(2, 0), Run: id, Event: e, Step: "1"}))
		}
	}
	return j
}

var (
	fails  = []apply.Event{apply.StepBegun, apply.StepFailed}
	half   = []apply.Event{apply.StepBegun, apply.StepDone, apply.UndoBegun, apply.UndoFailed}
	undone = []apply.Event{apply.StepBegun, apply.StepDone, apply.UndoBegun, apply.UndoDone, apply.RunUndone}
)

// TestTheJobIsNotEndedByItsOwnFailure: the job of each night goes on after one
// night on which the database was down, but never beside what a human has begun.
func TestTheJobIsNotEndedByItsOwnFailure(t *testing.T) {
	a, _ := quietApp(t)
	a.now = time.Now
	for name, tc := range map[string]struct {
		runs map[string][]apply.Event
		code string // "" : it may go on
	}{
		"nothing":                  {nil, ""},
		"its own failed":           {map[string][]apply.Event{keepRule: fails}, ""},
		"its own was never begun":  {map[string][]apply.Event{keepRule: nil}, ""},
		"somebody's failed":        {map[string][]apply.Event{"scheduled-purge": fails}, "open-run"},
		"somebody's half undone":   {map[string][]apply.Event{"scheduled-purge": half}, "half-undone"},
		"somebody's wholly undone": {map[string][]apply.Event{"scheduled-purge": undone}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := journalOf(t, tc.runs)
			err := a.alone(j)
			if (err != nil) != (tc.code != "") || err != nil && (hint.CodeOf(err) != tc.code || !errors.Is(err, apply.ErrRefused)) {
				t.Fatalf("got %v, want code %q", err, tc.code)
			}
			for _, r := range apply.Runs(j.Entries()) {
				if tc.code == "" && r.Open() {
					t.Errorf("run %d is still open", r.ID)
				}
			}
		})
	}
}

// TestUndoAllLeavesNothingToGoOnWith: a run that was agreed to and never begun
// must not be carried out by the next apply.
func TestUndoAllLeavesNothingToGoOnWith(t *testing.T) {
	j := journalOf(t, map[string][]apply.Event{"one": fails, "never-begun": nil, "undone": undone, "half": half})
	got, err := toUndo(&cobra.Command{}, apply.Runs(j.Entries()), nil)
	must(t, err)
	x := &apply.Executor{Journal: j, Now: time.Now, Doers: map[string]apply.Doer{"add-index": undoer{}}}
	for _, r := range got {
		if _, err := x.Undo(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d runs are taken back, want 3", len(got))
	}
	for _, r := range apply.Runs(j.Entries()) {
		if r.Open() || r.HalfUndone() {
			t.Errorf("run %d (%s) is %s", r.ID, r.Plan.Remedy, r.State())
		}
	}
}

// undoer undoes anything.
type undoer struct{ apply.Doer }

func (undoer) Undo(context.Context, remedy.Step, *apply.Work) error { return nil }

// TestApplyDoesWhatWasAskedFor: with an old run open, a finding that is named is
// not answered by that run.
func TestApplyDoesWhatWasAskedFor(t *testing.T) {
	open := apply.Runs(journalOf(t, map[string][]apply.Event{"purge": fails}).Entries())
	for _, args := range [][]string{nil, {"purge"}, {"add-index", "purge"}} {
		if err := meant(open, args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
	if err := meant(open, []string{"kill-query"}); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("kill-query: got %v", err)
	}
}

// TestUndoTellsOfTheJobThatWouldDeleteAgain: rows that come back go for good in
// the next night if the job stays.
func TestUndoTellsOfTheJobThatWouldDeleteAgain(t *testing.T) {
	log, other := remedy.On{Schema: "s", Table: "log"}, remedy.On{Schema: "s", Table: "other"}
	run := func(id int, s remedy.Step) apply.Run {
		return apply.Run{ID: id, Plan: remedy.Plan{Steps: []remedy.Planned{{ID: "1", Step: s}}}, Steps: map[string]apply.StepRecord{"1": {Event: apply.StepDone}}}
	}
	all := []apply.Run{run(1, remedy.DeleteInChunks{On: log}), run(2, remedy.RetentionJob{On: log}), run(3, remedy.RetentionJob{On: other})}
	if got := jobsLeft(all, []*apply.Run{&all[0]}); len(got) != 1 || got[0].ID != 2 {
		t.Errorf("got %v, want run 2", got)
	}
	if got := jobsLeft(all, []*apply.Run{&all[0], &all[1]}); len(got) != 0 {
		t.Errorf("with the job undone as well: got %v, want none", got)
	}
	all[1].Undone = true
	if got := jobsLeft(all, []*apply.Run{&all[0]}); len(got) != 0 {
		t.Errorf("with the job undone before: got %v, want none", got)
	}
}
