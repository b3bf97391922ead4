package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// neighbourWatched is how long a low use must have been seen to rule spent credit out.
const neighbourWatched = time.Hour

// NoisyNeighbour is the hypervisor giving the CPU to others: it is taken away, and
// no use above the plan went before.
func NoisyNeighbour() diagnose.Rule {
	return diagnose.Rule{
		ID:       "noisy-neighbour",
		Title:    "the hypervisor gives the CPU to other machines, and the site had not used more than it may",
		Source:   "proc(5) on steal; spent credit looks alike, but a time above the baseline goes before it, and the CPU in use stays at the baseline",
		Needs:    map[string]string{evidence.Host{}.Kind(): "missing-host"},
		Match:    matchNoisyNeighbour,
		Residual: true,
	}
}

func matchNoisyNeighbour(c *diagnose.Case) []diagnose.Finding {
	s, ok := c.Squeezed()
	// 1. The hypervisor takes it.
	if !ok || !s.Stolen || s.Earlier.Duration() < squeezedAfter {
		return nil
	}
	// 2. We had not spent anything: less was used before than is left now, or what is
	// left is no plan's baseline.
	before, during, fell := c.Fell(s)
	frugal := s.Burnt < burnLeast*s.Given
	if !fell || grew(c, s) || !frugal && (s.Flat || baselineOf(s) != 0) {
		return nil
	}
	f := diagnose.Finding{
		Active: s.Span, Confidence: 0.7,
		Share: diagnose.Share{DatabaseTime: -1, CPU: s.Held / (s.Held + s.Given), WorkerTime: -1},
		Claim: diagnose.Say("noisy-neighbour", "steal", diagnose.Share01(s.Held/s.CPUs)),
		Proof: []diagnose.Sentence{
			diagnose.Say("proof-neighbour-steal", "steal", diagnose.Share01(s.Held/s.CPUs), "busy", diagnose.Share01(s.Given/s.CPUs), "before", diagnose.Share01(s.Burnt/s.CPUs)),
			diagnose.Say("proof-completed-fell", "before", diagnose.Number(before), "during", diagnose.Number(during)),
		},
		Steps:    []diagnose.Link{squeezeLink(s, "link-neighbour-takes")},
		Remedies: []string{"move-host"},
	}
	if frugal {
		f.Confidence += 0.05
	}
	if !s.Flat {
		f.Confidence += 0.05
		f.Proof = append(f.Proof, diagnose.Say("proof-neighbour-uneven"))
	}
	if s.Earlier.Duration() >= neighbourWatched && frugal {
		f.Confidence += 0.1
	} else {
		f.Missing = append(f.Missing, diagnose.Say("missing-credit"))
	}
	return []diagnose.Finding{f}
}

// squeezedAfter is how much must have been seen of the time before.
const squeezedAfter = 15 * time.Second
