package attack

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"hirune/internal/core/diagnose"
)

// court has before it what a tally holds, and passes the verdicts.
type court struct {
	t        *Tally
	timed    bool
	all      []*suspect // by group, then most attempts first
	of       [groups][]*suspect
	accused  map[unit]uint32 // moment of the first attempt that is held against it
	answers  map[unit]int    // of Verified
	faults   []int32         // sizes of refusals by xmlrpc.php
	pings    []int32         // of them, those of pingback.ping
	logins   map[uint64]bool // paths of renamed log-ins
	attacks  []Attack
	crawlers map[uint64]bool   // agents that are accused of their load
	walked   map[uint64]uint32 // requests of agents that a trap explains
	bySize   sizeCounts        // made by accusedBySize
}

// suspect is an actor with what is known of its client.
type suspect struct {
	*actor
	kind   kind
	name   int16
	client *client // nil: forgotten
	taken  uint32  // attempts that an attack has claimed
}

func newCourt(t *Tally) *court {
	c := &court{t: t, timed: t.timed > 0 && t.untimed*20 <= t.timed, accused: map[unit]uint32{}, answers: map[unit]int{}, crawlers: map[uint64]bool{}, walked: map[uint64]uint32{}}
	for i := range t.actors.of {
		if t.actors.top.tags[i] == 0 {
			continue
		}
		a := &t.actors.of[i]
		s := &suspect{actor: a, name: -1, client: t.clients.get(t.hash.pair(a.unit.hi, a.unit.lo))}
		if j := t.names.top.find(a.agent); j >= 0 {
			s.name = int16(kindOf(t.names.of[j].b[:t.names.of[j].n]))
		}
		s.kind = kindAt(int(s.name))
		if s.client != nil {
			a.views, a.assets = max(a.views, s.client.views), max(a.assets, s.client.assets)
			a.requests, a.admin = max(a.requests, s.client.requests), max(a.admin, s.client.admin)
			a.visits = max(a.visits, s.client.visits())
		}
		c.all = append(c.all, s)
	}
	slices.SortFunc(c.all, func(a, b *suspect) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(b.attempts, a.attempts), cmp.Compare(a.from, b.from), a.unit.compare(b.unit), cmp.Compare(a.sub, b.sub))
	})
	for _, s := range c.all {
		c.of[s.group] = append(c.of[s.group], s)
	}
	c.learnSizes()
	c.learnLogins()
	return c
}

func (u unit) compare(v unit) int { return cmp.Or(cmp.Compare(u.hi, v.hi), cmp.Compare(u.lo, v.lo)) }

// human reports whether a client looks like somebody at a browser: it reads
// pages with their pictures and styles, or is logged in.
func (s *suspect) human() bool { return s.admin > 0 || s.views > 0 && s.assets > 0 }

// bare reports whether a client does nothing but attempt. Who has logged in at
// a browser reads a page afterwards.
func (s *suspect) bare() bool { return s.views == 0 && s.assets == 0 && s.admin == 0 }

// only reports whether a suspect asked for hardly anything but what it is
// suspected of.
func (s *suspect) only(share float64) bool {
	return float64(s.attempts) >= share*float64(satAdd(s.attempts, s.visits))
}

// browsersLeast is how many clients must load pictures and styles for those
// who do not to be told by it: many sites have them elsewhere.
const browsersLeast = 10

// assetsTell reports whether the log has the files that browsers load with a
// page, at least two for each. Without them nobody can be told from a robot by
// their absence.
func (c *court) assetsTell() bool {
	n := 0
	for i := range c.t.clients.of {
		if k := &c.t.clients.of[i]; c.t.clients.top.tags[i] != 0 && k.views > 0 && k.assets >= 2*k.views {
			if n++; n >= browsersLeast {
				return true
			}
		}
	}
	return false
}

// days is how long a suspect was at it, at least one day.
func (a *actor) days() float64 { return math.Max(float64(a.to-a.from)/86400, 1) }

// bot is the search engine that a suspect says to be; "" none.
func (s *suspect) bot() string {
	if s.kind == kindSearch && s.name >= 0 {
		return agentNames[s.name].name
	}
	return ""
}

// questionsMost bounds how often Verified is asked: an answer may take a
// question to a name server.
const questionsMost = 300

// verified asks whether a client is the search engine that it says to be: 1
// yes, -1 no, 0 unknown or not said.
func (c *court) verified(u unit, bot string) int {
	if bot == "" || c.t.opt.Verified == nil {
		return 0
	}
	v, known := c.answers[u]
	if !known && len(c.answers) < questionsMost {
		v = c.t.opt.Verified(bot, u.addr())
		c.answers[u] = v
	}
	return v
}

// passes compares a count with a threshold. A tool for attacks, and a search
// engine's name that is proved false, halve it; who may well be a search
// engine needs twice as much.
func (c *court) passes(s *suspect, n, limit int) bool {
	switch {
	case s.kind == kindScanner:
		limit = max((limit+1)/2, 1)
	case s.bot() != "" && 2*n >= limit:
		switch c.verified(s.unit, s.bot()) {
		case 1:
			return false
		case -1:
			limit = max((limit+1)/2, 1)
		default:
			limit *= 2
		}
	}
	return n >= limit
}

// maybeSearch reports whether a suspect may be a search engine: its odd
// requests follow links that others made.
func (c *court) maybeSearch(s *suspect) bool {
	return s.bot() != "" && c.verified(s.unit, s.bot()) >= 0
}

// charge is what a detector holds against those it accuses.
type charge struct {
	id       string
	groups   []group // for the time of the attack and its paths
	severity Severity
	parts    []part
	cluster  *Cluster
	says     []diagnose.Sentence
}

// part is what is held against one suspect.
type part struct {
	*suspect
	n        uint32 // attempts
	fired    bool   // it passed the threshold by itself
	from, to uint32
}

// whole holds all attempts of a suspect against it that are not taken yet.
func whole(s *suspect, fired bool) part {
	return part{suspect: s, n: s.attempts - min(s.taken, s.attempts), fired: fired, from: s.from, to: s.to}
}

// accuse makes an attack of a charge. Verified search engines are let go.
func (c *court) accuse(ch charge) {
	ch.parts = slices.DeleteFunc(ch.parts, func(p part) bool { return p.n == 0 || c.verified(p.unit, p.bot()) == 1 })
	if len(ch.parts) == 0 {
		return
	}
	slices.SortStableFunc(ch.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.from, b.from), a.unit.compare(b.unit))
	})
	a := Attack{ID: ch.id, Cluster: ch.cluster, Severity: ch.severity}
	var took float64
	for i, p := range ch.parts {
		share := float64(p.n) / float64(max(p.attempts, 1))
		took += share * float64(p.tookUs)
		a.Attempts += int64(p.n)
		a.Answers.add(p.actor.answers, share)
		a.From, a.To = int64(earlier(uint32(a.From), p.from)), max(a.To, int64(p.to))
		p.taken = satAdd(p.taken, p.n)
		c.accused[p.unit] = earlier(c.accused[p.unit], p.from)
		if i < ActorsTold {
			a.Actors = append(a.Actors, c.actorOf(p, share))
		}
	}
	a.ActorsTotal = distinctUnits(ch.parts)
	c.scale(&a, ch, &took)
	a.Paths = c.paths(ch, float64(a.Attempts))
	c.weigh(&a, ch, took)
	a.Says = append([]diagnose.Sentence{diagnose.Say("attack-"+ch.id, "attempts", diagnose.Count(a.Attempts), "clients", diagnose.Count(a.ActorsTotal))}, append(ch.says, a.Says...)...)
	c.attacks = append(c.attacks, a)
}

// distinctUnits counts clients: one may have several parts, by forms.
func distinctUnits(parts []part) int64 {
	seen := map[unit]bool{}
	for _, p := range parts {
		seen[p.unit] = true
	}
	return int64(len(seen))
}

// add counts the share of answers that belong to an attack.
func (a *Answers) add(n answers, share float64) {
	part := func(n uint32) int64 { return int64(math.Round(float64(n) * share)) }
	a.S2xx, a.S3xx, a.S4xx, a.S5xx = a.S2xx+part(n.s2), a.S3xx+part(n.s3), a.S4xx+part(n.s4), a.S5xx+part(n.s5)
}

func (c *court) actorOf(p part, share float64) Actor {
	a := Actor{
		Prefix: p.unit.prefix(), Attempts: int64(p.n), From: int64(p.from), To: int64(p.to), Agent: c.t.names.get(p.actor.agent), TookUs: -1,
		Fired: p.fired, Views: int64(p.views), Bot: p.bot(),
	}
	if c.costed() {
		a.TookUs = int64(share * float64(p.tookUs))
	}
	return a
}

// sums adds up what is known of a charge's groups: all attempts, and those
// whose clients are still kept.
func (c *court) sums(ch charge) (sum groupSum, kept float64) {
	for _, g := range ch.groups {
		of := &c.t.groups[g]
		sum.attempts += of.attempts
		sum.minutes.most, sum.ms.most = max(sum.minutes.most, of.minutes.most), max(sum.ms.most, of.ms.most)
		sum.from, sum.to = earlier(sum.from, of.from), max(sum.to, of.to)
		for _, s := range c.of[g] {
			kept += float64(s.attempts)
		}
	}
	return sum, kept
}

// lightMost is how few attempts make a client one of those that are dropped
// first where there are more than are kept.
const lightMost = 5

// scaleLeast is the share of the light clients that are accused from which on
// those that were dropped are taken to be of the same kind.
const scaleLeast = 0.5

// scale adds to an attack what belongs to clients that were dropped to stay
// within bounds: of a flood by more clients than are kept, the light ones that
// are kept are a sample.
func (c *court) scale(a *Attack, ch charge, tookUs *float64) {
	sum, kept := c.sums(ch)
	lost := float64(sum.attempts) - kept
	if lost <= 0 || a.Attempts == 0 {
		return
	}
	var light, guilty, suspects float64
	for _, g := range ch.groups {
		suspects += float64(len(c.of[g]))
		for _, s := range c.of[g] {
			if s.attempts <= lightMost {
				light++
			}
		}
	}
	for _, p := range ch.parts {
		if p.attempts <= lightMost {
			guilty++
		}
	}
	if light == 0 || guilty/light < scaleLeast {
		return // it may be that all of the others are somebody else
	}
	share := guilty / light
	grow := 1 + lost*share/float64(a.Attempts)
	for _, n := range []*int64{&a.Attempts, &a.Answers.S2xx, &a.Answers.S3xx, &a.Answers.S4xx, &a.Answers.S5xx} {
		*n = int64(math.Round(float64(*n) * grow))
	}
	*tookUs *= grow
	if more := float64(c.t.groups[ch.groups[0]].units.count()) - suspects; more > 0 {
		a.ActorsTotal += int64(more * share)
	}
	a.From, a.To = int64(earlier(uint32(a.From), sum.from)), max(a.To, int64(sum.to))
}

// paths are the most frequent paths of a charge's groups. Counted are all
// attempts of the groups: the charge's part of each is taken to be alike.
func (c *court) paths(ch charge, attempts float64) []PathCount {
	var out []PathCount
	var all float64
	p := &c.t.paths
	for i := range p.of {
		g, n := p.of[i].group, p.top.counts[i]-p.top.errs[i]
		if p.top.tags[i] == 0 || n == 0 || !slices.Contains(ch.groups, g) || g == groupForm && !c.logins[p.top.tags[i]] {
			continue
		}
		out = append(out, PathCount{p.of[i].path.String(), int64(n)})
		all += float64(n)
	}
	if all > attempts {
		for i := range out {
			out[i].Count = max(int64(math.Round(float64(out[i].Count)*attempts/all)), 1)
		}
	}
	slices.SortFunc(out, func(a, b PathCount) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path)) })
	return out[:min(len(out), PathsTold)]
}

// prefixes are the networks that many of the units lie in, those with most
// first.
func prefixes(parts []part, least int) []netip.Prefix {
	n := map[netip.Prefix]int{}
	for _, p := range parts {
		for _, w := range p.unit.parents() {
			n[w]++
		}
	}
	var out []netip.Prefix
	for p, k := range n {
		if k >= least {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(b.Bits(), a.Bits()), a.Addr().Compare(b.Addr()))
	})
	return out[:min(len(out), prefixesTold)]
}

// prefixesTold bounds how many networks a cluster lists.
const prefixesTold = 20
