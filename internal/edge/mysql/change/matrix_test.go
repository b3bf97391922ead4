package change

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
	"hirune/internal/edge/mysql/sqltext"
)

// TestMatrix plans on each server with each format of the binary log, carries the
// plan out, compares the replica, and takes it back.
func TestMatrix(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, plain *mysqltest.Server) {
		t.Run("no binary log", func(t *testing.T) { (&matrix{s: plain}).all(t) })
		replica := mysqltest.StartFlavour(t, plain.Flavour, "--server-id=9", "--skip-log-bin", retries(plain.Flavour))
		for _, format := range []string{"ROW", "STATEMENT", "MIXED"} {
			t.Run(format, func(t *testing.T) {
				args := []string{"--server-id=7", "--log-bin=logs", "--binlog-format=" + format}
				if !plain.Flavour.MySQL {
					args = append(args, "--plugin-load-add=sql_errlog")
				}
				m := &matrix{s: mysqltest.StartFlavour(t, plain.Flavour, args...), replica: replica, format: format}
				m.replicate(t)
				m.all(t)
				m.replicated(t)
				never(t, m.s, 1665)
			})
		}
	}, "--skip-log-bin")
}

// retries: the replica gives up on a lock sooner than the ten times of a default.
func retries(f mysqltest.Flavour) string {
	if f.MySQL {
		return "--replica-transaction-retries=1"
	}
	return "--slave-transaction-retries=1"
}

// replicate has the replica forget its last source and follow this one.
func (m *matrix) replicate(t *testing.T) {
	t.Helper()
	m.s.Exec(t, "CREATE USER repl@'%' IDENTIFIED BY 'pw'", "GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
	texts := []string{"STOP SLAVE", "RESET SLAVE ALL", fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='repl', MASTER_PASSWORD='pw'", m.s.Port), "START SLAVE"}
	if m.s.Flavour.MySQL {
		texts = []string{"STOP REPLICA", "RESET REPLICA ALL", fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%d, SOURCE_USER='repl', SOURCE_PASSWORD='pw', GET_SOURCE_PUBLIC_KEY=1", m.s.Port), "START REPLICA"}
	}
	m.replica.Exec(t, texts[:2]...)
	if !m.s.Flavour.MySQL {
		m.replica.Exec(t, "SET GLOBAL gtid_slave_pos=''")
	}
	m.replica.Exec(t, "DROP DATABASE IF EXISTS site", "DROP USER IF EXISTS repl@'%'")
	m.replica.Exec(t, texts[2:]...)
	t.Cleanup(func() { m.replica.Exec(t, texts[0]); m.s.Kill() }) // in order, MySQL takes 10 s to end when one was connected
}

// all is what every server has to do.
func (m *matrix) all(t *testing.T) {
	m.fill(t, "InnoDB", 12_000)
	m.format = strings.ToUpper(m.format)
	t.Run("explained for the recorder", m.explained)
	t.Run("purge and index", m.purgeAndIndex)
	t.Run("kill", m.kill)
	t.Run("swap", m.swap)
	t.Run("move an event", m.cron)
	m.fill(t, "MyISAM", 4000)
	t.Run("purge of MyISAM", m.purgeMyISAM)
	t.Run("swap of MyISAM", m.swap)
	t.Run("swap and drop", m.swapAndDrop)
}

// explained: the recorder, which may not write, is told how the server would find
// the rows of a DELETE that has ended.
func (m *matrix) explained(t *testing.T) {
	c, err := mysql.Open(t.Context(), mysql.Target{Socket: m.s.Socket}, []mysql.Credential{{User: "root", From: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text := "DELETE FROM " + matrixOn + " WHERE " + m.doomed()
	r := mysql.Running{Text: text, Parsed: sqltext.Parse(text)}
	r.ConnID, r.Digest, r.Verb, r.Schema = 987_654, r.Parsed.Digest, r.Parsed.Verb, "site"
	for range 2 {
		if ps, err := c.Explain(t.Context(), r); err != nil || len(ps) != 1 || ps[0].Access != "ALL" || ps[0].Running {
			t.Errorf("got %+v, %v, want the whole table read", ps, err)
		}
	}
}

// isolation is what the sessions that change rows must use.
func (m *matrix) isolation() string {
	if m.format == "STATEMENT" {
		return "REPEATABLE READ"
	}
	return "READ COMMITTED"
}

func ids(all []diagnose.Sentence) (out []string) {
	for _, s := range all {
		out = append(out, s.ID)
	}
	return out
}

func (m *matrix) purgeAndIndex(t *testing.T) {
	f, x := m.finding(), m.executor(nil, nil)
	w := m.world(t, m.s, f)
	purge, index := remedies.Purge().Plan(f, w, remedy.Wishes{}), remedies.AddIndex().Plan(f, w, remedy.Wishes{})
	m.planned(t, w, purge)
	before, survivors, kept := m.checksum(t, m.s, matrixTable), m.sum(t, m.s, matrixTable, m.survive()), m.sum(t, m.s, matrixTable, "1=1")
	m.apply(t, x, purge)
	m.purged(t, survivors)
	m.follows(t, "after the purge", matrixTable)
	run := m.apply(t, x, index)
	m.indexed(t, run)
	m.follows(t, "after the index", matrixTable)
	m.undo(t, x)
	if got := m.checksum(t, m.s, matrixTable); got != before || m.sum(t, m.s, matrixTable, "1=1") != kept {
		t.Errorf("after undo: got checksum %s, want %s", got, before)
	}
	m.follows(t, "after undo", matrixTable)
}

// planned checks what the planner made of the server.
func (m *matrix) planned(t *testing.T, w remedy.World, purge remedy.Plan) {
	t.Helper()
	if s := w.Server; s.Binlog != (m.format != "") || s.BinlogFormat != m.format || s.Replica || (s.Replicas > 0) != (m.replica != nil) {
		t.Errorf("got server %+v, want format %q", s, m.format)
	}
	if !purge.Doable() || len(purge.Steps) < 2 {
		t.Fatalf("the purge is refused: %v", purge.Refused)
	}
	step, ok := purge.Steps[1].Step.(remedy.DeleteInChunks)
	if !ok || step.Isolation != m.isolation() || step.Archive == "" {
		t.Fatalf("got step %+v, want chunks under %s with an archive", purge.Steps[1].Step, m.isolation())
	}
	says := ids(purge.Says)
	for id, want := range map[string]bool{"purge-isolation": m.format == "STATEMENT", "purge-replicas": m.replica != nil, "purge-no-transactions": !step.InnoDB,
		"purge-binlog": m.format == "ROW" || m.format == "MIXED"} {
		if slices.Contains(says, id) != want {
			t.Errorf("%s is said: %v, want %v", id, !want, want)
		}
	}
}

func (m *matrix) purged(t *testing.T, survivors string) {
	t.Helper()
	if n := scalar(t, m.s, "SELECT COUNT(*) FROM "+matrixOn+" WHERE "+m.doomed()); n != "0" {
		t.Errorf("%s doomed rows are left", n)
	}
	if got := m.sum(t, m.s, matrixTable, "1=1"); got != survivors || strings.HasPrefix(survivors, "0 ") {
		t.Errorf("the rows that stay: got %s, want %s", got, survivors)
	}
}

// indexed checks that the job's statement is a range scan now, by what the last
// step of the run has noted and by the server.
func (m *matrix) indexed(t *testing.T, run *apply.Run) {
	t.Helper()
	last := run.Plan.Steps[len(run.Plan.Steps)-1]
	if note := string(run.Steps[last.ID].State); !strings.Contains(note, `"access":"range"`) || !strings.Contains(note, `"achieved":true`) {
		t.Errorf("the server's plan: got %s, want a range", note)
	}
	if n := scalar(t, m.s, "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA='site' AND TABLE_NAME=? AND INDEX_NAME='hirune_created'", matrixTable); n != "1" {
		t.Errorf("got %s indexes, want the one", n)
	}
}

// purgeMyISAM: in tiny chunks with a warning; the index is refused.
func (m *matrix) purgeMyISAM(t *testing.T) {
	f, x := m.finding(), m.executor(nil, nil)
	w := m.world(t, m.s, f)
	purge, index := remedies.Purge().Plan(f, w, remedy.Wishes{}), remedies.AddIndex().Plan(f, w, remedy.Wishes{})
	if got := ids(index.Refused); len(got) < 2 || got[0] != "refused-index-engine" || !strings.HasPrefix(got[1], "instead-") {
		t.Errorf("the index: got %v, want it refused for the engine", got)
	}
	m.planned(t, w, purge)
	if step := purge.Steps[1].Step.(remedy.DeleteInChunks); step.InnoDB || step.Target > 20*time.Millisecond {
		t.Errorf("got step %+v, want tiny chunks", step)
	}
	before, survivors := m.checksum(t, m.s, matrixTable), m.sum(t, m.s, matrixTable, m.survive())
	m.apply(t, x, purge)
	m.purged(t, survivors)
	m.follows(t, "after the purge", matrixTable)
	m.undo(t, x)
	if got := m.checksum(t, m.s, matrixTable); got != before {
		t.Errorf("after undo: got checksum %s, want %s", got, before)
	}
	m.follows(t, "after undo", matrixTable)
}

// kill: the DELETE of the job is ended by a plan, and its work taken back.
func (m *matrix) kill(t *testing.T) {
	text := "DELETE FROM " + matrixTable + fmt.Sprintf(" WHERE created < %d AND id < 2000 AND SLEEP(0.01) = 0", m.cutoff)
	before := m.checksum(t, m.s, matrixTable)
	end := background(t, m.s, text)
	mysqltest.Eventually(t, 20*time.Second, "it works", func() bool {
		return scalar(t, m.s, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_query = ? AND trx_rows_modified > 20", text) == "1"
	})
	f := m.finding()
	f.Statement.Digest = sqltext.Digest(text)
	f.Statement.Filter.Digest = f.Statement.Digest
	w := m.world(t, m.s, m.finding())
	p := remedies.KillQuery().Plan(f, w, remedy.Wishes{})
	if !p.Doable() {
		t.Fatalf("got plan %+v of sessions %+v", p, w.Server.Sessions)
	}
	m.apply(t, m.executor(nil, nil), p)
	if err := <-end; err == nil {
		t.Error("its client got no error")
	}
	if got := m.checksum(t, m.s, matrixTable); got != before {
		t.Errorf("got checksum %s, want %s", got, before)
	}
	m.runs = nil
	m.follows(t, "after the kill", matrixTable)
}

// swap: survivors go to a new table while a visitor writes, and back.
func (m *matrix) swap(t *testing.T) {
	f := m.finding()
	w := m.world(t, m.s, f)
	p := remedies.Purge().Plan(f, w, remedy.Wishes{Strategy: remedy.Swap})
	if !p.Doable() || p.Steps[1].Step.Kind() != (remedy.KeepAndSwap{}).Kind() {
		t.Fatalf("got plan %+v", p)
	}
	step := p.Steps[1].Step.(remedy.KeepAndSwap)
	if step.Isolation != m.isolation() {
		t.Errorf("got isolation %s, want %s", step.Isolation, m.isolation())
	}
	m.s.Exec(t, "CREATE TABLE site.shadow LIKE "+matrixOn, "INSERT INTO site.shadow SELECT * FROM "+matrixOn+" ORDER BY id")
	both := func(texts ...string) {
		for _, text := range texts {
			m.s.Exec(t, fmt.Sprintf(text, matrixOn), fmt.Sprintf(text, "site.shadow"))
		}
	}
	wrote := false
	x := m.executor(nil, func(point string) error {
		if point == "counted" && !wrote {
			wrote = true
			m.s.Exec(t, "INSERT INTO "+matrixOn+fmt.Sprintf(" (username, created) VALUES ('late', %d)", m.now.Unix()), "INSERT INTO site.shadow SELECT * FROM "+matrixOn+" WHERE username = 'late'")
			both("UPDATE %s SET username = 'changed' WHERE created IS NOT NULL ORDER BY id DESC LIMIT 3",
				fmt.Sprintf("UPDATE %%s SET created = %d WHERE id = 1", m.now.Unix()),
				fmt.Sprintf("DELETE FROM %%s WHERE created > %d ORDER BY id LIMIT 2", m.cutoff))
		}
		return nil
	})
	m.apply(t, x, p)
	if !wrote {
		t.Fatal("nothing was written meanwhile: nothing was tested")
	}
	m.purged(t, m.sum(t, m.s, "shadow", m.survive()))
	m.follows(t, "after the swap", matrixTable, step.Old)
	m.s.Exec(t, "INSERT INTO "+matrixOn+fmt.Sprintf(" (username, created) VALUES ('after', %d)", m.now.Unix()), "INSERT INTO site.shadow SELECT * FROM "+matrixOn+" WHERE username = 'after'")
	both("UPDATE %s SET details = 'mended' WHERE username = 'changed'")
	m.undo(t, x)
	if got, want := m.sum(t, m.s, matrixTable, "1=1"), m.sum(t, m.s, "shadow", "1=1"); got != want {
		t.Errorf("after undo: got %s, want %s", got, want)
	}
	m.follows(t, "after undo", matrixTable, "shadow")
	m.s.Exec(t, "DROP TABLE site.shadow")
}

// swapAndDrop: nothing is left of the old table, on the replica neither.
func (m *matrix) swapAndDrop(t *testing.T) {
	f, survivors := m.finding(), m.sum(t, m.s, matrixTable, m.survive())
	p := remedies.Purge().Plan(f, m.world(t, m.s, f), remedy.Wishes{Strategy: remedy.Swap, Force: []string{"drop-old-table"}})
	m.apply(t, m.executor(nil, nil), p)
	m.purged(t, survivors)
	m.follows(t, "after the drop", matrixTable)
	for _, s := range []*mysqltest.Server{m.s, m.replica} {
		if s == nil {
			continue
		}
		if got := scalar(t, s, "SELECT GROUP_CONCAT(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA='site' AND TABLE_NAME LIKE '%hirune%'"); got != "" {
			t.Errorf("tables %s are left", got)
		}
	}
	m.runs = nil
}

// cron moves an event of WordPress.
func (m *matrix) cron(t *testing.T) {
	now := time.Now().Unix()
	step := remedy.MoveCronEvent{Schema: "site", Prefix: "wp_", Hook: "clean", From: now + 5000, To: now + 9000}
	m.s.Exec(t, "CREATE TABLE site.wp_options (option_id BIGINT AUTO_INCREMENT PRIMARY KEY, option_name VARCHAR(191) UNIQUE, option_value LONGTEXT NOT NULL) CHARSET utf8mb4",
		fmt.Sprintf("INSERT INTO site.wp_options (option_name, option_value) VALUES ('cron', '%d clean\n')", step.From))
	d, l := Cron{Server: privately(m.s), Edit: editLines}, newLogbook(nil)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	answer(t, d, step, l.State, apply.IsDone)
	if err := d.Undo(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	m.follows(t, "after the event was moved", "wp_options")
}
