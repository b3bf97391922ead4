package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

// ErrNoPlan says that a plan cannot be had: the statement has ended, is of a
// kind that is not explained, or the account may not.
var ErrNoPlan = errors.New("no plan")

// Explain returns how the server reads the tables of a statement that runs,
// the most rows first; if that is over or not allowed, how it would read them
// for the same text. It never uses a form that executes the statement, and
// explains only SELECT, UPDATE, DELETE, INSERT and REPLACE … SELECT.
func (c *Conn) Explain(ctx context.Context, r Running) ([]evidence.Plan, error) {
	if !explainable(r) {
		return nil, ErrNoPlan
	}
	text := fmt.Sprintf("SHOW EXPLAIN FOR %d", r.ConnID)
	if c.flavour == MySQL {
		text = fmt.Sprintf("EXPLAIN FORMAT=TRADITIONAL FOR CONNECTION %d", r.ConnID)
	}
	ps, err := c.plan(ctx, text, r, true)
	if err == nil && len(ps) > 0 {
		return ps, nil
	}
	if c.Lost() {
		return nil, err
	}
	return c.explainText(ctx, r)
}

// ExplainAs goes before the EXPLAIN of a statement that writes, and holds for that
// one alone: where the binary log is in statements, servers refuse even to
// explain one under READ COMMITTED, by error 1665.
const ExplainAs = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"

// explainable leaves out all that an EXPLAIN could execute or that is cut off.
func explainable(r Running) bool {
	if r.Text == "" || len(r.Text) >= maxText || strings.Contains(strings.TrimRight(r.Text, "; \n"), ";") {
		return false
	}
	switch r.Verb {
	case "SELECT", "UPDATE", "DELETE":
	case "INSERT", "REPLACE":
		if !strings.Contains(r.Digest, "SELECT") {
			return false
		}
	default:
		return false
	}
	first := strings.ToUpper(strings.TrimLeft(r.Text, "( \t\r\n"))
	return slices.ContainsFunc([]string{"SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE"}, func(v string) bool { return strings.HasPrefix(first, v) })
}

// explainText explains the text itself. The session is opened for writing for
// that one statement, because servers refuse to explain a DELETE in a
// read-only one.
func (c *Conn) explainText(ctx context.Context, r Running) (ps []evidence.Plan, err error) {
	if r.Schema != "" && r.Parsed.Schema == "" {
		if err := c.exec(ctx, "USE "+ident(r.Schema)); err != nil {
			return nil, fmt.Errorf("explain in %s: %w: %w", r.Schema, ErrNoPlan, err)
		}
	}
	if r.Verb != "SELECT" {
		if err := c.exec(ctx, "SET SESSION TRANSACTION READ WRITE"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, c.exec(ctx, "SET SESSION TRANSACTION READ ONLY")) }()
		if err := c.exec(ctx, ExplainAs); err != nil {
			return nil, err
		}
	}
	verb := "EXPLAIN "
	if c.flavour == MySQL {
		verb = "EXPLAIN FORMAT=TRADITIONAL "
	}
	ps, err = c.plan(ctx, verb+r.Text, r, false)
	if text, ok := asSelect(r.Text); ok && refused(err) {
		ps, err = c.plan(ctx, verb+text, r, false)
	}
	if number(err) != 0 {
		err = fmt.Errorf("%w: error %d", ErrNoPlan, number(err)) // the server's words may quote the text
	}
	return ps, err
}

// plainDelete is the beginning of a DELETE from one table.
var plainDelete = regexp.MustCompile(`(?i)^\s*DELETE\s+(?:(?:LOW_PRIORITY|QUICK|IGNORE)\s+)*FROM\s+([^\s,]+)\s+WHERE\s`)

// asSelect turns a DELETE from one table into the SELECT that reads the same
// rows: an account that can only read may have that explained.
func asSelect(text string) (string, bool) {
	m := plainDelete.FindStringSubmatchIndex(text)
	if m == nil {
		return "", false
	}
	return "SELECT * FROM " + text[m[2]:], true
}

// plan reads the rows of an EXPLAIN by the names of their columns.
func (c *Conn) plan(ctx context.Context, text string, r Running, running bool) ([]evidence.Plan, error) {
	var out []evidence.Plan
	rows, err := c.named(ctx, text)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		p := evidence.Plan{DB: c.target.Instance, Digest: r.Digest, Table: tableOf(row["table"], r.Parsed), Access: row["type"],
			Key: row["key"], Keys: row["possible_keys"], Extra: row["extra"], Running: running}
		if running {
			p.ConnID = r.ConnID
		}
		if p.Table == "" || p.Access == "" {
			continue
		}
		if n, err := strconv.ParseInt(row["rows"], 10, 64); err == nil {
			p.Rows = n
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b evidence.Plan) int { return int(min(1, max(-1, b.Rows-a.Rows))) })
	return out[:min(len(out), 4)], nil
}

// tableOf turns an alias into the table's name.
func tableOf(name string, s sqltext.Statement) string {
	if t := s.Aliases[strings.ToLower(name)]; t != "" {
		return t
	}
	return name
}

// named reads rows as maps from the column's name in lower case; NULL is "".
func (c *Conn) named(ctx context.Context, text string, args ...any) ([]map[string]string, error) {
	if c.conn == nil {
		return nil, ErrDown
	}
	c.asked++
	rows, err := c.conn.QueryContext(ctx, marker+text, args...)
	if err != nil {
		return nil, c.failed(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []map[string]string
	for rows.Next() {
		vals, dst := make([]*string, len(cols)), make([]any, len(cols))
		for i := range vals {
			dst[i] = &vals[i]
		}
		if err := rows.Scan(dst...); err != nil {
			return nil, err
		}
		row := map[string]string{}
		for i, v := range vals {
			if v != nil {
				row[strings.ToLower(cols[i])] = *v
			}
		}
		out = append(out, row)
	}
	return out, c.failed(rows.Err())
}
