// Package run carries one scenario out: it brings the site up in a capped control group, records it with hirune, loads and breaks it, checks
// that visitors suffered as they had to, and compares hirune's verdict with the one that had to be given.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hirune/lab/credit"
	"hirune/lab/load"
	"hirune/lab/scenario"
	"hirune/lab/stack"
)

// Options say how a scenario is carried out.
type Options struct {
	Hirune       string // the binary; empty: check the suffering only
	Out          string // directory for what the run leaves
	Keep         bool   // leave the stack's directory
	DiagnoseLive bool   // ask for a live diagnosis in the middle of the last phase, inside the capped group
	Seed         uint64 // of the load
}

// Outcome is what became of a run.
type Outcome struct {
	Scenario   string                                `json:"scenario"`
	Wrong      []string                              `json:"wrong"` // empty: all as it had to be
	Score      scenario.Score                        `json:"score"`
	Status     string                                `json:"status,omitempty"`
	Causes     []string                              `json:"causes,omitempty"`
	Phases     map[string]map[load.Kind]load.Figures `json:"phases"`
	Last       map[load.Kind]load.Figures            `json:"last"` // of the last phase
	Faults     map[string]int                        `json:"faults,omitempty"`
	CappedFrom float64                               `json:"capped_from"` // seconds; -1: never
	TapeBytes  int64                                 `json:"tape_bytes,omitempty"`
	Live       *Live                                 `json:"live,omitempty"`
	Cold       *Live                                 `json:"cold,omitempty"` // after it all, without a tape
	Took       float64                               `json:"took_seconds"`
}

// Live is one diagnosis in the middle of the outage.
type Live struct {
	Seconds float64  `json:"seconds"`
	Exit    int      `json:"exit"`
	Status  string   `json:"status"`
	Causes  []string `json:"causes"`
	Error   string   `json:"error,omitempty"`
}

// lead is what is recorded before the first visitor comes.
const lead = 3 * time.Second

// bench is one run under way.
type bench struct {
	sc       scenario.Scenario
	opt      Options
	progress io.Writer
	group    *credit.Group
	site     *stack.Stack
	start    time.Time
	results  []load.Result
	points   []credit.Point
	out      Outcome
}

// Scenario carries one scenario out. The error is that of a lab that did not work; a wrong verdict is in the outcome.
func Scenario(ctx context.Context, sc scenario.Scenario, opt Options, progress io.Writer) (out Outcome, err error) {
	began := time.Now()
	if err := os.MkdirAll(opt.Out, 0o755); err != nil {
		return out, fmt.Errorf("make the run's directory: %w", err)
	}
	b := &bench{sc: sc, opt: opt, progress: progress, out: Outcome{Scenario: sc.Name, CappedFrom: -1, Wrong: []string{}}}
	b.group, err = credit.NewGroup(fmt.Sprintf("hirune-lab-%d-%d", os.Getpid(), began.UnixNano()%1e9))
	if err != nil {
		return b.out, err
	}
	defer func() { err = errors.Join(err, b.group.Remove()) }()
	if sc.Plan.Memory != "" {
		if err := b.group.LimitMemory(sc.Plan.Memory); err != nil {
			return b.out, err
		}
	}
	cfg := sc.Stack
	cfg.Keep, cfg.Wrap = opt.Keep, b.group.Wrap
	if opt.Seed > 1 { // no other run has a variation's data: some GB that nobody would take away today
		cfg.CacheDir = filepath.Join(opt.Out, "cache")
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.CacheDir)) }()
	}
	b.site, err = stack.Up(ctx, cfg, progress)
	if err != nil {
		return b.out, fmt.Errorf("bring the site up: %w", err)
	}
	defer func() { err = errors.Join(err, b.site.Down()) }()
	if err := b.site.NoteCgroups(b.group.Dirs()); err != nil {
		return b.out, err
	}
	if err := b.play(ctx); err != nil {
		return b.out, errors.Join(err, b.keepLogs())
	}
	b.out.Took = time.Since(began).Seconds()
	b.diagnoseCold(ctx)
	return b.out, errors.Join(b.judge(ctx), b.write())
}

// play records, loads and injects.
func (b *bench) play(ctx context.Context) error {
	b.warm(ctx)
	b.start = time.Now().Truncate(time.Second).Add(lead + time.Second)
	if err := b.planCron(ctx); err != nil {
		return err
	}
	rec, err := b.record()
	if err != nil {
		return err
	}
	defer rec.abandon()
	jobs := newJobs(ctx)
	jobs.run(func(ctx context.Context) error { return b.account(ctx) })
	for _, i := range b.sc.Inject {
		jobs.run(func(ctx context.Context) error { return b.inject(ctx, i) })
	}
	if b.opt.DiagnoseLive && b.opt.Hirune != "" {
		jobs.run(b.diagnoseLive)
	}
	length := seconds(b.sc.Seconds)
	fmt.Fprintf(b.progress, "%s: %.0f s of load on %s\n", b.sc.Name, b.sc.Seconds, b.site.URL)
	answers := make(chan error, 1)
	go func() {
		var err error
		b.results, err = load.Run(ctx, b.target(), load.Schedule(b.sc.Load, length, b.opt.Seed+1), b.start)
		answers <- err
	}()
	ended := wait(ctx, b.start.Add(length))
	recErr := rec.stop()
	loadErr := <-answers // bounded: each client gives up after load.GiveUp
	return errors.Join(ended, recErr, loadErr, jobs.end())
}

// warm fills PHP's and the database's caches, as those of a site that has run for days are full.
func (b *bench) warm(ctx context.Context) {
	shots := load.Schedule([]load.Stream{{Kind: load.Page, Rate: 10, Clients: 50, Net: 20}, {Kind: load.Search, Rate: 1, Clients: 5, Net: 20}}, 4*time.Second, 99)
	_, _ = load.Run(ctx, b.target(), shots, time.Now()) // what fails here fails again where it is counted
}

func (b *bench) target() load.Site {
	return load.Site{URL: b.site.URL, Posts: b.site.Posts(), PostSlug: stack.PostSlug, Words: stack.Words, FailedLogin: stack.FailedLogin,
		BrowserAgents: stack.BrowserAgents, AttackerAgent: stack.AttackerAgent}
}

// planCron plans the purge before the recorder starts: on a real site it has been planned since yesterday.
func (b *bench) planCron(ctx context.Context) error {
	at := b.start.Add(12 * time.Hour)
	for _, i := range b.sc.Inject {
		if i.Do == scenario.CronDue {
			at = b.start.Add(seconds(i.At))
		}
	}
	return b.site.ScheduleHook(ctx, at)
}

func (b *bench) account(ctx context.Context) error {
	if b.sc.Plan.VCPUs == 0 {
		return nil
	}
	points, err := credit.Play(ctx, b.group, b.sc.Plan, b.start)
	b.points = points
	for _, p := range points {
		if p.Capped {
			b.out.CappedFrom = p.At
			break
		}
	}
	return err
}

func (b *bench) inject(ctx context.Context, i scenario.Injection) error {
	if wait(ctx, b.start.Add(seconds(i.At))) != nil {
		return nil
	}
	switch i.Do {
	case scenario.StopDatabase:
		return b.site.StopDatabase()
	case scenario.OpenTransaction:
		c, err := b.site.OpenSession(ctx, b.site.Expand(i.SQL))
		if err != nil {
			return err
		}
		if i.For > 0 {
			_ = wait(ctx, time.Now().Add(seconds(i.For)))
		} else {
			<-ctx.Done()
		}
		return c.Close()
	case scenario.RunScript:
		return b.script(ctx, i)
	case scenario.WriteFile:
		return b.site.WriteFile(i.Path, i.Text)
	case scenario.Restart:
		return b.site.Restart(ctx, i.Service)
	}
	return nil // cron-due was planned before
}

func (b *bench) keepLogs() error { return copyLogs(b.site.LogDir(), filepath.Join(b.opt.Out, "logs")) }
