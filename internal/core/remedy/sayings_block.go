package remedy

// blockSayings are the sentences of plans about who is refused; see Sayings. A
// prefix is an address or a network; protected is one of block's reasons.
var blockSayings = map[string][]string{
	"block-one":         {"prefix", "length", "times", "message"}, // times: -1 the first
	"block-one-forever": {"prefix", "message"},
	"block-more":        {"n"},
	"block-not-more":    {"n"},
	"block-split":       {"prefix", "around", "protected"},
	"block-ports":       {"ports"},
	"block-you":         {"addresses"},
	"block-confirm":     {"length"},
	"block-broad":       {"name"},
	"block-locks-none":  {},
	"block-undo":        {},

	"refused-block-protected": {"prefix", "around", "protected"},
	"refused-block-private":   {"prefix"},
	"refused-block-there":     {"prefix"},
	"refused-block-hour":      {"prefix", "most"},
	"refused-block-space":     {"prefix"},
	"refused-block-wide":      {"prefix"},
	"refused-block-proxied":   {"proxied", "message"}, // proxied: how that is known
	"refused-block-since":     {"prefix"},
	"refused-block-address":   {"prefix"},
	"instead-block-broad":     {"name"},
	"instead-block-limit":     {},
	"instead-block-proxied":   {},
	"instead-block-there":     {},

	"unblock-one":  {"prefix", "until", "message"}, // until: zero for ever
	"unblock-more": {"n"},
	"unblock-undo": {},
	"allow-one":    {"prefix"},
	"allow-cut":    {"prefix"},
	"allow-remove": {"prefix"},
	"allow-undo":   {},
	"letin-unkept": {},
}
