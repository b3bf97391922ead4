package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/report"
	"hirune/internal/core/verify"
	"hirune/internal/edge/journal"
	"hirune/internal/edge/tape"
)

func (a *app) verifyCmd() *cobra.Command {
	var f helpFlags
	c := &cobra.Command{
		Use:   "verify [RUN]...",
		Short: "Say whether what was done has helped: cured, persists, or untested",
		Long: `Say whether the plans that were carried out have helped, from what the recorder saw since: cured, persists, or untested yet.
Silence is no cure: where a job was the cause, it must have run again while the recorder watched. The recorder checks by itself when the job is due, and says so.
Exit codes: 0 all cured, 1 something persists, 2 untested or it could not be told.`,
		Example: `  sudo hirune verify
  hirune verify 2 --tape site.hirune --json`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.runNames(f.state, func(r apply.Run) bool { return r.Ended && !r.Undone }), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.verify(f, args) },
	}
	a.tapeFlag(c, &f.tape, "the tape `FILE` of the time since (default: the recorder's own)")
	a.stateFlag(c, &f.state)
	a.langFlag(c, &f.lang)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print all that bears it")
	return c
}

func (a *app) verify(f helpFlags, args []string) error {
	dir := a.stateDir(f.state)
	entries, _, err := a.readJournal(f.state)
	if err != nil {
		return err
	}
	due := slices.DeleteFunc(runsDue(entries), func(r RunDue) bool { return len(args) > 0 && !slices.Contains(args, strconv.Itoa(r.Run)) })
	if len(due) == 0 {
		a.code = exitUnclear
		return hint.Wrap(errors.New("nothing was done that could be verified"), "no-run", "see: hirune history")
	}
	path := f.tape
	if path == "" {
		path = a.readTape()
	}
	checks := a.checks(path, dir)
	outcomes := map[int]verify.Outcome{}
	for _, r := range due {
		o, err := checks.Judge(a.now(), r)
		if errors.Is(err, tape.ErrMissing) {
			return hint.Wrap(fmt.Errorf("verify run %d: nobody watched since: %w", r.Run, err), "no-tape", "let the recorder run until the job has run again: "+a.sudo("hirune record"))
		}
		if err != nil {
			return fmt.Errorf("verify run %d: %w", r.Run, err)
		}
		outcomes[r.Run] = o
		if f.tape == "" && a.euid == 0 {
			if err := checks.Note(r.Run, o); err != nil && !errors.Is(err, journal.ErrInUse) {
				return err
			}
		}
	}
	views := viewsOf(apply.Runs(entries), func(r apply.Run) bool { _, ok := outcomes[r.ID]; return ok })
	for i := range views {
		o := outcomes[views[i].ID]
		views[i].Outcome = &o
	}
	a.code = exitOfOutcomes(outcomes)
	if f.json {
		return report.OutcomeJSON(a.out, views)
	}
	return report.OutcomeText(a.out, views, a.look(f.lang, f.verbose))
}

// exitOfOutcomes is 1 if anything persists, else 2 if anything is untested.
func exitOfOutcomes(all map[int]verify.Outcome) int {
	code := exitHealthy
	for _, o := range all {
		switch o.Status {
		case verify.Persists:
			return exitFound
		case verify.Untested:
			code = exitUnclear
		case verify.Cured:
		}
	}
	return code
}
