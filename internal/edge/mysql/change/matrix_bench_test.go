package change

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
	"hirune/internal/edge/mysql/survey"
)

const (
	matrixTable = "wp_aiowps_audit_log"
	matrixOn    = "site." + matrixTable
	// matrixSum is a checksum of each value of each row.
	matrixSum = "CONCAT(COUNT(*), ' ', COALESCE(BIT_XOR(CRC32(CONCAT_WS('|', id, HEX(username), HEX(level), HEX(details), ratio + 0e0, price, HEX(hash), seen, COALESCE(created, 'NULL')))), 0))"
)

// matrix is a server of one binary log's format, with the table of a plugin's
// log, and a replica of it where there is a log.
type matrix struct {
	s       *mysqltest.Server
	replica *mysqltest.Server // nil: none
	format  string            // of the binary log; "" : it has none
	now     time.Time
	cutoff  int64
	state   string
	journal *keptJournal
	runs    []*apply.Run
	marked  int
}

// fill makes the table anew: four rows of five are doomed, keys have holes, some
// rows have no time, and no column is easy to write as a text.
func (m *matrix) fill(t *testing.T, engine string, n int) {
	t.Helper()
	m.now, m.state, m.journal, m.runs = time.Now(), t.TempDir(), &keptJournal{}, nil
	first := m.now.Unix() - int64(n)*60
	m.cutoff = first + int64(n)*60*4/5
	m.s.Exec(t, "DROP DATABASE IF EXISTS site", "CREATE DATABASE site CHARACTER SET utf8mb4",
		"CREATE TABLE "+matrixOn+` (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(60), level VARCHAR(25) CHARACTER SET latin1, details TEXT, ratio FLOAT,
price DECIMAL(10,2), hash VARBINARY(28), seen DATETIME NULL, created INT UNSIGNED NULL, KEY level (level)) ENGINE=`+engine,
		"CREATE TABLE site.mark (n INT PRIMARY KEY) ENGINE=InnoDB", "CREATE TABLE site.numbers (n INT NOT NULL PRIMARY KEY) ENGINE=InnoDB")
	m.s.Numbers(t, "site.numbers", n)
	m.s.Exec(t, fmt.Sprintf(`INSERT INTO %s SELECT n + n DIV 1000 * 500, CONCAT('名''\\', n), CONVERT(x'76e90d' USING latin1), REPEAT(CHAR(97 + n %% 26), 20 + n %% 60), n / 7,
n / 100, UNHEX(SHA2(n, 224)), '2026-01-01' + INTERVAL n MINUTE, IF(n %% 997 = 0, NULL, %d + n * 60) FROM site.numbers ORDER BY n`, matrixOn, first), "DROP TABLE site.numbers")
}

// finding accuses the job of the plugin.
func (m *matrix) finding() diagnose.Finding {
	digest := "DELETE FROM " + matrixTable + " WHERE created < ?"
	return diagnose.Finding{
		Rule: "purge-without-index", About: diagnose.Subject{Schema: "site", Table: matrixTable, Column: "created"},
		Origin: diagnose.Origin{Plugin: "all-in-one-wp-security-and-firewall", Site: "shop.example", User: "root"},
		Statement: &diagnose.Statement{Digest: digest, Verb: "DELETE", At: m.now.Add(-time.Minute),
			Filter: evidence.Filter{Digest: digest, Verb: "DELETE", Table: matrixTable, Range: []string{"created"}, CutoffUnixS: m.cutoff}},
	}
}

// world reads a server for the finding as the command does.
func (m *matrix) world(t *testing.T, s *mysqltest.Server, f diagnose.Finding) remedy.World {
	t.Helper()
	h, err := privately(s).Open(t.Context(), survey.AnswerLimit, survey.SetUp()...)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	room := func(string) int64 { return 20 << 30 }
	r, err := survey.Read(t.Context(), h, survey.Want{Schema: "site", Table: matrixTable, Column: "created", Free: room, Statement: "DELETE FROM " + matrixTable + " WHERE " + m.doomed()})
	if err != nil || r.Table == nil || r.Table.Plan != "ALL" {
		t.Fatalf("survey: %v, unread %v, table %+v", err, r.Unread, r.Table)
	}
	w := remedy.World{Now: m.now, Loc: time.UTC, Server: r.Server, Table: r.Table, Unread: r.Unread, StateDir: m.state, Binary: "/usr/bin/hirune",
		Host: remedy.Host{CPUs: 2, FreeBytes: map[string]int64{remedy.DiskData: 20 << 30, remedy.DiskTmp: 20 << 30, remedy.DiskArchive: 20 << 30}},
		Site: &remedy.Site{Site: evidence.Site{Name: "shop.example", Platform: "wordpress", Schema: "site", Prefix: "wp_"}}}
	d, ok := remedies.Doomed(f, w, remedy.Wishes{})
	if !ok {
		t.Fatalf("nothing is doomed for %+v", f)
	}
	if err := survey.Weigh(t.Context(), h, r.Table, d); err != nil || len(r.Unread) > 0 {
		t.Fatalf("weigh: %v, unread %v", err, r.Unread)
	}
	return w
}

// executor carries plans out with the hands of the command.
func (m *matrix) executor(pace func(remedy.Step) apply.Pacer, stop func(string) error) *apply.Executor {
	s := privately(m.s)
	return &apply.Executor{Journal: m.journal, Now: time.Now, Pace: pace, Doers: map[string]apply.Doer{
		remedy.DeleteInChunks{}.Kind():   &Chunks{Server: s},
		remedy.KeepAndSwap{}.Kind():      Swap{Server: s, stop: stop},
		remedy.DropTable{}.Kind():        &Drop{Server: s},
		remedy.AddIndex{}.Kind():         &Index{Server: s},
		remedy.ExplainStatement{}.Kind(): &Explain{Server: s},
		remedy.KillQuery{}.Kind():        &Kill{Server: s},
	}}
}

// apply carries a plan out to its end.
func (m *matrix) apply(t *testing.T, x *apply.Executor, p remedy.Plan) *apply.Run {
	t.Helper()
	if len(p.Refused) > 0 {
		t.Fatalf("the plan is refused: %v", p.Refused)
	}
	run, err := x.Begin(len(m.runs)+1, p)
	if err != nil {
		t.Fatal(err)
	}
	m.runs = append(m.runs, &run)
	if err := x.Apply(t.Context(), &run); err != nil {
		t.Fatal(err)
	}
	return &run
}

// undo takes all runs back, the last one first.
func (m *matrix) undo(t *testing.T, x *apply.Executor) {
	t.Helper()
	for _, r := range slices.Backward(m.runs) {
		if left, err := x.Undo(t.Context(), r); err != nil || len(left) > 0 {
			t.Fatalf("undo run %d: %v, left %v", r.ID, err, left)
		}
	}
	m.runs = nil
}

// sum is a checksum of the rows of a table on either server.
func (m *matrix) sum(t *testing.T, s *mysqltest.Server, table, where string) string {
	t.Helper()
	return scalar(t, s, "SELECT "+matrixSum+" FROM site."+table+" WHERE "+where)
}

func (m *matrix) checksum(t *testing.T, s *mysqltest.Server, table string) string {
	t.Helper()
	db := s.DB(t, "site")
	defer db.Close()
	var name, n string
	if err := db.QueryRow("CHECKSUM TABLE "+table).Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// doomed is the condition of the rows that are to go.
func (m *matrix) doomed() string { return fmt.Sprintf("created < %d", m.cutoff) }

// survive is the condition of the others.
func (m *matrix) survive() string { return fmt.Sprintf("NOT COALESCE(created < %d, 0)", m.cutoff) }

// follows waits until the replica has all of the source, and compares tables.
func (m *matrix) follows(t *testing.T, what string, tables ...string) {
	t.Helper()
	if m.replica == nil {
		return
	}
	m.caughtUp(t, what)
	for _, table := range tables {
		if got, want := m.checksum(t, m.replica, table), m.checksum(t, m.s, table); got != want || want == "" {
			t.Errorf("%s: the replica's %s has the checksum %s, want %s", what, table, got, want)
		}
	}
}

func (m *matrix) caughtUp(t *testing.T, what string) {
	t.Helper()
	m.marked++
	m.s.Exec(t, fmt.Sprintf("REPLACE INTO site.mark VALUES (%d)", m.marked))
	mysqltest.Eventually(t, 60*time.Second, what+": the replica has all of it", func() bool {
		if why := replicaFailed(t, m.replica); why != "" {
			t.Fatalf("%s: replication has stopped: %s", what, why)
		}
		db := m.replica.DB(t, "")
		defer db.Close()
		var n int
		return db.QueryRow("SELECT COUNT(*) FROM site.mark WHERE n = ?", m.marked).Scan(&n) == nil && n == 1
	})
}

// replicaFailed is why replication has stopped by itself; "" : it has not.
func replicaFailed(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	h, err := privately(s).Open(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	rows, err := h.Named(t.Context(), "SHOW REPLICA STATUS")
	if err != nil || len(rows) != 1 {
		t.Fatalf("state of replication: %v %v", rows, err)
	}
	return rows[0]["last_sql_error"] + rows[0]["last_io_error"]
}

// never fails the test where the server has met one of its errors; known is false
// where it keeps no count of them.
func never(t *testing.T, s *mysqltest.Server, number int) (known bool) {
	t.Helper()
	if s.Flavour.MySQL {
		if n := scalar(t, s, fmt.Sprintf("SELECT COALESCE(SUM(SUM_ERROR_RAISED), 0) FROM performance_schema.events_errors_summary_global_by_error WHERE ERROR_NUMBER=%d", number)); n != "0" {
			t.Errorf("error %d was met %s times", number, n)
		}
		return true
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, "data", "sql_errors.log"))
	if err != nil {
		return false // the plugin is not of every package
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, fmt.Sprintf("ERROR %d:", number)) {
			t.Errorf("error %d was met: %s", number, line)
		}
	}
	return true
}

// openTo opens a session of a survey.
func openTo(t *testing.T, s *mysqltest.Server) *mysql.Hand {
	t.Helper()
	h, err := privately(s).Open(t.Context(), survey.AnswerLimit, survey.SetUp()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}
