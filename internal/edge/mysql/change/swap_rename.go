package change

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// gap is how far beyond the keys of the table that goes the one that comes counts
// on, so that rows written to the first at the last moment keep theirs. It is
// looked at again before each attempt to swap.
const (
	gap      = 100_000
	gapLeast = 50_000
)

// autoFits refuses a key that does not count by itself, or has no room to.
func (x *swap) autoFits(ctx context.Context) error {
	// not from TABLES: MySQL shows a number there for a table that does not count, too
	rows, err := x.h.Named(ctx, "SELECT EXTRA AS extra FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? AND COLUMN_NAME=?", x.step.Schema, x.step.Table, x.step.Key)
	if err != nil {
		return err
	}
	next, err := counter(ctx, x.h.Hand, x.step, x.step.Table)
	if err != nil {
		return err
	}
	limit, err := x.keyLimit()
	switch {
	case err != nil:
		return err
	case len(rows) != 1 || !strings.Contains(strings.ToLower(rows[0]["extra"]), "auto_increment"):
		return tableChanged("the key %s does not count by itself, so that rows written meanwhile could not keep theirs", x.step.Key)
	case next > limit-4*gap:
		return tableChanged("the key %s is near the highest number that its type holds", x.step.Key)
	}
	return nil
}

// counter is the next number of a table, its highest key taken into account. Source: information_schema.TABLES, its cache left aside.
func counter(ctx context.Context, h *mysql.Hand, s remedy.KeepAndSwap, table string) (int64, error) {
	if _, err := h.Exec(ctx, "SET SESSION autocommit=1 /*!80000 , information_schema_stats_expiry=0 */"); err != nil {
		return 0, err
	}
	rows, err := h.Named(ctx, "SELECT AUTO_INCREMENT AS next FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_NAME=?", s.Schema, table)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	ends, err := h.Named(ctx, "SELECT MAX("+remedy.Ident(s.Key)+") AS hi FROM "+s.Sibling(table))
	if err != nil {
		return 0, err
	}
	return max(signed(rows[0]["next"]), signed(ends[0]["hi"])+1), nil
}

// rename swaps the names, in one statement. Just before, what has come since the
// copy is copied; at once after it, what came in between: until then visitors
// miss those rows, which is a matter of milliseconds, and an UPDATE of one of
// them in these milliseconds finds nothing to update.
func (x *swap) rename(ctx context.Context) error {
	if err := x.fits(ctx); err != nil {
		return err
	}
	o := x.online(x.step.Rename(), tables{visible: true, old: true})
	o.before = func(ctx context.Context, h *mysql.Hand) error {
		if err := x.sameForm(ctx); err != nil {
			return err
		}
		if err := x.count(ctx, h, x.step.New); err != nil {
			return err
		}
		if x.step.Empty {
			return nil
		}
		return x.tail(ctx, x.copying())
	}
	o.after = func(ctx context.Context) { x.late(ctx, x.forwards()) }
	if err := o.run(ctx, x.w); err != nil {
		return err
	}
	if err := x.point("renamed"); err != nil {
		return err
	}
	return x.note(swapComparing, math.MinInt64)
}

// sameForm refuses where somebody has altered the table since the new one was
// made like it: the swap would take that back.
func (x *swap) sameForm(ctx context.Context) error {
	now, err := lookIndexes(ctx, x.h.Hand, x.step.On)
	if err != nil {
		return err
	}
	then, err := lookIndexes(ctx, x.h.Hand, remedy.On{Schema: x.step.Schema, Table: x.step.New})
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(now, then) {
		return hint.Wrap(fmt.Errorf("%w: somebody has altered the table meanwhile", apply.ErrRefused), "table-changed", "take it back with: hirune undo; then plan again")
	}
	return nil
}

// late copies the rows that came last. What it cannot do the comparison does.
func (x *swap) late(ctx context.Context, c comparison) {
	if n, err := x.h.Exec(ctx, x.missing(c, x.st.Late-lateMargin, math.MaxInt64)); err == nil {
		x.st.After += n
	}
}

// online is a statement that swaps names, and leaves the tables so.
func (x *swap) online(text string, after tables) online {
	return online{srv: x.srv, on: x.step.On, text: text, doing: DoingSwap, stall: x.step.Stall,
		there: func(ctx context.Context, eye *mysql.Hand) (bool, error) {
			now, err := lookTables(ctx, eye, x.step)
			return now == after, err
		}}
}

// count has the table that comes count on far enough beyond the visible one.
func (x *swap) count(ctx context.Context, h *mysql.Hand, comes string) error {
	next, err := counter(ctx, h, x.step, x.step.Table)
	if err != nil {
		return fmt.Errorf("look how far the keys are: %w", explained(err))
	}
	if x.st.Auto < next+gapLeast {
		x.st.Auto = next + gap
		if err := x.note(x.st.Phase, x.st.Next); err != nil {
			return err
		}
	}
	if _, err := h.Exec(ctx, fmt.Sprintf("ALTER TABLE %s AUTO_INCREMENT=%d", x.step.Sibling(comes), x.st.Auto)); err != nil {
		return fmt.Errorf("set where the keys go on: %w", refusedOnline(err))
	}
	return x.point("counted")
}

// gapHeld makes sure that no row of the table that went has a key that the one
// that came may have given to another.
func (x *swap) gapHeld(ctx context.Context, behind string) error {
	_, end, err := x.span(ctx, behind)
	if err != nil {
		return err
	}
	if end > x.st.Auto {
		return hint.Wrap(fmt.Errorf("%w: more than %d rows came while the names were swapped, and their keys may have been given twice", apply.ErrUnknownOutcome, gapLeast), "keys-overlap",
			"both tables are there: copy the rows over by hand, with new keys")
	}
	return nil
}
