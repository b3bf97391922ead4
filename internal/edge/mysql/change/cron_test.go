package change

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

// editLines is a schedule of lines "moment hook".
func editLines(option, hook string, from, to int64) (string, error) {
	was := fmt.Sprintf("%d %s\n", from, hook)
	if !strings.Contains(option, was) {
		return "", errors.New("no such event")
	}
	return strings.Replace(option, was, fmt.Sprintf("%d %s\n", to, hook), 1), nil
}

func TestCron(t *testing.T) { testCron(t, mysqltest.Start(t)) }

func testCron(t *testing.T, s *mysqltest.Server) {
	s.Exec(t, "DROP DATABASE IF EXISTS site", "CREATE DATABASE site", "CREATE TABLE site.wp_options (option_id BIGINT AUTO_INCREMENT PRIMARY KEY, option_name VARCHAR(191) UNIQUE, option_value LONGTEXT NOT NULL) CHARSET utf8mb4")
	set := func(option string) {
		t.Helper()
		if _, err := s.DB(t, "site").Exec("REPLACE INTO wp_options (option_name, option_value) VALUES ('cron', ?)", option); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want string) {
		t.Helper()
		if got := scalar(t, s, "SELECT option_value FROM site.wp_options WHERE option_name='cron'"); got != want {
			t.Errorf("got option %q, want %q", got, want)
		}
	}
	now := time.Now().Unix()
	from, to := now+5000, now+9000
	step := remedy.MoveCronEvent{Schema: "site", Prefix: "wp_", Hook: "clean", From: from, To: to}
	d := Cron{Server: privately(s), Edit: editLines}
	other := "123 other 昼寝 ' \\ \" é  \n"
	line := func(at int64) string { return other + fmt.Sprintf("%d clean\n", at) }

	set(line(from))
	answer(t, d, step, nil, apply.NotDone)
	l := newLogbook(nil)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	is(line(to))
	answer(t, d, step, l.State, apply.IsDone)
	if err := d.Do(t.Context(), step, l.Work); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := d.Undo(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	is(line(from))
	answer(t, d, step, l.State, apply.NotDone)

	// it has run twice since, at its new time of day
	set(line(to + 2*day))
	answer(t, d, step, l.State, apply.IsDone)
	if err := d.Undo(t.Context(), step, l.Work); err != nil {
		t.Fatal(err)
	}
	is(line(from + 2*day))

	// it has run since the plan, at its old time of day; the planned moment is past
	past := step
	past.From, past.To = from-7*day, to-7*day
	set(line(from))
	if err := d.Do(t.Context(), past, newLogbook(nil).Work); err != nil {
		t.Fatal(err)
	}
	is(line(to))

	set(other)
	answer(t, d, step, nil, apply.NotDone)
	answer(t, d, step, l.State, apply.CannotTell)
	if err := d.Do(t.Context(), step, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("no such event: got %v, want refused", err)
	}
	is(other)
	cronRaces(t, s, d, step, set, is)
	none := step
	none.Prefix = "nope_"
	if err := d.Do(t.Context(), none, newLogbook(nil).Work); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("no such table: got %v, want refused", err)
	}
}

// cronRaces: WordPress writes its schedule between our reading and our writing.
func cronRaces(t *testing.T, s *mysqltest.Server, d Cron, step remedy.MoveCronEvent, set, is func(string)) {
	t.Helper()
	line := func(other string, at int64) string { return fmt.Sprintf("%s\n%d clean\n", other, at) }
	for _, c := range []struct {
		quicker int
		fails   bool
	}{{2, false}, {1000, true}} {
		set(line("0", step.From))
		n, racing := 0, d
		racing.Edit = func(option, hook string, from, to int64) (string, error) {
			out, err := editLines(option, hook, from, to)
			if err == nil && to == step.To && n < c.quicker {
				n++
				set(line(fmt.Sprint(n), step.From))
			}
			return out, err
		}
		err := racing.Do(t.Context(), step, newLogbook(nil).Work)
		if (err != nil) != c.fails || n == 0 {
			t.Errorf("%d times quicker: got %v after %d", c.quicker, err, n)
		}
		if c.fails {
			is(line(fmt.Sprint(n), step.From))
		} else {
			is(line(fmt.Sprint(n), step.To))
		}
	}
	if got := scalar(t, s, "SELECT COUNT(*) FROM site.wp_options"); got != "1" {
		t.Errorf("got %s options, want 1", got)
	}
}

func TestLater(t *testing.T) {
	for _, c := range []struct{ at, now, want int64 }{
		{100, 50, 100}, {100, 100, 100 + day}, {100, 100 + day - 1, 100 + day}, {100, 100 + day, 100 + 2*day}, {100, 100 + 10*day + 5, 100 + 11*day},
	} {
		if got := later(c.at, c.now); got != c.want {
			t.Errorf("later(%d, %d): got %d, want %d", c.at, c.now, got, c.want)
		}
	}
}
