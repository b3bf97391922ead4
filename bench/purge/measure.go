package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"hirune/bench/cost"
	"hirune/lab/load"
)

// result is one run of one method.
type result struct {
	Method   string                     `json:"method"`
	Round    int                        `json:"round"`
	WallS    float64                    `json:"wall_s"`
	Deleted  int64                      `json:"deleted"`
	Left     int64                      `json:"left"` // old rows that are still there
	RowsPerS float64                    `json:"rows_per_s"`
	DBCPUS   float64                    `json:"db_cpu_s"`       // of the server, while the method ran
	AfterS   float64                    `json:"db_cpu_after_s"` // of the server, in the time after it
	Tool     spent                      `json:"tool"`
	During   map[load.Kind]load.Figures `json:"during"` // of visitors that came while the method ran
	After    map[load.Kind]load.Figures `json:"after"`
	Slow     []slowest                  `json:"slow"` // pages while the method ran
	Faults   map[string]int             `json:"faults,omitempty"`
	Wrong    []string                   `json:"wrong,omitempty"`
}

// slowest is a page that took long, and when in the method's time it was asked for.
type slowest struct {
	AtS float64 `json:"at_s"`
	Ms  float64 `json:"ms"`
}

// slowKept is how many of the slowest pages are told.
const slowKept = 10

func slowPages(results []load.Result, from, until time.Duration) []slowest {
	var out []slowest
	for _, r := range results {
		if r.Kind == load.Page && r.At >= from && r.At < until {
			out = append(out, slowest{(r.At - from).Seconds(), float64(r.Latency.Microseconds()) / 1000})
		}
	}
	slices.SortFunc(out, func(a, b slowest) int { return cmp.Compare(b.Ms, a.Ms) })
	return out[:min(len(out), slowKept)]
}

// settle is how long visitors come before the method begins.
const settle = 3 * time.Second

func measure(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("make the directory for the results: %w", err)
	}
	b, err := open(ctx, o, stderr)
	if b != nil {
		defer func() { err = errors.Join(err, b.Discharge()) }()
	}
	if err != nil {
		return err
	}
	var results []result
	for round := 1; round <= o.times; round++ {
		for i := range o.methods {
			m := byName(o.methods[(i+round-1)%len(o.methods)]) // another one is first in each round
			r, err := b.try(ctx, m, round)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", m.name, round, err)
			}
			fmt.Fprintf(stderr, "%d/%d %-17s %6.1f s %7.0f rows/s  db %5.1f s  page p50 %5.0f p99 %6.0f ms, failed %d of %d %v\n", round, o.times, m.name, r.WallS, r.RowsPerS, r.DBCPUS,
				r.During[load.Page].P50Ms, r.During[load.Page].P99Ms, r.During[load.Page].Failed, r.During[load.Page].Sent, r.Wrong)
			results = append(results, r)
			if err := writeJSON(b.path("purge.json"), results); err != nil {
				return err
			}
		}
	}
	table(stdout, o, results)
	return nil
}

func byName(name string) method {
	for _, m := range methods {
		if m.name == name {
			return m
		}
	}
	return method{}
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// try measures one method once, on fresh data.
func (b *bed) try(ctx context.Context, m method, round int) (r result, err error) {
	r = result{Method: m.name, Round: round}
	if err := b.fresh(ctx); err != nil {
		return r, err
	}
	if b.cap > 0 {
		if err := b.Group.SetCores(b.cap); err != nil {
			return r, err
		}
	}
	if b.readView {
		end, err := b.hold(ctx)
		if err != nil {
			return r, err
		}
		defer func() { _ = end() }() // it has seen nothing that matters
	}
	v, err := b.visit(ctx, uint64(round))
	if err != nil {
		return r, err
	}
	work := b.work(ctx, m, v, &r)
	results, err := v.leave()
	if err := errors.Join(err, ctx.Err(), b.Lift()); err != nil {
		return r, err
	}
	if work != nil {
		r.Wrong = append(r.Wrong, work.Error())
	}
	r.During, r.After = load.Between(results, v.from, v.until), load.Between(results, v.until, v.end)
	r.Slow, r.Faults = slowPages(results, v.from, v.until), load.Faults(results)
	return r, b.count(ctx, m, &r)
}

// work runs the method while visitors come, and waits a little longer with them.
func (b *bed) work(ctx context.Context, m method, v *visitors, r *result) error {
	if !sleep(ctx, settle) {
		return ctx.Err()
	}
	pid := b.Site.DatabasePID()
	before, err := cost.Read(pid)
	if err != nil {
		return err
	}
	v.from = v.since()
	bounded, cancel := context.WithTimeout(ctx, b.bound-time.Minute)
	var failed error
	r.Tool, failed = m.do(bounded, b, b.path(fmt.Sprintf("%s-%d", m.name, r.Round)))
	cancel()
	v.until = v.since()
	r.WallS = (v.until - v.from).Seconds()
	at, err := cost.Read(pid)
	if err != nil {
		return errors.Join(failed, err)
	}
	sleep(ctx, b.after)
	later, err := cost.Read(pid)
	r.DBCPUS, r.AfterS = (at.CPU - before.CPU).Seconds(), (later.CPU - at.CPU).Seconds()
	v.end = v.since()
	return errors.Join(failed, err)
}

// count looks at what is left of the table, on a machine that has its CPU again.
func (b *bed) count(ctx context.Context, m method, r *result) (err error) {
	if r.Left, err = b.left(ctx); err != nil {
		return err
	}
	r.Deleted = int64(float64(b.rows)*b.old) - r.Left
	r.RowsPerS = float64(r.Deleted) / r.WallS
	stay, err := b.staying(ctx)
	if err != nil {
		return err
	}
	if stay != b.stay {
		r.Wrong = append(r.Wrong, fmt.Sprintf("rows that had to stay: %+v, were %+v", stay, b.stay))
	}
	if m.name != "none" && r.Left > 0 {
		r.Wrong = append(r.Wrong, fmt.Sprintf("%d old rows are left", r.Left))
	}
	return nil
}

// sleep waits; false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
