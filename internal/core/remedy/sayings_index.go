package remedy

// indexSayings are the sentences of a new index. See Sayings.
var indexSayings = map[string][]string{
	"step-index":             {"table", "index", "columns"},
	"step-explain-index":     {"table"},
	"undo-index":             {"index"},
	"index-there":            {"table", "index", "column"},
	"index-why":              {"table", "columns", "bytes"},
	"index-after-purge":      {"table", "share"}, // of rows that are old
	"index-unproven":         {"table"},
	"index-bounded":          {"stall", "budget", "tries"},
	"index-waits":            {"session", "user", "age"},
	"index-may-wait":         {"session", "user", "age"},
	"index-waits-dump":       {"session", "user", "age"},
	"index-replicas":         {"replicas", "takes"},
	"index-disk-unknown":     {"bytes"},
	"index-again":            {"hook", "next", "schedule"},
	"refused-index-wrapped":  {"table", "column"},
	"refused-index-or":       {"table"},
	"refused-index-unknown":  {"table"},
	"refused-index-type":     {"table", "column", "type"},
	"refused-index-long":     {"table", "column", "bytes", "most"},
	"refused-index-engine":   {"table", "engine"},
	"refused-index-fulltext": {"table"},
	"refused-index-many":     {"table", "count"},
	"refused-index-disk":     {"needs", "free"},
	"refused-index-tmp":      {"needs", "free"},
	"instead-plugin-query":   {},
}
