package main

import (
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/edge/tape"
)

var noon = time.Date(2026, 3, 11, 12, 0, 0, 0, time.Local)

func TestStretch(t *testing.T) {
	day := tape.Span{From: noon.Add(-24 * time.Hour), To: noon}
	short := tape.Span{From: noon.Add(-time.Minute), To: noon}
	cases := []struct {
		name     string
		q        question
		recorded tape.Span
		from, to time.Duration // from noon
		fails    bool
	}{
		{"by default the last two hours", question{}, day, -2 * time.Hour, 0, false},
		{"a short tape is taken whole", question{}, short, -time.Minute, 0, false},
		{"since", question{since: 5 * time.Hour}, day, -5 * time.Hour, 0, false},
		{"since before the tape began", question{since: 99 * time.Hour}, day, -24 * time.Hour, 0, false},
		{"at", question{at: "06:00"}, day, -8 * time.Hour, -5 * time.Hour, false},
		{"at near the end", question{at: "11:30"}, day, -150 * time.Minute, 0, false},
		{"at and since", question{at: "06:00", since: time.Hour}, day, -7 * time.Hour, -5 * time.Hour, false},
		{"at the day before", question{at: "13:00"}, day, -24 * time.Hour, -22 * time.Hour, false},
		{"at a time that is not recorded", question{at: "06:00"}, short, 0, 0, true},
		{"at nonsense", question{at: "noon"}, day, 0, 0, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			from, to, at, err := c.q.stretch(c.recorded)
			if c.fails != (err != nil) {
				t.Fatalf("got error %v, want one: %v", err, c.fails)
			}
			if err == nil && (!from.Equal(noon.Add(c.from)) || !to.Equal(noon.Add(c.to))) {
				t.Errorf("got %v to %v, want %v to %v", from, to, noon.Add(c.from), noon.Add(c.to))
			}
			if err == nil && at.IsZero() != (c.q.at == "") {
				t.Errorf("the moment is %v for --at %q", at, c.q.at)
			}
		})
	}
}

func TestTheWindowIsWhatSomebodyWatched(t *testing.T) {
	at := func(d time.Duration, f evidence.Fact) evidence.Record {
		return evidence.Record{At: noon.Add(d), Source: "test", Fact: f}
	}
	records := []evidence.Record{
		at(-400*time.Hour, evidence.Table{Name: "old"}),
		at(-200*time.Hour, evidence.Traffic{FromHist: true, Requests: 7}),
		at(-time.Minute, evidence.Host{CPUs: 2}),
		at(0, evidence.Host{CPUs: 2}),
		at(time.Hour, evidence.ErrorLine{Message: "a log of the future"}),
	}
	w := loaded{records: records, from: noon.Add(-2 * time.Hour), to: noon}.window()
	if !w.From.Equal(noon.Add(-time.Minute)) || !w.To.Equal(noon) {
		t.Errorf("got %v to %v, want the minute up to noon", w.From, w.To)
	}
	if n := recording.Count[evidence.Table](w.Whole()); n != 1 {
		t.Errorf("what existed before is gone: got %d tables, want 1", n)
	}
	if got := (loaded{}).window(); !got.Empty() {
		t.Errorf("nothing recorded gives %v, want an empty window", got)
	}
}
