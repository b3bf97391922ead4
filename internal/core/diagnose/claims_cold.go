package diagnose

// coldClaims are the sentences about what the server kept by itself.
func coldClaims() map[string][]string {
	return map[string][]string{
		"link-purge-due":        {"table", "column", "hook", "due"}, // purge-without-index, known by its clock
		"proof-due-then":        {"hook", "due", "began"},           // the trouble began when the hook was due
		"proof-would-scan":      {"table", "column", "access", "rows"},
		"proof-oldest-row":      {"table", "oldest", "days", "due"}, // what is left dates the last clean-up
		"proof-logged":          {"digest", "at", "running", "rows"},
		"link-told":             {"service", "message", "at"}, // a service's own log
		"missing-recorder":      {"at"},
		"note-due-then":         {"job", "due", "began"},               // a lead, no accusation
		"note-failed-then":      {"service", "message", "at", "began"}, // a lead, too
		"missing-other-failure": {"service", "message", "at"},          // another explanation
		"missing-more-asked":    {"rate", "usual"},                     // another one
		"again-fold":            {"times", "at"},                       // the same time of the day, by the logs
		"again-fold-week":       {"times", "at"},
		"again-fold-hour":       {"times", "at"},
	}
}
