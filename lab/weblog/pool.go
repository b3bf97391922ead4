package weblog

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// pool are the visitors, each with an address of its own.
type pool struct {
	size uint32
	seed uint64
	ipv6 float64
	next uint32
	used int64 // different ones so far
}

func newPool(o Options) pool {
	return pool{size: uint32(o.Clients), seed: o.Seed*0x9e3779b97f4a7c15 + 1, ipv6: o.IPv6}
}

// visitor returns the next new visitor's number, or that of one who comes back.
func (g *generator) visitor() uint32 {
	p := &g.pool
	if p.next == 0 || p.next < p.size && g.rnd.IntN(5) > 0 {
		p.next++
		p.used++
		return p.next - 1
	}
	return g.rnd.Uint32N(p.next)
}

// address is the visitor's. Those with IPv6 have a network of their own in which
// the last half changes from visit to visit.
func (p *pool) address(n uint32, visit uint64) (string, bool) {
	h := mix(uint64(n) ^ p.seed)
	if float64(h>>40)/float64(1<<24) < p.ipv6 {
		var a [16]byte
		binary.BigEndian.PutUint64(a[:], 0x2400_0000_0000_0000|uint64(scatter(n, p.seed))<<16)
		binary.BigEndian.PutUint64(a[8:], mix(h^visit))
		return netip.AddrFrom16(a).String(), true
	}
	n = uint32(firstBytes[n>>24])<<24 | n&0xffffff
	for { // from one of them along a permutation to the next of them: no two meet
		n = scatter(n, p.seed)
		if bytes.IndexByte(firstBytes, byte(n>>24)) >= 0 {
			return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String(), false
		}
	}
}

// firstBytes are those of visitors' addresses: not of what nobody has, nor of
// what attackers and machines have here.
var firstBytes = func() (out []byte) {
	for b := range 224 {
		if !bytes.Contains([]byte{0, 10, 17, 40, 66, 100, 127, 157, 169, 172, 192, 198, 203, 207}, []byte{byte(b)}) {
			out = append(out, byte(b))
		}
	}
	return out
}()

// scatter is a permutation of all 32-bit numbers.
func scatter(n uint32, seed uint64) uint32 {
	l, r := uint16(n>>16), uint16(n)
	for i := range uint64(4) {
		l, r = r, l^uint16(mix(uint64(r)<<8|i^seed<<32))
	}
	return uint32(l)<<16 | uint32(r)
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
