package change

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// look compares the table with the plan, and again every few seconds.
func (p *purge) look(ctx context.Context, first bool) (chunkTable, error) {
	at := p.w.Now()
	if !first && at.Sub(p.looked) < lookEvery {
		return chunkTable{}, nil
	}
	t, err := p.h.lookTable(ctx, p.step.On)
	if err == nil && first {
		t.children, err = p.h.lookChildren(ctx, p.step.On)
	}
	if err == nil {
		err = t.fits(p.step)
	}
	if err == nil && first {
		err = p.h.momentFits(ctx, t, p.step.Doomed)
	}
	if err == nil {
		p.looked = at
	}
	return t, err
}

// createTable is SHOW CREATE TABLE.
func (h *chunkHand) createTable(ctx context.Context, on remedy.On) (string, error) {
	rows, err := h.Named(ctx, "SHOW CREATE TABLE "+on.Name())
	if err != nil {
		return "", fmt.Errorf("read the table's definition: %w", err)
	}
	for _, r := range rows {
		return r["create table"], nil
	}
	return "", fmt.Errorf("read the table's definition: %w: it has none", apply.ErrRefused)
}

// chunk deletes the next doomed rows, n keys at most, and moves on. It returns
// how many it deleted: 0 where it only passed over rows that stay.
func (p *purge) chunk(ctx context.Context, n int64) (int64, error) {
	if _, err := p.look(ctx, false); err != nil {
		return 0, err
	}
	if err := p.settle(ctx); err != nil {
		return 0, err
	}
	limit := max(n, p.probe)
	found, err := p.lookAhead(ctx, n, limit)
	if err != nil {
		return 0, err
	}
	switch {
	case found.keys == 0:
		p.state.Next = p.step.ToKey + 1
		return 0, nil
	case found.doomed == 0:
		p.state.Next = found.last + 1
		p.probe = min(max(limit*4, n), skipRows)
		return 0, nil
	case limit > n && found.keys > n: // it went over many: come back for the doomed ones
		p.state.Next, p.probe = found.first, 0
		return 0, nil
	}
	from, to := found.first, found.last+1
	if err := p.checkPlan(ctx, from, to, n); err != nil {
		return 0, err
	}
	rows, err := p.delete(ctx, from, to)
	if err != nil {
		return 0, err
	}
	p.state.Next, p.probe = to, 0
	span := to - from
	p.dense, p.full = rows*10 >= found.keys*9, span > 0 && span <= rows+rows/9
	return rows, nil
}

// lookAhead looks at the next keys: where nearly all were doomed, only for the
// n-th, which costs the server least; where nearly every number was a key, not
// at all.
func (p *purge) lookAhead(ctx context.Context, n, limit int64) (ahead, error) {
	if p.full && limit == n {
		last := p.step.ToKey
		if end := p.state.Next + n - 1; end >= p.state.Next { // it fits into a key
			last = min(last, end)
		}
		return ahead{keys: n, doomed: n, first: p.state.Next, last: last}, nil
	}
	if p.dense && limit == n {
		k := remedy.Ident(p.step.Key)
		rows, err := p.h.Named(ctx, fmt.Sprintf("SELECT %s AS k FROM %s FORCE INDEX (PRIMARY) WHERE %s >= %d AND %s <= %d ORDER BY %s LIMIT 1 OFFSET %d",
			k, p.step.Name(), k, p.state.Next, k, p.step.ToKey, k, n-1))
		if err != nil {
			return ahead{}, err
		}
		for _, r := range rows {
			last, err := strconv.ParseInt(r["k"], 10, 64)
			return ahead{keys: n, doomed: n, first: p.state.Next, last: last}, err
		}
	}
	p.dense, p.full = false, false
	return p.h.ahead(ctx, p.step, p.state.Next, limit)
}

// ahead is what the next keys of a table are.
type ahead struct {
	keys   int64
	doomed int64
	first  int64 // doomed key, if any
	last   int64 // key
}

// ahead looks at the next n keys from next on. It locks nothing, and it reads by
// the primary key whatever other index there is.
func (h *chunkHand) ahead(ctx context.Context, s remedy.DeleteInChunks, next, n int64) (ahead, error) {
	k := remedy.Ident(s.Key)
	rows, err := h.Named(ctx, fmt.Sprintf("SELECT COUNT(*) AS n, SUM(d) AS doomed, MIN(IF(d, k, NULL)) AS first, MAX(k) AS last FROM "+
		"(SELECT %s AS k, COALESCE(%s, 0) AS d FROM %s FORCE INDEX (PRIMARY) WHERE %s >= %d AND %s <= %d ORDER BY %s LIMIT %d) AS x",
		k, s.Doomed.SQL(), s.Name(), k, next, k, s.ToKey, k, n))
	if err != nil {
		return ahead{}, err
	}
	if len(rows) != 1 {
		return ahead{}, errors.New("look at the next keys: no answer")
	}
	var a ahead
	for name, dst := range map[string]*int64{"n": &a.keys, "doomed": &a.doomed, "first": &a.first, "last": &a.last} {
		if v := rows[0][name]; v != "" {
			if *dst, err = strconv.ParseInt(v, 10, 64); err != nil {
				return ahead{}, fmt.Errorf("look at the next keys: %w", err)
			}
		}
	}
	return a, nil
}

// checkPlan asks the server how it would delete the first chunk, and again after
// each new connection: a range that it does not take from the primary key would
// scan the table for each chunk.
func (p *purge) checkPlan(ctx context.Context, from, to, n int64) error {
	if p.planned {
		return nil
	}
	rows, err := p.h.Named(ctx, p.explain()+p.step.Range(from, to))
	if err != nil {
		return err
	}
	for _, r := range rows {
		looks, err := strconv.ParseFloat(r["rows"], 64)
		if err != nil {
			continue // no table is looked at
		}
		if access := strings.ToLower(r["type"]); (access == "all" || access == "index" || !strings.EqualFold(r["key"], "PRIMARY")) && looks > float64(max(mostFactor*n, 10000)) {
			return hint.Wrap(fmt.Errorf("%w: the server would look at %s rows for each chunk (access %s, index %q)", apply.ErrRefused, r["rows"], r["type"], r["key"]),
				"chunk-scans", "ANALYZE TABLE "+p.step.Name()+", then go on with: hirune apply; or purge with the strategy swap")
		}
	}
	p.planned = true
	return nil
}

func (p *purge) explain() string {
	if p.h.MariaDB() {
		return "EXPLAIN "
	}
	return "EXPLAIN FORMAT=TRADITIONAL "
}
