package remedy

// webSayings are the sentences of close-xmlrpc; see Sayings.
var webSayings = map[string][]string{
	// Why nothing is done, and what to do instead.
	"web-unread":            {"why"},
	"web-no-server":         {},
	"web-no-place":          {"why"},
	"web-odd-name":          {"file"},
	"web-already-closed":    {"path"},
	"instead-web-lines":     {},
	"instead-web-undo":      {},
	"web-would-break":       {"path"},
	"web-would-still-break": {"path"}, // with those let through that the user has named
	"instead-web-let":       {"name"},
	"web-allow-bad":         {"address"},
	"web-allow-wide":        {"address"},
	"web-allow-local":       {"address"},
	"web-allow-many":        {"count", "most"},
	"web-proxied":           {"share"},

	// Who uses it.
	"web-caller":            {"caller", "requests", "last", "address"},
	"web-more-callers":      {"count"},
	"web-jetpack-active":    {},
	"web-jetpack-elsewhere": {},
	"web-log-unread":        {},
	"web-site-unread":       {"why"}, // application passwords and pingbacks
	"web-nobody":            {"days", "requests"},
	"web-short-log":         {"days"},
	"web-given-up":          {"name"},
	"web-let-through":       {"addresses"},
	"web-apps-move":         {},
	"web-no-address":        {},
	"web-pingbacks-end":     {},

	// What it does, and what it does not.
	"web-closes":         {"path", "server"},
	"web-absent":         {"path"},
	"web-refused-by-php": {"path"},
	"web-stays-open":     {},
	"web-attempts-go-on": {},
	"web-other-sites":    {},
	"web-behind-proxy":   {"share"},
	"web-why-not-plugin": {},
	"web-why-not-bans":   {},
	"web-why-not-delete": {},

	// The step.
	"web-step-writes":   {"file"},
	"web-step-hook":     {"file", "line"},
	"web-step-tests":    {},
	"web-step-proves":   {"path"},
	"web-locks-nothing": {},
	"web-undo":          {"file"},

	// Lines to write by hand.
	"web-by-hand-apache": {},
	"web-by-hand-nginx":  {},
	"web-fix":            {},
}
