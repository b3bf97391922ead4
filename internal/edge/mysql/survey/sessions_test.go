package survey

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

var remedyAt = remedy.Doomed{Column: "at", Literal: "2020-01-01 00:00:00", Date: true}

// seen surveys until the check is content, and returns the last sessions.
func seen(t *testing.T, s *mysqltest.Server, what string, ok func(map[uint64]remedy.Session, Result) bool) {
	t.Helper()
	h := hand(t, s, root)
	last := map[uint64]remedy.Session{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: the last sessions were %+v", what, last)
		}
	})
	mysqltest.Eventually(t, 15*time.Second, what, func() bool {
		r := read(t, h, Want{Schema: "site", Table: "wp_audit_log"})
		clear(last)
		for _, x := range r.Server.Sessions {
			last[x.ID] = x
		}
		if r.Unread["sessions"] != "" {
			t.Fatalf("unread: %v", r.Unread)
		}
		return ok(last, r)
	})
}

func theSessions(t *testing.T, s *mysqltest.Server) {
	holder := s.Session(t, "site")
	must(t, holder, "BEGIN", "UPDATE wp_audit_log SET level='held' WHERE id = 5")
	var held uint64
	if err := holder.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&held); err != nil {
		t.Fatal(err)
	}
	waiter := background(t, s, "DELETE FROM wp_audit_log WHERE id = 5 AND stacktrace = 'secret'")
	slow := background(t, s, "SELECT /*!40001 SQL_NO_CACHE */ id, SLEEP(30) FROM wp_audit_log LIMIT 1")
	ours := background(t, s, "/* hirune */ SELECT SLEEP(30)")
	seen(t, s, "who waits for whom, the backup, and hirune itself", func(all map[uint64]remedy.Session, _ Result) bool {
		h, w := all[held], all[waiter]
		return w.Waits == held && w.Verb == "DELETE" && w.Table == "wp_audit_log" && w.Digest != "" && w.TrxState == "LOCK WAIT" &&
			h.Command == "Sleep" && h.TrxID != "" && h.RowsModified == 1 && h.RowsLocked >= 1 && h.TrxAgeMs >= 0 && h.Table == "wp_audit_log" &&
			all[slow].Dump && !all[slow].Own && all[ours].Own && !w.Own && !w.Dump && h.Waits == 0
	})
	alter := background(t, s, "ALTER TABLE wp_audit_log ADD INDEX made_by_others (created)")
	seen(t, s, "the ALTER of another", func(all map[uint64]remedy.Session, r Result) bool {
		told := r.Table != nil && r.Table.Ddl || strings.Contains(r.Unread["table"], fmt.Sprintf("session %d changes its form", alter))
		return told && all[alter].Verb == "ALTER" && all[alter].Waits != 0 && !all[alter].Replication
	})
	if h := hand(t, s, root); slices.ContainsFunc(read(t, h, Want{}).Server.Sessions, func(x remedy.Session) bool { return x.ID == h.ID() }) {
		t.Error("the survey sees itself")
	}
}

func TestRecognise(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT /*!40001 SQL_NO_CACHE */ * FROM `wp_posts`":    true,
		"FLUSH /*!40101 LOCAL */ TABLES":                       true,
		"FLUSH TABLES WITH READ LOCK":                          true,
		"BACKUP STAGE START":                                   true,
		"LOCK INSTANCE FOR BACKUP":                             true,
		"LOCK TABLES `a` READ /*!32311 LOCAL */":               true,
		"SELECT SQL_NO_CACHE * FROM wp_posts":                  false,
		"SELECT * FROM backup":                                 false,
		"LOCK TABLES a WRITE":                                  false,
		"INSERT INTO x VALUES ('FLUSH TABLES WITH READ LOCK')": false,
	} {
		if got := dumpText.MatchString(text); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	for name, want := range map[string]bool{"mysqldump": true, "mariadb-dump": true, "xtrabackup": true, "Backup": true, "mysql": false, "backup_plugin_site": false} {
		if got := dumpName.MatchString(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func thePressure(t *testing.T, s *mysqltest.Server) {
	h := hand(t, s, root)
	holder := s.Session(t, "site")
	var own uint64
	if err := holder.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&own); err != nil {
		t.Fatal(err)
	}
	quiet, err := Pressure(t.Context(), h, own)
	if err != nil || quiet.Waiters != 0 || quiet.Longest != 0 || quiet.History < 0 {
		t.Fatalf("got %+v %v of a quiet server", quiet, err)
	}
	must(t, holder, "BEGIN", "UPDATE wp_audit_log SET level='held' WHERE id BETWEEN 5 AND 9")
	first := background(t, s, "UPDATE wp_audit_log SET level='x' WHERE id = 5")
	background(t, s, "UPDATE wp_audit_log SET level='x' WHERE id = 7")
	mysqltest.Eventually(t, 15*time.Second, "two wait for ours", func() bool {
		p, err := Pressure(t.Context(), h, own)
		return err == nil && p.Waiters == 2 && p.Longest >= time.Second && p.Waiter != 0 && !p.Guessed
	})
	if p, err := Pressure(t.Context(), h, first); err != nil || p.Waiters != 0 {
		t.Errorf("got %+v %v: nobody waits for one that waits itself", p, err)
	}
	must(t, holder, "ROLLBACK")
	ours := background(t, s, "SELECT id, SLEEP(30) FROM wp_audit_log LIMIT 1")
	alter := background(t, s, "ALTER TABLE wp_audit_log COMMENT='by others'")
	mysqltest.Eventually(t, 15*time.Second, "an ALTER waits for the table that ours reads", func() bool {
		p, err := Pressure(t.Context(), h, ours)
		return err == nil && p.Waiters == 1 && p.Waiter == alter
	})
	visitor := background(t, s, "SELECT * FROM site.wp_audit_log WHERE id = 1")
	mysqltest.Eventually(t, 15*time.Second, "a visitor waits behind the ALTER, were it ours", func() bool {
		p, err := Pressure(t.Context(), h, alter)
		return err == nil && p.Waiters == 1 && p.Waiter == visitor
	})
}
