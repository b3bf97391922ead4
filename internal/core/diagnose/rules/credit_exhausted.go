package rules

import (
	"cmp"
	"slices"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const (
	// burnLeast is how many times what is given now must have been used before:
	// who uses less than he earns spends no credit.
	burnLeast = 1.15
	burnMuch  = 1.5
	// culpritShare is from which share of the CPU or of the requests on something is
	// a culprit of its own.
	culpritShare = 0.5
)

// baselines are the shares of each CPU that burstable plans earn.
var baselines = []float64{0.05, 0.10, 0.20, 0.225, 0.25, 0.30, 0.40}

// CreditExhausted is a site that uses more CPU than its plan earns, evenly and
// for long, until the credit is spent. Nothing grew that could be blamed.
func CreditExhausted() diagnose.Rule {
	return diagnose.Rule{
		ID:       "credit-exhausted",
		Title:    "the site uses steadily more CPU than the plan earns, until the burst credit is spent",
		Source:   "Lightsail's and EC2's pages on burst credit: steal with the CPU in use at the baseline, after a time above it; public case 26",
		Needs:    map[string]string{evidence.Host{}.Kind(): "missing-host"},
		Match:    matchCreditExhausted,
		Clear:    clearCredit,
		Residual: true,
	}
}

func matchCreditExhausted(c *diagnose.Case) []diagnose.Finding {
	s, ok := c.Squeezed()
	// 1. The CPU is held back from then on, at a level that it does not leave.
	if !ok || !s.Flat || !s.Stolen && !s.Lowered() || s.Stolen && baselineOf(s) == 0 {
		return nil
	}
	// 2. Before, more than that was used, and evenly: nothing grew.
	before, during, fell := c.Fell(s)
	if !s.Steady || s.Burnt < burnLeast*s.Given || !fell || grew(c, s) {
		return nil
	}
	f := diagnose.Finding{
		Active: diagnose.Span{From: s.Earlier.From, To: s.Span.To}, Confidence: 0.72,
		Share: diagnose.Share{DatabaseTime: -1, CPU: s.Held / (s.Held + s.Given), WorkerTime: -1},
		Claim: diagnose.Say("credit-exhausted", "used", diagnose.Number(s.Burnt), "earned", diagnose.Number(s.Given)),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-credit-burn", "used", diagnose.Number(s.Burnt), "during", s.Earlier.Duration(), "earned", diagnose.Number(s.Given)),
			diagnose.Say("proof-completed-fell", "before", diagnose.Number(before), "during", diagnose.Number(during)),
		},
		Steps:    []diagnose.Link{squeezeLink(s, "link-credit-capped")},
		Remedies: []string{"use-less-cpu", "page-cache", "bigger-plan"},
	}
	f.Active.From = s.Span.From
	if s.Burnt >= burnMuch*s.Given {
		f.Confidence += 0.05
	}
	if s.Stolen {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-credit-pinned", "busy", diagnose.Share01(s.Given/s.CPUs), "steal", diagnose.Share01(s.Held/s.CPUs), "baseline", diagnose.Share01(baselineOf(s))))
	} else {
		f.Confidence += 0.1
		f.Proof = append(f.Proof, diagnose.Say("proof-credit-lowered", "quota", diagnose.Number(s.Quota), "at", s.Span.From))
	}
	if who, share, known := busiestPart(c, s); known {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-no-culprit", "class", who, "share", diagnose.Share01(share)))
	}
	// The account itself was not seen: somebody may have set that limit by hand.
	f.Confidence = min(f.Confidence, 0.88)
	f.Missing = append(f.Missing, diagnose.Say("missing-credit"))
	return []diagnose.Finding{f}
}

// squeezeLink is the step that the CPU is held back, as its rule says it.
func squeezeLink(s diagnose.Squeeze, say string) diagnose.Link {
	share := diagnose.UnknownShare
	share.CPU = s.Held / (s.Held + s.Given)
	return diagnose.Link{ID: "cpu-capped", Role: diagnose.RoleStep, Span: s.Span, Share: share,
		Say: diagnose.Say(say, "given", diagnose.Number(s.Given), "held", diagnose.Number(s.Held))}
}

// baselineOf is the baseline of a plan at which the CPU in use stays; 0 if there
// is no such plan.
func baselineOf(s diagnose.Squeeze) float64 {
	share := s.Given / s.CPUs
	for _, b := range baselines {
		if share >= 0.8*b-0.01 && share <= 1.15*b+0.01 {
			return b
		}
	}
	return 0
}

// grew reports whether something took a larger part of the CPU, or sent more, when
// it was held back than before: then that is to be found out first.
func grew(c *diagnose.Case, s diagnose.Squeeze) bool {
	was, is := c.Load(s.Earlier), c.Load(s.Span)
	if is.ShareOf(is.Database)-was.ShareOf(was.Database) > 0.2 {
		return true
	}
	for _, j := range c.Jobs(diagnose.Span{From: s.Earlier.From, To: s.Span.To}) {
		if j.CPU > jobLeastShare*max(was.Busy, 0.1) && was.Busy > 0 && j.Active.From.After(s.Earlier.From.Add(orderSlack)) {
			return true
		}
	}
	// Rises within the time before are told by the rates themselves.
	rates := c.Rates(s.Earlier, diagnose.Dynamic)
	n := len(rates)
	if n < 6 {
		return false
	}
	middle := slices.Sorted(slices.Values(rates))[n/2]
	return mean(rates[n/2:]) > 1.4*mean(rates[:n/2])+1 || slices.Max(rates) > 2*middle+2
}

// busiestPart is the class that most requests were of before, and its share. It is
// not known where one is so much of it that it is a culprit: attempts to log in,
// searches, one client.
func busiestPart(c *diagnose.Case, s diagnose.Squeeze) (class string, share float64, known bool) {
	all := c.Traffic(s.Earlier)
	names := make([]string, 0, len(all))
	for name := range all {
		if diagnose.Dynamic(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(all[b].Count, all[a].Count), cmp.Compare(a, b)) })
	if len(names) == 0 {
		return "", 0, false
	}
	share, _ = diagnose.WorkerShare(all, names[0])
	switch names[0] {
	case evidence.ClassPage, evidence.ClassQuery, evidence.ClassAdmin, evidence.ClassREST, evidence.ClassAjax, evidence.ClassFeed, evidence.ClassPHP:
		return names[0], share, oneSenderIn(c, s.Earlier) < culpritShare
	}
	return names[0], share, share < culpritShare
}

// oneSenderIn is the share of the requests of a span that its busiest client sent.
func oneSenderIn(c *diagnose.Case, s diagnose.Span) float64 {
	all, by := int64(0), map[string]int64{}
	var classes []string
	for class, r := range c.Traffic(s) {
		if diagnose.Dynamic(class) {
			all, classes = all+r.Count, append(classes, class)
		}
	}
	most := int64(0)
	for _, k := range c.Clients(s, classes...) {
		by[k.Address] += k.Requests
		most = max(most, by[k.Address])
	}
	return float64(most) / float64(max(all, 1))
}

// clearCredit says that the CPU was never held back.
func clearCredit(c *diagnose.Case) []diagnose.Rejected {
	in := c.Troubled()
	l := c.Load(in)
	held, _ := c.Capped(in)
	if c.Outage.Zero() || l.Capacity <= 0 || !held.Zero() || l.Steal > 0.02*l.Capacity || l.Confined {
		return nil
	}
	return []diagnose.Rejected{{ID: "credit-exhausted", Metric: "steal_share", Window: l.Steal / l.Capacity,
		Say: diagnose.Say("cleared-credit", "busy", diagnose.Share01(l.Busy/l.Capacity))}}
}
