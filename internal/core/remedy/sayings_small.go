package remedy

// smallSayings are the sentences of keeping a table small; see Sayings.
var smallSayings = map[string][]string{
	"small-why":             {"table"},
	"small-there":           {"table", "file"},                  // the job is there already
	"small-steady":          {"table", "rows", "bytes", "keep"}, // what it will hold, if it grows as it does now
	"small-still-large":     {"table"},
	"small-job":             {"table", "keep", "when"}, // when: a time of day
	"small-for-good":        {},
	"small-for-good-sooner": {"own"}, // own: -1 unknown
	"small-locks-none":      {},
	"small-move":            {"hook", "due", "to"},
	"small-can-move":        {"hook", "name"},  // name: what the user accepts
	"small-no-event":        {"hook"},          // it is not in WordPress' schedule
	"small-too-often":       {"hook", "every"}, // it has no time of day to move to
	"small-undo-job":        {"file"},
	"small-undo-move":       {"hook", "due"},
	"small-constant":        {"constant", "plugin", "days", "own"}, // days as a plain number, as the line has it

	"refused-unattended":    {"table"},
	"refused-job-condition": {"table", "column"},
	"refused-job-name":      {"table"},
	"refused-no-program":    {},
	"refused-no-cron":       {},
	"instead-cron":          {},
	"refused-keep-longer":   {"table", "keep", "own"},
	"instead-install":       {},
	"instead-constant":      {"constant"},
}
