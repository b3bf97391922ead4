package change

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"hirune/internal/edge/mysql/mysqltest"
)

// writer writes to rows of its own, so that the last thing it was told is done
// is what must be there.
type writer struct {
	rows map[int64]string // level; "" : deleted
	n    int
	err  error
}

func write(t *testing.T, s *mysqltest.Server, table string, ids []int64, deletes bool, stop <-chan struct{}, ended *sync.WaitGroup) *writer {
	t.Helper()
	w, conn := &writer{rows: map[int64]string{}}, s.Session(t, "site")
	r := rand.New(rand.NewPCG(1, uint64(ids[0])))
	ended.Go(func() {
		for w.err == nil {
			select {
			case <-stop:
				return
			default:
			}
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
		stop := make(chan struct{})
		var ended sync.WaitGroup
		var ws []*writer
		for _, ids := range mine {
			ws = append(ws, write(t, s, "h", ids, deletes, stop, &ended))
		}
		err := do()
		close(stop)
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
