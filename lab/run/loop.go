package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hirune/lab/load"
	"hirune/lab/stack"
)

// Healed is what became of one whole loop: outage, verdict, plan, apply, the job's next run, verify, undo.
type Healed struct {
	Scenario string                                `json:"scenario"`
	Wrong    []string                              `json:"wrong"` // empty: all as it had to be
	Marks    []Mark                                `json:"marks"`
	Phases   map[string]map[load.Kind]load.Figures `json:"phases"`     // from each mark to the next
	Longest  map[string]float64                    `json:"longest_ms"` // that a visitor waited in each phase
	Verdict  string                                `json:"verdict"`
	Causes   []string                              `json:"causes"`
	Remedies []string                              `json:"remedies"` // planned
	Apply    Applied                               `json:"apply"`
	Explain  map[string]string                     `json:"explain"` // when to access, as hirune's history has it
	NextRun  NextRun                               `json:"next_run"`
	Outcome  string                                `json:"outcome"` // of verify
	Undo     Undone                                `json:"undo"`
	Took     float64                               `json:"took_seconds"`
}

// Applied is what applying took.
type Applied struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"` // of hirune itself
	RSSKiB     int64   `json:"rss_kib"`
	Rows       int64   `json:"rows"` // deleted
	RowsPerS   float64 `json:"rows_per_s"`
}

// NextRun is the job's real run on the last of the days that passed after the plan was applied.
type NextRun struct {
	Days        int     `json:"days"`
	RequestMs   float64 `json:"request_ms"`   // of wp-cron.php, from the access log; WordPress answers it before it runs the job
	StatementMs float64 `json:"statement_ms"` // of the purge, from the server
	Due         int64   `json:"due"`          // rows of the day that has passed
	Examined    int64   `json:"examined"`
	Affected    int64   `json:"affected"`
	Access      string  `json:"access"` // as the server plans it now
}

// Undone is what undo brought back.
type Undone struct {
	Seconds float64   `json:"seconds"`
	Before  stack.Sum `json:"before"` // of all rows before apply but those that the job itself has taken since
	After   stack.Sum `json:"after"`  // of the same keys after undo
	Added   int64     `json:"added"`  // rows that visitors wrote meanwhile
}

// loop is one under way.
type loop struct {
	*Patient
	out    Healed
	before picture
	day    span // of the rows that become due on the next day; those of the days after it follow
	days   int  // that have passed
}

// span is a range of keys, both ends included.
type span struct{ first, last int64 }

func (s span) rows() int64    { return max(s.last-s.first+1, 0) }
func (s span) others() string { return fmt.Sprintf("id NOT BETWEEN %d AND %d", s.first, s.last) }

// plus is the range of so many days from this one on.
func (s span) plus(days int) span { return span{s.first, s.last + s.rows()*int64(days-1)} }

// after is the range of the day that comes so many days later.
func (s span) after(days int) span {
	return span{s.first + s.rows()*int64(days), s.last + s.rows()*int64(days)}
}

// picture is the site as it was at one moment, as far as undo has to restore it.
type picture struct {
	rows, stay stack.Sum
	kept       stack.Sum // of all rows but those of the next days
	indexes    []string
	tables     []string
	files      map[string]string // of the web server's configuration and of CronDir
	xmlrpc     int               // status
}

// Loop carries the whole loop out once. The error is that of a lab that did not work; what hirune did wrong is in the outcome.
func Loop(ctx context.Context, c Case, progress io.Writer) (out Healed, err error) {
	began := time.Now()
	p, err := Admit(ctx, c, progress)
	l := &loop{Patient: p, out: Healed{Scenario: c.Scenario.Name, Wrong: []string{}}}
	defer func() {
		err = errors.Join(err, p.Discharge())
		l.out.Marks, l.out.Took = p.Marks, time.Since(began).Seconds()
		out = l.out
		err = errors.Join(err, writeJSON(filepath.Join(c.Out, "loop.json"), out))
	}()
	if err != nil {
		return l.out, err
	}
	l.out.Wrong = append(l.out.Wrong, p.Wrong...)
	l.out.Verdict, l.out.Causes = p.Verdict.Status, p.Verdict.CauseIDs()
	if len(p.Wrong) > 0 {
		return l.out, nil // without the cause there is nothing to remedy
	}
	for _, step := range []func(context.Context) error{l.plan, l.apply, l.history, l.nextDays, l.undo, l.close} {
		if err := errors.Join(ctx.Err(), step(ctx)); err != nil {
			return l.out, err
		}
	}
	return l.out, nil
}

func (l *loop) wrong(format string, args ...any) {
	l.out.Wrong = append(l.out.Wrong, fmt.Sprintf(format, args...))
}

// call runs a verb as the operator would, bounded, and notes an exit code that is not the one wanted.
func (l *loop) call(ctx context.Context, bound time.Duration, want int, name string, args ...string) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	r, err := l.Program.Run(ctx, args...)
	if err != nil {
		return r, err
	}
	if r.Exit != want {
		l.wrong("%s; want exit %d", r.says(), want)
	}
	return r, r.Keep(l.bench.opt.Out, name)
}

// look takes the picture that undo is compared with: of the rows up to a key, 0 for all.
func (l *loop) look(ctx context.Context, upTo int64) (p picture, err error) {
	var errs [6]error
	if upTo == 0 {
		if upTo, err = l.Site.Number(ctx, fmt.Sprintf("SELECT MAX(id) FROM %s.%s", l.Site.DBName, l.Site.Table())); err != nil {
			return p, err
		}
	}
	within := fmt.Sprintf("id <= %d", upTo)
	p.rows, errs[0] = l.Site.Sum(ctx, within)
	p.indexes, errs[1] = l.Site.Indexes(ctx)
	p.tables, errs[2] = l.Site.Tables(ctx)
	p.stay, errs[3] = l.Site.Sum(ctx, within+" AND NOT "+l.Site.Old(time.Now()))
	p.files, errs[4] = readFiles(filepath.Join(l.Site.Dir, "conf"), filepath.Join(l.Site.Dir, "conf-enabled"), filepath.Join(l.Site.Dir, "sites-enabled"), CronDir)
	p.kept, errs[5] = l.Site.Sum(ctx, within+" AND "+l.day.plus(daysMost).others())
	p.xmlrpc, _ = l.Ask(ctx, http.MethodPost, "/xmlrpc.php", stack.FailedLogin("admin", "nap"))
	return p, errors.Join(errs[:]...)
}

// aside does work of the lab's own on a machine that has its CPU, and then gives the site its cap back and time to calm down.
func (l *loop) aside(ctx context.Context, name string, do func() error) error {
	l.Mark(name)
	if err := errors.Join(l.Lift(), do()); err != nil {
		return err
	}
	return errors.Join(l.Cap(), l.Calm(ctx, time.Minute))
}

// readFiles reads all files below some directories; one that is not there has none.
func readFiles(dirs ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			out[path] = string(text)
			return err
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", dir, err)
		}
	}
	return out, nil
}

// differing lists the files that two pictures do not have alike.
func differing(a, b map[string]string) []string {
	var out []string
	for path := range maps.Keys(a) {
		if text, ok := b[path]; !ok || text != a[path] {
			out = append(out, path)
		}
	}
	for path := range maps.Keys(b) {
		if _, ok := a[path]; !ok {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// Print writes an outcome for a person.
func (h Healed) Print(w io.Writer) {
	fmt.Fprintf(w, "\nloop %s  (%.0f s)\n", h.Scenario, h.Took)
	for _, m := range h.Marks {
		figures := h.Phases[m.Name]
		for _, kind := range slices.Sorted(maps.Keys(figures)) {
			f := figures[kind]
			fmt.Fprintf(w, "  %6.1f s %-16s %-7s sent %4d  failed %4d  p50 %8.0f ms  p99 %8.0f ms\n", m.At, m.Name, kind, f.Sent, f.Failed, f.P50Ms, f.P99Ms)
		}
	}
	fmt.Fprintf(w, "  the longest wait: %.0f ms before the outage, %.0f ms during apply, %.0f ms during undo\n", h.Longest[control], h.Longest["apply"], h.Longest["undo"])
	fmt.Fprintf(w, "  verdict %s %s; planned %s\n", h.Verdict, strings.Join(h.Causes, ", "), strings.Join(h.Remedies, ", "))
	fmt.Fprintf(w, "  applied in %.1f s: %d rows, %.0f rows/s, %.1f CPU s and %d MB of hirune's own\n", h.Apply.Seconds, h.Apply.Rows, h.Apply.RowsPerS, h.Apply.CPUSeconds, h.Apply.RSSKiB/1024)
	for _, when := range slices.Sorted(maps.Keys(h.Explain)) {
		fmt.Fprintf(w, "  explain %s: %s\n", when, h.Explain[when])
	}
	fmt.Fprintf(w, "  next run, after %d days: request %.0f ms, statement %.1f ms, %d rows examined, %d of %d deleted, access %s; verify says %s\n", h.NextRun.Days, h.NextRun.RequestMs, h.NextRun.StatementMs, h.NextRun.Examined, h.NextRun.Affected, h.NextRun.Due, h.NextRun.Access, h.Outcome)
	fmt.Fprintf(w, "  undone in %.1f s: %d of %d rows, %d written meanwhile\n", h.Undo.Seconds, h.Undo.After.Rows, h.Undo.Before.Rows, h.Undo.Added)
	for _, wrong := range h.Wrong {
		fmt.Fprintf(w, "  WRONG: %s\n", wrong)
	}
	if len(h.Wrong) == 0 {
		fmt.Fprintln(w, "  as it had to be")
	}
}
