package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/report"
	"hirune/internal/core/verify"
	"hirune/internal/edge/journal"
)

func (a *app) historyCmd() *cobra.Command {
	var f helpFlags
	c := &cobra.Command{
		Use:   "history",
		Short: "List what hirune has done to this server",
		Long: `List what hirune has done to this server: each plan that was carried out with its steps, how each ended, and what became of it. The number of a run is what hirune undo takes.
Exit codes: 0 nothing was done, 1 something was, 2 it could not be read.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.history(f) },
	}
	a.stateFlag(c, &f.state)
	a.langFlag(c, &f.lang)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print what each step noted")
	return c
}

// readJournal reads the journal of a folder; by default this user's own, or
// that of the machine where there is none: what root did is not "nothing".
func (a *app) readJournal(state string) ([]apply.Entry, int, error) {
	entries, bad, err := journal.Read(a.stateDir(state))
	if err == nil && len(entries) == 0 && state == "" && a.euid != 0 {
		return journal.Read(a.machineDir())
	}
	return entries, bad, err
}

// runNames completes the numbers of runs.
func (a *app) runNames(state string, take func(apply.Run) bool) []string {
	entries, _, err := journal.Read(a.stateDir(state))
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range apply.Runs(entries) {
		if take(r) {
			out = append(out, fmt.Sprintf("%d\t%s", r.ID, r.Plan.Remedy))
		}
	}
	return out
}

func (a *app) history(f helpFlags) error {
	entries, bad, err := a.readJournal(f.state)
	if err != nil {
		return err
	}
	if bad > 0 {
		fmt.Fprintf(a.err, "%s of the journal could not be read\n", count(bad, "line"))
	}
	views := viewsOf(apply.Runs(entries), nil)
	if len(views) > 0 {
		a.code = exitFound
	}
	if f.json {
		return report.HistoryJSON(a.out, views)
	}
	return report.HistoryText(a.out, views, a.look(f.lang, f.verbose))
}

// viewsOf turns runs into what a report shows of them; nil takes all.
func viewsOf(runs []apply.Run, take func(apply.Run) bool) []report.RunView {
	var out []report.RunView
	for _, r := range runs {
		if take != nil && !take(r) {
			continue
		}
		v := report.RunView{ID: r.ID, Plan: r.Plan, Planned: r.Planned, Last: r.Last, State: r.State()}
		for _, p := range r.Plan.Steps {
			s := r.Steps[p.ID]
			v.Steps = append(v.Steps, report.StepView{ID: p.ID, Kind: p.Step.Kind(), Event: string(s.Event), At: s.At, Since: s.Since, Err: s.Err, State: s.State})
		}
		var o verify.Outcome
		if r.Verified != nil && json.Unmarshal(r.Verified, &o) == nil {
			v.Outcome = &o
		}
		out = append(out, v)
	}
	return out
}
