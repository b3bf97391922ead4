package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
	"hirune/internal/edge/mysql/sqltext"
)

func TestKill(t *testing.T) { testKill(t, mysqltest.Start(t)) }

func testKill(t *testing.T, s *mysqltest.Server) {
	makeAudit(t, s, 300_000)
	d := Kill{privately(s)}
	t.Run("a running DELETE is taken back", func(t *testing.T) { killDelete(t, s, d) })
	t.Run("stopped while it is taken back", func(t *testing.T) { killStopped(t, s, d) })
	t.Run("another one by now", func(t *testing.T) { killChanged(t, s, d) })
	t.Run("a sleeper", func(t *testing.T) { killSleeper(t, s, d) })
	t.Run("gone", func(t *testing.T) { killGone(t, s, d) })
	t.Run("DDL of which nobody knows how far it is", func(t *testing.T) { killDDL(t, s, d) })
	t.Run("an account that may not", func(t *testing.T) { killDenied(t, s) })
}

const longDelete = "DELETE FROM wp_audit_log WHERE created < 4000000000"

// running starts a statement and returns the step that would kill it, once it
// has changed so many rows.
func running(t *testing.T, s *mysqltest.Server, text string, rows int) (remedy.KillQuery, <-chan error) {
	t.Helper()
	end := background(t, s, text)
	step := remedy.KillQuery{MariaDB: onMariaDB(t, s), Digest: sqltext.Digest(text), User: "root"}
	query := "0"
	if step.MariaDB {
		query = "p.QUERY_ID"
	}
	mysqltest.Eventually(t, 20*time.Second, "it works", func() bool {
		got := scalar(t, s, `SELECT CONCAT(p.ID, ' ', `+query+`, ' ', COALESCE(x.trx_id, '')) FROM information_schema.PROCESSLIST p
LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID WHERE p.INFO = ? AND (? = 0 OR x.trx_rows_modified > ?)`, text, rows, rows)
		f := append(strings.Fields(got), "", "", "")
		step.Session, step.QueryID, step.TrxID = unsigned(f[0]), unsigned(f[1]), f[2]
		return step.Session != 0
	})
	return step, end
}

func count(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	return scalar(t, s, "SELECT COUNT(*) FROM site.wp_audit_log")
}

func killDelete(t *testing.T, s *mysqltest.Server, d Kill) {
	before := count(t, s)
	step, end := running(t, s, longDelete, 30_000)
	l := newLogbook(nil)
	answer(t, d, step, nil, apply.NotDone)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	if err := <-end; mysql.Number(err) != errInterrupted {
		t.Errorf("its client got %v, want interrupted", err)
	}
	if n := scalar(t, s, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0"); n != "0" {
		t.Errorf("got %s transactions that have changed rows after the end, want 0", n)
	}
	if after := count(t, s); after != before {
		t.Errorf("got %s rows, want %s", after, before)
	}
	answer(t, d, step, l.State, apply.IsDone)
	watched := false
	for _, p := range l.told {
		watched = watched || p.Doing == DoingUndoing && p.Total > 30_000
	}
	if !watched {
		t.Errorf("the rollback was not told: %+v", l.told)
	}
	if err := d.Do(t.Context(), step, newLogbook(l.State).Work); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := d.Undo(t.Context(), step, l.Work); !errors.Is(err, apply.ErrIrreversible) {
		t.Errorf("undo: got %v, want irreversible", err)
	}
	if err := d.Undo(t.Context(), step, newLogbook(nil).Work); err != nil {
		t.Errorf("undo of a kill that was never sent: %v", err)
	}
}

func killStopped(t *testing.T, s *mysqltest.Server, d Kill) {
	before := count(t, s)
	step, end := running(t, s, longDelete, 30_000)
	ctx, cancel := context.WithCancel(t.Context())
	l := newLogbook(nil)
	l.each = func(apply.Progress) { cancel() }
	if err := d.Do(ctx, step, l.Work); !errors.Is(err, apply.ErrStopped) {
		t.Fatalf("got %v, want stopped", err)
	}
	got, err := d.Done(t.Context(), step, l.State)
	if err != nil || got != apply.Partly && got != apply.IsDone {
		t.Errorf("done: got %s, %v, want partly", got, err)
	}
	if err := d.Do(t.Context(), step, newLogbook(l.State).Work); err != nil {
		t.Error(err)
	}
	answer(t, d, step, l.State, apply.IsDone)
	<-end
	if after := count(t, s); after != before {
		t.Errorf("got %s rows, want %s", after, before)
	}
}

func killChanged(t *testing.T, s *mysqltest.Server, d Kill) {
	step, end := running(t, s, "SELECT SLEEP(6) FROM wp_audit_log WHERE id = 3", 0)
	for name, change := range map[string]func(*remedy.KillQuery){
		"query id": func(k *remedy.KillQuery) { k.QueryID += 7 },
		"digest":   func(k *remedy.KillQuery) { k.Digest = "SELECT ?" },
		"user":     func(k *remedy.KillQuery) { k.User = "wp" },
		"trx":      func(k *remedy.KillQuery) { k.TrxID = "42" },
		"sleeping": func(k *remedy.KillQuery) { k.Sleeping = true },
	} {
		other := step
		change(&other)
		l := newLogbook(nil)
		if err := d.Do(t.Context(), other, l.Work); !errors.Is(err, apply.ErrRefused) || l.State != nil {
			t.Errorf("%s: got %v, noted %s, want refused", name, err, l.State)
		}
		answer(t, d, other, nil, apply.NotDone)
	}
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); err != nil {
		t.Error(err)
	}
	<-end
}

func killSleeper(t *testing.T, s *mysqltest.Server, d Kill) {
	conn := s.Session(t, "site")
	execute(t, conn, "BEGIN", "UPDATE wp_audit_log SET level='x' WHERE id BETWEEN 10 AND 500")
	var id uint64
	if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	step := remedy.KillQuery{MariaDB: onMariaDB(t, s), Session: id, User: "root", Sleeping: true}
	mysqltest.Eventually(t, 5*time.Second, "its transaction shows", func() bool {
		step.TrxID = scalar(t, s, "SELECT trx_id FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = "+strconv.FormatUint(id, 10))
		return step.TrxID != ""
	})
	l := newLogbook(nil)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	answer(t, d, step, l.State, apply.IsDone)
	if n := scalar(t, s, "SELECT COUNT(*) FROM site.wp_audit_log WHERE level='x'"); n != "0" {
		t.Errorf("got %s rows of its work, want 0", n)
	}
}

func killGone(t *testing.T, s *mysqltest.Server, d Kill) {
	step := remedy.KillQuery{MariaDB: true, Session: 987_654, QueryID: 5, Digest: "DELETE FROM a", User: "root"}
	answer(t, d, step, nil, apply.IsDone)
	answer(t, d, step, []byte(`{"sent":true,"trx":"12","rows":5}`), apply.IsDone)
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("got %v, want refused", err)
	}
	hand, err := d.openEye(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	for _, late := range []remedy.KillQuery{{MariaDB: onMariaDB(t, s), Session: 987_654, QueryID: 987_654}, {Session: 987_654}, {Session: 987_654, Sleeping: true}} {
		if err := sendKill(t.Context(), hand, late); err != nil {
			t.Errorf("%s: got %v, want nothing to do", late.Kill(), err)
		}
	}
	// noted, then a crash before it was sent
	step, end := running(t, s, "SELECT SLEEP(7) FROM wp_audit_log WHERE id = 3", 0)
	state, err := json.Marshal(killState{Sent: true})
	if err != nil {
		t.Fatal(err)
	}
	answer(t, d, step, state, apply.NotDone)
	if err := d.Do(t.Context(), step, newLogbook(state).Work); err != nil {
		t.Error(err)
	}
	answer(t, d, step, state, apply.IsDone)
	<-end
}

func killDDL(t *testing.T, s *mysqltest.Server, d Kill) {
	r := reader(t, s)
	step, end := running(t, s, "ALTER TABLE wp_audit_log ADD INDEX late (created)", 0)
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "ALTER") {
		t.Errorf("got %v, want refused", err)
	}
	execute(t, r, "COMMIT")
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func killDenied(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "DROP USER IF EXISTS mon@localhost", "CREATE USER mon@localhost IDENTIFIED BY 'm'", "GRANT PROCESS ON *.* TO mon@localhost")
	d := Kill{Server{Open: func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
		return mysql.OpenHand(ctx, mysql.Target{Socket: s.Socket}, []mysql.Credential{{User: "mon", Password: "m"}}, timeout, setUp...)
	}}}
	step, end := running(t, s, "SELECT SLEEP(5) FROM wp_audit_log WHERE id = 3", 0)
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) || !strings.Contains(fmt.Sprint(err), "may not") {
		t.Errorf("got %v, want refused", err)
	}
	if err := (Kill{privately(s)}).Do(t.Context(), step, newLogbook(nil).Work); err != nil {
		t.Error(err)
	}
	<-end
}

func TestKillSpares(t *testing.T) {
	good := victim{seen: seen{id: 5, query: 9, user: "wp", command: "Query", text: "DELETE FROM a", digest: "DELETE FROM a", verb: "DELETE"}, there: true}
	step := remedy.KillQuery{MariaDB: true, Session: 5, QueryID: 9, User: "wp", Digest: "DELETE FROM a"}
	if err := good.fits(step, 7); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*victim){
		"our own statement": func(v *victim) { v.text = mysql.Marker + v.text },
		"ourselves":         func(v *victim) { v.id = 7 },
		"replication":       func(v *victim) { v.user = "system user" },
		"sender":            func(v *victim) { v.command = "Binlog Dump GTID" },
		"applier":           func(v *victim) { v.command = "Slave_SQL" },
		"scheduler":         func(v *victim) { v.user = "event_scheduler" },
		"dump":              func(v *victim) { v.text = "SELECT /*!40001 SQL_NO_CACHE */ `id` FROM `a`" },
		"read lock":         func(v *victim) { v.text = "FLUSH TABLES WITH READ LOCK" },
		"backup stage":      func(v *victim) { v.text = "BACKUP STAGE BLOCK_COMMIT" },
		"backup account":    func(v *victim) { v.user = "mariabackup" },
		"rolling back":      func(v *victim) { v.trx.state = "ROLLING BACK" },
		"killed":            func(v *victim) { v.command = "Killed" },
		"gone":              func(v *victim) { *v = victim{} },
	} {
		v := good
		change(&v)
		same := step
		same.User, same.Session = v.user, v.id
		if err := v.fits(same, 7); !errors.Is(err, apply.ErrRefused) {
			t.Errorf("%s: got %v, want refused", name, err)
		}
	}
}
