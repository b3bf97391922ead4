package change

import (
	"context"
	"fmt"
	"math"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
)

// lateMargin is how many keys below the end of the copy are looked at at once
// after the swap: rows whose keys were given before, and that were committed
// later. Those that are further behind are found in their turn.
const lateMargin = 1000

// comparison is of two tables after a swap of their names.
type comparison struct {
	behind string // the one that went: nobody writes to it any more
	live   string // the one that came
	which  string // condition of the rows that are to be in live; "" : all
	gone   bool   // take away from live what somebody had taken away from behind
	calm   *calm  // up to its last key no row has come to be copied; nil: not known
}

// settleForward gives the new table what it lacks, and takes the marks away.
func (x *swap) settleForward(ctx context.Context) error {
	c := x.forwards()
	if x.st.Next == math.MinInt64 && x.stillCalm(ctx) {
		c.calm = x.calm
		if err := x.point("calm"); err != nil {
			return err
		}
	}
	if err := x.compare(ctx, swapComparing, c); err != nil {
		return err
	}
	if err := x.exec(ctx, "DROP TABLE IF EXISTS "+x.marks()); err != nil {
		return err
	}
	return x.note(swapDone, 0)
}

func (x *swap) forwards() comparison {
	return comparison{behind: x.step.Sibling(x.step.Old), live: x.step.Name(), which: " AND " + x.step.Doomed.Survive(), gone: true}
}

// compare looks at once where the rows are that visitors miss most, at the end,
// and then goes through all keys as it is let. It goes upwards: a server reads a
// table ahead in that direction only, and backwards five times as slowly.
func (x *swap) compare(ctx context.Context, phase string, c comparison) error {
	if err := x.gapHeld(ctx, c.behind); err != nil {
		return err
	}
	if x.st.Next == math.MinInt64 {
		if err := x.compareRange(ctx, c, x.st.Late-lateMargin, math.MaxInt64); err != nil {
			return err
		}
		if err := x.point("late"); err != nil {
			return err
		}
	}
	first, end, err := x.span(ctx, c.behind)
	if err != nil {
		return err
	}
	for did := (apply.Piece{}); x.st.Next < math.MaxInt64; {
		g, err := x.w.Pace.Next(ctx, did)
		if err != nil {
			return err
		}
		size, began := x.size(g), x.w.Now()
		to, err := x.next(ctx, c, first, size)
		if err != nil {
			return err
		}
		was := x.st.After
		if err := x.compareRange(ctx, c, x.st.Next, to); err != nil {
			return err
		}
		if err := x.note(phase, to); err != nil {
			return err
		}
		did = apply.Piece{Size: size, Rows: x.st.After - was, Took: x.w.Now().Sub(began)}
		x.w.Tell(apply.Progress{Doing: DoingCompare, Done: min(to, end) - first, Total: end - first, Rows: x.st.After, Wait: g.Why})
	}
	return nil
}

// next finds the end of the range that is compared next. Where no row has come,
// it walks along the marks.
func (x *swap) next(ctx context.Context, c comparison, first, size int64) (to int64, err error) {
	calm, last := c.calm.covers(x.st.Next), false
	if calm {
		to, last, err = x.aheadBy(ctx, x.marks(), "k", x.st.Next, size)
	} else {
		to, last, err = x.ahead(ctx, c.behind, max(x.st.Next, first), size)
	}
	switch {
	case err != nil:
		return 0, err
	case calm && (last || !c.calm.covers(to)):
		return c.calm.upTo + 1, nil
	case last:
		return math.MaxInt64, nil // marks may lie beyond the last row
	}
	return to, nil
}

// compareRange settles the keys in [from, to); see Swap. It may be repeated. Only
// a row that comes late, and that somebody takes away again before a repetition,
// would come back by that.
func (x *swap) compareRange(ctx context.Context, c comparison, from, to int64) error {
	k := remedy.Ident(x.step.Key)
	in := func(column string) string { return between(column, from, to) }
	if !c.calm.covers(to - 1) { // to is above the lowest number there is
		if err := x.settle(ctx, x.missing(c, from, to)); err != nil {
			return err
		}
	}
	changed, err := x.keys(ctx, fmt.Sprintf("SELECT m.k AS k FROM %s AS m JOIN %s AS o ON o.%s = m.k WHERE %s AND m.h <> %s", x.marks(), c.behind, k, in("m.k"), x.sum("o")))
	if err != nil {
		return err
	}
	if changed != "" {
		if err := x.settle(ctx, fmt.Sprintf("UPDATE IGNORE %s AS n JOIN %s AS o ON o.%s = n.%s JOIN %s AS m ON m.k = n.%s SET %s WHERE n.%s IN (%s) AND m.h = %s",
			c.live, c.behind, k, k, x.marks(), k, x.sets("n", "o"), k, changed, x.sum("n"))); err != nil {
			return err
		}
	}
	if !c.gone {
		return nil
	}
	gone, err := x.keys(ctx, fmt.Sprintf("SELECT m.k AS k FROM %s AS m LEFT JOIN %s AS o ON o.%s = m.k WHERE %s AND o.%s IS NULL", x.marks(), c.behind, k, in("m.k"), k))
	if err != nil || gone == "" {
		return err
	}
	// no alias: a DELETE by an alias needs a default schema
	return x.settle(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s.%s IN (%s) AND (SELECT m.h FROM %s AS m WHERE m.k = %s.%s) = %s",
		c.live, c.live, k, gone, x.marks(), c.live, k, x.sum(c.live)))
}

// missing copies the rows with a key in [from, to) that were never copied.
func (x *swap) missing(c comparison, from, to int64) string {
	k := remedy.Ident(x.step.Key)
	return fmt.Sprintf("INSERT IGNORE INTO %s (%s) SELECT %s FROM %s AS o WHERE %s%s AND NOT EXISTS (SELECT 1 FROM %s AS m WHERE m.k = o.%s)",
		c.live, x.columns(""), x.columns("o."), c.behind, between("o."+k, from, to), c.which, x.marks(), k)
}

// between is the condition that a key lies in [from, to).
func between(column string, from, to int64) string {
	out := "1 = 1"
	if from != math.MinInt64 {
		out += fmt.Sprintf(" AND %s >= %d", column, from)
	}
	if to != math.MaxInt64 {
		out += fmt.Sprintf(" AND %s < %d", column, to)
	}
	return out
}

// settle runs one statement that may be repeated, and counts its rows.
func (x *swap) settle(ctx context.Context, text string) error {
	err := x.retry(ctx, func(ctx context.Context) error {
		n, err := x.h.Exec(ctx, text)
		x.st.After += n
		return err
	})
	if err != nil {
		return err
	}
	return x.point("settled")
}

// keys reads keys as a list of numbers.
func (x *swap) keys(ctx context.Context, text string) (string, error) {
	rows, err := x.read(ctx, text)
	if err != nil {
		return "", fmt.Errorf("compare the tables: %w", err)
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprint(signed(r["k"]))
	}
	return strings.Join(out, ", "), nil
}

// columns lists what can be written.
func (x *swap) columns(prefix string) string {
	var out []string
	for _, c := range x.step.Columns {
		if !c.Generated {
			out = append(out, prefix+remedy.Ident(c.Name))
		}
	}
	return strings.Join(out, ", ")
}

// sets gives a row the values of another, its key left out.
func (x *swap) sets(to, from string) string {
	var out []string
	for _, c := range x.step.Columns {
		if !c.Generated && !strings.EqualFold(c.Name, x.step.Key) {
			out = append(out, fmt.Sprintf("%s.%s = %s.%s", to, remedy.Ident(c.Name), from, remedy.Ident(c.Name)))
		}
	}
	return strings.Join(out, ", ")
}

// sum is the checksum of a row. Each column has its own, so that a text that
// moves from one to the next is seen; NULL is none. SHA2 only makes it short:
// newer servers have no MD5 any more.
func (x *swap) sum(alias string) string {
	var out []string
	for _, c := range x.step.Columns {
		if c.Generated {
			continue
		}
		v := alias + "." + remedy.Ident(c.Name)
		if c.Type == "float" {
			v = "(" + v + " + 0e0)" // its text has six digits only
		}
		out = append(out, "COALESCE(CRC32("+v+"), '-')")
	}
	return "UNHEX(SHA2(CONCAT_WS(',', " + strings.Join(out, ", ") + "), 224))"
}
