package diagnose

import (
	"math"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// What the server itself tells of visitors who suffered, where nobody measured
// how long a page took: its error logs, the access log by the minute, the slow
// log. It is coarser than any witness, and asked only where there is none.

// tells are the error lines by which a service says that visitors wait or get
// errors just then. One that may come of a single bad script is none.
var tells = map[string]bool{
	"fpm-max-children": true, "apache-workers-full": true, "apache-scoreboard-full": true, "nginx-connections-full": true,
	"apache-fcgi-timeout": true, "apache-fcgi-connect": true, "apache-proxy-connect": true,
	"nginx-upstream-timeout": true, "nginx-upstream-busy": true, "nginx-upstream-refused": true, "nginx-upstream-none": true,
	"db-connections-full": true, "php-db-connections": true, "php-db-connect": true, "php-db-gone": true,
}

const (
	// toldFor is how long such a line stands for: a service says once that it is full,
	// and again when it becomes full again.
	toldFor = time.Minute
	// toldPause joins what belongs to one trouble.
	toldPause = 5 * time.Minute
	// A minute with so many error answers, that are so large a share, is bad; so many
	// pages say how long one takes.
	toldErrors      = 3
	toldErrorsShare = 0.2
	// In a gap so many requests were to be expected at least, and so small a share
	// came: by chance that happens once in a hundred thousand times.
	gapExpected = 20.0
	gapShare    = 0.2
	// A statement of a page that takes so long holds a visitor up; so many within a
	// minute are no single report that somebody asked for.
	slowStatement  = 2 * time.Second
	slowStatements = 5
)

// Minute is what an access log tells of one minute: of the requests that cost
// PHP, those that were completed, and the error answers among all.
type Minute struct {
	At       time.Time // its beginning
	Requests int64
	Errors   int64
	PageMs   float64 // mean time for a page; -1 where that is not logged
}

// Trouble is a stretch in which visitors suffered, as the server's own logs tell.
type Trouble struct {
	Span
	Weight int // minutes and lines that tell of it
}

// Troubles finds by itself when visitors suffered in what the server kept:
// records and minutes, in any order. usual says how many requests a minute are
// usual at a moment; -1 where that is not known.
func Troubles(records recording.Window, minutes []Minute, usual func(time.Time) float64) []Trouble {
	minutes = slices.Clone(minutes)
	slices.SortFunc(minutes, func(a, b Minute) int { return a.At.Compare(b.At) })
	told := slices.Concat(toldByMinutes(minutes, usual), toldByLines(records), toldByStatements(records))
	slices.SortFunc(told, func(a, b Span) int { return a.From.Compare(b.From) })
	var out []Trouble
	for _, s := range told {
		if n := len(out) - 1; n >= 0 && s.From.Sub(out[n].To) <= toldPause {
			out[n].To = later(out[n].To, s.To)
			out[n].Weight++
			continue
		}
		out = append(out, Trouble{s, 1})
	}
	return out
}

// toldByMinutes finds minutes with many error answers, and gaps: minutes in
// which far fewer requests than usual at that time were completed.
func toldByMinutes(minutes []Minute, usual func(time.Time) float64) []Span {
	var out []Span
	slow := slowMinute(minutes)
	minutes = whole(minutes)
	expected, seen, began := 0.0, int64(0), time.Time{}
	for i, m := range minutes {
		end := m.At.Add(time.Minute)
		if m.Errors >= toldErrors && float64(m.Errors) > toldErrorsShare*float64(m.Requests) || m.PageMs >= slow && m.Requests >= toldErrors {
			out = append(out, Span{m.At, end})
		}
		if i > 0 && m.At.Sub(minutes[i-1].At) > time.Minute {
			expected = 0 // the log does not cover what is between
		}
		u := usualAround(usual, m.At)
		if u <= 0 || float64(m.Requests) > gapShare*u {
			expected = 0
			continue
		}
		if expected == 0 {
			seen, began = 0, m.At
		}
		expected, seen = expected+u, seen+m.Requests
		if expected >= gapExpected && float64(seen) <= gapShare*expected {
			out = append(out, Span{began, end})
		}
	}
	return out
}

// usualAround is the least that is usual at about that time: where clocks were put
// on or back among the days, and where a day begins within an hour, the same hour of
// other days expects too much. It is -1 where that is not known.
func usualAround(usual func(time.Time) float64, at time.Time) float64 {
	least := usual(at)
	for _, near := range []time.Duration{-time.Hour, time.Hour} {
		if u := usual(at.Add(near)); u >= 0 {
			least = min(least, u)
		}
	}
	return least
}

// goneMost is how long an access log can be without a line because nobody could
// be served; after that it was not written, or is not there any more.
const goneMost = 6 * time.Hour

// whole adds the minutes in which nothing was completed: no line tells of them.
func whole(minutes []Minute) []Minute {
	var out []Minute
	for i, m := range minutes {
		if i > 0 && m.At.Sub(minutes[i-1].At) <= goneMost {
			for at := minutes[i-1].At.Add(time.Minute); at.Before(m.At); at = at.Add(time.Minute) {
				out = append(out, Minute{At: at, PageMs: unknown})
			}
		}
		out = append(out, m)
	}
	return out
}

// slowMinute is from when on the mean page of a minute is slow.
func slowMinute(minutes []Minute) float64 {
	var took []float64
	for _, m := range minutes {
		if m.PageMs >= 0 {
			took = append(took, m.PageMs)
		}
	}
	if quick := quantile(took, 0.1); quick < slowMs {
		return max(slowMs, slowFactor*quick)
	}
	return slowMs
}

func toldByLines(w recording.Window) []Span {
	var out []Span
	for at, l := range recording.All[evidence.ErrorLine](w) {
		if tells[l.ID] {
			out = append(out, Span{at, at.Add(toldFor)})
		}
	}
	return out
}

// heldMost bounds the work of a minute in which everything is slow.
const heldMost = 100

// toldByStatements finds minutes in which the slow log has many reads that a
// visitor waits for.
func toldByStatements(w recording.Window) []Span {
	var out []Span
	type ran struct {
		span Span
		conn uint64
	}
	var held []ran
	for at, s := range recording.All[evidence.Statement](w) {
		took := time.Duration(s.RunningMs) * time.Millisecond
		if s.Command != evidence.CommandLogged || s.Verb != "SELECT" && s.Verb != "UPDATE" && s.Verb != "INSERT" || took < slowStatement {
			continue
		}
		held = slices.DeleteFunc(held, func(r ran) bool { return at.Sub(r.span.To) > time.Minute })
		held = append(held[max(0, len(held)-heldMost):], ran{Span{at.Add(-took), at}, s.ConnID})
		conns := map[uint64]bool{}
		from := at
		for _, r := range held {
			conns[r.conn] = true
			from = earlier(from, r.span.From)
		}
		if len(conns) >= slowStatements {
			out = append(out, Span{from, at})
		}
	}
	return out
}

// fillTold paints when the server itself told that visitors suffered.
func (g *grid) fillTold(w recording.Window) {
	minutes, usual := loggedMinutes(w)
	for _, t := range Troubles(w, minutes, usual) {
		to := t.To
		if to.After(w.To) {
			to = w.To
		}
		g.paint(lineTold, t.From, to, 1, worst)
	}
}

// loggedMinutes are the minutes of the window that an access log was read by,
// with what is usual at that time of the day.
func loggedMinutes(w recording.Window) ([]Minute, func(time.Time) float64) {
	byMinute := map[int64]*Minute{}
	for at, t := range recording.All[evidence.Traffic](w) {
		if t.FromHist || t.OverMs != time.Minute.Milliseconds() {
			continue
		}
		k := at.Add(-time.Minute).Unix() / 60
		m := byMinute[k]
		if m == nil {
			m = &Minute{At: time.Unix(k*60, 0), PageMs: unknown}
			byMinute[k] = m
		}
		if t.Dynamic() {
			m.Requests += t.Requests
		}
		m.Errors += t.S5xx
	}
	out := make([]Minute, 0, len(byMinute))
	for _, m := range byMinute {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Minute) int { return a.At.Compare(b.At) })
	return out, Usual(w)
}

// usualLeast is how many other days must tell of an hour to say what is usual.
const usualLeast = 2

// Usual returns how many requests that cost PHP are usual in a minute: the
// median of the same hour on the other days that the logs told by the hour.
// It is -1 where fewer than two of them did.
func Usual(w recording.Window) func(time.Time) float64 {
	byHour := map[int64]float64{}
	for at, t := range recording.Ever[evidence.Traffic](w) {
		if !t.FromHist || !t.Dynamic() || t.OverMs < 30*time.Minute.Milliseconds() {
			continue
		}
		byHour[at.Add(-time.Second).Unix()/3600] += float64(t.Requests) / (float64(t.OverMs) / 60_000)
	}
	const days, hours = 14, 24
	return func(at time.Time) float64 {
		k := at.Unix() / 3600
		var same []float64
		for d := int64(-days); d <= days; d++ {
			if v, ok := byHour[k+d*hours]; ok && d != 0 {
				same = append(same, v)
			}
		}
		if len(same) < usualLeast {
			return unknown
		}
		return quantile(same, 0.5)
	}
}

// Fold is how moments repeat.
type Fold struct {
	Period time.Duration // a day, an hour or a week
	Wall   bool          // they keep the wall clock's time through a change of the zone, not that of UTC
	Hits   []time.Time   // the moments that repeat, oldest first, one for each period
}

const (
	foldWithin = 6 * time.Minute // that moments of one job lie apart: a slow log-in, the first visit
	foldLeast  = 3
	foldMost   = 400 // moments that are looked at, the latest
)

// FoldOf finds the period at which most of the moments repeat, a day before an
// hour or a week: WordPress' own schedule keeps its phase in UTC, a crontab the
// time of the wall clock in loc. It reports false where fewer than three do, or
// where as many others lie between them.
func FoldOf(moments []time.Time, loc *time.Location) (Fold, bool) {
	moments = slices.Clone(moments[max(0, len(moments)-foldMost):])
	slices.SortFunc(moments, func(a, b time.Time) int { return a.Compare(b) })
	var best Fold
	for _, period := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour, time.Hour} {
		for _, wall := range []bool{false, true} {
			for _, m := range moments {
				if f := foldAt(moments, m, period, wall, loc); len(f.Hits) > len(best.Hits) {
					best = f
				}
			}
		}
	}
	if len(best.Hits) < foldLeast || 2*len(best.Hits) <= len(moments) {
		return Fold{}, false
	}
	return best, true
}

// foldAt takes the moments that lie whole periods away from m.
func foldAt(moments []time.Time, m time.Time, period time.Duration, wall bool, loc *time.Location) Fold {
	clock := func(t time.Time) time.Duration {
		d := time.Duration(t.UnixNano())
		if wall {
			_, offset := t.In(loc).Zone()
			d += time.Duration(offset) * time.Second
		}
		return d
	}
	f := Fold{Period: period, Wall: wall}
	seen := map[int64]bool{}
	first, last := int64(0), int64(0)
	for _, o := range moments {
		away := clock(o) - clock(m)
		n := int64(math.Round(float64(away) / float64(period)))
		if (away-time.Duration(n)*period).Abs() <= foldWithin && !seen[n] {
			seen[n] = true
			f.Hits = append(f.Hits, o)
			first, last = min(first, n), max(last, n)
		}
	}
	if int64(2*len(f.Hits)) <= last-first {
		f.Hits = nil // it left out more than it kept: any few moments share some phase
	}
	return f
}
