package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// XMLRPCLoginFlood is log-in attempts through xmlrpc.php that take all workers,
// from addresses that can be named.
func XMLRPCLoginFlood() diagnose.Rule {
	return diagnose.Rule{
		ID:     "xmlrpc-login-flood",
		Title:  "log-in attempts through xmlrpc.php take all workers",
		Source: "the lab: each attempt costs as much PHP as a page, and its status is 200",
		Needs:  map[string]string{evidence.Traffic{}.Kind(): "missing-traffic"},
		Match: func(c *diagnose.Case) []diagnose.Finding {
			f := floodOf(c, evidence.ClassXMLRPC)
			if c.Outage.Zero() || !f.guilty() || loginFloodOf(c).byMany() {
				return nil
			}
			out := f.finding(c, "xmlrpc-login-flood", 0.8)
			if f.fault >= 0.5 {
				out.Confidence += 0.05
				out.Proof = append(out.Proof, diagnose.Say("proof-login-failures", "share", diagnose.Share01(f.fault)))
			}
			out.Remedies = f.remedies("close-xmlrpc", "block-clients")
			return []diagnose.Finding{out}
		},
		Clear: func(c *diagnose.Case) []diagnose.Rejected {
			return floodOf(c, evidence.ClassXMLRPC).cleared("xmlrpc-login-flood", "cleared-login-attack")
		},
	}
}
