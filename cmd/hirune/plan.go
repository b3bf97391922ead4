package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/core/report"
)

func (a *app) planCmd() *cobra.Command {
	var f helpFlags
	c := &cobra.Command{
		Use:   "plan [FINDING|REMEDY]...",
		Short: "Say what would help, exactly, and what each step takes and risks",
		Long: `Say what would help against the findings of the last verdict: the steps in plain words and as exact SQL or file changes, how long each takes,
what it locks, the disk it needs, its risk, what cannot be undone, and why this way and not another.

It only reads. hirune apply carries the same plan out. Without a name it is short; a named finding or remedy is shown in full, and so is all with --verbose.
Exit codes: 0 nothing to do, 1 there is a plan, 2 it is refused or could not be made.`,
		Example: `  sudo hirune plan
  sudo hirune plan purge --keep 30d
  sudo hirune plan add-index --sql | mysql wordpress`,
		ValidArgsFunction: remedyNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.json && f.sql {
				return usage(cmd, "--json and --sql cannot be together", "")
			}
			return a.plan(cmd.Context(), cmd, f, args)
		},
	}
	a.helpFlagsOf(c, &f)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, which is never translated")
	c.Flags().BoolVar(&f.sql, "sql", false, "print only the SQL, ready for a client of the database")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print all of it, with every statement")
	return c
}

// remedyNames completes the names of remedies.
func remedyNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, r := range remedies.All() {
		out = append(out, r.ID+"\t"+r.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) plan(ctx context.Context, cmd *cobra.Command, f helpFlags, args []string) error {
	ps, h, err := a.plans(ctx, cmd, f, args)
	defer h.close()
	if err != nil {
		return err
	}
	a.code = exitOfPlans(ps)
	switch {
	case f.json:
		return report.PlanJSON(a.out, ps)
	case f.sql:
		return report.PlanSQL(a.out, ps)
	}
	if len(args) > 0 || f.verbose { // asked for by name: in full
		return report.PlanText(a.out, ps, a.look(f.lang, f.verbose))
	}
	if err := report.PlanOverview(a.out, ps, a.look(f.lang, false)); err != nil {
		return err
	}
	a.afterPlan(f, ps)
	return nil
}

// afterPlan says on stderr what to type next: the plan itself may go to a file.
func (a *app) afterPlan(f helpFlags, ps []remedy.Plan) {
	if len(ps) == 0 {
		return
	}
	more := tapeArg(f.tape)
	pairs := []string{a.sudo("hirune plan " + ps[0].Remedy + more), "one of them in full", a.sudo("hirune plan --verbose" + more), "all of them, with every statement"}
	if exitOfPlans(ps) == exitFound {
		pairs = append([]string{a.sudo("hirune apply" + more), "do it; it shows this again and asks first"}, pairs...)
	}
	nextTo(a.err, pairs...)
}

// exitOfPlans is 1 if something can be done, 2 if all is refused, 0 if nothing has to be.
func exitOfPlans(ps []remedy.Plan) int {
	switch {
	case slices.ContainsFunc(ps, remedy.Plan.Doable):
		return exitFound
	case slices.ContainsFunc(ps, func(p remedy.Plan) bool { return len(p.Refused) > 0 }):
		return exitUnclear
	}
	return exitHealthy
}

// look is how reports are to look on this terminal.
func (a *app) look(lang string, verbose bool) report.Options {
	return report.Options{Lang: lang, Loc: time.Local, Width: a.width(), Color: a.colours(a.out), ASCII: a.plain(lang), Verbose: verbose, Now: a.now()}
}
