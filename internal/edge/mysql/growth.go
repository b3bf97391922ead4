package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
)

// ErrNoGrowth says that a table has no integer AUTO_INCREMENT key or no column
// of times.
var ErrNoGrowth = errors.New("the table has no key and column to read its growth from")

// Growth finds by about 24 probes of the primary key how the rows of a table
// spread over time; no probe scans. prefer names columns to try first, such as
// those that a purge filters by. Probes are denser among the young rows. It
// stops early, with what it has, when the context is about to end.
func (c *Conn) Growth(ctx context.Context, schema, table string, prefer []string) (evidence.TableGrowth, error) {
	return c.growth(ctx, schema, table, prefer, false)
}

// GrowthSinceDeletes is Growth for a table whose old rows may have just been
// deleted: until InnoDB has removed them, to pass over them at the old end takes
// longer than a statement may. What cannot be read there is then left out, and
// MinKey is the smallest key that was read: not a bound of what there is.
func (c *Conn) GrowthSinceDeletes(ctx context.Context, schema, table string, prefer []string) (evidence.TableGrowth, error) {
	return c.growth(ctx, schema, table, prefer, true)
}

func (c *Conn) growth(ctx context.Context, schema, table string, prefer []string, lenient bool) (evidence.TableGrowth, error) {
	g := evidence.TableGrowth{DB: c.target.Instance, Schema: schema, Name: table}
	key, times, err := c.growthColumns(ctx, schema, table, prefer)
	if err != nil {
		return g, err
	}
	name := ident(schema) + "." + ident(table)
	cut, err := c.ends(ctx, &g, name, key, lenient)
	if err != nil {
		return g, err
	}
	for _, col := range times {
		if err := c.probe(ctx, &g, name, key, col, cut); err != nil {
			return g, err
		}
		if len(g.Probes) >= 2 || len(g.Probes) == 1 && g.MinKey == g.MaxKey {
			if cut {
				g.MinKey = g.Probes[0].Key
			}
			return g, nil
		}
	}
	return g, ErrNoGrowth
}

// ends reads the first and the last key. cut says that the first cannot be read
// in time; MinKey is then 1, where keys begin.
func (c *Conn) ends(ctx context.Context, g *evidence.TableGrowth, name, key string, lenient bool) (cut bool, err error) {
	var lo, hi sql.NullInt64
	err = c.query(ctx, func(scan func(...any) error) error { return scan(&lo, &hi) }, fmt.Sprintf("SELECT MIN(%s), MAX(%s) FROM %s", ident(key), ident(key), name))
	if lenient && errors.Is(err, ErrSlow) && !c.Lost() {
		cut = true
		err = c.one(ctx, &hi, fmt.Sprintf("SELECT MAX(%s) FROM %s", ident(key), name))
		lo = sql.NullInt64{Int64: min(1, hi.Int64), Valid: hi.Valid}
	}
	if err != nil {
		return cut, fmt.Errorf("read the first and last key of %s: %w", name, err)
	}
	if !lo.Valid || !hi.Valid {
		return cut, ErrNoGrowth // it is empty
	}
	g.MinKey, g.MaxKey = lo.Int64, hi.Int64
	return cut, nil
}

// timeColumn is a column that holds moments.
type timeColumn struct {
	name string
	expr string // gives unix seconds
}

// growthColumns finds the key and the columns of times by their structure.
func (c *Conn) growthColumns(ctx context.Context, schema, table string, prefer []string) (key string, times []timeColumn, err error) {
	rank := map[string]int{}
	err = c.query(ctx, func(scan func(...any) error) error {
		var name, typ, columnKey, extra string
		if err := scan(&name, &typ, &columnKey, &extra); err != nil {
			return err
		}
		typ = strings.ToLower(typ)
		isInt := strings.HasSuffix(typ, "int")
		if columnKey == "PRI" && isInt && strings.Contains(extra, "auto_increment") {
			key = name
			return nil
		}
		if col, r := asTime(name, typ, c.utcOffsetS); col.expr != "" {
			if slices.ContainsFunc(prefer, func(p string) bool { return strings.EqualFold(p, name) }) {
				r -= 10
			}
			rank[name] = r
			times = append(times, col)
		}
		return nil
	}, "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION", schema, table)
	if err != nil {
		return "", nil, fmt.Errorf("read the columns of %s.%s: %w", schema, table, err)
	}
	if key == "" || len(times) == 0 {
		return "", nil, ErrNoGrowth
	}
	slices.SortStableFunc(times, func(a, b timeColumn) int { return rank[a.name] - rank[b.name] })
	return key, times[:min(len(times), 4)], nil
}

// asTime says how a column is read as unix seconds, and how likely it is to be
// the moment of the row: lower is likelier. Values of an integer column are
// checked by the probes.
func asTime(name, typ string, offsetS int64) (timeColumn, int) {
	q, lower := ident(name), strings.ToLower(name)
	r := 5
	for _, w := range []string{"creat", "added", "insert", "regist", "log", "date", "time", "stamp"} {
		if strings.Contains(lower, w) {
			r--
		}
	}
	utc := strings.HasSuffix(lower, "_gmt") || strings.HasSuffix(lower, "_utc")
	switch typ {
	case "timestamp":
		return timeColumn{name, "FLOOR(UNIX_TIMESTAMP(" + q + "))"}, r - 1
	case "datetime", "date":
		if utc {
			r--
			offsetS = 0
		}
		return timeColumn{name, fmt.Sprintf("TIMESTAMPDIFF(SECOND, '1970-01-01', %s) - (%d)", q, offsetS)}, r
	case "int", "bigint", "decimal", "double":
		// Any of them may hold moments; the probes tell.
		return timeColumn{name, "FLOOR(" + q + ")"}, r
	}
	return timeColumn{}, 0
}

// probe reads the time of about 24 rows, and then of some more where the last
// days are still coarse. Values that are no moments between 2000 and 2100 are
// left out, milliseconds become seconds. Where the old end is cut, the probes go
// from the young end down to the first that takes too long.
func (c *Conn) probe(ctx context.Context, g *evidence.TableGrowth, name, key string, col timeColumn, cut bool) error {
	g.Column, g.Probes, g.Ordered = col.name, nil, true
	text := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s >= ? ORDER BY %s LIMIT 1", ident(key), col.expr, name, ident(key), ident(key))
	begun := time.Now()
	enough := func() bool { return len(g.Probes) >= probesLeast && time.Since(begun) > probesBudget }
	keys := probeKeys(g.MinKey, g.MaxKey)
	if cut {
		slices.SortFunc(keys, func(a, b int64) int { return cmp.Compare(b, a) })
	}
	for _, k := range keys {
		if enough() {
			break
		}
		err := c.probeKey(ctx, g, name, text, k)
		if cut && errors.Is(err, ErrSlow) && !c.Lost() {
			break
		}
		if err != nil {
			return err
		}
	}
	tidy(g)
	for range refinements {
		k, ok := coarsest(g.Probes)
		if !ok || !g.Ordered || enough() {
			break
		}
		before := len(g.Probes)
		if err := c.probeKey(ctx, g, name, text, k); err != nil {
			return err
		}
		if tidy(g); len(g.Probes) == before {
			break
		}
	}
	return nil
}

// A starved server takes a third of a second for each probe, and what it runs
// meanwhile is not seen: then these are enough.
const (
	probesLeast  = 6
	probesBudget = 3 * time.Second
)

// probeKey reads the time of the row with the key, or of the next one.
func (c *Conn) probeKey(ctx context.Context, g *evidence.TableGrowth, name, text string, k int64) error {
	if soon(ctx) {
		return nil
	}
	at := int64(-1)
	var unix sql.NullFloat64
	err := c.query(ctx, func(scan func(...any) error) error { return scan(&at, &unix) }, text, k)
	if err != nil {
		return fmt.Errorf("probe %s: %w", name, err)
	}
	if s := seconds(unix.Float64); unix.Valid && at >= 0 && s > 0 {
		g.Probes = append(g.Probes, evidence.GrowthProbe{Key: at, UnixS: s})
	}
	return nil
}

// The rows of the last days are counted against the requests in the logs, which
// reach about as far back.
const (
	refinements = 24
	lastDaysS   = 9 * 24 * 3600
)

// coarsest returns the key in the middle of the longest time between two probes
// that reaches into the last days.
func coarsest(probes []evidence.GrowthProbe) (int64, bool) {
	longest, key := int64(0), int64(0)
	for i := 1; i < len(probes); i++ {
		a, b := probes[i-1], probes[i]
		if b.UnixS < probes[len(probes)-1].UnixS-lastDaysS || b.Key-a.Key < 2 || b.UnixS-a.UnixS <= longest {
			continue
		}
		longest, key = b.UnixS-a.UnixS, a.Key+(b.Key-a.Key)/2
	}
	return key, longest > 3600
}

const (
	year2000 = 946684800
	year2100 = 4102444800
)

func seconds(v float64) int64 {
	if v > year2000*1000 {
		v /= 1000
	}
	if v < year2000 || v > year2100 {
		return 0
	}
	return int64(v)
}

// probeKeys are the youngest key first, then ever older, twelve in a geometric
// row towards the young end and twelve evenly spread.
func probeKeys(lo, hi int64) []int64 {
	span := hi - lo
	keys := []int64{hi, lo}
	for f := int64(2); f <= 8192; f *= 2 {
		keys = append(keys, hi-span/f)
	}
	for i := int64(1); i < 10; i++ {
		keys = append(keys, lo+span/10*i)
	}
	seen := map[int64]bool{}
	return slices.DeleteFunc(keys, func(k int64) bool { dup := seen[k]; seen[k] = true; return dup })
}

// tidy sorts the probes and says whether their times rise with the key.
func tidy(g *evidence.TableGrowth) {
	slices.SortFunc(g.Probes, func(a, b evidence.GrowthProbe) int { return int(min(1, max(-1, a.Key-b.Key))) })
	g.Probes = slices.CompactFunc(g.Probes, func(a, b evidence.GrowthProbe) bool { return a.Key == b.Key })
	for i := 1; i < len(g.Probes); i++ {
		if g.Probes[i].UnixS < g.Probes[i-1].UnixS {
			g.Ordered = false
		}
	}
}

// soon reports whether the context is about to end: a query that it cuts off
// costs the connection.
func soon(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(end) < statementMs*time.Millisecond
}

// ident quotes a name.
func ident(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
