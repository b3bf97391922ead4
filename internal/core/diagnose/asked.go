package diagnose

import (
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Asked is what the database was asked in a span, by its own counters. Where
// several servers run, it is of all of them.
type Asked struct {
	Seconds   float64
	Questions int64
	Rows      int64 // read
	RedoKB    int64 // written to the redo log
}

// PerSecond is the statements a second; -1 unknown.
func (a Asked) PerSecond() float64 { return a.rate(a.Questions) }

// RowsPerSecond is the rows read a second; -1 unknown.
func (a Asked) RowsPerSecond() float64 { return a.rate(a.Rows) }

// RedoPerSecond is the KB a second that went to the redo log; -1 unknown.
func (a Asked) RedoPerSecond() float64 { return a.rate(a.RedoKB) }

func (a Asked) rate(n int64) float64 {
	if a.Seconds <= 0 {
		return unknown
	}
	return float64(n) / a.Seconds
}

// Asked sums up the database's counters in a span. What was counted since a
// restart is left out: it is of another time.
func (c *Case) Asked(s Span) Asked {
	var a Asked
	if s.Zero() {
		return a
	}
	over := map[string]int64{}
	for _, st := range recording.All[evidence.DBStatus](c.In(s)) {
		if st.OverMs <= 0 || st.Restarted {
			continue
		}
		over[st.DB] += st.OverMs
		a.Questions += st.Questions
		a.Rows += max(st.RowsRead, st.HandlerReadNext) // the second also counts engines that are not InnoDB
		a.RedoKB += st.RedoKB
	}
	for _, ms := range over {
		a.Seconds = max(a.Seconds, float64(ms)/1000)
	}
	return a
}

// QuietBefore is the quiet time as far as it lies before a moment: visitors feel a
// cause only once the machine is spent, and what it did until then is not usual. It
// is the whole of the quiet time where too little would be left, or where that is
// after the outage.
func (c *Case) QuietBefore(at time.Time) Span {
	s := c.Quiet
	s.To = earlier(s.To, at)
	if c.Quiet.Zero() || s.Duration() < quietLeast || c.Quiet.From.After(c.Outage.From) {
		return c.Quiet
	}
	return s
}

// Usually is the median of the statements a second in the quiet time; -1 unknown.
func (c *Case) Usually() float64 {
	var all []float64
	for _, st := range recording.All[evidence.DBStatus](c.In(c.Quiet)) {
		if st.OverMs >= shortBeat && !st.Restarted {
			all = append(all, 1000*float64(st.Questions)/float64(st.OverMs))
		}
	}
	return quantile(all, 0.5)
}

// Statements is how many statements one completed request takes in a span: of the
// requests that cost PHP; -1 unknown.
func (c *Case) Statements(s Span) float64 {
	a, n := c.Asked(s), int64(0)
	for class, r := range c.Traffic(s) {
		if Dynamic(class) {
			n += r.Count
		}
	}
	if a.Seconds <= 0 || n == 0 {
		return unknown
	}
	return float64(a.Questions) / float64(n)
}

// AskedMore returns the stretches in which the database was asked at least so many
// statements a second, short pauses left in.
func (c *Case) AskedMore(perSecond float64) []Span {
	var out []Span
	for at, st := range recording.All[evidence.DBStatus](c.W) {
		if st.OverMs < shortBeat || st.Restarted || 1000*float64(st.Questions)/float64(st.OverMs) < perSecond {
			continue
		}
		from := at.Add(-time.Duration(st.OverMs) * time.Millisecond)
		if k := len(out) - 1; k >= 0 && from.Sub(out[k].To) <= crowdPause {
			out[k].To = later(out[k].To, at)
		} else {
			out = append(out, Span{from, at})
		}
	}
	return out
}

// CPUPerRequest is the CPU time that one completed request took in a span, of PHP
// and of the database, in ms; -1 unknown.
func (c *Case) CPUPerRequest(s Span) (php, database float64) {
	l, n := c.Load(s), int64(0)
	for class, r := range c.Traffic(s) {
		if Dynamic(class) {
			n += r.Count
		}
	}
	if n == 0 || l.Services <= 0 {
		return unknown, unknown
	}
	return 1000 * l.PHP / float64(n), 1000 * l.Database / float64(n)
}

// IOWait is the share of the CPU time in which the machine waited for its disk in
// a span; -1 unknown.
func (c *Case) IOWait(s Span) float64 { return c.g.mean(lineIowait, s) }

// PlansOf returns all plans that were taken of a statement shape, one for each
// table, one taken while it ran before any other.
func (c *Case) PlansOf(digest string) []evidence.Plan {
	at := map[string]int{}
	var out []evidence.Plan
	for _, p := range recording.Ever[evidence.Plan](c.W) {
		if p.Digest != digest {
			continue
		}
		if i, ok := at[p.Table]; !ok {
			at[p.Table] = len(out)
			out = append(out, p)
		} else if p.Running || !out[i].Running {
			out[i] = p
		}
	}
	return out
}

// Options returns what each site keeps in its options, as it was read in the
// recording or before, oldest first.
func (c *Case) Options() (at []time.Time, uses []evidence.OptionUse) {
	for t, o := range recording.Ever[evidence.OptionUse](c.W) {
		at, uses = append(at, t), append(uses, o)
	}
	return at, uses
}

// Pattern is an address pattern that many requests asked for.
type Pattern struct {
	Pattern string
	Share   float64 // of the workers' time, or of the requests where durations are not logged
}

// Heaviest returns the pattern of addresses that took most of the workers' time in
// a span. Where durations are not logged it is the one that was asked for much more
// often than before, as a share of all: which page is dear is not known then.
func (c *Case) Heaviest(s, before Span) (Pattern, bool) {
	now, timed := c.patterns(s)
	was, _ := c.patterns(before)
	var best Pattern
	for name, share := range now {
		if !timed && (len(was) == 0 || share < patternRise*was[name] || share < patternLeast) {
			continue
		}
		if share > best.Share || share == best.Share && name < best.Pattern {
			best = Pattern{name, share}
		}
	}
	return best, best.Share > 0
}

const (
	patternRise  = 2.0  // how many times as often
	patternLeast = 0.05 // of all requests
)

// patterns returns the share of each pattern of addresses in a span, of the time
// where durations are logged.
func (c *Case) patterns(s Span) (map[string]float64, bool) {
	count, took := map[string]int64{}, map[string]int64{}
	allCount, allTook, timed := int64(0), int64(0), true
	for _, p := range recording.All[evidence.PathUse](c.In(s)) {
		if p.FromHist || !Dynamic(p.Class) {
			continue
		}
		timed = timed && p.TookMs >= 0
		count[p.Pattern] += p.Requests
		took[p.Pattern] += p.TookMs
		allCount, allTook = allCount+p.Requests, allTook+p.TookMs
	}
	of, all := count, allCount
	if timed && allTook > 0 {
		of, all = took, allTook
	}
	out := make(map[string]float64, len(of))
	for name, n := range of {
		out[name] = float64(n) / float64(max(all, 1))
	}
	return out, timed && allTook > 0
}
