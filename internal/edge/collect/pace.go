package collect

import (
	"time"

	"hirune/internal/core/evidence"
)

// slowFactor is how much rarer collectors are asked while the CPU is capped:
// processes at 0.2 Hz instead of 1 Hz. On the smallest bundle the recorder
// must not take what little the site still gets.
const slowFactor = 5

// calmFor is how long no sign of a cap may be seen before the pace goes back.
const calmFor = 60 * time.Second

// signsNeeded is how many of the last ten beats must show a cap: one late beat
// is no cap.
const signsNeeded = 4

// pace decides how often collectors are asked.
type pace struct {
	slow     bool
	signs    uint16        // of the last beats, the newest in the lowest bit
	lastSign time.Duration // when a cap was seen last
	next     time.Duration // when the coming beat should start
	started  bool
	maxLate  time.Duration // since the last SelfCost
}

func (p *pace) factor() int {
	if p.slow {
		return slowFactor
	}
	return 1
}

// late is how late this beat began.
func (p *pace) late(passed, interval time.Duration) time.Duration {
	late := max(0, passed-p.next)
	if !p.started {
		late = 0
	}
	p.started = true
	p.next = passed - late%interval + interval
	p.maxLate = max(p.maxLate, late)
	return late
}

// judge takes one beat's signs in.
func (p *pace) judge(passed, late, interval time.Duration, capped bool) {
	p.signs <<= 1
	if capped || late > interval/2 {
		p.signs |= 1
		p.lastSign = passed
	}
	n := 0
	for b := p.signs & 0x3ff; b != 0; b >>= 1 {
		n += int(b & 1)
	}
	switch {
	case n >= signsNeeded:
		p.slow = true
	case p.slow && passed-p.lastSign >= calmFor:
		p.slow = false
	}
}

// CPUCapped reports whether the records say that the CPU is capped: the
// hypervisor takes a fifth of the machine, or a group of the site's is
// throttled for a fifth of the time.
func CPUCapped(records []evidence.Record) bool {
	for _, r := range records {
		switch f := r.Fact.(type) {
		case evidence.Host:
			if f.CapacityMs() > 0 && f.StealMs*5 >= f.CapacityMs() {
				return true
			}
		case evidence.Cgroup:
			if f.OverMs > 0 && f.ThrottledMs*5 >= f.OverMs {
				return true
			}
		}
	}
	return false
}

// clockWatch compares the two clocks.
type clockWatch struct {
	known bool
	apart time.Duration // wall clock less passed time
	zero  time.Time
}

// step is by how much the wall clock was set since the last call; 0 if it was not.
func (c *clockWatch) step(wall time.Time, passed time.Duration) time.Duration {
	if !c.known {
		c.known, c.zero, c.apart = true, wall, -passed
		return 0
	}
	apart := wall.Sub(c.zero) - passed
	step := apart - c.apart
	c.apart = apart
	if step.Abs() < stepFrom {
		return 0
	}
	return step
}
