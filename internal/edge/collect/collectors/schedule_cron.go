package collectors

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cronSpec is the times of one crontab line as bits of each field.
type cronSpec struct {
	minute, hour, day, month, weekday uint64
	anyDay, anyWeekday                bool // the field begins with *
	reboot                            bool // @reboot: no time at all
}

// cronNicknames are the specs that names stand for. Source: crontab(5).
var cronNicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

var (
	monthNames = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// parseCron reads the five time fields of a crontab line, or a nickname.
func parseCron(spec string) (cronSpec, error) {
	if spec == "@reboot" {
		return cronSpec{reboot: true}, nil
	}
	if s, ok := cronNicknames[strings.ToLower(spec)]; ok {
		spec = s
	}
	f := strings.Fields(spec)
	if len(f) != 5 {
		return cronSpec{}, fmt.Errorf("crontab spec %q has %d fields, not 5", spec, len(f))
	}
	c := cronSpec{anyDay: f[2][0] == '*', anyWeekday: f[4][0] == '*'}
	for i, field := range []struct {
		to       *uint64
		low, top int
		names    []string
	}{
		{&c.minute, 0, 59, nil}, {&c.hour, 0, 23, nil}, {&c.day, 1, 31, nil}, {&c.month, 1, 12, monthNames}, {&c.weekday, 0, 7, dayNames},
	} {
		bits, err := parseCronField(f[i], field.low, field.top, field.names)
		if err != nil {
			return cronSpec{}, fmt.Errorf("crontab spec %q: %w", spec, err)
		}
		*field.to = bits
	}
	if c.weekday&(1<<7) != 0 {
		c.weekday |= 1 // 7 is Sunday too
	}
	return c, nil
}

// parseCronField reads "*/5", "1-5", "mon,wed", "10-20/2", "~" left out.
func parseCronField(s string, low, top int, names []string) (uint64, error) {
	var bits uint64
	for part := range strings.SplitSeq(s, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return 0, fmt.Errorf("step %q is not a number above 0", stepText)
			}
			step = n
		}
		from, to, err := cronRange(span, low, top, names, stepped)
		if err != nil {
			return 0, err
		}
		for v := from; v <= to; v += step {
			bits |= 1 << v
		}
	}
	return bits, nil
}

// cronRange reads "*", "5", "5-10"; a single number with a step runs to the top.
func cronRange(span string, low, top int, names []string, stepped bool) (from, to int, err error) {
	if span == "*" {
		return low, top, nil
	}
	a, b, ranged := strings.Cut(span, "-")
	if from, err = cronValue(a, low, top, names); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		to, err = cronValue(b, low, top, names)
	case stepped:
		to = top
	default:
		to = from
	}
	if err == nil && to < from {
		err = fmt.Errorf("range %q runs backwards", span)
	}
	return from, to, err
}

func cronValue(s string, low, top int, names []string) (int, error) {
	for i, n := range names {
		if n != "" && strings.EqualFold(s, n) {
			return i, nil
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > top {
		return 0, fmt.Errorf("%q is not between %d and %d", s, low, top)
	}
	return n, nil
}

// everyHour is the hour field *.
const everyHour = 1<<24 - 1

// cronHorizon bounds the search for the next run: February 29th comes within
// eight years.
const cronHorizon = 9 * 366

// next returns the first run after now in the zone; false if there is none.
//
// As Vixie cron has it, a job whose hour is left out when the clock is set
// forward runs right after the gap, and one whose hour comes twice runs the
// first time only, unless minute or hour are *.
func (c cronSpec) next(now time.Time, zone *time.Location) (time.Time, bool) {
	if c.reboot {
		return time.Time{}, false
	}
	local := now.In(zone)
	y, m, d := local.Date()
	for i := range cronHorizon {
		date := time.Date(y, m, d+i, 12, 0, 0, 0, zone)
		if !c.onDay(date) {
			continue
		}
		if t, ok := c.onDate(date, now); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// onDay holds the date against month, day and weekday: when both of the latter
// are given, one of them is enough.
func (c cronSpec) onDay(t time.Time) bool {
	if c.month&(1<<t.Month()) == 0 {
		return false
	}
	day, weekday := c.day&(1<<t.Day()) != 0, c.weekday&(1<<t.Weekday()) != 0
	if c.anyDay || c.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

// onDate returns the first run on that date after now.
func (c cronSpec) onDate(date, now time.Time) (time.Time, bool) {
	y, m, d := date.Date()
	for h := range 24 {
		if c.hour&(1<<h) == 0 {
			continue
		}
		for min := range 60 {
			if c.minute&(1<<min) == 0 {
				continue
			}
			t := time.Date(y, m, d, h, min, 0, 0, date.Location())
			// A time that the clock leaves out comes back moved: after the gap
			// is where it runs.
			if off := (h-t.Hour())*60 + min - t.Minute(); off > 0 {
				t = t.Add(time.Duration(off) * time.Minute)
			}
			if t.After(now) {
				return t, true
			}
			// An hour that comes twice: a job of every hour runs again.
			again := t.Add(time.Hour)
			if c.hour == everyHour && again.After(now) && again.Hour() == h && again.Minute() == min {
				return again, true
			}
		}
	}
	return time.Time{}, false
}
