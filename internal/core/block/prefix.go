package block

import (
	"net/netip"

	"go4.org/netipx"
)

// unit6 is what one customer has at the least in IPv6. Source: RFC 6177, RFC 7421.
const unit6 = 64

// Unit is one attacker at the least: an IPv4 address, or an IPv6 /64, of which
// its owner can use any address.
func Unit(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	return widened(netip.PrefixFrom(a, a.BitLen()))
}

// plain is a prefix without host bits, zone and IPv4 in IPv6. It is invalid where
// the prefix is.
func plain(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// widened is a prefix that is no narrower than a unit.
func widened(p netip.Prefix) netip.Prefix {
	if p.IsValid() && p.Addr().Is6() && p.Bits() > unit6 {
		return netip.PrefixFrom(p.Addr(), unit6).Masked()
	}
	return p
}

// within reports whether all of in is part of out.
func within(in, out netip.Prefix) bool {
	return out.Addr().BitLen() == in.Addr().BitLen() && out.Bits() <= in.Bits() && out.Contains(in.Addr())
}

// without returns what is left of a prefix when the holes are taken out of it, as
// prefixes that do not touch each other's addresses.
func without(p netip.Prefix, holes []netip.Prefix) []netip.Prefix {
	if len(holes) == 0 {
		return []netip.Prefix{p}
	}
	var b netipx.IPSetBuilder
	b.AddPrefix(p)
	for _, h := range holes {
		b.RemovePrefix(h)
	}
	set, err := b.IPSet()
	if err != nil {
		return nil // an invalid prefix: better nobody is banned
	}
	return set.Prefixes()
}

// reserved are the ranges that no visitor from outside has. Those kept for
// documentation are no danger to anybody and may be banned.
// Source: IANA's special-purpose address registries.
var reserved = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
	"::/8", "fc00::/7", "fe80::/9", "ff00::/8",
)

func prefixes(texts ...string) []Protected {
	var out []Protected
	for _, t := range texts {
		out = append(out, Protected{Prefix: netip.MustParsePrefix(t), Why: Private})
	}
	return out
}

// IsReserved reports whether no visitor from outside can have the address:
// loopback, private networks, multicast.
func IsReserved(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, r := range reserved {
		if r.Prefix.Contains(a) {
			return true
		}
	}
	return !a.IsValid()
}

// Bounds of a single ban, and of all of them together: one 65536th of the
// address space, which in IPv6 is what a provider has.
const (
	widest4 = 16
	widest6 = 32
	// HourMost is how many bans an hour may see unless the owner agrees to more.
	HourMost = 100
)

// space is the share of its family's address space that a prefix takes, in parts
// of the most that all bans may take together.
func space(p netip.Prefix) float64 {
	most := widest4
	if p.Addr().Is6() {
		most = widest6
	}
	share := 1.0
	for n := p.Bits(); n > most; n-- {
		share /= 2
	}
	for n := p.Bits(); n < most; n++ {
		share *= 2
	}
	return share
}
