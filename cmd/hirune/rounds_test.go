package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// quietApp is a program without a terminal, a home or rights.
func quietApp(t *testing.T) (*app, *bytes.Buffer) {
	dir := t.TempDir()
	var out bytes.Buffer
	env := map[string]string{"HOME": dir, "XDG_STATE_HOME": filepath.Join(dir, "state")}
	return &app{out: &out, err: &bytes.Buffer{}, env: func(k string) string { return env[k] }, now: func() time.Time { return noon }, euid: 1000}, &out
}

func seen(facts ...evidence.Fact) []evidence.Record {
	var out []evidence.Record
	for _, f := range facts {
		out = append(out, evidence.Record{At: noon, Source: "test", Fact: f})
	}
	return out
}

func TestRounds(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	web := func(format, path string) discover.Found {
		return discover.Found{WebServers: []discover.WebServer{{Instance: "apache2:80", Service: evidence.ServiceApache, Listen: []string{"*:80"},
			AccessLogs: []discover.AccessLog{{Path: path, Format: format}}}}}
	}
	db := discover.Found{Databases: []discover.Database{{Instance: "mariadbd:3306", Socket: "/run/s"}}}
	cases := []struct {
		name  string
		found discover.Found
		facts []evidence.Record
		mark  string
		area  string
		words string // in its message, evidence or hint
	}{
		{"nothing runs", discover.Found{}, nil, markUnknown, "web server", "none was found"},
		{"no database", discover.Found{}, nil, markUnknown, "database", "[[database]]"},
		{"a log with durations", web("%h %D", log), nil, markOK, "access log", "can be read"},
		{"a log without durations", web("%h %b", log), nil, markNote, "access log", "LogFormat"},
		{"a log that is gone", web("%h %D", log+".gone"), nil, markUnknown, "access log", "it is not there"},
		{"a database that is mute", db, nil, markUnknown, "database", "does not tell"},
		{"a database that answers", db, seen(evidence.DBServer{DB: "mariadbd:3306", Flavour: "mariadb", Version: "10.11", BufferPoolBytes: 128 << 20}), markOK, "database", "buffer pool 128.0 MB"},
		{"a service that is down", db, seen(evidence.ServiceState{Service: "php-fpm", Start: "systemctl start php8.2-fpm"}), markBad, "service", "systemctl start php8.2-fpm"},
		{"a source that is hidden", db, seen(evidence.Unseen{Source: "database", Code: "access-denied", What: "statements", Hint: "GRANT PROCESS"}), markUnknown, "database", "GRANT PROCESS"},
		{"a site", db, seen(evidence.Site{Name: "example.com", Root: "/var/www", Platform: "wordpress", Version: "6.1", Prefix: "wp_", Schema: "wp"}), markOK, "site", "wordpress 6.1"},
		{"a site that answers", db, seen(evidence.Probe{Site: "example.com", Status: 200, TookMs: 31}), markOK, "visitor", "31 ms"},
		{"a site that does not answer", db, seen(evidence.Probe{Site: "example.com", Error: "refused", URL: "http://example.com/"}), markBad, "visitor", "gets no answer: refused"},
		{"a site that fails", db, seen(evidence.Probe{Site: "example.com", Status: 503}), markBad, "visitor", "status 503"},
		{"a site that is slow", discover.Found{Roots: []discover.Root{{Host: "example.com", Listen: "*:80"}}}, nil, markBad, "visitor", "more than 4 s"},
		{"the schedule of a site", db, seen(evidence.CronEvent{Site: "example.com", Hook: "x"}), markOK, "schedule", "1 event of WordPress"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, _ := quietApp(t)
			for _, got := range a.rounds(c.found, c.facts) {
				if got.Mark == c.mark && got.Area == c.area && strings.Contains(got.Message+got.Evidence+got.Hint, c.words) {
					return
				}
			}
			t.Errorf("no check %s %s with %q in %+v", c.mark, c.area, c.words, a.rounds(c.found, c.facts))
		})
	}
}

func TestASourceThatCanBeReadAgainIsNotHidden(t *testing.T) {
	a, _ := quietApp(t)
	u := evidence.Unseen{Source: "database", Code: "down", What: "statements"}
	back := u
	back.Seen = true
	for _, c := range a.rounds(discover.Found{}, seen(u, back)) {
		if strings.Contains(c.Message, "statements") {
			t.Errorf("got %+v, want nothing: the source is back", c)
		}
	}
}

func TestExitCodeOfChecks(t *testing.T) {
	cases := []struct {
		marks []string
		want  int
	}{
		{nil, 0}, {[]string{markOK, markOK}, 0}, {[]string{markUnknown, markOK}, 2}, {[]string{markUnknown, markNote}, 1}, {[]string{markBad}, 1},
	}
	for _, c := range cases {
		var checks []check
		for _, m := range c.marks {
			checks = append(checks, check{Mark: m})
		}
		if got := exitOfChecks(checks); got != c.want {
			t.Errorf("%v: got %d, want %d", c.marks, got, c.want)
		}
	}
}

func TestChecksOfHostileNamesAreSafe(t *testing.T) {
	a, out := quietApp(t)
	a.printChecks([]check{{Mark: markUnknown, Area: "site", Name: "a\x1b[2J", Message: "b\nc", Hint: "d\x07"}})
	if strings.ContainsAny(out.String(), "\x1b\x07") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("got %q, want two lines without control characters", out.String())
	}
}

func TestBarNeverClaimsTheEnd(t *testing.T) {
	for _, past := range []time.Duration{0, time.Second, 20 * time.Second, time.Hour} {
		got := bar(past, 20*time.Second)
		if n := strings.Count(got, "━") + strings.Count(got, "─"); n != 20 || !strings.Contains(got, "─") {
			t.Errorf("after %v: got %q, want 20 cells, not all full", past, got)
		}
	}
}
