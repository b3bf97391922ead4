// Package survey reads of a server and one of its tables what a plan has to
// know before anything is changed.
//
// It only reads. Each of its statements is bounded by the server and by a small
// LIMIT, and none scans: rows are counted by samples of the primary key, sizes
// come from some two hundred rows, whose values never leave memory. What could
// not be read is named with its reason, so that a plan can refuse instead of
// guessing. Its sessions are of their own: see SetUp.
package survey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
)

// AnswerLimit is the timeout to open a Hand of a survey with: a little more than
// what the server itself allows one statement.
const AnswerLimit = 10 * time.Second

// SetUp is what to open a Hand with that a survey reads over: no statement takes
// longer than 2 s or waits for a lock longer than 1 s; moments of transactions
// are in the system's zone; counts of MySQL are not a day old.
func SetUp() []string {
	return []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SET SESSION time_zone='SYSTEM', lock_wait_timeout=1, innodb_lock_wait_timeout=1, autocommit=1, long_query_time=60" +
			" /*!50708 , max_execution_time=2000 */ /*!80000 , information_schema_stats_expiry=0 */ /*M!100101 , max_statement_time=2 */",
	}
}

// Want says what to read.
type Want struct {
	Instance  string // name of the server in the facts
	Schema    string
	Table     string         // "" : the server alone
	Column    string         // that dates the table's rows; "" : it is not known
	Doomed    *remedy.Doomed // the rows that are to go; nil: not known yet, see Weigh
	Statement string         // the accused statement with its literals; "" : that of Doomed
	// Free is the room on the file system of a path, -1 unknown; nil: nothing is asked.
	Free func(path string) int64
}

// Result is what was read. A part that could not be is nil, or has its reason in
// Unread, or both.
type Result struct {
	Server *remedy.Server
	Table  *remedy.Table
	Dirs   Dirs
	// Unread is the reason in English by part: "database", "replication", "rights",
	// "sessions", "table", "growth", "children", "plan", "size", "doomed".
	Unread map[string]string
}

// Dirs are directories as the server words them; "" unknown, or there is none.
type Dirs struct {
	Data   string
	Tmp    string // where DDL in place sorts
	Binlog string // "" without a binary log
}

// budget bounds the whole of a survey: on a server that is starved of CPU each of
// its some 200 statements may take a third of a second. lastly is what is left
// when nothing more is begun, because a statement that is cut off by the context
// costs the connection.
const (
	budget = 45 * time.Second
	lastly = 3 * time.Second
)

// errLate says that the time of a survey is over.
var errLate = errors.New("the server answers too slowly to be asked more")

// inTime returns errLate where too little is left for one more statement.
func inTime(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < lastly {
		return errLate
	}
	return ctx.Err()
}

// Read reads the server, and the table if one is named. It takes h for itself,
// opened with SetUp. It returns an error only where the server could not be read
// at all; the rest is in Unread. The table is nil where there is none of that
// name, or where its form, keys, triggers or foreign keys stay unknown: nothing
// may be deleted then.
func Read(ctx context.Context, h *mysql.Hand, want Want) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	r := Result{Unread: map[string]string{}}
	c, err := h.Reader(ctx)
	if err != nil {
		return r, fmt.Errorf("survey the server: %w", err)
	}
	if err := r.server(ctx, h, want); err != nil {
		return r, err
	}
	ours := r.sessions(ctx, h, c, want)
	if want.Table == "" {
		return r, ctx.Err()
	}
	t, err := readTable(ctx, h, c, want, r.Server)
	ddl := altered(ours, want)
	if err != nil {
		r.Unread["table"] = err.Error()
		if ddl != 0 {
			r.Unread["table"] = fmt.Sprintf("session %d changes its form: %v", ddl, err) // and keeps readers of its form waiting
		}
		return r, lostError(h, err)
	}
	t.Ddl = ddl != 0
	r.Table = t
	return r, lostError(h, r.measure(ctx, h, c, want))
}

// measure adds to the table what is found by probes. None of it is needed to
// plan something, so what fails is only told.
func (r *Result) measure(ctx context.Context, h *mysql.Hand, c *mysql.Conn, want Want) error {
	t := r.Table
	for _, part := range []struct {
		name string
		read func() error
	}{ // what a plan can least do without comes first
		{"growth", func() error { return readGrowth(ctx, h, c, t, want) }},
		{"children", func() error { return readChildren(ctx, h, t) }},
		{"plan", func() error { return readPlan(ctx, h, t, want) }},
		{"size", func() error { return readSizes(ctx, h, t) }},
		{"doomed", func() error { return weighWanted(ctx, h, t, want) }},
	} {
		err := inTime(ctx)
		if err == nil {
			err = part.read()
		}
		if err != nil {
			r.Unread[part.name] = err.Error()
		}
		if err := lostError(h, err); err != nil {
			return err
		}
	}
	return nil
}

func weighWanted(ctx context.Context, h *mysql.Hand, t *remedy.Table, want Want) error {
	if want.Doomed == nil {
		return nil
	}
	return Weigh(ctx, h, t, *want.Doomed)
}

// lostError is err if it has cost the connection: nothing more can be read.
func lostError(h *mysql.Hand, err error) error {
	if err != nil && h.Lost() {
		return fmt.Errorf("survey the server: %w", err)
	}
	return nil
}
