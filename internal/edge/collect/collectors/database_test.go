package collectors

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

// dbBench is a collector with what it has emitted, on a clock of its own.
type dbBench struct {
	d     *Database
	now   time.Time
	facts []evidence.Fact
}

func newDBBench(t testing.TB, s *mysqltest.Server, creds ...mysql.Credential) *dbBench {
	b := &dbBench{now: time.Now()}
	b.d = NewDatabase(func() ([]discover.Database, []mysql.Credential) {
		return []discover.Database{{Instance: "db", Flavour: "mariadb", Socket: s.Socket, Address: s.Address()}}, creds
	})
	t.Cleanup(func() { b.d.Close() })
	return b
}

var dbRoot = mysql.Credential{User: "root", From: "UNIX socket"}

func (b *dbBench) beat(t testing.TB) error {
	b.now = b.now.Add(time.Second)
	return b.d.Collect(t.Context(), collect.NewBeat(b.now, "database", func(r evidence.Record) { b.facts = append(b.facts, r.Fact) }))
}

func dbFacts[T evidence.Fact](b *dbBench) (out []T) {
	for _, f := range b.facts {
		if v, ok := f.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

func TestDatabaseRecordsAPurge(t *testing.T) {
	s := mysqltest.Start(t)
	s.AuditLog(t, 60000)
	b := newDBBench(t, s, dbRoot)
	for range 4 {
		if err := b.beat(t); err != nil {
			t.Fatal(err)
		}
	}
	if v := dbFacts[evidence.DBServer](b); len(v) != 1 || v[0].Flavour != "mariadb" {
		t.Errorf("server: %+v", v)
	}
	if v := dbFacts[evidence.Table](b); len(v) != 1 || v[0].Name != "wp_audit_log" || len(v[0].Indexes) != 2 {
		t.Errorf("tables at the start: %+v", v)
	}
	if v := dbFacts[evidence.TableGrowth](b); len(v) != 1 || v[0].Column != "created" {
		t.Errorf("growth at the start: %+v", v)
	}
	if v := dbFacts[evidence.DBStatus](b); len(v) != 3 {
		t.Errorf("%d status facts in 4 beats, want 3", len(v))
	}
	b.facts = nil
	victim := s.Session(t, "site")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := make(chan error, 1)
	go func() {
		_, err := victim.ExecContext(ctx, "DELETE FROM wp_audit_log WHERE created < '1700000000' AND SLEEP(0) = 0 OR created < '5' + SLEEP(IF(id % 20 = 0, 0.002, 0))")
		end <- err
	}()
	mysqltest.Eventually(t, 20*time.Second, "plan, filter, table and growth of the DELETE", func() bool {
		if err := b.beat(t); err != nil {
			t.Fatal(err)
		}
		return len(dbFacts[evidence.Plan](b)) > 0 && len(dbFacts[evidence.Table](b)) > 0 && len(dbFacts[evidence.TableGrowth](b)) > 0
	})
	cancel()
	<-end
	p, f := dbFacts[evidence.Plan](b)[0], dbFacts[evidence.Filter](b)[0]
	if !p.Running || !p.FullScan() || p.Table != "wp_audit_log" || p.Digest != f.Digest {
		t.Errorf("plan: %+v", p)
	}
	if f.Schema != "site" || f.Table != "wp_audit_log" || f.Range[0] != "created" || f.CutoffUnixS != 1700000000 || f.DB != "db" {
		t.Errorf("filter: %+v", f)
	}
	if v := dbFacts[evidence.Transaction](b); len(v) == 0 || v[0].RowsLocked == 0 {
		t.Errorf("transactions: %+v", v)
	}
}

func TestDatabaseLooksASecondTimeWhereItWasTooSlow(t *testing.T) {
	s := mysqltest.Start(t)
	b := newDBBench(t, s, dbRoot)
	if err := b.beat(t); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err  error
		want int
	}{"too slow": {mysql.ErrSlow, 2}, "not there": {mysql.ErrNoGrowth, 1}, "fine": {nil, 1}} {
		asked := 0
		b.d.servers[0].queue(func(context.Context, *databaseServer, *look) error { asked++; return c.err })
		for range 4 {
			if err := b.beat(t); err != nil {
				t.Fatal(err)
			}
		}
		if asked != c.want {
			t.Errorf("%s: asked %d times, want %d", name, asked, c.want)
		}
	}
}

func TestDatabaseSaysWhatItCannotSee(t *testing.T) {
	s := mysqltest.Start(t)
	s.AuditLog(t, 10)
	s.Exec(t, "CREATE USER wp@localhost IDENTIFIED BY 'sitepw'", "GRANT ALL ON site.* TO wp@localhost")
	cases := []struct {
		name, code string
		cred       mysql.Credential
	}{
		{"wrong password", "access-denied", mysql.Credential{User: "wp", Password: "wr0ng", From: "wp-config.php"}},
		{"no account", "access-denied", mysql.Credential{User: "nobody", From: "/root/.my.cnf"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newDBBench(t, s, c.cred)
			for range 3 {
				err := b.beat(t)
				if !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != c.code || hint.Of(err) == "" || strings.Contains(err.Error(), "wr0ng") {
					t.Fatalf("got %v, code %q, hint %q; want code %q", err, hint.CodeOf(err), hint.Of(err), c.code)
				}
			}
			if len(b.facts) > 0 {
				t.Errorf("got %+v, want nothing", b.facts)
			}
		})
	}
	t.Run("no rights", func(t *testing.T) {
		b := newDBBench(t, s, mysql.Credential{User: "wp", Password: "sitepw", Schema: "site", From: "wp-config.php"})
		for range 3 {
			if err := b.beat(t); err != nil {
				t.Fatal(err)
			}
		}
		told := 0
		for _, u := range dbFacts[evidence.Unseen](b) {
			if u.Code == mysql.CodeNoProcess && strings.HasPrefix(u.Hint, "GRANT PROCESS ON *.* TO 'wp'@'localhost';") {
				told++
			}
		}
		if told != 1 || len(dbFacts[evidence.DBStatus](b)) == 0 || len(dbFacts[evidence.Table](b)) == 0 {
			t.Errorf("the missing right was told %d times, want once, beside status and tables: %+v", told, b.facts)
		}
	})
	t.Run("no right to the tables", func(t *testing.T) {
		s.Exec(t, "CREATE USER mon@localhost IDENTIFIED BY 'monpw'", "GRANT PROCESS ON *.* TO mon@localhost")
		b := newDBBench(t, s, mysql.Credential{User: "mon", Password: "monpw", Schema: "site", From: "/root/.my.cnf"})
		for range 3 {
			if err := b.beat(t); err != nil {
				t.Fatal(err)
			}
		}
		hints := map[string]string{}
		for _, u := range dbFacts[evidence.Unseen](b) {
			hints[u.Code] = u.Hint
		}
		if hints["no-table-right"] != "GRANT SELECT ON `site`.* TO 'mon'@'localhost';" || hints["no-connection-admin-right"] == "" || len(hints) != 2 {
			t.Errorf("unseen: %v", hints)
		}
		if v := dbFacts[evidence.Table](b); len(v) != 1 || v[0].FileBytes <= 0 || v[0].Rows != -1 {
			t.Errorf("tables: %+v", v)
		}
	})
	t.Run("restart", func(t *testing.T) {
		b := newDBBench(t, s, dbRoot)
		if err := b.beat(t); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if err := b.beat(t); hint.CodeOf(err) != "database-down" {
			t.Fatalf("a killed server: %v", err)
		}
		s.Run(t)
		mysqltest.Eventually(t, 20*time.Second, "it is seen again", func() bool { return b.beat(t) == nil })
	})
	t.Run("no database", func(t *testing.T) {
		d := NewDatabase(func() ([]discover.Database, []mysql.Credential) { return nil, nil })
		err := d.Collect(t.Context(), collect.NewBeat(time.Now(), "database", func(evidence.Record) {}))
		if !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != "database-down" {
			t.Errorf("got %v", err)
		}
	})
}

// BenchmarkDatabaseBeat is one beat at an idle server, or at a busy one with
// HIRUNE_BENCH_BUSY=1; it reports the CPU of this process beside the time.
func BenchmarkDatabaseBeat(b *testing.B) {
	s := mysqltest.Start(b)
	s.AuditLog(b, 2000)
	if os.Getenv("HIRUNE_BENCH_BUSY") != "" {
		for range 10 {
			conn := s.Session(b, "site")
			ctx, cancel := context.WithCancel(context.Background())
			b.Cleanup(cancel)
			go conn.ExecContext(ctx, "SELECT SLEEP(600), 'x' FROM wp_audit_log WHERE id = 1")
		}
	}
	bench := newDBBench(b, s, dbRoot)
	for range 20 {
		if err := bench.beat(b); err != nil {
			b.Fatal(err)
		}
	}
	own, server := cpuOf(b, os.Getpid()), cpuOf(b, s.PID())
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		bench.facts = bench.facts[:0]
		bench.now = bench.now.Add(-time.Second) // the cadence of slow jobs is not measured
		if err := bench.beat(b); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64((cpuOf(b, os.Getpid())-own).Microseconds())/float64(n), "own-cpu-µs/op")
	b.ReportMetric(float64((cpuOf(b, s.PID())-server).Microseconds())/float64(n), "server-cpu-µs/op")
}

// A server without a free connection: the recorder that was there before goes on
// and tells who has them; one that comes then says why it sees nothing, and gets in
// when a place is free.
func TestDatabaseTellsWhoHasTheConnections(t *testing.T) {
	s := mysqltest.Start(t, "--max-connections=10")
	s.Exec(t, "CREATE DATABASE site", "CREATE USER feeder@localhost", "GRANT SELECT ON site.* TO feeder@localhost", "ALTER USER feeder@localhost WITH MAX_USER_CONNECTIONS 40",
		"CREATE USER plain@localhost IDENTIFIED BY 'pw1'", "GRANT PROCESS ON *.* TO plain@localhost")
	early, late := newDBBench(t, s, dbRoot), newDBBench(t, s, mysql.Credential{User: "plain", Password: "pw1", From: "test"})
	if err := errors.Join(early.beat(t), early.beat(t)); err != nil {
		t.Fatal(err)
	}
	held := fill(t, s, "feeder")
	mysqltest.Eventually(t, 10*time.Second, "the early recorder sees who has them", func() bool {
		early.facts = nil
		if err := early.beat(t); err != nil {
			t.Fatalf("the connection that is held must go on: %v", err)
		}
		for _, u := range dbFacts[evidence.SessionUse](early) {
			if u.User == "feeder" && u.Schema == "site" && u.Count >= 8 && u.Sleeping == u.Count && u.Limit == 40 && u.DB == "db" {
				return true
			}
		}
		return false
	})
	if err := late.beat(t); !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != mysql.CodeFull || !strings.Contains(hint.Of(err), "CONNECTION ADMIN") {
		t.Errorf("the late recorder: got %v, code %q, hint %q", err, hint.CodeOf(err), hint.Of(err))
	}
	held[0].Close()
	mysqltest.Eventually(t, 20*time.Second, "the late recorder gets in", func() bool { return late.beat(t) == nil })
}

// fill takes all connections that an account can get, each idle in the site's
// database.
func fill(t *testing.T, s *mysqltest.Server, user string) []*sql.DB {
	t.Helper()
	var held []*sql.DB
	for range 30 {
		db, err := sql.Open("mysql", user+"@unix("+s.Socket+")/site")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if db.SetMaxIdleConns(1); db.PingContext(t.Context()) != nil {
			return held
		}
		held = append(held, db)
	}
	t.Fatal("30 connections fit into a server that takes 10")
	return nil
}

// Who waits is counted with who has how many.
func TestDatabaseTellsWhoWaits(t *testing.T) {
	s := mysqltest.Start(t)
	s.AuditLog(t, 10)
	b := newDBBench(t, s, dbRoot)
	holder := s.Session(t, "site")
	if _, err := holder.ExecContext(t.Context(), "LOCK TABLES wp_audit_log WRITE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 4 {
		w := s.DB(t, "site")
		go w.ExecContext(ctx, "SELECT COUNT(*) FROM wp_audit_log")
	}
	mysqltest.Eventually(t, 20*time.Second, "four wait for the one that sleeps", func() bool {
		b.facts = nil
		if err := b.beat(t); err != nil {
			t.Fatal(err)
		}
		u, w := dbFacts[evidence.SessionUse](b), dbFacts[evidence.LockWait](b)
		return len(u) == 1 && u[0].User == "root" && u[0].Waiting == 4 && len(w) == 4 && w[0].Blocker != 0 && w[0].BlockerSleeps
	})
	if _, err := holder.ExecContext(context.WithoutCancel(t.Context()), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
}

func TestDatabaseSettlesWhenAllIsAnswered(t *testing.T) {
	s := mysqltest.Start(t)
	s.AuditLog(t, 60000)
	b := newDBBench(t, s, dbRoot)
	for beats := 0; ; beats++ {
		if err := b.beat(t); err != nil {
			t.Fatal(err)
		}
		told := len(dbFacts[evidence.TableGrowth](b)) > 0
		if settled := b.d.Settled(); settled && !told {
			t.Fatalf("after %d beats: settled, and the growth of the table is not told", beats+1)
		} else if settled {
			break
		}
		if beats > 30 {
			t.Fatal("never settled")
		}
	}
	b.d.servers[0].queue(serverJob)
	if b.d.Settled() {
		t.Error("settled with a question left")
	}
}
