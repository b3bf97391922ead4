package survey

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

var root = mysql.Credential{User: "root", From: "test"}

func hand(t *testing.T, s *mysqltest.Server, cred mysql.Credential) *mysql.Hand {
	t.Helper()
	h, err := mysql.OpenHand(t.Context(), mysql.Target{Instance: "db", Socket: s.Socket}, []mysql.Credential{cred}, AnswerLimit, SetUp()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func read(t *testing.T, h *mysql.Hand, w Want) Result {
	t.Helper()
	w.Instance = "db"
	r, err := Read(t.Context(), h, w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// must runs statements over one session.
func must(t *testing.T, c *sql.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := c.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// count reads one number as root.
func count(t *testing.T, s *mysqltest.Server, text string) (n int64) {
	t.Helper()
	if err := s.DB(t, "").QueryRow(text).Scan(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// background runs a statement over a session of its own until the test ends, and
// returns the session's id.
func background(t *testing.T, s *mysqltest.Server, text string, before ...string) uint64 {
	t.Helper()
	c := s.Session(t, "site")
	must(t, c, before...)
	var id uint64
	if err := c.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = c.ExecContext(ctx, text) }() // how it ends is not asked
	t.Cleanup(func() {
		_, _ = s.DB(t, "").Exec(fmt.Sprintf("KILL %d", id)) // it may have ended
		cancel()
		<-ended
	})
	return id
}

func TestSurveyOnEachServer(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		s.AuditLog(t, 30_000)
		for _, c := range []struct {
			name string
			test func(*testing.T, *mysqltest.Server)
		}{
			{"server", theServer}, {"table", theAuditLog}, {"forms", theForms}, {"weights", theWeights}, {"children", theChildren},
			{"accounts", theAccounts}, {"sessions", theSessions}, {"pressure", thePressure},
		} {
			t.Run(c.name, func(t *testing.T) { c.test(t, s) })
		}
	}, "--max-connections=60", "--log-bin=logs", "--server-id=7")
}

func theServer(t *testing.T, s *mysqltest.Server) {
	asked := ""
	r := read(t, hand(t, s, root), Want{Free: func(p string) int64 { asked = p; return 4711 }})
	v := r.Server
	if v.MariaDB() == s.Flavour.MySQL || !strings.HasPrefix(v.Version, fmt.Sprintf("%d.%d.", v.Major, v.Minor)) || v.Major < 9 {
		t.Errorf("got %s %s (%d, %d) on %s", v.Flavour, v.Version, v.Major, v.Minor, s.Flavour.Name)
	}
	if v.ReadOnly || v.Replica || v.Replicas != 0 || v.Galera || !v.Binlog || v.BinlogDirFree != 4711 {
		t.Errorf("got role %+v, want a server of its own with a binary log", v)
	}
	want := "MIXED"
	if s.Flavour.MySQL {
		want = "ROW"
	}
	if v.BinlogFormat != want || v.MaxConnections != 60 || v.BufferPool != 64<<20 || v.LockWaitS != 20 || v.Account != "root@localhost" {
		t.Errorf("got %+v, want the format %s and the limits of the command line", v, want)
	}
	for _, dir := range []string{r.Dirs.Data, r.Dirs.Tmp, r.Dirs.Binlog} {
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			t.Errorf("directory %q of %+v: %v", dir, r.Dirs, err)
		}
	}
	if asked != r.Dirs.Binlog || r.Table != nil || len(r.Unread) != 0 {
		t.Errorf("got %+v, asked the room of %q", r, asked)
	}
	for _, right := range []string{"DELETE", "INDEX", "ALTER", "CREATE", "DROP", "INSERT", "PROCESS", "SUPER"} {
		if !slices.Contains(v.Rights, right) {
			t.Errorf("root lacks %s in %q", right, v.Rights)
		}
	}
	s.Exec(t, "SET GLOBAL read_only=1")
	defer s.Exec(t, "SET GLOBAL read_only=0")
	if r := read(t, hand(t, s, root), Want{}); !r.Server.ReadOnly {
		t.Error("a read-only server was not recognised")
	}
}

// cutoff dooms the rows of the audit log up to the key.
func cutoff(t *testing.T, s *mysqltest.Server, last int) *remedy.Doomed {
	t.Helper()
	unix := count(t, s, fmt.Sprintf("SELECT created FROM site.wp_audit_log WHERE id = %d", last+1))
	return &remedy.Doomed{Column: "created", Literal: fmt.Sprint(unix), Cutoff: time.Unix(unix, 0)}
}

func theAuditLog(t *testing.T, s *mysqltest.Server) {
	h := hand(t, s, root)
	r := read(t, h, Want{Schema: "site", Table: "wp_audit_log", Doomed: cutoff(t, s, 24_000)})
	if len(r.Unread) != 0 || r.Table == nil {
		t.Fatalf("got unread %v", r.Unread)
	}
	v := r.Table
	if v.Engine != "InnoDB" || v.Key != "id" || !slices.Equal(v.KeyColumns, []string{"id"}) || v.MinKey != 1 || v.MaxKey != 30_000 || len(v.Indexes) != 2 || v.FileBytes <= 0 {
		t.Errorf("got %+v", v)
	}
	c, _ := v.ColumnOf("created")
	u, _ := v.ColumnOf("username")
	if len(v.Columns) != 5 || c.Type != "int" || !c.Nullable || !strings.Contains(c.FullType, "unsigned") || u.Charset == "" || c.Charset != "" {
		t.Errorf("got columns %+v", v.Columns)
	}
	if v.Growth.Column != "created" || !v.Growth.Ordered || v.Millis || v.Growth.DB != "db" {
		t.Errorf("got growth %+v", v.Growth)
	}
	near(t, "doomed", v.DoomedRows, 24_000)
	near(t, "surviving", v.SurvivingRows, 6_000)
	if !v.Weighed || v.FirstKey != 1 || v.LastDoomedKey != 24_000 {
		t.Errorf("got keys %d to %d, want 1 to 24000", v.FirstKey, v.LastDoomedKey)
	}
	if v.RowBytes < 320 || v.RowBytes > 380 || v.PackedBytes <= 0 || v.PackedBytes > v.RowBytes/3 {
		t.Errorf("got %d bytes a row, %d packed", v.RowBytes, v.PackedBytes)
	}
	if v.Plan != "ALL" || v.Ddl || len(v.Triggers)+len(v.References)+len(v.ReferencedBy)+len(v.Children)+v.Partitions > 0 || v.Fulltext || v.Spatial {
		t.Errorf("got %+v", v)
	}
	r = read(t, h, Want{Schema: "site", Table: "wp_audit_log", Column: "created", Statement: "DELETE FROM wp_audit_log WHERE id < 10"})
	if r.Table.Plan != "range" || r.Table.Weighed {
		t.Errorf("got plan %q of an unqualified statement by the key", r.Table.Plan)
	}
	r = read(t, h, Want{Schema: "site", Table: "wp_audit_log", Statement: "DROP TABLE wp_audit_log"})
	if r.Table == nil || r.Table.Plan != "" || !strings.Contains(r.Unread["plan"], "no plan") {
		t.Errorf("got plan %q, unread %v of a statement that nothing explains", r.Table.Plan, r.Unread)
	}
	if r := read(t, h, Want{Schema: "site", Table: "wp_nothing"}); r.Table != nil || !strings.Contains(r.Unread["table"], "wp_nothing") {
		t.Errorf("got %+v of a table that is not there", r)
	}
	noScan(t, h)
}

// TestSurveyIsInTime: near the end of its time a survey begins nothing more, tells
// what it did not read, and keeps the connection.
func TestSurveyIsInTime(t *testing.T) {
	s := mysqltest.Start(t)
	s.AuditLog(t, 1000)
	h := hand(t, s, root)
	ctx, cancel := context.WithTimeout(t.Context(), lastly)
	defer cancel()
	r, err := Read(ctx, h, Want{Schema: "site", Table: "wp_audit_log", Doomed: &remedy.Doomed{Column: "created", Literal: "1"}})
	if err != nil || h.Lost() || r.Table == nil || r.Table.Weighed || r.Unread["doomed"] != errLate.Error() || r.Unread["growth"] != errLate.Error() {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := Weigh(ctx, h, r.Table, remedy.Doomed{Column: "created", Literal: "1"}); !errors.Is(err, errLate) || r.Table.DoomedRows != -1 {
		t.Errorf("got %v, %d rows", err, r.Table.DoomedRows)
	}
}

// near checks an estimate to 3 %.
func near(t *testing.T, what string, got, want int64) {
	t.Helper()
	if d := got - want; d*100 > want*3 || -d*100 > want*3 {
		t.Errorf("got %d %s rows, want %d within 3 %%", got, what, want)
	}
}

// noScan reads how many rows the session of h has been handed by the engines: of
// four surveys of 30 000 rows, which one scan alone would exceed.
func noScan(t *testing.T, h *mysql.Hand) {
	t.Helper()
	st, err := pairs(t.Context(), h, "SHOW SESSION STATUS LIKE 'Handler_read%'")
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, n := range st {
		sum += number(n)
	}
	if sum == 0 || sum > 25_000 {
		t.Errorf("the survey was handed %d rows: %v", sum, st)
	}
}

// BenchmarkPressure is what is asked once a second while a purge runs.
func BenchmarkPressure(b *testing.B) {
	for _, f := range mysqltest.Flavours() {
		b.Run(f.Name, func(b *testing.B) {
			s := mysqltest.StartFlavour(b, f)
			h, err := mysql.OpenHand(b.Context(), mysql.Target{Socket: s.Socket}, []mysql.Credential{root}, AnswerLimit, SetUp()...)
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Pressure(b.Context(), h, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
