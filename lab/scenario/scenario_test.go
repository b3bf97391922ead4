package scenario

import (
	"strings"
	"testing"
	"testing/fstest"

	"hirune/lab/load"
	"hirune/lab/scenarios"
)

const small = `
title = "t"
seconds = 10
[[load]]
kind = "page"
rate = 1
clients = 1
net = 20
[[phase]]
name = "all"
from = 0
until = 10
[[suffer]]
phase = "all"
kind = "page"
max_failed_share = 0.1
[verdict]
status = ["healthy"]
`

func TestLoadFailsOnAFolderWithoutScenarios(t *testing.T) {
	if got, err := Load(fstest.MapFS{"readme.md": {}}); err == nil {
		t.Errorf("got %v, want an error", got)
	}
}

func TestEveryScenarioOfTheFolderReads(t *testing.T) {
	got, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got {
		names = append(names, s.Name)
		if quiet, ok := s.Phase("quiet"); !ok || quiet.From > 0 || quiet.Until < 20 {
			t.Errorf("%s: needs a phase \"quiet\" of at least 20 s from the start, as a baseline", s.Name)
		}
	}
	for _, want := range []string{"audit-log-purge", "audit-log-purge-fails", "database-stopped", "healthy", "idle-transaction", "purge-unknown-plugin", "search-flood", "xmlrpc-login-flood"} {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+want+" ") {
			t.Errorf("no scenario %s among %v", want, names)
		}
	}
}

func TestParseRefusesSlips(t *testing.T) {
	if _, err := Parse("x", small); err != nil {
		t.Fatalf("the plain one: %v", err)
	}
	for name, text := range map[string]string{
		"unknown key":       strings.Replace(small, "rate = 1", "rate = 1\nspeed = 2", 1),
		"unknown kind":      strings.Replace(small, `"page"`, `"pages"`, 1),
		"phase too long":    strings.Replace(small, "until = 10", "until = 11", 1),
		"no such phase":     strings.Replace(small, `phase = "all"`, `phase = "one"`, 1),
		"exit without":      strings.Replace(small, "[verdict]", "[verdict]\nexit = 1", 1),
		"unknown injection": small + "[[inject]]\nat = 1\ndo = \"rain\"\n",
		"not TOML":          "x",
	} {
		if _, err := Parse("x", text); err == nil {
			t.Errorf("%s: passes, want an error", name)
		}
	}
}

func TestSufferingBindsBothWays(t *testing.T) {
	one, ten := 1.0, 10.0
	u := Suffering{Phase: "p", Kind: load.Page, MinP99Ms: &ten, MaxP50Ms: &one}
	if got := u.Judge(load.Figures{Sent: 1, P50Ms: 1, P99Ms: 10}); len(got) != 0 {
		t.Errorf("at the bounds: %v, want nothing", got)
	}
	if got := u.Judge(load.Figures{Sent: 1, P50Ms: 2, P99Ms: 9}); len(got) != 2 {
		t.Errorf("beyond both: %v, want two", got)
	}
	if got := u.Judge(load.Figures{}); len(got) != 1 {
		t.Errorf("nothing sent: %v, want one complaint", got)
	}
}

func TestJudgeComparesTheFirstCause(t *testing.T) {
	v := Verdict{Exit: 1, Status: []string{"proven", "likely"}, Cause: "purge-without-index", Forbid: []string{"search-flood"},
		Subject: map[string]string{"table": "wp_log", "session": "*"}, Origin: map[string]string{"hook": "a|b*"}}
	const right = `{"schema":1,"status":"likely","causes":[{"id":"purge-without-index","subject":{"table":"wordpress.wp_log","session":7},"origin":{"hook":"bell"}}],"more":1}`
	if _, got := v.Judge([]byte(right), 1); len(got) != 0 {
		t.Errorf("the right answer: %v", got)
	}
	for name, c := range map[string]struct {
		text string
		exit int
	}{
		"exit":        {right, 2},
		"status":      {strings.Replace(right, "likely", "not_proven", 1), 1},
		"table":       {strings.Replace(right, "wp_log", "wp_posts", 1), 1},
		"session":     {strings.Replace(right, "7", "0", 1), 1},
		"hook":        {strings.Replace(right, `"bell"`, `"cell"`, 1), 1},
		"forbidden":   {strings.Replace(right, `}],"more"`, `},{"id":"search-flood"}],"more"`, 1), 1},
		"wrong first": {strings.Replace(right, `[{`, `[{"id":"x"},{`, 1), 1},
		"no cause":    {`{"schema":1,"status":"likely","causes":[]}`, 1},
		"no JSON":     {"oops", 1},
	} {
		if _, got := v.Judge([]byte(c.text), c.exit); len(got) != 1 {
			t.Errorf("%s: %v, want one difference", name, got)
		}
	}
	healthy := Verdict{Status: []string{"healthy"}}
	if _, got := healthy.Judge([]byte(`{"schema":1,"status":"healthy","causes":[]}`), 0); len(got) != 0 {
		t.Errorf("healthy: %v", got)
	}
	if _, got := healthy.Judge([]byte(right), 0); len(got) != 2 {
		t.Errorf("a cause where there is none: %v, want status and causes", got)
	}
}

func TestVariationsKeepWhatIsExpected(t *testing.T) {
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if got := s.Vary(1); got.Seconds != s.Seconds || got.Stack.Plugin != s.Stack.Plugin {
			t.Errorf("%s: the first variation differs from the scenario", s.Name)
		}
		for n := uint64(2); n <= 4; n++ {
			v := s.Vary(n)
			if err := v.check(); err != nil {
				t.Errorf("%s, variation %d: %v", s.Name, n, err)
			}
			if v.Seconds == s.Seconds || v.Load[0].Rate == s.Load[0].Rate {
				t.Errorf("%s, variation %d: nothing varies", s.Name, n)
			}
			if v.Verdict.Cause != s.Verdict.Cause || len(v.Verdict.Subject) != len(s.Verdict.Subject) {
				t.Errorf("%s, variation %d: another verdict is expected", s.Name, n)
			}
			was := s.Stack.WithDefaults().Plugin
			for _, told := range [][2]*Verdict{{&s.Verdict, &v.Verdict}, {s.Cold, v.Cold}} {
				if told[0] != nil && strings.HasSuffix(told[0].Subject["table"], was.Table) && !strings.HasSuffix(told[1].Subject["table"], v.Stack.Plugin.Table) {
					t.Errorf("%s, variation %d: expects the table %q, which is now %q", s.Name, n, told[1].Subject["table"], v.Stack.Plugin.Table)
				}
			}
		}
	}
}
