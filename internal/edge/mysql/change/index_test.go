package change

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

func addIndex(d Index, tries int, columns ...string) remedy.AddIndex {
	h, err := d.openEye(context.Background())
	if err != nil {
		panic(err)
	}
	defer h.Close()
	return remedy.AddIndex{On: auditOn, Index: "hirune_created", Columns: columns, MariaDB: h.MariaDB(), Stall: time.Second, Budget: 20 * time.Second, Tries: tries}
}

func TestIndex(t *testing.T) {
	s := mysqltest.Start(t)
	testIndex(t, s)
	t.Run("the server is killed during the build", func(t *testing.T) { indexServerKilled(t, s) })
}

// testIndex runs on one server; each case leaves the table without our index.
func testIndex(t *testing.T, s *mysqltest.Server) {
	makeAudit(t, s, 200_000)
	s.Exec(t, "CREATE TABLE site.wp_other (level INT)", "INSERT INTO site.wp_other VALUES (1), (2)")
	d := Index{privately(s)}
	t.Run("plain, then undo", func(t *testing.T) { indexPlain(t, s, d) })
	t.Run("an equivalent index is there", func(t *testing.T) { indexEquivalent(t, s, d) })
	t.Run("refused", func(t *testing.T) { indexRefused(t, s, d) })
	t.Run("an old default does not stop it", func(t *testing.T) { indexZeroDate(t, s, d) })
	t.Run("behind an open reader", func(t *testing.T) { indexReader(t, s, d) })
	t.Run("behind a reader that stays", func(t *testing.T) { indexReaderStays(t, s, d) })
	t.Run("behind a long SELECT", func(t *testing.T) {
		indexBehind(t, s, d, "SELECT COUNT(*), SLEEP(4) FROM wp_audit_log WHERE id < 3 GROUP BY 0=1", WaitStatement)
	})
	t.Run("behind a long DELETE", func(t *testing.T) {
		indexBehind(t, s, d, "DELETE FROM wp_audit_log WHERE SLEEP(0.5) = 1 AND id < 9", WaitStatement)
	})
	t.Run("a dump runs", func(t *testing.T) {
		indexBehind(t, s, d, "SELECT /*!40001 SQL_NO_CACHE */ level, SLEEP(2) FROM wp_other", WaitDump)
	})
	t.Run("a young reader is run into", func(t *testing.T) { indexYoung(t, s, d) })
	t.Run("a reader opens during the build", func(t *testing.T) { indexDuring(t, s, d) })
	t.Run("others wait for longer than the server's own limit", func(t *testing.T) { onlineGivesBack(t, s) })
	t.Run("stopped during the build", func(t *testing.T) { indexStopped(t, s, d) })
	t.Run("our connection is killed", func(t *testing.T) { indexKilled(t, s, d) })
}

func answer(t *testing.T, d apply.Doer, s remedy.Step, state []byte, want apply.Answer) {
	t.Helper()
	if got, err := d.Done(t.Context(), s, state); err != nil || got != want {
		t.Errorf("done: got %s, %v, want %s", got, err, want)
	}
}

// dropped undoes the step and looks whether it is undone.
func dropped(t *testing.T, d Index, s remedy.AddIndex) {
	t.Helper()
	if err := d.Undo(t.Context(), s, newLogbook(nil).Work); err != nil {
		t.Errorf("undo: %v", err)
	}
	answer(t, d, s, nil, apply.NotDone)
}

func indexPlain(t *testing.T, s *mysqltest.Server, d Index) {
	step, v, l := addIndex(d, 3, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	answer(t, d, step, nil, apply.NotDone)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	answer(t, d, step, nil, apply.IsDone)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Errorf("again: %v", err)
	}
	dropped(t, d, step)
	dropped(t, d, step)
	v.unharmed(t)
}

func indexEquivalent(t *testing.T, s *mysqltest.Server, d Index) {
	on, unseen := "site.wp_audit_log", "INVISIBLE"
	if onMariaDB(t, s) {
		unseen = "IGNORED"
	}
	for _, c := range []struct {
		make string
		want apply.Answer
	}{
		{"ADD INDEX theirs (created) " + unseen, apply.NotDone},
		{"ADD INDEX theirs (created)", apply.IsDone},
		{"ADD INDEX theirs (created, level)", apply.IsDone},
		{"ADD INDEX theirs (level, created)", apply.NotDone},
	} {
		s.Exec(t, "ALTER TABLE "+on+" "+c.make)
		answer(t, d, addIndex(d, 3, "created"), nil, c.want)
		answer(t, d, addIndex(d, 3, "CREATED"), nil, c.want)
		if c.want == apply.IsDone { // it is not ours: undo leaves it
			if err := d.Undo(t.Context(), addIndex(d, 3, "created"), newLogbook(nil).Work); err != nil {
				t.Error(err)
			}
			answer(t, d, addIndex(d, 3, "created"), nil, c.want)
		}
		s.Exec(t, "ALTER TABLE "+on+" DROP INDEX theirs")
	}
	s.Exec(t, "ALTER TABLE "+on+" ADD INDEX theirs (username(5))")
	answer(t, d, addIndex(d, 3, "username"), nil, apply.NotDone)
	s.Exec(t, "ALTER TABLE "+on+" DROP INDEX theirs")
	answer(t, d, addIndex(d, 3, "id"), nil, apply.IsDone)
}

func indexRefused(t *testing.T, s *mysqltest.Server, d Index) {
	s.Exec(t, "CREATE TABLE site.my (id INT PRIMARY KEY, created INT) ENGINE=MyISAM", "CREATE VIEW site.v AS SELECT * FROM site.wp_audit_log",
		"CREATE TABLE site.named (id INT PRIMARY KEY, created INT, level INT, KEY hirune_created (level))",
		"CREATE TABLE site.wide (id INT PRIMARY KEY, created VARCHAR(4000)) CHARSET utf8mb4")
	for _, c := range []struct{ table, column, words string }{
		{"my", "created", "error 184"},
		{"v", "created", "view"},
		{"named", "created", "another index"},
		{"wp_audit_log", "gone", "column gone is gone"},
		{"nowhere", "created", "table is gone"},
	} {
		step := addIndex(d, 3, c.column)
		step.Table = c.table
		answer(t, d, step, nil, apply.NotDone)
		err := d.Do(t.Context(), step, newLogbook(nil).Work)
		if !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), c.words) || hint.Of(err) == "" {
			t.Errorf("%s: got %v, hint %q, want refused with %q", c.table, err, hint.Of(err), c.words)
		}
	}
	step := addIndex(d, 3, "created")
	step.Table = "named"
	if err := d.Undo(t.Context(), step, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("undo of another index: got %v, want refused", err)
	}
}

func indexZeroDate(t *testing.T, s *mysqltest.Server, d Index) {
	execute(t, s.Session(t, "site"), "SET SESSION sql_mode=''", "CREATE TABLE old (id INT PRIMARY KEY, created DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00')")
	s.Exec(t, "SET GLOBAL sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'")
	defer s.Exec(t, "SET GLOBAL sql_mode=DEFAULT")
	step := addIndex(d, 3, "created")
	step.Table = "old"
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); err != nil {
		t.Error(err)
	}
	dropped(t, d, step)
}

// reader opens a transaction that has read the table.
func reader(t *testing.T, s *mysqltest.Server) *sql.Conn {
	t.Helper()
	conn := s.Session(t, "site")
	execute(t, conn, "BEGIN")
	var level string
	if err := conn.QueryRowContext(context.Background(), "SELECT level FROM wp_audit_log WHERE id = 1").Scan(&level); err != nil {
		t.Fatal(err)
	}
	return conn
}

// aged waits until the oldest transaction counts as long.
func aged(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	mysqltest.Eventually(t, 10*time.Second, "a transaction is old", func() bool {
		return scalar(t, s, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_started <= NOW() - INTERVAL 3 SECOND") != "0"
	})
}

func indexReader(t *testing.T, s *mysqltest.Server, d Index) {
	step, v, l := addIndex(d, 20, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	r := reader(t, s)
	aged(t, s)
	seen := 0
	l.each = func(p apply.Progress) {
		if seen++; p.Wait == WaitTransaction && seen == 2 {
			execute(t, r, "COMMIT")
		}
	}
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	if !l.waits()[WaitTransaction] {
		t.Errorf("got waits %v, want %s", l.waits(), WaitTransaction)
	}
	answer(t, d, step, nil, apply.IsDone)
	dropped(t, d, step)
	v.unharmed(t)
}

func indexReaderStays(t *testing.T, s *mysqltest.Server, d Index) {
	step, v, l := addIndex(d, 4, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	r := reader(t, s)
	aged(t, s)
	err := d.Do(t.Context(), step, l.Work)
	if err == nil || errors.Is(err, apply.ErrStopped) || hint.CodeOf(err) != "table-busy" {
		t.Errorf("got %v, want table-busy", err)
	}
	// MariaDB does not tell who has had the table, so it is asked in the end
	if w := l.waits(); !w[WaitTransaction] || w[WaitTable] != onMariaDB(t, s) {
		t.Errorf("got waits %v, want %s, and %s on MariaDB only", w, WaitTransaction, WaitTable)
	}
	answer(t, d, step, nil, apply.NotDone)
	execute(t, r, "COMMIT")
	v.unharmed(t)
}

// indexBehind has a statement at the table that is long over before the tries are.
func indexBehind(t *testing.T, s *mysqltest.Server, d Index, text, why string) {
	step, v, l := addIndex(d, 20, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	end := background(t, s, text)
	mysqltest.Eventually(t, 10*time.Second, "it has run for long", func() bool {
		return scalar(t, s, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = ? AND TIME > 2", text) == "1"
	})
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	if err := <-end; err != nil {
		t.Errorf("the statement was harmed: %v", err)
	}
	if !l.waits()[why] {
		t.Errorf("got waits %v, want %s", l.waits(), why)
	}
	dropped(t, d, step)
	v.unharmed(t)
}

// indexYoung: the look finds nothing, because the reader has just come; the
// server then does not give the table.
func indexYoung(t *testing.T, s *mysqltest.Server, d Index) {
	step, v, l := addIndex(d, 20, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	r := reader(t, s)
	l.each = func(p apply.Progress) {
		if p.Wait == WaitTable {
			execute(t, r, "COMMIT")
		}
	}
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	if !l.waits()[WaitTable] {
		t.Errorf("got waits %v, want %s", l.waits(), WaitTable)
	}
	dropped(t, d, step)
	v.unharmed(t)
}

// building waits until our ALTER is past its first wait; false where it was too quick.
func building(t *testing.T, s *mysqltest.Server) bool {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		switch scalar(t, s, "SELECT STATE FROM information_schema.PROCESSLIST WHERE INFO LIKE '/* hirune */ ALTER%' AND ID<>CONNECTION_ID()") {
		case "altering table":
			return true
		}
	}
	return false
}

func indexDuring(t *testing.T, s *mysqltest.Server, d Index) {
	step, l := addIndex(d, 20, "stacktrace255", "created"), newLogbook(nil)
	s.Exec(t, "ALTER TABLE site.wp_audit_log ADD COLUMN stacktrace255 VARCHAR(255) DEFAULT 'a long value, so that the build takes its time'")
	defer s.Exec(t, "ALTER TABLE site.wp_audit_log DROP COLUMN stacktrace255")
	v := visit(t, s, auditVisits...)
	opened := make(chan *sql.Conn, 1)
	go func() {
		if building(t, s) {
			opened <- reader(t, s)
		}
		close(opened)
	}()
	share := false
	l.each = func(p apply.Progress) {
		share = share || p.Total > 0 && p.Done > 0
		if p.Wait != WaitTable {
			return
		}
		if r := <-opened; r != nil {
			execute(t, r, "COMMIT")
		}
	}
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	answer(t, d, step, nil, apply.IsDone)
	t.Logf("waits: %v, told a share: %v", l.waits(), share)
	dropped(t, d, step)
	v.unharmed(t)
}

func indexStopped(t *testing.T, s *mysqltest.Server, d Index) {
	step, v, l := addIndex(d, 20, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		building(t, s)
		cancel()
	}()
	err := d.Do(ctx, step, l.Work)
	// a session shows its statement for an instant after it has answered
	mysqltest.Eventually(t, 2*time.Second, "our ALTER has ended", func() bool { return !busy(t, s, "/* hirune */ ALTER%") })
	if err != nil { // it may have been at its very end
		if !errors.Is(err, apply.ErrStopped) {
			t.Errorf("got %v, want stopped", err)
		}
		answer(t, d, step, nil, apply.NotDone)
	}
	t.Log(err)
	dropped(t, d, step)
	v.unharmed(t)
}

func indexKilled(t *testing.T, s *mysqltest.Server, d Index) {
	step, v, l := addIndex(d, 20, "created"), visit(t, s, auditVisits...), newLogbook(nil)
	go func() {
		if building(t, s) {
			id := scalar(t, s, "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '/* hirune */ ALTER%' AND ID<>CONNECTION_ID()")
			if id != "" {
				_, _ = s.DB(t, "").Exec(fmt.Sprintf("KILL CONNECTION %s", id)) // it may just have ended
			}
		}
	}()
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	answer(t, d, step, nil, apply.IsDone)
	t.Logf("waits: %v", l.waits())
	dropped(t, d, step)
	v.unharmed(t)
}

// indexServerKilled: kill -9 of the server, which then comes back.
func indexServerKilled(t *testing.T, s *mysqltest.Server) {
	d := Index{privately(s)}
	step, l, end := addIndex(d, 20, "created", "username"), newLogbook(nil), make(chan error, 1)
	go func() { end <- d.Do(t.Context(), step, l.Work) }()
	if !building(t, s) {
		t.Error("the build was not seen")
	}
	s.Kill()
	s.Run(t)
	if err := <-end; err != nil {
		t.Error(err)
	}
	answer(t, d, step, nil, apply.IsDone)
	t.Logf("waits: %v", l.waits())
}

// onlineGivesBack: a session without any bound of its own, as after a fault of
// ours, and a reader who stays. The watcher ends it.
func onlineGivesBack(t *testing.T, s *mysqltest.Server) {
	open := privately(s).Open
	loose := Server{Open: func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
		return open(ctx, timeout) // lock_wait_timeout stays at the 20 s of this server
	}}
	v, l := visit(t, s, auditVisits...), newLogbook(nil)
	r := reader(t, s)
	o := online{srv: loose, on: auditOn, text: "ALTER TABLE site.wp_audit_log ADD INDEX hirune_created (created)", doing: DoingIndex, tries: 1}
	err := o.run(t.Context(), l.Work)
	if hint.CodeOf(err) != "table-busy" || !strings.Contains(err.Error(), "others waited") {
		t.Errorf("got %v, want given back", err)
	}
	execute(t, r, "COMMIT")
	v.unharmed(t)
}
