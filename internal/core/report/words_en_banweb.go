package report

// enBanWeb are the English words about refusing clients, and about limiting how
// often they may ask, in the web server.
var enBanWeb = map[string]string{
	"proxied.forwarded": "its log has what visitors say of themselves in place of their address",
	"proxied.log":       "its log has hardly any other address than a proxy's", "proxied.translated": "other addresses are connected than its log has",

	"claim.banweb-where": "They are refused in the web server ({servers}) with 403, by the address that the proxy tells it; the packet filter stays as it is, because visitors come through a proxy: {proxied}[ ({message})].",
	"claim.banweb-undo":  "hirune undo takes all of it back at once; hirune unblock ADDRESS a single one. The web server's files are then as they were.",
	"claim.banweb-ends":  "The web server cannot end a ban by itself: hirune's recorder takes out what has run out, within about a minute. Without a recorder, hirune blocks --check does it.",

	"claim.banweb-unknowing": "The web server ({servers}) cannot refuse them either, as it is: it takes the proxy for the client, so that it does not know its visitors' own addresses. Tell it who your proxy is with the lines below, test, reload, and block again.",
	"claim.banweb-anyone":    "The web server ({servers}) cannot refuse them either, as it is: it believes everybody who sends {header}, so that an attacker can pass for anybody else. Name your proxies with the lines below instead, test, reload, and block again.",
	"claim.banweb-mixed":     "The web server ({servers}) cannot refuse them either, as it is: sites that share a log learn the client's address in different ways, so that an address may be the proxy's. Put the lines below at the level of the server, test, reload, and block again.",
	"claim.banweb-unread":    "The web server ({servers}) cannot refuse them either, as it is: it trusts proxies that hirune cannot tell the addresses of ({addresses}). Name them by address, as in the lines below, test, reload, and block again.",
	"claim.banweb-no-place":  "The web server ({servers}) knows its visitors' own addresses, but there is no place for hirune's list of refused clients: {why}",
	"claim.banweb-none":      "No Apache or nginx was found here that could refuse them.",

	"claim.banweb-teach-apache": "Apache: enable mod_remoteip (Debian: a2enmod remoteip), put this at the level of the server; then test (apachectl configtest) and reload. Check the header and the proxies: only those that you run yourself, or your CDN.",
	"claim.banweb-teach-nginx":  "nginx: into the http block; then test (nginx -t) and reload. Check the header and the proxies: only those that you run yourself, or your CDN.",
	"claim.banweb-fix":          "This line makes a place; in nginx it goes to the top of the block that was named:",

	"claim.limit-does":         "The web server will answer 429 (\"too many requests\") to {path} from one address after {each} in a minute, and from all addresses together after {all} in a minute. A refused attempt starts no PHP and asks the database nothing.",
	"claim.limit-who-waits":    "While an attack uses the limit up, somebody who is in the right may have to try {path} again, too; all other pages stay as they are.",
	"claim.limit-not-bans":     "Nobody is banned: it helps against many addresses that each try little.",
	"claim.limit-step-writes":  "Writes one new file, {file}, which the web server takes in with its configuration.",
	"claim.limit-step-tests":   "The web server tests its configuration before and after; then it reloads gracefully. If the test fails, everything is put back and nothing was reloaded.",
	"claim.limit-step-proves":  "Then hirune asks {path} from this server until it is told 429, and looks that the pages answer as before. If not, everything is put back.",
	"claim.limit-undo":         "hirune undo takes {file} and every added line away again, tests, reloads and asks the site.",
	"claim.limit-locks":        "nothing: requests under way are finished, new ones do not wait",
	"claim.limit-unread":       "The web server's configuration could not be read: {why}",
	"claim.limit-no-server":    "No Apache or nginx was found that serves the site.",
	"claim.limit-no-place":     "There is no place where the web server would take in a limit of hirune's own: {why}",
	"claim.limit-there":        "The web server limits {path} by hirune's own file already: there is nothing to do.",
	"claim.limit-apache":       "Apache as it is installed cannot limit how often somebody asks: mod_ratelimit slows the answer down instead, and so holds the worker for longer.",
	"claim.limit-proxied":      "{share} of the requests come from this server or a private network: a proxy stands in front, and the web server does not see its clients' own addresses. Everybody would share the limit of one.",
	"claim.limit-why-not-bans": "Where each address tries a few times only, there is nobody to ban before it has stopped; and its owner may be a visitor tomorrow.",

	"claim.instead-limit-lines":  "The lines to add by hand are below.",
	"claim.instead-limit-xmlrpc": "Close xmlrpc.php to those who do not need it instead: hirune plan close-xmlrpc",
	"claim.instead-limit-login":  "Limit it where that can be done: at your CDN or proxy, or by putting nginx before Apache; or ask for a second password before wp-login.php (AuthType Basic). Single attackers can be banned: hirune block.",
	"claim.instead-limit-teach":  "Tell the web server who your proxy is first (Apache: mod_remoteip, nginx: real_ip); hirune block --plan ADDRESS has the lines.",
	"claim.limit-by-hand":        "nginx: into the http block; then test (nginx -t) and reload.",
}
