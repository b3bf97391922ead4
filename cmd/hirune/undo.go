package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/journal"
)

func (a *app) undoCmd() *cobra.Command {
	var f helpFlags
	var all bool
	c := &cobra.Command{
		Use:   "undo [RUN]...",
		Short: "Take back what a plan has done",
		Long: `Take back what a plan has done, the last step first: deleted rows are loaded back, the index is dropped, files are as they were.
What cannot be undone is said and left. hirune history lists the runs.
Exit codes: 0 all was taken back, 1 something was left or failed, 2 refused or wrong usage.`,
		Example: `  sudo hirune undo 2
  sudo hirune undo --all --yes`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.runNames(f.state, func(r apply.Run) bool { return !r.Undone }), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage(cmd, "name the runs to undo, or --all", "see: hirune history")
			}
			return a.undo(cmd.Context(), cmd, f, args)
		},
	}
	a.stateFlag(c, &f.state)
	a.configFlag(c, &f.config)
	a.langFlag(c, &f.lang)
	c.Flags().BoolVar(&all, "all", false, "all runs, the last one first")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.json, "json", false, "print what was done as JSON")
	return c
}

func (a *app) undo(ctx context.Context, cmd *cobra.Command, f helpFlags, args []string) error {
	j, err := a.openJournal(f.state)
	if err != nil {
		return err
	}
	defer j.Close()
	all := apply.Runs(j.Entries())
	runs, err := toUndo(cmd, all, args)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		if _, _, err := a.readJournal(f.state); err != nil {
			return err // root has done something, perhaps
		}
		fmt.Fprintln(a.err, "there is nothing to undo")
		return nil
	}
	for _, r := range runs {
		fmt.Fprintf(a.err, "to undo: run %d (%s) of %s\n", r.ID, safe(r.Plan.Remedy), stamp(r.Planned))
	}
	if err := a.agreedToUndo(ctx, f); err != nil {
		return err
	}
	return a.withHands(ctx, f, plansOf(runs), func(h *hands) error { return a.takeBack(ctx, j, h, f, runs) })
}

func (a *app) takeBack(ctx context.Context, j *journal.Journal, h *hands, f helpFlags, runs []*apply.Run) error {
	x := h.executor(j, a.teller(f.lang))
	left := 0
	for _, r := range runs {
		x.Doers = h.doers(r.Plan)
		kept, err := x.Undo(ctx, r)
		left += len(kept)
		for _, s := range kept {
			fmt.Fprintf(a.err, "run %d: step %s (%s) cannot be undone and is left\n", r.ID, s.ID, s.Step.Kind())
		}
		if err != nil {
			told := a.tellRuns(f, j, runs)
			a.complain(err)
			a.code = exitOfStop(err)
			return told
		}
	}
	if left > 0 {
		a.code = exitFound
	}
	return a.tellRuns(f, j, runs)
}

// toUndo returns the named runs, or all that have anything to undo, the last one first.
func toUndo(cmd *cobra.Command, all []apply.Run, args []string) ([]*apply.Run, error) {
	var out []*apply.Run
	for i := range slices.Backward(all) {
		r := &all[i]
		named := slices.ContainsFunc(args, func(s string) bool { return strings.TrimSpace(s) == strconv.Itoa(r.ID) })
		if named && r.Undone {
			return nil, usage(cmd, fmt.Sprintf("run %d is undone already", r.ID), "see: hirune history")
		}
		// One that was agreed to and never begun is taken back too, or it would be carried out by the next apply.
		if named || len(args) == 0 && !r.Undone && (r.Touched() || r.Open()) {
			out = append(out, r)
		}
	}
	if len(out) < len(args) {
		return nil, usage(cmd, "there is no run "+strings.Join(args, ", "), "see: hirune history")
	}
	return out, nil
}

func plansOf(runs []*apply.Run) []remedy.Plan {
	out := make([]remedy.Plan, len(runs))
	for i, r := range runs {
		out[i] = r.Plan
	}
	return out
}

// jobsLeft are the runs whose job would delete again what is to come back, and
// that are not taken back themselves.
func jobsLeft(all []apply.Run, undo []*apply.Run) []apply.Run {
	back := map[remedy.On]bool{}
	for _, r := range undo {
		for _, p := range r.Plan.Steps {
			switch s := p.Step.(type) {
			case remedy.DeleteInChunks:
				back[s.On] = true
			case remedy.KeepAndSwap:
				back[s.On] = true
			}
		}
	}
	var out []apply.Run
	for _, r := range all {
		taken := slices.ContainsFunc(undo, func(u *apply.Run) bool { return u.ID == r.ID })
		for _, p := range r.Plan.Steps {
			if s, ok := p.Step.(remedy.RetentionJob); ok && back[s.On] && !taken && !r.Undone && r.Steps[p.ID].Touched() {
				out = append(out, r)
			}
		}
	}
	return out
}
