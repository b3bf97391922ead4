package accesslog

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"time"

	"hirune/internal/core/evidence"
)

// ProbeAgent begins the User-Agent of hirune's own requests.
const ProbeAgent = "hirune-probe/"

// Request is a line, split and judged. Its slices are valid until the next line.
type Request struct {
	Entry
	Class    string
	Path     []byte // without the query string, decoded
	Who      []byte // the client's address: IPv6 as its /64, IPv4-mapped unwrapped; or the name that was logged
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
	*q = Request{Class: evidence.ClassBroken}
	if r.Parser.Parse(line, &q.Entry) {
		q.Class = r.class.Class(&q.Entry)
	} else if r.Parser.layout == nil {
		return false // the format is not known (yet): not the client's fault
	}
	if q.Class != evidence.ClassBroken {
		q.Path = r.class.Path(q.Target)
	}
	q.Who = r.normal(q.Client)
	q.WhoHash = maphash.Bytes(r.seed, q.Who)
	q.URLHash = maphash.Bytes(r.seed, q.Target)
	r.origin(q)
	return true
}

// normal brings a client to the unit that counts as one.
func (r *Reader) normal(client []byte) []byte {
	if bytes.IndexByte(client, ':') < 0 {
		return client
	}
	a, err := netip.ParseAddr(string(client))
	if err != nil {
		return client
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
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
	wordpress := bytes.HasPrefix(q.Agent, []byte("WordPress/")) && !bytes.Contains(q.Agent, []byte("pingback"))
	cron := q.Class == evidence.ClassCron
	switch {
	case cron && wordpress:
		q.Self = true
	case cron || wordpress:
		q.Self = r.isOwn(q.Client)
	case bytes.HasPrefix(q.Agent, []byte(ProbeAgent)):
		q.OwnProbe = r.isOwn(q.Client)
	case q.Class == evidence.ClassStatic && bytes.Contains(q.Agent, []byte("(internal dummy connection)")):
		q.Self = r.isOwn(q.Client)
	}
}

func (r *Reader) isOwn(client []byte) bool {
	a, err := netip.ParseAddr(string(client))
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return a.IsLoopback() || r.own != nil && r.own(a)
}
