package attack

import "hirune/internal/core/diagnose"

// phpInUploads finds calls of PHP files in the directories of uploads, caches and languages that were answered: a webshell, as a rule.
var phpInUploads = Detector{
	ID:     "php-in-uploads",
	Title:  "calls PHP where no PHP belongs",
	Source: "attacks.md part 2; BTLO Compromised WordPress",
	judge: func(c *court) {
		ch := charge{id: "php-in-uploads", groups: []group{groupUploads}, severity: Critical}
		found := c.uploaded()
		for _, s := range c.of[groupUploads] {
			if found.by(s.unit) {
				ch.parts = append(ch.parts, whole(s, true))
			}
		}
		if len(found) > 0 {
			ch.says = []diagnose.Sentence{diagnose.Say("attack-uploaded", "count", diagnose.Count(len(found)), "path", found[0].path.String())}
		}
		c.accuse(ch)
	},
}
