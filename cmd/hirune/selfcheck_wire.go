package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/recording"
	"hirune/internal/core/report"
	"hirune/internal/core/verify"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/journal"
	"hirune/internal/edge/tape"
)

// checks is the self-check over a tape and the journal of a folder.
func (a *app) checks(tapePath, dir string) *SelfCheck {
	return &SelfCheck{
		Runs: func() ([]RunDue, error) {
			entries, _, err := journal.Read(dir)
			return runsDue(entries), err
		},
		Load:  func(from, to time.Time) (recording.Window, error) { return windowOf(tapePath, from, to) },
		Note:  func(run int, o verify.Outcome) error { return a.noteOutcome(dir, run, o) },
		Rules: rules.All(), Options: diagnose.Options{Loc: time.Local},
	}
}

// runsDue are the runs that are done and stand, oldest first. An outcome that
// cannot be read, of a newer version, counts as none.
func runsDue(entries []apply.Entry) []RunDue {
	checks := map[int]int{}
	for _, e := range entries {
		switch e.Event {
		case apply.RunVerified:
			checks[e.Run]++
		default:
		}
	}
	var out []RunDue
	for _, r := range apply.Runs(entries) {
		if !r.Ended || r.Undone || aboutBans(r.Plan) { // bans answer no finding, and end by themselves
			continue
		}
		due := RunDue{Run: r.ID, Because: r.Plan.Because, Settle: r.Plan.Settle, Ended: quietSince(entries, r.ID), Checks: checks[r.ID]}
		var o verify.Outcome
		if r.Verified != nil && json.Unmarshal(r.Verified, &o) == nil {
			due.Last = &o
		}
		out = append(out, due)
	}
	return out
}

// quietSince is when a run had ended and so had those that were agreed to before
// that: what visitors met while hirune went on with the others is no evidence.
func quietSince(entries []apply.Entry, run int) time.Time {
	planned, ended := map[int]time.Time{}, map[int]time.Time{}
	for _, e := range entries {
		switch e.Event {
		case apply.RunPlanned:
			planned[e.Run] = e.At
		case apply.RunEnded:
			ended[e.Run] = e.At
		default:
		}
	}
	at := ended[run]
	for other, end := range ended {
		if planned[other].Before(ended[run]) {
			at = later(at, end)
		}
	}
	return at
}

// windowOf reads a part of a tape, with what was known of older times. The
// recorder may be writing to it.
func windowOf(path string, from, to time.Time) (w recording.Window, err error) {
	r, err := tape.OpenReader(path)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	l := loaded{from: from, to: to}
	if err := l.read(r, from); err != nil {
		return w, err
	}
	return l.window(), nil
}

// noteOutcome writes an outcome to the journal, unless somebody applies a plan
// just then.
func (a *app) noteOutcome(dir string, run int, o verify.Outcome) (err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	j, err := journal.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	return j.Write(apply.Entry{At: a.now(), Run: run, Event: apply.RunVerified, Outcome: text, Version: version()})
}

// checkEye lets the beat do the checks: it bounds their time and goes on without
// them when they take long.
type checkEye struct {
	checks *SelfCheck
	say    func(Said)
}

var _ collect.Collector = checkEye{}

// Name implements collect.Collector.
func (checkEye) Name() string { return "verify" }

// Blinds implements collect.Blinder.
func (checkEye) Blinds() string { return "whether plans have helped" }

// Collect implements collect.Collector. It records nothing: outcomes are in the
// journal.
func (e checkEye) Collect(_ context.Context, b *collect.Beat) error {
	for _, s := range e.checks.Tick(b.Now) {
		e.say(s)
	}
	return nil
}

// sayCheck tells on stderr what a check has given.
func (a *app) sayCheck(dir string) func(Said) {
	return func(s Said) {
		if s.Err != nil {
			a.complain(s.Err)
			return
		}
		entries, _, err := journal.Read(dir)
		if err != nil {
			a.complain(err)
			return
		}
		views := viewsOf(apply.Runs(entries), func(r apply.Run) bool { return r.ID == s.Run })
		o := a.look("", false)
		o.Color = a.colours(a.err)
		if err := report.OutcomeText(a.err, views, o); err != nil {
			a.complain(fmt.Errorf("tell the outcome of run %d: %w", s.Run, err))
		}
	}
}
