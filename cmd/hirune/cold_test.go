package main

import (
	"fmt"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
)

func TestTheTroubleToJudge(t *testing.T) {
	t0 := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	at := func(day, hour, weight int) diagnose.Trouble {
		from := t0.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
		return diagnose.Trouble{Span: diagnose.Span{From: from, To: from.Add(10 * time.Minute)}, Weight: weight}
	}
	for name, c := range map[string]struct {
		all  []diagnose.Trouble
		at   time.Time
		want string
	}{
		"the latest of those that repeat": {[]diagnose.Trouble{at(0, 15, 3), at(1, 15, 3), at(2, 4, 90), at(2, 15, 3)}, time.Time{}, "03 15:00"},
		"else the worst":                  {[]diagnose.Trouble{at(0, 3, 3), at(1, 15, 90), at(2, 9, 3)}, time.Time{}, "02 15:00"},
		"the one that is asked for":       {[]diagnose.Trouble{at(0, 15, 3), at(1, 15, 3), at(2, 4, 90), at(2, 15, 3)}, t0.Add(16 * time.Hour), "01 15:00"},
	} {
		var onsets []time.Time
		for _, o := range c.all {
			onsets = append(onsets, o.From)
		}
		got := candidates(c.all, onsets, c.at)
		if len(got) == 0 || len(got) > candidatesMost+1 || fmt.Sprint(got[0].From.Format("02 15:04")) != c.want {
			t.Errorf("%s: got %v, want first %s", name, got, c.want)
		}
	}
}

func TestWhatWasReadOfTheLogsIsUnbroken(t *testing.T) {
	t0 := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var all []diagnose.Minute
	for i := range 300 {
		if i < 100 || i >= 140 {
			all = append(all, diagnose.Minute{At: t0.Add(time.Duration(i) * time.Minute)})
		}
	}
	if got := unbroken(all); len(got) != 160 || !got[0].At.Equal(t0.Add(140*time.Minute)) {
		t.Errorf("got %d minutes from %v", len(got), got[0].At)
	}
	if got := unbroken(all[:50]); len(got) != 50 {
		t.Errorf("got %d minutes of 50", len(got))
	}
}
