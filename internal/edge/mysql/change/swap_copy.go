package change

import (
	"context"
	"errors"
	"fmt"
	"math"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

// begun looks whether the table can be swapped, and notes that the new one is
// about to be made: after a crash it is then known to be ours.
func (x *swap) begun(ctx context.Context) error {
	if err := x.fits(ctx); err != nil {
		return err
	}
	kind, err := kindOfTable(ctx, x.h.Hand, remedy.On{Schema: x.step.Schema, Table: marksName(x.step)})
	if err != nil {
		return err
	}
	if kind != "" {
		return tableChanged("a table %s is there already", marksName(x.step))
	}
	if err := x.autoFits(ctx); err != nil {
		return err
	}
	x.st = swapState{}
	return x.note(swapMaking, 0)
}

// make makes the new table and the marks.
func (x *swap) make(ctx context.Context, there bool) error {
	if !there {
		if err := x.exec(ctx, x.step.CreateNew()); err != nil {
			return err
		}
		if err := x.point("made"); err != nil {
			return err
		}
	}
	return x.startCopy(ctx)
}

// startCopy makes the marks, and finds where the copy begins.
func (x *swap) startCopy(ctx context.Context) error {
	x.calm = x.lookCalm(ctx)
	first, err := x.startAt(ctx)
	if err != nil {
		return err
	}
	x.st.Rows = 0
	if x.step.Empty {
		first = x.st.Last // nothing that was there is copied; what comes after it is late
	}
	return x.note(swapCopying, first)
}

// startAt makes the marks anew, and finds the first and the last key of the
// visible table.
func (x *swap) startAt(ctx context.Context) (first int64, err error) {
	if err := x.freshMarks(ctx); err != nil {
		return 0, err
	}
	first, x.st.Last, err = x.span(ctx, x.step.Name())
	return first, err
}

func (x *swap) freshMarks(ctx context.Context) error {
	if err := x.exec(ctx, "DROP TABLE IF EXISTS "+x.marks()); err != nil {
		return err
	}
	return x.exec(ctx, "CREATE TABLE "+x.marks()+" (k BIGINT NOT NULL PRIMARY KEY, h BINARY(28) NOT NULL) ENGINE=InnoDB")
}

// span is the lowest key of a table, and one beyond the highest; 0, 0 where it
// is empty.
func (x *swap) span(ctx context.Context, table string) (first, end int64, err error) {
	k := remedy.Ident(x.step.Key)
	rows, err := x.read(ctx, "SELECT MIN("+k+") AS lo, MAX("+k+") AS hi FROM "+table)
	if err != nil {
		return 0, 0, fmt.Errorf("look for the first and the last key: %w", err)
	}
	if rows[0]["hi"] == "" {
		return 0, 0, nil
	}
	return signed(rows[0]["lo"]), signed(rows[0]["hi"]) + 1, nil
}

// transfer is what is done with each range of the visible table before the names
// are swapped, there or back.
type transfer struct {
	phase string
	rows  *int64                        // where they are counted
	clean func() []string               // what takes away all that lies beyond Next
	texts func(from, to int64) []string // the first of them says how many rows
}

// copying copies the survivors. A crash may lie between a range and its note;
// then the new table has rows from Next on, which nobody but us has ever seen,
// and they are taken away first. That is exact, while INSERT IGNORE would also
// pass over a row that did not fit.
func (x *swap) copying() transfer {
	return transfer{swapCopying, &x.st.Rows, x.wipe, func(from, to int64) []string { return []string{x.step.Copy(from, to), x.markNew(from, to)} }}
}

func (x *swap) copy(ctx context.Context) error {
	if err := x.fits(ctx); err != nil {
		return err
	}
	if !x.step.Empty {
		if err := x.eachRange(ctx, x.copying()); err != nil {
			return err
		}
	}
	x.st.Late = x.st.Next
	return x.note(swapRenaming, x.st.Next)
}

// eachRange carries a transfer out, range by range, as it is let.
func (x *swap) eachRange(ctx context.Context, how transfer) error {
	dirty, did := true, apply.Piece{}
	for {
		g, err := x.w.Pace.Next(ctx, did)
		if err != nil {
			return err
		}
		size, began := x.size(g), x.w.Now()
		to, last, err := x.ahead(ctx, x.step.Name(), x.st.Next, size)
		if err != nil || to <= x.st.Next {
			return err
		}
		rows, err := x.piece(ctx, &dirty, how.clean(), how.texts(x.st.Next, to)...)
		if errors.Is(err, errTooMuch) {
			did = apply.Piece{}
			continue
		}
		if err != nil {
			return err
		}
		did = apply.Piece{Size: size, Rows: rows, Took: x.w.Now().Sub(began)}
		*how.rows += rows
		if err := x.note(how.phase, to); err != nil {
			return err
		}
		x.tellCopy(g, did, *how.rows)
		if last {
			return nil
		}
	}
}

// tail carries a transfer out for all that has come since, at once.
func (x *swap) tail(ctx context.Context, how transfer) error {
	to, _, err := x.ahead(ctx, x.step.Name(), x.st.Next, math.MaxInt32)
	if err != nil || to <= x.st.Next {
		return err
	}
	dirty := true
	rows, err := x.piece(ctx, &dirty, how.clean(), how.texts(x.st.Next, to)...)
	if errors.Is(err, errTooMuch) {
		return nil // the comparison finds it
	}
	if err != nil {
		return err
	}
	*how.rows += rows
	x.st.Late = to
	return x.note(x.st.Phase, to)
}

func (x *swap) tellCopy(g apply.Grant, did apply.Piece, rows int64) {
	p := apply.Progress{Doing: DoingCopy, Done: min(x.st.Next, x.st.Last), Total: x.st.Last, Rows: rows, Wait: g.Why}
	if s := did.Took.Seconds(); s > 0 {
		p.PerSec = float64(did.Rows) / s
	}
	x.w.Tell(p)
}

// wipe takes away what was copied from Next on.
func (x *swap) wipe() []string {
	return []string{
		fmt.Sprintf("DELETE FROM %s WHERE %s >= %d", x.step.Sibling(x.step.New), remedy.Ident(x.step.Key), x.st.Next),
		fmt.Sprintf("DELETE FROM %s WHERE k >= %d", x.marks(), x.st.Next),
	}
}

// markNew keeps the checksums of the new table's rows with a key in [from, to).
func (x *swap) markNew(from, to int64) string {
	k := remedy.Ident(x.step.Key)
	return fmt.Sprintf("INSERT INTO %s (k, h) SELECT n.%s, %s FROM %s AS n WHERE n.%s >= %d AND n.%s < %d", x.marks(), k, x.sum("n"), x.step.Sibling(x.step.New), k, from, k, to)
}

// Sizes of pieces, in rows that are looked at.
const (
	swapPiece      = 1000
	swapPieceMost  = 20_000
	swapPieceLeast = 10
)

func (x *swap) size(g apply.Grant) int64 {
	n := g.Size
	if n <= 0 {
		n = x.step.Chunk
	}
	if n <= 0 {
		n = swapPiece
	}
	return max(min(n, swapPieceMost)/x.cut, swapPieceLeast)
}

// ahead finds the end of a range of so many rows, by walking the primary key:
// keys may have gaps of any width. last: nothing was there beyond it just now.
func (x *swap) ahead(ctx context.Context, table string, from, rows int64) (to int64, last bool, err error) {
	return x.aheadBy(ctx, table, remedy.Ident(x.step.Key), from, rows)
}

func (x *swap) aheadBy(ctx context.Context, table, k string, from, rows int64) (to int64, last bool, err error) {
	found, err := x.read(ctx, fmt.Sprintf("SELECT %s AS k FROM %s WHERE %s >= %d ORDER BY %s LIMIT 1 OFFSET %d", k, table, k, from, k, rows))
	if err != nil {
		return 0, false, err
	}
	if len(found) > 0 {
		return signed(found[0]["k"]), false, nil
	}
	found, err = x.read(ctx, fmt.Sprintf("SELECT MAX(%s) AS k FROM %s WHERE %s >= %d", k, table, k, from))
	if err != nil || found[0]["k"] == "" {
		return from, true, err
	}
	return signed(found[0]["k"]) + 1, true, nil
}

// read reads, again where a lock or the connection was in the way.
func (x *swap) read(ctx context.Context, text string) (rows []map[string]string, err error) {
	err = x.retry(ctx, func(ctx context.Context) (err error) { rows, err = x.h.Named(ctx, text); return err })
	return rows, err
}

// exec runs one statement that may be repeated.
func (x *swap) exec(ctx context.Context, text string) error {
	return x.retry(ctx, func(ctx context.Context) error { _, err := x.h.Exec(ctx, text); return err })
}

// retry does what may be repeated until it succeeds, or must not be tried any
// more. It is not broken off in the middle.
func (x *swap) retry(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(context.WithoutCancel(ctx))
		if err == nil {
			x.h.done()
			return nil
		}
		if _, err = x.h.recover(ctx, err); err != nil {
			return err
		}
	}
}

// piece runs statements that must not be repeated without those of clean before
// them; it returns the rows of the first. errTooMuch: they took too long, and a
// smaller piece is due.
func (x *swap) piece(ctx context.Context, dirty *bool, clean []string, texts ...string) (int64, error) {
	for {
		var all []string
		if *dirty {
			all = append(all, clean...)
		}
		*dirty = true
		rows, err := x.each(context.WithoutCancel(ctx), append(all, texts...), len(all))
		if err == nil {
			*dirty = false
			x.h.done()
			x.cut = max(x.cut/2, 1)
			return rows, nil
		}
		lost := x.h.Lost()
		how, err := x.h.recover(ctx, err)
		if err != nil {
			return 0, err
		}
		if lost {
			if err := x.alone(ctx); err != nil {
				return 0, err
			}
		}
		if how == trySmaller && x.cut < swapPieceMost {
			x.cut *= 4
			return 0, errTooMuch
		}
	}
}

// each runs statements one by one and returns the rows of the nth.
func (x *swap) each(ctx context.Context, texts []string, nth int) (rows int64, err error) {
	for i, text := range texts {
		n, err := x.h.Exec(ctx, text)
		if err != nil {
			return 0, err
		}
		if i == nth {
			rows = n
		}
		if err := x.point("statement"); err != nil {
			return 0, err
		}
	}
	return rows, nil
}
