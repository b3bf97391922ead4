package change

import (
	"strings"
	"testing"

	"hirune/internal/edge/mysql/mysqltest"
)

// swapCalm: only where nothing but new rows at the end has come is the table that
// went not read again. Each row that turns into one that stays is there after all
// else.
func swapCalm(t *testing.T, s *mysqltest.Server, d Swap) {
	mariadb := strings.Contains(scalar(t, s, "SELECT VERSION()"), "MariaDB")
	for _, c := range []struct {
		name   string
		before []string // in a transaction that is open when the copy begins
		at     string   // point at which it is committed and the others are done
		during []string
		calm   bool
		stay   []int64 // rows that stay besides those that stay anyway
		gone   []int64
	}{
		{name: "nothing", calm: true},
		{name: "new rows", at: "counted", during: []string{"INSERT INTO site.u (level, created) VALUES ('new', 1800000000)", "INSERT INTO site.u (level, created) VALUES ('doomed', 1)"}, calm: true, stay: []int64{2051}, gone: []int64{2052}},
		{name: "readers", before: []string{"SELECT COUNT(*) FROM u"}, at: swapRenaming, calm: true},
		{name: "a doomed row is made to stay", at: swapRenaming, during: []string{"UPDATE site.u SET created = 1800000000 WHERE id = 60"}, stay: []int64{60}},
		{name: "the same in a transaction that was open", before: []string{"UPDATE u SET created = 1800000000 WHERE id = 60"}, at: swapRenaming, stay: []int64{60}},
		{name: "a row comes between the others", at: swapRenaming, during: []string{"INSERT INTO site.u (id, level, created) VALUES (7, 'low', 1800000000)"}, stay: []int64{7}},
		{name: "the same in a transaction that was open", before: []string{"INSERT INTO u (id, level, created) VALUES (7, 'low', 1800000000)"}, at: swapRenaming, stay: []int64{7}},
		{name: "one comes and another goes", at: swapRenaming, during: []string{"INSERT INTO site.u (id, level, created) VALUES (7, 'low', 1800000000)", "DELETE FROM site.u WHERE id = 61"}, stay: []int64{7}},
		{name: "one that stays is deleted", at: swapRenaming, during: []string{"DELETE FROM site.u WHERE id = 2049"}, gone: []int64{2049}},
		{name: "another table is written to", at: swapRenaming, during: []string{"UPDATE site.other SET n = n + 1"}},
		{name: "what was counted is forgotten", at: swapRenaming, during: []string{"FLUSH /*M!110500 GLOBAL */ STATUS"}},
		{name: "what a session did is forgotten", at: swapRenaming, during: []string{"UPDATE site.u SET created = 1800000000 WHERE id = 60", "FLUSH STATUS"}, stay: []int64{60}},
	} {
		t.Run(c.name, func(t *testing.T) {
			makeLog(t, s, "u", 2000)
			s.Exec(t, "DROP TABLE IF EXISTS site.other", "CREATE TABLE site.other (n INT)", "INSERT INTO site.other VALUES (1)")
			step, l, want := swapStep(t, d, "u"), newLogbook(nil), rowsOf(t, s, "u", surviving)
			open, calm, done := s.Session(t, "site"), false, false
			execute(t, open, append([]string{"BEGIN"}, c.before...)...)
			d.stop = func(point string) error {
				calm = calm || point == "calm"
				if point == c.at && !done {
					done = true
					execute(t, open, "COMMIT")
					s.Exec(t, c.during...)
				}
				return nil
			}
			if err := d.Do(t.Context(), step, l.Work); err != nil {
				t.Fatal(err)
			}
			if calm != c.calm && (calm || mariadb) { // a RENAME updates tables of MySQL's own
				t.Errorf("got calm %v, want %v", calm, c.calm)
			}
			old, got := rowsOf(t, s, step.Old, ""), rowsOf(t, s, "u", "")
			for _, id := range c.stay {
				want[id] = old[id]
				if want[id] == "" {
					t.Errorf("row %d was not written to the old table", id)
				}
			}
			for _, id := range c.gone {
				delete(want, id)
			}
			sameRows(t, c.name, got, want)
			s.Exec(t, "DROP TABLE site."+step.Old)
		})
	}
}
