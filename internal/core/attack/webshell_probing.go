package attack

// webshellProbing finds clients that ask for the backdoors of earlier break-ins.
var webshellProbing = Detector{
	ID:     "webshell-probing",
	Title:  "looks for webshells that others left",
	Source: "attacks.md part 2; CrowdSec http-backdoors-attempts; a published outage by such probes that fell through to WordPress (ninjaweb.com.au)",
	judge: func(c *court) {
		ch := charge{id: "webshell-probing", groups: []group{groupShell}, severity: Low}
		for _, s := range c.of[groupShell] {
			named := c.passes(s, s.strong.count(), shellNamed)
			if named || s.only(probeShare) && c.passes(s, s.seen.count(), shellMissing) && !c.maybeSearch(s) {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		c.accuse(ch)
	},
}

const (
	shellNamed = 3 // different names that only webshells have
	// PHP files that are not there, and that nothing referred to. After a move from
	// another system search engines and bookmarks ask for old ones; nobody for so
	// many and for nothing else.
	shellMissing = 8
)
