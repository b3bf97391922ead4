package main

import (
	"strings"
	"testing"
	"time"
)

func TestMomentIn(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	from := time.Date(2026, 3, 9, 10, 0, 0, 0, tokyo)
	to := time.Date(2026, 3, 11, 15, 45, 0, 0, tokyo)
	cases := []struct{ text, want, fails string }{
		{"15:30", "2026-03-11T15:30:00+09:00", ""},
		{" 15:30:05 ", "2026-03-11T15:30:05+09:00", ""},
		{"15:46", "2026-03-10T15:46:00+09:00", ""}, // later than the end: the day before
		{"15:45", "2026-03-11T15:45:00+09:00", ""}, // the end itself
		{"2026-03-09 12:00", "2026-03-09T12:00:00+09:00", ""},
		{"2026-03-10T12:00:30", "2026-03-10T12:00:30+09:00", ""},
		{"2026-03-10T03:00:00Z", "2026-03-10T12:00:00+09:00", ""},
		{"2026-03-09 09:59", "", "not in the recording"},
		{"2027-01-01 00:00", "", "2026-03-11 15:45"},
		{"half past three", "", "is no time"},
		{"25:00", "", "is no time"},
		{"", "", "is no time"},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			got, err := momentIn(c.text, from, to)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("got %v, error %v; want an error with %q", got, err, c.fails)
				}
				return
			}
			if err != nil || got.In(tokyo).Format(time.RFC3339) != c.want {
				t.Errorf("got %v, error %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestMomentBeforeAShortRecordingIsRefused(t *testing.T) {
	to := time.Date(2026, 3, 11, 15, 45, 0, 0, time.UTC)
	if got, err := momentIn("15:30", to.Add(-time.Minute), to); err == nil {
		t.Errorf("got %v, want an error: the recording has no 15:30", got)
	}
}

func TestSpans(t *testing.T) {
	cases := []struct {
		text string
		want time.Duration
	}{
		{"20s", 20 * time.Second}, {"2h", 2 * time.Hour}, {"1h30m", 90 * time.Minute}, {"3d", 72 * time.Hour}, {"0.5d", 12 * time.Hour},
		{"", 0}, {"2", 0}, {"-2h", 0}, {"0s", 0}, {"d", 0}, {"-1d", 0}, {"NaNd", 0}, {"1e9d", 0}, {"two hours", 0},
	}
	for _, c := range cases {
		var got span
		err := got.Set(c.text)
		if (err != nil) != (c.want == 0) || time.Duration(got) != c.want {
			t.Errorf("%q: got %v, error %v; want %v", c.text, time.Duration(got), err, c.want)
		}
	}
}

func TestSafeTextCannotSteerTheTerminal(t *testing.T) {
	got := safe("a\x1b[2Jb\u202ec\nd\u009be日本")
	if want := "a?[2Jb?c d?e日本"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
