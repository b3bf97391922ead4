package attack

// group is a kind of attempt that is told by a single request. What the
// attempts of a client amount to is judged by the detectors, in the end.
type group uint8

const (
	groupLogin    group = iota // POST of the log-in form
	groupForm                  // POST of another page: the form of a renamed log-in, perhaps
	groupXMLRPC                // POST of xmlrpc.php
	groupVerify                // another blog's question whether we link to it
	groupUsers                 // lists of users, authors by number
	groupPlugin                // files of plugins and themes that are not there
	groupShell                 // names of webshells, PHP files that are not there
	groupUploads               // PHP that answers where no PHP belongs
	groupFiles                 // files that are nobody's business
	groupTraverse              // paths out of the document root
	groupSQL                   // SQL in parameters
	groupScript                // scripts in parameters
	groupComment               // POST of a comment
	groupSearch                // the site's own search
	groupBust                  // pages past the cache, by a query or a name that nobody knows
	groupProxy                 // what is meant for a proxy
	groups
)

func (g group) bit() uint32 { return 1 << g }

// endpoint reports whether a group is one door that guesses are made at:
// refusals there are the door's answer, and say that it is shut.
func (g group) endpoint() bool {
	return g == groupLogin || g == groupForm || g == groupXMLRPC || g == groupComment
}
