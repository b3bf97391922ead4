package diagnose

import (
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

func TestWhenAnAttackIsCleared(t *testing.T) {
	use := func(attempts, took float64) *attackUse {
		return &attackUse{id: "xmlrpc-brute-force", attempts: attempts, attemptsMost: attempts, took: took, most: took, actors: 12, timed: took >= 0}
	}
	work := phpWork{count: 1000, took: 100_000, timed: true}
	untimed := phpWork{count: 1000, took: -1}
	bitten := use(20, 2000)
	bitten.most, bitten.attemptsMost = 40_000, 400 // the fact reaches far out of the outage
	cases := []struct {
		name        string
		now, before *attackUse
		work, quiet phpWork
		why         *Growth
		want        string // "": not cleared
	}{
		{"3 % of the time, as before", use(100, 3000), use(100, 3000), work, work, nil, "cleared-attack"},
		{"3 %, none before", use(100, 3000), nil, work, work, nil, "cleared-attack"},
		{"3 %, no quiet time", use(100, 3000), nil, work, phpWork{timed: true}, nil, "cleared-attack"},
		{"3 % of the time, half of the requests", use(500, 3000), nil, work, work, nil, "cleared-attack"},
		{"15 %, as before", use(150, 15_000), use(150, 15_000), work, work, nil, "cleared-attack"},
		{"15 %, 5 % before", use(150, 15_000), use(50, 5000), work, work, nil, ""},
		{"15 %, no quiet time", use(150, 15_000), nil, work, phpWork{timed: true}, nil, ""},
		{"half of the time, as before", use(500, 50_000), use(500, 50_000), work, work, nil, ""},
		{"2 %, perhaps much more", bitten, nil, work, work, nil, ""},
		{"no work was seen", use(100, 3000), nil, phpWork{timed: true}, work, nil, ""},
		{"no durations, 2 % of the requests", use(20, -1), nil, untimed, untimed, nil, "cleared-attack-requests"},
		{"no durations, a tenth of the requests", use(100, -1), nil, untimed, untimed, nil, ""},
		{"durations of late only", use(20, 90_000), nil, untimed, work, nil, "cleared-attack-requests"},
		{"small, and it filled the table", use(100, 3000), use(100, 3000), work, work, &Growth{Table: "ledger", Class: evidence.ClassXMLRPC}, "cleared-attack-writes"},
		{"small, something else filled the table", use(100, 3000), use(100, 3000), work, work, &Growth{Table: "ledger", Class: evidence.ClassLogin}, "cleared-attack"},
		{"small, nobody knows who filled the table", use(100, 3000), use(100, 3000), work, work, &Growth{Table: "ledger"}, "cleared-attack"},
	}
	for _, c := range cases {
		r, ok := clearAttack(c.now, c.before, c.work, c.quiet, c.why)
		if r.Say.ID != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, want %q", c.name, r.Say.ID, c.want)
		}
	}
}

// TestAttemptsOfASpan cuts a fact of a minute at the ends of a span.
func TestAttemptsOfASpan(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(sec int) time.Time { return t0.Add(time.Duration(sec) * time.Second) }
	var records []evidence.Record
	add := func(sec int, f evidence.Fact) {
		records = append(records, evidence.Record{At: at(sec), Source: "traffic", Fact: f})
	}
	add(0, evidence.Traffic{OverMs: 1000, Class: evidence.ClassPage, Requests: 1})
	add(60, evidence.Attack{OverMs: 60_000, ID: "a", Attempts: 60, Actors: 2, TookMs: 600})
	add(120, evidence.Attack{OverMs: 120_000, ID: "a", Attempts: 120, Actors: 7, TookMs: -1})
	add(180, evidence.Attack{OverMs: 60_000, ID: "a", Attempts: 1000, Actors: 9, TookMs: 0})
	add(200, evidence.Attack{OverMs: 20_000, ID: "b", Attempts: 10, Actors: 1, TookMs: 5})
	add(400, evidence.Attack{OverMs: 300_000, ID: "c", Attempts: 30, Actors: 3, TookMs: 300})
	c := &Case{W: recording.New(records)}
	got := c.attacks(Span{at(30), at(120)})
	a, late := got["a"], got["c"]
	if a == nil || a.attempts != 120 || a.attemptsMost != 180 || a.actors != 7 || a.timed {
		t.Errorf("got %+v; want 30 of the first fact and 90 of the second", a)
	}
	if late == nil || late.attempts < 1.99 || late.attempts > 2.01 || late.attemptsMost != 30 || got["b"] != nil || len(got) != 2 {
		t.Errorf("got %+v, %+v; want 20 s of the one that was known late, and no other", late, got)
	}
}
