package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// A class of requests is a flood when much more of them were completed than in
// the quiet time, and they are most of what PHP does.
const (
	floodFactor = 2.5
	floodShare  = 0.4
	// Without a quiet time to compare with, only a class that takes nearly
	// everything is accused, and then as likely only.
	floodShareAlone = 0.7
	floodLeastRate  = 1.0 // requests per second; below it nothing is a flood
)

// flood judges one class of requests: demand, or not.
type flood struct {
	class        string
	quiet, now   float64 // completed requests a second
	share        float64 // of the workers' time, or of their requests
	timed        bool    // the share is of time
	php          float64 // PHP's share of the CPU used
	compared     bool    // there was a quiet time
	starved      bool    // CPU or workers were scarce
	demand       float64 // all completed work against the quiet time
	clients      []diagnose.Client
	clientsShare float64 // of the busiest five
	fault        float64 // share of answers of the failure size
}

func floodOf(c *diagnose.Case, class string) flood {
	in := c.Troubled()
	now, quiet := c.Traffic(in), c.Traffic(c.Quiet)
	f := flood{class: class, now: now[class].Rate(), quiet: quiet[class].Rate(), compared: !c.Quiet.Zero() && !c.Outage.Zero()}
	f.share, f.timed = diagnose.WorkerShare(now, class)
	load := c.Load(in)
	f.php = load.ShareOf(load.PHP)
	f.starved = c.Starved(in) || c.Workers(in) >= 0.99
	if q := diagnose.DynamicRate(quiet); q > 0 {
		f.demand = diagnose.DynamicRate(now) / q
	}
	f.clients = c.Clients(in, class)
	f.clientsShare = topShare(f.clients, now[class].Count)
	if n := now[class].Count; n > 0 {
		f.fault = float64(now[class].Fault) / float64(n)
	}
	return f
}

func topShare(clients []diagnose.Client, all int64) float64 {
	sum := int64(0)
	for _, k := range clients[:min(len(clients), 5)] {
		sum += k.Requests
	}
	if all <= 0 {
		return -1
	}
	return min(float64(sum)/float64(all), 1)
}

// guilty reports whether the class is what the machine could not bear.
func (f flood) guilty() bool {
	if f.now < floodLeastRate || !f.starved {
		return false
	}
	if !f.compared {
		return f.share >= floodShareAlone
	}
	return f.now >= floodFactor*max(f.quiet, 0.1) && f.share >= floodShare
}

// finding makes the argument: the rate rose, it is most of the work, PHP is
// what the CPU went to.
func (f flood) finding(c *diagnose.Case, id string, confidence float64) diagnose.Finding {
	out := diagnose.Finding{
		Share:  diagnose.Share{DatabaseTime: -1, CPU: -1, WorkerTime: f.share},
		Active: c.Troubled(), Confidence: confidence,
		Claim: diagnose.Say(id, "clients", diagnose.Count(len(f.clients)), "rate", diagnose.Number(f.now)),
	}
	if f.php >= 0 {
		out.Share.CPU = f.php * max(f.share, 0)
	}
	for _, k := range f.clients[:min(len(f.clients), 5)] {
		out.About.Clients = append(out.About.Clients, k.Address)
	}
	if len(f.clients) > 0 {
		out.About.Client, out.About.Path = f.clients[0].Address, f.clients[0].Path
	}
	if f.compared {
		out.Proof = append(out.Proof, diagnose.Say("proof-request-rate", "class", f.class, "quiet", diagnose.Number(f.quiet), "outage", diagnose.Number(f.now)))
	} else {
		out.Confidence = min(out.Confidence, 0.7)
		out.Missing = append(out.Missing, diagnose.Say("missing-quiet"))
	}
	if f.timed {
		out.Proof = append(out.Proof, diagnose.Say("proof-worker-share", "class", f.class, "share", diagnose.Share01(f.share)))
	} else {
		out.Proof = append(out.Proof, diagnose.Say("proof-request-share", "class", f.class, "share", diagnose.Share01(f.share)))
		out.Missing = append(out.Missing, diagnose.Say("missing-durations"))
	}
	if f.php >= 0.4 {
		out.Confidence += 0.1
		quiet := c.Load(c.Quiet)
		out.Proof = append(out.Proof, diagnose.Say("proof-php-cpu", "share", diagnose.Share01(f.php), "quiet", diagnose.Share01(quiet.ShareOf(quiet.PHP))))
	}
	if len(f.clients) > 0 && f.clientsShare >= 0.5 {
		out.Proof = append(out.Proof, diagnose.Say("proof-few-clients", "clients", diagnose.Count(min(len(f.clients), 5)), "share", diagnose.Share01(f.clientsShare), "client", f.clients[0].Address))
	}
	return out
}

// cleared gives the numbers that clear the class.
func (f flood) cleared(id, say string) []diagnose.Rejected {
	if f.now == 0 && f.quiet == 0 {
		return nil
	}
	quiet := f.quiet
	if !f.compared {
		quiet = -1
	}
	return []diagnose.Rejected{{ID: id, Metric: "requests_per_second", Baseline: quiet, Window: f.now,
		Say: diagnose.Say(say, "quiet", diagnose.Number(quiet), "outage", diagnose.Number(f.now), "share", diagnose.Share01(max(f.share, 0)))}}
}

// SearchFlood is a few clients that ask for searches which no cache answers.
func SearchFlood() diagnose.Rule {
	return diagnose.Rule{
		ID:     "search-flood",
		Title:  "searches that no cache answers take all workers: demand",
		Source: "the lab; completed work above 1.1 times the quiet time was right in 11 of 11 demand spikes and wrong in 0 of 99 others",
		Needs:  map[string]string{evidence.Traffic{}.Kind(): "missing-traffic"},
		Match: func(c *diagnose.Case) []diagnose.Finding {
			f := floodOf(c, evidence.ClassSearch)
			if c.Outage.Zero() || !f.guilty() {
				return nil
			}
			out := f.finding(c, "search-flood", 0.8)
			if f.clientsShare >= 0.5 {
				out.Confidence += 0.05
			}
			out.Remedies = []string{"rate-limit", "block-clients", "cache-search"}
			return []diagnose.Finding{out}
		},
		Clear: func(c *diagnose.Case) []diagnose.Rejected {
			return floodOf(c, evidence.ClassSearch).cleared("search-flood", "cleared-search-flood")
		},
	}
}

// XMLRPCLoginFlood is log-in attempts through xmlrpc.php that take all workers.
func XMLRPCLoginFlood() diagnose.Rule {
	return diagnose.Rule{
		ID:     "xmlrpc-login-flood",
		Title:  "log-in attempts through xmlrpc.php take all workers",
		Source: "the lab: each attempt costs as much PHP as a page, and its status is 200",
		Needs:  map[string]string{evidence.Traffic{}.Kind(): "missing-traffic"},
		Match: func(c *diagnose.Case) []diagnose.Finding {
			f := floodOf(c, evidence.ClassXMLRPC)
			if c.Outage.Zero() || !f.guilty() {
				return nil
			}
			out := f.finding(c, "xmlrpc-login-flood", 0.8)
			if f.fault >= 0.5 {
				out.Confidence += 0.05
				out.Proof = append(out.Proof, diagnose.Say("proof-login-failures", "share", diagnose.Share01(f.fault)))
			}
			out.Remedies = []string{"close-xmlrpc", "block-clients"}
			return []diagnose.Finding{out}
		},
		Clear: func(c *diagnose.Case) []diagnose.Rejected {
			return floodOf(c, evidence.ClassXMLRPC).cleared("xmlrpc-login-flood", "cleared-login-attack")
		},
	}
}
