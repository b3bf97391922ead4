package attack

// commentSpam finds clients that post comments to pages that they did not read.
var commentSpam = Detector{
	ID:     "comment-spam",
	Title:  "sends comments without reading",
	Source: "attacks.md part 2",
	judge: func(c *court) {
		ch := charge{id: "comment-spam", groups: []group{groupComment}, severity: Low}
		for _, s := range c.of[groupComment] {
			if s.human() || s.attempts <= s.views {
				continue
			}
			if c.passes(s, int(s.burst.peak), spamBurst) || s.attempts >= spamDay && float64(s.attempts)/s.days() >= spamDay || s.refused >= guessesShut ||
				s.bare() && s.attempts >= spamBare && c.assetsTell() {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		c.accuse(ch)
	},
}

const (
	spamBurst = 3 // in ten minutes; WordPress itself lets one pass in 15 s
	spamDay   = 10
	spamBare  = 5 // over weeks, by a client that never read a page
)
