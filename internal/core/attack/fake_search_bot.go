package attack

import "hirune/internal/core/diagnose"

// fakeSearchBot tells of clients under the name of a search engine that their
// address refutes. The name alone is no attack: it halves the thresholds of the
// others, and is told of those who were accused of something else.
var fakeSearchBot = Detector{
	ID:     "fake-search-bot",
	Title:  "says to be a search engine and is none",
	Source: "attacks.md part 2 and 3.10: forward-confirmed DNS; fail2ban fakegooglebot, OSSEC",
	judge: func(c *court) {
		fakes := c.clientsWhere(c.isFake)
		if len(fakes) == 0 {
			return
		}
		b := burden{clients: int64(len(fakes)), actors: c.loadActors(fakes, false), wholeWindow: true}
		for _, k := range fakes {
			b.attempts += int64(k.dynamic)
			b.tookUs += k.tookUs
			b.from, b.to = earlier(b.from, k.first), max(b.to, k.last)
		}
		seconds := float64(max(b.to-b.from, minuteLen))
		b.peakMinute, b.busy = max(int64(float64(b.attempts)*minuteLen/seconds), 1), float64(b.tookUs)/1e6/seconds
		b.says = []diagnose.Sentence{diagnose.Say("attack-bot-refuted", "bot", c.botOf(fakes[0]))}
		c.accuseLoad("fake-search-bot", Low, []burden{b})
	},
}

// isFake reports whether a client that is accused says to be a search engine,
// and is none. Its attempts belong to what it is accused of; the rest is told here.
func (c *court) isFake(k *client) bool {
	return c.accused[k.unit] != 0 && k.dynamic > 0 && c.botOf(k) != "" && c.verified(k.unit, c.botOf(k)) == -1
}

// botOf is the search engine that a client says to be; "" none.
func (c *court) botOf(k *client) string {
	if i := c.t.agents.top.find(k.agent); i >= 0 {
		if e := &c.t.agents.of[i]; e.kind == kindSearch && e.name >= 0 {
			return agentNames[e.name].name
		}
	}
	return ""
}
