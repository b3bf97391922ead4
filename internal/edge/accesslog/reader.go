package accesslog

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"time"

	"hirune/internal/core/attack"
)

// ProbeAgent begins the User-Agent of hirune's own requests.
const ProbeAgent = "hirune-probe/"

// Request is a line, split and judged. Its slices are valid until the next line.
type Request struct {
	Entry
	Class    attack.Class
	Path     []byte     // without the query string, decoded
	Query    []byte     // as it was sent
	Addr     netip.Addr // of the client, unmapped; invalid if the log has a name or nothing
	Who      []byte     // the client's address: IPv6 as its /64, IPv4-mapped unwrapped; or the name that was logged
	WhoHash  uint64
	URLHash  uint64
	Self     bool // sent by the server itself, as WordPress does for its schedule
	OwnProbe bool // sent by hirune
}

// Reader splits and judges the lines of one log. It is not safe for concurrent use.
type Reader struct {
	Parser *Parser
	Faults *Faults
	own    func(netip.Addr) bool
	class  Classifier
	seed   maphash.Seed
	who    []byte
}

// NewReader returns a reader for a format as NewParser takes it. own tells the
// addresses of this host; loopback is always one.
func NewReader(format string, loc *time.Location, own func(netip.Addr) bool) *Reader {
	return &Reader{Parser: NewParser(format, loc), Faults: &Faults{}, own: own, seed: maphash.MakeSeed()}
}

// Read judges a line. It reports false for an empty one. A line that does not
// follow the format is a request of the class broken.
func (r *Reader) Read(line []byte, q *Request) bool {
	if len(line) == 0 {
		return false
	}
	if !r.judge(line, q) && r.Parser.layout == nil {
		return false // the format is not known (yet): not the client's fault
	}
	q.Who = r.normal(q)
	q.WhoHash = maphash.Bytes(r.seed, q.Who)
	q.URLHash = maphash.Bytes(r.seed, q.Target)
	return true
}

// judge splits a line and says what it asks for and whether this host sent it.
// It reports false where the line is not in the format.
func (r *Reader) judge(line []byte, q *Request) bool {
	q.Self, q.OwnProbe = false, false
	fits := r.Parser.Parse(line, &q.Entry)
	if fits {
		q.Class, q.Path, q.Query = r.class.judge(&q.Entry)
	} else {
		q.Class, q.Path, q.Query = attack.ClassBroken, nil, nil
	}
	q.Addr = address(q.Client)
	r.origin(q)
	return fits
}

// normal brings a client to the unit that counts as one.
func (r *Reader) normal(q *Request) []byte {
	if !q.Addr.IsValid() || bytes.IndexByte(q.Client, ':') < 0 {
		return q.Client
	}
	a := q.Addr
	if a.Is6() {
		p, _ := a.Prefix(64) // a site is given a /64: its members are one client
		a = p.Addr()
	}
	r.who = a.AppendTo(r.who[:0])
	return r.who
}

// origin tells requests that came from this host. An agent can be forged, so
// hirune's own is believed only from an own address; and WordPress of other
// sites also calls (pingbacks), so its agent alone says little except for the
// schedule, which only the site itself calls by that name.
func (r *Reader) origin(q *Request) {
	cron := q.Class == attack.ClassCron
	if !cron && (len(q.Agent) == 0 || q.Agent[0] != 'W' && q.Agent[0] != 'h' && len(q.Target) != 1) {
		return // nearly all of them
	}
	wordpress := bytes.HasPrefix(q.Agent, []byte("WordPress/")) && !bytes.Contains(q.Agent, []byte("pingback"))
	switch {
	case cron && wordpress:
		q.Self = true
	case cron || wordpress:
		q.Self = r.isOwn(q.Addr)
	case bytes.HasPrefix(q.Agent, []byte(ProbeAgent)):
		q.OwnProbe = r.isOwn(q.Addr)
	case string(q.Target) == "*":
		q.Self = r.isOwn(q.Addr) && bytes.Contains(q.Agent, []byte("(internal dummy connection)"))
	}
}

func (r *Reader) isOwn(a netip.Addr) bool {
	return a.IsValid() && (a.IsLoopback() || r.own != nil && r.own(a))
}
