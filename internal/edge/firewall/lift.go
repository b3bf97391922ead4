package firewall

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/remedy"
)

// Lift carries out and takes back remedy.LiftBans in one layer.
type Lift struct{ Hands }

var _ apply.Doer = Lift{}

// Do implements apply.Doer.
func (d Lift) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, in, err := d.step(s)
	if err != nil {
		return err
	}
	var note noted
	if known, err := w.Load(&note); err != nil {
		return fmt.Errorf("read what was noted of the bans: %w", err)
	} else if !known {
		if err := w.Note(noted{Was: in}); err != nil {
			return err
		}
	}
	now := d.Now()
	var out []block.Entry
	for _, p := range step.Prefixes {
		out = append(out, block.Entry{At: now, Event: block.Lifted, Prefix: p, Layer: step.Layer, By: block.ByOwner})
	}
	if err := d.Book.Append(now, out...); err != nil {
		return err
	}
	return d.settle(ctx)
}

// step is the step with those of its bans that are in force.
func (d Lift) step(s remedy.Step) (remedy.LiftBans, []block.Ban, error) {
	step, ok := s.(remedy.LiftBans)
	if !ok || step.Layer != d.Layer.Name() {
		return step, nil, fmt.Errorf("lift bans by a step of kind %s at the layer %q: %w", s.Kind(), step.Layer, apply.ErrRefused)
	}
	b, err := d.book()
	if err != nil {
		return step, nil, err
	}
	return step, slices.DeleteFunc(b.Bans, func(b block.Ban) bool { return b.Layer != step.Layer || !slices.Contains(step.Prefixes, b.Prefix) }), nil
}

// Done implements apply.Doer.
func (d Lift) Done(ctx context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	_, in, err := d.step(s)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case len(in) > 0:
		return apply.NotDone, nil
	}
	return d.answer(ctx)
}

// Undo implements apply.Doer: bans that would still be in force hold again.
func (d Lift) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	if _, _, err := d.step(s); err != nil {
		return err
	}
	var note noted
	if _, err := w.Load(&note); err != nil {
		return fmt.Errorf("read what was noted of the bans: %w", err)
	}
	if err := d.Book.Append(d.Now(), again(note.Was, d.Now())...); err != nil {
		return err
	}
	return d.settle(ctx)
}

// Allow carries out and takes back remedy.AllowPrefixes. The book is for all
// layers; the others take it in when they are next compared with it.
type Allow struct{ Hands }

var _ apply.Doer = Allow{}

// Do implements apply.Doer.
func (d Allow) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, on, err := d.step(s)
	if err != nil {
		return err
	}
	var note noted
	if known, err := w.Load(&note); err != nil {
		return fmt.Errorf("read what was noted of the list: %w", err)
	} else if !known {
		if err := w.Note(noted{Allowed: on}); err != nil {
			return err
		}
	}
	event := block.AllowedIn
	if step.Remove {
		event = block.Disallowed
	}
	return d.set(ctx, event, step.Prefixes, step.Note)
}

func (d Allow) set(ctx context.Context, event block.Event, all []netip.Prefix, why string) error {
	now := d.Now()
	var out []block.Entry
	for _, p := range all {
		out = append(out, block.Entry{At: now, Event: event, Prefix: p, Why: why, By: block.ByOwner})
	}
	if err := d.Book.Append(now, out...); err != nil {
		return err
	}
	return d.settle(ctx)
}

// step is the step with those of its prefixes that are on the list.
func (d Allow) step(s remedy.Step) (remedy.AllowPrefixes, []netip.Prefix, error) {
	step, ok := s.(remedy.AllowPrefixes)
	if !ok {
		return step, nil, fmt.Errorf("allow by a step of kind %s: %w", s.Kind(), apply.ErrRefused)
	}
	b, err := d.book()
	if err != nil {
		return step, nil, err
	}
	var on []netip.Prefix
	for _, p := range step.Prefixes {
		if slices.ContainsFunc(b.Allowed, func(a block.Protected) bool { return a.Prefix == p }) {
			on = append(on, p)
		}
	}
	return step, on, nil
}

// Done implements apply.Doer.
func (d Allow) Done(ctx context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	step, on, err := d.step(s)
	switch {
	case err != nil:
		return apply.CannotTell, err
	case step.Remove && len(on) > 0 || !step.Remove && len(on) < len(step.Prefixes):
		return apply.NotDone, nil
	}
	return d.answer(ctx)
}

// Undo implements apply.Doer: the list is as it was.
func (d Allow) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, _, err := d.step(s)
	if err != nil {
		return err
	}
	var note noted
	if known, err := w.Load(&note); err != nil || !known {
		return err
	}
	if step.Remove {
		return d.set(ctx, block.AllowedIn, note.Allowed, step.Note)
	}
	fresh := slices.DeleteFunc(slices.Clone(step.Prefixes), func(p netip.Prefix) bool { return slices.Contains(note.Allowed, p) })
	return d.set(ctx, block.Disallowed, fresh, "")
}
