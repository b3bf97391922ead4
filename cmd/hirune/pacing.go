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
	"hirune/internal/core/remedy"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
)

// pauseName is the file in the state folder whose being there pauses the work.
const pauseName = "pause"

const (
	// baseFor is how long the server is looked at before anything is done to it,
	// where the look for the plan is longer ago than baseOld.
	baseFor = 2500 * time.Millisecond
	baseOld = 30 * time.Second
	// holdStep is how soon work that waits asks again.
	holdStep = 100 * time.Millisecond
	// pageEvery is from page to page asked for while work goes on. At a cap of a
	// fifth of a core a page each two seconds takes a twentieth of it: there
	// pageRarely is enough, because pages only correct.
	pageEvery  = 2 * time.Second
	pageRarely = 6 * time.Second
)

// pacing watches the server with the recorder's own collectors while a plan is
// carried out, and lets the work go as fast as visitors do not notice.
type pacing struct {
	mu    sync.Mutex
	pace  *apply.Pace
	state string // folder of the pause file
	now   func() time.Time
	lag   func() time.Duration // of the slowest replica; nil: there is none
	quota quotaFiles
	stop  context.CancelFunc
	ended sync.WaitGroup
}

var (
	_ collect.Sink = (*pacing)(nil)
	_ apply.Pacer  = (*pacing)(nil)
)

// newPacing takes what was seen before the work as what is usual.
func (a *app) newPacing(state string, before []evidence.Record) *pacing {
	p := &pacing{pace: apply.NewPace(pieceTarget, pieceFirst), state: state, now: a.now, quota: quotaFiles{root: "/sys/fs/cgroup"}}
	p.pace.Before(before)
	return p
}

// watch looks at the server until close. It goes on when ctx ends: the step that
// is under way ends first.
func (p *pacing) watch(ctx context.Context, watched []collect.Timed) {
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.ended.Go(func() { _ = collect.Run(ctx, watched, p, collect.Options{}) }) // its sink cannot fail
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
			c.Bare, t.Every = true, fastChange
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
	p.quota.close()
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
			err := rest(ctx, l.Pause)
			if err == nil && l.Group != "" {
				err = p.slot(ctx, &l)
			}
			if err != nil {
				return apply.Grant{}, errors.Join(apply.ErrStopped, err)
			}
			return apply.Grant{Size: l.Size, Waited: p.now().Sub(began), Why: why}, nil
		}
		if err := rest(ctx, holdStep); err != nil {
			return apply.Grant{}, errors.Join(apply.ErrStopped, err)
		}
	}
}

// slot waits for what visitors leave of a control group's quota; where its
// accounts cannot be read it does not wait.
func (p *pacing) slot(ctx context.Context, l *apply.Leave) error {
	p.quota.follow(l.Group)
	for {
		q, ok := p.quota.read()
		if !ok {
			return ctx.Err()
		}
		size, again := p.slotNow(q)
		if size > 0 {
			l.Size = size
			return ctx.Err()
		}
		if err := rest(ctx, again); err != nil {
			return err
		}
	}
}

func (p *pacing) slotNow(q apply.Quota) (size int64, again time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pace.Slot(p.now(), q)
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
