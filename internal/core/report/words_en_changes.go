package report

// enChanges are the English words about what was changed.
var enChanges = map[string]string{
	"cause.changed-just-before.title": "A change that broke the site",
	"cause.changed-just-before.means": "Something of your site or server was changed just before, for example by an automatic update. It does not only lie close in time: what fails or takes the time since then is a part of what was changed.",

	"claim.changed-just-before": "The {what} {name} was {verb}[ from {from}][ to {to}] at {at}. What fails or takes the time since then is its own.",
	"short.changed-just-before": "A change breaks the site",

	"claim.proof-fails-in":        "PHP gave up in {file} {count#time|times}: {message}",
	"claim.proof-first-sign":      "The first sign came {after} after the change[ of {at}]; before it there was none.",
	"claim.proof-new-statement":   "This statement was not seen before the change[ of {at}]; since then {connections#connection|connections} ran it: {digest}",
	"claim.proof-its-work":        "Statements on the tables of {name}, with those that wait for them, are {share} of the database's work[; in the quiet time {quiet}].",
	"claim.proof-waited-for":      "Others waited {waited} in all for locks on {table}.",
	"claim.missing-before-change": "Whether it failed before {at}, too, is not known: nothing that was kept reaches back so far.",
	"claim.cleared-change":        "Not the {what} {name}, {verb} at {at}: {errors#error|errors} in its files, {share} of the database's work.",
	"cause.php-fatal.title":       "A page ends with an error of PHP",
	"cause.php-fatal.means":       "PHP gives up in the middle of nearly every page, always at the same code, and visitors get an error instead of the page. More visitors, the database or the server's speed are not the matter; the code is, or what it works on.",
	"claim.php-fatal":             "PHP gives up in {file}, and visitors get an error page[; there it wanted more memory than the {mb} MB that one request may use].",
	"short.php-fatal":             "PHP gives up",

	"claim.proof-fatal-covers":    "PHP wrote {count#such line|such lines} while {failed#answer|answers} failed.",
	"claim.missing-php-log":       "PHP's error log was not read: it names the file in which PHP gives up (php.ini: log_errors = On, error_log = FILE).",
	"claim.missing-fatal-need":    "{file} says that something it needs did not answer or is missing: look at that first.",
	"claim.missing-fatal-caller":  "{file} belongs to no plugin or theme: which code called it is in PHP's error log, below \"Stack trace\".",
	"claim.missing-memory-holder": "{file} asked for memory last; that it also held the most is not recorded.",
	"claim.why-changed":           "The {what} {name} was {verb}[ from {from}][ to {to}] {after} before, at {at}.",
	"claim.note-changed-before":   "The {what} {name} was {verb}[ from {from}][ to {to}] at {at}. Nothing that was recorded shows that it matters.",

	"what.plugin": "plugin", "what.theme": "theme", "what.core": "program", "what.package": "package", "what.config": "setting file",
	"verb.updated": "updated", "verb.installed": "installed", "verb.activated": "switched on", "verb.deactivated": "switched off", "verb.removed": "removed", "verb.edited": "changed",

	"remedy.switch-off-code.title": "Switch the failing code off",
	"remedy.switch-off-code.does":  "The pages come back without what that plugin or theme does.",
	"remedy.switch-off-code.how":   "A plugin: rename its folder below wp-content/plugins (mv NAME NAME.off). A file below wp-content/mu-plugins: move it out of there. A theme: wp theme activate ANOTHER --skip-themes. A file of WordPress itself: wp core download --force --version=YOURS. The whole error is in PHP's error log (php.ini: error_log; else the web server's error.log): send it to the makers.",

	"remedy.raise-php-memory.title": "Give PHP more memory for a request",
	"remedy.raise-php-memory.does":  "The pages may come back at once; the code that takes so much stays to be found.",
	"remedy.raise-php-memory.how":   "In wp-config.php above \"stop editing\": define('WP_MEMORY_LIMIT', '256M'); or in php.ini memory_limit = 256M, then systemctl reload php*-fpm. The server must have it: PHP's workers (pm.max_children) may each use that much. If it runs out again, something grows without end: switch the plugin off.",

	"remedy.take-back-change.title": "Take the change back",
	"remedy.take-back-change.does":  "The site works again as it did before; the mistake can be looked for in peace.",
	"remedy.take-back-change.how":   "For a plugin: rename its folder below wp-content/plugins, which switches it off (mv NAME NAME.off), or go back with WP-CLI: wp plugin install NAME --version=OLD --force. A theme: wp theme activate ANOTHER. A file: put the copy from your backup back. A package: apt-get install NAME=OLD-VERSION. Then tell its makers, with the lines above.",
}
