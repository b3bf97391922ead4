package diagnose

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Case is the recording with what the engine has already worked out. Rules ask
// it; they do not change it.
type Case struct {
	W        recording.Window
	Outage   Span   // when visitors suffered; zero if they did not
	Quiet    Span   // when they did not, to compare with; zero if there is nothing
	Episodes []Span // all times when they suffered
	Loc      *time.Location

	g    *grid
	runs []Run
	beat func(time.Time) time.Duration // how long one sample of the database stands for
}

func newCase(w recording.Window, o Options) *Case {
	c := &Case{W: w, Loc: o.Loc}
	if w.Empty() {
		return c
	}
	c.g = newGrid(w)
	c.g.fill(w)
	c.Episodes = c.g.episodes()
	c.Outage = pick(c.Episodes, o.At)
	c.Quiet = quiet(Span{w.From, w.To}, c.Episodes, c.Outage)
	c.beat = sampleDistance(w)
	c.runs = statementRuns(w, c.beat)
	return c
}

// lead is how long before the outage a cause may have begun.
const lead = 15 * time.Minute

// Scope is the time in which a cause can have been at work: the outage with
// what led to it, or the whole recording if nobody suffered.
func (c *Case) Scope() Span {
	if c.Outage.Zero() {
		return Span{c.W.From, c.W.To}
	}
	from := c.Outage.From.Add(-lead)
	if from.Before(c.W.From) {
		from = c.W.From
	}
	return Span{from, c.Outage.To}
}

// In returns the part of the recording in the span.
func (c *Case) In(s Span) recording.Window { return c.W.Between(s.From, s.To) }

// has reports whether the recording has facts of a kind at all.
func (c *Case) has(kind string) bool { return c.W.Whole().Has(kind) }

func (c *Case) sawVisitors() bool {
	return len(c.g.values(lineVisitor, Span{c.W.From, c.W.To})) > 0 || len(c.g.values(lineDynamic, Span{c.W.From, c.W.To})) > 0
}

func (c *Case) sawHost() bool { return c.has(evidence.Host{}.Kind()) }

// Load is what the machine and its services used in a span, in CPU seconds.
type Load struct {
	Seconds  float64 // length of what was seen
	Capacity float64 // CPUs times seconds
	Busy     float64 // by the whole machine, steal left out
	Steal    float64
	Database float64
	PHP      float64
	Web      float64
	Services float64 // all known services together
	// Confined says that a quota held the services back: what the rest of the
	// host did then was not taken from them.
	Confined bool
}

// Used is the CPU time that was used where the services compete for it.
func (l Load) Used() float64 {
	if l.Confined && l.Services > 0 {
		return l.Services
	}
	return max(l.Busy, l.Services)
}

// ShareOf returns part of the CPU time that was used, or -1 if nothing is known.
func (l Load) ShareOf(part float64) float64 {
	used := l.Used()
	if used <= 0 {
		return -1
	}
	return min(part/used, 1)
}

// Load sums up the CPU use in a span.
func (c *Case) Load(s Span) Load {
	var l Load
	if s.Zero() {
		return l
	}
	w := c.In(s)
	for _, h := range recording.All[evidence.Host](w) {
		l.Seconds += float64(h.OverMs) / 1000
		l.Capacity += float64(h.CapacityMs()) / 1000
		l.Busy += float64(h.BusyMs()) / 1000
		l.Steal += float64(h.StealMs) / 1000
	}
	l.Confined = confined(w)
	for _, u := range recording.All[evidence.ServiceUse](w) {
		cpu := float64(u.CPUMs) / 1000
		l.Services += cpu
		switch u.Service {
		case evidence.ServiceDatabase:
			l.Database += cpu
		case evidence.ServicePHP:
			l.PHP += cpu
		case evidence.ServiceApache, evidence.ServiceNginx:
			l.Web += cpu
		}
	}
	return l
}

// confined reports whether a quota held a group of the services back for at
// least a tenth of the time: a trace of throttling says nothing.
func confined(w recording.Window) bool {
	over, throttled := map[string]int64{}, map[string]int64{}
	for _, g := range recording.All[evidence.Cgroup](w) {
		if g.QuotaCPUs > 0 {
			over[g.Path] += g.OverMs
			throttled[g.Path] += g.ThrottledMs
		}
	}
	for path, ms := range throttled {
		if 10*ms >= over[path] && ms > 0 {
			return true
		}
	}
	return false
}

// Capped reports when the CPU was held back within a span, by a quota or by
// the hypervisor, and by how many CPUs on average.
func (c *Case) Capped(s Span) (Span, float64) {
	if t := c.g.sustained(lineThrottled, s, 0.10, 3*time.Second, 15*time.Second); !t.Zero() {
		return t, c.g.mean(lineThrottled, t)
	}
	if t := c.g.sustained(lineSteal, s, 0.10, 3*time.Second, 15*time.Second); !t.Zero() {
		return t, c.g.mean(lineSteal, t) * c.cpus()
	}
	return Span{}, 0
}

func (c *Case) cpus() float64 {
	h, _, ok := recording.Last[evidence.Host](c.W, nil)
	if !ok || h.CPUs == 0 {
		return 1
	}
	return float64(h.CPUs)
}

// Starved reports whether the CPU was the scarce thing in a span: a cap bit, or
// nearly all of it was in use.
func (c *Case) Starved(s Span) bool {
	capped, _ := c.Capped(s)
	return !capped.Zero() || c.g.quantile(lineBusy, s, 0.5) >= 0.85
}

// BusyShare is the mean share of all CPUs in use in a span; -1 unknown.
func (c *Case) BusyShare(s Span) float64 { return c.g.mean(lineBusy, s) }

// Workers returns the median share of busy workers in a span; -1 unknown.
func (c *Case) Workers(s Span) float64 { return c.g.quantile(lineWorkers, s, 0.5) }

// Failing is the share of requests that fail in a span, by the probe or else by
// the access log; -1 unknown.
func (c *Case) Failing(s Span) float64 {
	probe := c.g.mean(lineFail, s)
	errors, all := c.g.mean(lineErrors, s), c.g.mean(lineDynamic, s)
	if errors <= 0 || all <= 0 {
		return probe
	}
	return max(probe, min(errors/all, 1))
}

// OneWorker is the share of the workers' time that a single busy one is in a
// span; -1 if the workers were not seen.
func (c *Case) OneWorker(s Span) float64 {
	busy, n := 0, 0
	for _, p := range recording.All[evidence.WorkerPool](c.In(s)) {
		if p.Service == evidence.ServicePHP && p.Busy > 0 {
			busy, n = busy+p.Busy, n+1
		}
	}
	if busy == 0 {
		return -1
	}
	return min(float64(n)/float64(busy), 1)
}

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

// WorkerShare returns the share of one class in the time that PHP workers
// spent, or in the number of requests that cost PHP where durations are not
// logged; -1 if there was no such request. Timed says which it is.
func WorkerShare(all map[string]Requests, class string) (share float64, timed bool) {
	var took, count, allTook, allCount int64
	timed = true
	for name, r := range all {
		if !(evidence.Traffic{Class: name}).Dynamic() {
			continue
		}
		timed = timed && r.TookMs >= 0
		allTook, allCount = allTook+r.TookMs, allCount+r.Count
		if name == class {
			took, count = r.TookMs, r.Count
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

// Clients returns the busiest clients of a class in a span, busiest first.
func (c *Case) Clients(s Span, class string) []Client {
	sum := map[string]Client{}
	for _, u := range recording.All[evidence.ClientUse](c.In(s)) {
		if u.Class != class || u.FromHist {
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

// Table returns the newest description of a table.
func (c *Case) Table(schema, name string) (evidence.Table, bool) {
	var out evidence.Table
	ok := false
	for _, t := range recording.Ever[evidence.Table](c.W) {
		if t.Name == name && (schema == "" || t.Schema == "" || t.Schema == schema) {
			out, ok = t, true
		}
	}
	return out, ok
}

// FilterOf returns what the statement shape filters by.
func (c *Case) FilterOf(digest string) (evidence.Filter, bool) {
	var out evidence.Filter
	ok := false
	for _, f := range recording.Ever[evidence.Filter](c.W) {
		if f.Digest == digest {
			out, ok = f, true
		}
	}
	return out, ok
}

// PlanOf returns the plan of the statement shape, the one taken while it ran
// before any other.
func (c *Case) PlanOf(digest string) (evidence.Plan, bool) {
	var out evidence.Plan
	ok := false
	for _, p := range recording.Ever[evidence.Plan](c.W) {
		if p.Digest == digest && (!ok || p.Running || !out.Running) {
			out, ok = p, true
		}
	}
	return out, ok
}

func (c *Case) selfCPU() int64 {
	ms, seen := int64(0), false
	for _, s := range recording.All[evidence.SelfCost](c.W) {
		ms, seen = ms+s.CPUMs, true
	}
	if !seen {
		return -1
	}
	return ms
}
