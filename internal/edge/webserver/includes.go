package webserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// Includes does, checks and undoes remedy.WriteInclude. Its zero value is ready.
type Includes struct {
	Proc   string        // where processes are seen; empty: /proc
	Settle time.Duration // how long a new answer may take after a reload; 0: 10 s
	// pass is asked between two pieces of work; an error of it ends the work at
	// once, as the end of the process would. For tests.
	pass func(after string) error
}

var _ apply.Doer = Includes{}

// job is one step at work.
type job struct {
	Includes
	step   remedy.WriteInclude
	work   *apply.Work
	parent process
	note   note
	// loaded is an error until the running server has taken its configuration anew;
	// nil: the answers to the probes tell.
	loaded func() error
}

var errCut = errors.New("cut off")

func (in Includes) job(s remedy.Step, w *apply.Work) (*job, error) {
	step, ok := s.(remedy.WriteInclude)
	if !ok {
		return nil, fmt.Errorf("%w: a step of kind %s is not for the web server", apply.ErrRefused, s.Kind())
	}
	j := &job{Includes: in, step: step, work: w}
	if os.Geteuid() != 0 {
		return nil, hint.Wrap(fmt.Errorf("%w: the web server's configuration belongs to root", apply.ErrRefused), "not-root", "run it with sudo")
	}
	var err error
	if j.parent, err = find(in.Proc, step.Server, step.PID, step.Test); err != nil {
		return nil, hint.Wrap(fmt.Errorf("%w: %w", apply.ErrRefused, err), "web-unseen", "start it, or plan again")
	}
	if w != nil {
		if _, err := w.Load(&j.note); err != nil {
			return nil, fmt.Errorf("read what was noted of the step: %w", err)
		}
	}
	return j, nil
}

// Done implements apply.Doer: the file and its lines are there, and the running
// server answers by them.
func (in Includes) Done(ctx context.Context, s remedy.Step, _ json.RawMessage) (apply.Answer, error) {
	step, ok := s.(remedy.WriteInclude)
	if !ok {
		return "", fmt.Errorf("%w: a step of kind %s is not for the web server", apply.ErrRefused, s.Kind())
	}
	now, err := see(step)
	switch {
	case err != nil:
		return "", fmt.Errorf("look at the web server's files: %w", err)
	case now.none():
		return apply.NotDone, nil
	case !now.all() || len(step.Probes) == 0:
		return apply.Partly, nil
	case wrong(step.Probes[0], request(ctx, step.Probes[0]), was{}) != "":
		return apply.Partly, nil
	}
	return apply.IsDone, nil
}

// Do implements apply.Doer. Nothing is loaded that has not passed the server's
// own test; what does not bring the answers that the step wants is put back.
func (in Includes) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	j, err := in.job(s, w)
	if err != nil {
		return err
	}
	now, err := see(j.step)
	if err != nil {
		return fmt.Errorf("look at the web server's files: %w", err)
	}
	if now.file == fileForeign {
		return j.foreign()
	}
	if now.none() {
		if err := j.prepare(ctx, now); err != nil {
			return err
		}
	}
	return j.carryOut(ctx, now)
}

// foreign stops before a file that somebody has changed by hand.
func (j *job) foreign() error {
	return hint.Wrap(fmt.Errorf("%w: %s was changed by hand, or is not of hirune", apply.ErrRefused, shown(j.step.Path)),
		"changed-by-hand", "look at it; remove it if it is not needed, test and reload the web server, then try again")
}

// prepare makes sure that what will be judged afterwards is sound now, and
// notes what there is.
func (j *job) prepare(ctx context.Context, now pieces) error {
	j.tell("testing")
	if err := test(ctx, j.step, j.parent); err != nil {
		if ctx.Err() != nil {
			return errors.Join(apply.ErrStopped, ctx.Err())
		}
		return hint.Wrap(fmt.Errorf("%w: before any change: %w", apply.ErrRefused, err), "config-broken", "put the web server's configuration right first; a restart would fail, too")
	}
	var err error
	if j.note.Sums, err = sums(j.step); err != nil {
		return fmt.Errorf("look at the web server's files: %w", err)
	}
	j.note.Old = now.old
	j.note.Was = nil
	for _, p := range j.step.Probes {
		a := answer{}
		if p.Status == 0 || len(j.note.Was) == 0 {
			a = request(ctx, p)
		}
		if a.refused() {
			return fmt.Errorf("%w: the site does not answer at %s, so that nothing could be proven: %s", apply.ErrRefused, shown(p.URL), a.words())
		}
		j.note.Was = append(j.note.Was, was{a.status})
	}
	if ctx.Err() != nil {
		return errors.Join(apply.ErrStopped, ctx.Err())
	}
	if err := j.work.Note(j.note); err != nil {
		return err
	}
	return j.between("noted")
}

// carryOut writes, tests, reloads and asks; on any failure it puts back.
func (j *job) carryOut(ctx context.Context, now pieces) error {
	loaded := false
	err := func() error {
		if err := put(j.step, now); err != nil {
			return err
		}
		if err := j.between("written"); err != nil {
			return err
		}
		j.tell("testing")
		if err := test(ctx, j.step, j.parent); err != nil {
			return err
		}
		loaded = true
		j.tell("loading")
		if err := reload(ctx, j.step, j.parent); err != nil {
			return err
		}
		if err := j.between("reloaded"); err != nil {
			return err
		}
		return j.prove(ctx)
	}()
	if err == nil || errors.Is(err, errCut) {
		return err
	}
	if ctx.Err() != nil {
		err = errors.Join(apply.ErrStopped, err)
	}
	return j.putBack(ctx, loaded, err)
}

// putBack restores what was there and says why. It also works after the caller
// has given up: half a change must not wait for the next reload.
func (j *job) putBack(ctx context.Context, loaded bool, why error) error {
	ctx = context.WithoutCancel(ctx)
	if err := takeOut(j.step, j.note); err != nil {
		return j.notRestored(why, err)
	}
	if err := j.asBefore(); err != nil {
		return j.notRestored(why, err)
	}
	if !loaded {
		return fmt.Errorf("the change was put back, nothing was reloaded: %w", why)
	}
	if err := test(ctx, j.step, j.parent); err != nil {
		return j.notRestored(why, err)
	}
	if err := reload(ctx, j.step, j.parent); err != nil {
		return j.notRestored(why, err)
	}
	if err := j.proveOpen(ctx); err != nil {
		return j.notRestored(why, err)
	}
	return fmt.Errorf("the change was put back: %w", why)
}

func (j *job) notRestored(why, err error) error {
	return hint.Wrap(fmt.Errorf("%w: %w; then, while putting it back: %w", apply.ErrUnknownOutcome, why, err), "not-restored",
		"remove "+shown(j.step.Path)+" and the lines that name it, test and reload the web server by hand")
}

// asBefore compares files of others with what they were.
func (j *job) asBefore() error {
	now, err := sums(j.step)
	if err != nil {
		return err
	}
	for f, s := range j.note.Sums {
		if now[f] != s {
			return fmt.Errorf("%s was changed by somebody else meanwhile", shown(f))
		}
	}
	return nil
}

func (j *job) between(after string) error {
	if j.pass == nil {
		return nil
	}
	if err := j.pass(after); err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return nil
}

func (j *job) tell(doing string) {
	if j.work != nil {
		j.work.Tell(apply.Progress{Doing: doing, Total: -1})
	}
}
