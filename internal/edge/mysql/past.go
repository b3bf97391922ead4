package mysql

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

// SlowLog is where a server writes its slow log now.
type SlowLog struct {
	On   bool
	File string // absolute; empty where it is not written to a file
}

// SlowLog asks the server for its slow log: it may have been moved since the
// start. Source: SHOW GLOBAL VARIABLES.
func (c *Conn) SlowLog(ctx context.Context) (SlowLog, error) {
	v, err := c.pairs(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('slow_query_log','slow_query_log_file','log_output','datadir')")
	if err != nil {
		return SlowLog{}, fmt.Errorf("read the server's variables: %w", err)
	}
	l := SlowLog{On: v.on("slow_query_log"), File: v["slow_query_log_file"]}
	if l.File != "" && !filepath.IsAbs(l.File) {
		l.File = filepath.Join(v["datadir"], l.File)
	}
	return l, nil
}

// ExplainPast returns how the server would read the tables of a statement that
// is over or was never run, the most rows first. It explains what Explain
// does, and never executes the statement.
func (c *Conn) ExplainPast(ctx context.Context, schema, text string) ([]evidence.Plan, error) {
	p := sqltext.Parse(text)
	r := Running{Text: text, Parsed: p, Statement: evidence.Statement{Schema: schema, Digest: p.Digest, Verb: p.Verb, Table: p.Table}}
	if !explainable(r) {
		return nil, ErrNoPlan
	}
	return c.explainText(ctx, r)
}

// purgeAge is the age by which a clean-up that nobody has seen is asked about.
const purgeAge = 90 * 24 * time.Hour

// ExplainByAge returns the plan of a DELETE of the rows of a table that are older
// than three months by a column, which is never run, with its filter. It says
// whether an index serves any clean-up by age.
func (c *Conn) ExplainByAge(ctx context.Context, schema, table, column string, now time.Time) (evidence.Filter, []evidence.Plan, error) {
	var typ string
	err := c.one(ctx, &typ, "SELECT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_NAME = ?", schema, table, column)
	if err != nil || typ == "" {
		return evidence.Filter{}, nil, errors.Join(ErrNoPlan, err)
	}
	cutoff := now.Add(-purgeAge)
	literal := fmt.Sprintf("'%s'", cutoff.UTC().Format(time.DateTime))
	if col, _ := asTime(column, typ, 0); col.expr == "FLOOR("+ident(column)+")" {
		literal = fmt.Sprint(cutoff.Unix())
	}
	text := fmt.Sprintf("DELETE FROM %s.%s WHERE %s < %s", ident(schema), ident(table), ident(column), literal)
	plans, err := c.ExplainPast(ctx, schema, text)
	f := sqltext.Parse(text).Filter
	f.DB, f.Schema, f.CutoffUnixS = c.target.Instance, schema, 0 // nobody has run it
	return f, plans, err
}
