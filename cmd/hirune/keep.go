package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/core/report"
	"hirune/internal/edge/journal"
)

// keepLeast is the shortest time that a job may keep rows for.
const keepLeast = 24 * time.Hour

// keepFlags name a table and how long its rows are kept.
type keepFlags struct {
	helpFlags
	schema, table, column string
	length                span
}

func (a *app) keepCmd() *cobra.Command {
	var f keepFlags
	c := &cobra.Command{
		Use:   "keep",
		Short: "Delete the rows of a log table that are older than a time, in small pieces",
		Long: `Delete the rows of a log table that are older than a time, in small pieces that visitors do not notice. It is what the job of the remedy keep-it-small runs each day.

It refuses every table that is not a log by its structure. The rows are not kept: they are past the time that you named.
Exit codes: 0 done or nothing to do, 1 stopped on the way, 2 refused or wrong usage.`,
		Example: `  sudo hirune keep --schema wordpress --table wp_aiowps_audit_log --column created --for 90d`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.schema == "" || f.table == "" || f.column == "" || f.length <= 0 {
				return usage(cmd, "say which table, by which column, for how long", "hirune keep --schema NAME --table NAME --column NAME --for 90d")
			}
			if time.Duration(f.length) < keepLeast { // it keeps no archive: a slip of the pen would empty the log
				return usage(cmd, "rows are kept for a day at least", "hirune keep … --for 90d")
			}
			return a.keepSmall(cmd.Context(), f)
		},
	}
	c.Flags().StringVar(&f.schema, "schema", "", "the database `NAME` that has the table")
	c.Flags().StringVar(&f.table, "table", "", "the table's `NAME`, with its prefix")
	c.Flags().StringVar(&f.column, "column", "", "the `NAME` of the column that dates its rows")
	c.Flags().Var(&f.length, "for", "keep rows that are younger than this, such as 90d")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	a.stateFlag(c, &f.state)
	a.configFlag(c, &f.config)
	a.langFlag(c, &f.lang)
	return c
}

// keepSmall is quiet where nobody watches: what cron's job prints becomes a mail.
func (a *app) keepSmall(ctx context.Context, f keepFlags) (err error) {
	if f.yes && !isTerminal(a.err) {
		var told bytes.Buffer
		loud := *a
		a.out, a.err = &told, &told
		defer func() {
			a.out, a.err = loud.out, loud.err
			if err != nil || a.code != exitHealthy {
				_, _ = told.WriteTo(a.err) // there is nowhere else to say it
			}
		}()
	}
	if err := a.canAsk(f.helpFlags); err != nil {
		return err
	}
	j, err := a.openJournal(f.state)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := a.alone(j); err != nil {
		return err
	}
	h, err := a.reach(ctx, f.config, a.stateDir(f.state))
	if err != nil {
		return err
	}
	defer h.close()
	chunks := remedy.DeleteInChunks{}.Kind()
	f.wishes = remedy.Wishes{Keep: time.Duration(f.length), Strategy: remedy.Chunks, NoArchive: true, Force: []string{chunks}}
	w := wanted{remedies.Purge(), diagnose.Finding{Rule: keepRule, About: diagnose.Subject{Schema: f.schema, Table: f.table, Column: f.column}}}
	p := w.remedy.Plan(w.finding, h.world(ctx, w, f.wishes), f.wishes)
	if !p.Doable() {
		a.code = exitOfPlans([]remedy.Plan{p})
		return report.PlanText(a.out, []remedy.Plan{p}, a.look(f.lang, false))
	}
	if err := a.agreed(ctx, f.helpFlags, []remedy.Plan{p}, "do it?"); err != nil {
		return err
	}
	if err := h.startPace(ctx, f.schema); err != nil {
		return err
	}
	x := h.executor(j, a.teller(f.lang))
	x.Doers = h.doers(p)
	r, err := x.Begin(j.Next(), p)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, x, h, f.helpFlags, j, []apply.Run{r})
}

// keepRule is the rule of the runs of the job: nobody has diagnosed anything.
const keepRule = "keep-it-small"

// alone refuses beside a run that has not ended. One of the job's own is given up
// instead: today's plan covers its rows, and one that failed once, or met a
// reboot, must not end the job for good.
func (a *app) alone(j *journal.Journal) error {
	runs := apply.Runs(j.Entries())
	if err := halfUndone(runs); err != nil {
		return err
	}
	x := &apply.Executor{Journal: j, Now: a.now, Version: version()}
	for i := range runs {
		switch r := &runs[i]; {
		case !r.Open():
		case r.Plan.Because.Rule != keepRule:
			return hint.Wrap(fmt.Errorf("%w: an earlier run has not ended", apply.ErrRefused), "open-run", "go on with it: hirune apply; or leave it: hirune apply --give-up")
		default:
			if err := x.GiveUp(r); err != nil {
				return err
			}
		}
	}
	return nil
}
