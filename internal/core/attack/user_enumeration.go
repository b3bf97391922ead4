package attack

import "hirune/internal/core/diagnose"

// userEnumeration finds clients that collect the names of users, to guess their passwords.
var userEnumeration = Detector{
	ID:     "user-enumeration",
	Title:  "asks for the names of users",
	Source: "attacks.md part 2; CrowdSec http-wordpress_user-enum",
	judge: func(c *court) {
		ch := charge{id: "user-enumeration", groups: []group{groupUsers}, severity: Low}
		for _, s := range c.of[groupUsers] {
			reads := float64(s.attempts) < usersShare*float64(s.views)
			if !s.human() && !reads && c.passes(s, s.seen.count(), usersDistinct) && !c.maybeSearch(s) {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		if n := answered(ch.parts); n > 0 {
			ch.says = []diagnose.Sentence{diagnose.Say("attack-users-told", "count", diagnose.Count(n))}
		}
		c.accuse(ch)
	},
}

const (
	// Three different questions: one is what a site map of users, or a theme's
	// link to an author, leads anybody to.
	usersDistinct = 3
	// Who reads four times as many pages is a crawler that follows links to authors.
	usersShare = 0.25
)

// answered counts the attempts of suspects that were not refused.
func answered(parts []part) (n int64) {
	for _, p := range parts {
		n += int64(p.answers.s2) + int64(p.answers.s3)
	}
	return n
}
