package attack

import "hirune/internal/core/diagnose"

// pingbackFlood finds requests of other blogs that were told that this site
// links to them: many of them are a flood that somebody sends through them.
var pingbackFlood = Detector{
	ID:     "pingback-flood",
	Title:  "other blogs are misused to flood the site",
	Source: "attacks.md part 2; the agent is WordPress' own, wp-includes/class-wp-xmlrpc-server.php",
	judge: func(c *court) {
		if c.t.groups[groupVerify].minutes.most <= verifyMinute {
			return
		}
		ch := charge{id: "pingback-flood", groups: []group{groupVerify}, severity: High, cluster: &Cluster{Agent: "verifying pingback from"}}
		for _, s := range c.of[groupVerify] {
			ch.parts = append(ch.parts, whole(s, s.burst.peak > verifyMinute))
		}
		ch.cluster.Prefixes = prefixes(ch.parts, prefixActors)
		ch.says = []diagnose.Sentence{diagnose.Say("attack-verifying")}
		c.accuse(ch)
	},
}

// verifyMinute is how many of these a site gets in a minute that links to many
// blogs at once, by a list of links that it publishes.
const verifyMinute = 20
