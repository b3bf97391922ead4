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
	"claim.why-changed":           "The {what} {name} was {verb}[ from {from}][ to {to}] {after} before, at {at}.",
	"claim.note-changed-before":   "The {what} {name} was {verb}[ from {from}][ to {to}] at {at}. Nothing that was recorded shows that it matters.",

	"what.plugin": "plugin", "what.theme": "theme", "what.core": "program", "what.package": "package", "what.config": "setting file",
	"verb.updated": "updated", "verb.installed": "installed", "verb.activated": "switched on", "verb.deactivated": "switched off", "verb.removed": "removed", "verb.edited": "changed",

	"remedy.take-back-change.title": "Take the change back",
	"remedy.take-back-change.does":  "The site works again as it did before; the mistake can be looked for in peace.",
	"remedy.take-back-change.how":   "For a plugin: rename its folder below wp-content/plugins, which switches it off (mv NAME NAME.off), or go back with WP-CLI: wp plugin install NAME --version=OLD --force. A theme: wp theme activate ANOTHER. A file: put the copy from your backup back. A package: apt-get install NAME=OLD-VERSION. Then tell its makers, with the lines above.",
}
