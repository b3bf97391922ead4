package change

import (
	"context"
	"fmt"
	"math"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// Undo implements apply.Doer. Before the swap it drops the new table. After it,
// the old table is given what was written since, the names are swapped back, and
// both are compared as after a swap. What was deleted since the swap comes back
// with the old table. ErrIrreversible once that is dropped.
func (d Swap) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	x, err := d.begin(ctx, s, w)
	if err != nil {
		return err
	}
	defer x.close()
	if err := x.back(ctx); err != nil {
		return fmt.Errorf("swap table %s back: %w", x.step.Name(), err)
	}
	return nil
}

func (x *swap) back(ctx context.Context) error {
	if x.st.Phase == "" || x.st.Phase == backDone {
		return nil
	}
	if err := x.alone(ctx); err != nil {
		return err
	}
	for x.st.Phase != backDone {
		there, err := x.tables(ctx)
		if err != nil {
			return err
		}
		if err := x.turnBack(ctx, there); err != nil {
			return err
		}
	}
	return nil
}

func (x *swap) turnBack(ctx context.Context, there tables) error {
	swapped, unswapped := there == (tables{visible: true, old: true}), there == (tables{visible: true, new: true})
	torn := there == (tables{old: true, new: true}) // see turn
	switch x.st.Phase {
	case swapMaking, swapCopying:
		if there.visible && !there.old {
			return x.tidy(ctx)
		}
	case swapRenaming:
		switch {
		case there.visible && !there.old:
			return x.tidy(ctx)
		case swapped:
			return x.note(swapComparing, math.MinInt64)
		case torn:
			return x.exec(ctx, fmt.Sprintf("RENAME TABLE %s TO %s", x.step.Sibling(x.step.Old), x.step.Name()))
		}
	case swapComparing, swapDone, backSyncing:
		if there == (tables{visible: true}) {
			return fmt.Errorf("the table %s is gone: %w", x.step.Old, apply.ErrIrreversible)
		}
		if swapped {
			return x.backFrom(ctx)
		}
	case backRenaming:
		switch {
		case swapped:
			return x.renameBack(ctx)
		case unswapped:
			return x.note(backComparing, math.MinInt64)
		case torn:
			return x.exec(ctx, fmt.Sprintf("RENAME TABLE %s TO %s", x.step.Sibling(x.step.Old), x.step.Name()))
		}
	case backComparing:
		switch {
		case unswapped:
			return x.backSettle(ctx)
		case there == (tables{visible: true}):
			return x.tidy(ctx)
		}
	}
	return x.unexpected(there)
}

// backFrom goes on with a table that is swapped.
func (x *swap) backFrom(ctx context.Context) error {
	switch x.st.Phase {
	case swapComparing:
		return x.settleForward(ctx)
	case swapDone:
		return x.startSync(ctx)
	}
	return x.sync(ctx)
}

// tidy drops what nobody needs any more.
func (x *swap) tidy(ctx context.Context) error {
	if err := x.exec(ctx, "DROP TABLE IF EXISTS "+x.step.Sibling(x.step.New)+", "+x.marks()); err != nil {
		return err
	}
	if err := x.point("tidied"); err != nil {
		return err
	}
	return x.note(backDone, 0)
}

func (x *swap) renameBack(ctx context.Context) error {
	if err := x.fits(ctx); err != nil {
		return err
	}
	text := fmt.Sprintf("RENAME TABLE %s TO %s, %s TO %s", x.step.Name(), x.step.Sibling(x.step.New), x.step.Sibling(x.step.Old), x.step.Name())
	o := x.online(text, tables{visible: true, new: true})
	o.before = func(ctx context.Context, h *mysql.Hand) error {
		if err := x.count(ctx, h, x.step.Old); err != nil {
			return err
		}
		return x.tail(ctx, x.syncing())
	}
	o.after = func(ctx context.Context) { x.late(ctx, x.backwards()) }
	if err := o.run(ctx, x.w); err != nil {
		return err
	}
	if err := x.point("renamed back"); err != nil {
		return err
	}
	return x.note(backComparing, math.MinInt64)
}

func (x *swap) startSync(ctx context.Context) error {
	if err := x.fits(ctx); err != nil {
		return err
	}
	first, err := x.startAt(ctx)
	if err != nil {
		return err
	}
	x.st.After = 0
	return x.note(backSyncing, first)
}

// syncing gives the old table, which nobody sees, the rows that came and the
// changes that were made since the swap, and marks each row of it that the
// visible table has too.
func (x *swap) syncing() transfer {
	return transfer{backSyncing, &x.st.After, x.wipeMarks, x.syncRange}
}

func (x *swap) sync(ctx context.Context) error {
	if err := x.eachRange(ctx, x.syncing()); err != nil {
		return err
	}
	x.st.Late = x.st.Next
	return x.note(backRenaming, x.st.Next)
}

func (x *swap) wipeMarks() []string {
	return []string{fmt.Sprintf("DELETE FROM %s WHERE k >= %d", x.marks(), x.st.Next)}
}

func (x *swap) syncRange(from, to int64) []string {
	k, old, now := remedy.Ident(x.step.Key), x.step.Sibling(x.step.Old), x.step.Name()
	in := fmt.Sprintf("n.%s >= %d AND n.%s < %d", k, from, k, to)
	return []string{
		fmt.Sprintf("UPDATE IGNORE %s AS o JOIN %s AS n ON n.%s = o.%s SET %s WHERE %s AND %s <> %s", old, now, k, k, x.sets("o", "n"), in, x.sum("o"), x.sum("n")),
		fmt.Sprintf("INSERT IGNORE INTO %s (%s) SELECT %s FROM %s AS n WHERE %s AND NOT EXISTS (SELECT 1 FROM %s AS o WHERE o.%s = n.%s)", old, x.columns(""), x.columns("n."), now, in, old, k, k),
		fmt.Sprintf("INSERT INTO %s (k, h) SELECT o.%s, %s FROM %s AS o JOIN %s AS n ON n.%s = o.%s WHERE %s", x.marks(), k, x.sum("o"), old, now, k, k, in),
	}
}

// backSettle gives the table that is visible again what was written to the other
// one at the last moment, and drops that.
func (x *swap) backSettle(ctx context.Context) error {
	if err := x.compare(ctx, backComparing, x.backwards()); err != nil {
		return err
	}
	return x.tidy(ctx)
}

func (x *swap) backwards() comparison {
	return comparison{behind: x.step.Sibling(x.step.New), live: x.step.Name()}
}
