package remedy

// adviceSayings are the sentences of what the owner may change by hand; see
// Sayings.
var adviceSayings = map[string][]string{
	"advice-children":         {"pool", "max", "fit", "worker", "memory", "server"}, // bytes of one worker, of the machine, of the database
	"advice-connections":      {"max", "workers"},
	"advice-pool-locks":       {"table", "rows", "locks", "size"}, // bytes of all row locks, of the buffer pool
	"advice-pool-locks-tight": {"table", "rows", "locks", "size"},
	"advice-pool-memory":      {"table", "bytes", "size", "memory"},
	"advice-autoload":         {"bytes"},
	"advice-real-cron":        {"hook"},
	"advice-no-wp-cron":       {},
}
