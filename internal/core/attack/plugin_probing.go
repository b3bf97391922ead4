package attack

// pluginProbing finds clients that ask for plugins and themes that are not there.
var pluginProbing = Detector{
	ID:     "plugin-probing",
	Title:  "looks for plugins and themes with known holes",
	Source: "attacks.md part 2; CrowdSec http-wordpress-scan and http-probing",
	judge: func(c *court) {
		ch := charge{id: "plugin-probing", groups: []group{groupPlugin}, severity: Low}
		for _, s := range c.of[groupPlugin] {
			if s.only(probeShare) && c.passes(s, min(s.seen.count(), int(s.burst.peak)), probeDistinct) && !c.maybeSearch(s) {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		c.accuse(ch)
	},
}

const (
	// Ten different files in ten minutes, which nothing referred to: a page with
	// broken links has a referrer.
	probeDistinct = 10
	// Nearly all that the client asked for was not there.
	probeShare = 0.8
)
