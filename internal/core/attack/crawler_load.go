package attack

import (
	"slices"

	"hirune/internal/core/diagnose"
)

// crawlerLoad finds crawlers and scripts by what they cost: robots that say
// who they are, for AI, for search engine advice and the like, and single clients
// that read pages without their pictures.
var crawlerLoad = Detector{
	ID:     "crawler-load",
	Title:  "a crawler takes much of the server",
	Source: "attacks.md part 2; cases.md 35 (one address sent 85 % of the requests); bitnami/vms #1673",
	judge: func(c *court) {
		var all []burden
		for _, l := range c.crawls() {
			all = append(all, c.robot(&l))
		}
		for _, k := range c.clientsWhere(c.isLoad) {
			all = append(all, c.reader(k))
		}
		c.accuseLoad("crawler-load", Low, all)
	},
}

const (
	loadRequests = 300  // dynamic ones, at least: fewer cost nothing over a day
	loadAssets   = 0.05 // of its pages, that pictures and styles followed
)

// crawl is a robot under all its agents.
type crawl struct {
	name   string
	kind   kind
	sum    agent
	hashes []uint64
}

// crawls are the robots that are heavy. Search engines are none of them while
// they may be what they say: the site wants them, and Benign has their number.
func (c *court) crawls() []crawl {
	by := map[string]*crawl{}
	var order []string
	t := &c.t.agents
	for i := range t.of {
		e := &t.of[i]
		if t.top.tags[i] == 0 || e.name < 0 || e.kind != kindCrawler && e.kind != kindTool && e.kind != kindScanner {
			continue
		}
		name := agentNames[e.name].shown()
		if by[name] == nil {
			by[name] = &crawl{name: name, kind: e.kind}
			order = append(order, name)
		}
		one := *e
		by[name].sum.merge(&one)
		by[name].hashes = append(by[name].hashes, t.top.tags[i])
	}
	slices.Sort(order)
	var out []crawl
	for _, name := range order {
		l := by[name]
		var walked uint32
		for _, h := range l.hashes {
			walked = satAdd(walked, c.walked[h])
		}
		if left := l.sum.dynamic - min(walked, l.sum.dynamic); left >= loadRequests && left >= walked && (c.heavy(&l.sum.peaks) || l.steady(c)) {
			out = append(out, *l)
		}
	}
	return out
}

// steady leaves out tools: the owner's own check of the site is one, and on a
// quiet site it may be most of the work.
func (l *crawl) steady(c *court) bool {
	return l.kind == kindCrawler && c.steady(l.sum.dynamic, l.sum.tookUs, l.sum.first, l.sum.last)
}

// has reports whether a client goes by the robot's name.
func (l *crawl) has(k *client) bool {
	return k.dynamic > 0 && slices.Contains(l.hashes, tagOf(k.agent))
}

// robot is the load of one robot.
func (c *court) robot(l *crawl) burden {
	clients := c.clientsWhere(l.has)
	s := &l.sum
	b := burden{
		who: l.name, attempts: int64(s.dynamic), clients: int64(len(clients)), from: s.first, to: s.last, answers: s.answers, tookUs: s.tookUs,
		actors: c.loadActors(clients, true), cluster: Cluster{Agent: l.name},
	}
	if c.t.clients.top.forgot > 0 { // then some of them are not there any more
		b.clients = max(b.clients, s.clients.count())
	}
	for _, h := range l.hashes {
		c.crawlers[h] = true
	}
	b.worst(&s.peaks)
	id := "attack-no-robots"
	if s.robots {
		id = "attack-robots"
	}
	share := diagnose.Share01(-1)
	if all := c.hour(b.hour); c.costed() && all.TookUs > 0 {
		share = diagnose.Share01(b.hourUs / float64(all.TookUs))
	}
	b.says = []diagnose.Sentence{
		diagnose.Say("attack-by-agent", "agent", l.name, "requests", diagnose.Count(b.attempts), "share", share), diagnose.Say(id, "agent", l.name),
	}
	return b
}

// isLoad reports whether a single client takes much of the server by reading
// pages as no visitor does.
func (c *court) isLoad(k *client) bool {
	if k.dynamic < loadRequests || k.admin > 0 || float64(k.assets) > loadAssets*float64(k.dynamic) || k.tried&(groupSearch.bit()|groupBust.bit()) != 0 && c.accused[k.unit] != 0 {
		return false
	}
	if i := c.t.agents.top.find(k.agent); i >= 0 {
		if e := &c.t.agents.of[i]; !e.kind.loads() || c.crawlers[tagOf(k.agent)] {
			return false // judged by its agent, or what it may be is no attack
		}
	}
	all := c.t.line.during(k.first, k.last, 0)
	long := float64(max(k.last-k.first, hourLen))
	if c.costed() {
		return float64(k.tookUs) >= heavyShare*float64(all.TookUs) && float64(k.tookUs)/1e6/long >= heavyBusy*c.workers()
	}
	return float64(k.dynamic) >= heavyShare*float64(all.Dynamic) && float64(k.dynamic) >= heavyRate*long
}

// loads reports whether a client of the kind is judged by its own load. A
// monitor or a feed reader never comes near it; who does under such a name is none.
func (k kind) loads() bool {
	return k == kindOther || k == kindBlog || k == kindMonitor || k == kindFeed || k == kindApp
}

// reader is the load of a single client. It is not counted by the minute: its
// rates are averages.
func (c *court) reader(k *client) burden {
	c.accused[k.unit] = earlier(c.accused[k.unit], k.first)
	seconds := float64(max(k.last-k.first, minuteLen))
	name := k.unit.prefix().Addr().String()
	return burden{
		who: name, attempts: int64(k.dynamic), clients: 1, from: k.first, to: k.last, tookUs: k.tookUs, actors: c.loadActors([]*client{k}, true),
		peakMinute: max(int64(float64(k.dynamic)*minuteLen/seconds), 1), busy: float64(k.tookUs) / 1e6 / seconds, wholeWindow: true,
		says: []diagnose.Sentence{diagnose.Say("attack-no-assets", "client", name, "requests", diagnose.Count(k.dynamic))},
	}
}
