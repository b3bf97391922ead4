package diagnose

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Crew is what the workers of one PHP pool did in a span.
type Crew struct {
	Instance, Pool string
	Max            int     // -1 unknown
	Busy           float64 // mean
	Full           float64 // share of the samples in which no worker was free
	Queue          int     // most requests that waited for a worker
	Detached       float64 // mean of those that work on with nobody waiting
	DetachedMost   int
	Samples        int
}

// Crews returns what the pools of PHP did in a span, the fullest first.
func (c *Case) Crews(s Span) []Crew {
	type key struct{ instance, pool string }
	sum := map[key]*Crew{}
	for _, p := range recording.All[evidence.WorkerPool](c.In(s)) {
		if p.Service != evidence.ServicePHP || p.Busy < 0 {
			continue
		}
		k := sum[key{p.Instance, p.Pool}]
		if k == nil {
			k = &Crew{Instance: p.Instance, Pool: p.Pool, Max: -1}
			sum[key{p.Instance, p.Pool}] = k
		}
		k.Samples++
		k.Max, k.Queue = max(k.Max, p.Max), max(k.Queue, p.Queue)
		k.Busy, k.Detached, k.DetachedMost = k.Busy+float64(p.Busy), k.Detached+float64(p.Detached), max(k.DetachedMost, p.Detached)
		if p.Max > 0 && p.Busy >= p.Max {
			k.Full++
		}
	}
	out := make([]Crew, 0, len(sum))
	for _, k := range sum {
		n := float64(k.Samples)
		k.Busy, k.Full, k.Detached = k.Busy/n, k.Full/n, k.Detached/n
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b Crew) int {
		return cmp.Or(cmp.Compare(b.Full, a.Full), cmp.Compare(b.Busy, a.Busy), cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Pool, b.Pool))
	})
	return out
}

// BusyWorkers is the mean number of busy PHP workers in a span, all pools
// together; -1 if none was seen.
func (c *Case) BusyWorkers(s Span) float64 {
	sum, seen := 0.0, false
	for _, k := range c.Crews(s) {
		sum, seen = sum+k.Busy, true
	}
	if !seen {
		return unknown
	}
	return sum
}

// WorkerMs is how long a worker is busy with one request in a span, in ms: worker
// time by completed requests, which holds whether or not a queue has piled up and
// durations are logged. -1 where either was not seen.
func (c *Case) WorkerMs(s Span) float64 {
	busy, n := c.BusyWorkers(s), int64(0)
	for class, r := range c.Traffic(s) {
		if Dynamic(class) {
			n += r.Count
		}
	}
	if busy < 0 || n == 0 {
		return unknown
	}
	return 1000 * busy * s.Duration().Seconds() / float64(n)
}

// RequestMs is how long requests usually take, in ms: by the access log where it
// logs durations, else by the time for a page; -1 unknown. It holds only where no
// request had to wait for a worker.
func (c *Case) RequestMs(s Span) float64 {
	count, took := int64(0), int64(0)
	for class, r := range c.Traffic(s) {
		if !Dynamic(class) || r.Count == 0 {
			continue
		}
		if r.TookMs < 0 {
			return c.g.mean(lineVisitor, s)
		}
		count, took = count+r.Count, took+r.TookMs
	}
	if count == 0 {
		return c.g.mean(lineVisitor, s)
	}
	return float64(took) / float64(count)
}

// Rate is the completed requests a second that cost PHP in a span.
func (c *Case) Rate(s Span) float64 { return c.rate(s, Dynamic) }

// PageMs is the median time for a page in a span, in ms; -1 unknown.
func (c *Case) PageMs(s Span) float64 { return c.g.quantile(lineVisitor, s, 0.5) }

// Calls is what workers waited for from one other machine, or from the site itself.
type Calls struct {
	Remote     string
	Self       bool          // it is the site itself that they ask
	Workers    int           // most at one moment
	Share      float64       // of the busy workers, over the time in which they were looked at
	Oldest     time.Duration // the longest that one was seen to wait
	Connecting float64       // share of the waiting for which no connection had come about
	Samples    int
	Active     Span
}

// Port is the port that was called; 0 if the address cannot be read.
func (k Calls) Port() uint16 {
	a, err := netip.ParseAddrPort(k.Remote)
	if err != nil {
		return 0
	}
	return a.Port()
}

// Calls returns for whom workers of PHP waited in a span, the one that took most
// of their time first. The workers are looked at only while many are busy.
func (c *Case) Calls(s Span) []Calls {
	sum := map[string]*Calls{}
	for at, o := range recording.All[evidence.Outbound](c.In(s)) {
		if o.Service != evidence.ServicePHP || o.Workers <= 0 || o.Queued > 0 {
			continue
		}
		k := sum[o.Remote]
		if k == nil {
			a, err := netip.ParseAddrPort(o.Remote)
			k = &Calls{Remote: o.Remote, Self: err == nil && a.Addr().IsLoopback(), Active: Span{From: at}}
			sum[o.Remote] = k
		}
		old := time.Duration(o.OldestMs) * time.Millisecond
		k.Samples++
		k.Workers, k.Oldest = max(k.Workers, o.Workers), max(k.Oldest, old)
		k.Active = Span{earlier(k.Active.From, at.Add(-old)), at}
		k.Share += float64(o.Workers) // a sum until all are seen
		if o.State == evidence.OutboundConnecting {
			k.Connecting += float64(o.Workers)
		}
	}
	out := make([]Calls, 0, len(sum))
	for _, k := range sum {
		k.Connecting /= k.Share
		k.Share /= float64(c.looks(k.Active))
		if busy := c.BusyWorkers(k.Active); busy > 0 {
			k.Share = min(k.Share/busy, 1)
		} else {
			k.Share = unknown
		}
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b Calls) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Workers, a.Workers), cmp.Compare(a.Remote, b.Remote))
	})
	return out
}

// looks counts how often the workers were asked in a span for whom they wait.
func (c *Case) looks(s Span) int {
	n := 0
	var last time.Time
	for at := range recording.All[evidence.Outbound](c.In(s)) {
		if !at.Equal(last) {
			n, last = n+1, at
		}
	}
	return max(n, 1)
}

// HasPools reports whether PHP's workers were counted in a span.
func (c *Case) HasPools(s Span) bool { return len(c.Crews(s)) > 0 }

// LockedShare is the share of the PHP workers' time in a span in which they
// waited for locks of the database; 0 where nothing was seen.
func (c *Case) LockedShare(s Span) float64 {
	waited := time.Duration(0)
	for _, w := range c.Waits(s) {
		waited += w.Waited
	}
	return c.workerPart(s, waited)
}

// StatementShare is the share of the PHP workers' time in a span in which a
// statement of theirs was running; 0 where nothing was seen.
func (c *Case) StatementShare(s Span) float64 {
	_, all := c.DatabaseTime(s, func(Run) bool { return true })
	return c.workerPart(s, all)
}

func (c *Case) workerPart(s Span, d time.Duration) float64 {
	busy := c.BusyWorkers(s) * s.Duration().Seconds()
	if busy <= 0 {
		return 0
	}
	return min(d.Seconds()/busy, 1)
}
