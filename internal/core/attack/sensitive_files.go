package attack

import "hirune/internal/core/diagnose"

// sensitiveFiles finds clients that ask for configuration files, repositories, copies of the database.
var sensitiveFiles = Detector{
	ID:     "sensitive-files",
	Title:  "looks for files with passwords and backups",
	Source: "attacks.md part 2; CrowdSec http-sensitive-files takes 4 in 5 s",
	judge: func(c *court) {
		ch := charge{id: "sensitive-files", groups: []group{groupFiles}, severity: Low}
		leaks := c.leaks()
		for _, s := range c.of[groupFiles] {
			got := leaks.by(s.unit)
			if got || c.passes(s, s.seen.count(), filesDistinct) {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		if len(leaks) > 0 {
			ch.severity = Critical
			ch.says = []diagnose.Sentence{diagnose.Say("attack-leaked", "count", diagnose.Count(len(leaks)), "path", leaks[0].path.String())}
		}
		c.accuse(ch)
	},
}

// filesDistinct is how many different ones are no slip: a file manager or a
// link of an old backup leads to one.
const filesDistinct = 3
