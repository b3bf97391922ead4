package diagnose

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Requests is the completed requests of one class in a span.
type Requests struct {
	Seconds  float64 // length of the span that the log was followed
	Count    int64
	Posts    int64
	TookMs   int64 // -1 if durations are not logged
	Errors   int64 // 5xx
	Fault    int64 // answers of the usual failure size
	Self     int64 // of the server to itself
	Distinct int64
}

// Rate is requests per second; 0 for an empty span.
func (r Requests) Rate() float64 {
	if r.Seconds <= 0 {
		return 0
	}
	return float64(r.Count) / r.Seconds
}

// Traffic returns the completed requests by class while recording, in a span.
func (c *Case) Traffic(s Span) map[string]Requests {
	out := map[string]Requests{}
	if s.Zero() {
		return out
	}
	for _, t := range recording.All[evidence.Traffic](c.In(s)) {
		if t.FromHist {
			continue
		}
		r := out[t.Class]
		r.Seconds = s.Duration().Seconds()
		r.Count += t.Requests
		r.Posts += t.Posts
		r.Errors += t.S5xx
		r.Fault += t.Fault
		r.Self += t.Self
		r.Distinct += t.Distinct
		if t.TookMs < 0 || r.TookMs < 0 {
			r.TookMs = -1
		} else {
			r.TookMs += t.TookMs
		}
		out[t.Class] = r
	}
	return out
}

// WorkerShare returns the share of some classes in the time that PHP workers
// spent, or in the number of requests that cost PHP where durations are not
// logged; -1 if there was no such request. Timed says which it is.
func WorkerShare(all map[string]Requests, classes ...string) (share float64, timed bool) {
	var took, count, allTook, allCount int64
	timed = true
	for name, r := range all {
		if !(evidence.Traffic{Class: name}).Dynamic() {
			continue
		}
		timed = timed && r.TookMs >= 0
		allTook, allCount = allTook+r.TookMs, allCount+r.Count
		if slices.Contains(classes, name) {
			took, count = took+r.TookMs, count+r.Count
		}
	}
	switch {
	case allCount == 0:
		return -1, false
	case timed && allTook > 0:
		return float64(took) / float64(allTook), true
	}
	return float64(count) / float64(allCount), false
}

// bucket is the time over which a rate is taken: long enough to hold some
// requests of a small site, short enough to see a flood begin.
const bucket = 5 * time.Second

// longBeat is how late a fact of the time before may come.
const longBeat = 2 * time.Minute

// Rates returns the completed requests a second of the classes that pick
// accepts, bucket by bucket over a span.
func (c *Case) Rates(s Span, pick func(class string) bool) []float64 {
	n := min(int(s.Duration()/bucket), maxBins)
	if s.Zero() || n == 0 {
		return nil
	}
	out := make([]float64, n)
	for at, t := range recording.All[evidence.Traffic](c.In(Span{s.From, s.To.Add(longBeat)})) {
		if t.FromHist || !pick(t.Class) {
			continue
		}
		// A late beat tells of more than one bucket.
		over := max(time.Duration(t.OverMs)*time.Millisecond, time.Millisecond)
		if over <= bucket {
			if i := int(at.Sub(s.From) / bucket); i < n {
				out[i] += float64(t.Requests)
			}
			continue
		}
		for i := max(0, int(at.Add(-over).Sub(s.From)/bucket)); i < n; i++ {
			b := Span{s.From.Add(time.Duration(i) * bucket), s.From.Add(time.Duration(i+1) * bucket)}
			in := earlier(b.To, at).Sub(later(b.From, at.Add(-over)))
			if in <= 0 {
				break
			}
			out[i] += float64(t.Requests) * float64(in) / float64(over)
		}
	}
	for i := range out { // divided last: sums of whole numbers know no order
		out[i] /= bucket.Seconds()
	}
	return out
}

// QuietRate is the usual rate of the classes that pick accepts: the mean of the
// middle half of the quiet time's buckets, so that a flood that began a little
// before visitors felt it does not count as usual. It is -1 if there is no quiet
// time.
func (c *Case) QuietRate(pick func(class string) bool) float64 {
	rates := c.Rates(c.Quiet, pick)
	if c.sawHost() { // nothing recorded is not nothing asked
		seen := rates[:0]
		for i, r := range rates {
			from := c.Quiet.From.Add(time.Duration(i) * bucket)
			if len(c.g.values(lineBusy, Span{from, from.Add(bucket)})) > 0 {
				seen = append(seen, r)
			}
		}
		rates = seen
	}
	if len(rates) == 0 {
		return unknown
	}
	slices.Sort(rates)
	cut := len(rates) / 4
	middle := rates[cut : len(rates)-cut]
	sum := 0.0
	for _, r := range middle {
		sum += r
	}
	return sum / float64(len(middle))
}

// Dynamic picks the classes whose requests cost PHP.
func Dynamic(class string) bool { return evidence.Traffic{Class: class}.Dynamic() }

// rate is the mean of the buckets in a span; 0 if there is none.
func (c *Case) rate(s Span, pick func(class string) bool) float64 {
	rates := c.Rates(s, pick)
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum / float64(max(len(rates), 1))
}

// Client is what one client asked of a class in a span.
type Client struct {
	Address  string
	Path     string
	Requests int64
}

// Clients returns the busiest clients of some classes in a span, busiest first.
func (c *Case) Clients(s Span, classes ...string) []Client {
	sum := map[string]Client{}
	for _, u := range recording.All[evidence.ClientUse](c.In(s)) {
		if !slices.Contains(classes, u.Class) || u.FromHist {
			continue
		}
		k := sum[u.Client]
		k.Address, k.Requests = u.Client, k.Requests+u.Requests
		k.Path = cmp.Or(u.Path, k.Path)
		sum[u.Client] = k
	}
	out := make([]Client, 0, len(sum))
	for _, k := range sum {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Client) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Address, b.Address))
	})
	return out
}
