package protect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/block"
)

// InterfaceAddrs returns the addresses of this host's interfaces.
func InterfaceAddrs() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("read the addresses of the interfaces: %w", err)
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap().WithZone(""))
		}
	}
	return out, nil
}

func (h Host) own() ([]block.Protected, error) {
	if h.Interfaces == nil {
		return nil, nil
	}
	all, err := h.Interfaces()
	var out []block.Protected
	for _, a := range all {
		out = append(out, single(a, block.Own, "of this server"))
	}
	return out, err
}

// lines are those of a file; none where there is no such file.
func (h Host) lines(name string) ([]string, error) {
	text, err := os.ReadFile(h.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Split(string(text), "\n"), err
}

// gateways are the next hops of all routes.
// Source: proc(5), /proc/net/route; net/ipv6/route.c.
func (h Host) gateways() ([]block.Protected, error) {
	v4, err := h.lines("/proc/net/route")
	if err != nil {
		return nil, err
	}
	v6, err := h.lines("/proc/net/ipv6_route")
	if err != nil {
		return nil, err
	}
	var out []block.Protected
	for _, l := range v4 {
		if f := strings.Fields(l); len(f) > 2 {
			out = append(out, gateway(f[2], true))
		}
	}
	for _, l := range v6 {
		if f := strings.Fields(l); len(f) > 4 {
			out = append(out, gateway(f[4], false))
		}
	}
	return out, nil
}

// gateway is one next hop in hexadecimal; an invalid prefix where there is none.
func gateway(text string, little bool) block.Protected {
	b, err := hex.DecodeString(text)
	if err != nil {
		return block.Protected{}
	}
	if little {
		slices.Reverse(b)
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok || a.IsUnspecified() {
		return block.Protected{}
	}
	return single(a, block.Gateway, "")
}

// dns are the name servers that this host asks.
func (h Host) dns() ([]block.Protected, error) {
	var out []block.Protected
	for _, name := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		lines, err := h.lines(name)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			f := strings.Fields(l)
			if len(f) < 2 || f[0] != "nameserver" {
				continue
			}
			if a, err := netip.ParseAddr(f[1]); err == nil {
				out = append(out, single(a, block.DNS, ""))
			}
		}
	}
	return out, nil
}

const mysqlPort = 3306

// peers are the databases that this host is connected to. Who is connected to a
// database here is not among them: where its port is open to the internet, anybody
// is.
func (h Host) peers() ([]block.Protected, error) {
	all, err := h.sockets()
	if err != nil {
		return nil, err
	}
	ports := append([]int{mysqlPort}, h.DatabasePorts...)
	var out []block.Protected
	for _, s := range all {
		if s.state == established && slices.Contains(ports, int(s.peer.Port())) && !s.peer.Addr().IsLoopback() {
			out = append(out, single(s.peer.Addr(), block.DatabasePeer, "a database"))
		}
	}
	return out, nil
}

// Before says what stands before the web server, by who is connected to it.
type Before struct {
	Doors   int // sockets that listen for visitors from elsewhere on the web's ports
	Peers   int // established connections from elsewhere to the web's ports
	Proxies int // of them, those of private networks, of proxies that the web server trusts, and of known ones
}

// leastPeers is from how many connections on they tell something.
const leastPeers = 5

// Proxied reports whether proxies stand before the web server: the packet filter
// would then hit a proxy, or nobody.
func (b Before) Proxied() bool { return b.Peers >= leastPeers && 2*b.Proxies > b.Peers }

// Before looks who is connected to the web's ports now.
func (h Host) Before() (Before, error) {
	all, err := h.sockets()
	if err != nil {
		return Before{}, seen(err)
	}
	own, err := h.own()
	if err != nil {
		return Before{}, seen(err)
	}
	var b Before
	for _, s := range all {
		a := s.peer.Addr()
		// A web server behind another one on this host tells nothing of who stands before both.
		within := s.local.Addr().IsLoopback() || slices.ContainsFunc(own, func(p block.Protected) bool { return p.Prefix.Addr() == a })
		if within || !slices.Contains(h.WebPorts, int(s.local.Port())) {
			continue
		}
		if s.state == listening {
			b.Doors++
			continue
		}
		b.Peers++
		if block.IsReserved(a) || slices.ContainsFunc(slices.Concat(h.Proxies, cloudflare), func(p netip.Prefix) bool { return p.Contains(a) }) {
			b.Proxies++
		}
	}
	return b, nil
}

// Behind reports whether the web server can be reached from this host alone, so
// that somebody has to stand before it.
func Behind(listens []string) bool {
	for _, l := range listens {
		host, _, err := net.SplitHostPort(l)
		a, perr := netip.ParseAddr(host)
		if err != nil || perr != nil || !a.IsLoopback() {
			return false
		}
	}
	return len(listens) > 0
}

// Ports are those of addresses such as "0.0.0.0:80".
func Ports(listens []string) []int {
	var out []int
	for _, l := range listens {
		_, port, err := net.SplitHostPort(l)
		if n, perr := strconv.Atoi(port); err == nil && perr == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
