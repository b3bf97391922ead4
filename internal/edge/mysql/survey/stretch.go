package survey

import (
	"context"
	"fmt"
	"math"

	"hirune/internal/core/remedy"
)

const (
	// pieces is into how many equal ranges a stretch of keys is cut first.
	pieces = 16
	// endRows is how many rows are looked at at either end of a piece: of rows of
	// 4 KB in an even table, the 2560 of two stretches are 10 MB of the buffer pool.
	endRows = 40
	// cuts bounds how often a piece is cut in two because its rows are not spread
	// evenly: an outlier in the keys takes about one for each power of 2.
	cuts = 64
	// even is how much denser one end of a piece may be than the other for what is
	// between to be taken for the mean. It is above what chance makes of 40 rows.
	even = 1.6
	// alike is how far the shares of doomed rows at the ends may differ likewise.
	alike = 0.35
	// trifle is the share of the whole below which a piece is not cut again.
	trifle = 0.005
)

// found is what a few rows in a row of the key say.
type found struct {
	rows, doomed, dated int64
	first, last         int64 // keys; without rows they say nothing
	lastDated           int64 // key of the last row before the cutoff
}

// density is rows for each key.
func (f found) density() float64 { return float64(f.rows) / (float64(f.last) - float64(f.first) + 1) }

// share is that of the doomed rows.
func (f found) share() float64 { return float64(f.doomed) / float64(max(f.rows, 1)) }

// look reads at most limit rows with a key in [from, to], from its beginning or,
// where order is DESC, its end.
func (w scale) look(ctx context.Context, from, to, limit int64, order string) (found, error) {
	if err := inTime(ctx); err != nil {
		return found{}, err
	}
	k := remedy.Ident(w.t.Key)
	rows, err := w.h.Named(ctx, fmt.Sprintf(`SELECT COUNT(*) AS n, SUM(d) AS doomed, SUM(o) AS dated, MIN(k) AS lo, MAX(k) AS hi, MAX(IF(o, k, NULL)) AS old FROM
(SELECT %s AS k, COALESCE((%s), 0) AS d, COALESCE((%s), 0) AS o FROM %s WHERE %s BETWEEN %d AND %d ORDER BY %s %s LIMIT %d) AS x`,
		k, w.all, w.dated, name(w.t), k, from, to, k, order, limit))
	if err != nil || len(rows) == 0 {
		return found{}, err
	}
	r := rows[0]
	return found{rows: number(r["n"]), doomed: number(r["doomed"]), dated: number(r["dated"]), first: number(r["lo"]), last: number(r["hi"]), lastDated: number(r["old"])}, nil
}

// tally is an estimated number of rows.
type tally struct{ rows, doomed, dated float64 }

func (t *tally) add(f found, times float64) {
	t.rows += float64(f.rows) * times
	t.doomed += float64(f.doomed) * times
	t.dated += float64(f.dated) * times
}

// piece is a range of keys of which both ends were looked at. What lies between
// them is taken to be as dense and as doomed as they are on average.
type piece struct {
	from, to   int64
	head, tail found
	whole      bool // every row was looked at
}

// between is how many rows are guessed to lie between the ends.
func (p piece) between() float64 {
	if p.whole {
		return 0
	}
	keys := float64(p.tail.first) - float64(p.head.last) - 1
	return keys * (p.head.density() + p.tail.density()) / 2
}

func (p piece) tally() tally {
	var t tally
	seen := float64(p.head.rows + p.tail.rows)
	if seen > 0 {
		t.add(p.head, 1+p.between()/seen)
		t.add(p.tail, 1+p.between()/seen)
	}
	return t
}

// uneven reports whether the ends differ so much that their mean says little.
func (p piece) uneven() bool {
	a, b := p.head.density(), p.tail.density()
	return !p.whole && (max(a, b) > even*min(a, b) || math.Abs(p.head.share()-p.tail.share()) > alike)
}

// piece looks at a range of keys; a head or tail that is known already is kept.
func (w scale) piece(ctx context.Context, from, to int64, head, tail *found) (p piece, err error) {
	p = piece{from: from, to: to}
	if head != nil {
		p.head = *head
	} else if p.head, err = w.look(ctx, from, to, endRows, "ASC"); err != nil {
		return p, err
	}
	if p.head.rows < endRows || p.head.last >= to {
		p.whole = true
		return p, nil
	}
	if tail != nil && tail.first > p.head.last {
		p.tail = *tail
		return p, nil
	}
	p.tail, err = w.look(ctx, p.head.last+1, to, endRows, "DESC")
	p.whole = p.tail.rows < endRows
	return p, err
}

// stretch estimates the rows with a key in [from, to] by pieces. Where the ends
// of a piece differ it is cut in two, the largest guess first: keys may lie close
// together in one place and far apart in another.
func (w scale) stretch(ctx context.Context, from, to int64) (tally, error) {
	var ps []piece
	span := uint64(to-from) + 1 // to is not less than from
	n := min(uint64(pieces), span)
	for i := range n {
		b := from + int64(span/n*(i+1)) - 1
		if i == n-1 {
			b = to
		}
		p, err := w.piece(ctx, from+int64(span/n*i), b, nil, nil)
		if err != nil {
			return tally{}, err
		}
		ps = append(ps, p)
	}
	for range cuts {
		i := worst(ps)
		if i < 0 {
			break
		}
		left, right, err := w.cut(ctx, ps[i])
		if err != nil {
			return tally{}, err
		}
		ps[i] = left
		ps = append(ps, right)
	}
	return total(ps), nil
}

func total(ps []piece) tally {
	var sum tally
	for _, p := range ps {
		t := p.tally()
		sum = tally{sum.rows + t.rows, sum.doomed + t.doomed, sum.dated + t.dated}
	}
	return sum
}

// worst is the uneven piece that most is guessed of; -1 where none is worth a look.
func worst(ps []piece) int {
	least, at := total(ps).rows*trifle, -1
	for i, p := range ps {
		if g := p.between(); g > least && p.uneven() {
			least, at = g, i
		}
	}
	return at
}

// cut cuts a piece in the middle of what is guessed of it.
func (w scale) cut(ctx context.Context, p piece) (left, right piece, err error) {
	mid := p.head.last + int64(uint64(p.tail.first-p.head.last)/2)
	if left, err = w.piece(ctx, p.from, mid, &p.head, nil); err != nil {
		return left, right, err
	}
	right, err = w.piece(ctx, mid+1, p.to, nil, &p.tail)
	return left, right, err
}
