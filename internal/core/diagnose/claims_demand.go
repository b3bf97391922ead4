package diagnose

// demandClaims are the sentences about what is asked of the site.
func demandClaims() map[string][]string {
	return map[string][]string{
		"crawler-trap":        {"pattern", "clients", "rate"},
		"link-missing-probes": {"clients", "rate"}, // crawler-trap, where nothing answers the addresses
		"login-flood-by-many": {"clients", "rate"},
		"wp-login-flood":      {"clients", "rate"},
		"request-flood":       {"clients", "rate"},
		"credit-exhausted":    {"used", "earned"}, // CPUs
		"noisy-neighbour":     {"steal"},
		"cpu-quota":           {"quota", "cpus"},
		"visitor-rush":        {"rate", "quiet"},

		"proof-request-hour":     {"class", "usual", "outage"}, // against the same hour of other days
		"proof-many-clients":     {"clients", "share"},         // and what the busiest sends
		"proof-two-doors":        {"login", "xmlrpc"},          // shares of the attempts
		"proof-trap-missing":     {"pattern", "requests"},
		"proof-trap-fresh":       {"pattern", "requests", "share"}, // whose address nobody asked for before
		"proof-trap-robot":       {"robot"},
		"proof-trap-clients":     {"clients", "each"},
		"proof-trap-rate":        {"pattern", "quiet", "outage"}, // per second
		"proof-trap-share":       {"pattern", "share"},           // of all worker time
		"proof-trap-requests":    {"pattern", "share"},           // of all requests that cost PHP
		"proof-credit-burn":      {"used", "during", "earned"},   // CPUs
		"proof-completed-fell":   {"before", "during"},           // per second
		"proof-credit-pinned":    {"busy", "steal", "baseline"},  // the CPU in use stays at a plan's baseline
		"proof-credit-lowered":   {"quota", "at"},                // the limit came then
		"proof-no-culprit":       {"class", "share"},             // the largest part is an ordinary one
		"proof-neighbour-steal":  {"steal", "busy", "before"},    //
		"proof-neighbour-uneven": {},                             // no fixed level is left, as a plan's would be
		"proof-quota-throttled":  {"quota", "held"},              // CPUs
		"proof-arrivals":         {"arrived", "quiet"},           // per second, whether completed or not
		"proof-rush-files":       {"files", "quiet"},             // per second
		"proof-rush-many":        {"clients"},                    // that read at the same time
		"proof-quota-room":       {"busy", "cpus"},               // of the machine

		"link-credit-capped":   {"given", "held"}, // CPUs
		"link-neighbour-takes": {"given", "held"},
		"link-quota-bites":     {"given", "held"},

		"cleared-wp-login":   {"quiet", "outage", "share"},
		"cleared-trap":       {"pattern", "quiet", "outage", "share"},
		"cleared-credit":     {"busy"},
		"cleared-flood-hour": {"usual", "outage"}, // more than in the quiet time, no more than at that hour of other days

		"missing-paths":              {},
		"missing-credit":             {},
		"missing-cgroup":             {},
		"missing-visitors-addresses": {"client"}, // a proxy in front hides them

		"note-rush":         {"rate", "quiet"},                 // many came, few were completed
		"note-page-cost":    {"now", "quiet", "rate", "usual"}, // of PHP's CPU, where no cause is found
		"note-asked-most":   {"pattern", "rate", "quiet"},      // where no cause is found
		"note-asked-itself": {"pattern", "rate", "quiet"},      // by the server
	}
}
