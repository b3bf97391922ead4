package attack

// clientsKept is how many clients are remembered with what they read. It is
// the memory of a visit, not of a month: a client that comes back after some
// ten thousand others is met anew.
const clientsKept = 32768

// client is what one unit asked, since it was met.
type client struct {
	unit        unit
	agent       uint64 // hash of the first one's name
	tookUs      uint64 // of the dynamic requests that are no attempts
	first, last uint32
	requests    uint32
	dynamic     uint32 // without attempts
	views       uint32 // pages that it got, as a visitor does
	assets      uint32 // files of pages: pictures, styles, scripts
	admin       uint32 // pages of wp-admin that it got: it is logged in
	missed      uint32 // 404s that nobody referred to
	posted      uint32 // moment of its last POST that was redirected, as a log-in is
	lastPost    uint64 // what that was posted to
	adminFirst  uint32 // moments of its first and its last page of wp-admin
	adminAt     uint32
	tried       uint32 // bits of the groups that it had attempts in
	pattern     uint64 // hash of the last pattern of its URLs, until an asset follows; 0: none
}

// clients are those that asked most, and those of late.
type clients struct {
	top top
	of  []client
}

func newClients(n int) clients { return clients{newTop(n), make([]client, n)} }

func (c *clients) touch(h uint64, u unit, agent uint64, now uint32) *client {
	i, fresh := c.top.touch(h)
	e := &c.of[i]
	if fresh {
		*e = client{unit: u, agent: agent, first: now}
	}
	return e
}

// get returns what is known of a client; nil where it is forgotten.
func (c *clients) get(h uint64) *client {
	if i := c.top.find(h); i >= 0 {
		return &c.of[i]
	}
	return nil
}

// visits counts the requests that were no attempts.
func (c *client) visits() uint32 { return satAdd(c.dynamic, c.assets) }

func (c *client) merge(o *client) {
	c.first, c.last = earlier(c.first, o.first), max(c.last, o.last)
	c.tookUs += o.tookUs
	for _, p := range []struct {
		to   *uint32
		from uint32
	}{{&c.requests, o.requests}, {&c.dynamic, o.dynamic}, {&c.views, o.views}, {&c.assets, o.assets}, {&c.admin, o.admin}, {&c.missed, o.missed}} {
		*p.to = satAdd(*p.to, p.from)
	}
	if o.posted > 0 {
		c.posted, c.lastPost = o.posted, o.lastPost
	}
	c.adminFirst, c.adminAt = earlier(c.adminFirst, o.adminFirst), max(c.adminAt, o.adminAt)
	c.tried |= o.tried
	c.pattern = o.pattern
}
