package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

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
			out.Remedies = f.remedies("rate-limit", "block-clients", "cache-search")
			return []diagnose.Finding{out}
		},
		Clear: func(c *diagnose.Case) []diagnose.Rejected {
			return floodOf(c, evidence.ClassSearch).cleared("search-flood", "cleared-search-flood")
		},
	}
}
