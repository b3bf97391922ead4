package mysql

import (
	"context"
	"database/sql"
	"strconv"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql/mysqltest"
)

// upperCase is a lock above the rows that one session has and others wait for.
type upperCase struct {
	name    string
	have    []string // what the holder runs, and then sleeps
	long    string   // or the statement that it is at
	release string
	wait    []string // one session each, in this order
	lock    string   // of the first edge
	behind  bool     // the second waits for the first, not for the holder
	exact   [2]bool  // the server names the holder: MariaDB without its plugin, MySQL
	skip    [2]bool  // the server does not know it
}

var upperCases = []upperCase{
	{name: "a backup stops all writing", have: []string{"FLUSH TABLES WITH READ LOCK"}, release: "UNLOCK TABLES",
		wait: []string{"REPLACE INTO inno VALUES (9, 9)", "UPDATE mya SET n = 2 WHERE id = 1"}, lock: evidence.LockGlobal, exact: [2]bool{false, true}},
	{name: "stages of a backup", have: []string{"BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"}, release: "BACKUP STAGE END",
		wait: []string{"REPLACE INTO inno VALUES (9, 9)", "UPDATE mya SET n = 2 WHERE id = 1"}, lock: evidence.LockGlobal, skip: [2]bool{false, true}},
	{name: "no change of tables during a backup", have: []string{"LOCK INSTANCE FOR BACKUP"}, release: "UNLOCK INSTANCE",
		wait: []string{"ALTER TABLE inno COMMENT 'x'"}, lock: evidence.LockGlobal, exact: [2]bool{false, true}, skip: [2]bool{true, false}},
	{name: "tables locked for reading", have: []string{"LOCK TABLES inno READ, mya READ"}, release: "UNLOCK TABLES",
		wait: []string{"REPLACE INTO inno VALUES (9, 9)", "UPDATE inno SET n = 2 WHERE id = 1"}, lock: evidence.LockMetadata, exact: [2]bool{false, true}},
	{name: "a MyISAM table locked for reading", have: []string{"LOCK TABLES mya READ LOCAL"}, release: "UNLOCK TABLES",
		wait: []string{"UPDATE mya SET n = 3 WHERE id = 1"}, lock: evidence.LockTable, exact: [2]bool{false, true}},
	{name: "a table locked for writing", have: []string{"LOCK TABLES inno WRITE"}, release: "UNLOCK TABLES",
		wait: []string{"SELECT * FROM inno", "REPLACE INTO inno VALUES (9, 9)"}, lock: evidence.LockMetadata, exact: [2]bool{false, true}},
	{name: "a user lock", have: []string{"DO GET_LOCK('one at a time', 1)"}, release: "DO RELEASE_LOCK('one at a time')",
		wait: []string{"SELECT GET_LOCK('one at a time', 20)", "SELECT GET_LOCK(\"one at a time\", 20)"}, lock: evidence.LockUser, exact: [2]bool{true, true}},
	{name: "an ALTER behind a transaction that sleeps", have: []string{"BEGIN", "SELECT COUNT(*) FROM inno INTO @n"}, release: "ROLLBACK",
		wait: []string{"ALTER TABLE inno COMMENT 'x'", "SELECT * FROM inno"}, lock: evidence.LockMetadata, behind: true, exact: [2]bool{false, true}},
	{name: "an ALTER behind a long read that joins the table", long: "SELECT SLEEP(60) FROM other o JOIN inno i ON i.id = o.id",
		wait: []string{"ALTER TABLE inno COMMENT 'x'", "SELECT * FROM inno"}, lock: evidence.LockMetadata, behind: true, exact: [2]bool{false, true}},
	{name: "a write behind a long read of a MyISAM table", long: "SELECT SLEEP(60) FROM mya LIMIT 1",
		wait: []string{"UPDATE mya SET n = 5 WHERE id = 1", "SELECT * FROM mya"}, lock: evidence.LockTable, behind: true, exact: [2]bool{true, true}},
	{name: "readers behind a long write of a MyISAM table", long: "UPDATE mya SET n = n + SLEEP(60)",
		wait: []string{"UPDATE mya SET n = 5 WHERE id = 1", "SELECT * FROM mya"}, lock: evidence.LockTable, exact: [2]bool{true, true}},
}

// TestLocksAboveTheRows holds every kind of lock on every server, and asks who
// waits for whom.
func TestLocksAboveTheRows(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		upperTables(t, s)
		for _, k := range upperCases {
			mysql := 0
			if s.Flavour.MySQL {
				mysql = 1
			}
			if !k.skip[mysql] {
				t.Run(k.name, func(t *testing.T) { holdAndWait(t, s, k, k.exact[mysql]) })
			}
		}
	})
}

// TestMariaDBNamesTheHolderWithItsPlugin is the same where the plugin is there.
func TestMariaDBNamesTheHolderWithItsPlugin(t *testing.T) {
	s := mysqltest.Start(t)
	s.Exec(t, "INSTALL SONAME 'metadata_lock_info'")
	upperTables(t, s)
	for _, k := range upperCases {
		if !k.skip[0] {
			t.Run(k.name, func(t *testing.T) { holdAndWait(t, s, k, true) })
		}
	}
}

func upperTables(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	s.Exec(t, "CREATE DATABASE site", "CREATE TABLE site.inno (id INT PRIMARY KEY, n INT) ENGINE=InnoDB", "CREATE TABLE site.other LIKE site.inno", "CREATE TABLE site.mya (id INT PRIMARY KEY, n INT) ENGINE=MyISAM",
		"INSERT INTO site.inno VALUES (1,1),(2,2),(3,3)", "INSERT INTO site.other VALUES (1,1)", "INSERT INTO site.mya VALUES (1,1),(2,2),(3,3)")
}

func holdAndWait(t *testing.T, s *mysqltest.Server, k upperCase, exact bool) {
	c := open(t, Target{Instance: "db", Socket: s.Socket}, root)
	h := s.Session(t, "site")
	hid := connID(t, h)
	var waiting []*sql.Conn
	for range k.wait {
		waiting = append(waiting, s.Session(t, "site"))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, begun := make(chan struct{}, 10), 0
	defer func() { // before the sessions are closed: that waits for their statements
		cancel()
		if k.release != "" {
			must(t, h, k.release)
		}
		ss, _, _ := look(t, c)
		for _, r := range ss.Running {
			kill(t, s, r.ConnID)
		}
		for range begun {
			<-ended
		}
		sees(t, c, "the server is idle again", func(ss Sessions, _ []evidence.LockWait) bool { return len(ss.Running) == 0 })
	}()
	must(t, h, k.have...)
	if k.long != "" {
		begun++
		go func() { end(h.ExecContext(ctx, k.long)); ended <- struct{}{} }()
		sees(t, c, "the long statement", func(ss Sessions, _ []evidence.LockWait) bool {
			return len(ss.Running) == 1 && ss.Running[0].ConnID == hid
		})
	}
	var ids []uint64
	for i, text := range k.wait {
		ids = append(ids, connID(t, waiting[i]))
		begun++
		go func() { end(waiting[i].ExecContext(ctx, text)); ended <- struct{}{} }()
		sees(t, c, text+" waits", func(_ Sessions, ws []evidence.LockWait) bool { return len(ws) == i+1 })
		time.Sleep(1100 * time.Millisecond) // MySQL counts whole seconds: who came first is to be seen
	}
	var got map[uint64]evidence.LockWait
	sees(t, c, "all edges with their texts", func(_ Sessions, ws []evidence.LockWait) bool {
		got = map[uint64]evidence.LockWait{}
		for _, w := range ws {
			got[w.Waiter] = w
		}
		return len(got) == len(ids)
	})
	first := got[ids[0]]
	if first.Blocker != hid || first.Lock != k.lock || first.BlockerGuessed == exact || first.BlockerSleeps != (k.long == "") || first.BlockerUser != "root" || first.DB != "db" {
		t.Errorf("first: %+v; want it to wait for %d, guessed %v", first, hid, !exact)
	}
	if len(ids) < 2 {
		return
	}
	want := hid
	if k.behind {
		want = ids[0]
	}
	if second := got[ids[1]]; second.Blocker != want {
		t.Errorf("second: %+v; want it to wait for %d", second, want)
	}
}

// kill ends a session, if it is still there.
func kill(t *testing.T, s *mysqltest.Server, id uint64) {
	t.Helper()
	if _, err := s.DB(t, "").Exec("KILL " + strconv.FormatUint(id, 10)); err != nil && number(err) != 1094 {
		t.Error(err)
	}
}

// end takes the end of a statement that the test cuts off, whatever it is.
func end(sql.Result, error) {}

// sees looks until ok.
func sees(t *testing.T, c *Conn, what string, ok func(Sessions, []evidence.LockWait) bool) {
	t.Helper()
	mysqltest.Eventually(t, 15*time.Second, what, func() bool {
		ss, _, ws := look(t, c)
		return ok(ss, ws)
	})
}

// What hirune asks on its other connections is no load of the site's; what it
// changes is.
func TestOurOwnQuestionsAreKnown(t *testing.T) {
	for text, want := range map[string]bool{
		marker + "SELECT 1": true, marker + "SHOW TABLES": true, marker + "DELETE FROM t WHERE id < 5": false, "SELECT 1": false, "SELECT '" + marker + "SELECT 1'": false,
	} {
		if got := asks(text); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}
