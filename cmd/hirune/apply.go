package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/report"
	"hirune/internal/edge/journal"
)

func (a *app) applyCmd() *cobra.Command {
	var f helpFlags
	var giveUp bool
	c := &cobra.Command{
		Use:   "apply [FINDING|REMEDY]...",
		Short: "Carry the plan out: show it, ask, do it while visitors are served",
		Long: `Carry out the plan for the findings of the last verdict: show it, ask, then do it step by step. Each step is journaled before it is done, and checked afterwards.

It goes as fast as visitors do not notice, and says why it waits. Ctrl-C or SIGTERM stops it cleanly between two pieces; so does a crash or a reboot: hirune apply then goes
on where it left off. While the file "pause" is in the state folder it waits. hirune undo takes the steps back.
Exit codes: 0 all was done, 1 stopped or failed on the way, 2 refused or wrong usage.`,
		Example: `  sudo hirune apply
  sudo hirune apply purge add-index --yes
  sudo hirune apply --give-up    # leave an unfinished run as it is`,
		ValidArgsFunction: remedyNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if giveUp {
				return a.giveUp(f)
			}
			return a.apply(cmd.Context(), cmd, f, args)
		},
	}
	a.helpFlagsOf(c, &f)
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.json, "json", false, "print what was done as JSON")
	c.Flags().BoolVar(&giveUp, "give-up", false, "do not go on with an unfinished run; what it has done stays, and can be undone")
	return c
}

func (a *app) apply(ctx context.Context, cmd *cobra.Command, f helpFlags, args []string) error {
	j, err := a.openJournal(f.state)
	if err != nil {
		return err
	}
	defer j.Close()
	runs := apply.Runs(j.Entries())
	if err := halfUndone(runs); err != nil {
		return err
	}
	open := slices.DeleteFunc(runs, func(r apply.Run) bool { return !r.Open() })
	if err := meant(open, args); err != nil {
		return err
	}
	if err := a.canAsk(f); err != nil {
		return err
	}
	if len(open) > 0 {
		return a.goOn(ctx, j, f, open)
	}
	ps, h, err := a.plans(ctx, cmd, f, args)
	defer h.close()
	if err != nil {
		return err
	}
	doable := slices.DeleteFunc(slices.Clone(ps), func(p remedy.Plan) bool { return !p.Doable() })
	if err := report.PlanOverview(a.err, ps, a.lookAt(f)); err != nil {
		return err
	}
	if len(doable) == 0 {
		a.code = exitOfPlans(ps)
		return nil
	}
	if err := a.agreed(ctx, f, doable, "do it?"); err != nil {
		return err
	}
	if err := h.startPace(ctx, schemaOf(doable)); err != nil {
		return err
	}
	x := h.executor(j, a.teller(f.lang))
	if runs, err = begin(x, h, j, doable); err != nil {
		return err
	}
	return a.carryOut(ctx, x, h, f, j, runs)
}

// begin journals the plans, all of them before the first is carried out: after a
// crash it is known what was agreed to. Where one cannot be begun, none is.
func begin(x *apply.Executor, h *hands, j *journal.Journal, ps []remedy.Plan) ([]apply.Run, error) {
	for _, p := range ps {
		x.Doers = h.doers(p)
		if err := x.Can(p); err != nil {
			return nil, err
		}
	}
	var runs []apply.Run
	for _, p := range ps {
		x.Doers = h.doers(p)
		r, err := x.Begin(j.Next(), p)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// halfUndone refuses to change anything more beside a run that is half taken
// back: it may well be about the same rows.
func halfUndone(runs []apply.Run) error {
	i := slices.IndexFunc(runs, apply.Run.HalfUndone)
	if i < 0 {
		return nil
	}
	r := runs[i]
	return hint.Wrap(fmt.Errorf("%w: run %d (%s) is half taken back", apply.ErrRefused, r.ID, r.Plan.Remedy), "half-undone",
		fmt.Sprintf("take back the rest: hirune undo %d; or leave it as it is: hirune apply --give-up", r.ID))
}

// meant refuses to go on with a run where the user has asked for something else.
func meant(open []apply.Run, args []string) error {
	for _, r := range open {
		if !asked(args, r.Plan.Remedy, r.Plan.Because.Rule) {
			return hint.Wrap(fmt.Errorf("%w: run %d (%s), begun at %s, has not ended", apply.ErrRefused, r.ID, r.Plan.Remedy, stamp(r.Planned)), "open-run",
				"go on with it: hirune apply; or leave it as it is: hirune apply --give-up")
		}
	}
	return nil
}

// carryOut does what is left of the runs, in their order.
func (a *app) carryOut(ctx context.Context, x *apply.Executor, h *hands, f helpFlags, j *journal.Journal, runs []apply.Run) error {
	var done []*apply.Run
	for i := range runs {
		done = append(done, &runs[i])
		x.Doers = h.doers(runs[i].Plan)
		if err := x.Apply(ctx, &runs[i]); err != nil {
			return a.broken(f, j, done, err)
		}
	}
	return a.applied(f, j, done)
}

// goOn carries out what a crash, a stop or a failure has left.
func (a *app) goOn(ctx context.Context, j *journal.Journal, f helpFlags, open []apply.Run) error {
	ps := make([]remedy.Plan, len(open))
	for i, r := range open {
		ps[i] = r.Plan
		fmt.Fprintf(a.err, "not ended: run %d (%s), begun %s ago\n", r.ID, safe(r.Plan.Remedy), long(a.now().Sub(r.Planned)))
	}
	fmt.Fprintln(a.err, "going on where it stopped; to leave it as it is instead: "+a.sudo("hirune apply --give-up"))
	if err := a.agreed(ctx, f, ps, "go on?"); err != nil {
		return err
	}
	return a.withHands(ctx, f, ps, func(h *hands) error {
		return a.carryOut(ctx, h.executor(j, a.teller(f.lang)), h, f, j, open)
	})
}

// withHands does work on what plans of before are about.
func (a *app) withHands(ctx context.Context, f helpFlags, ps []remedy.Plan, work func(*hands) error) error {
	h, err := a.reach(ctx, f.config, a.stateDir(f.state))
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.startPace(ctx, schemaOf(ps)); err != nil {
		return err
	}
	return work(h)
}

// applied tells what was done, and how it will be known whether it helped.
func (a *app) applied(f helpFlags, j *journal.Journal, runs []*apply.Run) error {
	a.code = exitHealthy
	if err := a.tellRuns(f, j, runs); err != nil {
		return err
	}
	if !f.json {
		pairs := []string{a.sudo("hirune verify"), "whether it helped; it says when that can be known"}
		if ids := undoable(runs); len(ids) > 0 {
			pairs = append(pairs, a.sudo("hirune undo "+strings.Join(ids, " ")), "take it back")
		}
		nextTo(a.err, pairs...)
	}
	return nil
}

// broken tells what was done before it stopped, why, and the ways on.
func (a *app) broken(f helpFlags, j *journal.Journal, runs []*apply.Run, err error) error {
	told := a.tellRuns(f, j, runs)
	if errors.Is(err, apply.ErrStopped) && errors.Is(err, context.Canceled) {
		fmt.Fprintf(a.err, "hirune: stopped, as you asked\n")
	} else {
		a.complain(err)
	}
	pairs := []string{a.sudo("hirune apply"), "go on where it stopped"}
	if ids := undoable(runs); len(ids) > 0 {
		pairs = append(pairs, a.sudo("hirune undo "+strings.Join(ids, " ")), "take back what was done")
	}
	nextTo(a.err, append(pairs, a.sudo("hirune apply --give-up"), "leave it as it is")...)
	a.code = exitOfStop(err)
	return told
}

// exitOfStop is the exit code of what stopped on the way.
func exitOfStop(err error) int {
	if errors.Is(err, apply.ErrRefused) {
		return exitUnclear
	}
	return exitFound
}

// undoable are the numbers of the runs that have done something that can be taken back.
func undoable(runs []*apply.Run) []string {
	var ids []string
	for _, r := range runs {
		if slices.ContainsFunc(r.Plan.Steps, func(s remedy.Planned) bool {
			return r.Steps[s.ID].Touched() && !s.Estimate.Irreversible && s.Step.Kind() != remedy.ExplainStatement{}.Kind()
		}) {
			ids = append(ids, strconv.Itoa(r.ID))
		}
	}
	return ids
}

// tellRuns prints the runs as the journal has them.
func (a *app) tellRuns(f helpFlags, j *journal.Journal, runs []*apply.Run) error {
	a.telling.end() // its line is still open
	var ids []int
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	views := viewsOf(apply.Runs(j.Entries()), func(r apply.Run) bool { return slices.Contains(ids, r.ID) })
	if f.json {
		return report.HistoryJSON(a.out, views)
	}
	return report.DoneText(a.out, views, a.look(f.lang, false))
}

// giveUp leaves unfinished runs as they are.
func (a *app) giveUp(f helpFlags) error {
	j, err := a.openJournal(f.state)
	if err != nil {
		return err
	}
	defer j.Close()
	x := &apply.Executor{Journal: j, Now: a.now, Version: version()}
	n := 0
	for _, r := range apply.Runs(j.Entries()) {
		if r.Open() || r.HalfUndone() {
			n++
			if err := x.GiveUp(&r); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "run %d (%s) is left as it is; take back what it has done: hirune undo %d\n", r.ID, r.Plan.Remedy, r.ID)
		}
	}
	if n == 0 {
		fmt.Fprintln(a.err, "there is no unfinished run")
	}
	return nil
}

func (a *app) lookAt(f helpFlags) report.Options {
	o := a.look(f.lang, f.verbose)
	o.Color = a.colours(a.err)
	return o
}

// openJournal opens the journal for writing.
func (a *app) openJournal(state string) (*journal.Journal, error) {
	j, err := journal.Open(a.stateDir(state))
	if err != nil {
		return nil, err
	}
	if n := j.Damaged(); n > 0 {
		fmt.Fprintf(a.err, "%s of the journal could not be read\n", count(n, "line"))
	}
	return j, nil
}

// schemaOf is the database that the plans are about; "" where they are about none.
func schemaOf(ps []remedy.Plan) string {
	for _, p := range ps {
		if s := p.Because.About.Schema; s != "" {
			return s
		}
	}
	return ""
}
