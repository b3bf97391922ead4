package attack

// stop is what ends a kind of attack.
type stop struct {
	path   string // of the endpoint, to be shown; "" the attack's own
	closes string // remedy that closes it
	limits bool   // a rate limit helps
	limit  string // hirune's own name of that limit; "" : it sets none there
	guess  bool   // it guesses passwords: worth a ban even where it costs nothing
	only   string // the one proposal that fits: bans would hit the wrong ones, or do nothing
}

// ignore stands for stop.only where nothing is to be done: one request of the
// kind proves nothing against who sent it.
const ignore = "ignore"

// stops are what ends each attack. Who is banned for an attack sent it; who is
// made to send it (pingbacks) or may be welcome (crawlers) is not.
var stops = map[string]stop{
	"xmlrpc-brute-force": {path: "/xmlrpc.php", closes: "close-xmlrpc", guess: true},
	"xmlrpc-distributed": {path: "/xmlrpc.php", closes: "close-xmlrpc", guess: true},
	"xmlrpc-multicall":   {path: "/xmlrpc.php", closes: "close-xmlrpc", guess: true},
	"pingback-reflector": {path: "/xmlrpc.php", closes: "close-xmlrpc"},
	"pingback-flood":     {only: ProposeAgent},

	"wp-login-brute-force": {limits: true, limit: "login", guess: true},
	"wp-login-distributed": {limits: true, limit: "login", guess: true},

	"php-in-uploads": {}, "sensitive-files": {}, "sql-injection": {}, "cross-site-scripting": {}, "path-traversal": {},
	"webshell-probing": {}, "plugin-probing": {}, "user-enumeration": {},

	"comment-spam":     {path: "/wp-comments-post.php", limits: true},
	"search-flood":     {limits: true, limit: "search"},
	"cache-bust-flood": {limits: true},
	"crawler-trap":     {only: ProposeRules},
	"crawler-load":     {only: ProposeRules},

	"open-proxy": {only: ignore}, "fake-search-bot": {only: ignore},
}

func stopOf(id string) stop { return stops[id] }
