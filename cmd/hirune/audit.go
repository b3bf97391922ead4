package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/audit"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/recording"
	"hirune/internal/core/report"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/tape"
)

const (
	// auditFor is how long an audit looks at the server: as long as it takes to read
	// what tables there are and how they grow.
	auditFor = 10 * time.Second
	// auditBack is how much of a tape is read in full, and auditDays how far back it is
	// looked at here and there for what grows slowly.
	auditBack = time.Hour
	auditDays = 14 * 24 * time.Hour
	auditStep = 12 * time.Hour
	auditPeek = 2 * time.Minute
)

// auditFlags are what `hirune audit` was asked for.
type auditFlags struct {
	tape, config, baseline, lang string
	json, verbose                bool
}

func (a *app) auditCmd() *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit",
		Short: "Say what will bring the site down next, and when",
		Long: `Say what will bring the site down next, and when: tables that outgrow their clean-up, memory and connections that do not hold all PHP workers,
credit that is spent faster than it is earned, disks that fill, an open xmlrpc.php, jobs that never run, warnings that are in the logs already.

It reads the recorder's tape, where there is one, and looks at the server for some seconds. It only reads. With --tape it reads that tape alone.

Exit codes: 0 nothing was found, 1 something was, 2 could not tell, or wrong usage.`,
		Example: `  sudo hirune audit
  sudo hirune audit --baseline 10 --verbose
  hirune audit --tape site.hirune --json`,
		Args: a.noTapeArg,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLang(cmd, f.lang); err != nil {
				return err
			}
			share, err := f.share()
			if err != nil {
				return usage(cmd, err.Error(), "of all CPUs together, in per cent, such as --baseline 10")
			}
			return a.audit(cmd.Context(), f, share)
		},
	}
	a.tapeFlag(c, &f.tape, "the tape `FILE` to read (default: the recorder's own, and the server as it is now)")
	c.Flags().StringVar(&f.baseline, "baseline", "", "what your plan earns for ever, in `PERCENT` of all CPUs (default: not known)")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, which is never translated")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "say how to do what helps")
	a.langFlag(c, &f.lang)
	a.configFlag(c, &f.config)
	return c
}

// share is the baseline, 0 to 1; 0 where none was given.
func (f auditFlags) share() (float64, error) {
	if f.baseline == "" {
		return 0, nil
	}
	p, err := strconv.ParseFloat(f.baseline, 64)
	if err != nil || !(p > 0 && p <= 100) {
		return 0, fmt.Errorf("--baseline %q: it takes a number above 0, up to 100", f.baseline)
	}
	return p / 100, nil
}

func (a *app) audit(ctx context.Context, f auditFlags, baseline float64) error {
	o := audit.Options{Now: a.now(), Baseline: baseline}
	records, err := a.auditTape(f, &o)
	if f.tape == "" && (err == nil || errors.Is(err, tape.ErrMissing) || errors.Is(err, errEmpty)) {
		var now []evidence.Record
		if now, err = a.auditServer(ctx, f); err == nil {
			records = append(withoutLogs(records), now...)
		}
	}
	if err != nil {
		return err
	}
	r := audit.Look(recording.New(records), o)
	a.code = exitHealthy
	if len(r.Risks) > 0 {
		a.code = exitFound
	}
	if f.json {
		return report.AuditJSON(a.out, r)
	}
	return report.AuditText(a.out, r, a.look(f.lang, f.verbose))
}

// auditTape reads what is known, the last of the recording in full, and what grows
// slowly here and there. A tape that is named is judged by its own end.
func (a *app) auditTape(f auditFlags, o *audit.Options) ([]evidence.Record, error) {
	r, _, err := a.tapeToRead(f.tape)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	whole, err := r.Span()
	if err != nil {
		return nil, err
	}
	if whole.To.IsZero() {
		return nil, hint.Wrap(errEmpty, "tape-empty", "let the recorder run for a while first: sudo hirune record")
	}
	if f.tape != "" {
		o.Now = whole.To
	}
	l := loaded{from: later(whole.From, whole.To.Add(-auditBack)), to: whole.To}
	if err := l.read(r, l.from); err != nil {
		return nil, err
	}
	first := later(whole.From, whole.To.Add(-auditDays))
	for at := l.from.Add(-auditStep); at.After(first.Add(-auditStep)); at = at.Add(-auditStep) {
		some, _, err := r.Records(later(at, first), later(at, first).Add(auditPeek))
		if err != nil {
			return nil, err
		}
		l.records = append(l.records, slices.DeleteFunc(some, func(r evidence.Record) bool { _, ok := r.Fact.(evidence.Filesystem); return !ok })...)
	}
	ms, err := r.Minutes(first, whole.To)
	if err != nil && !errors.Is(err, tape.ErrDamaged) {
		return nil, err
	}
	o.Busy, o.BusyOver = busyOf(ms)
	return l.records, nil
}

// busyOf is the mean use of the CPU, and over how long it was recorded.
func busyOf(ms []tape.Minute) (busy float64, over time.Duration) {
	n := 0
	for _, m := range ms {
		if m.CPUShare >= 0 {
			busy, n = busy+m.CPUShare, n+1
		}
	}
	if n == 0 {
		return 0, 0
	}
	return busy / float64(n), time.Duration(n) * time.Minute
}

// withoutLogs leaves out what the logs told the recorder: they are read anew.
func withoutLogs(records []evidence.Record) []evidence.Record {
	return slices.DeleteFunc(records, func(r evidence.Record) bool {
		switch r.Fact.(type) {
		case evidence.ErrorLine, evidence.Traffic, evidence.ClientUse, evidence.PathUse:
			return true
		}
		return false
	})
}

// auditServer looks at the server as it is now, and at what its logs hold.
func (a *app) auditServer(ctx context.Context, f auditFlags) ([]evidence.Record, error) {
	cfg, err := a.config(f.config)
	if err != nil {
		return nil, err
	}
	eyes, err := a.open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer eyes.close()
	p := a.start("looking at the server", auditFor)
	eyes.traffic.HistoryBytes = liveHistory
	records, err := collect.Sample(ctx, eyes.collectors, auditFor, collect.Options{Version: version()})
	p.done()
	records = append(records, a.restOfLogs(ctx, eyes)...)
	if ctx.Err() != nil {
		return nil, hint.Wrap(errors.New("interrupted before there was an answer"), "interrupted", "let it look for "+long(auditFor))
	}
	return records, err
}
