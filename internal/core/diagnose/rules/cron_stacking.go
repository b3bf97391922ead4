package rules

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// stackLeast is how many runs must be at work at once to speak of a stack.
	stackLeast = 3
	// stackShare is the share of the workers' time that they must take.
	stackShare = 0.5
	// stackLead is how long before the outage the first of them may have been asked for.
	stackLead = 10 * time.Minute
	// stackOften is the longest interval of an event that can pile up by itself.
	stackOften = 15 * time.Minute
	// selfShare is the share of the workers that must wait for the site itself.
	selfShare = 0.4
)

// CronStacking is work that the site gives itself: runs of its schedule that take
// longer than the time to the next one, or pages that ask the site for pages.
func CronStacking() diagnose.Rule {
	return diagnose.Rule{
		ID:     "cron-stacking",
		Title:  "requests of the server to itself, most of all runs of WordPress' schedule, pile up until no worker is left for visitors",
		Source: "public reports (41 workers in runs of the schedule at :02 :07 :12); WordPress' own code: its lock is given up after 60 s, and on PHP-FPM a run goes on after its request is answered",
		Needs:  map[string]string{evidence.WorkerPool{}.Kind(): "missing-workers", evidence.Traffic{}.Kind(): "missing-traffic"},
		Match:  matchCronStacking,
		Clear:  clearCronStacking,
	}
}

func matchCronStacking(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil
	}
	if f, ok := stackedRuns(c); ok {
		return []diagnose.Finding{f}
	}
	if f, ok := asksItself(c); ok {
		return []diagnose.Finding{f}
	}
	return nil
}

// stack is runs of the schedule at work at once.
type stack struct {
	active diagnose.Span
	most   int     // at one moment; -1 where they were only counted by the log
	share  float64 // of the workers' time
	runs   int64   // that were asked for
	self   int64   // of them by the server itself
	timed  bool    // by durations in the log, not by looking at the workers
}

// stackOf puts together what was seen of the schedule's runs.
func stackOf(c *diagnose.Case) (stack, bool) {
	s := stack{most: -1, active: c.Outage}
	asked := c.Traffic(diagnose.Span{From: later(c.W.From, c.Outage.From.Add(-stackLead)), To: c.Outage.To})[evidence.ClassCron]
	s.runs, s.self = asked.Count, asked.Self
	// On PHP-FPM a run is a worker that works on with nobody waiting.
	detached, busy := 0.0, 0.0
	for _, k := range c.Crews(c.Outage) {
		detached, busy, s.most = detached+k.Detached, busy+k.Busy, max(s.most, k.DetachedMost)
	}
	if detached > 0 && busy > 0 {
		s.share, s.active = detached/busy, detachedSpan(c)
		return s, true
	}
	// Elsewhere its request lasts as long as the run.
	span := diagnose.Span{From: c.Outage.From, To: c.Outage.To.Add(time.Minute)}
	all := c.Traffic(span)
	took := float64(all[evidence.ClassCron].TookMs) / 1000
	if took <= 0 {
		return s, false
	}
	s.timed, s.most = true, int(took/c.Outage.Duration().Seconds()+0.5)
	if s.share, s.timed = diagnose.WorkerShare(all, evidence.ClassCron); busy > 0 {
		// What visitors waited for a worker is in their requests' time as well.
		s.share = min(took/(busy*c.Outage.Duration().Seconds()), 1)
	}
	return s, s.timed
}

func stackedRuns(c *diagnose.Case) (diagnose.Finding, bool) {
	s, ok := stackOf(c)
	// 1. Several runs are at work at once, and they take most of the workers' time.
	if !ok || s.most < stackLeast || s.share < stackShare || s.runs < stackLeast {
		return diagnose.Finding{}, false
	}
	// 2. They began before visitors suffered.
	if !explains(c, s.active) {
		return diagnose.Finding{}, false
	}
	f := diagnose.Finding{
		About:      diagnose.Subject{Path: "/wp-cron.php", Service: evidence.ServicePHP},
		Share:      diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: s.share},
		Active:     s.active,
		Confidence: 0.78, Remedies: []string{"real-cron", "long-job"},
	}
	f.Proof = append(f.Proof, diagnose.Say("proof-cron-requests", "runs", diagnose.Count(s.runs), "self", diagnose.Count(s.self)))
	if s.timed {
		f.Proof = append(f.Proof, diagnose.Say("proof-worker-share", "class", evidence.ClassCron, "share", diagnose.Share01(s.share)))
	} else {
		f.Confidence += 0.08
		f.Proof = append(f.Proof, diagnose.Say("proof-detached", "most", diagnose.Count(s.most), "share", diagnose.Share01(s.share)))
	}
	if s.share >= 0.65 {
		f.Confidence += 0.05
	}
	f = withHook(c, f, s)
	f.Claim = diagnose.Say("cron-stacking", "runs", diagnose.Count(s.most), "hook", f.Origin.Hook)
	return f, true
}

// withHook adds whose job it is that takes so long: the file that PHP's slow log
// names, or the only plugin whose events come so often that they can pile up.
func withHook(c *diagnose.Case, f diagnose.Finding, s stack) diagnose.Finding {
	often := oftenDue(c, s.active)
	traces := slowTraces(c, diagnose.Span{From: f.Active.From, To: c.Outage.To}, "fpm-slow-outbound", "fpm-slow-database", "fpm-slow-trace")
	if len(traces) > 0 {
		most := traces[0]
		f.Confidence += 0.05
		f.Origin.Plugin, f.Origin.File = pluginOf(most.file), most.file
		f.Proof = append(f.Proof, diagnose.Say("proof-slow-trace", "count", diagnose.Count(most.count), "file", most.file, "message", most.message))
		often = slices.DeleteFunc(often, func(e evidence.CronEvent) bool { return e.Owner != "" && e.Owner != f.Origin.Plugin })
	}
	if len(often) != 1 {
		if f.Origin.Plugin == "" {
			f.Missing = append(f.Missing, diagnose.Say("missing-cron-hook"))
		}
		return f
	}
	e := often[0]
	f.Origin.Hook, f.Origin.Schedule, f.Origin.Site = e.Hook, e.Schedule, e.Site
	f.Origin.Plugin = cmp.Or(f.Origin.Plugin, e.Owner)
	f.Proof = append(f.Proof, diagnose.Say("proof-cron-often", "hook", e.Hook, "interval", time.Duration(e.IntervalS)*time.Second))
	return f
}

// oftenDue returns the events, other than WordPress' own, that come at least
// every quarter of an hour and were due while the runs piled up.
func oftenDue(c *diagnose.Case, s diagnose.Span) []evidence.CronEvent {
	last := map[string]evidence.CronEvent{}
	for _, e := range recording.Ever[evidence.CronEvent](c.W) {
		if e.Owner != "core" && e.IntervalS > 0 && time.Duration(e.IntervalS)*time.Second <= stackOften {
			last[e.Site+"\x00"+e.Hook] = e
		}
	}
	out := make([]evidence.CronEvent, 0, len(last))
	for _, e := range last {
		// An event that has been due for long and is not run does not pile up.
		if time.Unix(e.NextUnixS, 0).After(s.From.Add(-stackLead)) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b evidence.CronEvent) int {
		return cmp.Or(cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Site, b.Site))
	})
	return out
}

// detachedSpan is when workers worked on with nobody waiting, around the outage.
func detachedSpan(c *diagnose.Case) diagnose.Span {
	var s diagnose.Span
	for at, p := range recording.All[evidence.WorkerPool](c.In(c.Scope())) {
		if p.Service != evidence.ServicePHP || p.Detached < 1 {
			continue
		}
		if s.Zero() || at.Sub(s.To) > time.Minute && at.Before(c.Outage.From) {
			s.From = at
		}
		s.To = at
	}
	return s
}

// asksItself is a site whose pages ask the site for pages: each then needs two
// workers, and when all are taken by the first half, none is left for the second.
func asksItself(c *diagnose.Case) (diagnose.Finding, bool) {
	for _, k := range c.Calls(c.Scope()) {
		usual := time.Duration(max(c.PageMs(c.Quiet), 0)) * time.Millisecond
		if !k.Self || k.Share < selfShare || k.Workers < 2 || k.Oldest < callLeast || k.Oldest.Seconds() < callFactor*usual.Seconds() {
			continue
		}
		if c.Starved(k.Active) || c.LockedShare(k.Active) > elsewhereMost || !explains(c, k.Active) || 3*k.Active.Duration() < c.Outage.Duration() {
			continue
		}
		crews := c.Crews(k.Active)
		if len(crews) == 0 || crews[0].Full < stackShare {
			continue // there are workers for the second half: it waits for something else
		}
		f := diagnose.Finding{
			About: diagnose.Subject{Remote: k.Remote, Path: selfPath(c, k.Active), Service: evidence.ServicePHP},
			Share: diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: k.Share}, Active: k.Active,
			Claim: diagnose.Say("link-self-requests", "workers", diagnose.Count(k.Workers), "longest", k.Oldest),
			Proof: []diagnose.Sentence{
				diagnose.Say("proof-outbound", "remote", k.Remote, "workers", diagnose.Count(k.Workers), "share", diagnose.Share01(k.Share), "longest", k.Oldest),
			},
			Confidence: 0.82, Remedies: []string{"self-requests"},
		}
		if busy := c.BusyShare(k.Active); busy >= 0 && busy < 0.5 {
			f.Confidence += 0.05
			f.Proof = append(f.Proof, diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(busy)))
		}
		return withCaller(c, f), true
	}
	return diagnose.Finding{}, false
}

// selfPath is what the site asked itself for most often; empty unknown.
func selfPath(c *diagnose.Case, s diagnose.Span) string {
	by := map[string]int64{}
	for _, p := range recording.All[evidence.PathUse](c.In(s)) {
		by[p.Pattern] += p.Self
	}
	best := ""
	for pattern, n := range by {
		if n > 0 && (best == "" || n > by[best] || n == by[best] && pattern < best) {
			best = pattern
		}
	}
	return best
}

// clearCronStacking gives the numbers where the schedule ran and was no burden.
func clearCronStacking(c *diagnose.Case) []diagnose.Rejected {
	if c.Outage.Zero() {
		return nil
	}
	s, ok := stackOf(c)
	if s.runs < 1 || !ok && len(c.Crews(c.Outage)) == 0 || s.share > 0.2 {
		return nil
	}
	return []diagnose.Rejected{{ID: "cron-stacking", Metric: "worker_share", Window: s.share,
		Say: diagnose.Say("cleared-cron", "runs", diagnose.Count(s.runs), "share", diagnose.Share01(s.share))}}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
