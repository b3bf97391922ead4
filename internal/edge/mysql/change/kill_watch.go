package change

import (
	"context"
	"fmt"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

const (
	// endFirst is longer than the 0.1 s for which InnoDB shows the same picture of
	// its transactions.
	endFirst = 150 * time.Millisecond
	endMost  = time.Second
	// endStuck is how long a rollback may stand still before somebody has to look.
	endStuck = 10 * time.Minute
)

// watchEnd watches the work being taken back to its end. It touches nothing: a
// restart of the server would only begin the rollback anew.
func watchEnd(ctx context.Context, hand *mysql.Hand, step remedy.KillQuery, st killState, w *apply.Work) error {
	began := w.Now()
	first, last, moved := int64(-1), int64(-1), began
	for wait := endFirst; ; wait = min(2*wait, endMost) {
		v, err := lookAgain(ctx, hand, step.Session)
		switch {
		case err != nil:
			return fmt.Errorf("watch the end of session %d: %w", step.Session, err)
		case v.over(step, st):
			return nil
		}
		left, now := v.left(st), w.Now()
		if first < 0 {
			first = left
		}
		if left != last {
			last, moved = left, now
		}
		if now.Sub(moved) > max(endStuck, 2*step.Rollback) {
			return hint.Wrap(fmt.Errorf("watch the end of session %d: %w: %d rows are left to take back, and that has not moved for %s", step.Session, apply.ErrUnknownOutcome, left, now.Sub(moved).Round(time.Second)),
				"rollback-stuck", "do not restart the database: it would begin the rollback anew; look at its disk and CPU")
		}
		w.Tell(rollback(st, first, left, now.Sub(began)))
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("watch the end of session %d, which goes on by itself: %w", step.Session, err)
		}
	}
}

// lookAgain looks also where the connection was lost meanwhile.
func lookAgain(ctx context.Context, hand *mysql.Hand, session uint64) (victim, error) {
	if err := hand.Reopen(ctx); err != nil {
		return victim{}, err
	}
	return lookVictim(ctx, hand, session)
}

// left is how many rows are still to be taken back; 0 where it is not seen.
func (v victim) left(st killState) int64 {
	if v.trx.id == "" || v.trx.id != st.Trx {
		return 0
	}
	return v.trx.modified
}

func rollback(st killState, first, left int64, past time.Duration) apply.Progress {
	p := apply.Progress{Doing: DoingUndoing, Total: -1}
	total := max(st.Rows, first)
	if total <= 0 {
		return p
	}
	p.Done, p.Total = max(total-left, 0), total
	if s := past.Seconds(); s > 0 && first > left {
		p.PerSec = float64(first-left) / s
		p.Fact = fmt.Sprintf("%s left", (time.Duration(float64(left)/p.PerSec*1000) * time.Millisecond).Round(time.Second))
	}
	return p
}
