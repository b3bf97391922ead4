package attack

// pingbackReflector finds callers of pingback.ping that make this site fetch
// pages of somebody else, who is then flooded from here.
var pingbackReflector = Detector{
	ID:     "pingback-reflector",
	Title:  "makes the site fetch other sites by false pingbacks",
	Source: "attacks.md part 0.3 and part 2",
	judge: func(c *court) {
		ch := charge{id: "pingback-reflector", groups: []group{groupXMLRPC}, severity: Medium}
		for _, s := range c.of[groupXMLRPC] {
			if s.trusted() || 2*s.taken > s.attempts {
				continue
			}
			if p := s.sizedPart(c.isPing); c.passes(s, int(min(p.n, s.burst.peak)), pingAnswers) {
				ch.parts = append(ch.parts, p)
			}
		}
		c.accuse(ch)
	},
}
