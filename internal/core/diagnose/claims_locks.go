package diagnose

// locksClaims are the sentences about who waits for whom in the database.
func locksClaims() map[string][]string {
	return map[string][]string{
		"ddl-behind-long-read":    {"verb", "table", "session", "waiters"},
		"table-locked":            {"table", "session", "waiters", "longest"},
		"link-all-tables-locked":  {"session", "waiters", "longest"},       // table-locked, all tables at once
		"link-myisam-locked":      {"table", "verb", "running", "waiters"}, // table-locked, by a statement at work
		"link-table-rebuilt":      {"table", "verb", "running", "waiters"}, // table-locked, by DDL at work
		"link-user-lock":          {"session", "waiters", "longest"},       // table-locked, by GET_LOCK
		"connections-exhausted":   {"user", "sleeping", "max", "idle"},     //
		"link-account-limit":      {"user", "sleeping", "max", "idle"},     // connections-exhausted, of one account
		"link-connections-unseen": {"max"},                                 // connections-exhausted, by whom nobody saw

		"proof-gate":             {"verb", "digest", "session", "user", "waited"}, // the statement in between
		"proof-holder-sleeps":    {"session", "user", "idle", "at"},               // in a transaction open since
		"proof-holder-reads":     {"session", "user", "digest", "running", "at"},  // at work since
		"proof-holder-idle":      {"session", "user", "idle"},                     // without a transaction
		"proof-holder-works":     {"session", "user", "digest", "running"},        //
		"proof-lock-waiters":     {"waiters", "lock", "longest"},                  //
		"proof-asked-lock":       {"session", "digest", "at"},                     // it was seen to ask for the lock
		"proof-engine":           {"table", "engine"},                             // that locks tables as a whole
		"proof-sessions":         {"user", "count", "sleeping", "idle"},           //
		"proof-refused-logins":   {"count", "max"},                                // by the server's own count
		"proof-beyond-workers":   {"sleeping", "workers"},                         // no request stands behind them
		"proof-sessions-grew":    {"user", "before", "count"},                     //
		"proof-connections-grew": {"before", "count", "user"},

		"cleared-connections-effect": {"max", "waiting", "count"}, // they ran out because of something else

		"missing-lock-holder": {},
		"missing-sessions":    {},
	}
}
