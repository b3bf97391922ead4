package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/report"
	"hirune/internal/edge/firewall"
	"hirune/internal/edge/journal"
)

// letIn is how somebody is let in without the journal.
type letIn struct {
	plan    remedy.Plan
	entries []block.Entry // of the book
	back    []string      // the commands that take it back
}

// letInBy carries the plan out like any other. Where another hirune holds the
// journal, perhaps for hours, it is done at once and without it: who is locked out
// cannot wait.
func (a *app) letInBy(ctx context.Context, f blockFlags, w *blockade, l letIn) error {
	err := a.carry(ctx, f, w, func(int) (remedy.Plan, error) { return l.plan, nil })
	if !errors.Is(err, journal.ErrInUse) {
		return err
	}
	p := l.plan
	p.Says = append(slices.Clone(p.Says), diagnose.Say("letin-unkept"))
	p.Steps = nil // hirune undo will not know them
	if err := report.PlanOverview(a.err, []remedy.Plan{p}, a.lookAt(f.helpFlags)); err != nil {
		return err
	}
	if err := a.agreed(ctx, f.helpFlags, []remedy.Plan{p}, "do it?"); err != nil {
		return err
	}
	if err := w.book.Append(a.now(), l.entries...); err != nil {
		return err
	}
	if err := w.healBoth(ctx); err != nil {
		a.complain(hint.Wrap(fmt.Errorf("the book of bans lets them in, and not all of the server does yet: %w", err), "let-in", "try again: "+a.sudo("hirune blocks --check")))
		a.code = exitFound
	}
	pairs := []string{"hirune blocks", "who is blocked, and whether the kernel holds it"}
	for _, c := range l.back {
		pairs = append(pairs, a.sudo(c), "take it back; it is not in hirune history")
	}
	nextTo(a.err, pairs...)
	if f.json {
		return report.HistoryJSON(a.out, nil)
	}
	return nil
}

// healBoth makes the packet filter and the web servers do what the book says, and
// asks them. One that fails does not keep the other from it.
func (w *blockade) healBoth(ctx context.Context) error {
	return errors.Join(healed(ctx, w.hands(), keepFor), healed(ctx, w.webHands(false), keepWebFor))
}

func healed(ctx context.Context, h firewall.Hands, bound time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	_, cover, err := h.Heal(ctx)
	var gap firewall.Gap
	if err == nil {
		gap, err = h.Layer.Check(ctx, cover, h.Now())
	}
	switch {
	case err != nil && len(cover) == 0 && unreachable(err): // nothing is to be held, and nothing can be
	case err != nil:
		return err
	case gap.Any():
		return fmt.Errorf("the layer %s is not as it was just made: %s", h.Layer.Name(), gap)
	}
	return nil
}

// lifted is how the bans end without the journal.
func lifted(bans []block.Ban, now time.Time) letIn {
	out := letIn{plan: remedy.LiftPlan(bans, now), back: blockAgain(bans, now)}
	for _, b := range bans {
		out.entries = append(out.entries, block.Entry{At: now, Event: block.Lifted, Prefix: b.Prefix, Layer: b.Layer, By: block.ByOwner})
	}
	return out
}

// blockAgain are the commands that ban again as it was, one for all that end at the
// same minute. What was on trial ends by itself.
func blockAgain(bans []block.Ban, now time.Time) []string {
	var ends []time.Duration // 0: never
	names := map[time.Duration][]string{}
	for _, b := range bans {
		var left time.Duration
		if !b.Until.IsZero() {
			left = (b.Until.Sub(now) + time.Minute - 1).Truncate(time.Minute)
		}
		name := plainName(b.Whole())
		if b.Trial || slices.Contains(names[left], name) { // another piece of it
			continue
		}
		if names[left] == nil {
			ends = append(ends, left)
		}
		names[left] = append(names[left], name)
	}
	var out []string
	for _, left := range ends {
		long := "--forever"
		if left > 0 {
			long = "--for " + strings.TrimSuffix(left.String(), "0s")
		}
		out = append(out, "hirune block "+strings.Join(names[left], " ")+" "+long)
	}
	return out
}

// allowedIn is how addresses come onto the list without the journal. was is the list.
func allowedIn(s remedy.AllowPrefixes, cut []block.Ban, was []block.Protected, now time.Time) letIn {
	out := letIn{plan: remedy.AllowPlan(s, cut, now)}
	var fresh []string
	for _, p := range s.Prefixes {
		out.entries = append(out.entries, block.Entry{At: now, Event: block.AllowedIn, Prefix: p, Why: s.Note, By: block.ByOwner})
		if !onList(was, p) {
			fresh = append(fresh, plainName(p))
		}
	}
	if len(fresh) > 0 {
		out.back = []string{"hirune allow " + strings.Join(fresh, " ") + " --remove"}
	}
	return out
}

// onList reports whether a prefix is on a list as it is.
func onList(all []block.Protected, p netip.Prefix) bool {
	return slices.ContainsFunc(all, func(x block.Protected) bool { return x.Prefix == p })
}
