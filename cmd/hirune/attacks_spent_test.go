package main

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

// TestSpentIsReadFromTheTape records bursts of guesses that take two thirds of
// PHP's CPU, and asks the tape.
func TestSpentIsReadFromTheTape(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	a := &app{out: &said, err: &said, now: func() time.Time { return siegeStart.Add(2 * time.Hour) }, euid: 1000,
		env: func(name string) string {
			return map[string]string{"XDG_STATE_HOME": dir, "STATE_DIRECTORY": filepath.Join(dir, "none")}[name]
		}}
	pic := attack.Picture{From: siegeStart.Unix(), To: siegeStart.Add(time.Hour).Unix(),
		Attacks: []attack.Attack{{ID: "xmlrpc-brute-force", Verdict: attack.Hurts, From: siegeStart.Unix(), To: siegeStart.Add(time.Hour).Unix()}}}
	q := &siege{now: a.now()}
	if spent, used := a.spent(q, pic); len(spent)+len(used) != 0 {
		t.Fatalf("without a tape: got %+v, %+v", spent, used)
	}
	w, err := a.openTape("")
	if err != nil {
		t.Fatal(err)
	}
	for s := range 3600 {
		at := siegeStart.Add(time.Duration(s) * time.Second)
		pages, guesses := int64(1+s*7%3), int64(0)
		if s/120%2 == 0 {
			guesses = int64(4 * (1 + s*5%3))
		}
		err := w.Append([]evidence.Record{
			{At: at, Source: "traffic", Fact: evidence.Traffic{OverMs: 1000, Class: evidence.ClassPage, Requests: pages, TookMs: -1}},
			{At: at, Source: "traffic", Fact: evidence.Traffic{OverMs: 1000, Class: evidence.ClassXMLRPC, Requests: guesses, TookMs: -1}},
			{At: at, Source: "traffic", Fact: evidence.Attack{OverMs: 1000, ID: "xmlrpc-brute-force", Attempts: guesses, TookMs: -1}},
			{At: at, Source: "process", Fact: evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, CPUMs: 50*pages + 50*guesses}},
			{At: at, Source: "process", Fact: evidence.ServiceUse{OverMs: 1000, Service: evidence.ServiceDatabase, CPUMs: 20 * pages}},
		})
		if err == nil && s%60 == 59 {
			err = w.Commit(at)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	spent, used := a.spent(q, pic)
	if got := spent["xmlrpc-brute-force"]; got.PHP < 0.62 || got.PHP > 0.70 || got.Database < 0 || got.Database > 0.04 {
		t.Errorf("got %+v, want two thirds of PHP and nothing of the database", got)
	}
	if len(used) != 0 {
		t.Errorf("got %+v, and there is no quiet day", used)
	}
	q.away = true
	if spent, used := a.spent(q, pic); len(spent)+len(used) != 0 {
		t.Errorf("for files of elsewhere: got %+v, %+v", spent, used)
	}
}
