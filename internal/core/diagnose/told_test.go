package diagnose

import (
	"fmt"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

var toldT0 = time.Date(2026, 6, 1, 15, 0, 0, 0, time.UTC)

func minutes(n int, each func(i int) (requests, errors int64, pageMs float64)) []Minute {
	var out []Minute
	for i := range n {
		r, e, p := each(i)
		out = append(out, Minute{At: toldT0.Add(time.Duration(i) * time.Minute), Requests: r, Errors: e, PageMs: p})
	}
	return out
}

func rate(r float64) func(time.Time) float64 { return func(time.Time) float64 { return r } }

// spans are the minutes since toldT0 at which troubles begin and end.
func spans(ts []Trouble) (out string) {
	for _, t := range ts {
		out += fmt.Sprintf("%.0f-%.0f ", t.From.Sub(toldT0).Minutes(), t.To.Sub(toldT0).Minutes())
	}
	return out
}

func TestTroublesByTheMinute(t *testing.T) {
	for name, c := range map[string]struct {
		minutes []Minute
		usual   float64
		want    string
	}{
		"a quiet site": {minutes(60, func(int) (int64, int64, float64) { return 12, 0, 20 }), 12, ""},
		"error answers": {minutes(60, func(i int) (int64, int64, float64) {
			if i >= 20 && i < 24 {
				return 10, 5, -1
			}
			return 12, 0, -1
		}), 12, "20-24 "},
		"two errors of a bot": {minutes(60, func(i int) (int64, int64, float64) { return 12, int64(2 * (i % 30 / 29)), -1 }), 12, ""},
		"slow pages": {minutes(60, func(i int) (int64, int64, float64) {
			if i >= 30 && i < 33 {
				return 6, 0, 4000
			}
			return 12, 0, 40
		}), 12, "30-33 "},
		"a gap": {minutes(60, func(i int) (int64, int64, float64) {
			if i >= 10 && i < 20 {
				return 0, 0, -1
			}
			return 12, 0, -1
		}), 12, "10-20 "},
		"a gap of a small site is chance": {minutes(60, func(i int) (int64, int64, float64) {
			if i >= 10 && i < 20 {
				return 0, 0, -1
			}
			return 1, 0, -1
		}), 1, ""},
		"nothing to compare with": {minutes(60, func(i int) (int64, int64, float64) { return int64(12 * (i % 2)), 0, -1 }), -1, ""},
	} {
		if got := spans(Troubles(recording.New(nil), c.minutes, rate(c.usual))); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestADayThatBeginsAnHourLaterIsNoGap(t *testing.T) {
	// The other days' morning begins at toldT0; since clocks were put back, today's an hour later.
	usual := func(at time.Time) float64 {
		if at.Before(toldT0) {
			return 4
		}
		return 60
	}
	today := func(gap int) []Minute {
		return minutes(120, func(i int) (int64, int64, float64) {
			switch {
			case i < 60:
				return 4, 0, -1
			case i >= gap && i < gap+5:
				return 0, 0, -1
			}
			return 60, 0, -1
		})
	}
	if got := spans(Troubles(recording.Window{}, today(200), usual)); got != "" {
		t.Errorf("got trouble at %s", got)
	}
	if got := spans(Troubles(recording.Window{}, today(80), usual)); got != "80-85 " {
		t.Errorf("got %q of a gap", got)
	}
}

func TestAMinuteWithoutALineIsPartOfAGap(t *testing.T) {
	ms := minutes(60, func(int) (int64, int64, float64) { return 12, 0, -1 })
	ms = append(ms[:10:10], ms[25:]...)
	if got := spans(Troubles(recording.New(nil), ms, rate(12))); got != "10-25 " {
		t.Errorf("got %q, want 10-25", got)
	}
	// A day without a log is no outage.
	ms = minutes(10, func(int) (int64, int64, float64) { return 12, 0, -1 })
	ms = append(ms, Minute{At: toldT0.Add(24 * time.Hour), Requests: 12, PageMs: -1})
	if got := spans(Troubles(recording.New(nil), ms, rate(12))); got != "" {
		t.Errorf("a day without a log: got %q", got)
	}
}

func TestTroublesByLinesAndStatements(t *testing.T) {
	var rs []evidence.Record
	at := func(m float64) time.Time { return toldT0.Add(time.Duration(m * float64(time.Minute))) }
	rs = append(rs, evidence.Record{At: at(5), Fact: evidence.ErrorLine{Service: "php-fpm", ID: "fpm-max-children", FromHist: true}},
		evidence.Record{At: at(20), Fact: evidence.ErrorLine{Service: "php-fpm", ID: "fpm-start", FromHist: true}})
	for i := range 6 { // six connections wait for their pages
		rs = append(rs, evidence.Record{At: at(40 + float64(i)/60), Fact: evidence.Statement{ConnID: uint64(i), Command: evidence.CommandLogged, Verb: "SELECT", RunningMs: 9000, Digest: "SELECT ?"}})
	}
	for i := range 6 { // one report of somebody in the back office
		rs = append(rs, evidence.Record{At: at(50 + float64(i)/60), Fact: evidence.Statement{ConnID: 7, Command: evidence.CommandLogged, Verb: "SELECT", RunningMs: 9000, Digest: "SELECT ?"}})
	}
	if got := spans(Troubles(recording.New(rs), nil, rate(-1))); got != "5-6 40-40 " {
		t.Errorf("got %q", got)
	}
}

func TestFoldsOnsets(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	day := func(d int, h, m int) time.Time { return time.Date(2026, 10, 20+d, h, m, 0, 0, time.UTC) }
	local := func(d int, h, m int) time.Time { return time.Date(2026, 10, 20+d, h, m, 0, 0, berlin) }
	for name, c := range map[string]struct {
		at     []time.Time
		period time.Duration
		wall   bool
		hits   int
	}{
		"daily":                        {[]time.Time{day(0, 15, 30), day(1, 15, 31), day(2, 15, 33), day(2, 3, 0)}, 24 * time.Hour, false, 3},
		"daily, a day left out":        {[]time.Time{day(0, 15, 30), day(1, 15, 31), day(3, 15, 29)}, 24 * time.Hour, false, 3},
		"around midnight":              {[]time.Time{day(0, 23, 58), day(2, 0, 1), day(2, 23, 59)}, 24 * time.Hour, false, 3},
		"hourly":                       {[]time.Time{day(0, 1, 7), day(0, 2, 7), day(0, 3, 8), day(0, 4, 7)}, time.Hour, false, 4},
		"weekly":                       {[]time.Time{day(0, 3, 0), day(7, 3, 1), day(14, 3, 0)}, 7 * 24 * time.Hour, false, 3},
		"in UTC through winter time":   {[]time.Time{day(3, 3, 0), day(4, 3, 0), day(5, 3, 0), day(6, 3, 0), day(7, 3, 0)}, 24 * time.Hour, false, 5},
		"by the wall clock through it": {[]time.Time{local(3, 4, 0), local(4, 4, 0), local(5, 4, 0), local(6, 4, 0), local(7, 4, 0)}, 24 * time.Hour, true, 5},
	} {
		f, ok := FoldOf(c.at, berlin)
		if !ok || f.Period != c.period || f.Wall != c.wall || len(f.Hits) != c.hits {
			t.Errorf("%s: got %v %+v", name, ok, f)
		}
	}
	for name, at := range map[string][]time.Time{
		"twice only": {day(0, 15, 30), day(1, 15, 30)},
		"at random":  {day(0, 3, 11), day(1, 15, 42), day(2, 9, 27), day(4, 20, 3), day(6, 13, 55)},
		"full hours": {day(0, 3, 0), day(1, 15, 0), day(2, 9, 0)},
		"nothing":    nil,
	} {
		if f, ok := FoldOf(at, berlin); ok {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}
