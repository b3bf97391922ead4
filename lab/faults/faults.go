// Package faults breaks hirune, the database and the disk in the middle of an apply, at random moments, and checks each time that no row that
// had to stay was touched, that nothing was done twice, that the journal can be read, that apply goes on or says why it does not, and that
// undo restores the site row for row.
package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hirune/lab/run"
)

// Options say what is tried.
type Options struct {
	run.Case
	Times int      // each fault
	Only  []string // names of faults; empty: all
}

// Outcome is what became of one try.
type Outcome struct {
	Fault   string   `json:"fault"`
	Try     int      `json:"try"`
	Moment  string   `json:"moment"`  // what was done when, for a person who wants to see it again
	Calls   int      `json:"calls"`   // of apply, until all was done
	Reasons []string `json:"reasons"` // why it stopped, in its own words
	Wrong   []string `json:"wrong"`   // empty: as it had to be
	Took    float64  `json:"took_seconds"`
}

// ward is where all tries take place: one site, whose data is laid anew for each.
type ward struct {
	*run.Patient
	opt    Options
	rng    *rand.Rand
	whole  time.Duration // an apply that nobody disturbs
	ready  time.Duration // of that, before the plan is in the journal and the first step begins
	before picture
	out    *Outcome
	done   bool // the last apply said so
}

// Run tries every fault and returns all outcomes. The error is that of a lab that did not work.
func Run(ctx context.Context, opt Options, progress io.Writer) (outcomes []Outcome, err error) {
	chosen, err := choose(opt.Only)
	if err != nil {
		return nil, err
	}
	p, err := run.Admit(ctx, opt.Case, progress)
	defer func() { err = errors.Join(err, p.Discharge()) }()
	if err != nil {
		return nil, err
	}
	if len(p.Wrong) > 0 {
		return nil, fmt.Errorf("the verdict that is to be acted on: %s", strings.Join(p.Wrong, "; "))
	}
	if _, err := p.StopVisits(); err != nil {
		return nil, err
	}
	if err := errors.Join(p.StopRecorder(), p.Lift()); err != nil {
		return nil, err
	}
	w := &ward{Patient: p, opt: opt, rng: rand.New(rand.NewPCG(opt.Seed, 1))}
	for n := range opt.Times {
		for _, f := range chosen {
			if f.name == calm.name && n > 0 {
				continue
			}
			o, err := w.try(ctx, f, n+1)
			if err != nil {
				return outcomes, fmt.Errorf("%s, try %d (%s): %w", f.name, n+1, o.Moment, err)
			}
			Print(progress, o)
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, nil
}

// choose returns the faults of the given names, with the undisturbed one before them: its length says what a random moment is.
func choose(only []string) ([]fault, error) {
	out := []fault{calm}
	for _, name := range only {
		if !slices.ContainsFunc(faults, func(f fault) bool { return f.name == name }) {
			return nil, fmt.Errorf("no fault %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	for _, f := range faults {
		if len(only) == 0 || slices.Contains(only, f.name) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Names are those of all faults.
func Names() []string {
	var out []string
	for _, f := range faults {
		out = append(out, f.name)
	}
	return out
}

// try lays the data anew, disturbs one apply, lets it go on to its end, and takes all back.
func (w *ward) try(ctx context.Context, f fault, n int) (o Outcome, err error) {
	began := time.Now()
	o = Outcome{Fault: f.name, Try: n, Reasons: []string{}, Wrong: []string{}}
	w.out, w.done = &o, false
	if err := w.reset(ctx); err != nil {
		return o, err
	}
	defer func() {
		o.Took = time.Since(began).Seconds()
		err = errors.Join(err, w.clear())
	}()
	if err := f.do(ctx, w); err != nil {
		return o, err
	}
	if err := w.goOn(ctx); err != nil {
		return o, err
	}
	if err := errors.Join(w.checkDone(ctx), w.checkHistory(ctx), w.undo(ctx)); err != nil {
		return o, err
	}
	return o, nil
}

// most is how often apply may have to be called again after a fault is over.
const most = 8

// goOn calls apply until it has said that all is done and no old row is left.
func (w *ward) goOn(ctx context.Context) error {
	for w.out.Calls < most {
		old, err := w.old(ctx)
		if err != nil || w.done && old == 0 {
			return err
		}
		r, err := w.apply(ctx)
		if err != nil {
			return err
		}
		w.done = r.Exit == 0
	}
	w.wrong("apply was called %d times and is not done", most)
	return nil
}

// apply calls apply to its end and checks the rows that must stay, however it ended.
func (w *ward) apply(ctx context.Context) (run.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	w.out.Calls++
	began := time.Now()
	r, err := w.Program.Run(ctx, w.Program.With("apply", "--yes", "--json")...)
	if err != nil {
		return r, err
	}
	if w.out.Fault == calm.name {
		w.whole = r.Took
		if h, err := run.ReadHistory(r); err == nil {
			w.ready = min(max(h.Runs[0].Planned.Sub(began), 0), r.Took)
		}
	}
	w.tell(r)
	return r, w.checkStay(ctx)
}

// tell notes why apply did not end well; a failure without a reason is wrong.
func (w *ward) tell(r run.Reply) {
	if r.Exit == 0 {
		return
	}
	var reasons []string
	for l := range strings.Lines(string(r.Err)) {
		for _, start := range []string{"hirune: error:", "hirune: stopped"} {
			if strings.HasPrefix(l, start) {
				reasons = append(reasons, strings.TrimSpace(strings.TrimPrefix(l, "hirune:")))
			}
		}
	}
	w.out.Reasons = append(w.out.Reasons, strings.Join(reasons, "; "))
	if len(reasons) == 0 {
		w.wrong("apply ended with exit %d and no reason: %.300s", r.Exit, r.Err)
	}
	if strings.Contains(string(r.Err), "panic:") || strings.Contains(string(r.Err), "goroutine 1 [") {
		w.wrong("apply panicked: %.1000s", r.Err)
	}
	if err := r.Keep(w.opt.Out, fmt.Sprintf("%s-%d-%d", w.out.Fault, w.out.Try, w.out.Calls)); err != nil {
		w.wrong("keep its words: %v", err)
	}
}

func (w *ward) wrong(format string, args ...any) {
	w.out.Wrong = append(w.out.Wrong, fmt.Sprintf(format, args...))
}

// moment is a random one of an apply, four times of five while it changes things.
func (w *ward) moment() time.Duration {
	from := time.Duration(0)
	if w.rng.IntN(5) > 0 {
		from = w.ready
	}
	return from + time.Duration(w.rng.Int64N(int64(max(w.whole-from, time.Second))))
}

func (w *ward) table() string { return w.Site.DBName + "." + w.Site.Table() }

func (w *ward) confDirs() []string {
	var out []string
	for _, name := range []string{"conf", "conf-enabled", "sites-enabled"} {
		out = append(out, filepath.Join(w.Site.Dir, name))
	}
	return append(out, run.CronDir)
}

// Print writes one outcome for a person.
func Print(to io.Writer, o Outcome) {
	verdict := "ok"
	if len(o.Wrong) > 0 {
		verdict = "WRONG: " + strings.Join(o.Wrong, "; ")
	}
	fmt.Fprintf(to, "%-18s %2d  %-40s %d calls, %4.1f s  %s\n", o.Fault, o.Try, o.Moment, o.Calls, o.Took, verdict)
	for _, r := range o.Reasons {
		fmt.Fprintf(to, "%23s%s\n", "", r)
	}
}

// Table writes the tries of each fault as Markdown.
func Table(to io.Writer, outcomes []Outcome) {
	fmt.Fprint(to, "| fault | tries | as it had to be | calls of apply, most | wrong |\n|---|--:|--:|--:|---|\n")
	for _, name := range append([]string{calm.name}, Names()...) {
		tries, right, calls := 0, 0, 0
		var wrong []string
		for _, o := range outcomes {
			if o.Fault != name {
				continue
			}
			tries++
			calls = max(calls, o.Calls)
			wrong = append(wrong, o.Wrong...)
			if len(o.Wrong) == 0 {
				right++
			}
		}
		if tries > 0 {
			fmt.Fprintf(to, "| %s | %d | %d | %d | %s |\n", name, tries, right, calls, strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(wrong, "; "), "|", "/")), " "))
		}
	}
}
