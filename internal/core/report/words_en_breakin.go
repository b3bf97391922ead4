package report

// enBreakIn are the English words of the evidence that somebody got in.
var enBreakIn = map[string]string{
	"claim.in-session":         "{user} has been logged in since {since} from {address}, where {attempts#attempt at a password|attempts at a password} came from.",
	"claim.in-session-exploit": "{user} has been logged in since {since} from {address}, where {attempts#attempt|attempts} at holes in the site came from. Whoever tests his own site looks like that, too.",
	"claim.in-session-crowd":   "{user} has been logged in since {since} from {address}, one of {addresses#address|addresses} that guess passwords together.",
	"claim.in-session-near":    "{user} has been logged in since {since} from {address}, as nobody of the site was before. From the same network ({network}) {attempts#attempt at a password|attempts at a password} came at that time.",
	"claim.in-key":             "The application password \"{key}\" of {user} was used from {address} at {at}. {attempts#attempt at a password|attempts at a password} came from there.",
	"claim.in-key-after":       "The application password \"{key}\" of {user} was made at {created}, soon after somebody had got in ({at}). It goes on working when the user's password is changed.",
	"claim.in-audit":           "After {attempts#failed log-in|failed log-ins} from {address}, {user} logged in from there[ at {at}]. The log of {plugin} says so.",
	"claim.in-login":           "After {attempts#wrong password|wrong passwords} from {address} the log-in page sent somebody on at {at}, as it does after a right one.",
	"claim.in-login-admin":     "After {attempts#wrong password|wrong passwords} from {address} somebody logged in at {at} and then opened pages of the administration.",
	"claim.in-login-installs":  "After {attempts#wrong password|wrong passwords} from {address} somebody logged in at {at}, opened the administration, and sent something {posts#time|times} to where code is installed or edited.",
	"claim.in-xmlrpc":          "After {attempts#wrong password|wrong passwords} from {address}, xmlrpc.php gave another answer than a refusal at {at}.",
	"claim.in-admin-after":     "The administrator {user} was registered at {registered}, soon after somebody had got in ({at}).",
	"claim.in-admin-new":       "The administrator {user} is new: registered at {registered}.",

	"claim.in-shell-file":     "{file} runs what a visitor sends it, or what is hidden in it. It lies where no program belongs (changed {changed}).",
	"claim.in-shell-answered": "{path} runs what a visitor sends it, or what is hidden in it, and it has answered: {requests#request|requests}[, {posts} of them with something sent], first at {at}.",
	"claim.in-answered":       "{path} has answered {requests#request|requests}[, {posts} of them with something sent], first at {at}. No program should answer there, or none that anybody asked for before.",
	"claim.in-answered-gone":  "{path} has answered {requests#request|requests}[, {posts} of them with something sent], first at {at}. The file is not there any more.",
	"claim.in-leaked":         "{path} was given out: {size}, {requests#request|requests}, first at {at}.",
	"claim.in-php-uploads":    "{file} is a program where there should be files of data alone (changed {changed}).",
	"claim.in-core-changed":   "{file} belongs to WordPress itself and was changed at {changed}, by itself: an update changes many files at once.",
	"claim.in-file-after":     "{file} was changed at {changed}, by itself, soon after somebody had got in ({at}).",
	"claim.in-file-commands":  "{file} was changed at {changed}, by itself, and runs what a visitor sends it, or what is hidden in it.",
	"claim.in-more":           "And {count} more.",

	"claim.do-end-sessions":  "Log {user} out everywhere and set a new password (Users → {user}). Put new keys and salts into wp-config.php, which logs everybody out. Then look through the administrators, the application passwords and the plugins for what you do not know.",
	"claim.do-ask-user":      "Ask {user} whether that was them. If not: log {user} out everywhere, set a new password, and look through the administrators and the application passwords.",
	"claim.do-revoke-key":    "If {user} does not know it: revoke the application password \"{key}\" (Users → {user}).",
	"claim.do-check-keys":    "Look at each administrator's application passwords (Users) and revoke those that nobody knows; change the passwords. If you need no xmlrpc.php, close it: hirune plan.",
	"claim.do-check-all":     "Change the administrators' passwords, put new keys and salts into wp-config.php, which logs everybody out, and look through administrators, application passwords and plugins for what you do not know.",
	"claim.do-check-admin":   "If you do not know {user}: note what the account has written, then delete it (Users), and change the other administrators' passwords.",
	"claim.do-remove-file":   "If no plugin of yours has put {file} there: save a copy outside of the site, then remove it. Then look for how it got there.",
	"claim.do-check-file":    "If nobody of you changed {file}: save a copy outside of the site, then install WordPress, or that plugin or theme, anew in the same version.",
	"claim.do-change-leaked": "Remove {path}, and change every password and key that stands in it.",

	"unseen.pingbacks": "pingbacks of other blogs",
}
