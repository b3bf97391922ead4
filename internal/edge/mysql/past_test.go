package mysql_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/mysqltest"
)

func reader(t *testing.T, s *mysqltest.Server) *mysql.Conn {
	t.Helper()
	c, err := mysql.Open(t.Context(), mysql.Target{Instance: "x", Socket: s.Socket}, []mysql.Credential{{User: "root", From: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestWhatAServerSaysOfThePast(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		s.AuditLog(t, 5000)
		s.Exec(t, "SET GLOBAL slow_query_log_file='of_the_past.log'", "SET GLOBAL event_scheduler=ON", "CREATE DATABASE IF NOT EXISTS shop",
			"CREATE EVENT shop.tidy ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:30:00' DO DELETE FROM shop.t WHERE note = 'secret'",
			"CREATE EVENT shop.off ON SCHEDULE EVERY 1 HOUR DISABLE DO SELECT 1")
		c := reader(t, s)
		l, err := c.SlowLog(t.Context())
		if err != nil || filepath.Base(l.File) != "of_the_past.log" || !filepath.IsAbs(l.File) {
			t.Errorf("slow log: got %+v, %v", l, err)
		}
		now := time.Now()
		events, err := c.Events(t.Context(), now)
		if err != nil || len(events) != 1 || events[0].Spec != "EVERY 1 DAY" || strings.Contains(events[0].Command, "secret") || !strings.HasPrefix(events[0].Command, "DELETE FROM") {
			t.Fatalf("events: got %+v, %v", events, err)
		}
		if d := events[0].Next - now.Unix(); d <= 0 || d > 24*3600 {
			t.Errorf("the event is due in %d s", d)
		}
	})
}

func TestExplainsWhatNobodyRuns(t *testing.T) {
	mysqltest.Each(t, func(t *testing.T, s *mysqltest.Server) {
		s.Exec(t, "CREATE DATABASE IF NOT EXISTS past", "CREATE TABLE past.log (id INT PRIMARY KEY AUTO_INCREMENT, at INT UNSIGNED, born DATETIME, seen INT UNSIGNED, KEY (seen))",
			"INSERT INTO past.log (at, born, seen) VALUES (1,'2020-01-01',1),(2,'2020-01-02',2),(3,'2020-01-03',3)")
		c := reader(t, s)
		for column, access := range map[string]string{"at": "ALL", "born": "ALL", "seen": "range"} {
			f, plans, err := c.ExplainByAge(t.Context(), "past", "log", column, time.Now())
			if err != nil || len(plans) == 0 || f.Table != "log" || len(f.Range) != 1 || f.Range[0] != column || f.CutoffUnixS != 0 {
				t.Errorf("%s: got %+v, %+v, %v", column, f, plans, err)
				continue
			}
			if p := plans[0]; p.Digest != f.Digest || p.Running || column != "seen" && p.Access != access {
				t.Errorf("%s: got plan %+v, want access %s", column, p, access)
			}
		}
		plans, err := c.ExplainPast(t.Context(), "past", "SELECT * FROM log WHERE at > 1")
		if err != nil || len(plans) == 0 || plans[0].Access != "ALL" {
			t.Errorf("a SELECT: got %+v, %v", plans, err)
		}
		for _, text := range []string{"DROP TABLE log", "DELETE FROM log; DELETE FROM log", "TRUNCATE log", ""} {
			if _, err := c.ExplainPast(t.Context(), "past", text); !errors.Is(err, mysql.ErrNoPlan) {
				t.Errorf("%q: got %v, want no plan", text, err)
			}
		}
		if _, _, err := c.ExplainByAge(t.Context(), "past", "log", "gone", time.Now()); !errors.Is(err, mysql.ErrNoPlan) {
			t.Errorf("a column that is not there: got %v", err)
		}
		if tb, ok, err := c.Table(t.Context(), "past", "log"); err != nil || !ok || tb.Rows < 0 || tb.Engine != "InnoDB" {
			t.Errorf("the table after it all: got %+v, %v", tb, err)
		}
	})
}
