package slowlog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/edge/mysql/mysqltest"
)

func TestReadsTheLogOfEachServer(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		file := filepath.Join(s.Dir, "data", "slow.log")
		s.Exec(t, "CREATE DATABASE shop", "CREATE TABLE shop.ledger (id INT PRIMARY KEY AUTO_INCREMENT, noted INT)", "INSERT INTO shop.ledger (noted) VALUES (1),(2),(3)",
			"SET GLOBAL slow_query_log_file='slow.log'", "SET GLOBAL slow_query_log=1")
		c := s.Session(t, "shop")
		began := time.Now()
		for _, text := range []string{"SET long_query_time=0", "DELETE FROM ledger WHERE noted < 3 AND SLEEP(1.4) = 0", "SELECT 'it''s\n# User@Host: a[a] @ b []\n# Query_time: 99'"} {
			if _, err := c.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		ended := time.Now()
		var text []byte
		mysqltest.Eventually(t, 10*time.Second, "the server has logged the last statement", func() bool {
			text, _ = os.ReadFile(file)
			return bytes.Contains(text, []byte("Query_time: 99'"))
		})
		var got []Entry
		r := NewReader(time.Local, func(e Entry) { e.Text = bytes.Clone(e.Text); got = append(got, e) })
		for line := range bytes.Lines(text) {
			r.Line(bytes.TrimSuffix(line, []byte("\n")))
		}
		r.End()
		var del, sel *Entry
		for i := range got {
			switch {
			case strings.HasPrefix(string(got[i].Text), "DELETE"):
				del = &got[i]
			case strings.HasPrefix(string(got[i].Text), "SELECT 'it"):
				sel = &got[i]
			}
		}
		if del == nil || sel == nil || r.Skipped() > 0 {
			t.Fatalf("got %d entries, %d skipped, of\n%s", len(got), r.Skipped(), text)
		}
		if del.Took < 1300*time.Millisecond || del.Took > ended.Sub(began) || del.Examined < 2 || del.Schema != "shop" || del.User == "" || del.ConnID == 0 {
			t.Errorf("the DELETE: got %+v of\n%s", *del, text)
		}
		if b := del.Began(); b.Before(began.Add(-1100*time.Millisecond)) || b.After(began.Add(time.Second)) {
			t.Errorf("the DELETE began %v, want about %v; the log:\n%s", b, began, text)
		}
		if sel.Took > time.Second || !strings.Contains(string(sel.Text), "Query_time: 99") {
			t.Errorf("a literal passed for a head: got %+v", *sel)
		}
		os.WriteFile("/tmp/h/cold/slow-"+s.Flavour.Name+".log", text, 0o644)
	})
}
