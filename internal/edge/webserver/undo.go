package webserver

import (
	"context"
	"errors"
	"fmt"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// Undo implements apply.Doer: it takes our file and our lines away, tests,
// reloads, and asks until the site answers as before.
func (in Includes) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	j, err := in.job(s, w)
	if err != nil {
		return err
	}
	now, err := see(j.step)
	switch {
	case err != nil:
		return fmt.Errorf("look at the web server's files: %w", err)
	case now.file == fileForeign:
		return j.foreign()
	case now.file == fileOld && now.old != j.note.Old:
		return hint.Wrap(fmt.Errorf("%w: %s is of a later plan", apply.ErrRefused, shown(j.step.Path)), "later-plan", "undo the later plan first: hirune history")
	}
	if err := j.pages(ctx); err != nil {
		return err
	}
	if !now.none() {
		if err := j.undo(ctx, now); err != nil {
			return err
		}
	}
	j.tell("loading")
	if err := reload(ctx, j.step, j.parent); err != nil {
		return err
	}
	if err := j.proveOpen(ctx); err != nil {
		return fmt.Errorf("%w: the rule is taken out and the web server was reloaded, but: %w", apply.ErrUnknownOutcome, err)
	}
	return nil
}

// pages notes how pages answer now, so that they can be compared afterwards:
// what was noted before the change may be days old.
func (j *job) pages(ctx context.Context) error {
	for i, p := range j.step.Probes {
		if p.Status == 0 && i < len(j.note.Was) {
			j.note.Was[i] = was{request(ctx, p).status}
		}
	}
	if ctx.Err() != nil {
		return errors.Join(apply.ErrStopped, ctx.Err())
	}
	return nil
}

// undo takes the pieces out of a configuration that passes its test before and
// after; else it leaves them.
func (j *job) undo(ctx context.Context, now pieces) error {
	j.tell("testing")
	if err := test(ctx, j.step, j.parent); err != nil {
		return hint.Wrap(fmt.Errorf("%w: before any change: %w", apply.ErrRefused, err), "config-broken", "put the web server's configuration right first")
	}
	if err := takeOut(j.step, j.note); err != nil {
		return err
	}
	if err := j.between("taken-out"); err != nil {
		return err
	}
	err := test(ctx, j.step, j.parent)
	if err == nil {
		return nil
	}
	if now.all() {
		again, seen := see(j.step)
		if err := errors.Join(seen, put(j.step, again)); err != nil {
			return errors.Join(apply.ErrUnknownOutcome, err)
		}
		return fmt.Errorf("the rule was put back: without it, %w", err)
	}
	return err
}
