package attack

// Sayings is the closed set of sentences that a picture can hold, each with
// the names of its parameters. The catalogues of package report have words for
// every one of them, in every language; a test holds them together.
func Sayings() map[string][]string {
	all := map[string][]string{
		"attack-cluster":         {"agent", "path"}, // agent: "" where it varies
		"attack-prefixes":        {"networks", "network"},
		"attack-refused":         {"share"},
		"attack-verifying":       {},
		"attack-one-size":        {"bytes"},
		"attack-multicall-calls": {"calls"},
		"attack-by-agent":        {"agent", "requests", "share"}, // share: of the work in its worst hour; -1 unknown
		"attack-users-told":      {"count"},
		"attack-leaked":          {"count", "path"},
		"attack-uploaded":        {"count", "path"},
		"attack-trap-urls":       {"path", "urls"},
		"attack-robots":          {"agent"}, // it asked for robots.txt
		"attack-no-robots":       {"agent"},
		"attack-no-assets":       {"client", "requests"},
		"attack-bot-refuted":     {"bot"},
		"harm-unknown":           {"share"}, // of requests
		"harm-estimated":         {},
	}
	for _, d := range Detectors() {
		all["attack-"+d.ID] = []string{"attempts", "clients"}
	}
	// share: of worker time; busy: workers, in the worst minute; workers: -1 unknown.
	for _, id := range []string{"harm-fills", "harm-hurts", "harm-idle", "harm-small", "harm-room", "harm-between"} {
		all[id] = []string{"share", "busy", "workers", "requests"}
	}
	return all
}
