package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/lab/run"
)

// besides disturbs an apply again and again until it ends.
func (w *ward) besides(ctx context.Context, disturb func(context.Context) error) error {
	b, err := w.begin()
	if err != nil {
		return err
	}
	var errs []error
	for running := true; running; {
		if err := disturb(ctx); err != nil {
			errs = append(errs, err)
			break
		}
		select {
		case <-b.done:
			running = false
		case <-ctx.Done():
			running = false
		case <-time.After(50 * time.Millisecond):
		}
	}
	b.ended(w, 4*time.Minute)
	return errors.Join(append(errs, ctx.Err(), w.checkStay(ctx))...)
}

// front is the lowest key that is still there: apply works its way up from it. 0 without rows.
func (w *ward) front(ctx context.Context) (int64, error) {
	return w.Site.Number(ctx, "SELECT IFNULL(MIN(id),0) FROM "+w.table())
}

// lostConnection has the server drop everybody, at work or idle, again and again.
func lostConnection(ctx context.Context, w *ward) error {
	dropped := 0
	err := w.besides(ctx, func(ctx context.Context) error {
		if dropped >= 12 {
			return nil
		}
		if err := run.Pause(ctx, time.Duration(w.rng.Int64N(int64(1500*time.Millisecond)))); err != nil {
			return err
		}
		ids, err := w.Site.SQL(ctx, "SELECT GROUP_CONCAT(CONCAT('KILL CONNECTION ', ID) SEPARATOR '; ') FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND COMMAND IN ('Query','Sleep')")
		if err != nil || ids == "NULL" || ids == "" {
			return err
		}
		if _, err := w.Site.SQL(ctx, ids); err == nil { // one that has ended by itself since is no error of ours
			dropped++
		}
		return nil
	})
	w.out.Moment = fmt.Sprintf("%d connections", dropped)
	return err
}

// hold runs statements in a transaction of another session and keeps it for a while.
func (w *ward) hold(ctx context.Context, statements string, d time.Duration) error {
	s, err := w.Site.OpenSession(ctx, statements)
	if err != nil {
		return err
	}
	err = run.Pause(ctx, d)
	_ = s.Close() // a deadlock that it loses is its own error
	return err
}

// lockTimeout has somebody hold rows in the way for longer than anybody should wait.
func lockTimeout(ctx context.Context, w *ward) error {
	held := 0
	err := w.besides(ctx, func(ctx context.Context) error {
		if held >= 3 {
			return nil
		}
		key, err := w.front(ctx)
		if err != nil || key == 0 {
			return err
		}
		held++
		return w.hold(ctx, fmt.Sprintf("BEGIN; SELECT id FROM %s WHERE id >= %d LIMIT 3 FOR UPDATE", w.table(), key+500), 7*time.Second)
	})
	w.out.Moment = fmt.Sprintf("%d times for 7 s", held)
	return err
}

// deadlock has somebody with much to lose lock rows ahead of apply, and then those behind them.
func deadlock(ctx context.Context, w *ward) error {
	count := func() (int64, error) {
		return w.Site.Number(ctx, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='Innodb_deadlocks'")
	}
	before, err := count()
	if err != nil {
		return err
	}
	tries := 0
	err = w.besides(ctx, func(ctx context.Context) error {
		if tries >= 15 {
			return nil
		}
		key, err := w.front(ctx)
		if err != nil || key == 0 {
			return err
		}
		tries++
		// The rows at the end are changed and rolled back: they make the session the one that the server spares.
		return w.hold(ctx, fmt.Sprintf("BEGIN; UPDATE %[1]s SET level='x' WHERE id > %[2]d; SELECT id FROM %[1]s WHERE id = %[3]d FOR UPDATE; SELECT SLEEP(1); SELECT id FROM %[1]s WHERE id BETWEEN %[4]d AND %[3]d FOR UPDATE",
			w.table(), w.opt.Rows-3000, key+3000, key+2700), 1500*time.Millisecond)
	})
	after, err2 := count()
	w.out.Moment = fmt.Sprintf("%d deadlocks in %d tries", after-before, tries)
	return errors.Join(err, err2)
}
