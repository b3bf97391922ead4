package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// CPUQuota is a limit of a control group that was there all along: the site may
// not use the CPU that the machine has. It bites when more is asked.
func CPUQuota() diagnose.Rule {
	return diagnose.Rule{
		ID:       "cpu-quota",
		Title:    "a CPU limit of the site's container or service bites, while the machine has CPU to spare",
		Source:   "the kernel's documentation on cpu.max and cpu.cfs_quota_us: throttled time, with no steal",
		Needs:    map[string]string{evidence.Cgroup{}.Kind(): "missing-cgroup"},
		Match:    matchCPUQuota,
		Residual: true,
	}
}

// quotaRoom is the share of the machine's CPU in use up to which it has some to
// spare, and quotaSpent from which on nobody would get more without the limit.
const (
	quotaRoom  = 0.7
	quotaSpent = 0.95
)

func matchCPUQuota(c *diagnose.Case) []diagnose.Finding {
	s, ok := c.Squeezed()
	// 1. A limit bites that was there before, and all that it allows is used.
	if !ok || s.Stolen || s.Quota <= 0 || s.Lowered() || s.Before <= 0 || !s.Flat || c.Quiet.Zero() {
		return nil
	}
	// 2. The machine is not spent itself.
	busy := c.BusyShare(s.Span)
	if busy < 0 || busy >= quotaSpent || s.Quota >= 0.95*s.CPUs {
		return nil
	}
	// 3. More is asked of the site than in the quiet time: that is why it bites now.
	quiet, now := c.QuietRate(diagnose.Dynamic), c.Rate(c.Outage)
	came, _, _, rush := c.Rush()
	if quiet <= 0 || now <= diagnose.DemandFactor*quiet+chanceRise(quiet, now, c) && !rush {
		return nil
	}
	f := diagnose.Finding{
		Active: s.Span, Confidence: 0.75,
		Share: diagnose.Share{DatabaseTime: -1, CPU: s.Held / (s.Held + s.Given), WorkerTime: -1},
		Claim: diagnose.Say("cpu-quota", "quota", diagnose.Number(s.Quota), "cpus", diagnose.Number(s.CPUs)),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-quota-throttled", "quota", diagnose.Number(s.Quota), "held", diagnose.Number(s.Held)),
		},
		Steps:    []diagnose.Link{squeezeLink(s, "link-quota-bites")},
		Remedies: []string{"raise-quota", "page-cache"},
	}
	if rush {
		f.Proof = append(f.Proof, diagnose.Say("proof-arrivals", "arrived", diagnose.Number(came), "quiet", diagnose.Number(quiet)))
	} else {
		f.Proof = append(f.Proof, diagnose.Say("proof-pool-demand", "quiet", diagnose.Number(quiet), "outage", diagnose.Number(now)))
	}
	if busy <= quotaRoom {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-quota-room", "busy", diagnose.Share01(busy), "cpus", diagnose.Number(s.CPUs)))
	}
	if s.Given >= 0.9*s.Quota {
		f.Confidence += 0.05
	}
	if s.Held >= s.Given {
		f.Confidence += 0.05
	}
	return []diagnose.Finding{f}
}
