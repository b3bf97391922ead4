package rules

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// ServiceStopped is a service of the site that does not run.
func ServiceStopped() diagnose.Rule {
	return diagnose.Rule{
		ID:     "service-stopped",
		Title:  "a service that the site needs does not run: stopped, crashed, restarting in a loop, or not starting",
		Source: "process list and sockets; the service's own log, systemd and the kernel say why",
		Needs:  map[string]string{evidence.ServiceState{}.Kind(): "missing-host"},
		Match:  matchServiceStopped,
	}
}

// downLeast is how long a service may be away for a restart.
const downLeast = 3 * time.Second

// needed are the services without which a PHP site cannot answer.
var needed = []string{evidence.ServiceDatabase, evidence.ServicePHP, evidence.ServiceApache, evidence.ServiceNginx}

// stop is one stretch in which a service was down.
type stop struct {
	evidence.ServiceState
	span   diagnose.Span
	pid    int       // of the process that was there before; 0 if none was seen
	since  time.Time // when that process began; zero if it was not seen
	starts int       // processes that came up and were gone again
}

func matchServiceStopped(c *diagnose.Case) []diagnose.Finding {
	var out []diagnose.Finding
	for _, s := range stops(c) {
		// 1. It was down while visitors suffered, and before they did. One that
		// was never seen running counts only where nothing stands in for it.
		if !explains(c, s.span) || s.span.Duration() < downLeast && !s.span.To.Equal(c.W.To) || s.pid == 0 && standIn(c, s) {
			continue
		}
		// Who needs it feels it at once.
		if !c.Outage.Zero() && s.span.From.Before(c.Outage.From.Add(-15*time.Second)) && s.span.From.Sub(c.W.From) > orderSlack {
			continue
		}
		// 2. Visitors get errors, not slowness.
		if !c.Outage.Zero() && c.Failing(c.Outage) < failLeast {
			continue
		}
		end := endingOf(c, s)
		if c.Outage.Zero() && end.how == endedOrderly && s.span.To.Before(c.W.To) {
			continue // somebody restarted it, it runs again, and nobody suffered
		}
		if end.how != endedOrderly && (end.full || outOfRoom(c, s)) {
			continue // it is the victim of a disk without room: see DiskFull
		}
		f := diagnose.Finding{
			About: diagnose.Subject{Service: s.Service}, Share: diagnose.UnknownShare, Active: s.span,
			Claim: end.claim(s), Missing: end.missing(s), Confidence: 0.8, Remedies: []string{"start-service"},
		}
		if end.how == endedLoop || end.how == endedUnborn {
			f.Remedies = []string{"mend-start", "start-service"}
		}
		// 3. It was seen running before.
		if s.pid > 0 {
			f.Confidence += 0.12
			f.Proof = append(f.Proof, diagnose.Say("proof-process-gone", "service", s.Service, "pid", diagnose.Count(s.pid), "at", s.span.From))
		}
		if !c.Outage.Zero() {
			f.Confidence += 0.05
			f.Share.WorkerTime = 1
			f.Proof = append(f.Proof, answers(c)...)
		} else {
			f.Confidence = 0.6 // nobody was seen to need it
		}
		if standIn(c, s) {
			f.Confidence = min(f.Confidence, 0.6) // another instance runs: perhaps nobody needs this one
		}
		f.Proof = append(f.Proof, end.proofs(c, s)...)
		f.Steps = append(f.Steps, diagnose.Link{ID: "service-down", Role: diagnose.RoleStep, Span: s.span, Share: diagnose.UnknownShare,
			Say: diagnose.Say("link-database-down", "service", s.Service)})
		out = append(out, f)
	}
	return out
}

// loopPause is how long a service may seem to run between two ends of one loop.
const loopPause = 45 * time.Second

// stops returns the stretches in which a needed service was down, within the
// scope of the case. Stretches that follow each other closely are one trouble.
func stops(c *diagnose.Case) []stop {
	scope := c.Scope()
	last := map[string]*stop{} // by service; it may be over
	down := map[string]bool{}
	pids := map[string]int{}
	since := map[string]time.Time{}
	var done []*stop
	for at, s := range recording.All[evidence.ServiceState](c.W) {
		if !slices.Contains(needed, s.Service) {
			continue
		}
		key := s.Service + "/" + s.Instance
		o := last[key]
		if down[key] {
			o.span.To = at
		}
		if s.Up {
			// It may have been back for a while before it was noticed.
			began := at.Add(-time.Duration(s.UptimeS) * time.Second)
			if down[key] && s.UptimeS > 0 && !began.Before(o.span.From) && began.Before(at) {
				o.span.To = began
			}
			if o != nil && s.PID != pids[key] && s.PID != 0 && at.Sub(o.span.To) <= loopPause {
				o.starts++
			}
			pids[key], since[key], down[key] = s.PID, began, false
			continue
		}
		if o == nil || !down[key] && (o.starts == 0 || at.Sub(o.span.To) > loopPause) {
			o = &stop{ServiceState: s, span: diagnose.Span{From: at, To: at}, pid: pids[key], since: since[key]}
			last[key], done = o, append(done, o)
		}
		o.span.To, down[key] = at, true
	}
	for key, o := range last {
		if down[key] {
			o.span.To = c.W.To
		}
	}
	var out []stop
	for _, s := range done {
		if !s.span.From.After(scope.To) && !s.span.To.Before(scope.From) {
			out = append(out, *s)
		}
	}
	return out
}

// failLeast is the share of failing answers from which a stopped service shows.
const failLeast = 0.3

// standIn reports whether the visitors' needs are met without the service: they
// do not suffer, or another instance or another web server runs.
func standIn(c *diagnose.Case, s stop) bool {
	if c.Outage.Zero() {
		return true
	}
	web := func(service string) bool {
		return service == evidence.ServiceApache || service == evidence.ServiceNginx
	}
	for _, o := range recording.All[evidence.ServiceState](c.In(c.Scope())) {
		if o.Up && o.Instance != s.Instance && (o.Service == s.Service || web(o.Service) && web(s.Service)) {
			return true
		}
	}
	return false
}

// answers says what hirune's own requests got during the outage.
func answers(c *diagnose.Case) []diagnose.Sentence {
	byStatus := map[int]int{}
	all, status := 0, 0
	for _, p := range recording.All[evidence.Probe](c.In(c.Outage)) {
		all++
		if p.Failed() {
			byStatus[p.Status]++
			if byStatus[p.Status] > byStatus[status] {
				status = p.Status
			}
		}
	}
	if byStatus[status] == 0 {
		return nil
	}
	return []diagnose.Sentence{diagnose.Say("proof-answers", "status", diagnose.Count(status), "share", diagnose.Share01(float64(byStatus[status])/float64(all)))}
}

// lastWords quotes what the service wrote when it went away.
func lastWords(c *diagnose.Case, s stop) []diagnose.Sentence {
	near := diagnose.Span{From: s.span.From.Add(-time.Minute), To: s.span.From.Add(10 * time.Second)}
	var out []diagnose.Sentence
	for at, l := range recording.All[evidence.ErrorLine](c.In(near)) {
		if l.Service == s.Service && !slices.Contains(idleLines, l.ID) {
			out = append(out, diagnose.Say("proof-log-line", "service", l.Service, "message", l.Message, "at", at))
		}
	}
	return out[max(0, len(out)-2):]
}
