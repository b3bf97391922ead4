package errorlog

import (
	"bytes"
	"strings"
	"time"
)

// stamps are the ways in which servers begin a line. The text up to its length
// or its closing bracket is tried.
var stamps = []struct {
	layout  string
	bracket bool
	noYear  bool
}{
	{layout: "Mon Jan 02 15:04:05.999999 2006", bracket: true}, // Apache
	{layout: "Mon Jan 02 15:04:05 2006", bracket: true},
	{layout: "02-Jan-2006 15:04:05", bracket: true}, // PHP-FPM
	{layout: "02-Jan-2006 15:04:05.000000", bracket: true},
	{layout: "02-Jan-2006 15:04:05 MST", bracket: true}, // PHP
	{layout: "2006/01/02 15:04:05"},                     // nginx
	{layout: "2006-01-02 15:04:05"},                     // MariaDB
	{layout: "2006-01-02  3:04:05"},                     // MariaDB before ten o'clock
	{layout: "060102 15:04:05"},                         // both, when they die
	{layout: "Jan _2 15:04:05", noYear: true},           // syslog
}

// Stamp reads when a line was written and returns what follows the time. A
// time without a zone is in loc; one without a year is the latest that is not
// after now. It reports false where the line begins with no known time.
func Stamp(line []byte, loc *time.Location, now time.Time) (at time.Time, rest []byte, ok bool) {
	if len(line) > 0 && line[0] == '[' {
		if i := bytes.IndexByte(line[:min(len(line), 64)], ']'); i > 0 {
			if at, ok := bracketed(string(line[1:i]), loc); ok {
				return at, bytes.TrimLeft(line[i+1:], " "), true
			}
		}
		return time.Time{}, line, false
	}
	if at, n, ok := iso(line, loc); ok {
		return at, bytes.TrimLeft(line[n:], " "), true
	}
	for _, s := range stamps {
		if s.bracket || len(line) < len(s.layout) {
			continue
		}
		at, err := time.ParseInLocation(s.layout, string(line[:len(s.layout)]), loc)
		if err != nil {
			continue
		}
		if s.noYear {
			at = withYear(at, loc, now)
		}
		return at, bytes.TrimLeft(line[len(s.layout):], " "), true
	}
	return time.Time{}, line, false
}

func bracketed(text string, loc *time.Location) (time.Time, bool) {
	for _, s := range stamps {
		if !s.bracket {
			continue
		}
		if at, err := time.ParseInLocation(s.layout, text, loc); err == nil && !strings.HasSuffix(s.layout, "MST") {
			return at, true
		}
	}
	// PHP names its zone, "UTC" or "Asia/Tokyo"
	if i := strings.LastIndexByte(text, ' '); i > 0 && !strings.Contains(text[i:], "..") {
		if zone, err := time.LoadLocation(text[i+1:]); err == nil {
			at, err := time.ParseInLocation("02-Jan-2006 15:04:05", text[:i], zone)
			return at, err == nil
		}
	}
	return time.Time{}, false
}

// iso reads MySQL's 2026-11-22T12:00:00.123456Z and the same of rsyslog.
func iso(line []byte, loc *time.Location) (time.Time, int, bool) {
	if len(line) < 19 || line[4] != '-' || line[10] != 'T' {
		return time.Time{}, 0, false
	}
	n := bytes.IndexByte(line[:min(len(line), 40)], ' ')
	if n < 0 {
		n = min(len(line), 40)
	}
	if at, err := time.Parse(time.RFC3339Nano, string(line[:n])); err == nil {
		return at, n, true
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", string(line[:19]), loc)
	return at, 19, err == nil
}

func withYear(at time.Time, loc *time.Location, now time.Time) time.Time {
	year := now.In(loc).Year()
	for _, y := range []int{year, year - 1} {
		t := time.Date(y, at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, loc)
		if !t.After(now.Add(24 * time.Hour)) {
			return t
		}
	}
	return at
}
