package change

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
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
	t.Run("committed far behind the copy", func(t *testing.T) { swapBehind(t, s, d) })
	t.Run("behind an open reader", func(t *testing.T) { swapReader(t, s, d) })
	t.Run("stopped and gone on", func(t *testing.T) { swapStopped(t, s, d) })
	t.Run("under writers, there and back", func(t *testing.T) { swapWriters(t, s, d) })
	t.Run("a crash at every point, there", func(t *testing.T) { swapCrashes(t, s, d, false) })
	t.Run("a crash at every point, back", func(t *testing.T) { swapCrashes(t, s, d, true) })
	t.Run("torn between two names", func(t *testing.T) { swapTorn(t, s, d) })
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

// swapBehind: a row with a low key is committed when the copy is far beyond it,
// and one that was doomed is made to stay.
func swapBehind(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "e", 5000)
	step, l := swapStep(t, d, "e"), newLogbook(nil)
	open := s.Session(t, "site")
	execute(t, open, "BEGIN", "INSERT INTO e (id, level, created) VALUES (7, 'slow', 1800000000)", "UPDATE e SET created = 1800000000 WHERE id = 60")
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
	if len(got) != 503 || !strings.HasPrefix(got[7], "slow") || got[60] == "" {
		t.Errorf("got %d rows, %q, %q, want 503 with both", len(got), got[7], got[60])
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

// writer writes to rows of its own, so that the last thing it was told is done
// is what must be there.
type writer struct {
	rows map[int64]string // level; "" : deleted
	n    int
	err  error
}

func write(t *testing.T, s *mysqltest.Server, table string, ids []int64, stop context.Context, deletes bool, ended *sync.WaitGroup) *writer {
	t.Helper()
	w, conn := &writer{rows: map[int64]string{}}, s.Session(t, "site")
	r := rand.New(rand.NewPCG(1, uint64(ids[0])))
	ended.Go(func() {
		for stop.Err() == nil && w.err == nil {
			w.n++
			level := fmt.Sprintf("w%d", w.n)
			var err error
			switch id := ids[r.IntN(len(ids))]; {
			case w.n%3 == 0:
				var res sql.Result
				if res, err = conn.ExecContext(context.Background(), "INSERT INTO "+table+" (level, note, created) VALUES (?, 'new', 1800000000)", level); err == nil {
					id, err = res.LastInsertId()
					w.rows[id] = level // an UPDATE within milliseconds may not find it: see swap.rename
				}
			case w.rows[id] == "" && w.n > len(ids) && deletes && w.n%7 == 0:
				_, err = conn.ExecContext(context.Background(), "DELETE FROM "+table+" WHERE id = ?", id)
				w.rows[id] = "" // the id is not written again
				ids = remove(ids, id)
			default:
				_, err = conn.ExecContext(context.Background(), "UPDATE "+table+" SET level = ? WHERE id = ?", level, id)
				w.rows[id] = level
			}
			w.err = err
		}
	})
	return w
}

func remove(ids []int64, id int64) []int64 {
	out := []int64{}
	for _, i := range ids {
		if i != id {
			out = append(out, i)
		}
	}
	return out
}

func swapWriters(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "h", 40_000)
	step, l := swapStep(t, d, "h"), newLogbook(nil)
	step.Chunk = 500
	stay := rowsOf(t, s, "h", surviving)
	var mine [4][]int64
	for id := range stay {
		if id%5 < 4 { // the others stay as they are
			mine[id%5] = append(mine[id%5], id)
		}
	}
	v := visit(t, s, "SELECT level FROM site.h WHERE id = 39990")
	during := func(what string, deletes bool, do func() error, base map[int64]string) {
		stop, cancel := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		var ws []*writer
		for _, ids := range mine {
			ws = append(ws, write(t, s, "h", ids, stop, deletes, &ended))
		}
		err := do()
		cancel()
		ended.Wait()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got, lost, total := rowsOf(t, s, "h", ""), 0, 0
		for i, w := range ws {
			if w.err != nil {
				t.Errorf("%s: a writer got %v", what, w.err)
			}
			total += w.n
			mine[i] = nil
			for id, level := range w.rows {
				delete(base, id)
				text, there := got[id]
				if there != (level != "") || there && !strings.HasPrefix(text, level+"|") {
					if lost++; lost < 5 {
						t.Errorf("%s: row %d: got %q (%v), want %q", what, id, text, there, level)
					}
				}
				if there {
					mine[i] = append(mine[i], id)
				}
			}
		}
		for id, text := range base {
			if got[id] != text {
				lost++
			}
		}
		if lost > 0 || total == 0 {
			t.Errorf("%s: %d rows lost or wrong after %d writes", what, lost, total)
		}
		t.Logf("%s: %d writes", what, total)
	}
	all := rowsOf(t, s, "h", "")
	during("there", true, func() error { return d.Do(t.Context(), step, l.Work) }, stay)
	doomed := map[int64]string{}
	for id, text := range all {
		if _, survives := stay[id]; !survives && id < 36_000 {
			doomed[id] = text
		}
	}
	during("back", false, func() error { return d.Undo(t.Context(), step, l.Work) }, doomed)
	v.unharmed(t)
	left(t, s)
}

// as is the way to the server for an account with a password.
func as(s *mysqltest.Server, user, password string) Server {
	return Server{Open: openAs(s, user, password)}
}
