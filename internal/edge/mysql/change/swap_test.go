package change

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

const swapCutoff = 1_700_000_000

// swapStep is the step for a table of makeLog.
func swapStep(t *testing.T, d Swap, table string) remedy.KeepAndSwap {
	t.Helper()
	h, err := d.openChunkHand(t.Context(), "READ COMMITTED")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	now, err := h.lookTable(t.Context(), remedy.On{Schema: "site", Table: table})
	if err != nil {
		t.Fatal(err)
	}
	return remedy.KeepAndSwap{On: remedy.On{Schema: "site", Table: table}, Key: "id", New: "hirune_new_" + table, Old: "hirune_old_" + table, Columns: now.columns,
		Doomed:    remedy.Doomed{Column: "created", Literal: fmt.Sprint(swapCutoff), Cutoff: time.Unix(swapCutoff, 0)},
		Isolation: "READ COMMITTED", Chunk: 100, Stall: time.Second}
}

// makeLog makes a table of n rows of which nine of ten are doomed, and one has no
// time; it begins with a gap.
func makeLog(t *testing.T, s *mysqltest.Server, table string, n int) {
	t.Helper()
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS site", "DROP TABLE IF EXISTS site."+table, "CREATE TABLE site."+table+` (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
level VARCHAR(25), note TEXT, ratio FLOAT, created INT UNSIGNED NULL, twice BIGINT AS (created * 2) VIRTUAL, KEY level (level)) ENGINE=InnoDB`)
	fill(t, s, "INSERT INTO site."+table+" (id, level, note, ratio, created) VALUES ", n, func(i int) string {
		created := fmt.Sprint(swapCutoff - n*9/10 + i)
		if i == n {
			created = "NULL"
		}
		return fmt.Sprintf("(%d, 'warning', REPEAT('x', 200), %d / 7, %s)", i+50, i, created)
	})
}

// rowsOf reads a whole table.
func rowsOf(t *testing.T, s *mysqltest.Server, table, where string) map[int64]string {
	t.Helper()
	db := s.DB(t, "")
	defer db.Close()
	rows, err := db.Query("SELECT id, CONCAT_WS('|', level, LEFT(note, 9), ROUND(ratio, 2), created, twice) FROM site." + table + where)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[int64]string{}
	for rows.Next() {
		var id int64
		var text sql.NullString
		if err := rows.Scan(&id, &text); err != nil {
			t.Fatal(err)
		}
		out[id] = text.String
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func sameRows(t *testing.T, what string, got, want map[int64]string) {
	t.Helper()
	bad := 0
	for id, w := range want {
		if g, ok := got[id]; !ok || g != w {
			if bad++; bad <= 5 {
				t.Errorf("%s: row %d: got %q (there: %v), want %q", what, id, g, ok, w)
			}
		}
	}
	for id, g := range got {
		if _, ok := want[id]; !ok {
			if bad++; bad <= 5 {
				t.Errorf("%s: row %d: got %q, want none", what, id, g)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%s: %d rows of %d are wrong", what, bad, len(want))
	}
}

const surviving = " WHERE NOT COALESCE(created < 1700000000, 0)"

func TestSwap(t *testing.T) { testSwap(t, mysqltest.Start(t)) }

func testSwap(t *testing.T, s *mysqltest.Server) {
	d := Swap{Server: privately(s)}
	t.Run("there and back", func(t *testing.T) { swapPlain(t, s, d) })
	t.Run("no row is copied", func(t *testing.T) { swapEmpty(t, s, d) })
	t.Run("refused", func(t *testing.T) { swapRefused(t, s, d) })
	t.Run("altered meanwhile", func(t *testing.T) { swapAltered(t, s, d) })
	t.Run("committed far behind the copy", func(t *testing.T) { swapBehind(t, s, d) })
	t.Run("calm, and what ends it", func(t *testing.T) { swapCalm(t, s, d) })
	t.Run("behind an open reader", func(t *testing.T) { swapReader(t, s, d) })
	t.Run("stopped and gone on", func(t *testing.T) { swapStopped(t, s, d) })
	t.Run("under writers, there and back", func(t *testing.T) { swapWriters(t, s, d) })
	t.Run("a crash at every point, there", func(t *testing.T) { swapCrashes(t, s, d, false) })
	t.Run("a crash at every point, back", func(t *testing.T) { swapCrashes(t, s, d, true) })
	t.Run("torn between two names", func(t *testing.T) { swapTorn(t, s, d) })
	t.Run("beside a statement of a process that was killed", func(t *testing.T) { swapZombie(t, s, d) })
	t.Run("dropped, then no way back", func(t *testing.T) { swapDropped(t, s, d) })
}

func left(t *testing.T, s *mysqltest.Server, want ...string) {
	t.Helper()
	got := scalar(t, s, "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA='site' AND TABLE_NAME LIKE 'hirune%'")
	if got != strings.Join(want, ",") {
		t.Errorf("got tables %q left, want %q", got, want)
	}
}

func swapPlain(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "a", 5000)
	step, l := swapStep(t, d, "a"), newLogbook(nil)
	all, stay := rowsOf(t, s, "a", ""), rowsOf(t, s, "a", surviving)
	if len(stay) != 501 || len(all) != 5000 {
		t.Fatalf("got %d of %d rows that stay", len(stay), len(all))
	}
	answer(t, d, step, nil, apply.NotDone)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	answer(t, d, step, l.State, apply.IsDone)
	sameRows(t, "after", rowsOf(t, s, "a", ""), stay)
	left(t, s, step.Old)
	if err := d.Do(t.Context(), step, newLogbook(l.State).Work); err != nil {
		t.Errorf("again: %v", err)
	}
	back := newLogbook(l.State)
	if err := d.Undo(t.Context(), step, back.Work); err != nil {
		t.Fatal(err)
	}
	sameRows(t, "undone", rowsOf(t, s, "a", ""), all)
	left(t, s)
	answer(t, d, step, back.State, apply.NotDone)
	if err := d.Undo(t.Context(), step, newLogbook(back.State).Work); err != nil {
		t.Errorf("undo again: %v", err)
	}
	again := newLogbook(back.State)
	if err := d.Do(t.Context(), step, again.Work); err != nil {
		t.Errorf("anew: %v", err)
	}
	sameRows(t, "anew", rowsOf(t, s, "a", ""), stay)
	s.Exec(t, "DROP TABLE site."+step.Old)
}

func swapEmpty(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "b", 1000)
	step, l := swapStep(t, d, "b"), newLogbook(nil)
	step.Empty = true
	s.Exec(t, "DELETE FROM site.b"+surviving)
	d.stop = func(point string) error {
		if point == "counted" { // it came after the plan
			s.Exec(t, "INSERT INTO site.b (level, created) VALUES ('late', 1800000000)", "UPDATE site.b SET level='stays', created=1800000001 WHERE id=60")
		}
		return nil
	}
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, s, "b", "")
	if len(got) != 2 || !strings.HasPrefix(got[60], "stays") {
		t.Errorf("got %v, want the late row and the one that turned out to stay", got)
	}
	s.Exec(t, "DROP TABLE site."+step.Old)
}

func swapRefused(t *testing.T, s *mysqltest.Server, d Swap) {
	for _, c := range []struct {
		name, words string
		make        []string
		change      func(*remedy.KeepAndSwap)
		clean       []string
	}{
		{name: "trigger", words: "trigger", make: []string{"CREATE TRIGGER site.tr AFTER INSERT ON site.c FOR EACH ROW DO 0"}, clean: []string{"DROP TRIGGER site.tr"}},
		{name: "parent", words: "foreign key", make: []string{"CREATE TABLE site.kid (id BIGINT, FOREIGN KEY (id) REFERENCES site.c (id))"}, clean: []string{"DROP TABLE site.kid"}},
		{name: "child", words: "foreign key", make: []string{"CREATE TABLE site.mum (id BIGINT PRIMARY KEY)", "ALTER TABLE site.c ADD COLUMN m BIGINT, ADD CONSTRAINT mk FOREIGN KEY (m) REFERENCES site.mum (id)"},
			change: func(k *remedy.KeepAndSwap) {
				k.Columns = append(append([]remedy.Column{}, k.Columns...), remedy.Column{Name: "m", Type: "bigint"})
			}, clean: []string{"ALTER TABLE site.c DROP FOREIGN KEY mk", "ALTER TABLE site.c DROP COLUMN m", "DROP TABLE site.mum"}},
		{name: "column", words: "new", make: []string{"ALTER TABLE site.c ADD COLUMN m INT"}, clean: []string{"ALTER TABLE site.c DROP COLUMN m"}},
		{name: "no columns", words: "no columns", change: func(k *remedy.KeepAndSwap) { k.Columns = nil }},
		{name: "key", words: "primary key", change: func(k *remedy.KeepAndSwap) { k.Key = "created" }},
		{name: "counts", words: "by itself", make: []string{"ALTER TABLE site.c MODIFY id BIGINT NOT NULL"}, clean: []string{"ALTER TABLE site.c MODIFY id BIGINT NOT NULL AUTO_INCREMENT"}},
		{name: "high", words: "highest", make: []string{"ALTER TABLE site.c AUTO_INCREMENT=9223372036854775000"}, clean: []string{"ALTER TABLE site.c AUTO_INCREMENT=1"}},
		{name: "new is there", words: "already", make: []string{"CREATE TABLE site.hirune_new_c (a INT)"}, clean: []string{"DROP TABLE site.hirune_new_c"}},
		{name: "old is there", words: "already", make: []string{"CREATE TABLE site.hirune_old_c (a INT)"}, clean: []string{"DROP TABLE site.hirune_old_c"}},
		{name: "marks are there", words: "already", make: []string{"CREATE TABLE site.hirune_new_c_k (a INT)"}, clean: []string{"DROP TABLE site.hirune_new_c_k"}},
	} {
		makeLog(t, s, "c", 20)
		step, l := swapStep(t, d, "c"), newLogbook(nil)
		s.Exec(t, c.make...)
		if c.change != nil {
			c.change(&step)
		}
		err := d.Do(t.Context(), step, l.Work)
		if !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), c.words) || l.State != nil {
			t.Errorf("%s: got %v, noted %s, want refused with %q", c.name, err, l.State, c.words)
		}
		s.Exec(t, c.clean...)
	}
	left(t, s)
	s.Exec(t, "DROP USER IF EXISTS few@localhost", "CREATE USER few@localhost IDENTIFIED BY 'f'", "GRANT SELECT, INSERT, DELETE, CREATE, DROP, ALTER, UPDATE ON site.* TO few@localhost")
	few := Swap{Server: as(s, "few", "f")}
	if err := few.Do(t.Context(), swapStep(t, d, "c"), newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) || !strings.Contains(hint.Of(err), "TRIGGER") {
		t.Errorf("an account that sees no triggers: got %v, want refused", err)
	}
}

// swapAltered: a plugin adds an index or a column while the copy is made.
func swapAltered(t *testing.T, s *mysqltest.Server, d Swap) {
	for _, alter := range []string{"ADD INDEX theirs (created)", "ADD COLUMN more INT"} {
		makeLog(t, s, "p", 1000)
		step, l, all := swapStep(t, d, "p"), newLogbook(nil), rowsOf(t, s, "p", "")
		done := false
		d.stop = func(point string) error {
			if point == swapCopying && !done {
				done = true
				s.Exec(t, "ALTER TABLE site.p "+alter)
			}
			return nil
		}
		if err := d.Do(t.Context(), step, l.Work); !errors.Is(err, apply.ErrRefused) {
			t.Errorf("%s: got %v, want refused", alter, err)
		}
		if err := d.Undo(t.Context(), step, newLogbook(l.State).Work); err != nil {
			t.Errorf("%s: undo: %v", alter, err)
		}
		sameRows(t, alter, rowsOf(t, s, "p", ""), all)
		left(t, s)
	}
}

// swapBehind: a row with a low key is committed when the copy is far beyond it,
// and one that was doomed is made to stay.
func swapBehind(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "e", 5000)
	step, l := swapStep(t, d, "e"), newLogbook(nil)
	open := s.Session(t, "site")
	execute(t, open, "BEGIN", "INSERT INTO e (id, level, created) VALUES (7, 'slow', 1800000000), (-3, 'slow', 1800000000)", "UPDATE e SET created = 1800000000 WHERE id = 60")
	d.stop = func(point string) error {
		if point == swapRenaming {
			execute(t, open, "COMMIT")
		}
		return nil
	}
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, s, "e", "")
	if len(got) != 504 || !strings.HasPrefix(got[7], "slow") || !strings.HasPrefix(got[-3], "slow") || got[60] == "" {
		t.Errorf("got %d rows, %q, %q, %q, want 504 with these", len(got), got[7], got[-3], got[60])
	}
	s.Exec(t, "DROP TABLE site."+step.Old)
}

func swapReader(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "f", 2000)
	step, l := swapStep(t, d, "f"), newLogbook(nil)
	v := visit(t, s, "SELECT level FROM site.f WHERE id = 1990", "INSERT INTO site.f (level, created) VALUES ('v', 1800000000)")
	open := s.Session(t, "site")
	execute(t, open, "BEGIN", "DO (SELECT COUNT(*) FROM f)")
	l.each = func(p apply.Progress) {
		if p.Wait == WaitTable {
			execute(t, open, "COMMIT")
		}
	}
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	if !l.waits()[WaitTable] {
		t.Errorf("got waits %v, want %s", l.waits(), WaitTable)
	}
	v.unharmed(t)
	s.Exec(t, "DROP TABLE site."+step.Old)
}

func swapStopped(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "g", 5000)
	step, stay := swapStep(t, d, "g"), rowsOf(t, s, "g", surviving)
	var state json.RawMessage
	for stops := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		l, pieces := newLogbook(state), 0
		l.each = func(p apply.Progress) {
			if pieces++; p.Doing == DoingCopy && pieces == 5 {
				cancel()
			}
		}
		if err := d.Do(ctx, step, l.Work); !errors.Is(err, apply.ErrStopped) {
			t.Fatalf("stop %d: got %v, want stopped", stops, err)
		}
		answer(t, d, step, l.State, apply.Partly)
		state = l.State
		cancel()
	}
	if err := d.Undo(t.Context(), step, newLogbook(state).Work); err != nil {
		t.Errorf("undo before the swap: %v", err)
	}
	left(t, s)
	l := newLogbook(nil)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	sameRows(t, "after", rowsOf(t, s, "g", ""), stay)
	s.Exec(t, "DROP TABLE site."+step.Old)
}

// as is the way to the server for an account with a password.
func as(s *mysqltest.Server, user, password string) Server {
	return Server{Open: openAs(s, user, password)}
}
