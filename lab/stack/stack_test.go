package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// needLab skips where a stack cannot run, but never in CI.
func needLab(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a stack takes some seconds")
	}
	if err := Missing(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func TestSiteComesUpTakesAFailedLoginAndLeavesNothing(t *testing.T) {
	needLab(t)
	base, err := os.MkdirTemp("/var/tmp", "lab-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, web := range []string{Apache, Nginx} {
		t.Run(web, func(t *testing.T) { comesUp(ctx, t, base, web) })
	}
}

func comesUp(ctx context.Context, t *testing.T, base, web string) {
	s, err := Up(ctx, Config{BaseDir: base, Web: web, Seed: Seed{Rows: 1000, OldShare: 0.5, Posts: 5, ViewsDaily: 100}}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Down() })
	keepsItsData(ctx, t, s)

	status, body, err := get(ctx, s.URL+"/"+PostSlug(3)+"/")
	if err != nil || status != 200 || !strings.Contains(string(body), "Notes on") {
		t.Errorf("a post: status %d, %d bytes, error %v; want 200 and the post's title", status, len(body), err)
	}
	before := count(ctx, t, s, "")
	if err := s.failLogin(ctx); err != nil {
		t.Error(err)
	}
	if after := count(ctx, t, s, ""); after != before+1 || before != 1000 {
		t.Errorf("rows: %d before and %d after a failed log-in, want 1000 and 1001", before, after)
	}
	posts, err := os.ReadFile(filepath.Join(s.LogDir(), "access.log.1"))
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(s.SeededAt.Year(), s.SeededAt.Month(), s.SeededAt.Day(), 0, 0, 0, 0, s.SeededAt.Location())
	inTable := count(ctx, t, s, fmt.Sprintf("WHERE created >= %d AND created < %d", midnight.AddDate(0, 0, -1).Unix(), midnight.Unix()))
	if inLog := strings.Count(string(posts), "POST /xmlrpc.php"); inLog != inTable || inLog == 0 {
		t.Errorf("yesterday: %d log-ins in the old access log, %d rows in the table; want as many, and some", inLog, inTable)
	}
	daemons := s.state.Daemons
	if len(daemons) != 4 {
		t.Errorf("daemons noted: %v, want three and the database that was started again", daemons)
	}
	if err := s.Down(); err != nil {
		t.Error(err)
	}
	for _, d := range daemons {
		if left := groupMembers(d.PID); len(left) > 0 {
			t.Errorf("%s left processes %v", d.Name, left)
		}
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func count(ctx context.Context, t *testing.T, s *Stack, where string) int {
	t.Helper()
	out, err := s.SQL(ctx, fmt.Sprintf("SELECT COUNT(*) FROM %s.%s %s", s.DBName, s.Table(), where))
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscan(out, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDaysHoldAllRowsInOrder(t *testing.T) {
	now := time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC)
	seed := Seed{Rows: 600000, OldShare: 0.8, OldDays: 60, WeekShare: 0.5}
	total, old := 0, 0
	last := time.Time{}
	for _, d := range seed.days(90, now) {
		if d.Rows == 0 {
			continue
		}
		if d.at(0).Before(last) {
			t.Fatalf("day %v begins before the one before it ended", d.From)
		}
		last = d.at(d.Rows - 1)
		total += d.Rows
		if last.Before(now.AddDate(0, 0, -90)) {
			old += d.Rows
		}
	}
	if total != 600000 || old != 480000 {
		t.Errorf("rows %d, old %d; want 600000 and 480000", total, old)
	}
	if last.After(now) || now.Sub(last) > time.Hour {
		t.Errorf("the last row is of %v, want shortly before %v", last, now)
	}
}

func TestOldLogsCountTheTablesRows(t *testing.T) {
	now := time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC)
	s := &Stack{Dir: t.TempDir(), cfg: Config{Seed: Seed{Rows: 5000, OldShare: 0.5, ViewsDaily: 50}}.WithDefaults()}
	if err := os.Mkdir(s.LogDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.writeOldLogs(cacheEntry{SeededAt: now}, now); err != nil {
		t.Fatal(err)
	}
	var yesterday day
	for _, d := range s.cfg.Seed.days(90, now) {
		if d.From.Equal(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)) {
			yesterday = d
		}
	}
	text, err := os.ReadFile(filepath.Join(s.LogDir(), "access.log.1"))
	if err != nil {
		t.Fatal(err)
	}
	posts := strings.Count(string(text), "POST /xmlrpc.php")
	views := strings.Count(string(text), "GET /notes-")
	if posts != yesterday.Rows || posts == 0 || views != 50 {
		t.Errorf("yesterday's log: %d posts and %d views, want %d (more than 0) and 50", posts, views, yesterday.Rows)
	}
	if found, _ := filepath.Glob(filepath.Join(s.LogDir(), "access.log.*.gz")); len(found) != 6 {
		t.Errorf("compressed logs: %v, want six", found)
	}
}

func TestOldLogsAreInOrderOfTime(t *testing.T) {
	for name, now := range map[string]time.Time{"in the afternoon": time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC), "just after midnight": time.Date(2026, 3, 4, 0, 40, 0, 0, time.UTC)} {
		s := &Stack{Dir: t.TempDir(), cfg: Config{Seed: Seed{Rows: 5000, OldShare: 0.5, ViewsDaily: 500, ViewsLately: 1}}.WithDefaults()}
		if err := os.Mkdir(s.LogDir(), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := s.writeOldLogs(cacheEntry{SeededAt: now}, now); err != nil {
			t.Fatal(err)
		}
		lately := 0
		for file, day := range map[string]int{"access.log": 4, "access.log.1": 3} {
			text, err := os.ReadFile(filepath.Join(s.LogDir(), file))
			if err != nil {
				t.Fatal(err)
			}
			last := time.Time{}
			for line := range strings.Lines(string(text)) {
				_, rest, _ := strings.Cut(line, "[")
				at, err := time.Parse("02/Jan/2006:15:04:05 -0700", rest[:strings.Index(rest, "]")])
				if err != nil || at.Before(last) || at.Day() != day || at.After(now) {
					t.Fatalf("%s: %s: a line of %v after %v (%v)", name, file, at, last, err)
				}
				if last = at; now.Sub(at) <= 2*time.Hour && strings.Contains(line, "GET /notes-") {
					lately++
				}
			}
		}
		if lately < 7200 || lately > 7300 {
			t.Errorf("%s: %d views in the last two hours, want 7200 and some of the day's", name, lately)
		}
	}
}

func TestParseStat(t *testing.T) {
	const tail = " S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2"
	for name, text := range map[string]string{"plain": "77 (php-fpm)" + tail, "odd name": "77 (a) (b c)" + tail} {
		st, err := parseStat(text)
		if err != nil || st.pgrp != 77 || st.start != 4242 || st.state != 'S' {
			t.Errorf("%s: %+v, %v; want group 77, start 4242, state S", name, st, err)
		}
	}
	for _, text := range []string{"", "77", "77 (x)", "77 (x) S 1 2"} {
		if st, err := parseStat(text); err == nil {
			t.Errorf("%q: %+v, want an error", text, st)
		}
	}
}

// leftBehind makes the directory of a stack whose lab is gone, and its parent.
func leftBehind(t *testing.T) (s *Stack, base string) {
	t.Helper()
	base = t.TempDir()
	s = &Stack{Dir: filepath.Join(base, dirPrefix+"1")}
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.openState(); err != nil {
		t.Fatal(err)
	}
	return s, base
}

func TestCleanLeavesForeignProcessesAlone(t *testing.T) {
	s, base := leftBehind(t)
	// The numbers are ours, the start times are not: as after PIDs were used again.
	s.state.Lab.Start++
	s.state.Daemons = []identity{{Name: "mariadb", PID: os.Getpid(), Start: s.state.Lab.Start}}
	if err := s.saveState(); err != nil {
		t.Fatal(err)
	}
	if err := Clean(base, t.Output()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestCleanLeavesOtherPIDNamespacesAlone(t *testing.T) {
	s, base := leftBehind(t)
	s.state.Lab.Start++
	s.state.PIDs = "pid:[1]"
	if err := s.saveState(); err != nil {
		t.Fatal(err)
	}
	if err := Clean(base, t.Output()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir); err != nil {
		t.Errorf("the directory of a lab that may still run was removed: %v", err)
	}
}

func TestConfigRefusesWhatWouldEndUpInSQL(t *testing.T) {
	for _, cfg := range []Config{{Prefix: "wp_; DROP"}, {Web: "lighttpd"}, {Web: Nginx, LogDuration: true}, {Plugin: Plugin{Column: "a'b"}}, {Engine: map[string]string{"x": "1\ny=2"}}, {Seed: Seed{OldShare: 2}}} {
		if err := cfg.WithDefaults().check(); err == nil {
			t.Errorf("%+v passes, want an error", cfg)
		}
	}
	if err := (Config{}).WithDefaults().check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
