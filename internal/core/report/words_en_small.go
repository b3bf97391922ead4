package report

// enSmall says in English how a table is kept small, and gives advice.
var enSmall = map[string]string{
	"claim.small-why":             "Even after a clean-up, rows are written to {table} each day. A job of our own takes the old ones away daily in small pieces at a quiet hour, so that the plugin's own job finds little left to do, and also when that one fails.",
	"claim.small-steady":          "If it grows as it does now and rows are kept for {keep}, {table} will hold about {rows#row|rows}[ ({bytes})].",
	"claim.small-still-large":     "That is not much smaller than {table} is now: keep rows for a shorter time (--keep 30d), or stop what writes them.",
	"claim.small-job":             "Each day at {when} (the machine's clock) it deletes rows of {table} that are older than {keep}.",
	"claim.small-for-good":        "These are the rows that the plugin itself would delete. The job keeps no copy of them.",
	"claim.small-for-good-sooner": "You want them gone sooner than the plugin does[, which keeps them for {own}]. The job keeps no copy of them.",
	"claim.small-locks-none":      "It locks nothing.",
	"claim.small-move":            "{hook} was due {due}; it is moved to {to}. WordPress keeps the time of day from then on.",
	"claim.small-can-move":        "The plugin's own job {hook} can be moved to a quiet hour as well: add --accept {name}",
	"claim.small-no-event":        "{hook} is not in WordPress' schedule as a job that comes again, so it cannot be moved.",
	"claim.small-too-often":       "{hook} runs each {every}: it has no time of day to move to.",
	"claim.small-undo-job":        "hirune undo removes the file {file}.",
	"claim.small-undo-move":       "hirune undo moves {hook} back to the time of day of {due}.",
	"claim.small-constant":        "The plugin {plugin} has a switch for this in wp-config.php, above the line \"That's all, stop editing!\": {constant}[ (without it: {own})]. The line below keeps {days#day|days}.",

	"claim.refused-unattended":    "Neither the plugin's own statement nor what is known of the plugin proves which rows of {table} may go; a job that nobody watches must not guess.",
	"claim.refused-job-condition": "In {table} it is not age alone that says which rows may go, but {column} too; a job knows only an age.",
	"claim.refused-job-name":      "The name {table} holds a character that cron does not take.",
	"claim.small-there":           "The job that keeps {table} small is there already ({file}); to change it, undo it first.",
	"claim.refused-no-cron":       "No cron is installed on this server, so nothing would run the job.",
	"claim.instead-cron":          "Install cron (Debian, Ubuntu: apt install cron; RHEL: dnf install cronie), then run hirune plan again.",
	"claim.refused-no-program":    "It is not known where the program hirune is, and a job needs that.",
	"claim.refused-keep-longer":   "The plugin itself deletes rows of {table} after {own}. A job that keeps them for {keep} would never find any.",
	"claim.instead-install":       "Install it for all users: sudo install -m 0755 hirune /usr/local/bin/hirune",
	"claim.instead-constant":      "Set {constant} in wp-config.php, as below.",

	"claim.advice-children":         "All workers of the PHP pool {pool} together do not fit into memory: {max} may run, one takes up to {worker}, the database {server}, of {memory} in all. With {fit} the machine does not swap, and the database is not killed.",
	"claim.advice-connections":      "PHP may start {workers#worker|workers}, each with a connection to the database, which takes {max}: the last ones get an error instead of a page.",
	"claim.advice-pool-locks":       "A clean-up of the whole of {table} ({rows#row|rows}) needs up to {locks} for its locks, and they come out of the buffer pool of {size}: it fails with error 1206 every time. Restart the database for this at a quiet hour, not while a clean-up runs.",
	"claim.advice-pool-locks-tight": "A clean-up of the whole of {table} ({rows#row|rows}) needs up to {locks} for its locks, and they come out of the buffer pool of {size}: it fails with error 1206 every time. There is no memory for a larger pool, so the table has to become small:",
	"claim.advice-pool-memory":      "{table} takes {bytes}, the database's buffer pool is {size}, and of the {memory} of memory more is free for it. Restart the database for this at a quiet hour.",
	"claim.advice-autoload":         "Each request loads {bytes} of options, whether it needs them or not. This lists the largest; a plugin that is gone may have left them. Do not delete what you do not know.",
	"claim.advice-real-cron":        "{hook} is started by a visitor's request, and then keeps a PHP worker busy. The machine's cron can do that instead, every five minutes:",
	"claim.advice-no-wp-cron":       "Only after that works: visitors' requests start no jobs any more.",
}
