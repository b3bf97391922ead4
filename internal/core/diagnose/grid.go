package diagnose

import (
	"math"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// unknown marks a bin of which nothing was seen.
const unknown = -1.0

// maxBins bounds the memory of a grid: an hour has bins of one second, a day of 24.
const maxBins = 3600

// grid is the recording as parallel series of equal bins: what was going on at
// each moment. A value holds for the whole of its bin.
type grid struct {
	from  time.Time
	step  time.Duration
	n     int
	lines map[string][]float64
	// visits is how long pages took, in ms: one value for each request of the
	// probe, and the mean of each second of the access log.
	visits    []float64
	witnesses []visit
}

// visit is one request whose time is known, or the mean of a second of them.
type visit struct {
	at     time.Time
	ms     float64
	failed bool
}

// Names of the series.
const (
	lineVisitor   = "visitor_ms"   // time for a page
	lineFail      = "failed"       // share of requests that failed
	lineBusy      = "cpu"          // share of all CPUs in use
	lineSteal     = "steal"        // share of all CPUs taken by the hypervisor
	lineIowait    = "iowait"       // share of all CPUs waiting for the disk
	lineThrottled = "throttled"    // CPUs wanted and withheld by a quota
	lineDatabase  = "database_cpu" // CPUs used
	linePHP       = "php_cpu"      // CPUs used
	lineWorkers   = "workers"      // share of the workers that are busy
	lineQueue     = "queue"        // requests that wait for a worker
	lineStmts     = "statements"   // running
	lineWaiters   = "lock_waiters" // sessions that wait for a lock
	lineDynamic   = "requests"     // completed a second that cost PHP
	lineErrors    = "errors"       // 5xx a second
	lineDown      = "down"         // services that are down
	lineTold      = "told"         // the server's own logs say that visitors suffer
)

func newGrid(w recording.Window) *grid {
	span := w.To.Sub(w.From)
	step := max(time.Second, (span / maxBins).Round(time.Second))
	g := &grid{from: w.From.Truncate(step), step: step, lines: map[string][]float64{}}
	g.n = int(w.To.Sub(g.from)/step) + 1
	return g
}

func (g *grid) line(name string) []float64 {
	l, ok := g.lines[name]
	if !ok {
		l = slices.Repeat([]float64{unknown}, g.n)
		g.lines[name] = l
	}
	return l
}

func (g *grid) at(i int) time.Time { return g.from.Add(time.Duration(i) * g.step) }

func (g *grid) bin(t time.Time) int { return min(max(int(t.Sub(g.from)/g.step), 0), g.n-1) }

// paint sets the bins from from to to to v; add sums instead, worst keeps the largest.
func (g *grid) paint(name string, from, to time.Time, v float64, how func(old, v float64) float64) {
	l := g.line(name)
	for i := g.bin(from); i <= g.bin(to); i++ {
		if l[i] == unknown {
			l[i] = v
		} else {
			l[i] = how(l[i], v)
		}
	}
}

func latest(_, v float64) float64  { return v }
func worst(old, v float64) float64 { return max(old, v) }

// summed adds; cut to millionths, so that the order of the facts does not show.
func summed(old, v float64) float64 { return math.Round((old+v)*1e6) / 1e6 }

// paintRate paints a value over the interval that ends at at. Where a bin is
// longer than a beat it holds the mean of several facts: each adds its part.
func (g *grid) paintRate(name string, at time.Time, overMs int64, v float64, how func(old, v float64) float64) {
	from := at.Add(-time.Duration(overMs) * time.Millisecond)
	if g.step > time.Second {
		for i := g.bin(from); i <= g.bin(at); i++ {
			if in := earlier(at, g.at(i).Add(g.step)).Sub(later(from, g.at(i))); in > 0 {
				g.paint(name, g.at(i), g.at(i), v*float64(in)/float64(g.step), summed)
			}
		}
		return
	}
	if i, j := g.bin(from), g.bin(at); j > i { // its first bin belongs to the fact before
		from = g.at(i + 1)
	}
	g.paint(name, from, at, v, how)
}

// fill reads the window into the grid.
func (g *grid) fill(w recording.Window) {
	g.fillHost(w)
	g.fillServices(w)
	g.fillDatabase(w)
	g.fillTraffic(w)
	g.fillProbes(w)
	g.fillTold(w)
	for name, l := range g.lines {
		n := 2
		if name == lineVisitor || name == lineFail {
			n = int(probeEvery / g.step) // a probe stands for the time until the next
		}
		bridge(l, n)
	}
}

// probeEvery is how often a site is asked for a page.
const probeEvery = 6 * time.Second

// bridge carries a value over gaps of at most n bins, which arise where beats
// are a little longer than a bin.
func bridge(l []float64, n int) {
	gap := n + 1
	for i, v := range l {
		if v != unknown {
			gap = 0
			continue
		}
		if gap++; gap <= n && i > 0 {
			l[i] = l[i-1]
		}
	}
}

func (g *grid) fillHost(w recording.Window) {
	for at, h := range recording.All[evidence.Host](w) {
		if h.CapacityMs() <= 0 {
			continue
		}
		all := float64(h.CapacityMs())
		g.paintRate(lineBusy, at, h.OverMs, min(float64(h.BusyMs())/all, 1), latest)
		g.paintRate(lineSteal, at, h.OverMs, float64(h.StealMs)/all, latest)
		g.paintRate(lineIowait, at, h.OverMs, float64(h.IowaitMs)/all, latest)
	}
	for at, c := range recording.All[evidence.Cgroup](w) {
		if c.OverMs > 0 && c.QuotaCPUs > 0 {
			g.paintRate(lineThrottled, at, c.OverMs, float64(c.ThrottledMs)/float64(c.OverMs), worst)
		}
	}
}

func (g *grid) fillServices(w recording.Window) {
	for at, s := range recording.All[evidence.ServiceUse](w) {
		if s.OverMs <= 0 {
			continue
		}
		used := float64(s.CPUMs) / float64(s.OverMs)
		switch s.Service {
		case evidence.ServiceDatabase:
			g.paintRate(lineDatabase, at, s.OverMs, used, summed)
		case evidence.ServicePHP:
			g.paintRate(linePHP, at, s.OverMs, used, summed)
		}
	}
	for at, p := range recording.All[evidence.WorkerPool](w) {
		if p.Busy >= 0 && p.Max > 1 { // a pool of one is busy with every request
			g.paint(lineWorkers, at, at, float64(p.Busy)/float64(p.Max), worst)
		}
		if p.Queue >= 0 {
			g.paint(lineQueue, at, at, float64(p.Queue), worst)
		}
	}
	down := map[string]time.Time{}
	for at, s := range recording.All[evidence.ServiceState](w) {
		key := s.Service + "/" + s.Instance
		if since, was := down[key]; was {
			g.paint(lineDown, since, at, 1, worst)
		}
		delete(down, key)
		if !s.Up {
			down[key] = at
		} else {
			g.paint(lineDown, at, at, 0, worst)
		}
	}
	for _, since := range down {
		g.paint(lineDown, since, w.To, 1, worst)
	}
}

func (g *grid) fillDatabase(w recording.Window) {
	for at := range recording.All[evidence.DBStatus](w) {
		g.paint(lineStmts, at, at, 0, worst)
		g.paint(lineWaiters, at, at, 0, worst)
	}
	count := func(name string, at time.Time) {
		g.paint(name, at, at, min(float64(time.Second)/float64(g.step), 1), summed)
	}
	for at, s := range recording.All[evidence.Statement](w) {
		switch s.Command {
		case "Sleep":
		case evidence.CommandLogged:
			g.paint(lineStmts, at.Add(-time.Duration(s.RunningMs)*time.Millisecond), at, 1, summed)
		default:
			count(lineStmts, at)
		}
	}
	seen := map[waiterAt]bool{}
	for at, l := range recording.All[evidence.LockWait](w) {
		if k := (waiterAt{at.UnixMilli(), l.Waiter}); !seen[k] {
			seen[k] = true
			count(lineWaiters, at)
		}
	}
}

// waiterAt is one waiting session in one sample; it may wait for several.
type waiterAt struct {
	atMs int64
	conn uint64
}

// shortBeat is the shortest interval, in ms, that a rate can be made of: the
// first beat may follow the opening of the log at once.
const shortBeat = 100

func (g *grid) fillTraffic(w recording.Window) {
	for at, t := range recording.All[evidence.Traffic](w) {
		if t.OverMs < shortBeat || t.FromHist {
			continue
		}
		perS := 1000 / float64(t.OverMs)
		if t.Dynamic() {
			g.paintRate(lineDynamic, at, t.OverMs, float64(t.Requests)*perS, summed)
		}
		if t.Dynamic() || t.S5xx > 0 {
			g.paintRate(lineErrors, at, t.OverMs, float64(t.S5xx)*perS, summed)
		}
		if isPage(t.Class) && t.TookMs >= 0 && t.Requests > 0 {
			// The line is written at the end of the request: it was slow before.
			took := time.Duration(t.TookMs/t.Requests) * time.Millisecond
			mean := float64(t.TookMs) / float64(t.Requests)
			g.paint(lineVisitor, at.Add(-took), at, mean, worst)
			g.visits = append(g.visits, mean)
			g.witnesses = append(g.witnesses, visit{at.Add(-took), mean, false})
		}
	}
}

// isPage reports whether a visitor waits for requests of the class.
func isPage(class string) bool { return class == evidence.ClassPage || class == evidence.ClassQuery }

// fillProbes paints what hirune's own requests met. A site that never answered
// while others on the host did says nothing of when the host was in trouble.
func (g *grid) fillProbes(w recording.Window) {
	dead := deadSites(w)
	for at, p := range recording.All[evidence.Probe](w) {
		if dead[p.Site] {
			continue
		}
		to := at.Add(time.Duration(p.TookMs) * time.Millisecond)
		g.paint(lineVisitor, at, to, float64(p.TookMs), worst)
		g.visits = append(g.visits, float64(p.TookMs))
		g.witnesses = append(g.witnesses, visit{at, float64(p.TookMs), p.Failed()})
		failed := 0.0
		if p.Failed() {
			failed = 1
		}
		g.paint(lineFail, at, to, failed, worst)
	}
}

// deadSites returns the sites that never answered, where others did.
func deadSites(w recording.Window) map[string]bool {
	failed, answered := map[string]bool{}, map[string]bool{}
	for _, p := range recording.All[evidence.Probe](w) {
		if p.Failed() {
			failed[p.Site] = true
			if p.Error == "timeout" || p.TookMs >= slowMs {
				answered[p.Site] = true // it tries: that is trouble, no corpse
			}
		} else {
			answered[p.Site] = true
		}
	}
	if len(answered) == 0 || neededDown(w) {
		return nil
	}
	for site := range answered {
		delete(failed, site)
	}
	return failed
}

// neededDown reports whether a database or PHP was seen to go down: a site that
// does not answer is then the news, not an old story.
func neededDown(w recording.Window) bool {
	up := map[string]bool{}
	for _, s := range recording.Ever[evidence.ServiceState](w) {
		key := s.Service + "/" + s.Instance
		if s.Service != evidence.ServiceDatabase && s.Service != evidence.ServicePHP {
			continue
		}
		if !s.Up && (up[key] || s.How != "systemd") {
			return true
		}
		up[key] = up[key] || s.Up
	}
	return false
}

// values returns the known values of a series within a span.
func (g *grid) values(name string, s Span) []float64 {
	l, ok := g.lines[name]
	if !ok || s.Zero() {
		return nil
	}
	var out []float64
	for i := g.bin(s.From); i <= g.bin(s.To); i++ {
		if l[i] != unknown {
			out = append(out, l[i])
		}
	}
	return out
}

// mean returns the mean of the known values in a span, or -1.
func (g *grid) mean(name string, s Span) float64 {
	v := g.values(name, s)
	if len(v) == 0 {
		return unknown
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// quantile returns the q-quantile of the known values in a span, or -1.
func (g *grid) quantile(name string, s Span, q float64) float64 {
	return quantile(g.values(name, s), q)
}

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return unknown
	}
	v = slices.Sorted(slices.Values(v))
	return v[int(q*float64(len(v)-1)+0.5)]
}

// sustained returns the first stretch within s in which the series stays above
// least for at least d, its pauses of at most pause left in.
func (g *grid) sustained(name string, s Span, least float64, d, pause time.Duration) Span {
	for _, r := range g.stretches(name, s, least, pause) {
		if r.Duration() >= d {
			return r
		}
	}
	return Span{}
}

// stretches returns the stretches within s in which the series is above least,
// joined over pauses of at most pause. A stretch ends with its last such bin.
func (g *grid) stretches(name string, s Span, least float64, pause time.Duration) []Span {
	l, ok := g.lines[name]
	if !ok || s.Zero() {
		return nil
	}
	var out []Span
	for i := g.bin(s.From); i <= g.bin(s.To); i++ {
		if l[i] == unknown || l[i] < least {
			continue
		}
		from, to := g.at(i), g.at(i).Add(g.step)
		if n := len(out); n > 0 && from.Sub(out[n-1].To) <= pause {
			out[n-1].To = to
		} else {
			out = append(out, Span{from, to})
		}
	}
	return out
}
