package apply

import (
	"slices"
	"time"

	"hirune/internal/core/evidence"
)

// Codes of why the work waits; the catalogues of package report have their words.
const (
	WaitCapped  = "cpu-capped"  // the CPU's cap is reached
	WaitPages   = "slow-pages"  // the site's own pages are slower than before
	WaitLocks   = "lock-waits"  // somebody waits for a lock of ours
	WaitPurge   = "purge-lag"   // InnoDB has much left to clean up
	WaitDisk    = "disk-low"    // a disk is nearly full
	WaitReplica = "replica-lag" // a replica is behind
	WaitPaused  = "paused"      // the pause file is there
)

// Pace decides how fast a long step may go, from what the recorder's collectors
// see while it runs. Threads running alone do not tell: in the lab they never
// moved. What does is the CPU's cap, the time a page takes, and who waits for us.
//
// It steers the share of the time in which the step works (its duty), and the
// size of a piece by its time. Where CPU is rationed it deals out keys a second
// instead. It has no clock and never waits by itself; it is not safe for
// concurrent use.
type Pace struct {
	Target time.Duration             // that a piece is to take
	Ours   func(session uint64) bool // sessions of this step; nil: none

	duty     float64
	size     float64
	ration   ration
	slots    slots
	left     float64 // share of the machine that a hypervisor leaves; 0: all
	begun    bool    // Before was called
	base     baseline
	last     signals
	bad      string    // code of the latest bad signal
	badAt    time.Time // when it was seen
	holdFrom time.Time // since when nothing was granted
	settled  bool      // what was bad stayed so while we held still: it is not us
	steered  time.Time
}

// Bounds of the servo.
const (
	dutyLeast   = 0.02
	dutyStart   = 0.1 // until the machine is known to have time to spare
	sizeLeast   = 20  // keys
	sizeMost    = 20_000
	pagesMost   = 1.3  // times the usual time of a page
	pagesSlack  = 15.0 // ms that a page may vary anyway
	stealMost   = 0.03 // of the machine beyond what it was before
	lockMost    = 300 * time.Millisecond
	lagMost     = 2 * time.Second
	historyMost = 200_000 // undo logs; quadratic slow-downs were reported from millions
	diskLeastKB = 512 << 10
	holdMost    = 6 * time.Second
	pauseMost   = 2 * time.Second
	steerEvery  = 500 * time.Millisecond
)

// NewPace returns a pace for pieces of the given first size.
func NewPace(target time.Duration, size int64) *Pace {
	base, last := unknown()
	return &Pace{Target: target, duty: dutyStart, size: float64(max(size, sizeLeast)), base: base, last: last, ration: newRation()}
}

// Before takes what was seen before the work began as what is usual.
func (p *Pace) Before(records []evidence.Record) {
	for _, r := range records {
		p.read(r)
	}
	p.begun = true
	p.base.pages = slices.Clone(p.last.pages)
	p.base.steal, p.base.history = p.last.steal, p.last.history
	p.ration.begin()
	if p.last.idle >= 0.3 && p.last.steal < stealMost {
		p.duty = 1
	}
}

// Observe takes in one fact and steers.
func (p *Pace) Observe(r evidence.Record) {
	if !p.read(r) {
		return
	}
	_, probed := r.Fact.(evidence.Probe)
	p.steer(r.At, probed)
}

// Rationed reports whether CPU is rationed, by a quota or by a hypervisor.
func (p *Pace) Rationed() bool { return p.ration.cpus > 0 }

// Lag tells how far the slowest replica is behind.
func (p *Pace) Lag(behind time.Duration) { p.last.lag = behind }

// steer changes the duty by the worst of the readings.
func (p *Pace) steer(now time.Time, probed bool) {
	why, much := p.trouble(now)
	if why == "" {
		why, much = p.visitors(now, probed)
	}
	if why == "" {
		p.bad, p.settled = "", false
	} else {
		p.bad, p.badAt = why, now
	}
	if now.Sub(p.steered) < steerEvery {
		return
	}
	p.steered = now
	switch {
	case much > 0:
		p.less(much)
	case why == "" || p.ration.on(now):
		p.duty = min(1, p.duty*1.25+0.02)
	}
}

// less makes the duty smaller by a share of it.
func (p *Pace) less(much float64) { p.duty = max(dutyLeast, p.duty*max(0.4, 1-much)) }

// visitors judges how visitors fare, and steers by each page once: the next one
// shows what came of it. Where CPU is rationed their share is known beforehand,
// and single pages vary too much to steer by: they only correct.
func (p *Pace) visitors(now time.Time, probed bool) (why string, much float64) {
	if !p.ration.on(now) {
		times := p.slow(pagesMost, pagesSlack, 3)
		if times <= 0 {
			return "", 0
		}
		if probed {
			p.less(0.3 * times)
		}
		return WaitPages, 0
	}
	slow := p.ration.known && p.slow(rationPages, rationSlack, probesKept) > 0
	if probed {
		p.ration.correct(slow)
	}
	switch {
	case slow:
		return WaitPages, 0
	case p.ration.short():
		return WaitCapped, 0
	}
	return "", 0
}

// Leave is what Pace says of the next piece.
type Leave struct {
	Size  int64
	Pause time.Duration // to take first
	Group string        // control group in whose quota Slot then finds the time; "" : there is no quota
	Hold  bool          // not now: ask again soon
	Why   string
}

// Next says when and how big the next piece may be; did is the one before.
func (p *Pace) Next(now time.Time, did Piece) Leave {
	p.resize(did)
	p.ration.did(did)
	p.slots.did(did)
	if p.holds(now) {
		return Leave{Hold: true, Why: p.bad}
	}
	p.holdFrom = time.Time{}
	size, pause := p.size, time.Duration(float64(did.Took)*(1/p.duty-1))
	if p.ration.on(now) && now.Sub(p.slots.readAt) > rationOld {
		rationed, rest := p.ration.next(now, size)
		size, pause = rationed, max(rest, pause)
	}
	l := Leave{Size: int64(size), Pause: min(pause, pauseMost)}
	if p.ration.on(now) && p.ration.cpus < 1 { // a larger quota is not used up by a piece
		l.Group = p.ration.group
	}
	if pause >= did.Took || p.ration.on(now) {
		l.Why = p.bad
	}
	return l
}

// holds reports whether nothing may be done now. What stays bad although we
// have kept still for a while is not our doing: then work goes on, slowly,
// because the rows may be the very cause. A full disk is another matter.
func (p *Pace) holds(now time.Time) bool {
	stop := p.bad == WaitLocks || p.bad == WaitReplica || p.bad == WaitDisk || p.bad == WaitPages && p.duty <= 4*dutyLeast
	if !stop || p.settled {
		return false
	}
	if p.holdFrom.IsZero() {
		p.holdFrom = now
	}
	if p.bad == WaitLocks && now.Sub(p.badAt) > time.Second {
		p.bad = ""
		return false
	}
	if p.bad != WaitDisk && p.bad != WaitReplica && now.Sub(p.holdFrom) >= holdMost {
		p.settled = true
		return false
	}
	return true
}

// resize steers the size of a piece by its time; a piece that took five times
// as long as it should is a sign that something is wrong.
func (p *Pace) resize(did Piece) {
	if did.Took <= 0 || did.Size <= 0 || p.Target <= 0 {
		return
	}
	ratio := float64(p.Target) / float64(did.Took)
	if ratio < 0.2 {
		p.size = max(sizeLeast, p.size/4)
		return
	}
	// A piece may be smaller than this allows, and says nothing of larger ones then.
	if full := float64(did.Size) >= 0.9*p.size; full || ratio < 1 {
		p.size = min(sizeMost, max(sizeLeast, 0.5*p.size+0.5*p.size*min(2, max(0.5, ratio))))
	}
}

// Anew returns a pace for another step: what is usual, what was seen last and
// the duty stay. What a key costs is another matter there.
func (p *Pace) Anew(target time.Duration, size int64) *Pace {
	out := NewPace(target, size)
	out.base, out.last, out.duty, out.Ours = p.base, p.last, p.duty, p.Ours
	out.begun, out.left = p.begun, p.left
	out.ration = p.ration.anew()
	return out
}
