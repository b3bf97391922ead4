package attack

import (
	"encoding/binary"
	"math/bits"
)

// hasher is a seeded hash of short texts: those who are counted choose what is
// hashed, and must not be able to choose where it falls. hash/maphash cannot
// be used: its seeds are drawn by the process, so that the same log would not
// give the same picture twice. The mixing is that of wyhash.
type hasher struct{ a, b uint64 }

func newHasher(seed uint64) hasher {
	return hasher{mix(seed^0xa0761d6478bd642f, 0xe7037ed1a0b428db), mix(seed^0x8ebc6af09c88c6e3, 0x589965cc75374cc3) | 1}
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// pair hashes two words.
func (s hasher) pair(x, y uint64) uint64 {
	return mix(mix(x^s.a, y^s.b)^0x1d8e4e27c47d124f, s.b)
}

// bytes hashes a text, with a start value that sets kinds of text apart.
func (s hasher) bytes(start uint64, p []byte) uint64 {
	h, n := start^s.a, len(p)
	for len(p) > 16 {
		h = mix(binary.LittleEndian.Uint64(p)^s.b, binary.LittleEndian.Uint64(p[8:])^h)
		p = p[16:]
	}
	var x, y uint64
	switch {
	case len(p) >= 8:
		x, y = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[len(p)-8:])
	case len(p) >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[len(p)-4:]))
	case len(p) > 0:
		x = uint64(p[0])<<16 | uint64(p[len(p)/2])<<8 | uint64(p[len(p)-1])
	}
	return mix(mix(x^s.b, y^h)^uint64(n), s.b^0x589965cc75374cc3)
}
