package mysql

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/mysql/mysqltest"
)

var root = []Credential{{User: "root", From: "UNIX socket"}}

func target(s *mysqltest.Server) Target {
	return Target{Instance: "db", Flavour: MariaDB, Socket: s.Socket, Address: s.Address()}
}

func open(t *testing.T, tg Target, creds []Credential) *Conn {
	t.Helper()
	c, err := Open(t.Context(), tg, creds)
	if err != nil {
		t.Fatalf("open: %v (hint %s)", err, hint.Of(err))
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestLive(t *testing.T) {
	s := mysqltest.Start(t, "--max-connections=12")
	s.AuditLog(t, 60000)
	for name, f := range map[string]func(*testing.T, *mysqltest.Server){
		"accounts": accounts, "statement": aStatement, "row lock": rowLock, "metadata chain": metadataChain, "purge": purge,
		"tables": tables, "growth": growth, "growth since deletes": growthSinceDeletes, "full": full, "status": statusDelta, "session": sessionBounds, "no rights": noRights,
	} {
		t.Run(name, func(t *testing.T) { f(t, s) })
	}
	t.Run("restart", func(t *testing.T) { restart(t, s) })
}

func look(t *testing.T, c *Conn) (Sessions, []OpenTx, []evidence.LockWait) {
	t.Helper()
	s, err := c.Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	txs, err := c.Transactions(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ws, err := c.LockWaits(t.Context(), s, txs)
	if err != nil {
		t.Fatal(err)
	}
	return s, txs, ws
}

// running starts a statement on a connection of its own and returns its end.
func running(t *testing.T, s *mysqltest.Server, text string) (id uint64, end <-chan error) {
	t.Helper()
	conn := s.Session(t, "site")
	id = connID(t, conn)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ch := make(chan error, 1)
	go func() {
		_, err := conn.ExecContext(ctx, text)
		ch <- err
	}()
	return id, ch
}

func connID(t *testing.T, conn *sql.Conn) (id uint64) {
	t.Helper()
	if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func must(t *testing.T, conn *sql.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func finish(t *testing.T, end <-chan error) {
	t.Helper()
	select {
	case <-end:
	case <-time.After(30 * time.Second):
		t.Fatal("a statement of the test does not end")
	}
}

func aStatement(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	id, end := running(t, s, "SELECT SLEEP(1.5), 'topsecret' FROM wp_audit_log LIMIT 1")
	var got Running
	mysqltest.Eventually(t, 5*time.Second, "the statement is seen", func() bool {
		ss, _, _ := look(t, c)
		for _, r := range ss.Running {
			if r.ConnID == id && r.RunningMs > 200 {
				got = r
				return true
			}
		}
		return false
	})
	finish(t, end)
	if got.Digest != "SELECT SLEEP(?), ? FROM wp_audit_log LIMIT ?" || got.Verb != "SELECT" || got.Table != "wp_audit_log" || got.Schema != "site" || got.RowsRead != -1 || got.QueryID == 0 {
		t.Errorf("statement: %+v", got.Statement)
	}
	mysqltest.Eventually(t, 5*time.Second, "an idle server runs nothing: the own connection is left out", func() bool {
		ss, _, _ := look(t, c)
		return len(ss.Running) == 0
	})
}

func rowLock(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	holder := s.Session(t, "site")
	hid := connID(t, holder)
	must(t, holder, "BEGIN", "DELETE FROM wp_audit_log WHERE created < 1")
	wid, end := running(t, s, "INSERT INTO wp_audit_log (level, created) VALUES ('x', UNIX_TIMESTAMP())")
	var ws []evidence.LockWait
	var txs []OpenTx
	mysqltest.Eventually(t, 10*time.Second, "the INSERT waits for the row lock", func() bool {
		_, txs, ws = look(t, c)
		return len(ws) > 0 && ws[0].WaiterDigest != "" // it may have begun between two queries
	})
	w := ws[0]
	if w.Lock != evidence.LockRow || w.Waiter != wid || w.Blocker != hid || !w.BlockerSleeps || w.Table != "wp_audit_log" || w.Schema != "site" || w.Index != "PRIMARY" || w.BlockerGuessed ||
		!strings.HasPrefix(w.WaiterDigest, "INSERT") || w.BlockerDigest != "" || w.BlockerUser != "root" {
		t.Errorf("lock wait: %+v", w)
	}
	if len(txs) != 2 || txs[0].ConnID != hid || !txs[0].Sleeping || txs[0].RowsLocked < 60000 || txs[0].LockMemoryBytes == 0 {
		t.Errorf("transactions: %+v", txs)
	}
	must(t, holder, "ROLLBACK")
	finish(t, end)
}

func metadataChain(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	holder := s.Session(t, "site")
	hid := connID(t, holder)
	must(t, holder, "BEGIN")
	var n int
	if err := holder.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM wp_audit_log WHERE id < 5").Scan(&n); err != nil {
		t.Fatal(err)
	}
	alter, alterEnd := running(t, s, "ALTER TABLE wp_audit_log ADD COLUMN extra INT")
	mysqltest.Eventually(t, 10*time.Second, "the ALTER waits", func() bool {
		_, _, ws := look(t, c)
		return len(ws) == 1 && ws[0].Waiter == alter && ws[0].Blocker == hid && ws[0].BlockerGuessed && ws[0].Lock == evidence.LockMetadata
	})
	reader, readerEnd := running(t, s, "SELECT level FROM wp_audit_log WHERE id = 1")
	mysqltest.Eventually(t, 10*time.Second, "the SELECT waits behind the ALTER", func() bool {
		_, _, ws := look(t, c)
		by := map[uint64]uint64{}
		for _, w := range ws {
			by[w.Waiter] = w.Blocker
		}
		return by[reader] == alter && by[alter] == hid
	})
	must(t, holder, "ROLLBACK")
	finish(t, alterEnd)
	finish(t, readerEnd)
	s.Exec(t, "ALTER TABLE site.wp_audit_log DROP COLUMN extra")
}

func purge(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	victim := s.Session(t, "site")
	// SLEEP slows the scan, so that there is time to look
	id := connID(t, victim)
	ch := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, err := victim.ExecContext(ctx, "DELETE FROM wp_audit_log WHERE created < '1000' AND SLEEP(IF(id % 20 = 0, 0.001, 0)) = 0 OR created < '1' + SLEEP(IF(id % 20 = 0, 0.001, 0))")
		ch <- err
	}()
	var got Running
	mysqltest.Eventually(t, 10*time.Second, "rows examined rise", func() bool {
		ss, _, _ := look(t, c)
		for _, r := range ss.Running {
			if r.ConnID == id && r.RowsRead > 100 {
				got = r
				return true
			}
		}
		return false
	})
	ps, err := c.Explain(t.Context(), got)
	if err != nil || len(ps) != 1 {
		t.Fatalf("explain: %v %+v", err, ps)
	}
	if p := ps[0]; !p.Running || !p.FullScan() || p.Table != "wp_audit_log" || p.Rows < 1000 || p.ConnID != id || p.Key != "" {
		t.Errorf("plan: %+v", p)
	}
	if f := got.Parsed.Filter; len(f.Range) == 0 || f.Range[0] != "created" || f.Verb != "DELETE" {
		t.Errorf("filter: %+v", f)
	}
	s.Exec(t, "KILL QUERY "+strconv.FormatUint(id, 10))
	finish(t, ch)
	ps, err = c.Explain(t.Context(), got)
	if err != nil || len(ps) != 1 || ps[0].Running || !ps[0].FullScan() || ps[0].Table != "wp_audit_log" {
		t.Errorf("explain of the text: %v %+v", err, ps)
	}
	if err := c.exec(t.Context(), "DELETE FROM site.wp_audit_log"); number(err) != 1792 {
		t.Errorf("the session must be read-only again, got %v", err)
	}
}

func tables(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	s.Exec(t, "CREATE TABLE IF NOT EXISTS site.`odd-name$x` (a INT, b INT, c VARCHAR(9), KEY two (a, b), UNIQUE KEY u (c))")
	ts, err := c.Tables(t.Context(), "site", 30)
	if err != nil || len(ts) != 2 {
		t.Fatalf("tables: %v %+v", err, ts)
	}
	if a := ts[0]; a.Name != "wp_audit_log" || a.FileBytes < 10<<20 || a.Rows < 10000 || !a.IndexedBy("level") || a.IndexedBy("created") || a.Engine != "InnoDB" || a.AutoInc < 60000 {
		t.Errorf("table: %+v", a)
	}
	if b := ts[1]; b.FileBytes <= 0 || len(b.Indexes) != 2 || b.Indexes[0].Columns[1] != "b" || !b.Indexes[1].Unique {
		t.Errorf("table: %+v", b)
	}
	one, ok, err := c.Table(t.Context(), "site", "odd-name$x")
	if err != nil || !ok || one.Name != "odd-name$x" || one.FileBytes != ts[1].FileBytes {
		t.Errorf("one table: %+v %v %v", one, ok, err)
	}
	if _, ok, err := c.Table(t.Context(), "site", "nothing"); ok || err != nil {
		t.Errorf("a table that is not there: %v %v", ok, err)
	}
	srv, err := c.Server(t.Context())
	if err != nil || srv.Flavour != MariaDB || srv.MaxConnections != 12 || srv.BufferPoolBytes != 64<<20 || srv.BinlogFormat != "" || srv.LockWaitS == 0 {
		t.Errorf("server: %+v %v", srv, err)
	}
}

func growth(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	g, err := c.Growth(t.Context(), "site", "wp_audit_log", []string{"created"})
	if err != nil || !g.Ordered || g.Column != "created" || len(g.Probes) < 12 {
		t.Fatalf("growth: %v %+v", err, g)
	}
	first, last := g.Probes[0], g.Probes[len(g.Probes)-1]
	if span := last.UnixS - first.UnixS; span < 59000*60 || span > 60100*60 {
		t.Errorf("the rows span %d s, want about %d", span, 60000*60)
	}
	s.Exec(t, "CREATE TABLE site.posts (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT, post_date DATETIME, post_date_gmt DATETIME)",
		"INSERT INTO site.posts (n, post_date, post_date_gmt) VALUES (1, '2024-01-01 09:00:00', '2024-01-01 00:00:00'), (2, '2024-01-02 09:00:00', '2024-01-02 00:00:00')")
	t.Cleanup(func() { s.Exec(t, "DROP TABLE site.posts") })
	g, err = c.Growth(t.Context(), "site", "posts", nil)
	if err != nil || g.Column != "post_date_gmt" || len(g.Probes) != 2 || g.Probes[0].UnixS != 1704067200 {
		t.Errorf("growth by a DATETIME: %v %+v", err, g)
	}
	if _, err := c.Growth(t.Context(), "site", "odd-name$x", nil); !errors.Is(err, ErrNoGrowth) {
		t.Errorf("a table without a key: got %v, want ErrNoGrowth", err)
	}
}

// growthSinceDeletes: until InnoDB has removed what a purge has deleted, the old
// end of the table takes longer than a statement may.
func growthSinceDeletes(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE TABLE site.purged LIKE site.wp_audit_log", "INSERT INTO site.purged SELECT * FROM site.wp_audit_log WHERE id <= 60000")
	t.Cleanup(func() { s.Exec(t, "DROP TABLE site.purged") })
	holder := s.Session(t, "site")
	if _, err := holder.ExecContext(t.Context(), "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "DELETE FROM site.purged WHERE id <= 59000")
	c := open(t, target(s), root)
	if err := c.exec(t.Context(), "SET SESSION max_statement_time=0.003"); err != nil {
		t.Fatal(err)
	}
	// On a busy machine a probe of the young end may take as long, too.
	var g evidence.TableGrowth
	mysqltest.Eventually(t, 20*time.Second, "the young end is read", func() (ok bool) {
		var err error
		g, err = c.GrowthSinceDeletes(t.Context(), "site", "purged", []string{"created"})
		return err == nil && len(g.Probes) >= 4
	})
	if !g.Ordered || g.Column != "created" || g.MinKey != g.Probes[0].Key || g.MinKey <= 59000 || g.MaxKey != 60000 {
		t.Errorf("growth since the purge: %+v", g)
	}
	// On a busy machine the server's own timer may also come too late to end a
	// statement of some milliseconds.
	mysqltest.Eventually(t, 20*time.Second, "ErrSlow for who needs the first key", func() bool {
		_, err := c.Growth(t.Context(), "site", "purged", []string{"created"})
		if c.Lost() || err != nil && !errors.Is(err, ErrSlow) {
			t.Fatalf("got %v, lost %v; want ErrSlow, and the connection held", err, c.Lost())
		}
		return err != nil
	})
}

func full(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE USER IF NOT EXISTS plain@localhost IDENTIFIED BY 'pw1'", "GRANT PROCESS ON *.* TO plain@localhost", "CREATE USER IF NOT EXISTS plain@'127.0.0.1' IDENTIFIED BY 'pw1'", "GRANT PROCESS ON *.* TO plain@'127.0.0.1'")
	plain := []Credential{{User: "plain", Password: "pw1", From: "test"}}
	held := open(t, target(s), plain)
	var fillers []*sql.Conn
	t.Cleanup(func() {
		for _, f := range fillers {
			f.Close()
		}
	})
	pool := s.DB(t, "")
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		conn, err := pool.Conn(ctx)
		cancel()
		if err != nil {
			break
		}
		fillers = append(fillers, conn)
	}
	if _, err := held.Sessions(t.Context()); err != nil {
		t.Errorf("the held connection must go on: %v", err)
	}
	_, err := Open(t.Context(), target(s), plain)
	if !errors.Is(err, ErrFull) || !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != CodeFull || !strings.Contains(hint.Of(err), "CONNECTION ADMIN") {
		t.Errorf("open a full server: %v, code %q, hint %q", err, hint.CodeOf(err), hint.Of(err))
	}
	tg := target(s)
	tg.ExtraPort = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.ExtraPort))
	c, err := Open(t.Context(), tg, plain)
	if err != nil {
		t.Fatalf("open a full server by its spare port: %v", err)
	}
	c.Close()
}

func statusDelta(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	at := time.Unix(1000, 0)
	if _, ok, err := c.Status(t.Context(), at); ok || err != nil {
		t.Fatalf("first status: %v %v", ok, err)
	}
	db := s.Session(t, "site")
	for range 5 {
		must(t, db, "DO 1", "UPDATE wp_audit_log SET level='warning' WHERE id=1")
	}
	st, ok, err := c.Status(t.Context(), at.Add(2*time.Second))
	if err != nil || !ok || st.OverMs != 2000 || st.Updates != 5 || st.Questions < 10 || st.Questions > 14 || st.Connected < 2 || st.HistoryLength < 0 || st.Restarted {
		t.Errorf("status: %+v %v %v", st, ok, err)
	}
}

func sessionBounds(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	if err := c.exec(t.Context(), "CREATE TABLE site.no (a INT)"); number(err) != 1792 {
		t.Errorf("a write: got %v, want error 1792", err)
	}
	v, err := c.pairs(t.Context(), "SHOW SESSION VARIABLES WHERE Variable_name IN ('lock_wait_timeout','max_statement_time','tx_isolation')")
	if err != nil || v.num("lock_wait_timeout") != 1 || v["max_statement_time"] != "2.000000" || v["tx_isolation"] != "READ-COMMITTED" {
		t.Errorf("session: %v %v", v, err)
	}
}

func accounts(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE USER wp@localhost IDENTIFIED BY 'sitepw'", "GRANT ALL ON site.* TO wp@localhost",
		"CREATE USER mon@localhost IDENTIFIED BY 'monpw'", "GRANT PROCESS ON *.* TO mon@localhost")
	c := open(t, target(s), []Credential{{User: "wp", Password: "sitepw", From: "wp-config.php"}, {User: "mon", Password: "wrong", From: "a"}, {User: "mon", Password: "monpw", From: "b"}})
	if c.used.User != "mon" || c.used.From != "b" {
		t.Errorf("used %s, want mon, because it sees most", c.Account())
	}
	ts, err := c.Tables(t.Context(), "site", 30)
	if err != nil || len(ts) == 0 || ts[0].Name != "wp_audit_log" || ts[0].Rows != -1 || ts[0].FileBytes < 10<<20 {
		t.Errorf("tables with PROCESS alone: %v %+v", err, ts)
	}
	_, err = Open(t.Context(), target(s), []Credential{{User: "wp", Password: "wr0ng", From: "wp-config.php"}})
	if !errors.Is(err, ErrDenied) || hint.CodeOf(err) != CodeDenied || hint.Of(err) == "" || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("wrong password: %v, code %q", err, hint.CodeOf(err))
	}
	_, err = Open(t.Context(), Target{Socket: s.Dir + "/none"}, root)
	if !errors.Is(err, ErrDown) || hint.CodeOf(err) != CodeDown {
		t.Errorf("no server: %v", err)
	}
	if _, err = Open(t.Context(), target(s), nil); !errors.Is(err, ErrDenied) {
		t.Errorf("no account: %v", err)
	}
}

func noRights(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "CREATE USER nobody@localhost IDENTIFIED BY 'x'")
	c := open(t, target(s), []Credential{{User: "nobody", Password: "x", From: "test"}})
	if _, err := c.Transactions(t.Context(), Sessions{}); !errors.Is(err, ErrNoProcess) || !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("transactions: %v", err)
	}
	ms := c.Missing()
	if len(ms) != 2 || ms[0].Code != CodeNoProcess || !strings.Contains(ms[0].Hint, "GRANT PROCESS ON *.* TO 'nobody'@'localhost'") || !strings.Contains(ms[1].Hint, "CONNECTION ADMIN") {
		t.Errorf("missing: %+v", ms)
	}
	if _, err := c.Sessions(t.Context()); err != nil {
		t.Errorf("sessions: %v", err)
	}
	if _, ok, err := c.Table(t.Context(), "site", "wp_audit_log"); ok || err != nil {
		t.Errorf("table: %v %v", ok, err)
	}
}

func restart(t *testing.T, s *mysqltest.Server) {
	c := open(t, target(s), root)
	at := time.Unix(1000, 0)
	if _, _, err := c.Status(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	c.status.values["uptime"] = "100000" // as if it had run for a day
	s.Kill()
	if _, err := c.Sessions(t.Context()); !errors.Is(err, ErrDown) || hint.CodeOf(err) != CodeDown || !c.Lost() {
		t.Errorf("a killed server: %v, lost %v", err, c.Lost())
	}
	if err := c.Reopen(t.Context()); !errors.Is(err, ErrDown) {
		t.Errorf("reopen while it is down: %v", err)
	}
	s.Run(t)
	if err := c.Reopen(t.Context()); err != nil {
		t.Fatalf("reopen: %v", err)
	}
	st, ok, err := c.Status(t.Context(), at.Add(time.Minute))
	if err != nil || !ok || !st.Restarted || st.OverMs > 60000 {
		t.Errorf("status after a restart: %+v %v %v", st, ok, err)
	}
}
