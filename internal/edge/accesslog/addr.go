package accesslog

import (
	"encoding/binary"
	"net/netip"
)

// address reads an IPv4 or IPv6 address as netip.ParseAddr does, without
// allocating: unwrapped where it is an IPv4 one in IPv6's clothes, and without
// its zone. It is invalid for anything else, such as a name.
func address(b []byte) netip.Addr {
	if a, ok := address4(b); ok {
		return netip.AddrFrom4(a)
	}
	a, ok := address6(b)
	if !ok {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a).Unmap()
}

func address4(b []byte) (out [4]byte, ok bool) {
	if len(b) < 7 || len(b) > 15 {
		return out, false
	}
	part, n, digits := 0, 0, 0
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			if digits > 0 && n == 0 {
				return out, false // 01 is 1 to some and octal to others
			}
			if n = n*10 + int(c-'0'); n > 255 {
				return out, false
			}
			digits++
		case c == '.' && digits > 0 && part < 3:
			out[part] = byte(n)
			part, n, digits = part+1, 0, 0
		default:
			return out, false
		}
	}
	out[3] = byte(n)
	return out, part == 3 && digits > 0
}

func address6(b []byte) (out [16]byte, ok bool) {
	if len(b) < 2 {
		return out, false
	}
	gap, at := -1, 0 // where the :: is, and how many bytes are there
	if b[0] == ':' {
		if b[1] != ':' {
			return out, false
		}
		gap, b = 0, b[2:]
	}
	for len(b) > 0 && b[0] != '%' {
		n, v := group(b)
		switch {
		case n == 0 || at == 16:
			return out, false
		case n < len(b) && b[n] == '.': // the last four bytes as IPv4
			v4 := b[:until(b, '%')]
			a, ok := address4(v4)
			if !ok || at > 12 || gap < 0 && at != 12 {
				return out, false
			}
			copy(out[at:], a[:])
			return spread(out, gap, at+4, b[len(v4):])
		}
		binary.BigEndian.PutUint16(out[at:], v)
		at, b = at+2, b[n:]
		if len(b) == 0 || b[0] == '%' {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return out, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return out, false
			}
			gap, b = at, b[1:]
		} else if b[0] == '%' {
			return out, false
		}
	}
	return spread(out, gap, at, b)
}

// spread moves what follows the :: to the end. What is left may be a zone.
func spread(out [16]byte, gap, at int, rest []byte) ([16]byte, bool) {
	if len(rest) == 1 || gap < 0 && at != 16 || gap >= 0 && at == 16 {
		return out, false // a zone without a name, too few groups, or a :: for none
	}
	if gap >= 0 {
		was := out
		clear(out[gap:])
		copy(out[16-(at-gap):], was[gap:at])
	}
	return out, true
}

// group reads one to four hexadecimal digits.
func group(b []byte) (n int, v uint16) {
	for n < len(b) && n < 5 {
		h := hexDigits[b[n]]
		if h > 15 {
			break
		}
		v = v<<4 | uint16(h)
		n++
	}
	if n > 4 {
		return 0, 0
	}
	return n, v
}

func until(b []byte, c byte) int {
	for i := range b {
		if b[i] == c {
			return i
		}
	}
	return len(b)
}

// hexDigits are the values of hexadecimal digits; 255: none.
var hexDigits = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
		if h := hex(byte(i)); h >= 0 {
			t[i] = uint8(h)
		}
	}
	return t
}()
