package diagnose

// queriesClaims are the sentences about what the database is asked.
func queriesClaims() map[string][]string {
	return map[string][]string{
		"unindexed-select":       {"table", "column", "copies"},
		"link-select-wide":       {"table", "rows", "copies"}, // unindexed-select, where an index is used that spares little
		"many-tiny-queries":      {"count", "quiet"},          // statements by request
		"autoload-bloat":         {"table", "bytes"},
		"link-cron-crowded":      {"events", "bytes"}, // autoload-bloat, of the option cron
		"link-options-rewritten": {"table"},           // autoload-bloat, of one that is written all the time
		"link-options-huge":      {"table", "bytes"},  // autoload-bloat, of the table as a whole

		"proof-crowd":          {"digest", "copies", "share", "longest"}, // the statement, and its part of the database's time
		"proof-explain-wide":   {"table", "index", "rows"},
		"proof-rows-read":      {"quiet", "outage"}, // a second
		"proof-more-asked":     {"quiet", "outage"}, // requests a second: demand, too
		"proof-not-before":     {"at"},
		"proof-questions":      {"quiet", "outage"}, // statements a second
		"proof-shape-seen":     {"digest", "share", "connections", "longest"},
		"proof-shape-counted":  {"digest", "count", "share", "mean"}, // by the server itself
		"proof-by-key":         {"table", "index", "rows"},
		"proof-cpu-each":       {"quiet", "outage"}, // of PHP and the database, by request
		"proof-option-largest": {"option", "bytes", "plugin"},
		"proof-options-share":  {"table", "share", "digest"},
		"proof-options-grew":   {"before", "after", "at"},
		"proof-cron-crowded":   {"before", "events", "bytes"},
		"proof-cron-hook":      {"hook", "plugin"},
		"proof-redo":           {"quiet", "outage"}, // bytes a second

		"cleared-rows":    {"quiet", "outage"},
		"cleared-tiny":    {"quiet", "outage"},
		"cleared-options": {"bytes", "events", "share"},

		"missing-shape":   {},
		"missing-options": {},
	}
}
