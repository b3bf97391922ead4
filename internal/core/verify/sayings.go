package verify

// Sayings is the closed set of sentences of an Outcome; see diagnose.Claims. An
// Outcome can hold sentences of diagnose.Claims, too: what a rule misses.
func Sayings() map[string][]string {
	return map[string][]string{
		// Cured.
		"verify-job-quick":   {"hook", "due"},                   // its statement was never seen: less than a second
		"verify-job-took":    {"hook", "due", "took", "before"}, // against the outage
		"verify-job-done":    {"hook", "due"},                   // it ran; for how long is not known
		"verify-rule-silent": {},                                // the accusing rule finds nothing
		"verify-visitors":    {"typical", "worst"},              // how they fared meanwhile
		"verify-calm":        {"watched", "rate", "usual"},      // without a job: no trouble under the usual demand
		"verify-host-job":    {"job"},                           // the host starts it by the clock; nobody saw it

		// Persists.
		"verify-fires":          {"at"},
		"verify-fires-harmless": {"at"},            // visitors did not feel it
		"verify-suffered":       {"at", "running"}, // beside the same statement

		// Untested.
		"verify-not-due":         {"hook", "due"},
		"verify-no-due":          {"hook"}, // when it is due is not known
		"verify-settling":        {"hook", "until"},
		"verify-job-not-run":     {"hook", "due"}, // wp-cron waits for a visit
		"verify-job-gone":        {"hook"},        // off the schedule
		"verify-not-watched":     {},              // nothing was recorded since
		"verify-gap":             {"from", "to"},  // when the job ran
		"verify-visitors-unseen": {},              // neither probe nor timed requests
		"verify-other-trouble":   {"at"},          // not from this cause
		"verify-still-down":      {"since"},       // the old trouble has not ended
		"verify-short":           {"watched", "least"},
		"verify-few-visitors":    {"rate", "usual"},
		"verify-usual-unknown":   {},
	}
}
