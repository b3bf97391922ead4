package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clocks are the forms of a time of day, stamps those of a full moment.
var (
	clocks = []string{"15:04", "15:04:05"}
	stamps = []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}
)

// momentIn understands what a user calls a moment. A time of day is the latest
// such time within the span; a full timestamp has to lie in it. Times without a
// zone are read in from's.
func momentIn(text string, from, to time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	t, ok := parseAny(text, stamps, from.Location())
	if !ok {
		clock, isClock := parseAny(text, clocks, from.Location())
		if !isClock {
			return time.Time{}, fmt.Errorf("%q is no time: write '15:30' or '2006-01-02 15:30'", text)
		}
		t = latestClock(clock, to.In(from.Location()))
	}
	if t.Before(from) || t.After(to) {
		return time.Time{}, fmt.Errorf("%s is not in the recording, which goes from %s to %s", text, minute(from), minute(to.In(from.Location())))
	}
	return t, nil
}

func parseAny(text string, layouts []string, loc *time.Location) (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l, text, loc); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// latestClock is the last moment up to to with that time of day.
func latestClock(clock, to time.Time) time.Time {
	t := onDay(clock, to, 0)
	if t.After(to) {
		t = onDay(clock, to, -1)
	}
	return t
}

func onDay(clock, day time.Time, plus int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+plus, clock.Hour(), clock.Minute(), clock.Second(), 0, day.Location())
}

func minute(t time.Time) string { return t.Format("2006-01-02 15:04") }

// span is a duration flag that also takes days: 90m, 2h, 3d.
type span time.Duration

// String implements pflag.Value.
func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Type implements pflag.Value.
func (s *span) Type() string { return "TIME" }

// Set implements pflag.Value.
func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	if err == nil {
		*s = span(d)
	}
	return err
}

var errSpan = errors.New("write a time like 20s, 90m, 2h or 3d")

func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || !(n > 0 && n <= 3650) { // also refuses NaN
			return 0, errSpan
		}
		return time.Duration(n * 24 * float64(time.Hour)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errSpan
	}
	return d, nil
}

// hours shows a duration of whole hours.
func hours(d time.Duration) string { return fmt.Sprintf("%d h", int(d.Hours())) }
