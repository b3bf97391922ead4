package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// callShare is the share of the busy workers that must wait for one address.
	callShare = 0.5
	// callLeast is how long one must have waited: an answer in less is a usual one.
	callLeast  = 2 * time.Second
	callFactor = 3.0 // and how many times as long as a page takes in all otherwise
	// elsewhereMost is the share of the workers' time above which something else
	// holds them: locks, or statements of the database.
	elsewhereMost = 0.3
	// namePort is where name servers answer.
	namePort = 53
)

// ownPorts are those of databases and caches: a worker that waits there waits for
// the site's own store, not for somebody whom a plugin calls.
var ownPorts = []uint16{3306, 3307, 33060, 5432, 6379, 11211}

// SlowOutboundCall is a server on the net that does not answer: each request
// that asks it holds a PHP worker until the caller gives up.
func SlowOutboundCall() diagnose.Rule {
	return diagnose.Rule{
		ID:     "slow-outbound-call",
		Title:  "PHP calls another server that does not answer, and all workers wait for it",
		Source: "the lab: a call on every page to an address that drops packets fills ten workers within seconds at an idle CPU",
		Needs:  map[string]string{evidence.WorkerPool{}.Kind(): "missing-workers"},
		Match:  matchSlowOutboundCall,
		Clear:  clearOutbound,
	}
}

func matchSlowOutboundCall(c *diagnose.Case) []diagnose.Finding {
	if c.Outage.Zero() {
		return nil
	}
	for _, k := range c.Calls(c.Scope()) {
		// 1. Most of the busy workers wait for one address that is not the site's own.
		if k.Self || slices.Contains(ownPorts, k.Port()) || k.Share < callShare || k.Workers < 2 {
			continue
		}
		// 2. They wait much longer than a page takes otherwise.
		usual := time.Duration(max(c.PageMs(c.Quiet), 0)) * time.Millisecond
		if k.Oldest < callLeast || k.Oldest.Seconds() < callFactor*usual.Seconds() {
			continue
		}
		// 3. The database is not what they wait for. That the CPU is scarce would not
		// clear it: a worker that waits for an answer needs none.
		if c.LockedShare(k.Active) > elsewhereMost || c.StatementShare(k.Active) > elsewhereMost {
			continue
		}
		// 4. It began before visitors suffered, and goes on while they do.
		if !explains(c, k.Active) || 3*k.Active.Duration() < c.Outage.Duration() {
			continue
		}
		return []diagnose.Finding{outboundFinding(c, k)}
	}
	return nil
}

func outboundFinding(c *diagnose.Case, k diagnose.Calls) diagnose.Finding {
	f := diagnose.Finding{
		About:  diagnose.Subject{Remote: k.Remote},
		Share:  diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: k.Share},
		Active: k.Active,
		Claim:  diagnose.Say("slow-outbound-call", "remote", k.Remote, "workers", diagnose.Count(k.Workers), "longest", k.Oldest),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-outbound", "remote", k.Remote, "workers", diagnose.Count(k.Workers), "share", diagnose.Share01(k.Share), "longest", k.Oldest),
		},
		Confidence: 0.72,
		Remedies:   []string{"outbound-timeout", "outbound-off"},
	}
	if k.Port() == namePort {
		f.Remedies = []string{"name-server"} // to refuse it would stop every look-up of the machine
	}
	if k.Share >= 0.7 {
		f.Confidence += 0.08
	}
	// That no connection comes about at all is the other side's doing, or the network's.
	if k.Connecting >= 0.5 {
		f.Confidence += 0.08
		f.Proof = append(f.Proof, diagnose.Say("proof-outbound-no-answer", "remote", k.Remote, "share", diagnose.Share01(k.Connecting)))
	}
	if c.Starved(k.Active) && k.Connecting < 0.5 {
		f.Confidence = min(f.Confidence-0.1, 0.8) // perhaps it is we who are late
	} else if busy := c.BusyShare(k.Active); busy >= 0 && busy < 0.5 {
		f.Confidence += 0.06
		f.Proof = append(f.Proof, diagnose.Say("proof-cpu-idle", "busy", diagnose.Share01(busy)))
	}
	// Fewer pages are completed than usual: that is no demand.
	if quiet := c.QuietRate(diagnose.Dynamic); quiet > 0 {
		if now := c.Rate(c.Outage); now <= diagnose.DemandFactor*quiet {
			f.Proof = append(f.Proof, diagnose.Say("proof-completed", "quiet", diagnose.Number(quiet), "outage", diagnose.Number(now)))
		} else {
			f.Confidence = min(f.Confidence, 0.85)
		}
	}
	return withCaller(c, f)
}

// withCaller adds who makes the call, as PHP's own logs tell it.
func withCaller(c *diagnose.Case, f diagnose.Finding) diagnose.Finding {
	told := slowTraces(c, diagnose.Span{From: f.Active.From, To: c.Outage.To.Add(time.Minute)}, "fpm-slow-outbound", "php-outbound")
	if len(told) == 0 {
		f.Missing = append(f.Missing, diagnose.Say("missing-slow-log"))
		return f
	}
	f.Confidence += 0.05
	most := told[0]
	f.Origin.File, f.Origin.Plugin = most.file, pluginOf(most.file)
	f.Proof = append(f.Proof, diagnose.Say("proof-slow-trace", "count", diagnose.Count(most.count), "file", most.file, "message", most.message))
	return f
}

// trace is a file of the site that PHP's logs name, and how often.
type trace struct {
	file, message string
	count         int64
}

// slowTraces returns the files that lines of the given kinds name in a span, the
// most frequent first.
func slowTraces(c *diagnose.Case, s diagnose.Span, ids ...string) []trace {
	byFile := map[string]trace{}
	for _, l := range recording.All[evidence.ErrorLine](c.In(s)) {
		if !slices.Contains(ids, l.ID) || pluginOf(l.File) == "" {
			continue
		}
		t := byFile[l.File]
		t.file, t.count = l.File, t.count+max(l.Count, 1)
		if t.message == "" || l.Message < t.message { // any one, whatever the order
			t.message = l.Message
		}
		byFile[l.File] = t
	}
	out := make([]trace, 0, len(byFile))
	for _, t := range byFile {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b trace) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.file, b.file)) })
	return out
}

// pluginOf is the plugin or theme that a file below wp-content belongs to; empty
// for WordPress' own.
func pluginOf(file string) string {
	parts := strings.Split(file, "/")
	if len(parts) < 2 || parts[0] != "plugins" && parts[0] != "mu-plugins" && parts[0] != "themes" {
		return ""
	}
	return strings.TrimSuffix(parts[1], ".php")
}

// clearOutbound says that the workers were looked at and waited for nobody outside.
func clearOutbound(c *diagnose.Case) []diagnose.Rejected {
	in := c.Troubled()
	if c.Outage.Zero() || recording.Count[evidence.Outbound](c.In(in)) < 3 {
		return nil
	}
	most := 0.0
	for _, k := range c.Calls(in) {
		if !k.Self {
			most = max(most, k.Share)
		}
	}
	if most > 0.2 {
		return nil
	}
	return []diagnose.Rejected{{ID: "slow-outbound-call", Metric: "worker_share", Window: most,
		Say: diagnose.Say("cleared-outbound", "share", diagnose.Share01(most))}}
}
