package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"hirune/lab/run"
)

// fault is one way to disturb an apply. do returns when the disturbance is over; what is left is then gone on with.
type fault struct {
	name string
	do   func(ctx context.Context, w *ward) error
}

var calm = fault{"none", func(_ context.Context, w *ward) error { w.out.Moment = "undisturbed"; return nil }}

var faults = []fault{
	{"again", again},
	{"kill-hirune", killHirune},
	{"interrupt", interrupt},
	{"kill-database", func(ctx context.Context, w *ward) error { return w.database(ctx, w.Site.KillDatabase) }},
	{"restart-database", func(ctx context.Context, w *ward) error { return w.database(ctx, w.Site.StopDatabase) }},
	{"full-disk", fullDisk},
	{"lost-connection", lostConnection},
	{"deadlock", deadlock},
	{"lock-timeout", lockTimeout},
	{"rows-inserted", rowsInserted},
	{"table-altered", tableAltered},
}

// again calls apply once more after all was done: it must find nothing to do.
func again(ctx context.Context, w *ward) error {
	if err := w.goOn(ctx); err != nil {
		return err
	}
	r, err := w.apply(ctx)
	w.out.Moment = fmt.Sprintf("exit %d", r.Exit)
	return err
}

// begun is an apply at work.
type begun struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	err  bytes.Buffer
	done chan struct{}
}

func (w *ward) begin() (*begun, error) {
	b := &begun{cmd: w.Program.Command(w.Program.With("apply", "--yes")...), done: make(chan struct{})}
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.err
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start hirune apply: %w", err)
	}
	w.out.Calls++
	go func() {
		_ = b.cmd.Wait() // its exit code is read by ended
		close(b.done)
	}()
	return b, nil
}

// ended waits for the end; one that does not end is killed, and that is wrong.
func (b *begun) ended(w *ward, bound time.Duration) {
	select {
	case <-b.done:
	case <-time.After(bound):
		w.wrong("apply did not end within %s: %.500s", bound, b.err.String())
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
		<-b.done
	}
	code := b.cmd.ProcessState.ExitCode()
	w.done = code == 0
	if code > 0 {
		w.tell(run.Reply{Args: []string{"apply"}, Out: b.out.Bytes(), Err: b.err.Bytes(), Exit: code})
	}
}

// kill ends it as a crash does.
func (b *begun) kill() {
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	<-b.done
}

// killHirune kills apply up to five times, each at a random moment, as it goes on.
func killHirune(ctx context.Context, w *ward) error {
	for range 1 + w.rng.IntN(5) {
		at := w.moment()
		w.out.Moment += fmt.Sprintf("%.2f ", at.Seconds())
		b, err := w.begin()
		if err != nil {
			return err
		}
		err = run.Pause(ctx, at)
		b.kill()
		if err := errors.Join(err, w.checkStay(ctx)); err != nil {
			return err
		}
	}
	w.out.Calls = 0 // the calls that were killed do not count
	return nil
}

// interrupt asks it to stop, as Ctrl-C and a shutdown do. It has to do so soon, and to say that it can go on.
func interrupt(ctx context.Context, w *ward) error {
	at := w.moment()
	signal := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[w.rng.IntN(2)]
	w.out.Moment = fmt.Sprintf("%s at %.2f", signal, at.Seconds())
	b, err := w.begin()
	if err != nil {
		return err
	}
	err = run.Pause(ctx, at)
	_ = b.cmd.Process.Signal(signal) // it may have ended by now
	b.ended(w, 15*time.Second)
	return errors.Join(err, w.checkStay(ctx))
}

// database takes the database away for some seconds.
func (w *ward) database(ctx context.Context, away func() error) error {
	at, gone := w.moment(), time.Duration(w.rng.IntN(4000))*time.Millisecond
	w.out.Moment = fmt.Sprintf("at %.2f, away for %.1f s", at.Seconds(), gone.Seconds())
	b, err := w.begin()
	if err != nil {
		return err
	}
	err = errors.Join(run.Pause(ctx, at), away(), run.Pause(ctx, gone), w.Site.StartDatabase(ctx))
	b.ended(w, 3*time.Minute)
	return errors.Join(err, w.checkStay(ctx))
}

// rowsInserted has visitors write rows meanwhile. Once rows go, the plan's bounds are fixed: from then on even rows of a time long past must stay.
func rowsInserted(ctx context.Context, w *ward) error {
	b, err := w.begin()
	if err != nil {
		return err
	}
	n, front := 0, int64(1)
	for running := true; running && err == nil; n++ {
		created := "UNIX_TIMESTAMP()"
		if front > 1 && n%4 == 0 {
			created = "UNIX_TIMESTAMP() - 200*86400"
		} else if front == 1 {
			if front, err = w.front(ctx); err != nil {
				break
			}
		}
		_, err = w.Site.SQL(ctx, fmt.Sprintf("INSERT INTO %s (username,ip,level,event_type,details,stacktrace,created) VALUES ('meanwhile','127.0.0.9','warning','failed_login','{}',REPEAT('x',2600),%s)", w.table(), created))
		select {
		case <-b.done:
			running = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	b.ended(w, 3*time.Minute)
	w.out.Moment = fmt.Sprintf("%d rows", n)
	left, err2 := w.Site.Number(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE username='meanwhile'", w.table()))
	if err2 == nil && left != int64(n) {
		w.wrong("%d rows were written meanwhile, %d are there", n, left)
	}
	return errors.Join(err, err2, w.checkStay(ctx))
}

// tableAltered has somebody add a column meanwhile. An apply that stops over it must not begin again until the table is as it was.
func tableAltered(ctx context.Context, w *ward) error {
	at := w.moment()
	w.out.Moment = fmt.Sprintf("a column at %.2f", at.Seconds())
	b, err := w.begin()
	if err != nil {
		return err
	}
	alter := func(what string) error {
		_, err := w.Site.SQL(ctx, "ALTER TABLE "+w.table()+" WAIT 20 "+what)
		return err
	}
	err = errors.Join(run.Pause(ctx, at), alter("ADD COLUMN note INT NULL"))
	b.ended(w, 3*time.Minute)
	return errors.Join(err, alter("DROP COLUMN note"), w.checkStay(ctx))
}
