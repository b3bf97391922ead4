package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/tape"
)

// tapeOf writes records a second after the other; a record's moment is the
// wall clock of its second.
func tapeOf(t *testing.T, each ...[]evidence.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.hirune")
	w, err := tape.OpenWriter(path, tape.Options{Now: each[0][0].At})
	must(t, err)
	for _, rs := range each {
		must(t, w.Append(rs))
		must(t, w.Commit(rs[0].At))
	}
	must(t, w.Close())
	return path
}

// quietSecond is a machine with a site that answers.
func quietSecond(at time.Time) []evidence.Record {
	return []evidence.Record{
		{At: at, Source: "host", Fact: evidence.Host{OverMs: 1000, CPUs: 2, UserMs: 100, IdleMs: 1900, MemTotalKB: 1 << 20, MemAvailKB: 1 << 19}},
		{At: at, Source: "probe", Fact: evidence.Probe{Site: "a", URL: "http://a/", Status: 200, TookMs: 40}},
		{At: at, Source: "database", Fact: evidence.DBStatus{OverMs: 1000, Connected: 3, HistoryLength: -1}},
	}
}

// said runs the program and reads its verdict.
func verdictOf(t *testing.T, args ...string) (status string, notes []string, exit int, words string) {
	t.Helper()
	var out, errs bytes.Buffer
	exit = run(context.Background(), append([]string{"diagnose", "--json"}, args...), &out, &errs)
	var v struct {
		Status string
		Notes  []struct{ ID string }
	}
	if out.Len() > 0 {
		must(t, json.Unmarshal(out.Bytes(), &v))
	}
	for _, n := range v.Notes {
		notes = append(notes, n.ID)
	}
	return v.Status, notes, exit, errs.String()
}

func TestAClockThatWasSetBackIsSaidAndNothingIsMadeUp(t *testing.T) {
	var seconds [][]evidence.Record
	for i := range 300 {
		at := noon.Add(time.Duration(i) * time.Second)
		if i >= 150 {
			at = at.Add(-time.Hour)
		}
		s := quietSecond(at)
		if i == 150 {
			s = append(s, evidence.Record{At: at, Source: "clock", Fact: evidence.ClockStep{StepMs: -3600e3}})
		}
		seconds = append(seconds, s)
	}
	status, notes, exit, words := verdictOf(t, "--tape", tapeOf(t, seconds...))
	if status != "healthy" || exit != exitHealthy || !slices.Contains(notes, "note-clock-step") {
		t.Errorf("got %s (exit code %d), notes %v, %s; want healthy, with the step noted", status, exit, notes, words)
	}
}

func TestATapeOfANewerHiruneIsRefusedAndLeftAlone(t *testing.T) {
	path := tapeOf(t, quietSecond(noon))
	db, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = db.ExecContext(t.Context(), "PRAGMA user_version=999")
	must(t, err)
	must(t, db.Close())
	before, err := os.ReadFile(path)
	must(t, err)
	for _, args := range [][]string{{"diagnose"}, {"record", "--for", "1s"}, {"tape", "info"}} {
		var out, words bytes.Buffer
		exit := run(context.Background(), append(args, "--tape", path), &out, &words)
		if exit != exitUnclear || out.Len() > 0 || !strings.Contains(words.String(), "error: tape of a newer hirune") || !strings.Contains(words.String(), "hint: install the newest hirune") {
			t.Errorf("%s: got exit code %d, %s%s", args, exit, out.String(), words.String())
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the tape was changed (%v)", err)
	}
}

func TestATruncatedTapeIsJudgedByWhatIsLeft(t *testing.T) {
	var seconds [][]evidence.Record
	for i := range 1800 {
		s := quietSecond(noon.Add(time.Duration(i) * time.Second))
		for j := range 20 { // of some size
			s = append(s, evidence.Record{At: s[0].At, Source: "database", Fact: evidence.Statement{ConnID: uint64(i*20 + j), Digest: fmt.Sprintf("SELECT %x FROM t", i*7919*(j+1)), RunningMs: int64(i * j % 977)}})
		}
		seconds = append(seconds, s)
	}
	whole, err := os.ReadFile(tapeOf(t, seconds...))
	must(t, err)
	judged := 0
	for part := 1; part < 10; part++ {
		path := filepath.Join(t.TempDir(), "cut.hirune")
		must(t, os.WriteFile(path, whole[:len(whole)*part/10], 0o600))
		status, _, exit, words := verdictOf(t, "--tape", path)
		switch {
		case exit == exitUnclear && status == "" && strings.Contains(words, "hint: "):
		case exit == exitOf(status) && status != "proven" && status != "likely" && strings.Contains(words, "because of damage"):
			judged++
		default:
			t.Errorf("cut to %d/10: got %q, exit code %d, %s", part, status, exit, words)
		}
	}
	if judged == 0 {
		t.Error("nothing was judged by what was left")
	}
}

// trouble in the past is found on a long tape, and the way to ask about others
// is told.
func TestTheWorstOfTheLastDaysIsFound(t *testing.T) {
	start := noon.Add(-12 * time.Hour)
	var seconds [][]evidence.Record
	for i := 0; i < 12*3600; i += 5 {
		at := start.Add(time.Duration(i) * time.Second)
		s := quietSecond(at)
		if bad := i >= 3600 && i < 3600+600 || i >= 5*3600 && i < 5*3600+180; bad {
			s[1].Fact = evidence.Probe{Site: "a", URL: "http://a/", Status: 503, TookMs: 9000}
		}
		seconds = append(seconds, s)
	}
	path := tapeOf(t, seconds...)
	var out, words bytes.Buffer
	exit := run(context.Background(), []string{"diagnose", "--json", "--tape", path}, &out, &words)
	var v struct {
		Status string
		Outage struct{ From, To time.Time }
	}
	must(t, json.Unmarshal(out.Bytes(), &v))
	if off := v.Outage.From.Sub(start.Add(time.Hour)).Abs(); exit != exitFound || off > time.Minute {
		t.Errorf("got %s, the outage of %v, exit code %d; want that of %v", v.Status, v.Outage, exit, start.Add(time.Hour))
	}
	for _, want := range []string{"no trouble now; this is about the worst of the last days, ", "there was also trouble at " + minute(start.Add(5*time.Hour).Add(90*time.Second)), "hirune diagnose --at '"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, words.String())
		}
	}
	// Asked for in so many words, the last two hours are all that is meant.
	if status, _, exit, _ := verdictOf(t, "--tape", path, "--since", "2h"); exit != exitHealthy {
		t.Errorf("--since 2h: got %s, exit code %d; want healthy", status, exit)
	}
	// Half a day is not read as a whole, but its worst is found.
	if status, _, exit, words := verdictOf(t, "--tape", path, "--since", "12h"); exit != exitFound {
		t.Errorf("--since 12h: got %s, exit code %d, %s", status, exit, words)
	}
	if _, _, exit, words := verdictOf(t, "--tape", path, "--since", "5h"); exit != exitHealthy || !strings.Contains(words, "no trouble") {
		t.Errorf("--since 5h: exit code %d, %s; want healthy, and that not all was read", exit, words)
	}
}

func TestTroubles(t *testing.T) {
	m := func(i int, probes, failed, ms, requests, errors int64) tape.Minute {
		return tape.Minute{From: noon.Add(time.Duration(i) * time.Minute), Probes: probes, ProbesFailed: failed, ProbeMs: ms, Requests: requests, Errors5xx: errors}
	}
	repeat := func(n int, f func(i int) tape.Minute) (out []tape.Minute) {
		for i := range n {
			out = append(out, f(i))
		}
		return out
	}
	cases := []struct {
		name string
		in   []tape.Minute
		want string
	}{
		{"quiet", repeat(60, func(i int) tape.Minute { return m(i, 12, 0, 50, 600, 3) }), ""},
		{"nothing known", repeat(3, func(i int) tape.Minute { return m(i, 0, 0, -1, 0, 0) }), ""},
		{"a site that never answers", repeat(60, func(i int) tape.Minute { return m(i, 24, 12, 50, 600, 0) }), ""},
		{"slow", repeat(60, func(i int) tape.Minute { return m(i, 12, 0, 50+int64(i/58)*2000, 600, 0) }), "58-60"},
		{"failing", repeat(60, func(i int) tape.Minute { return m(i, 12, 12*int64(i/58), 50, 600, 0) }), "58-60"},
		{"one of two sites fails now, the other always", repeat(60, func(i int) tape.Minute { return m(i, 24, 12+12*int64(i/58), 50, 600, 0) }), "58-60"},
		{"visitors get errors", repeat(60, func(i int) tape.Minute { return m(i, 0, 0, -1, 600, 300*int64(i/58)) }), "58-60"},
		{"with a breath", repeat(60, func(i int) tape.Minute { return m(i, 12, 12*int64(i%3/2), 50, 600, 0) }), "2-60"},
		{"twice", repeat(60, func(i int) tape.Minute { return m(i, 12, 12*int64(1-min(1, i%20)), 50, 600, 0) }), "0-1 20-21 40-41"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range troubles(c.in) {
				got = append(got, fmt.Sprintf("%.0f-%.0f", s.from.Sub(noon).Minutes(), s.to.Sub(noon).Minutes()))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestWhatAnEarlierRunCouldNotSeeDoesNotCount(t *testing.T) {
	u := evidence.Unseen{Source: "database", Code: "access-denied", What: "statements", Hint: "GRANT"}
	other := evidence.Unseen{Source: "traffic", Code: "log-missing", What: "a.log"}
	back := evidence.Unseen{Source: "traffic", Code: "log-missing", What: "b.log", Seen: true}
	blind := append(quietSecond(noon), evidence.Record{At: noon, Source: "database", Fact: u}, evidence.Record{At: noon, Source: "traffic", Fact: other})
	later := noon.Add(time.Minute)
	cases := []struct {
		name  string
		facts []evidence.Fact
		want  string
	}{
		{"the same run", nil, "database traffic"},
		{"another of its logs is back", []evidence.Fact{back}, "database traffic"},
		{"a new run that can see", []evidence.Fact{evidence.Unseen{Source: "database", Seen: true}}, "traffic"},
		{"a new run that cannot, either", []evidence.Fact{evidence.Unseen{Source: "database", Seen: true}, u}, "database traffic"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			next := quietSecond(later)
			for _, f := range c.facts {
				next = append(next, evidence.Record{At: later, Source: "x", Fact: f})
			}
			var out bytes.Buffer
			run(context.Background(), []string{"diagnose", "--json", "--tape", tapeOf(t, blind, next)}, &out, &bytes.Buffer{})
			var v struct{ Unseen []struct{ Source string } }
			must(t, json.Unmarshal(out.Bytes(), &v))
			var got []string
			for _, u := range v.Unseen {
				got = append(got, u.Source)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}
