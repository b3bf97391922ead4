package past

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/mysql/sqltext"
	"hirune/internal/edge/slowlog"
)

// Bounds of what is kept of a slow log, some 10 MB in all.
const (
	slowBytes  = 256 << 20   // text read, the youngest
	slowLeast  = time.Second // statements that took less are counted only
	slowMost   = 6000        // statements that are kept, the longest
	shapesMost = 2000        // shapes that are told apart
	shapesTold = 40          // of them, those that took most time
)

// Statements is what a slow log tells. It holds the texts of the worst
// statements with their literals: Shapes must not be written down anywhere.
type Statements struct {
	Records []evidence.Record // evidence.Statement at its end, and evidence.Filter
	Shapes  []Shape           // the worst, by their time together
	Seen    int               // entries in the time that was looked at
	Skipped int               // torn entries
}

// Shape is a kind of statement, by the execution that took longest.
type Shape struct {
	DB, Schema, Digest, Verb, Table string
	Text                            string // with its literals
	Ended                           time.Time
	Longest, Together               time.Duration
	Times                           int
	parsed                          sqltext.Statement
}

// slowTally gathers.
type slowTally struct {
	db     string
	in     In
	out    Statements
	kept   []evidence.Record
	shapes map[string]*Shape
}

// ReadSlowLog reads the slow log at a path with the files that it was rotated
// to. db names the server. What could be read is returned with the error.
func ReadSlowLog(ctx context.Context, db, path string, in In) (Statements, error) {
	t := slowTally{db: db, in: in, shapes: map[string]*Shape{}}
	r := slowlog.NewReader(in.Zone, t.add)
	err := accesslog.Past(ctx, path, in.Since, slowBytes, r.Line)
	r.End()
	if err != nil {
		err = fmt.Errorf("read the slow log %s: %w", path, err)
	}
	t.out.Skipped = r.Skipped()
	return t.done(), err
}

func (t *slowTally) add(e slowlog.Entry) {
	if !t.in.holds(e.Ended) || e.Admin || len(e.Text) == 0 {
		return
	}
	t.out.Seen++
	if e.Took < slowLeast {
		return
	}
	p := sqltext.Parse(string(e.Text))
	schema := cmp.Or(p.Schema, e.Schema)
	s := t.shape(schema, p)
	if s == nil {
		return
	}
	s.Times++
	s.Together += e.Took
	if e.Took > s.Longest {
		s.Longest, s.Text, s.Ended, s.parsed = e.Took, string(e.Text), e.Ended, p
	}
	read := e.Examined
	if p.Verb == "DELETE" && read == 0 {
		read = max(e.Affected, -1) // MariaDB counts what a DELETE finds by its index elsewhere
	}
	t.kept = append(t.kept, evidence.Record{At: e.Ended, Source: "slowlog", Fact: evidence.Statement{
		DB: t.db, ConnID: e.ConnID, User: e.User, Schema: schema, Command: evidence.CommandLogged, RunningMs: e.Took.Milliseconds(),
		Digest: s.Digest, Verb: s.Verb, Table: s.Table, RowsRead: read,
	}})
	if len(t.kept) >= 2*slowMost {
		t.thin()
	}
}

// shape finds the kind of a statement; nil where there are too many kinds.
func (t *slowTally) shape(schema string, p sqltext.Statement) *Shape {
	k := schema + "\x00" + p.Digest
	s := t.shapes[k]
	if s == nil && len(t.shapes) < shapesMost {
		s = &Shape{DB: t.db, Schema: schema, Digest: p.Digest, Verb: p.Verb, Table: p.Table}
		t.shapes[k] = s
	}
	return s
}

// thin keeps the longest.
func (t *slowTally) thin() {
	slices.SortStableFunc(t.kept, func(a, b evidence.Record) int {
		return cmp.Compare(b.Fact.(evidence.Statement).RunningMs, a.Fact.(evidence.Statement).RunningMs)
	})
	t.kept = t.kept[:min(len(t.kept), slowMost)]
}

func (t *slowTally) done() Statements {
	t.thin()
	t.out.Records = t.kept
	for _, s := range t.shapes {
		t.out.Shapes = append(t.out.Shapes, *s)
	}
	slices.SortFunc(t.out.Shapes, func(a, b Shape) int {
		return cmp.Or(cmp.Compare(b.Together, a.Together), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Schema, b.Schema))
	})
	t.out.Shapes = t.out.Shapes[:min(len(t.out.Shapes), shapesTold)]
	for _, s := range t.out.Shapes {
		f := s.parsed.Filter
		if f.Table == "" {
			continue
		}
		f.DB, f.Schema = s.DB, s.Schema
		t.out.Records = append(t.out.Records, evidence.Record{At: s.Ended, Source: "slowlog", Fact: f})
	}
	return t.out
}
