package diagnose

import (
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

	g      *grid
	onsets []time.Time
	runs   []Run
	beat   func(time.Time) time.Duration // how long one sample of the database stands for
}

// NewCase works out of a recording what rules ask: when visitors suffered, when
// they did not, and which statements ran.
func NewCase(w recording.Window, o Options) *Case {
	c := &Case{W: w, Loc: o.Loc, onsets: o.Onsets}
	if c.Loc == nil {
		c.Loc = time.UTC
	}
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
