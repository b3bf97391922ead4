package attack

// BreakInSayings is the closed set of sentences that evidence of a break-in
// holds, each with the names of its parameters; see diagnose.Claims.
func BreakInSayings() map[string][]string {
	return map[string][]string{
		// Who came in.
		"in-session":         {"user", "address", "attempts", "since"},
		"in-session-exploit": {"user", "address", "attempts", "since"},  // attempts at holes, not at passwords
		"in-session-crowd":   {"user", "address", "addresses", "since"}, // addresses: how many guess as one
		"in-session-near":    {"user", "address", "network", "attempts", "since"},
		"in-key":             {"user", "key", "address", "attempts", "at"},
		"in-key-after":       {"user", "key", "created", "at"}, // at: of the entry before it, here and below
		"in-audit":           {"plugin", "user", "address", "attempts", "at"},
		"in-login":           {"address", "attempts", "at"},
		"in-login-admin":     {"address", "attempts", "at"},
		"in-login-installs":  {"address", "attempts", "at", "posts"},
		"in-xmlrpc":          {"address", "attempts", "at"},
		"in-admin-after":     {"user", "registered", "at"},
		"in-admin-new":       {"user", "registered"},

		// What is there, and what answered.
		"in-shell-file":     {"file", "changed"},
		"in-shell-answered": {"path", "requests", "posts", "at"},
		"in-answered":       {"path", "requests", "posts", "at"},
		"in-answered-gone":  {"path", "requests", "posts", "at"},
		"in-leaked":         {"path", "size", "requests", "at"},
		"in-php-uploads":    {"file", "changed"},
		"in-core-changed":   {"file", "changed"},
		"in-file-after":     {"file", "changed", "at"},
		"in-file-commands":  {"file", "changed"},
		"in-more":           {"count"},

		// What to do about it.
		"do-end-sessions":  {"user"},
		"do-ask-user":      {"user"},
		"do-revoke-key":    {"user", "key"},
		"do-check-keys":    {},
		"do-check-all":     {},
		"do-check-admin":   {"user"},
		"do-remove-file":   {"file"},
		"do-check-file":    {"file"},
		"do-change-leaked": {"path"},
	}
}
