package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
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
	runs, err := toUndo(cmd, apply.Runs(j.Entries()), args)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		fmt.Fprintln(a.err, "there is nothing to undo")
		return nil
	}
	for _, r := range runs {
		fmt.Fprintf(a.err, "to undo: run %d (%s) of %s\n", r.ID, safe(r.Plan.Remedy), stamp(r.Planned))
	}
	if err := a.agreedToUndo(f); err != nil {
		return err
	}
	h, err := a.reach(ctx, f.config, a.stateDir(f.state))
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.startPace(ctx, schemaOf(plansOf(runs))); err != nil {
		return err
	}
	return a.takeBack(ctx, j, h, f, runs)
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
			return errors.Join(err, a.tellRuns(f, j, runs))
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
		if named || len(args) == 0 && !r.Undone && r.Touched() {
			out = append(out, r)
		}
	}
	if len(out) < len(args) {
		return nil, usage(cmd, "there is no run "+strings.Join(args, ", "), "see: hirune history")
	}
	return out, nil
}

func (a *app) agreedToUndo(f helpFlags) error {
	switch {
	case f.yes:
		return nil
	case !isTerminal(os.Stdin):
		return hint.Wrap(fmt.Errorf("%w: nobody can be asked, because there is no terminal", apply.ErrRefused), "no-terminal", "say so: hirune undo … --yes")
	}
	if answer := strings.ToLower(a.ask("take it back? [y/N] ")); answer != "y" && answer != "yes" {
		return hint.Wrap(fmt.Errorf("%w: not agreed", apply.ErrRefused), "declined", "nothing was changed")
	}
	return nil
}

func plansOf(runs []*apply.Run) []remedy.Plan {
	out := make([]remedy.Plan, len(runs))
	for i, r := range runs {
		out[i] = r.Plan
	}
	return out
}
