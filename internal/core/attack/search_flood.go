package attack

import "slices"

// searchFlood finds clients that use the site's search so much, and nothing
// else, that it costs: a search is the dearest page and is never cached.
var searchFlood = Detector{
	ID:     "search-flood",
	Title:  "floods the search",
	Source: "attacks.md part 2; pulse.syswp.pro: searches of 23 to 34 s, unseen for weeks; CrowdSec http-bf and http-crawl leak 1/s",
	judge: func(c *court) {
		c.accuse(c.flood("search-flood", groupSearch, searchBurst))
	},
}

// searchBurst is six searches a minute for ten minutes, which nobody types.
const searchBurst = 60

// Many clients, a few dear pages from each.
const (
	floodActors   = 20
	floodAttempts = 200 // in clusterTime
	floodShare    = 0.2 // of the work in that time, or of the requests where nothing says what they cost
	floodEach     = 5   // from each, where their agents are not the same
)

// flood charges clients that ask for dear pages without an end: each by its
// own burst, or as one of many of the same agent who read nothing else.
func (c *court) flood(id string, g group, burst int) charge {
	ch := charge{id: id, groups: []group{g}, severity: Medium}
	agents := map[uint64][]*suspect{}
	var order []uint64
	var rest []*suspect // of ever other agents
	for _, s := range c.of[g] {
		switch {
		case s.assets > 0 || s.admin > 0 || c.maybeSearch(s):
		case c.passes(s, int(s.burst.peak), burst):
			ch.parts = append(ch.parts, whole(s, true))
		case !s.mixedAgent:
			if agents[s.actor.agent] == nil {
				order = append(order, s.actor.agent)
			}
			agents[s.actor.agent] = append(agents[s.actor.agent], s)
		}
	}
	if !c.assetsTell() {
		return ch
	}
	for _, a := range order {
		if !c.floodBand(&ch, agents[a], g, c.t.names.get(a)) {
			rest = append(rest, slices.DeleteFunc(agents[a], func(s *suspect) bool { return s.attempts < floodEach })...)
		}
	}
	c.floodBand(&ch, rest, g, "")
	return ch
}

// floodBand charges many clients together, if what they ask for is dear.
func (c *court) floodBand(ch *charge, in []*suspect, g group, agent string) bool {
	if len(in) < floodActors || mostWithin(in, clusterTime) < floodAttempts || !c.dear(in, g) {
		return false
	}
	for _, s := range in {
		ch.parts = append(ch.parts, whole(s, false))
	}
	if ch.cluster != nil {
		agent = "" // several bands: it varies
	}
	ch.cluster = &Cluster{Agent: agent, Prefixes: prefixes(ch.parts, prefixActors)}
	return true
}

// dear reports whether what suspects asked for takes a fair part of the work
// in its time.
func (c *court) dear(in []*suspect, g group) bool {
	var from, to uint32
	var took, n float64
	for _, s := range in {
		from, to = earlier(from, s.from), max(to, s.to)
		took, n = took+float64(s.tookUs), n+float64(s.attempts)
	}
	all := c.t.line.during(from, to, g.bit())
	if all.TookUs > 0 {
		return took >= floodShare*float64(all.TookUs)
	}
	return n >= floodShare*float64(all.Dynamic)
}
