package attack

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"
)

// Around keeps what stands around the attacks in the same stream: how busy each
// hour was, and which few addresses send most, so that a proxy is not taken for
// a client. The zero value is ready; it is not safe for concurrent use.
type Around struct {
	Since, Until int64 // unix seconds: other requests are not counted; 0: no bound

	hours   map[int64]*Sums
	hour    int64 // the last one that was counted
	sums    *Sums
	all     int64
	unnamed int64 // without an address
	seen    int64 // whose address was looked at
	peers   [peersKept]peer
}

// peersKept bounds the error of a peer's share: 1/peersKept. Source: Misra and
// Gries, "Finding repeated elements".
const peersKept = 16

// hoursMost bounds the hours: more than a year and a half.
const hoursMost = 24 * 600

const hourS = 3600

type peer struct {
	addr   netip.Addr
	n      int64 // at least: at most seen/peersKept less than it is
	static int64
	agents uint64 // linear counting in one word: it only has to tell one from many
}

// Add counts a request. What the server or hirune sent itself says nothing
// about clients.
func (a *Around) Add(h *Hit) {
	if h.Own || h.Self || h.At < a.Since || a.Until != 0 && h.At > a.Until {
		return
	}
	a.busy(h)
	a.all++
	switch {
	case !h.Client.IsValid():
		a.unnamed++
	case a.all <= sampleFrom || a.all%sampleEvery == 0:
		a.seen++
		a.count(h)
	}
}

// Of a long log a sample tells who stands before it.
const (
	sampleFrom  = 1 << 12
	sampleEvery = 8
)

func (a *Around) busy(h *Hit) {
	if k := h.At / hourS; a.sums == nil || k != a.hour {
		if a.hours == nil {
			a.hours = map[int64]*Sums{}
		}
		s := a.hours[k]
		if s == nil {
			if len(a.hours) >= hoursMost {
				return
			}
			s = &Sums{}
			a.hours[k] = s
		}
		a.hour, a.sums = k, s
	}
	a.sums.Requests++
	if h.Class.Dynamic() {
		a.sums.Dynamic++
		a.sums.TookUs += max(h.TookUs, 0)
	}
}

func (a *Around) count(h *Hit) {
	free := -1
	for i := range a.peers {
		p := &a.peers[i]
		if p.n > 0 && p.addr == h.Client {
			p.add(h)
			return
		}
		if p.n <= 0 {
			free = i
		}
	}
	if free >= 0 {
		a.peers[free] = peer{addr: h.Client}
		a.peers[free].add(h)
		return
	}
	for i := range a.peers {
		a.peers[i].n--
	}
}

func (p *peer) add(h *Hit) {
	p.n++
	if h.Class == ClassStatic {
		p.static++
	}
	p.agents |= 1 << (agentHash(h.Agent) >> 58)
}

// agentHash is FNV-1a over the length and the end of an agent, where programs
// and versions differ.
func agentHash(b []byte) uint64 {
	x := uint64(14695981039346656037) ^ uint64(len(b))
	for _, c := range b[max(0, len(b)-24):] {
		x = (x ^ uint64(c)) * 1099511628211
	}
	return x ^ x>>29*0x9e3779b97f4a7c15
}

// Merge adds what another one has counted.
func (a *Around) Merge(b *Around) {
	a.all, a.unnamed, a.seen = a.all+b.all, a.unnamed+b.unnamed, a.seen+b.seen
	for k, s := range b.hours {
		if a.hours == nil {
			a.hours = map[int64]*Sums{}
		}
		if o := a.hours[k]; o != nil {
			o.Requests, o.Dynamic, o.TookUs = o.Requests+s.Requests, o.Dynamic+s.Dynamic, o.TookUs+s.TookUs
		} else if len(a.hours) < hoursMost {
			c := *s
			a.hours[k] = &c
		}
	}
	a.mergePeers(b)
}

// mergePeers keeps the most frequent of both, less the first that is left out:
// the bound of the error stays.
func (a *Around) mergePeers(b *Around) {
	var all []peer
	for _, p := range append(a.peers[:], b.peers[:]...) {
		if p.n <= 0 {
			continue
		}
		if i := slices.IndexFunc(all, func(o peer) bool { return o.addr == p.addr }); i >= 0 {
			all[i].n, all[i].static, all[i].agents = all[i].n+p.n, all[i].static+p.static, all[i].agents|p.agents
			continue
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(x, y peer) int { return cmp.Or(cmp.Compare(y.n, x.n), x.addr.Compare(y.addr)) })
	less := int64(0)
	if len(all) > peersKept {
		less = all[peersKept].n
	}
	a.peers = [peersKept]peer{}
	for i, p := range all[:min(len(all), peersKept)] {
		p.n -= less
		a.peers[i] = p
	}
}

// Peers is who seems to stand between the clients and the log.
type Peers struct {
	Unnamed float64      // share of requests without an address
	Proxies []netip.Addr // addresses that send most of the requests and are no single client
	Share   float64      // of the requests, at least
	// Shared are the proxies, and all other addresses of the busiest that send what
	// many browsers send, pictures and styles too: one edge of a CDN that has
	// several, or an office. A ban would hit them all.
	Shared []netip.Addr
}

// What makes an address a proxy. Few private addresses that send half of all
// are one; a public address has to send nearly all, with many browsers, and
// what browsers also fetch: a flood is neither.
const (
	proxiesMost    = 4
	privateShare   = 0.5
	publicShare    = 0.9
	publicAgents   = 8
	publicStatic   = 0.05
	peersLeast     = 200 // fewer requests say nothing
	sharedLeast    = 40
	unnamedTooMany = 0.5
)

// Peers says whether the addresses of the log are those of proxies.
func (a *Around) Peers() Peers {
	out := a.proxies()
	out.Shared = slices.Clone(out.Proxies)
	for _, p := range a.peers {
		if p.n >= sharedLeast && p.many() && float64(p.static) >= publicStatic*float64(p.n) && !slices.Contains(out.Shared, p.addr) {
			out.Shared = append(out.Shared, p.addr)
		}
	}
	slices.SortFunc(out.Shared, netip.Addr.Compare)
	return out
}

func (a *Around) proxies() Peers {
	out := Peers{}
	if a.all == 0 {
		return out
	}
	out.Unnamed = float64(a.unnamed) / float64(a.all)
	if a.seen < peersLeast {
		return out
	}
	all := slices.Clone(a.peers[:])
	slices.SortFunc(all, func(x, y peer) int { return cmp.Or(cmp.Compare(y.n, x.n), x.addr.Compare(y.addr)) })
	var n int64
	for _, p := range all[:proxiesMost] {
		if p.n > 0 && near(p.addr) && p.many() {
			out.Proxies, n = append(out.Proxies, p.addr), n+p.n
		}
	}
	if out.Share = float64(n) / float64(a.seen); out.Share >= privateShare {
		return out
	}
	out.Proxies, out.Share = nil, 0
	if p := all[0]; float64(p.n) >= publicShare*float64(a.seen) && p.many() && float64(p.static) >= publicStatic*float64(p.n) {
		out.Proxies, out.Share = []netip.Addr{p.addr}, float64(p.n)/float64(a.seen)
	}
	return out
}

// many reports whether more than a handful of programs stand behind the address.
func (p peer) many() bool { return bits.OnesCount64(p.agents) >= publicAgents }

// near reports whether an address is of the host or of a network that is not
// the Internet.
func near(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast() || carrier.Contains(a)
}

// carrier is the address space that providers share among customers. Source: RFC 6598.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// Load compares requests that cost a PHP worker, a second, in the time of an
// attack with the same hours of other days; -1 unknown.
type Load struct{ During, Usual float64 }

// Load returns how busy the server was from a moment to another, against the
// hours in which none of the attacks was at work. Whole hours are counted: what
// is over in minutes would look like less than it was.
func (a *Around) Load(from, to int64, attacks []Attack) Load {
	out := Load{During: -1, Usual: -1}
	if to-from < loadLeast {
		return out
	}
	var n, hours int64
	of := map[int64]bool{}
	for k := from / hourS; k <= to/hourS && hours < hoursMost; k++ {
		hours++
		of[k%24] = true
		if s := a.hours[k]; s != nil {
			n += s.Dynamic
		}
	}
	out.During = float64(n) / float64(hours*hourS)
	var calm []int64
	for k, s := range a.hours {
		if of[k%24] && !attacked(k, attacks) {
			calm = append(calm, s.Dynamic)
		}
	}
	if len(calm) >= calmLeast {
		slices.Sort(calm)
		out.Usual = float64(calm[len(calm)/2]) / hourS
	}
	return out
}

const (
	loadLeast = hourS // of an attack
	calmLeast = 3     // calm hours that make a usual one
)

// attacked reports whether one of the attacks was at work in an hour.
func attacked(k int64, attacks []Attack) bool {
	return slices.ContainsFunc(attacks, func(t Attack) bool { return t.From/hourS <= k && k <= t.To/hourS })
}
