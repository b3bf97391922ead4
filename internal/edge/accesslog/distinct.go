package accesslog

import (
	"math"
	"math/bits"
)

const (
	exactMost = 512     // hashes kept as they are: up to here the count is exact
	hllBits   = 12      // then 4096 registers of one byte: a standard error of 1.6 %
	hllSize   = 1 << 12 // registers
)

// Distinct counts different 64-bit hashes in at most 4 KiB. The zero value is
// empty. Hashes must come from a seeded hash: attackers choose what is hashed.
type Distinct struct {
	slots []uint64 // open addressing, 0 is free
	n     int
	regs  []uint8 // HyperLogLog, once the exact set is full
}

// Add counts a hash.
func (d *Distinct) Add(h uint64) {
	if d.regs != nil {
		d.note(h)
		return
	}
	if h == 0 {
		h = 1
	}
	if d.n*2 >= len(d.slots) && !d.grow() {
		d.note(h)
		return
	}
	if d.insert(h) {
		d.n++
	}
}

func (d *Distinct) insert(h uint64) bool {
	mask := uint64(len(d.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch d.slots[i] {
		case 0:
			d.slots[i] = h
			return true
		case h:
			return false
		}
	}
}

// grow doubles the exact set, or turns it into registers and reports false.
func (d *Distinct) grow() bool {
	old := d.slots
	if d.n >= exactMost {
		d.regs, d.slots = make([]uint8, hllSize), nil
		for _, h := range old {
			if h != 0 {
				d.note(h)
			}
		}
		return false
	}
	d.slots = make([]uint64, max(8, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			d.insert(h)
		}
	}
	return true
}

func (d *Distinct) note(h uint64) {
	i := h >> (64 - hllBits)
	if rank := uint8(bits.LeadingZeros64(h<<hllBits|1<<(hllBits-1)) + 1); rank > d.regs[i] {
		d.regs[i] = rank
	}
}

// Count returns the number of different hashes.
func (d *Distinct) Count() int64 {
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
	const m = float64(hllSize)
	if est := 0.7213 / (1 + 1.079/m) * m * m / sum; est > 2.5*m || zero == 0 {
		return int64(est + 0.5)
	}
	return int64(m*math.Log(m/float64(zero)) + 0.5) // few of them: linear counting is better
}

// Reset empties the set and keeps little memory.
func (d *Distinct) Reset() {
	if d.regs != nil || len(d.slots) > 64 {
		*d = Distinct{}
		return
	}
	clear(d.slots)
	d.n = 0
}
