package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
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
	open := slices.DeleteFunc(apply.Runs(j.Entries()), func(r apply.Run) bool { return !r.Open() })
	if len(open) > 0 {
		return a.goOn(ctx, j, f, open)
	}
	ps, h, err := a.plans(ctx, cmd, f, args)
	defer h.close()
	if err != nil {
		return err
	}
	doable := slices.DeleteFunc(slices.Clone(ps), func(p remedy.Plan) bool { return !p.Doable() })
	if err := report.PlanText(a.err, ps, a.lookAt(f)); err != nil {
		return err
	}
	if len(doable) == 0 {
		a.code = exitOfPlans(ps)
		return nil
	}
	if err := a.agreed(f, doable); err != nil {
		return err
	}
	if err := h.startPace(ctx, schemaOf(doable)); err != nil {
		return err
	}
	x := h.executor(j, a.teller(f.lang))
	// All are journaled before the first begins: after a crash it is known what was agreed to.
	var runs []apply.Run
	for _, p := range doable {
		x.Doers = h.doers(p)
		r, err := x.Begin(j.Next(), p)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	return a.carryOut(ctx, x, h, f, j, runs)
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
		fmt.Fprintf(a.err, "run %d (%s), begun %s ago, has not ended; going on with it (leave it as it is instead: hirune apply --give-up)\n", r.ID, r.Plan.Remedy, long(a.now().Sub(r.Planned)))
	}
	if err := a.agreed(f, ps); err != nil {
		return err
	}
	h, err := a.reach(ctx, f.config, a.stateDir(f.state))
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.startPace(ctx, schemaOf(ps)); err != nil {
		return err
	}
	return a.carryOut(ctx, h.executor(j, a.teller(f.lang)), h, f, j, open)
}

// agreed asks the user; what cannot be undone is asked for by name.
func (a *app) agreed(f helpFlags, ps []remedy.Plan) error {
	var named []string
	for _, p := range ps {
		for _, s := range p.Steps {
			if k := s.Step.Kind(); s.Estimate.Irreversible && !slices.Contains(f.wishes.Force, k) && !slices.Contains(named, k) {
				named = append(named, k)
			}
		}
	}
	switch {
	case f.yes && len(named) > 0:
		return hint.Wrap(fmt.Errorf("%w: the plan has a step that cannot be undone: %s", apply.ErrRefused, strings.Join(named, ", ")), "irreversible", "accept it by name: --accept "+strings.Join(named, ","))
	case f.yes:
		return nil
	case !isTerminal(os.Stdin):
		return hint.Wrap(fmt.Errorf("%w: nobody can be asked, because there is no terminal", apply.ErrRefused), "no-terminal", "read the plan (hirune plan), then: hirune apply --yes")
	}
	for _, k := range named {
		if a.ask(fmt.Sprintf("%s cannot be undone; type %s to agree: ", k, k)) != k {
			return hint.Wrap(fmt.Errorf("%w: not agreed", apply.ErrRefused), "declined", "nothing was changed")
		}
	}
	if answer := strings.ToLower(a.ask("do it? [y/N] ")); answer != "y" && answer != "yes" {
		return hint.Wrap(fmt.Errorf("%w: not agreed", apply.ErrRefused), "declined", "nothing was changed")
	}
	return nil
}

func (a *app) ask(question string) string {
	fmt.Fprint(a.err, question)
	var line []byte
	for b := make([]byte, 1); len(line) < 200; { // byte by byte: what follows is the next answer
		if n, err := os.Stdin.Read(b); n == 0 || err != nil || b[0] == '\n' {
			break
		}
		line = append(line, b[0])
	}
	return strings.TrimSpace(string(line))
}

// applied tells what was done, and how it will be known whether it helped.
func (a *app) applied(f helpFlags, j *journal.Journal, runs []*apply.Run) error {
	a.code = exitHealthy
	if err := a.tellRuns(f, j, runs); err != nil {
		return err
	}
	if !f.json {
		a.next(a.sudo("hirune verify"), "whether it helped, after the job has run again", a.sudo("hirune undo --all"), "take it back")
	}
	return nil
}

// broken tells what was done before it stopped. The error goes to the user, too.
func (a *app) broken(f helpFlags, j *journal.Journal, runs []*apply.Run, err error) error {
	told := a.tellRuns(f, j, runs)
	a.complain(err)
	fmt.Fprintln(a.err, "go on: hirune apply; take back what was done: hirune undo; see: hirune history")
	a.code = exitFound
	if errors.Is(err, apply.ErrRefused) {
		a.code = exitUnclear
	}
	return told
}

// tellRuns prints the runs as the journal has them.
func (a *app) tellRuns(f helpFlags, j *journal.Journal, runs []*apply.Run) error {
	var ids []int
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	views := viewsOf(apply.Runs(j.Entries()), func(r apply.Run) bool { return slices.Contains(ids, r.ID) })
	if f.json {
		return report.HistoryJSON(a.out, views)
	}
	return report.HistoryText(a.out, views, a.look(f.lang, false))
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
		if r.Open() {
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
