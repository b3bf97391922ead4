package mysql

import (
	"context"
	"fmt"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

// Reader is h as a Conn, for what a Conn reads: sessions, transactions, who waits
// for whom, tables, growth. It finds out what the account may see, and moves the
// session to the system's time zone; its bounds stay those of h. It is the same
// connection: use one at a time, and ask again after a Reopen.
func (h *Hand) Reader(ctx context.Context) (*Conn, error) {
	if h.Lost() {
		return nil, ErrDown
	}
	if err := h.s.exec(ctx, "SET SESSION time_zone=@@global.time_zone"); err != nil {
		return nil, fmt.Errorf("set the session's time zone: %w", err)
	}
	if err := h.s.learn(ctx); err != nil {
		return nil, err
	}
	return &h.s.Conn, nil
}

// SeesSessions reports whether the account has the right PROCESS.
func (c *Conn) SeesSessions() bool { return c.can.process }

// SeesPerformanceSchema reports whether the account may read performance_schema,
// and the server keeps it.
func (c *Conn) SeesPerformanceSchema() bool { return c.can.perfSchema }

// Explained says how the server would read the tables of a statement, the most
// rows first; names without a schema are those of schema. It never executes the
// statement: it takes SELECT, UPDATE, DELETE and INSERT … SELECT alone, and
// returns ErrNoPlan for anything else, and where the server refuses. Where the
// account may not delete, a DELETE from one table is explained as the SELECT
// that reads the same rows.
func (h *Hand) Explained(ctx context.Context, schema, text string) ([]evidence.Plan, error) {
	if h.Lost() {
		return nil, ErrDown
	}
	r := Running{Text: text, Parsed: sqltext.Parse(text)}
	r.Digest, r.Verb = r.Parsed.Digest, r.Parsed.Verb
	if !explainable(r) {
		return nil, ErrNoPlan
	}
	if schema != "" && r.Parsed.Schema == "" {
		if err := h.s.exec(ctx, "USE "+ident(schema)); err != nil {
			return nil, fmt.Errorf("explain in %s: %w: %w", schema, ErrNoPlan, err)
		}
	}
	if err := h.s.exec(ctx, ExplainAs); err != nil {
		return nil, err
	}
	verb := "EXPLAIN "
	if !h.MariaDB() {
		verb = "EXPLAIN FORMAT=TRADITIONAL "
	}
	ps, err := h.s.plan(ctx, verb+text, r, false)
	if again, ok := asSelect(text); ok && refused(err) {
		ps, err = h.s.plan(ctx, verb+again, r, false)
	}
	if number(err) != 0 {
		err = fmt.Errorf("%w: error %d", ErrNoPlan, number(err)) // the server's words may quote the text
	}
	return ps, err
}

// Refused reports whether a right was missing for one query.
func Refused(err error) bool { return refused(err) }

// FileName is a table's name as InnoDB keeps it: schema/table, with what is no
// ASCII letter, digit or _ written as @ and four hex digits.
func FileName(schema, table string) string { return fileName(schema) + "/" + fileName(table) }

// NameOfFile undoes FileName for one of its two parts.
func NameOfFile(s string) string { return tableOfFile(s) }
