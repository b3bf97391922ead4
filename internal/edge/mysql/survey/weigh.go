package survey

import (
	"context"
	"fmt"
	"math"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

const (
	// windowRows is how many rows are looked at for one step of the bisection, so
	// that one row out of order, or without a date, does not lead it astray.
	windowRows = 8
	// slackRows is how far beyond the boundary stragglers are looked for.
	slackRows = 200
	// countable is the most rows, by the server's estimate, of a table without a key
	// that are counted one by one.
	countable = 20_000
)

// Weigh finds how many rows are doomed, and between which keys: it sets Weighed,
// DoomedRows, SurvivingRows, FirstKey and LastDoomedKey of t, which Read has
// filled. Where key order follows time the last doomed key is found by bisection;
// elsewhere it is the last key. Rows are counted in samples of the key and
// extrapolated: exactly in a small table. Conditions are judged with dates in
// UTC, as the session that deletes has it. It leaves the session in that zone.
func Weigh(ctx context.Context, h *mysql.Hand, t *remedy.Table, d remedy.Doomed) error {
	t.Weighed, t.DoomedRows, t.SurvivingRows = false, -1, -1
	if _, err := h.Exec(ctx, "SET SESSION time_zone='+00:00'"); err != nil {
		return fmt.Errorf("set the session's time zone: %w", err)
	}
	w := scale{h: h, t: t, all: d.SQL(), dated: remedy.Doomed{Column: d.Column, Literal: d.Literal, Date: d.Date}.SQL()}
	var err error
	switch {
	case t.Key == "":
		err = w.count(ctx)
	case t.MinKey == 0 && t.MaxKey == 0 && t.Rows <= 0: // empty, or one row of the key 0
		err = w.whole(ctx)
	case ordered(t, d.Column):
		err = w.split(ctx)
	default:
		err = w.whole(ctx)
	}
	if err != nil {
		return fmt.Errorf("estimate how many rows of %s.%s go: %w", t.Schema, t.Name, err)
	}
	return nil
}

// scale weighs one table.
type scale struct {
	h     *mysql.Hand
	t     *remedy.Table
	all   string // condition of the doomed rows
	dated string // the part of it that follows time
}

// split finds the boundary, and counts on either side of it. Where a row behind
// the boundary is old all the same, order does not hold, and the whole is counted.
func (w scale) split(ctx context.Context) error {
	last, any, err := w.boundary(ctx)
	if err != nil {
		return err
	}
	t := w.t
	t.FirstKey, t.LastDoomedKey = t.MinKey, t.MinKey-1
	old, young := tally{}, tally{}
	if any {
		t.LastDoomedKey = last
		if old, err = w.stretch(ctx, t.MinKey, last); err != nil {
			return err
		}
	}
	if t.LastDoomedKey < t.MaxKey {
		if young, err = w.stretch(ctx, t.LastDoomedKey+1, t.MaxKey); err != nil {
			return err
		}
	}
	if young.dated > 0 {
		return w.whole(ctx)
	}
	w.set(old.doomed, old.rows+young.rows)
	return nil
}

// boundary finds the last key whose row lies before the cutoff; any is false
// where no row does.
func (w scale) boundary(ctx context.Context) (last int64, any bool, err error) {
	lo, hi := w.t.MinKey, w.t.MaxKey // invariant: if any row is old, the last window with one begins in [lo, hi]
	first, err := w.look(ctx, lo, hi, windowRows, "ASC")
	if err != nil || first.dated == 0 {
		return 0, false, err
	}
	last = first.lastDated
	for lo < hi {
		mid := hi - int64(uint64(hi-lo)/2) // rounded up: lo itself is known
		f, err := w.look(ctx, mid, w.t.MaxKey, windowRows, "ASC")
		if err != nil {
			return 0, false, err
		}
		if f.dated > 0 {
			lo, last = max(mid, f.lastDated), max(last, f.lastDated)
		} else {
			hi = mid - 1
		}
		hi = max(hi, lo)
	}
	if last < w.t.MaxKey {
		f, err := w.look(ctx, last+1, w.t.MaxKey, slackRows, "ASC")
		if err != nil {
			return 0, false, err
		}
		if f.dated > 0 {
			last = f.lastDated
		}
	}
	return last, true, nil
}

// whole counts where the key does not follow time: any key may be of a doomed row.
func (w scale) whole(ctx context.Context) error {
	n, err := w.stretch(ctx, w.t.MinKey, w.t.MaxKey)
	if err != nil {
		return err
	}
	w.t.FirstKey, w.t.LastDoomedKey = w.t.MinKey, w.t.MaxKey
	w.set(n.doomed, n.rows)
	return nil
}

func (w scale) set(doomed, rows float64) {
	w.t.Weighed = true
	w.t.DoomedRows = int64(math.Round(doomed))
	w.t.SurvivingRows = int64(math.Round(max(rows-doomed, 0)))
}

// count counts a small table that has no key to sample by; of a larger one the
// numbers stay unknown.
func (w scale) count(ctx context.Context) error {
	if w.t.Rows < 0 || w.t.Rows > countable {
		return nil
	}
	rows, err := w.h.Named(ctx, fmt.Sprintf("SELECT COUNT(*) AS n, SUM(d) AS doomed FROM (SELECT COALESCE((%s), 0) AS d FROM %s LIMIT %d) AS x", w.all, name(w.t), 2*countable))
	if err != nil || len(rows) == 0 || number(rows[0]["n"]) == 2*countable {
		return err
	}
	w.set(float64(number(rows[0]["doomed"])), float64(number(rows[0]["n"])))
	return nil
}
