package attack

import "hirune/internal/core/diagnose"

// crawlerTrap finds shapes of URLs that never end, such as a calendar or the
// filters of a shop, in which crawlers walk on and on: robots that say so, or
// one request from each of ever other addresses.
var crawlerTrap = Detector{
	ID:     "crawler-trap",
	Title:  "crawlers are caught in URLs without an end",
	Source: "attacks.md part 2; cases.md 39 (a calendar, 99 % of the requests) and 41 (filters); woocommerce#53327",
	judge: func(c *court) {
		var all []burden
		for i := range c.t.patterns.of {
			if c.t.patterns.top.tags[i] != 0 && c.isTrapped(&c.t.patterns.of[i]) {
				all = append(all, c.trap(i))
			}
		}
		c.accuseLoad("crawler-trap", Medium, all)
	},
}

const (
	trapClients  = 50
	trapEach     = 4   // requests of one client at most, on average
	trapDistinct = 0.3 // of the URLs are different: visitors ask for the same ones
	trapAlone    = 0.9 // of the pages no picture or style followed
	trapRequests = 1000
	trapRobots   = 0.8 // of the requests are of robots that say so
)

func (c *court) isTrapped(p *pattern) bool {
	clients, urls, n := p.clients.count(), p.urls.count(), int64(p.requests)
	if float64(urls) < trapDistinct*float64(n) || float64(p.followed) > (1-trapAlone)*float64(n) || !c.heavy(&p.peaks) && !c.steady(p.dynamic, p.tookUs, p.first, p.last) {
		return false
	}
	return p.ofRobots() || clients >= trapClients && n <= trapEach*clients && c.assetsTell()
}

// ofRobots reports whether a shape is walked by robots that say so.
func (p *pattern) ofRobots() bool {
	return p.requests >= trapRequests && float64(p.robots) >= trapRobots*float64(p.requests)
}

// trapped reports whether there is any trap.
func (c *court) trapped() bool {
	for i := range c.t.patterns.of {
		if c.t.patterns.top.tags[i] != 0 && c.isTrapped(&c.t.patterns.of[i]) {
			return true
		}
	}
	return false
}

// trap is the load of one shape of URLs.
func (c *court) trap(i int) burden {
	p, tag := &c.t.patterns.of[i], c.t.patterns.top.tags[i]
	path := p.sample.String()
	b := burden{
		who: path, path: path, attempts: int64(p.requests), clients: p.clients.count(), from: p.first, to: p.last, answers: p.answers, tookUs: p.tookUs,
		actors: c.loadActors(c.clientsWhere(func(k *client) bool { return k.pattern == tag }), false), cluster: Cluster{Path: path},
		says: []diagnose.Sentence{diagnose.Say("attack-trap-urls", "path", path, "urls", diagnose.Count(p.urls.count()))},
	}
	if p.ofRobots() {
		if j := c.t.agents.top.find(p.robot); j >= 0 && c.t.agents.of[j].name >= 0 {
			b.cluster.Agent = agentNames[c.t.agents.of[j].name].shown()
			b.says = append(b.says, diagnose.Say("attack-by-agent", "agent", b.cluster.Agent, "requests", diagnose.Count(p.robots), "share", diagnose.Share01(-1)))
		}
		c.walked[tagOf(p.robot)] += p.requests
	}
	b.worst(&p.peaks)
	return b
}
