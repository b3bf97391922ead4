package diagnose

import (
	"math"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// HourRate is how many requests a second of the classes that pick accepts are
// usual at that hour: the median of the same hour on other days, as the logs tell
// it; -1 where they tell it of fewer than two.
func (c *Case) HourRate(at time.Time, pick func(class string) bool) float64 {
	const hour, days, hours = 3600, 14, 24
	byHour, seen := map[int64]float64{}, map[int64]bool{}
	for t, f := range recording.Ever[evidence.Traffic](c.W) {
		if !f.FromHist || f.OverMs < 30*time.Minute.Milliseconds() {
			continue
		}
		k := t.Add(-time.Second).Unix() / hour
		seen[k] = true // nothing of a class is told where there was none
		if pick(f.Class) {
			byHour[k] += float64(f.Requests) / (float64(f.OverMs) / 1000)
		}
	}
	k := at.Unix() / hour
	var same []float64
	for d := int64(-days); d <= days; d++ {
		if d != 0 && seen[k+d*hours] {
			same = append(same, byHour[k+d*hours])
		}
	}
	if len(same) < usualLeast {
		return unknown
	}
	return quantile(same, 0.5)
}

const (
	// arriveOver is over how long arrivals are counted: after that, those who came
	// first give up.
	arriveOver = 20 * time.Second
	// arriveLeast is how many requests must pile up to tell a rate by them.
	arriveLeast = 10
)

// Arrivals is how many requests a second came when visitors began to suffer: what
// was completed and what piled up meanwhile. A lock or a spent CPU lets nothing be
// completed, and hides a rush that comes at the same time. It is -1 where nothing
// piled up, or nobody counted.
func (c *Case) Arrivals() (rate float64, in Span) {
	if c.Outage.Zero() {
		return unknown, Span{}
	}
	within := Span{c.Outage.From.Add(-arriveOver / 2), earlier(c.Outage.To, c.Outage.From.Add(arriveOver))}
	waiting := c.inside(within)
	best := Span{}
	most := 0
	for i, a := range waiting { // the steepest rise over at least some seconds
		for _, b := range waiting[i+1:] {
			d := b.at.Sub(a.at)
			if d < bucket || b.n-a.n < arriveLeast {
				continue
			}
			if got := (float64(b.n-a.n) + float64(c.completed(Span{a.at, b.at}))) / d.Seconds(); got > rate {
				rate, best, most = got, Span{a.at, b.at}, b.n-a.n
			}
		}
	}
	if most == 0 {
		return unknown, Span{}
	}
	return rate, best
}

// crowd is how many requests are under way or wait at a moment.
type crowd struct {
	at time.Time
	n  int
}

// inside counts the requests that PHP's pools work on or have not taken yet.
func (c *Case) inside(s Span) []crowd {
	var out []crowd
	for at, p := range recording.All[evidence.WorkerPool](c.In(s)) {
		if p.Service != evidence.ServicePHP || p.Busy < 0 || p.Queue < 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1].at.Equal(at) {
			out[n-1].n += p.Busy + p.Queue
			continue
		}
		out = append(out, crowd{at, p.Busy + p.Queue})
	}
	return out
}

// completed counts the requests that cost PHP and were completed in a span.
func (c *Case) completed(s Span) int64 {
	n := int64(0)
	for class, r := range c.Traffic(s) {
		if Dynamic(class) {
			n += r.Count
		}
	}
	return n
}

// Rush reports whether many more requests came when visitors began to suffer than
// usual, though few were completed. Who waits tries again: what is twice the usual
// is no rush.
func (c *Case) Rush() (rate, quiet float64, in Span, ok bool) {
	quiet = c.QuietRate(Dynamic)
	rate, in = c.Arrivals()
	if rate < 0 || quiet < 0 {
		return rate, quiet, in, false
	}
	return rate, quiet, in, rate > rushFactor*quiet+2*math.Sqrt(rate/in.Duration().Seconds())
}

// rushFactor is how many times the usual must arrive to speak of a rush.
const rushFactor = 2.5
