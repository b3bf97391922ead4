package attack

import "bytes"

// Tally keeps what a stream of hits amounts to, in memory that does not grow
// with the number of clients: some 12 MB. It is for one goroutine; readers of
// several parts of a log have one each, and merge them.
type Tally struct {
	opt      Options
	hash     hasher
	look     looker
	from, to uint32
	total    Sums
	timed    int64 // dynamic hits with a duration
	untimed  int64
	outside  int64 // hits out of the bounds of time
	nameless int64 // hits without an address
	least    int64 // bytes of the smallest good answer by PHP; -1: none
	line     timeline
	minutes  burst // worker time in ms by the minute
	units    distinct
	clients  clients
	agents   agents
	actors   actors
	patterns patterns
	traces   traces
	paths    paths
	names    names
	groups   [groups]groupSum
	own      [2]int64 // benign hits of the site itself: its schedule, the rest
	tls      int64    // TLS on the plain port
	kinds    [len(agentNames)]int64
}

// groupSum is what all attempts of a group amount to.
type groupSum struct {
	attempts int64
	tookUs   int64
	units    distinct
	answers  answers
	from, to uint32
	minutes  burst // attempts by the minute
	ms       burst // their worker time by the minute
}

// NewTally returns an empty tally. Tallies that are to be merged have the same
// options, the seed among them.
func NewTally(opt Options) *Tally {
	if opt.Small {
		return newTally(opt, clientsKept/smaller, actorsKept/smaller)
	}
	return newTally(opt, clientsKept, actorsKept)
}

// smaller is how much less a small tally remembers.
const smaller = 16

func newTally(opt Options, clients, actors int) *Tally {
	h, less, remembers := newHasher(opt.Seed), 1, cacheSize
	if opt.Small {
		remembers = cacheSizeSmall
		less = smaller / 2 // agents and paths are fewer than clients
	}
	return &Tally{
		opt: opt, hash: h, look: newLooker(h, remembers), least: -1, line: newTimeline(), units: newDistinct(), clients: newClients(clients), agents: newAgents(agentsKept / less),
		actors: newActors(actors), patterns: newPatterns(patternsKept / less), traces: newTraces(tracesKept / less), paths: newPaths(pathsKept / less), names: newNames(namesKept / less),
	}
}

// hit is a Hit with what was found out about it.
type hit struct {
	*Hit
	now     uint32
	us      int64 // worker time, measured or estimated; 0: none or unknown
	ms      uint32
	dynamic bool
	unit    unit
	hash    uint64 // of the unit
	agent   uint64 // hash of the agent
	path    uint64 // hash of the path
	seen    *seen
	client  *client
	says    *agent
}

// Add counts a hit. It keeps nothing of the hit's slices, and allocates only
// what a tally needs once.
func (t *Tally) Add(h *Hit) {
	if h.Own {
		return
	}
	if h.At <= 0 || h.At > 1<<32-1 || h.At < t.opt.Since || t.opt.Until > 0 && h.At > t.opt.Until {
		t.outside++
		return
	}
	x := hit{Hit: h, now: uint32(h.At)}
	t.weigh(&x)
	t.count(&x)
	switch {
	case h.Self:
		t.own[boolIndex(h.Class == ClassCron)]++
		return
	case !h.Client.IsValid():
		t.nameless++
		return
	}
	x.unit = unitOf(h.Client)
	x.hash = t.hash.pair(x.unit.hi, x.unit.lo)
	t.units.add(x.hash)
	x.agent = t.hash.bytes(3, h.Agent[:min(len(h.Agent), agentLook)])
	x.client = t.clients.touch(x.hash, x.unit, x.agent, x.now)
	x.says = t.agents.touch(x.agent, h.Agent)
	x.seen = t.look.at(h.Path, h.Query)
	t.met(&x)
	if x.Class == ClassBroken && isTLS(x.Target) {
		t.tls++
		return
	}
	if g, found := t.groupOf(&x); found {
		t.attempt(&x, g)
	} else {
		t.visit(&x)
	}
	t.note(&x)
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// slowMiss is from what time on a missing file was looked for by PHP, as
// WordPress does: a web server that looks by itself needs far less.
const slowMiss = 2000

// weigh finds what the hit cost.
func (t *Tally) weigh(x *hit) {
	x.dynamic = x.Class.Dynamic() || x.Class == ClassStatic && x.Status == 404 && x.TookUs >= slowMiss
	if !x.dynamic {
		return
	}
	x.us = x.TookUs
	if x.us >= 0 {
		t.timed++
	} else {
		t.untimed++
		x.us = max(t.opt.Cost[x.Class], 0)
	}
	x.ms = uint32(min((x.us+500)/1000, 1<<31))
}

// count sums what is known without a look at who asks.
func (t *Tally) count(x *hit) {
	t.from, t.to = earlier(t.from, x.now), max(t.to, x.now)
	t.total.Requests++
	s := t.line.at(x.now)
	if s != nil {
		s.requests = satAdd(s.requests, 1)
	}
	if !x.dynamic {
		return
	}
	t.total.Dynamic++
	t.total.TookUs += x.us
	if s != nil {
		s.dynamic = satAdd(s.dynamic, 1)
		s.tookUs += uint64(x.us)
	}
	t.minutes.add(x.now/minuteLen, x.ms)
	if x.Status == 200 && x.Bytes >= 0 && (t.least < 0 || x.Bytes < t.least) {
		t.least = x.Bytes
	}
}

// met notes that the client and the agent were there.
func (t *Tally) met(x *hit) {
	c, a := x.client, x.says
	c.first, c.last = earlier(c.first, x.now), max(c.last, x.now)
	c.requests = satAdd(c.requests, 1)
	a.first, a.last = earlier(a.first, x.now), max(a.last, x.now)
	a.requests = satAdd(a.requests, 1)
	if a.name >= 0 {
		t.kinds[a.name]++
	}
}

// visit counts a hit that is no attempt: what a visitor, a crawler or a user
// of wp-admin does.
func (t *Tally) visit(x *hit) {
	c := x.client
	switch {
	case x.seen.signs&signRobots != 0:
		x.says.robots = true
		return
	case x.Class == ClassStatic && x.Status < 400:
		if string(x.Referer) != "-" { // a browser names the page that a file is for
			c.assets = satAdd(c.assets, 1)
			t.follow(c)
		}
		return
	case !x.dynamic:
		return
	}
	c.dynamic = satAdd(c.dynamic, 1)
	c.tookUs += uint64(x.us)
	x.says.work(x)
	if x.Method == Get && x.Class <= ClassSearch && (x.Status == 200 || x.Status == 304) || x.Class == ClassQuery && x.Method == Get && x.Status == 200 {
		c.views = satAdd(c.views, 1)
	}
	if x.Class == ClassAdmin && x.Status == 200 && x.seen.signs&signAdmin != 0 && (x.Bytes < 0 || x.Bytes >= adminLeast) {
		t.adminPage(x)
	}
	if x.Method == Post && x.seen.signs&signInstall != 0 && c.tried&(groupLogin.bit()|groupForm.bit()) != 0 {
		t.install(x)
	}
	t.shape(x)
}

// install notes a POST to where code or users are added, by a client that has
// logged in.
func (t *Tally) install(x *hit) {
	for _, key := range []uint64{t.actorKey(x.hash, groupLogin, 0), x.client.lastPost} {
		if i := t.actors.top.find(key); i >= 0 && t.actors.of[i].login.best.at != 0 {
			t.actors.of[i].login.uploads = satAdd(t.actors.of[i].login.uploads, 1)
			return
		}
	}
}

// adminLeast is what a page of wp-admin has at least, compressed: less is an
// empty answer or a redirect.
const adminLeast = 1000

// adminSoon is within how many seconds a page of wp-admin follows on a log-in.
const adminSoon = 60

// adminPage notes that the client is logged in, and whether it has just come in.
func (t *Tally) adminPage(x *hit) {
	c := x.client
	c.admin = satAdd(c.admin, 1)
	c.adminFirst, c.adminAt = earlier(c.adminFirst, x.now), max(c.adminAt, x.now)
	if c.posted != 0 && x.now-c.posted <= adminSoon {
		t.entered(c, x.now)
	}
}

// entered tells the actor that posted last that wp-admin opened.
func (t *Tally) entered(c *client, now uint32) {
	if i := t.actors.top.find(c.lastPost); i >= 0 {
		t.actors.of[i].login.entered(c.posted, now)
	}
	c.posted = 0
}

// work counts a dynamic request of an agent.
func (a *agent) work(x *hit) {
	a.dynamic = satAdd(a.dynamic, 1)
	a.tookUs += uint64(x.us)
	if a.kind != kindCrawler && a.kind != kindTool && a.kind != kindScanner {
		return // no load is judged by it
	}
	a.clients.add(x.hash)
	a.answers.add(x.Status)
	a.peaks.add(x)
}

// shape counts the pattern of a page's URL. Search engines are left out: they
// walk where they are let, and the site wants them.
func (t *Tally) shape(x *hit) {
	if x.seen.pattern == 0 || x.says.kind == kindSearch || x.Class == ClassAdmin || x.Class == ClassAjax || x.Class == ClassCron || x.Method == Post {
		return
	}
	p := t.patterns.touch(x.seen, x.Path, x.Query, x.now)
	p.first, p.last = earlier(p.first, x.now), max(p.last, x.now)
	p.requests = satAdd(p.requests, 1)
	p.dynamic = satAdd(p.dynamic, 1)
	p.tookUs += uint64(x.us)
	p.clients.add(x.hash)
	p.urls.add(x.seen.url)
	p.answers.add(x.Status)
	p.peaks.add(x)
	if x.says.kind == kindCrawler {
		p.robots = satAdd(p.robots, 1)
		p.vote(x.agent, 1)
	}
	if referred(x.Referer) {
		p.referred = satAdd(p.referred, 1)
	}
	x.client.pattern = x.seen.pattern
}

// follow says that an asset followed on the client's last page.
func (t *Tally) follow(c *client) {
	if c.pattern == 0 {
		return
	}
	if i := t.patterns.top.find(c.pattern); i >= 0 {
		t.patterns.of[i].followed = satAdd(t.patterns.of[i].followed, 1)
	}
	c.pattern = 0
}

// note keeps what may be a trace of a break-in.
func (t *Tally) note(x *hit) {
	s := x.seen.signs
	if s&(signFile|signPHP) == 0 || x.Status < 200 || x.Status > 299 || x.Bytes == 0 {
		return
	}
	if s&signFile == 0 && x.Class != ClassPHP && s&(signUploads|signShell) == 0 {
		return
	}
	t.traces.add(t.hash.bytes(4, x.Path), x.unit, x.Hit, s, x.now)
}

func referred(r []byte) bool { return len(r) > 1 } // "-" stands for none

// inAdmin reports whether a referrer is a page of wp-admin.
func inAdmin(r []byte) bool { return bytes.Contains(r, []byte("/wp-admin/")) }
