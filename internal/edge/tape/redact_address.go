package tape

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"strings"
)

// addresses replaces client addresses so that they stay comparable: two that
// share a /24 (a /64) share one afterwards, and no two become one.
//
// They go to where no host can be: IPv4 networks to 240.0.0.0/4, which is
// reserved and holds enough of them (the documentation networks are three),
// IPv6 networks to 2001:db8::/32.
type addresses struct {
	salt  []byte
	nets  map[netip.Prefix]netip.Prefix
	taken map[netip.Prefix]bool
}

func newAddresses(salt []byte) *addresses {
	return &addresses{salt: salt, nets: map[netip.Prefix]netip.Prefix{}, taken: map[netip.Prefix]bool{}}
}

var (
	reserved4 = netip.MustParsePrefix("240.0.0.0/4")
	reserved6 = netip.MustParsePrefix("2001:db8::/32")
	documents = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), reserved4, reserved6}
)

// replace returns the address that stands for s. What is no address becomes "?".
func (a *addresses) replace(s string) string {
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return "?"
	}
	ip = ip.Unmap().WithZone("")
	if ip.IsLoopback() || ip.IsUnspecified() || harmless(ip) {
		return ip.String()
	}
	if ip.Is4() {
		return a.four(ip)
	}
	return a.six(ip)
}

// replaceRemote returns what stands for an address with a port, which it keeps.
func (a *addresses) replaceRemote(s string) string {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return ""
	}
	to, err := netip.ParseAddr(a.replace(ap.Addr().String()))
	if err != nil {
		return ""
	}
	return netip.AddrPortFrom(to, ap.Port()).String()
}

// harmless reports whether the address belongs to nobody, such as one that was
// put there by an earlier export.
func harmless(ip netip.Addr) bool {
	for _, p := range documents {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func (a *addresses) four(ip netip.Addr) string {
	net := netip.PrefixFrom(ip, 24).Masked()
	to := a.net(net, func(n uint64) netip.Prefix {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0xf0000000|uint32(n&0xfffff)<<8)
		return netip.PrefixFrom(netip.AddrFrom4(b), 24)
	})
	from, out := ip.As4(), to.Addr().As4()
	out[3] = from[3] ^ byte(a.hash("host", net.String())) // one to one within the network
	return netip.AddrFrom4(out).String()
}

func (a *addresses) six(ip netip.Addr) string {
	net := netip.PrefixFrom(ip, 64).Masked()
	to := a.net(net, func(n uint64) netip.Prefix {
		b := reserved6.Addr().As16()
		binary.BigEndian.PutUint32(b[4:8], uint32(n))
		return netip.PrefixFrom(netip.AddrFrom16(b), 64)
	})
	out := to.Addr().As16()
	binary.BigEndian.PutUint64(out[8:], a.hash("host", ip.String()))
	return netip.AddrFrom16(out).String()
}

// net finds the network that stands for another; where two would fall
// together the second goes to the next free one.
func (a *addresses) net(from netip.Prefix, make func(uint64) netip.Prefix) netip.Prefix {
	if to, ok := a.nets[from]; ok {
		return to
	}
	n := a.hash("net", from.String())
	to := make(n)
	for a.taken[to] && len(a.taken) < 1<<19 {
		n++
		to = make(n)
	}
	a.nets[from], a.taken[to] = to, true
	return to
}

func (a *addresses) hash(what, s string) uint64 { return keyed(a.salt, what, s) }

// keyed is a hash that nobody can try out without the salt.
func keyed(salt []byte, what, s string) uint64 {
	h := hmac.New(sha256.New, salt)
	h.Write([]byte(what + "\x00" + s))
	return binary.BigEndian.Uint64(h.Sum(nil))
}
