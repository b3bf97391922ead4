package diagnose

// workersClaims are the sentences about PHP's workers.
func workersClaims() map[string][]string {
	return map[string][]string{
		"slow-outbound-call": {"remote", "workers", "longest"},
		"php-pool-too-small": {"pool", "max", "queue"},
		"php-pool-too-large": {"pool", "max", "each", "memory"},
		"cron-stacking":      {"runs", "hook"},
		"link-self-requests": {"workers", "longest"}, // cron-stacking, where pages ask the site for pages

		"proof-outbound":           {"remote", "workers", "share", "longest"}, // who waits for that address
		"proof-outbound-no-answer": {"remote", "share"},                       // not even a connection comes about
		"proof-completed":          {"quiet", "outage"},                       // requests a second: no demand
		"proof-slow-trace":         {"count", "file", "message"},              // PHP's own log names the file
		"proof-pool-demand":        {"quiet", "outage"},                       // completed a second: demand
		"proof-request-usual":      {"quiet", "outage"},                       // a worker's time by the request
		"proof-pool-room":          {"workers"},                               // that the memory would bear
		"proof-max-children":       {"count", "message"},                      // PHP-FPM says so itself
		"proof-memory-held":        {"workers", "before", "held", "quiet", "memory"},
		"proof-memory-sum":         {"max", "each", "database", "need", "memory"}, // all workers at once do not fit
		"proof-cron-requests":      {"runs", "self"},
		"proof-detached":           {"most", "share"}, // workers that nobody waits for
		"proof-cron-often":         {"hook", "interval"},

		"link-oom-kill": {"service"},

		"cleared-outbound":  {"share"},
		"cleared-pool-cpu":  {"max"},                    // more workers would share the same CPU
		"cleared-pool-slow": {"max", "quiet", "outage"}, // requests became slow, not many
		"cleared-cron":      {"runs", "share"},

		"missing-workers":       {},
		"missing-slow-log":      {},
		"missing-worker-memory": {},
		"missing-pool-limit":    {},
		"missing-memory-held":   {},
		"missing-cron-hook":     {},
	}
}
