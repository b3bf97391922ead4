package remedy

// banWebSayings are the sentences about refusing clients, or limiting how often
// they may ask, in the web server; see Sayings.
var banWebSayings = map[string][]string{
	// Where it is done, and what that means.
	"banweb-where": {"servers", "proxied", "message"},
	"banweb-ends":  {},
	"banweb-undo":  {},

	// Why the web server cannot be told whom to refuse.
	"banweb-unknowing": {"servers"},
	"banweb-anyone":    {"servers", "header"},
	"banweb-mixed":     {"servers"},
	"banweb-unread":    {"servers", "addresses"},
	"banweb-no-place":  {"servers", "why"},
	"banweb-none":      {},

	// Lines to write by hand.
	"banweb-teach-apache": {},
	"banweb-teach-nginx":  {},
	"banweb-fix":          {},

	// The limit.
	"limit-does":        {"path", "each", "all"},
	"limit-who-waits":   {"path"},
	"limit-not-bans":    {},
	"limit-step-writes": {"file"},
	"limit-step-tests":  {},
	"limit-step-proves": {"path"},
	"limit-undo":        {"file"},
	"limit-locks":       {},
	"limit-unread":      {"why"},
	"limit-no-server":   {},
	"limit-no-place":    {"why"},
	"limit-there":       {"path"},
	"limit-apache":      {},
	"limit-proxied":     {"share"},

	"instead-limit-lines":  {},
	"instead-limit-xmlrpc": {},
	"instead-limit-login":  {},
	"instead-limit-teach":  {},
	"limit-by-hand":        {},
	"limit-why-not-bans":   {},
}
