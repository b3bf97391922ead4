package change

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// mostStall is the bound of the product: nobody waits longer because of us.
const mostStall = 3 * time.Second

// privately is the way to a private server, as root over its socket.
func privately(s *mysqltest.Server) Server {
	return Server{Open: func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
		return mysql.OpenHand(ctx, mysql.Target{Socket: s.Socket}, []mysql.Credential{{User: "root", From: "test"}}, timeout, setUp...)
	}}
}

// logbook is the work of one step, with what it noted and told.
type logbook struct {
	*apply.Work
	mu    sync.Mutex
	notes []json.RawMessage
	told  []apply.Progress
	each  func(apply.Progress) // called with each thing told; may be nil
}

func newLogbook(state json.RawMessage) *logbook {
	l := &logbook{}
	l.Work = apply.NewWork(state, func(s any) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.notes = append(l.notes, s.(json.RawMessage))
		return nil
	}, nil, func(p apply.Progress) {
		l.mu.Lock()
		l.told = append(l.told, p)
		each := l.each
		l.mu.Unlock()
		if each != nil {
			each(p)
		}
	}, time.Now)
	return l
}

// waits are the codes of why it waited, each once.
func (l *logbook) waits() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]bool{}
	for _, p := range l.told {
		out[p.Wait] = true
	}
	return out
}

// visitors read and write a table all the time and remember their longest wait.
type visitors struct {
	stop    context.CancelFunc
	ended   sync.WaitGroup
	mu      sync.Mutex
	longest time.Duration
	which   string
	count   int
	err     error
}

func visit(t *testing.T, s *mysqltest.Server, texts ...string) *visitors {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	v := &visitors{stop: stop}
	for _, text := range texts {
		conn := s.Session(t, "site")
		v.ended.Go(func() { v.run(ctx, conn, text) })
	}
	t.Cleanup(func() { v.end() })
	return v
}

func (v *visitors) run(ctx context.Context, conn *sql.Conn, text string) {
	for ctx.Err() == nil {
		began := time.Now()
		_, err := conn.ExecContext(context.Background(), text)
		took := time.Since(began)
		v.mu.Lock()
		if took > v.longest {
			v.longest, v.which = took, text
		}
		v.count++
		if err != nil && v.err == nil {
			v.err = err
		}
		v.mu.Unlock()
		if pause(ctx, 5*time.Millisecond) != nil {
			return
		}
	}
}

func (v *visitors) end() { v.stop(); v.ended.Wait() }

// unharmed ends them and fails the test where one waited too long.
func (v *visitors) unharmed(t *testing.T) {
	t.Helper()
	v.end()
	if v.err != nil {
		t.Errorf("a visitor got an error: %v", v.err)
	}
	if v.longest >= mostStall || v.count == 0 {
		t.Errorf("got a visitor's wait of %s of %d visits (%s), want less than %s", v.longest, v.count, v.which, mostStall)
	}
	t.Logf("%d visits, longest wait %s (%s)", v.count, v.longest, v.which)
}

// visit of the audit log: one reader, one writer.
var auditVisits = []string{
	"SELECT level FROM site.wp_audit_log WHERE id = 7",
	"INSERT INTO site.wp_audit_log (username, level, stacktrace, created) VALUES ('v', 'info', 'x', UNIX_TIMESTAMP())",
}

var auditOn = remedy.On{Schema: "site", Table: "wp_audit_log"}

func execute(t *testing.T, conn *sql.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// scalar reads one value as a text; "" where there is no row or it is NULL.
func scalar(t *testing.T, s *mysqltest.Server, text string, args ...any) string {
	t.Helper()
	db := s.DB(t, "")
	defer db.Close()
	var out sql.NullString
	if err := db.QueryRow(text, args...).Scan(&out); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: %v", text, err)
	}
	return out.String
}

// busy reports whether a session runs a statement that is like the pattern.
func busy(t *testing.T, s *mysqltest.Server, like string) bool {
	t.Helper()
	return scalar(t, s, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND COMMAND<>'Sleep' AND ID<>CONNECTION_ID()", like) != "0"
}

// background runs a statement on a session of its own; its end is in the channel.
func background(t *testing.T, s *mysqltest.Server, text string) <-chan error {
	t.Helper()
	conn, end := s.Session(t, "site"), make(chan error, 1)
	go func() { _, err := conn.ExecContext(context.Background(), text); end <- err }()
	return end
}

// onMariaDB tells the flavours apart: the tests of this package that begin with
// a server run on both.
func onMariaDB(t *testing.T, s *mysqltest.Server) bool {
	t.Helper()
	return strings.Contains(scalar(t, s, "SELECT VERSION()"), "MariaDB")
}

// makeAudit makes the audit log anew, as Server.AuditLog does, on any server.
func makeAudit(t *testing.T, s *mysqltest.Server, n int) {
	t.Helper()
	s.Exec(t, "DROP DATABASE IF EXISTS site", "CREATE DATABASE site", `CREATE TABLE site.wp_audit_log (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(60),
level VARCHAR(25), stacktrace TEXT, created INT UNSIGNED NULL, KEY level (level)) ENGINE=InnoDB`)
	fill(t, s, "INSERT INTO site.wp_audit_log (username, level, stacktrace, created) VALUES ", n, func(i int) string {
		return fmt.Sprintf("('u%d', 'warning', REPEAT('x', 300), UNIX_TIMESTAMP() - %d)", i, (n-i)*60)
	})
}

// fill inserts rows 1 to n.
func fill(t *testing.T, s *mysqltest.Server, insert string, n int, row func(int) string) {
	t.Helper()
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if b.Len() == 0 {
			b.WriteString(insert + row(i))
		} else {
			b.WriteString(", " + row(i))
		}
		if i%5000 == 0 || i == n {
			s.Exec(t, b.String())
			b.Reset()
		}
	}
}
