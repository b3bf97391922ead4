package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/sqltext"
)

// maxText bounds the text of a statement that is read, in characters. A shape
// shows in its beginning; a plugin's INSERT can be megabytes.
const maxText = 4096

// Running is a statement with what must not leave this process: its text.
type Running struct {
	evidence.Statement
	Text   string // with its literals; cut at 4096 characters
	Parsed sqltext.Statement
	// Asks is set for a question of hirune itself, on another of its connections. What
	// it changes is work like any other.
	Asks    bool
	session string // the session's own schema, whatever the text names
}

// Sessions is what the server is doing at one moment.
type Sessions struct {
	Running  []Running // longest first; the own connection left out
	Sleeping map[uint64]Sleeper
}

// Sleeper is a session that runs no statement.
type Sleeper struct {
	User   string
	Schema string
	IdleMs int64
}

// Sessions returns what the server is running now and who sleeps. Without the
// right PROCESS it shows the account's own sessions only: see Missing.
// Source: information_schema.PROCESSLIST or performance_schema.processlist.
func (c *Conn) Sessions(ctx context.Context) (Sessions, error) {
	s := Sessions{Sleeping: map[uint64]Sleeper{}}
	var err error
	if c.flavour == MariaDB {
		err = c.sessionsMariaDB(ctx, &s)
	} else {
		err = c.sessionsMySQL(ctx, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read the list of statements: %w", err)
	}
	sort.SliceStable(s.Running, func(i, j int) bool { return s.Running[i].RunningMs > s.Running[j].RunningMs })
	c.noteLockers(s)
	return s, nil
}

// noteLockers remembers which sessions were seen to ask for a lock that outlasts
// the statement: when they have it they sleep, and nothing tells any more.
func (c *Conn) noteLockers(s Sessions) {
	if c.lockers == nil {
		c.lockers = map[uint64]string{}
	}
	there := map[uint64]bool{}
	for _, r := range s.Running {
		there[r.ConnID] = true
		switch {
		case r.Verb == "LOCK" || r.Verb == "FLUSH" || r.Verb == "BACKUP":
			c.lockers[r.ConnID] = r.Verb
		case r.Verb == "SELECT" && strings.Contains(strings.ToUpper(r.Text), "GET_LOCK"):
			c.lockers[r.ConnID] = "GET_LOCK"
		case r.Verb == "UNLOCK":
			delete(c.lockers, r.ConnID)
		}
	}
	for id := range c.lockers {
		if _, sleeps := s.Sleeping[id]; !sleeps && !there[id] {
			delete(c.lockers, id)
		}
	}
}

// sessionsMariaDB asks SHOW PROCESSLIST first: it costs the server a tenth of
// the table, which it builds on disk each time, and mostly nothing runs.
func (c *Conn) sessionsMariaDB(ctx context.Context, s *Sessions) error {
	busy := false
	err := c.query(ctx, func(scan func(...any) error) error {
		var id uint64
		var secs sql.NullInt64
		var user, command string
		var schema sql.NullString
		var skip sql.RawBytes
		if err := scan(&id, &user, &skip, &schema, &command, &secs, &skip, &skip, &skip); err != nil {
			return err
		}
		s.sort(id, user, clean(schema.String), command, secs.Int64*1000)
		busy = busy || id != c.id && works(command)
		return nil
	}, "SHOW PROCESSLIST")
	if err != nil || !busy {
		return err
	}
	return c.query(ctx, func(scan func(...any) error) error {
		var r Running
		var ms float64
		var schema, state, text sql.NullString
		if err := scan(&r.ConnID, &r.User, &schema, &r.Command, &state, &ms, &text, &r.RowsRead, &r.QueryID); err != nil {
			return err
		}
		r.RunningMs = int64(ms)
		s.add(c, r, schema.String, state.String, text.String)
		return nil
	}, fmt.Sprintf(`SELECT ID, USER, DB, COMMAND, STATE, TIME_MS, LEFT(INFO, %d), EXAMINED_ROWS, QUERY_ID
FROM information_schema.PROCESSLIST WHERE COMMAND NOT IN ('Sleep','Daemon') AND ID <> %d`, maxText, c.id))
}

func (c *Conn) sessionsMySQL(ctx context.Context, s *Sessions) error {
	from := "information_schema.PROCESSLIST"
	if c.perfSchema && c.atLeast(8, 0, 22) {
		from = "performance_schema.processlist"
	}
	err := c.query(ctx, func(scan func(...any) error) error {
		r := Running{Statement: evidence.Statement{RowsRead: -1}}
		var secs sql.NullInt64
		var user, schema, command, state, text sql.NullString
		if err := scan(&r.ConnID, &user, &schema, &command, &state, &secs, &text); err != nil {
			return err
		}
		r.User, r.Command, r.RunningMs = user.String, command.String, max(0, secs.Int64)*1000
		s.sort(r.ConnID, r.User, clean(schema.String), r.Command, r.RunningMs)
		if r.ConnID != c.id && works(r.Command) {
			s.add(c, r, schema.String, state.String, text.String)
		}
		return nil
	}, fmt.Sprintf("SELECT ID, USER, DB, COMMAND, STATE, TIME, LEFT(INFO, %d) FROM %s", maxText, from))
	if err != nil {
		return err
	}
	return c.examined(ctx, s)
}

// examined adds the exact time and the rows examined so far, where a statement
// has run for a second and performance_schema may be read.
func (c *Conn) examined(ctx context.Context, s *Sessions) error {
	at := map[uint64]*Running{}
	for i := range s.Running {
		if s.Running[i].RunningMs >= 1000 {
			at[s.Running[i].ConnID] = &s.Running[i]
		}
	}
	if len(at) == 0 || !c.can.perfSchema {
		return nil
	}
	return c.query(ctx, func(scan func(...any) error) error {
		var id uint64
		var ms, rows int64
		if err := scan(&id, &ms, &rows); err != nil {
			return err
		}
		if r := at[id]; r != nil {
			r.RunningMs, r.RowsRead = ms, rows
		}
		return nil
	}, `SELECT t.PROCESSLIST_ID, e.TIMER_WAIT DIV 1000000000, e.ROWS_EXAMINED FROM performance_schema.events_statements_current e
JOIN performance_schema.threads t USING (THREAD_ID) WHERE t.PROCESSLIST_ID IS NOT NULL AND e.END_EVENT_ID IS NULL AND e.NESTING_EVENT_LEVEL = 0 AND e.TIMER_WAIT > 0`)
}

// sort notes a sleeping session.
func (s *Sessions) sort(id uint64, user, schema, command string, ms int64) {
	if command == "Sleep" {
		s.Sleeping[id] = Sleeper{User: user, Schema: schema, IdleMs: ms}
	}
}

// works reports whether a session's command is work: not sleep, not a thread
// of the server that always is there.
func works(command string) bool {
	switch command {
	case "Sleep", "Daemon", "Slave_IO", "":
		return false
	}
	return !strings.HasPrefix(command, "Binlog Dump")
}

func (s *Sessions) add(c *Conn, r Running, schema, state, text string) {
	if !works(r.Command) {
		return
	}
	r.DB, r.State, r.Text = c.target.Instance, clean(state), text
	r.Schema = clean(schema)
	r.session, r.Asks = r.Schema, asks(text)
	r.Parsed = sqltext.Parse(text)
	r.Digest, r.Verb, r.Table = r.Parsed.Digest, r.Parsed.Verb, r.Parsed.Table
	if r.Parsed.Schema != "" {
		r.Schema = r.Parsed.Schema
	}
	if r.RowsRead == 0 && r.Verb == "SELECT" && c.flavour == MariaDB {
		r.RowsRead = -1 // MariaDB counts for DELETE and UPDATE only while they run
	}
	s.Running = append(s.Running, r)
}

// asks reports whether a text reads only and has hirune's mark.
func asks(text string) bool {
	rest, ours := strings.CutPrefix(text, marker)
	return ours && (strings.HasPrefix(rest, "SELECT ") || strings.HasPrefix(rest, "SHOW "))
}

// clean takes control characters out of a server's word.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
