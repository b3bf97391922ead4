package diagnose

import "maps"

// Claims is the closed set of sentences that a verdict can hold, each with the
// names of its parameters. The catalogues of package report have words for
// every one of them, in every language; a test holds them together.
func Claims() map[string][]string {
	all := claims()
	for _, part := range []map[string][]string{locksClaims(), queriesClaims(), workersClaims(), hostClaims(), demandClaims(), changesClaims(), coldClaims()} {
		maps.Copy(all, part)
	}
	return all
}

func claims() map[string][]string {
	return map[string][]string{
		// Causes: what is claimed.
		"purge-without-index":  {"table", "column", "running"},
		"link-purge-unseen":    {"table", "column", "hook", "due"}, // purge-without-index, over before anybody looked
		"purge-never-finishes": {"table", "column"},
		"search-flood":         {"clients", "rate"},
		"xmlrpc-login-flood":   {"clients", "rate"},
		"idle-transaction":     {"table", "session", "idle", "waiters"},
		"service-stopped":      {"service", "at"},

		// Proofs: what bears it.
		"proof-no-index":         {"table", "column", "indexes"},
		"proof-explain":          {"table", "access", "rows"},         // EXPLAIN of the recorded text
		"proof-explain-running":  {"table", "access", "rows"},         // while it ran
		"proof-rows-examined":    {"rows", "table_rows", "table"},     // of the statement against the table
		"proof-statement":        {"digest", "at", "running"},         // the statement itself
		"proof-cron-match":       {"hook", "due", "started"},          // it began when the hook was due
		"proof-schedule-match":   {"job", "spec", "due", "started"},   // of the host's own schedules
		"proof-plugin-code":      {"plugin", "file", "hook", "table"}, // one file names both
		"proof-plugin-table":     {"plugin", "table"},                 // its code names the table
		"proof-plugin-prefix":    {"plugin", "table"},                 // by the name of the table only
		"proof-database-cpu":     {"share", "quiet"},                  // of all CPU used, against quiet
		"proof-lock-memory":      {"used", "pool", "share"},           // row locks against the buffer pool
		"proof-lock-table-full":  {"count", "at"},                     // error 1206 in a log
		"proof-table-size":       {"table", "bytes", "rows"},
		"proof-rolled-back":      {"modified", "at"},                   // changes taken back
		"proof-repeats":          {"days"},                             // the same trace on other days
		"proof-request-rate":     {"class", "quiet", "outage"},         // per second
		"proof-request-share":    {"class", "share"},                   // of all requests that cost PHP
		"proof-worker-share":     {"class", "share"},                   // of all worker time
		"proof-php-cpu":          {"share", "quiet"},                   // of all CPU used
		"proof-few-clients":      {"clients", "share", "client"},       // who sends most of them
		"proof-login-failures":   {"share"},                            // answers of the failure size
		"proof-lock-holder":      {"session", "user", "table", "rows"}, // what it holds
		"proof-session-sleeps":   {"session", "idle"},                  // it runs nothing
		"proof-waiters":          {"waiters", "table", "longest"},      // who waits for it
		"proof-cpu-idle":         {"busy"},                             // the machine has nothing to do
		"proof-process-gone":     {"service", "pid", "at"},             // it ran and is gone
		"proof-refused":          {"service"},                          // it does not take connections
		"proof-log-line":         {"service", "message", "at"},         // what it said itself
		"proof-answers":          {"status", "share"},                  // what visitors get
		"proof-no-statement-but": {"cpu", "during"},                    // database CPU without a statement

		// Links of the chain, beyond the causes themselves.
		"link-rollback":      {"table", "running"},
		"link-innodb-purge":  {"cpu", "during"},
		"link-cpu-capped":    {"quota", "throttled"}, // a quota bites: credit is spent
		"link-cpu-stolen":    {"steal", "busy"},      // the hypervisor caps
		"link-cpu-saturated": {"busy"},               // all CPUs are in use
		"link-lock-waits":    {"waiters", "table"},
		"link-workers-full":  {"busy", "max", "queue"},
		"link-visitors-wait": {"quiet", "outage", "worst"},
		"link-visitors-fail": {"share"},
		"link-errors-after":  {"errors", "after"}, // error answers began after saturation
		"link-database-down": {"service"},
		"link-outlasts":      {"after"}, // the site stayed down after the cause ended

		// Suspects that the numbers clear.
		"cleared-request-flood":   {"quiet", "outage"},                                          // requests per second
		"cleared-login-attack":    {"quiet", "outage", "share"},                                 // of worker time or dynamic requests
		"cleared-search-flood":    {"quiet", "outage", "share"},                                 //
		"cleared-attack":          {"suspect", "attempts", "actors", "share", "quiet"},          // of worker time
		"cleared-attack-requests": {"suspect", "attempts", "actors", "share", "quiet"},          // of dynamic requests
		"cleared-attack-writes":   {"suspect", "attempts", "actors", "share", "quiet", "table"}, // too little load; it filled the table
		"cleared-memory":          {"available", "total", "kills"},                              //
		"cleared-disk-space":      {"mount", "free"},                                            //
		"cleared-disk-io":         {"busy"},                                                     //
		"cleared-services":        {"services"},                                                 // all up throughout
		"cleared-locks":           {"waits"},                                                    //
		"cleared-connections":     {"used", "max"},                                              //
		"cleared-purge":           {"table", "running"},                                         // it was no burden
		"cleared-cpu":             {"busy"},                                                     //
		"cleared-noisy-host":      {"steal"},                                                    //

		// Why now, and when again.
		"why-rows-grow":       {"table", "rows", "per_day"},
		"why-old-rows":        {"table", "old", "rows"},
		"why-rows-by-posts":   {"class", "rows", "requests", "days"}, // counted against each other
		"why-starts-over":     {"table"},                             // a restart rolls the purge back
		"again-schedule":      {"hook", "at", "next"},                // wp-cron keeps its phase
		"again-host-schedule": {"job", "at", "next"},                 // crontab or timer
		"again-seen":          {"at", "times"},                       // seen at the same time of the day

		// What is missing.
		"missing-statements": {},
		"missing-plan":       {"table"},
		"missing-indexes":    {"table"},
		"missing-traffic":    {},
		"missing-durations":  {},
		"missing-quiet":      {},
		"missing-origin":     {"table"},
		"missing-host":       {},
		"missing-probe":      {},
		"missing-locks":      {},
		"missing-next-run":   {"at"},
		"missing-mechanism":  {}, // visitors suffered, no rule bears it

		// Notes.
		"note-recorder-cost":   {"cpu"},
		"note-still-down":      {},
		"note-gap":             {"from", "to"},
		"note-clock-step":      {"step"},
		"note-restarted":       {"service", "at"},
		"note-unindexed-purge": {"table", "column"}, // seen, harmless so far
		"note-dead-site":       {"site"},            // never answered, others on the host did
		"note-harmless":        {},                  // the cause is there, visitors did not feel it
	}
}
