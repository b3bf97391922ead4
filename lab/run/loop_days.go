package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hirune/lab/stack"
)

// daysMost is how often the job is run again at most. As in reality, a run during which the machine was disturbed by others proves nothing, and the
// next one is waited for.
const daysMost = 3

// nextDays lets days pass until hirune knows whether it has helped.
func (l *loop) nextDays(ctx context.Context) error {
	for l.days < daysMost {
		again := ""
		if l.days > 0 {
			again = fmt.Sprintf(" %d", l.days+1)
		}
		l.Mark("next-run" + again)
		if err := l.nextRun(ctx); err != nil {
			return err
		}
		l.Mark("verify" + again)
		if err := l.verify(ctx); err != nil || l.out.Outcome != "untested" {
			return err
		}
		if err := l.Calm(ctx, 2*time.Minute); err != nil {
			return err
		}
	}
	l.wrong("verify says %q after %d days, want cured", l.out.Outcome, l.days)
	return nil
}

// nextRun lets a day pass: the CPU has its credit back, the rows of a day are due, and so is the job. It times what the job does.
func (l *loop) nextRun(ctx context.Context) error {
	due := l.day.after(l.days)
	if err := errors.Join(l.Lift(), l.Site.Age(ctx, due.first, due.last)); err != nil {
		return err
	}
	p, at, err := l.runJob(ctx)
	if err != nil {
		return err
	}
	l.days++
	r := &l.out.NextRun
	r.Days, r.Due, r.Examined, r.Affected = l.days, due.rows(), p.Examined, p.Affected
	r.StatementMs = float64(p.Took.Microseconds()) / 1000
	if p.Took >= time.Second {
		l.wrong("the next purge took %s, want less than a second", p.Took)
	}
	if p.Affected == 0 || p.Affected != due.rows() {
		l.wrong("the next purge deleted %d rows, %d of a day were due", p.Affected, due.rows())
	}
	return l.cronRequest(ctx, at)
}

// runJob has the job come due, and returns its purge and when it was due.
func (l *loop) runJob(ctx context.Context) (p stack.Ran, due time.Time, err error) {
	end, err := l.Site.Watch(ctx)
	if err != nil {
		return p, due, err
	}
	before := len(l.Site.Purges())
	if due, err = l.Site.NextRun(ctx, 3*time.Second); err == nil {
		err = poll(ctx, time.Minute, "the purge runs by itself", func() (bool, error) {
			all := l.Site.Purges()
			if len(all) > before {
				p = all[before]
			}
			return len(all) > before, nil
		})
	}
	return p, due, errors.Join(err, end())
}

func (l *loop) cronRequest(ctx context.Context, due time.Time) error {
	if l.bench.sc.Stack.Web == stack.Nginx {
		return nil // its log has no durations here
	}
	return poll(ctx, 30*time.Second, "the access log has wp-cron.php", func() (bool, error) {
		took, err := l.Site.RunsOfHook(due)
		if len(took) > 0 {
			l.out.NextRun.RequestMs = float64(slices.Max(took).Microseconds()) / 1000
		}
		return len(took) > 0, err
	})
}

// verify asks until hirune knows, or says that no more will be known of this run.
func (l *loop) verify(ctx context.Context) error {
	for end := time.Now().Add(2 * time.Minute); ; {
		cctx, cancel := context.WithTimeout(ctx, time.Minute)
		r, err := l.Program.Run(cctx, l.Program.With("verify", "--json")...)
		cancel()
		if err != nil {
			return err
		}
		var a outcomes
		if err := r.decode(&a); err != nil {
			l.wrong("%v", err)
			return nil
		}
		if l.out.Outcome = a.status(); l.out.Outcome != "untested" || a.says("verify-other-trouble") || time.Now().After(end) {
			if l.out.Outcome != "cured" && l.out.Outcome != "untested" {
				l.wrong("verify says %q, want cured", l.out.Outcome)
			}
			return r.Keep(l.bench.opt.Out, "verify.json")
		}
		if err := wait(ctx, time.Now().Add(3*time.Second)); err != nil {
			return err
		}
	}
}
