package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
)

// pauseName is the file in the state folder whose being there pauses the work.
const pauseName = "pause"

const (
	// baseFor is how long the server is looked at before anything is done to it.
	baseFor = 4 * time.Second
	// holdStep is how soon work that waits asks again.
	holdStep = 100 * time.Millisecond
	// pageEvery is from page to page asked for while work goes on: at a cap of a
	// fifth of a core a page each two seconds takes a twentieth of it.
	pageEvery = 2 * time.Second
)

// pacing watches the server with the recorder's own collectors while a plan is
// carried out, and lets the work go as fast as visitors do not notice.
type pacing struct {
	mu    sync.Mutex
	pace  *apply.Pace
	state string // folder of the pause file
	now   func() time.Time
	lag   func() time.Duration // of the slowest replica; nil: there is none
	stop  context.CancelFunc
	ended sync.WaitGroup
}

var (
	_ collect.Sink = (*pacing)(nil)
	_ apply.Pacer  = (*pacing)(nil)
)

// watchPace looks at the server for a while and goes on looking until close.
func (a *app) watchPace(ctx context.Context, eyes *eyes, state string, more ...collect.Timed) (*pacing, error) {
	p := &pacing{pace: apply.NewPace(pieceTarget, pieceFirst), state: state, now: a.now}
	watched := append(paceCollectors(eyes, time.Second), more...)
	line := a.start("looking how the site does without us", baseFor)
	before, err := collect.Sample(ctx, watched, baseFor, collect.Options{})
	line.done()
	if err != nil {
		return nil, hint.Wrap(errors.Join(apply.ErrStopped, err), "interrupted", "nothing was changed")
	}
	p.pace.Before(before)
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx)) // it ends with close, after the step that is under way
	watched = append(paceCollectors(eyes, pageEvery), more...)
	p.ended.Go(func() { _ = collect.Run(ctx, watched, p, collect.Options{}) }) // its sink cannot fail
	return p, nil
}

// A piece of 50 ms is short beside what a visitor notices and long beside what a
// statement costs by itself.
const (
	pieceTarget = 50 * time.Millisecond
	pieceFirst  = 200
)

// paceCollectors are those that tell how visitors and the machine do.
func paceCollectors(e *eyes, pages time.Duration) []collect.Timed {
	var out []collect.Timed
	for _, t := range e.collectors {
		switch c := t.Collector.(type) {
		case *collectors.Host, *collectors.Cgroups:
			t.Every = everyBeat
		case *collectors.Filesystems:
			t.Every = fastChange
		case *collectors.Probes:
			c.Every, t.Every = pages, everyBeat
		default:
			continue
		}
		t.Steady = true
		out = append(out, t)
	}
	return out
}

// Append implements collect.Sink.
func (p *pacing) Append(records []evidence.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lag != nil {
		p.pace.Lag(p.lag())
	}
	for _, r := range records {
		p.pace.Observe(r)
	}
	return nil
}

// Commit implements collect.Sink.
func (*pacing) Commit(time.Time) error { return nil }

// close ends the looking and waits for it.
func (p *pacing) close() {
	if p == nil {
		return
	}
	p.stop()
	p.ended.Wait()
}

// step prepares for a step and returns its pacer.
func (p *pacing) step(s remedy.Step) apply.Pacer {
	p.mu.Lock()
	defer p.mu.Unlock()
	target, size := pieceTarget, int64(pieceFirst)
	switch s := s.(type) {
	case remedy.DeleteInChunks:
		target, size = s.Target, s.Chunk
	case remedy.KeepAndSwap:
		size = s.Chunk
	}
	if target <= 0 {
		target = pieceTarget
	}
	p.pace = p.pace.Anew(target, size)
	return p
}

// Next implements apply.Pacer.
func (p *pacing) Next(ctx context.Context, did apply.Piece) (apply.Grant, error) {
	began, why := p.now(), ""
	for {
		if err := ctx.Err(); err != nil {
			return apply.Grant{}, errors.Join(apply.ErrStopped, err)
		}
		l := p.leave(did)
		did = apply.Piece{} // it counts once
		if l.Why != "" {
			why = l.Why
		}
		if !l.Hold {
			if err := rest(ctx, l.Pause); err != nil {
				return apply.Grant{}, errors.Join(apply.ErrStopped, err)
			}
			return apply.Grant{Size: l.Size, Waited: p.now().Sub(began), Why: why}, nil
		}
		if err := rest(ctx, holdStep); err != nil {
			return apply.Grant{}, errors.Join(apply.ErrStopped, err)
		}
	}
}

func (p *pacing) leave(did apply.Piece) apply.Leave {
	p.mu.Lock()
	defer p.mu.Unlock()
	if exists(filepath.Join(p.state, pauseName)) {
		return apply.Leave{Hold: true, Why: apply.WaitPaused}
	}
	return p.pace.Next(p.now(), did)
}

// rest waits, or returns the context's error if that comes first.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// stateDir is where the journal, the archives and the last verdict are.
func (a *app) stateDir(flag string) string {
	if flag != "" {
		return flag
	}
	return filepath.Dir(a.ownTape())
}

// keepVerdict keeps a verdict where no tape does, so that a plan can be made of it.
func (a *app) keepVerdict(text []byte) error {
	dir := a.stateDir("")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder for the verdict: %w", err)
	}
	path := filepath.Join(dir, verdictName)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("keep the verdict: %w", err)
	}
	return os.Rename(path+".new", path)
}

// verdictName is the file that holds the last verdict that no tape took.
const verdictName = "verdict.json"
