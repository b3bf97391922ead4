package collectors

import (
	"context"
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
