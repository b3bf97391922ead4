package audit

// Sayings is the closed set of sentences that an audit can hold, each with the
// names of its parameters. The catalogues of package report have words for each.
func Sayings() map[string][]string {
	return map[string][]string{
		"risk-purge":              {"table", "column", "limit", "running", "takes"},
		"risk-lock-memory":        {"table", "limit", "pool"},
		"risk-memory":             {"workers", "need", "total", "fit"},
		"risk-connections":        {"workers", "max"},
		"risk-credit":             {"busy", "baseline"},
		"risk-disk":               {"mount", "free", "share", "per_day"},
		"risk-inodes":             {"mount", "free", "share", "per_day"},
		"risk-logged-locks":       {"count", "at"},
		"risk-logged-workers":     {"count", "at"},
		"risk-logged-connections": {"count", "at"},
		"risk-logged-memory":      {"count", "at"},
		"risk-logged-disk":        {"count", "at"},
		"risk-xmlrpc":             {"per_day"},
		"risk-cron":               {"site", "since"},
		"risk-cron-off":           {"site", "since"},
		"risk-autoload":           {"table", "bytes", "options"},
		"risk-cron-crowded":       {"events", "bytes"},

		"audit-table":       {"table", "bytes", "rows", "per_day", "oldest"},
		"audit-clean-up":    {"table", "column", "hook", "plugin"},
		"audit-memory":      {"worker", "server", "system", "swap"},
		"audit-connections": {"used", "max"},
		"audit-credit":      {"busy", "days"},
		"audit-room":        {"mount", "days"},
		"audit-line":        {"message"},
		"audit-xmlrpc":      {"requests", "days", "share"},
		"audit-cron":        {"events", "since"},
		"audit-option":      {"option", "bytes", "plugin"},

		"unknown-memory": {},
		"unknown-plan":   {},
		"unknown-use":    {},
		"unknown-room":   {},
	}
}
