package attack

import (
	"encoding/binary"
	"net/netip"
)

// unit is who is counted as one: an IPv4 address, or an IPv6 /64, which one
// customer has as a rule. It is the address as 128 bits.
type unit struct{ hi, lo uint64 }

func unitOf(a netip.Addr) unit {
	b := a.As16()
	u := unit{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	if u.hi != 0 || u.lo>>32 != 0xffff {
		u.lo = 0
	}
	return u
}

func (u unit) is4() bool { return u.hi == 0 && u.lo>>32 == 0xffff }

func (u unit) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], u.hi)
	binary.BigEndian.PutUint64(b[8:], u.lo)
	return netip.AddrFrom16(b).Unmap()
}

// prefix is the unit as what can be blocked: a /32 or a /64.
func (u unit) prefix() netip.Prefix {
	if u.is4() {
		return netip.PrefixFrom(u.addr(), 32)
	}
	return netip.PrefixFrom(u.addr(), 64)
}

// parents are the wider networks a unit lies in, the narrowest first: /24, or
// /56 and /48.
func (u unit) parents() []netip.Prefix {
	var out []netip.Prefix
	bits := []int{56, 48}
	if u.is4() {
		bits = []int{24}
	}
	for _, n := range bits {
		p, _ := u.addr().Prefix(n)
		out = append(out, p)
	}
	return out
}
