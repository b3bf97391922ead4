package change

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// Swap copies the rows that stay to a new table and swaps the names: the Doer of
// remedy.KeepAndSwap.
//
// No row that is written meanwhile is lost. While the survivors are copied, a
// checksum of each copied row is kept in a table beside it (the marks). The swap
// itself needs the table alone, so that after it the old table stands still for
// good, and the new one is what visitors write to. Then both are compared, key
// range by key range:
//
//   - a survivor without a mark was never copied: it came, or was committed, too
//     late. It is copied now. AUTO_INCREMENT of the new table was set far beyond
//     the old one's, so that its key is still free.
//   - an old row that is not what its mark says was changed between the copy and
//     the swap. The new row is mended, if it is still as it was copied; where it is
//     not, somebody has changed it since the swap, and that is newer.
//   - a mark without an old row: somebody deleted it between the copy and the swap.
//     The copy goes, too, under the same condition.
//
// The marks are a table, not a snapshot of the server's, because they survive a
// crash: a comparison that goes on the next day decides as well. The first of the
// three means to read the whole table once more, which is left out where it is
// known that no row came (see calm).
type Swap struct {
	Server
	// stop is called at each point at which a crash would matter; it is for tests,
	// and nil otherwise.
	stop func(point string) error
}

var _ apply.Doer = Swap{}

// Phases of a swap, in their order; those of undoing follow.
const (
	swapMaking    = "making"    // the new table and the marks are being made
	swapCopying   = "copying"   // keys below Next are copied
	swapRenaming  = "renaming"  // the names may be swapped at any moment from now on
	swapComparing = "comparing" // they are; keys below Next are compared
	swapDone      = "done"
	backSyncing   = "undo-syncing"   // the old table is given what was written since
	backRenaming  = "undo-renaming"  // the names may be swapped back at any moment
	backComparing = "undo-comparing" // they are
	backDone      = "undone"
)

// swapState is how far a swap, or undoing it, is.
type swapState struct {
	Phase string `json:"phase"`
	Next  int64  `json:"next"`           // see the phases
	Late  int64  `json:"late"`           // keys from here on were not copied before the swap
	Auto  int64  `json:"auto"`           // the table that becomes visible counts from here on
	Rows  int64  `json:"rows"`           // copied before the swap
	After int64  `json:"after"`          // copied or mended after it
	Last  int64  `json:"last,omitempty"` // highest key when the copy began
}

// Do implements apply.Doer. It returns ErrRefused for a table with triggers or
// foreign keys, which a swap would leave behind.
func (d Swap) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	x, err := d.begin(ctx, s, w)
	if err != nil {
		return err
	}
	defer x.close()
	if err := x.forward(ctx); err != nil {
		return fmt.Errorf("swap table %s: %w", x.step.Name(), err)
	}
	return nil
}

// swap is one run.
type swap struct {
	srv  Server
	step remedy.KeepAndSwap
	h    *chunkHand
	w    *apply.Work
	st   swapState
	t    chunkTable               // the visible table as it is now
	calm *calm                    // nil: not known
	cut  int64                    // a piece is divided by so much, after one that took too long
	stop func(point string) error // see Swap
}

func (d Swap) begin(ctx context.Context, s remedy.Step, w *apply.Work) (*swap, error) {
	step, ok := s.(remedy.KeepAndSwap)
	if !ok {
		return nil, fmt.Errorf("%w: not a step of kind %s", apply.ErrRefused, remedy.KeepAndSwap{}.Kind())
	}
	x := &swap{srv: d.Server, step: step, w: w, cut: 1, stop: d.stop}
	if _, err := w.Load(&x.st); err != nil {
		return nil, fmt.Errorf("read what was noted of the swap of %s: %w", step.Name(), err)
	}
	var err error
	x.h, err = d.openChunkHand(ctx, step.Isolation)
	return x, err
}

func (x *swap) close() { _ = x.h.Close() } // each piece is committed by itself

// forward goes on from where it is: by what was noted, and by which tables there
// are, because a crash may lie between the two. Each turn ends in a later phase.
func (x *swap) forward(ctx context.Context) error {
	if err := x.alone(ctx); err != nil {
		return err
	}
	for x.st.Phase != swapDone {
		there, err := x.tables(ctx)
		if err != nil {
			return err
		}
		if err := x.turn(ctx, there); err != nil {
			return err
		}
	}
	return nil
}

func (x *swap) turn(ctx context.Context, there tables) error {
	switch x.st.Phase {
	case "", backDone:
		if there == (tables{visible: true}) {
			return x.begun(ctx)
		}
	case swapMaking:
		if there.visible && !there.old {
			return x.make(ctx, there.new)
		}
	case swapCopying:
		if there == (tables{visible: true, new: true}) {
			return x.copy(ctx)
		}
	case swapRenaming:
		switch there {
		case tables{visible: true, new: true}:
			return x.rename(ctx)
		case tables{visible: true, old: true}:
			return x.note(swapComparing, math.MinInt64)
		case tables{new: true, old: true}:
			// a server older than MariaDB 10.6 broke off between the two names
			return x.exec(ctx, fmt.Sprintf("RENAME TABLE %s TO %s", x.step.Sibling(x.step.New), x.step.Name()))
		}
	case swapComparing:
		if there == (tables{visible: true, old: true}) {
			return x.settleForward(ctx)
		}
	}
	return x.unexpected(there)
}

// alone waits until no other statement of hirune is at work on the tables: one
// whose process was killed goes on at the server.
func (x *swap) alone(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, settleMost)
	defer cancel()
	err := untilNone(limit, x.h.Hand, func(s seen) bool {
		return s.own() && s.id != x.h.ID() && (mentions(s.text, x.step.New) || mentions(s.text, x.step.Old) || mentions(s.text, marksName(x.step)))
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", apply.ErrStopped, ctx.Err())
	}
	return err
}

func (x *swap) unexpected(there tables) error {
	if x.st.Phase == "" && there.visible {
		return hint.Wrap(fmt.Errorf("%w: a table %s or %s is there already", apply.ErrRefused, x.step.New, x.step.Old), "table-exists", "see what it is; rename or drop it, then: hirune apply")
	}
	return hint.Wrap(fmt.Errorf("%w: phase %q, but the tables are: %s", apply.ErrUnknownOutcome, x.st.Phase, there.words(x.step)), "swap-tables",
		"nothing more is done; see what the tables hold before you rename any")
}

// note goes to a phase, durably.
func (x *swap) note(phase string, next int64) error {
	x.st.Phase, x.st.Next = phase, next
	if err := x.w.Note(x.st); err != nil {
		return err
	}
	return x.point(phase)
}

func (x *swap) point(name string) error {
	if x.stop == nil {
		return nil
	}
	return x.stop(name)
}

// Done implements apply.Doer.
func (d Swap) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	x, err := d.begin(ctx, s, apply.NewWork(state, nil, nil, nil, nil))
	if err != nil {
		return apply.CannotTell, err
	}
	defer x.close()
	there, err := x.tables(ctx)
	if err != nil {
		return apply.CannotTell, err
	}
	return x.answer(there), nil
}

func (x *swap) answer(there tables) apply.Answer {
	switch x.st.Phase {
	case "", backDone:
		if there.visible {
			return apply.NotDone
		}
	case swapMaking, swapCopying:
		if there.visible && !there.old {
			return apply.Partly
		}
	case swapRenaming:
		if there != (tables{visible: true}) && there != (tables{visible: true, new: true, old: true}) {
			return apply.Partly
		}
	case swapComparing:
		if there == (tables{visible: true, old: true}) {
			return apply.Partly
		}
	case swapDone: // a later step may have dropped the old one
		if there.visible && !there.new {
			return apply.IsDone
		}
	}
	return apply.CannotTell
}
