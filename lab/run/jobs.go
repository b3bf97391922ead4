package run

import (
	"context"
	"errors"
	"sync"
	"time"
)

// jobs are what runs beside the load; end cancels them, waits for all and joins what went wrong.
type jobs struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	errs   []error
}

func newJobs(ctx context.Context) *jobs {
	ctx, cancel := context.WithCancel(ctx)
	return &jobs{ctx: ctx, cancel: cancel}
}

func (j *jobs) run(do func(context.Context) error) {
	j.wg.Go(func() {
		if err := do(j.ctx); err != nil {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.errs = append(j.errs, err)
		}
	})
}

func (j *jobs) end() error {
	j.cancel()
	j.wg.Wait()
	return errors.Join(j.errs...)
}

// wait returns at a moment, or ctx's error if that comes first.
func wait(ctx context.Context, until time.Time) error { return Pause(ctx, time.Until(until)) }

// Pause returns after a while, or ctx's error if that comes first.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
