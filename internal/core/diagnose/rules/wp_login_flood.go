package rules

import (
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// WPLoginFlood is log-in attempts through wp-login.php that take all workers,
// from addresses that can be named.
func WPLoginFlood() diagnose.Rule {
	return diagnose.Rule{
		ID:     "wp-login-flood",
		Title:  "log-in attempts through wp-login.php take all workers",
		Source: "the lab: each attempt starts WordPress and works out a password's hash; public case 43",
		Needs:  map[string]string{evidence.Traffic{}.Kind(): "missing-traffic"},
		Match: func(c *diagnose.Case) []diagnose.Finding {
			f := floodOf(c, evidence.ClassLogin)
			if c.Outage.Zero() || !f.guilty() || loginFloodOf(c).byMany() {
				return nil
			}
			out := f.finding(c, "wp-login-flood", 0.8)
			if f.fault >= 0.5 {
				out.Confidence += 0.05
				out.Proof = append(out.Proof, diagnose.Say("proof-login-failures", "share", diagnose.Share01(f.fault)))
			}
			out.Remedies = f.remedies("rate-limit", "block-clients", "guard-login")
			return []diagnose.Finding{out}
		},
		Clear: func(c *diagnose.Case) []diagnose.Rejected {
			return floodOf(c, evidence.ClassLogin).cleared("wp-login-flood", "cleared-wp-login")
		},
	}
}
