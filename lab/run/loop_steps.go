package run

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// wanted are the remedies of case 0, each of which has to be planned.
var wanted = []string{"purge", "add-index", "close-xmlrpc", "keep-it-small"}

// plan asks what is to be done, as JSON, as SQL and in Japanese.
func (l *loop) plan(ctx context.Context) error {
	l.Mark("plan")
	r, err := l.call(ctx, 2*time.Minute, planExit, "plan.json", l.Program.With("plan", "--json")...)
	if err != nil {
		return err
	}
	var a plans
	if err := r.decode(&a); err != nil {
		l.wrong("%v", err)
		return nil
	}
	l.out.Remedies = a.doable()
	for _, id := range wanted {
		if !slices.Contains(l.out.Remedies, id) {
			l.wrong("plan: no remedy %s among %v", id, l.out.Remedies)
		}
	}
	table := "`" + l.Site.DBName + "`.`" + l.Site.Table() + "`"
	for _, want := range []string{"DELETE FROM " + table + " WHERE `id` >=", "ALTER TABLE " + table, "LOCK=NONE", "xmlrpc.php", CronDir} {
		if !a.holds(want) {
			l.wrong("plan --json: no script holds %q", want)
		}
	}
	sql, err := l.call(ctx, 2*time.Minute, planExit, "plan.sql", l.Program.With("plan", "--sql")...)
	if err != nil {
		return err
	}
	if !strings.Contains(string(sql.Out), "ALTER TABLE "+table) {
		l.wrong("plan --sql holds no ALTER TABLE %s", table)
	}
	_, err = l.call(ctx, 2*time.Minute, planExit, "plan.txt", l.Program.With("plan", "--lang", "ja")...)
	return err
}

// apply does it all under load and the cap, and looks at the site itself before and after.
func (l *loop) apply(ctx context.Context) error {
	if err := l.aside(ctx, "lab looks before", func() error { return l.lookBefore(ctx) }); err != nil {
		return err
	}
	l.Mark("apply")
	r, err := l.call(ctx, 10*time.Minute, 0, "apply.json", l.Program.With("apply", "--yes", "--json")...)
	if err != nil {
		return err
	}
	l.out.Apply = Applied{Seconds: r.Took.Seconds(), CPUSeconds: r.CPU.Seconds(), RSSKiB: r.RSSKiB}
	return l.aside(ctx, "lab looks after", func() error { return l.lookAfter(ctx) })
}

func (l *loop) lookBefore(ctx context.Context) (err error) {
	if l.day.first, l.day.last, err = l.Site.NextDay(ctx, time.Now()); err != nil {
		return err
	}
	if l.before, err = l.look(ctx, 0); err != nil {
		return err
	}
	if access, err := l.Site.Access(ctx, time.Now()); err != nil || access != "ALL" {
		return fmt.Errorf("before apply the purge is planned as %q, not ALL: this is no patient: %w", access, err)
	}
	return nil
}

// lookAfter checks that what had to go is gone, that nothing else is, and that the causes are.
func (l *loop) lookAfter(ctx context.Context) error {
	now, err := l.look(ctx, l.before.rows.MaxID)
	if err != nil {
		return err
	}
	l.out.Apply.Rows = l.before.rows.Rows - now.rows.Rows
	l.out.Apply.RowsPerS = float64(l.out.Apply.Rows) / l.out.Apply.Seconds
	if now.stay != l.before.stay {
		l.wrong("rows that had to stay: %+v, were %+v", now.stay, l.before.stay)
	}
	if old := now.rows.Rows - now.stay.Rows; old > 0 {
		l.wrong("after apply %d old rows are left", old)
	}
	if l.out.NextRun.Access, err = l.Site.Access(ctx, time.Now()); err != nil {
		return err
	}
	if l.out.NextRun.Access != "range" {
		l.wrong("after apply the purge is planned as %q, not range", l.out.NextRun.Access)
	}
	if now.xmlrpc != http.StatusForbidden {
		l.wrong("after apply xmlrpc.php answers %d, want 403 by the web server", now.xmlrpc)
	}
	return nil
}

// history asks what was done.
func (l *loop) history(ctx context.Context) error {
	r, err := l.call(ctx, time.Minute, doneExit, "history.json", l.Program.With("history", "--json")...)
	if err != nil {
		return err
	}
	h, err := ReadHistory(r)
	if err != nil {
		l.wrong("%v", err)
		return nil
	}
	l.out.Explain = h.Explains()
	for _, one := range h.Runs {
		if one.State != "done" {
			l.wrong("history: run %d (%s) is %s, want done", one.ID, one.Remedy, one.State)
		}
	}
	for when, want := range map[string]string{"before": "ALL", "after-index": "range"} {
		if got := l.out.Explain[when]; got != want {
			l.wrong("history: explain %s is %q, want %q", when, got, want)
		}
	}
	if l.out.Explain["after-purge"] == "" {
		l.wrong("history: no explain after-purge")
	}
	return nil
}

// undo takes everything back and compares: all is as before, but for the rows that the job has taken itself.
func (l *loop) undo(ctx context.Context) error {
	l.Mark("undo")
	r, err := l.call(ctx, 10*time.Minute, 0, "undo.out", l.Program.With("undo", "--all", "--yes")...)
	if err != nil {
		return err
	}
	l.Mark("undone")
	after, err := l.look(ctx, l.before.rows.MaxID)
	if err != nil {
		return err
	}
	was := l.before
	l.out.Undo = Undone{Seconds: r.Took.Seconds(), Before: was.kept, After: after.kept}
	if after.kept != was.kept {
		l.wrong("after undo the rows are %+v, were %+v", after.kept, was.kept)
	}
	if got, want := after.rows.Rows-after.kept.Rows, l.day.rows()*int64(daysMost-l.days); got != want {
		l.wrong("after undo %d rows of the next days are there, want %d: the job has deleted the others itself", got, want)
	}
	if !slices.Equal(after.indexes, was.indexes) {
		l.wrong("after undo the indexes are %q, were %q", after.indexes, was.indexes)
	}
	if !slices.Equal(after.tables, was.tables) {
		l.wrong("after undo the tables are %q, were %q", after.tables, was.tables)
	}
	if d := differing(was.files, after.files); len(d) > 0 {
		l.wrong("after undo these files are not as they were: %q", d)
	}
	if after.xmlrpc != was.xmlrpc {
		l.wrong("after undo xmlrpc.php answers %d, was %d", after.xmlrpc, was.xmlrpc)
	}
	return nil
}
