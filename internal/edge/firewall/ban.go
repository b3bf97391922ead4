package firewall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// Ban carries out and takes back remedy.BanPrefixes in one layer.
type Ban struct {
	Hands
	// Confirm asks the owner whether he still gets in, until the bans on trial end
	// by themselves. nil: nobody can be asked, and a step that needs it is refused.
	Confirm func(ctx context.Context, ends time.Time) bool
}

var _ apply.Doer = Ban{}

// Do implements apply.Doer. Bans that are to be confirmed are first put in for so
// long only: whatever happens to us, the layer itself lets everybody in again.
func (d Ban) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, err := d.step(s)
	if err != nil {
		return err
	}
	if step.Confirm > 0 && d.Confirm == nil {
		return hint.Wrap(fmt.Errorf("%w: so broad a ban has to be confirmed, and nobody can be asked", apply.ErrRefused), "confirm", "run it on a terminal, or accept it by name: --accept broad")
	}
	if _, err := d.gap(ctx); err != nil {
		return err // before anything is written: it may not be asked
	}
	b, err := d.book()
	if err != nil {
		return err
	}
	if err := d.nobodyProtected(ctx, b, step); err != nil {
		return err
	}
	var note noted
	if known, err := w.Load(&note); err != nil {
		return fmt.Errorf("read what was noted of the bans: %w", err)
	} else if !known {
		note = noted{Was: d.was(b, step), Answers: answers(ctx, step.Probes)}
		if err := w.Note(note); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.Join(apply.ErrStopped, ctx.Err())
	}
	if step.Confirm > 0 {
		return d.onTrial(ctx, step, note)
	}
	if err := d.write(step, 0); err != nil {
		return err
	}
	if err := d.proven(ctx, step, note); err != nil {
		return errors.Join(err, d.takeBack(step, note))
	}
	return nil
}

func (d Ban) step(s remedy.Step) (remedy.BanPrefixes, error) {
	step, ok := s.(remedy.BanPrefixes)
	if !ok || step.Layer != d.Layer.Name() {
		return step, fmt.Errorf("ban by a step of kind %s at the layer %q: %w", s.Kind(), step.Layer, apply.ErrRefused)
	}
	if slices.Contains(step.Ports, sshPort) {
		return step, fmt.Errorf("ban from port %d: %w: log-in shells stay open", sshPort, apply.ErrRefused)
	}
	return step, nil
}

// nobodyProtected refuses a plan that holds somebody who is protected by now.
func (d Ban) nobodyProtected(ctx context.Context, b block.Book, step remedy.BanPrefixes) error {
	all, err := d.protected(ctx, b)
	if err != nil {
		return err
	}
	for _, ban := range step.Bans {
		for _, p := range all {
			if p.Range().Overlaps(ban.Prefix) {
				return hint.Wrap(fmt.Errorf("%w: %s is protected by now (%s)", apply.ErrRefused, p.Prefix, p.Why), "protected-now", "plan again, around it: hirune block")
			}
		}
	}
	return nil
}

// was are the bans in force that the step replaces.
func (d Ban) was(b block.Book, step remedy.BanPrefixes) []block.Ban {
	var out []block.Ban
	for _, old := range b.Bans {
		if !old.Trial && slices.ContainsFunc(step.Bans, func(n block.Ban) bool { return n.Prefix == old.Prefix && n.Layer == old.Layer }) {
			out = append(out, old)
		}
	}
	return out
}

// write puts the step's bans into the book: from now on for as long as they were
// planned for, or on trial for so long.
func (d Ban) write(step remedy.BanPrefixes, trial time.Duration) error {
	now := d.Now()
	var out []block.Entry
	for _, b := range step.Bans {
		if !b.Until.IsZero() {
			b.Until = now.Add(b.Until.Sub(b.Since))
		}
		b.Since = now
		if end := now.Add(trial); trial > 0 {
			b.Trial = true
			if b.Until.IsZero() || end.Before(b.Until) {
				b.Until = end
			}
		}
		out = append(out, block.Entry{At: now, Event: block.Banned, Ban: &b})
	}
	return d.Book.Append(now, out...)
}

// onTrial bans for the time that the owner has to confirm, and for good only
// after he has.
func (d Ban) onTrial(ctx context.Context, step remedy.BanPrefixes, note noted) error {
	if err := d.write(step, step.Confirm); err != nil {
		return err
	}
	if err := d.proven(ctx, step, note); err != nil {
		return errors.Join(err, d.takeBack(step, note))
	}
	if !d.Confirm(ctx, d.Now().Add(step.Confirm)) {
		return errors.Join(hint.Wrap(fmt.Errorf("%w: it was not confirmed within %v, so the bans are taken back", apply.ErrRefused, step.Confirm), "not-confirmed", "nobody is banned by this run; to try again: hirune block"),
			d.takeBack(step, note))
	}
	if err := errors.Join(d.write(step, 0), d.endTrial(step)); err != nil {
		return errors.Join(err, d.takeBack(step, note))
	}
	return d.settle(ctx)
}

// endTrial takes what was on trial out of the book: what was confirmed is there
// beside it.
func (d Ban) endTrial(step remedy.BanPrefixes) error {
	now := d.Now()
	var out []block.Entry
	for _, b := range step.Bans {
		out = append(out, block.Entry{At: now, Event: block.Lifted, Prefix: b.Prefix, Layer: b.Layer, Trial: true, Run: b.Run, By: block.ByOwner})
	}
	return d.Book.Append(now, out...)
}

// proven makes the layer hold the bans and sees that it does, and that the site
// still answers from here.
func (d Ban) proven(ctx context.Context, step remedy.BanPrefixes, note noted) error {
	if err := d.settle(ctx); err != nil {
		return err
	}
	for i, got := range answers(ctx, step.Probes) {
		if p := step.Probes[i]; i < len(note.Answers) && worse(p, note.Answers[i], got) {
			return fmt.Errorf("%s %s answered %d before the ban and %d after it", p.Method, p.URL, note.Answers[i], got)
		}
	}
	return nil
}

// backFor bounds taking bans back after the caller has given up.
const backFor = 10 * time.Second

// takeBack lifts the step's bans again, also after Ctrl-C.
func (d Ban) takeBack(step remedy.BanPrefixes, note noted) error {
	ctx, cancel := context.WithTimeout(context.Background(), backFor)
	defer cancel()
	return d.lift(ctx, step, note)
}

func (d Ban) lift(ctx context.Context, step remedy.BanPrefixes, note noted) error {
	b, err := d.book()
	if err != nil {
		return err
	}
	now := d.Now()
	var out []block.Entry
	replaced := map[string]bool{}
	for _, old := range b.Bans {
		if d.ours(step, old) {
			out = append(out, block.Entry{At: now, Event: block.Lifted, Prefix: old.Prefix, Layer: old.Layer, Trial: old.Trial, Run: old.Run, By: block.ByOwner})
			replaced[old.Prefix.String()] = replaced[old.Prefix.String()] || !old.Trial
		}
	}
	for _, e := range again(note.Was, now) {
		if replaced[e.Ban.Prefix.String()] {
			out = append(out, e)
		}
	}
	if err := d.Book.Append(now, out...); err != nil {
		return err
	}
	return d.settle(ctx)
}

// ours reports whether a ban in force is one of the step's.
func (d Ban) ours(step remedy.BanPrefixes, old block.Ban) bool {
	return slices.ContainsFunc(step.Bans, func(n block.Ban) bool {
		return n.Prefix == old.Prefix && n.Layer == old.Layer && n.Run == old.Run
	})
}

// Done implements apply.Doer: it asks the book and the layer.
func (d Ban) Done(ctx context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	step, err := d.step(s)
	if err != nil {
		return apply.CannotTell, err
	}
	b, err := d.book()
	if err != nil {
		return apply.CannotTell, err
	}
	n := 0
	for _, old := range b.Bans {
		if !old.Trial && d.ours(step, old) {
			n++
		}
	}
	if n < len(step.Bans) {
		return apply.NotDone, nil // Do goes on wherever it was
	}
	return d.answer(ctx)
}

// Undo implements apply.Doer: it lifts what this run has banned and brings back
// what it had replaced.
func (d Ban) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	step, err := d.step(s)
	if err != nil {
		return err
	}
	var note noted
	if _, err := w.Load(&note); err != nil {
		return fmt.Errorf("read what was noted of the bans: %w", err)
	}
	return d.lift(ctx, step, note)
}
