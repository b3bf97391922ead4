//go:build mysqllive

package mysql

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/mysqltest"
)

// TestLiveMySQL runs on a throw-away MySQL 8 or later that you have started,
// because Debian 12 has none to install: make test-mysql SOCKET=/tmp/my/mysql.sock
// where root has no password.
func TestLiveMySQL(t *testing.T) {
	socket := os.Getenv("HIRUNE_TEST_MYSQL_SOCKET")
	if socket == "" {
		t.Fatal("HIRUNE_TEST_MYSQL_SOCKET names no MySQL server")
	}
	db, err := sql.Open("mysql", "root@unix("+socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	session := func() *sql.Conn {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		must(t, conn, "SET SESSION cte_max_recursion_depth=100000, lock_wait_timeout=20, innodb_lock_wait_timeout=20")
		return conn
	}
	holder := session()
	must(t, holder, "DROP DATABASE IF EXISTS hirune_test", "CREATE DATABASE hirune_test", "USE hirune_test",
		"CREATE TABLE log (id BIGINT AUTO_INCREMENT PRIMARY KEY, level VARCHAR(9), pad TEXT, created INT UNSIGNED, KEY level (level))",
		"INSERT INTO log (level, pad, created) WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n+1 FROM s WHERE n < 30000) SELECT 'x', REPEAT('p', 500), UNIX_TIMESTAMP() - (30000-n)*60 FROM s",
		"DROP USER IF EXISTS mon@localhost", "CREATE USER mon@localhost IDENTIFIED BY 'monpw'", "GRANT PROCESS ON *.* TO mon@localhost", "GRANT SELECT ON hirune_test.* TO mon@localhost")
	t.Cleanup(func() { db.Exec("DROP DATABASE hirune_test"); db.Exec("DROP USER mon@localhost") })
	rootConn := open(t, Target{Instance: "my", Socket: socket}, root)
	mon := open(t, Target{Instance: "my", Socket: socket}, []Credential{{User: "mon", Password: "monpw", From: "test"}})
	if rootConn.Flavour() != MySQL || len(rootConn.Missing()) != 0 {
		t.Errorf("root on %s misses %+v", rootConn.version, rootConn.Missing())
	}
	if ms := mon.Missing(); len(ms) != 2 || ms[0].Code != "no-performance-schema-right" || !strings.Contains(ms[1].Hint, "CONNECTION_ADMIN ON *.* TO 'mon'@'localhost'") {
		t.Errorf("mon misses %+v", ms)
	}
	at := time.Unix(1000, 0)
	for _, c := range []*Conn{rootConn, mon} {
		if _, _, err := c.Status(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		st, ok, err := c.Status(t.Context(), at.Add(time.Second))
		if err != nil || !ok || st.HistoryLength < 0 || st.UptimeS == 0 || st.PageRequests < 0 {
			t.Errorf("status: %+v %v", st, err)
		}
		ts, err := c.Tables(t.Context(), "hirune_test", 30)
		if err != nil || len(ts) != 1 || ts[0].FileBytes < 5<<20 || !ts[0].IndexedBy("level") || ts[0].Rows < 20000 {
			t.Errorf("tables: %+v %v", ts, err)
		}
		g, err := c.Growth(t.Context(), "hirune_test", "log", []string{"created"})
		if err != nil || !g.Ordered || len(g.Probes) < 12 {
			t.Errorf("growth: %+v %v", g, err)
		}
		srv, err := c.Server(t.Context())
		if err != nil || srv.Flavour != MySQL || srv.BinlogFormat == "" || !srv.PerfSchema || srv.MaxConnections == 0 {
			t.Errorf("server: %+v %v", srv, err)
		}
		t.Logf("server: %+v", srv)
		mysqlWaits(t, c, holder, session)
	}
	mysqlPurge(t, rootConn, mon, session)
	mysqlDigests(t, rootConn, session)
}

// mysqlWaits: a row lock held by a sleeper, then a chain of metadata locks.
func mysqlWaits(t *testing.T, c *Conn, holder *sql.Conn, session func() *sql.Conn) {
	hid := connID(t, holder)
	must(t, holder, "USE hirune_test", "BEGIN", "DELETE FROM log WHERE created < 1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := func(text string) <-chan error {
		conn, end := session(), make(chan error, 1)
		must(t, conn, "USE hirune_test")
		go func() { _, err := conn.ExecContext(ctx, text); end <- err }()
		return end
	}
	wEnd := start("INSERT INTO log (level, created) VALUES ('y', UNIX_TIMESTAMP())")
	var ws []evidence.LockWait
	mysqltest.Eventually(t, 10*time.Second, "the INSERT waits", func() bool { _, _, ws = look(t, c); return len(ws) > 0 && ws[0].Table != "" })
	if ws[0].Lock != evidence.LockRow || ws[0].Blocker != hid || !ws[0].BlockerSleeps || ws[0].Table != "log" || ws[0].BlockerGuessed == c.can.perfSchema {
		t.Errorf("row lock: %+v", ws[0])
	}
	must(t, holder, "ROLLBACK")
	finish(t, wEnd)
	must(t, holder, "BEGIN")
	var n int
	if err := holder.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM log WHERE id < 5").Scan(&n); err != nil {
		t.Fatal(err)
	}
	aEnd := start("ALTER TABLE log ADD COLUMN extra INT")
	mysqltest.Eventually(t, 10*time.Second, "the ALTER waits", func() bool {
		_, _, ws = look(t, c)
		return len(ws) == 1 && ws[0].Blocker == hid && ws[0].Lock == evidence.LockMetadata && ws[0].BlockerGuessed != c.can.perfSchema
	})
	alter := ws[0].Waiter
	sEnd := start("SELECT level FROM log WHERE id = 1")
	mysqltest.Eventually(t, 10*time.Second, "the SELECT waits behind the ALTER", func() bool {
		_, _, ws = look(t, c)
		by := map[uint64]uint64{}
		for _, e := range ws {
			by[e.Waiter] = e.Blocker
		}
		return len(by) == 2 && by[alter] == hid
	})
	must(t, holder, "ROLLBACK")
	finish(t, aEnd)
	finish(t, sEnd)
	must(t, holder, "ALTER TABLE log DROP COLUMN extra")
}

func mysqlPurge(t *testing.T, rootConn, mon *Conn, session func() *sql.Conn) {
	victim := session()
	id := connID(t, victim)
	must(t, victim, "USE hirune_test")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := make(chan error, 1)
	go func() {
		_, err := victim.ExecContext(ctx, "DELETE FROM log WHERE created < '5' + SLEEP(IF(id % 20 = 0, 0.003, 0))")
		end <- err
	}()
	for _, c := range []*Conn{rootConn, mon} {
		var got Running
		mysqltest.Eventually(t, 10*time.Second, "the DELETE is seen", func() bool {
			ss, _, _ := look(t, c)
			for _, r := range ss.Running {
				if r.ConnID == id && r.RunningMs >= 1000 && (r.RowsRead > 0 || !c.can.perfSchema) {
					got = r
					return true
				}
			}
			return false
		})
		if got.Schema != "hirune_test" || got.Table != "log" || got.Verb != "DELETE" {
			t.Errorf("statement: %+v", got.Statement)
		}
		ps, err := c.Explain(t.Context(), got)
		t.Logf("%s: %+v %v", c.Account(), ps, err)
		if err != nil || len(ps) != 1 || !ps[0].FullScan() || ps[0].Table != "log" || ps[0].Running != c.can.perfSchema {
			t.Errorf("plan: %+v %v", ps, err)
		}
		if err := c.exec(t.Context(), "DELETE FROM hirune_test.log"); number(err) != 1792 && number(err) != errTableDenied {
			t.Errorf("the session must be read-only: %v", err)
		}
	}
	cancel()
	<-end
}

func mysqlDigests(t *testing.T, c *Conn, session func() *sql.Conn) {
	at := time.Unix(1000, 0)
	if _, ok, err := c.Digests(t.Context(), at, 5); ok || err != nil {
		t.Fatalf("first digests: %v %v", ok, err)
	}
	conn := session()
	must(t, conn, "USE hirune_test")
	for range 7 {
		must(t, conn, "UPDATE log SET level = 'z' WHERE id IN (1, 2, 3)")
	}
	us, ok, err := c.Digests(t.Context(), at.Add(time.Minute), 5)
	if err != nil || !ok {
		t.Fatalf("digests: %v %v", ok, err)
	}
	for _, u := range us {
		// the server writes words that it knows in capitals, also as names, and
		// counts the last statement a moment after it has answered
		if strings.EqualFold(u.Digest, "UPDATE log SET level = ? WHERE id IN (?)") && u.Count >= 6 && u.Schema == "hirune_test" && u.OverMs == 60000 {
			return
		}
	}
	t.Errorf("digests: %+v", us)
}
