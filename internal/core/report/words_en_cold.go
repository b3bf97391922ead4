package report

// enCold are the English words about what the server kept by itself.
var enCold = map[string]string{
	"claim.link-purge-due":        "When the trouble began, the clean-up {hook} had just become due ({due}). It works on {table}, which has no index that begins with {column}, so it reads the whole table. Nobody watched; this is put together from what the server kept.",
	"claim.proof-due-then":        "WordPress' schedule keeps its time to the second: {hook} was due at {due}, and the trouble began at {began}.",
	"claim.proof-would-scan":      "EXPLAIN of a clean-up of {table} by {column}, asked now: access {access}[, about {rows#row|rows}]. It takes no outage to show that.",
	"claim.proof-oldest-row":      "The oldest row of {table} is from {oldest}, {days#day|days} before the time when the clean-up was due ({due}): rows were deleted up to there, at that time.",
	"claim.proof-logged":          "The slow log tells of the statement[, over at {at}][, after {running}][, {rows#row|rows} read]: {digest}",
	"claim.link-told":             "{service} wrote in its log[ at {at}]: {message}",
	"claim.missing-recorder":      "Nobody watched. What the database and PHP did meanwhile, and who waited for whom, only a recorder tells: let it run[ until {at}, when it comes again].",
	"claim.note-due-then":         "{job} was due at {due}, and the trouble began at {began}. That may be chance; look at what it does.",
	"claim.note-failed-then":      "{service} wrote in its log at {at}: {message}. The trouble began at {began}; look at that first.",
	"claim.missing-other-failure": "There is another explanation: {service} wrote in its log at {at}: {message}. That can be an effect of the clean-up, or the cause of all, such as memory that ran out.",
	"claim.missing-more-asked":    "There is another explanation: just before the trouble up to {rate} requests a second were completed, and {usual} are usual at that time. See in the access log who sent them.",
	"claim.again-fold":            "By the logs it has come {times} times at about {at}, daily.",
	"claim.again-fold-week":       "By the logs it has come {times} times at about {at} on the same day of the week.",
	"claim.again-fold-hour":       "By the logs it has come {times} times, hourly, at about the same minute ({at}).",

	"short.link-purge-due": "Clean-up without an index was due",
	"short.link-told":      "A service says so in its log",

	"class.all": "All requests",

	"ui.how-told": "Nobody measured it: this is what the server's own logs tell.",
}
