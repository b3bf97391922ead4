package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

var errCrash = errors.New("crash")

func openAs(s *mysqltest.Server, user, password string) func(context.Context, time.Duration, ...string) (*mysql.Hand, error) {
	return func(ctx context.Context, timeout time.Duration, setUp ...string) (*mysql.Hand, error) {
		return mysql.OpenHand(ctx, mysql.Target{Socket: s.Socket}, []mysql.Credential{{User: user, Password: password, From: "test"}}, timeout, setUp...)
	}
}

// shadow is a copy of a table to which the same is done, and which is never swapped.
type shadow struct {
	t     *testing.T
	s     *mysqltest.Server
	table string
	n     int
}

// write changes the table a little, as visitors do, and the shadow with it.
func (h *shadow) write(deletes bool) {
	h.t.Helper()
	h.n++
	for _, table := range []string{h.table, "shadow"} {
		h.s.Exec(h.t, fmt.Sprintf("UPDATE site.%s SET level='u%d' WHERE id IN (%d, %d)", table, h.n, 412+h.n%5, 435+h.n%15))
		if deletes { // what is deleted after the swap comes back by undoing it
			h.s.Exec(h.t, fmt.Sprintf("DELETE FROM site.%s WHERE id = %d", table, 418+h.n%15), fmt.Sprintf("UPDATE site.%s SET level='u%d' WHERE id = %d", table, h.n, 60+h.n))
		}
	}
	h.s.Exec(h.t, fmt.Sprintf("INSERT INTO site.%s (level, created) VALUES ('i%d', 1800000000)", h.table, h.n),
		fmt.Sprintf("INSERT INTO site.shadow (id, level, created) SELECT MAX(id), 'i%d', 1800000000 FROM site.%s", h.n, h.table))
}

// swapCrashes breaks off at the first point, then at the second, and so on until
// a run meets no point any more; after each, somebody writes and it goes on.
func swapCrashes(t *testing.T, s *mysqltest.Server, d Swap, back bool) {
	makeLog(t, s, "k", 1)
	step := swapStep(t, d, "k")
	points := map[string]bool{}
	for at := 1; ; at++ {
		makeLog(t, s, "k", 400)
		s.Exec(t, "DROP TABLE IF EXISTS site.shadow", "CREATE TABLE site.shadow LIKE site.k", "INSERT INTO site.shadow (id, level, note, ratio, created) SELECT id, level, note, ratio, created FROM site.k")
		h := &shadow{t: t, s: s, table: "k"}
		var state json.RawMessage
		if back {
			state = mustSwap(t, d, step)
			h.write(false)
		}
		crashed, point := crashAt(t, d, step, at, state, back, h)
		want := rowsOf(t, s, "shadow", "")
		if !back {
			want = rowsOf(t, s, "shadow", surviving)
			s.Exec(t, "DROP TABLE site."+step.Old)
		}
		sameRows(t, fmt.Sprintf("crash %d at %q", at, point), rowsOf(t, s, "k", ""), want)
		left(t, s)
		if t.Failed() {
			return
		}
		if !crashed {
			break
		}
		points[point] = true
	}
	if len(points) < 8 {
		t.Errorf("got crashes at %v, want more kinds", points)
	}
	t.Logf("crashed at %v", points)
}

func mustSwap(t *testing.T, d Swap, step remedy.KeepAndSwap) json.RawMessage {
	t.Helper()
	l := newLogbook(nil)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	return l.State
}

// crashAt runs with a crash at the nth point, writes, and goes on to the end.
func crashAt(t *testing.T, d Swap, step remedy.KeepAndSwap, at int, state json.RawMessage, back bool, h *shadow) (crashed bool, point string) {
	t.Helper()
	n := 0
	d.stop = func(p string) error {
		if n++; n%7 == 0 {
			h.write(!back)
		}
		if n == at {
			point = p
			return errCrash
		}
		return nil
	}
	for {
		l := newLogbook(state)
		do := d.Do
		if back {
			do = d.Undo
		}
		err := do(t.Context(), step, l.Work)
		state = l.State
		if err == nil {
			want := apply.IsDone
			if back {
				want = apply.NotDone
			}
			answer(t, d, step, state, want)
			return crashed, point
		}
		if !errors.Is(err, errCrash) || crashed {
			t.Fatalf("after a crash %d at %q: %v", at, point, err)
		}
		crashed = true
		if got, err := d.Done(t.Context(), step, state); err != nil || !back && got != apply.Partly && got != apply.NotDone && got != apply.IsDone {
			t.Errorf("after a crash at %q: got %s, %v", point, got, err)
		}
		h.write(!back)
	}
}

// swapTorn: a server that is not atomic has renamed the first of two.
func swapTorn(t *testing.T, s *mysqltest.Server, d Swap) {
	for _, back := range []bool{false, true} {
		makeLog(t, s, "m", 1000)
		step, l := swapStep(t, d, "m"), newLogbook(nil)
		all, stay := rowsOf(t, s, "m", ""), rowsOf(t, s, "m", surviving)
		d.stop = func(point string) error {
			if point == "counted" {
				return errCrash
			}
			return nil
		}
		if err := d.Do(t.Context(), step, l.Work); !errors.Is(err, errCrash) {
			t.Fatalf("got %v, want a crash", err)
		}
		s.Exec(t, "RENAME TABLE site.m TO site."+step.Old)
		d.stop = nil
		answer(t, d, step, l.State, apply.Partly)
		if back {
			if err := d.Undo(t.Context(), step, newLogbook(l.State).Work); err != nil {
				t.Fatal(err)
			}
			sameRows(t, "back", rowsOf(t, s, "m", ""), all)
			left(t, s)
			continue
		}
		if err := d.Do(t.Context(), step, newLogbook(l.State).Work); err != nil {
			t.Fatal(err)
		}
		sameRows(t, "there", rowsOf(t, s, "m", ""), stay)
		s.Exec(t, "DROP TABLE site."+step.Old)
	}
}

func swapDropped(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "o", 1000)
	step := swapStep(t, d, "o")
	state := mustSwap(t, d, step)
	drop, l := remedy.DropTable{On: remedy.On{Schema: "site", Table: step.Old}, Stall: time.Second}, newLogbook(nil)
	dd := Drop{d.Server}
	answer(t, dd, drop, nil, apply.NotDone)
	if err := dd.Undo(t.Context(), drop, l.Work); err != nil {
		t.Errorf("undo of a drop that was not done: %v", err)
	}
	if err := dd.Do(t.Context(), drop, l.Work); err != nil {
		t.Fatal(err)
	}
	answer(t, dd, drop, nil, apply.IsDone)
	answer(t, d, step, state, apply.IsDone)
	if err := dd.Undo(t.Context(), drop, l.Work); !errors.Is(err, apply.ErrIrreversible) {
		t.Errorf("undo of the drop: got %v, want irreversible", err)
	}
	if err := d.Undo(t.Context(), step, newLogbook(state).Work); !errors.Is(err, apply.ErrIrreversible) {
		t.Errorf("undo of the swap: got %v, want irreversible", err)
	}
	left(t, s)
}

// swapZombie: the process was killed, and the server is still at its statement.
func swapZombie(t *testing.T, s *mysqltest.Server, d Swap) {
	makeLog(t, s, "q", 500)
	step, l := swapStep(t, d, "q"), newLogbook(nil)
	end := background(t, s, mysql.Marker+"SELECT SLEEP(1.2) AS "+step.New)
	mysqltest.Eventually(t, 5*time.Second, "it runs", func() bool { return busy(t, s, "%SLEEP(1.2) AS%") })
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	select {
	case <-end:
	default:
		t.Error("it went on beside a statement of its own")
	}
	s.Exec(t, "DROP TABLE site."+step.Old)
}
