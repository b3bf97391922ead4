package diagnose

// changesClaims are the sentences about what was changed. what and verb are words
// of evidence.Change.
func changesClaims() map[string][]string {
	return map[string][]string{
		"changed-just-before":   {"what", "name", "verb", "from", "to", "at"},
		"proof-fails-in":        {"count", "file", "message"}, // PHP gave up there
		"proof-first-sign":      {"after", "at"},              // of the trouble, after the change; none before
		"proof-new-statement":   {"connections", "digest", "at"},
		"proof-its-work":        {"name", "share", "quiet"}, // of the database's time, on its tables
		"proof-waited-for":      {"table", "waited"},        // by all that waited for its locks
		"missing-before-change": {"at"},                     // whether it failed before is not known
		"cleared-change":        {"what", "name", "verb", "at", "errors", "share"},
		"php-fatal":             {"file", "mb"},
		"proof-fatal-covers":    {"count", "failed"}, // lines of PHP, failed answers
		"missing-php-log":       {},
		"missing-fatal-need":    {"file"}, // what that code asks is not there
		"missing-fatal-caller":  {"file"}, // a file that is no plugin's
		"missing-memory-holder": {"file"}, // the line names who asked last
		"why-changed":           {"what", "name", "verb", "from", "to", "at", "after"},
		"note-changed-before":   {"what", "name", "verb", "from", "to", "at"},
	}
}
