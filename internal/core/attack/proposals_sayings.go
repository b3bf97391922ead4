package attack

// ProposalSayings is the closed set of sentences that proposals hold, each with
// the names of its parameters; see diagnose.Claims.
func ProposalSayings() map[string][]string {
	return map[string][]string{
		"propose-ban":     {"n", "attempts", "all"},
		"propose-ban-why": {"attempts", "attack", "from", "to"},
		"propose-close":   {"attempts", "clients", "path"},
		"propose-limit":   {"attempts", "clients", "path"},
		"propose-rules":   {"attempts", "clients"},
		"propose-agent":   {"attempts", "clients"},

		// Why it must not be done.
		"propose-forgeable":  {},
		"propose-proxy":      {"share", "client"},
		"propose-unnamed":    {"share"},
		"propose-all-spared": {"n"},
	}
}
