package attack

import (
	"math"
	"math/bits"
)

const (
	exactMost = 1024 // hashes kept as they are: up to here the count is exact
	hllBits   = 14   // then 16384 registers of one byte: a standard error of 0.8 %
)

// distinct counts different hashes in at most 16 KiB.
type distinct struct {
	few  []uint64 // open addressing, 0 is free; nil once there are many
	n    int
	regs []uint8 // HyperLogLog (Flajolet et al. 2007)
}

func newDistinct() distinct { return distinct{few: make([]uint64, 2*exactMost)} }

// add counts a hash. It allocates once, when many begin.
func (d *distinct) add(h uint64) {
	if d.regs != nil {
		d.note(h)
		return
	}
	h = tagOf(h)
	mask := uint64(len(d.few) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch d.few[i] {
		case h:
			return
		case 0:
			d.few[i] = h
			if d.n++; d.n > exactMost {
				d.many()
			}
			return
		}
	}
}

func (d *distinct) many() {
	d.regs = make([]uint8, 1<<hllBits)
	for _, h := range d.few {
		if h != 0 {
			d.note(h)
		}
	}
	d.few = nil
}

func (d *distinct) note(h uint64) {
	i := h >> (64 - hllBits)
	if rank := uint8(bits.LeadingZeros64(h<<hllBits|1<<(hllBits-1)) + 1); rank > d.regs[i] {
		d.regs[i] = rank
	}
}

// merge adds what another one counted.
func (d *distinct) merge(o *distinct) {
	if o.regs == nil {
		for _, h := range o.few {
			if h != 0 {
				d.add(h)
			}
		}
		return
	}
	if d.regs == nil {
		d.many()
	}
	for i, r := range o.regs {
		d.regs[i] = max(d.regs[i], r)
	}
}

// count returns the number of different hashes.
func (d *distinct) count() int64 {
	if d.regs == nil {
		return int64(d.n)
	}
	sum, zero := 0.0, 0
	for _, r := range d.regs {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zero++
		}
	}
	const m = float64(1 << hllBits)
	if est := 0.7213 / (1 + 1.079/m) * m * m / sum; est > 2.5*m || zero == 0 {
		return int64(est + 0.5)
	}
	return int64(m*math.Log(m/float64(zero)) + 0.5) // few of them: linear counting is better
}

// bitmap counts a few different hashes roughly (linear counting, Whang et al.
// 1990): a threshold of up to a dozen needs no more than 64 bits.
type bitmap uint64

func (b *bitmap) add(h uint64) { *b |= 1 << (h >> 58) }

// count is 1 or 2 too low now and then, near a dozen; it ends at 266.
func (b bitmap) count() int {
	zero := 64 - bits.OnesCount64(uint64(b))
	if zero == 0 {
		zero = 1
	}
	return int(64*math.Log(64/float64(zero)) + 0.5)
}
