package rules

import (
	"math"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// poolFull is the share of the samples in which no worker was free.
	poolFull = 0.7
	// poolRoomCPU is the share of the CPU in use up to which half as many workers
	// again would still find some.
	poolRoomCPU = 0.6
	// poolUsual is how much longer than usual a worker may be busy with a request:
	// beyond, requests have become slower, and a full pool is the effect of that.
	poolUsual = 1.6
	// poolGrain is the error of a worker's time by the request, in ms: workers are
	// counted once a second.
	poolGrain = 30.0
	// poolOne is the share of the requests above which one client, or the server
	// itself, sends them: then it is a flood, not demand.
	poolOne = 0.5
)

// PHPPoolTooSmall is real demand that a pool of PHP workers does not admit,
// though the machine could serve it.
func PHPPoolTooSmall() diagnose.Rule {
	return diagnose.Rule{
		ID:     "php-pool-too-small",
		Title:  "more pages are asked for than PHP has workers, and the machine has CPU and memory to spare",
		Source: "queueing: workers = rate x time by request; the lab, with four workers and pages that wait 300 ms",
		Needs:  map[string]string{evidence.WorkerPool{}.Kind(): "missing-workers"},
		Match:  matchPoolTooSmall,
		Clear:  clearPoolTooSmall,
	}
}

func matchPoolTooSmall(c *diagnose.Case) []diagnose.Finding {
	in := c.Outage
	if in.Zero() || c.Quiet.Zero() {
		return nil
	}
	// 1. All workers of a pool are busy, and requests wait for one.
	crews := c.Crews(in)
	if len(crews) == 0 || crews[0].Full < poolFull || crews[0].Queue < 1 || crews[0].Max < 2 {
		return nil
	}
	k := crews[0]
	// 2. The machine has room: CPU, and memory for half as many workers again.
	busy, room := cpuShare(c, in), roomForWorkers(c, in)
	if capped, _ := c.Capped(in); !capped.Zero() || busy < 0 || busy > poolRoomCPU || room >= 0 && 2*room < int64(k.Max) {
		return nil
	}
	// 3. More is completed than usual, and each request keeps a worker no longer than usual.
	quiet, now := c.QuietRate(diagnose.Dynamic), c.Rate(in)
	usual, took := c.RequestMs(c.Quiet), c.WorkerMs(in)
	if quiet <= 0 || now <= diagnose.DemandFactor*quiet+chanceRise(quiet, now, c) || usual <= 0 || took < 0 || took > poolUsual*usual+poolGrain {
		return nil
	}
	// 4. Nothing else holds the workers, and it is no flood of one sender.
	if k.Detached > elsewhereMost*k.Busy || c.LockedShare(in) > elsewhereMost || c.StatementShare(in) > 0.5 || oneSender(c) >= poolOne {
		return nil
	}
	f := diagnose.Finding{
		About: diagnose.Subject{Service: evidence.ServicePHP, Process: k.Pool},
		Share: diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: min(k.Full, 1)}, Active: poolSpan(c),
		Claim: diagnose.Say("php-pool-too-small", "pool", k.Pool, "max", diagnose.Count(k.Max), "queue", diagnose.Count(k.Queue)),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-pool-demand", "quiet", diagnose.Number(quiet), "outage", diagnose.Number(now)),
			diagnose.Say("proof-request-usual", "quiet", diagnose.Ms(usual), "outage", diagnose.Ms(took)),
			diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(busy)),
		},
		Confidence: 0.78, Remedies: []string{"raise-children", "page-cache"},
	}
	if room > 0 {
		f.Confidence += 0.04
		f.Proof = append(f.Proof, diagnose.Say("proof-pool-room", "workers", diagnose.Count(room)))
	} else {
		f.Missing = append(f.Missing, diagnose.Say("missing-worker-memory"))
	}
	if n, message := maxChildrenLine(c); n > 0 {
		f.Confidence += 0.06
		f.Proof = append(f.Proof, diagnose.Say("proof-max-children", "count", diagnose.Count(n), "message", message))
	}
	if took <= 1.3*usual+poolGrain {
		f.Confidence += 0.04
	}
	return []diagnose.Finding{f}
}

// cpuShare is the share of the CPU in use that the services may have: of a
// quota of their own where they have one, else of the machine; -1 unknown.
func cpuShare(c *diagnose.Case, s diagnose.Span) float64 {
	used, allowed := map[string]float64{}, map[string]float64{}
	for _, g := range recording.All[evidence.Cgroup](c.In(s)) {
		if g.QuotaCPUs > 0 && g.UsedMs >= 0 {
			used[g.Path] += float64(g.UsedMs)
			allowed[g.Path] += g.QuotaCPUs * float64(g.OverMs)
		}
	}
	most := -1.0
	for path, all := range allowed {
		if all > 0 {
			most = max(most, used[path]/all)
		}
	}
	if most < 0 {
		return c.BusyShare(s)
	}
	return most
}

// chanceRise is by how much a rate may have risen by chance alone: two standard
// deviations of the two counts.
func chanceRise(quiet, now float64, c *diagnose.Case) float64 {
	return 2 * math.Sqrt(quiet/max(c.Quiet.Duration().Seconds(), 1)+now/max(c.Outage.Duration().Seconds(), 1))
}

// poolSpan is when the pool was full: from shortly before visitors felt it.
func poolSpan(c *diagnose.Case) diagnose.Span {
	s := c.Outage
	for at, p := range recording.All[evidence.WorkerPool](c.In(diagnose.Span{From: s.From.Add(-riseLead), To: s.From})) {
		switch {
		case p.Service != evidence.ServicePHP:
		case !p.Full():
			s.From = c.Outage.From
		case at.Before(s.From):
			s.From = at
		}
	}
	return s
}

// roomForWorkers is how many more workers the memory bears; -1 unknown.
func roomForWorkers(c *diagnose.Case, s diagnose.Span) int64 {
	free, workers, rss := freeMemory(c, s), int64(0), int64(0)
	for _, u := range recording.All[evidence.ServiceUse](c.In(s)) {
		if u.Service == evidence.ServicePHP && u.Processes > 1 && u.RSSKB > 0 {
			workers, rss = workers+int64(u.Processes), rss+u.RSSKB
		}
	}
	if free < 0 || workers == 0 || rss == 0 {
		return -1
	}
	// A part of the free memory stays free: the database and the files need it.
	return free * 7 / 10 * workers / rss
}

// freeMemory is the least memory that was available in a span, in KB, on the
// machine or within a group with a limit; -1 unknown.
func freeMemory(c *diagnose.Case, s diagnose.Span) int64 {
	least := int64(-1)
	take := func(kb int64) {
		if least < 0 || kb < least {
			least = max(kb, 0)
		}
	}
	for _, h := range recording.All[evidence.Host](c.In(s)) {
		take(h.MemAvailKB)
	}
	for _, g := range recording.All[evidence.Cgroup](c.In(s)) {
		if g.MemLimitKB > 0 {
			take(g.MemLimitKB - g.MemUsedKB)
		}
	}
	return least
}

// oneSender is the share of the outage's requests that its busiest client, or the
// server itself, sent.
func oneSender(c *diagnose.Case) float64 {
	all, self := int64(0), int64(0)
	for class, r := range c.Traffic(c.Outage) {
		if diagnose.Dynamic(class) {
			all, self = all+r.Count, self+r.Self
		}
	}
	if all == 0 {
		return 0
	}
	most, by := self, map[string]int64{}
	for _, u := range recording.All[evidence.ClientUse](c.In(c.Outage)) {
		if !u.FromHist && diagnose.Dynamic(u.Class) {
			by[u.Client] += u.Requests
			most = max(most, by[u.Client])
		}
	}
	return float64(most) / float64(all)
}

// maxChildrenLine counts the lines in which PHP-FPM itself says that its pool is
// full, and returns one.
func maxChildrenLine(c *diagnose.Case) (int64, string) {
	n, message := int64(0), ""
	for _, l := range recording.All[evidence.ErrorLine](c.In(diagnose.Span{From: c.Outage.From.Add(-riseLead), To: c.Outage.To})) {
		if l.ID == "fpm-max-children" && !l.FromHist {
			n, message = n+max(l.Count, 1), l.Message
		}
	}
	return n, message
}

// clearPoolTooSmall says why more workers would not have helped where all were busy.
func clearPoolTooSmall(c *diagnose.Case) []diagnose.Rejected {
	in := c.Outage
	crews := c.Crews(in)
	if in.Zero() || len(crews) == 0 || crews[0].Full < poolFull {
		return nil
	}
	r := diagnose.Rejected{ID: "php-pool-too-small"}
	usual, took := c.RequestMs(c.Quiet), c.WorkerMs(in)
	switch {
	case c.Starved(in):
		r.Metric, r.Baseline, r.Window = "cpu_share", max(c.BusyShare(c.Quiet), 0), c.BusyShare(in)
		r.Say = diagnose.Say("cleared-pool-cpu", "max", diagnose.Count(crews[0].Max))
	case usual > 0 && took > 2*poolUsual*usual+poolGrain:
		r.Metric, r.Baseline, r.Window = "worker_ms", usual, took
		r.Say = diagnose.Say("cleared-pool-slow", "max", diagnose.Count(crews[0].Max), "quiet", diagnose.Ms(usual), "outage", diagnose.Ms(took))
	default:
		return nil
	}
	return []diagnose.Rejected{r}
}
