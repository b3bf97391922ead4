package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// watch keeps what runs here up to date. It is a collector itself, so that the
// beat bounds its time and records what it cannot read. The others get the
// latest finding, which nobody changes any more.
type watch struct {
	finder discover.Finder
	latest atomic.Pointer[discover.Found]
	told   map[string]bool // what could not be read, by place
	paired time.Time       // when it was last asked which server stands before which
}

var _ collect.Collector = (*watch)(nil)

// found is what runs here, as last discovered.
func (w *watch) found() *discover.Found { return w.latest.Load() }

// Name implements collect.Collector.
func (*watch) Name() string { return "discovery" }

// Blinds implements collect.Blinder.
func (*watch) Blinds() string { return "which services run here" }

// Collect looks again if a service has come or gone, and emits an
// evidence.Unseen for what could not be read, once.
func (w *watch) Collect(ctx context.Context, b *collect.Beat) error {
	if w.finder.Stale(*w.found()).Any() {
		found, err := w.finder.Find(ctx, b.Now)
		if err != nil {
			return err
		}
		markFronts(ctx, &found, b.Now)
		w.latest.Store(&found)
		w.paired = b.Now
	}
	if age := b.Now.Sub(w.paired); age >= frontsEvery || age < 0 {
		w.pair(ctx, b.Now)
	}
	for _, n := range w.found().Notes {
		if w.told[n.What] {
			continue
		}
		w.told[n.What] = true
		b.Emit(evidence.Unseen{Source: w.Name(), Code: "unreadable", What: n.What, Detail: n.Why, Hint: n.Hint})
	}
	return nil
}

// pair marks the web servers that stand behind another one, in a finding of its
// own: the latest one is read by others.
func (w *watch) pair(ctx context.Context, now time.Time) {
	w.paired = now
	found := *w.found()
	if len(found.Fronts()) == 0 {
		return
	}
	found.WebServers = slices.Clone(found.WebServers)
	markFronts(ctx, &found, now)
	w.latest.Store(&found)
}
