package change

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

func TestExplainAndRebuild(t *testing.T) { testExplainAndRebuild(t, mysqltest.Start(t)) }

func testExplainAndRebuild(t *testing.T, s *mysqltest.Server) {
	makeAudit(t, s, 20_000)
	t.Run("explain", func(t *testing.T) { explainAll(t, s) })
	t.Run("rebuild", func(t *testing.T) { rebuildAll(t, s) })
}

func explainAll(t *testing.T, s *mysqltest.Server) {
	cutoff := scalar(t, s, "SELECT created FROM site.wp_audit_log WHERE id = 16000")
	d := Explain{Server: privately(s), patience: time.Millisecond}
	step := remedy.ExplainStatement{On: auditOn, Doomed: remedy.Doomed{Column: "created", Literal: cutoff}, When: "before"}
	explained := func(want string, achieved bool, waits string) explainState {
		t.Helper()
		l := newLogbook(nil)
		answer(t, d, step, nil, apply.NotDone)
		if err := d.Do(t.Context(), step, l.Work); err != nil {
			t.Fatal(err)
		}
		var st explainState
		if err := json.Unmarshal(l.State, &st); err != nil {
			t.Fatal(err)
		}
		if st.Access != want || st.Achieved != achieved || st.At.IsZero() || waits != "" && !l.waits()[waits] {
			t.Errorf("%s: got %+v, told %v, want %s, achieved %v", step.When, st, l.told, want, achieved)
		}
		answer(t, d, step, l.State, apply.IsDone)
		if err := d.Undo(t.Context(), step, l.Work); err != nil {
			t.Error(err)
		}
		return st
	}
	if st := explained("ALL", true, ""); st.Rows < 10_000 || st.Key != "" {
		t.Errorf("got %+v, want many rows and no key", st)
	}
	s.Exec(t, "ALTER TABLE site.wp_audit_log ADD INDEX created (created)")
	step.When, step.Want = "after-index", "range"
	explained("ALL", false, WaitPlan)
	s.Exec(t, "DELETE FROM site.wp_audit_log WHERE created < "+cutoff)
	step.When = "after-purge"
	d.patience = 0 // the server may take a moment
	if st := explained("range", true, ""); st.Key != "created" {
		t.Errorf("got %+v, want the index", st)
	}
	if n := scalar(t, s, "SELECT COUNT(*) FROM site.wp_audit_log"); n != "4001" {
		t.Errorf("got %s rows after explaining, want 4001: it must not execute anything", n)
	}
	gone := step
	gone.Table = "gone"
	if err := d.Do(t.Context(), gone, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("got %v, want refused", err)
	}
}

func TestNarrow(t *testing.T) {
	for _, c := range []struct {
		access, extra string
		want          bool
	}{
		{"ALL", "Using where", false}, {"index", "", false}, {"range", "", true}, {"ref", "", true}, {"const", "", true},
		{"", "Impossible WHERE", true}, {"", "no matching row in const table", true}, {"", "Deleting all rows", false},
	} {
		if got := (explainState{Access: c.access, Extra: c.extra}).narrow(); got != c.want {
			t.Errorf("%q %q: got %v, want %v", c.access, c.extra, got, c.want)
		}
	}
}

func rebuildAll(t *testing.T, s *mysqltest.Server) {
	d, step := Rebuild{privately(s)}, remedy.RebuildTable{On: auditOn, Stall: time.Second}
	v, l := visit(t, s, auditVisits...), newLogbook(nil)
	answer(t, d, step, nil, apply.NotDone)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	answer(t, d, step, l.State, apply.IsDone)
	begun := l.notes[0] // as after a crash in the middle: the table says that it was made anew
	made := scalar(t, s, "SELECT CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA='site' AND TABLE_NAME='wp_audit_log'")
	want := apply.IsDone
	if strings.Contains(string(begun), fmt.Sprintf("%q", made)) {
		want = apply.NotDone // within the same second
	}
	answer(t, d, step, begun, want)
	if err := d.Undo(t.Context(), step, l.Work); err != nil {
		t.Error(err)
	}
	v.unharmed(t)
	for table, make := range map[string]string{"gone": "DO 0", "my": "CREATE TABLE site.my (id INT) ENGINE=MyISAM", "words": "CREATE TABLE site.words (a TEXT, FULLTEXT KEY (a))"} {
		s.Exec(t, make)
		other := step
		other.Table = table
		if err := d.Do(t.Context(), other, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) {
			t.Errorf("%s: got %v, want refused", table, err)
		}
	}
}
