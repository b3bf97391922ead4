package report

import "maps"

// enPlan says in English how plans, runs and outcomes are told, and what to do
// so that a table stays small.
var enPlan = joined(enPlanFrame, enPlanCodes, enSmall)

// enPlanFrame are the headings and phrases.
var enPlanFrame = map[string]string{
	"ui.no-plans":         "hirune itself can do nothing about the causes of the last verdict. What to do by hand: hirune diagnose --verbose",
	"ui.because":          "Because",
	"ui.refused":          "Refused",
	"ui.instead":          "Instead",
	"ui.takes":            "Takes",
	"ui.changes":          "Changes",
	"ui.locks":            "Locks",
	"ui.disk":             "Disk",
	"ui.risk":             "Risk",
	"ui.undo":             "To undo",
	"ui.irreversible":     "THIS STEP CANNOT BE UNDONE. It is done only if you agree to it by name: {kind}",
	"ui.irreversible-sql": "THIS STEP CANNOT BE UNDONE: take the comment marks off to do it all the same.",
	"ui.exactly":          "Exactly",
	"ui.and-more":         "{x} … and {n} more",
	"ui.in-all":           "In all",
	"ui.by-hand":          "By hand",
	"ui.by-hand-n":        "{n#more thing|more things} that you may change yourself: hirune plan --verbose",
	"ui.undo-all":         "hirune undo --all takes everything back.",
	"ui.undo-but":         "hirune undo --all takes everything back but this: {x}",
	"ui.undo-none":        "This cannot be undone.",
	"ui.about-time":       "about {d}",
	"ui.capped-time":      "about {d} while the CPU is capped",
	"ui.at-once":          "less than a second",
	"ui.rows":             "{rows#row|rows}",
	"ui.stall":            "No visitor waits longer than {d} for it.",
	"ui.disk-needs":       "It needs {x} meanwhile.",
	"ui.disk-frees":       "It gives {x} back.",
	"ui.script-more":      "… {n} more lines; all of them: hirune plan --verbose",
	"ui.h-others":         "The other ways, and why not",
	"ui.h-advice":         "For you to change by hand, if you like",
	"ui.in-file":          "In {file}:",
	"ui.settle":           "Proof",
	"ui.settle-hook":      "hirune verify says whether it helped, once the job {hook} has run again[ (due {due})].",
	"ui.settle-least":     "hirune verify says whether it helped, once the trouble has stayed away for {d}.",
	"ui.waiting":          "waiting",
	"ui.per-second":       "{n}/s",
	"ui.left":             "about {d} left",
	"ui.no-runs":          "Nothing was done here yet.",
	"ui.run":              "Run {n}: {title}: {state}",
	"ui.took":             "took {d}",
	"ui.outcome":          "Outcome",
	"ui.explain":          "EXPLAIN of its DELETE",

	"ui.explain-access":  "is read by",
	"ui.explain-key":     "index",
	"ui.explain-rows":    "rows read",
	"ui.not-achieved":    "wanted: {want}",
	"ui.job":             "The job",
	"ui.job-not-yet":     "has not run again yet[; due {due}]",
	"ui.job-ran":         "it ran again[, due {due}]",
	"ui.job-fast":        "over in less than a second",
	"ui.job-took":        "its statement took {d}",
	"ui.ask-again":       "Ask again",
	"ui.fared-before":    "In the outage a page took {x}.",
	"ui.fared-after":     "Since then: {x}.",
	"ui.fared-now":       "A page takes {x} now.",
	"ui.fared-unwatched": "Since then nobody measured.",
}

// enPlanCodes are the names of steps, of events and of what is waited for.
var enPlanCodes = map[string]string{
	"step.delete-in-chunks.title": "Delete the old rows in small pieces", "step.delete-in-chunks.doing": "deleting old rows",
	"step.keep-and-swap.title": "Copy the rows that stay to a new table and swap the names", "step.keep-and-swap.doing": "copying rows that stay",
	"step.drop-table.title": "Drop the table that was left over", "step.drop-table.doing": "dropping the table",
	"step.rebuild-table.title": "Give the room of the deleted rows back to the disk", "step.rebuild-table.doing": "rebuilding the table",
	"step.add-index.title": "Add an index without stopping readers and writers", "step.add-index.doing": "adding the index",
	"step.explain-statement.title": "Ask how the database would do the clean-up (it only reads)", "step.explain-statement.doing": "asking for the plan",
	"step.kill-query.title": "Stop what holds everything up", "step.kill-query.doing": "stopping the statement",
	"step.write-include.title": "Write one file of our own for the web server, test it, reload", "step.write-include.doing": "changing the web server",
	"step.move-cron-event.title": "Move the job of WordPress to a quiet hour", "step.move-cron-event.doing": "moving the job",
	"step.retention-job.title": "Install a daily job that keeps the table small", "step.retention-job.doing": "installing the job",

	"doing.deleting": "deleting old rows", "doing.copying": "copying rows that stay", "doing.indexing": "adding the index",
	"doing.rolling-back": "the database takes changes back", "doing.testing": "testing", "doing.loading": "loading rows back",
	"doing.rebuilding": "rebuilding the table", "doing.swapping": "swapping the tables", "doing.dropping": "dropping the table", "doing.comparing": "comparing rows",
	"doing.write-include.testing": "testing the web server", "doing.write-include.loading": "reloading the web server", "doing.explain-statement.testing": "asking how the statement would be done",

	"wait.cpu-capped": "the CPU's cap is reached", "wait.slow-pages": "pages take longer than usual",
	"wait.lock-waits": "somebody waits for our locks", "wait.purge-lag": "the database is still cleaning up behind us",
	"wait.disk-low": "the disk is nearly full", "wait.replica-lag": "a replica is behind",
	"wait.paused": "the pause file is there", "wait.metadata-lock": "another statement uses the table",
	"wait.long-transaction": "an open transaction holds the table", "wait.dump-running": "a backup is running",
	"wait.ddl-running": "somebody else changes the table's form", "wait.retry": "it will be tried again",
	"wait.reconnect": "the database cannot be reached",
	"wait.row-locks": "another statement holds the rows", "wait.database-down": "the database cannot be reached", "wait.smaller-chunk": "the piece was too big, it is made smaller",
	"wait.dump-runs": "a backup is running", "wait.other-ddl": "somebody else changes the table's form",
	"wait.long-statement": "a long statement uses the table", "wait.open-transaction": "an open transaction holds the table",
	"wait.table-locked": "the table was not free in time", "wait.plan-not-range": "the database would still read the whole table",
	"wait.cron-changed": "WordPress has changed its schedule meanwhile",

	"risk.none": "none: it only reads", "risk.low": "low: it stops by itself and can be undone",
	"risk.medium": "medium: visitors may notice, or undoing takes long", "risk.high": "high: it cannot be undone, or something is lost",

	"strategy.chunks": "delete in small pieces", "strategy.swap": "copy what stays and swap the names",
	"strategy.truncate": "swap with an empty table", "strategy.refuse-by-plugin": "refuse it by a security plugin",
	"strategy.ban-addresses": "ban the addresses", "strategy.delete-file": "delete the file",

	"state.open": "not finished", "state.done": "done", "state.closed": "given up", "state.undone": "taken back", "state.failed": "failed", "state.stopped": "stopped",

	"event.none": "not begun", "event.begun": "begun", "event.done": "done", "event.found-done": "was so already", "event.failed": "failed",
	"event.stopped": "stopped, can go on", "event.undo-begun": "being taken back", "event.undone": "taken back",
	"event.undo-left": "cannot be undone, left as it is", "event.undo-failed": "taking it back failed",

	"outcome.cured": "cured", "outcome.persists": "not cured: it happened again", "outcome.untested": "not known yet",

	"explain.before": "before", "explain.after-purge": "after the purge", "explain.after-index": "after the index",

	"ran.rescheduled": "WordPress has scheduled it anew", "ran.request": "its request is in the access log", "ran.statement": "its statement was seen",
}

// joined puts the parts of a catalogue together.
func joined(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range parts {
		maps.Copy(all, m)
	}
	return all
}
