package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// link is a column of another table that may hold this table's ids.
type link struct {
	table, column string
	indexed       bool // it leads an index, so its ends are read at once
	named         bool // by its name it holds ids of this table; else its table's name says so
}

// readChildren finds the tables of the schema that hold this table's ids without
// a foreign key: by the name of a column (log_id for a table of logs), or by
// their own name (stream_meta beside stream) with an id column. Where the column
// has an index, its ends must lie among the keys. Names and two values are read.
func readChildren(ctx context.Context, h *mysql.Hand, t *remedy.Table) error {
	if t.Key == "" {
		return nil
	}
	links, err := candidates(ctx, h, t)
	if err != nil {
		return fmt.Errorf("look for tables that hold ids of %s.%s: %w", t.Schema, t.Name, err)
	}
	for _, l := range links {
		if slices.Contains(t.Children, l.table) {
			continue
		}
		ok := l.named
		if l.indexed {
			if ok, err = among(ctx, h, t, l); err != nil {
				return fmt.Errorf("look whether %s holds ids of %s.%s: %w", l.table, t.Schema, t.Name, err)
			}
		}
		if ok {
			t.Children = append(t.Children, l.table)
		}
	}
	return nil
}

// mostLinks bounds the columns that are looked at.
const mostLinks = 40

func candidates(ctx context.Context, h *mysql.Hand, t *remedy.Table) ([]link, error) {
	leads, err := leading(ctx, h, t.Schema)
	if err != nil {
		return nil, err
	}
	rows, err := h.Named(ctx, `SELECT TABLE_NAME AS tab, COLUMN_NAME AS col FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME <> ?
AND DATA_TYPE IN ('int','bigint','mediumint','smallint') AND COLUMN_NAME LIKE '%id' AND EXTRA NOT LIKE '%auto_increment%' LIMIT 5000`, t.Schema, t.Name)
	if err != nil {
		return nil, err
	}
	var out []link
	for _, row := range rows {
		l := link{table: row["tab"], column: row["col"], indexed: leads[row["tab"]+"."+row["col"]]}
		word := beforeID(l.column)
		l.named = slices.Contains(singulars(t.Name), word)
		if word == "" || !l.named && (!l.indexed || !beside(t.Name, l.table)) {
			continue
		}
		if out = append(out, l); len(out) == mostLinks {
			break
		}
	}
	return out, nil
}

// leading are the columns, as table.column, that an index of the schema begins
// with: their first and last value are read without a scan.
func leading(ctx context.Context, h *mysql.Hand, schema string) (map[string]bool, error) {
	rows, err := h.Named(ctx, "SELECT TABLE_NAME AS tab, COLUMN_NAME AS col FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND SEQ_IN_INDEX = 1 AND INDEX_TYPE = 'BTREE' AND COLUMN_NAME LIKE '%id' LIMIT 5000", schema)
	out := make(map[string]bool, len(rows))
	for _, row := range rows {
		out[row["tab"]+"."+row["col"]] = true
	}
	return out, err
}

// beforeID is what stands before "_id" or "id"; "" for a column that is just id.
func beforeID(column string) string {
	low := strings.ToLower(column)
	low = strings.TrimSuffix(low, "id")
	return strings.TrimSuffix(low, "_")
}

// singulars are the words that name one row of a table: of wp_simple_history they
// are history, simple_history and wp_simple_history; of …_logs log, too.
func singulars(table string) []string {
	low := strings.ToLower(table)
	var out []string
	for {
		out = append(out, low)
		switch {
		case strings.HasSuffix(low, "ies"):
			out = append(out, strings.TrimSuffix(low, "ies")+"y")
		case strings.HasSuffix(low, "ses") || strings.HasSuffix(low, "xes") || strings.HasSuffix(low, "ches"):
			out = append(out, strings.TrimSuffix(low, "es"), strings.TrimSuffix(low, "s"))
		case strings.HasSuffix(low, "s"):
			out = append(out, strings.TrimSuffix(low, "s"))
		}
		_, rest, more := strings.Cut(low, "_")
		if !more || rest == "" {
			return out
		}
		low = rest
	}
}

// beside reports whether a table's name is that of the parent and something more,
// or that with the parent's last word replaced by meta.
func beside(parent, table string) bool {
	p, low := strings.ToLower(parent), strings.ToLower(table)
	for _, s := range []string{p, strings.TrimSuffix(p, "s")} {
		if strings.HasPrefix(low, s+"_") || low == s+"meta" {
			return true
		}
	}
	i := strings.LastIndexByte(p, '_')
	return i > 0 && (low == p[:i]+"_meta" || low == p[:i]+"_metadata")
}

// among reports whether the ends of an indexed column lie among the keys. An
// empty column says nothing against it: the name then decides. Rows of the table
// that are gone leave their ids behind, so the lower end alone may lie below.
func among(ctx context.Context, h *mysql.Hand, t *remedy.Table, l link) (bool, error) {
	if err := inTime(ctx); err != nil {
		return false, err
	}
	c := remedy.Ident(l.column)
	on := remedy.On{Schema: t.Schema}
	rows, err := h.Named(ctx, fmt.Sprintf("SELECT MIN(%s) AS lo, MAX(%s) AS hi FROM %s WHERE %s > 0", c, c, on.Sibling(l.table), c))
	if err != nil {
		if h.Lost() {
			return false, err
		}
		return l.named, nil // not to be read: the name stays
	}
	if len(rows) == 0 || rows[0]["hi"] == "" {
		return l.named, nil
	}
	hi, ok := integer(rows[0]["hi"])
	return ok && hi >= t.MinKey && hi <= t.MaxKey, nil
}
