package attack

// sqlInjection finds clients that send SQL in parameters.
var sqlInjection = Detector{
	ID:     "sql-injection",
	Title:  "tries to inject SQL",
	Source: "attacks.md part 2; libinjection (Galbreath, 2012); CrowdSec http-sqli-probing takes 10",
	judge: func(c *court) {
		c.accuse(c.contentCharge("sql-injection", groupSQL, Medium, injectLines))
	},
}

// injectLines is how many different ones are no accident: libinjection judges
// by the shape of a text, and a sentence in a search has it now and then.
const injectLines = 3

// contentCharge holds different targets with hostile content against those who
// sent them.
func (c *court) contentCharge(id string, g group, severity Severity, least int) charge {
	ch := charge{id: id, groups: []group{g}, severity: severity}
	for _, s := range c.of[g] {
		if c.passes(s, s.seen.count(), least) {
			ch.parts = append(ch.parts, whole(s, true))
		}
	}
	return ch
}
