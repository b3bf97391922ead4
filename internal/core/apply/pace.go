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
// size of a piece by its time. It has no clock and never waits by itself; it is
// not safe for concurrent use.
type Pace struct {
	Target time.Duration             // that a piece is to take
	Ours   func(session uint64) bool // sessions of this step; nil: none

	duty     float64
	size     float64
	base     baseline
	last     signals
	bad      string    // code of the latest bad signal
	badAt    time.Time // when it was seen
	holdFrom time.Time // since when nothing was granted
	settled  bool      // what was bad stayed so while we held still: it is not us
	steered  time.Time
}

// baseline is how things are without us.
type baseline struct {
	pages     []float64 // ms of probes
	throttled float64   // share of time, exponentially smoothed; -1 unknown
	steal     float64
	history   int64
}

// signals are the latest readings; -1 unknown.
type signals struct {
	pages     []float64 // ms of the latest probes
	failed    bool
	used      float64 // of the quota
	throttled float64
	steal     float64
	idle      float64 // of the machine
	waiting   time.Duration
	waitedAt  time.Time
	history   int64
	lag       time.Duration
	disk      string
}

// Bounds of the servo.
const (
	dutyLeast   = 0.02
	dutyStart   = 0.1 // until the machine is known to have time to spare
	sizeLeast   = 20  // keys
	sizeMost    = 20_000
	quotaMost   = 0.85 // of a CPU quota that all may use together while we work
	pagesMost   = 1.3  // times the usual time of a page
	pagesSlack  = 15.0 // ms that a page may vary anyway
	stealMost   = 0.03 // of the machine beyond what it was before
	lockMost    = 300 * time.Millisecond
	lagMost     = 2 * time.Second
	historyMost = 200_000 // undo logs; quadratic slow-downs were reported from millions
	diskLeastKB = 512 << 10
	holdMost    = 6 * time.Second
	pauseMost   = 2 * time.Second
)

// NewPace returns a pace for pieces of the given first size.
func NewPace(target time.Duration, size int64) *Pace {
	return &Pace{Target: target, duty: dutyStart, size: float64(max(size, sizeLeast)),
		base: baseline{throttled: -1, steal: -1, history: -1}, last: signals{used: -1, throttled: -1, steal: -1, idle: -1, history: -1}}
}

// Before takes what was seen before the work began as what is usual.
func (p *Pace) Before(records []evidence.Record) {
	for _, r := range records {
		p.read(r)
	}
	p.base.pages = slices.Clone(p.last.pages)
	p.base.throttled, p.base.steal, p.base.history = p.last.throttled, p.last.steal, p.last.history
	if free := p.last.idle; free >= 0.3 && p.last.throttled <= 0 && p.last.steal < stealMost {
		p.duty = 1
	}
}

// Observe takes in one fact and steers.
func (p *Pace) Observe(r evidence.Record) {
	if !p.read(r) {
		return
	}
	p.steer(r.At)
}

// Lag tells how far the slowest replica is behind.
func (p *Pace) Lag(behind time.Duration) { p.last.lag = behind }

// probesKept is how many probes make a typical one.
const probesKept = 5

// read notes a reading; it returns false where the fact says nothing here.
func (p *Pace) read(r evidence.Record) bool {
	s := &p.last
	switch f := r.Fact.(type) {
	case evidence.Host:
		if f.CapacityMs() <= 0 {
			return false
		}
		s.steal, s.idle = float64(f.StealMs)/float64(f.CapacityMs()), float64(f.IdleMs)/float64(f.CapacityMs())
	case evidence.Cgroup:
		if f.QuotaCPUs <= 0 || f.OverMs <= 0 || f.UsedMs < 0 {
			return false
		}
		s.used = float64(f.UsedMs) / (float64(f.OverMs) * f.QuotaCPUs)
		s.throttled = float64(f.ThrottledMs) / float64(f.OverMs)
	case evidence.Probe:
		s.failed = f.Failed()
		s.pages = append(s.pages, float64(f.TookMs))
		s.pages = s.pages[max(0, len(s.pages)-probesKept):]
	case evidence.LockWait:
		if p.Ours == nil || !p.Ours(f.Blocker) {
			return false
		}
		s.waiting, s.waitedAt = time.Duration(f.WaitMs)*time.Millisecond, r.At
	case evidence.DBStatus:
		s.history = f.HistoryLength
	case evidence.Filesystem:
		s.disk = ""
		if f.FreeKB < diskLeastKB && f.FreeKB < f.SizeKB/20 {
			s.disk = f.Mount
		}
	default:
		return false
	}
	return true
}

// steer changes the duty by the worst of the readings.
func (p *Pace) steer(now time.Time) {
	why, much := p.trouble(now)
	if why == "" {
		p.bad, p.settled = "", false
		if now.Sub(p.steered) >= 500*time.Millisecond {
			p.duty, p.steered = min(1, p.duty*1.25+0.02), now
		}
		return
	}
	p.bad, p.badAt = why, now
	if now.Sub(p.steered) >= 500*time.Millisecond {
		p.duty, p.steered = max(dutyLeast, p.duty*max(0.4, 1-much)), now
	}
}

// trouble names what is bad now, and how much so, from 0 to 1.
func (p *Pace) trouble(now time.Time) (string, float64) {
	s := p.last
	switch {
	case s.disk != "":
		return WaitDisk, 1
	case s.waiting >= lockMost && now.Sub(s.waitedAt) < 2*time.Second:
		return WaitLocks, 1
	case s.lag > lagMost:
		return WaitReplica, 1
	case s.history > historyMost && s.history > 2*p.base.history:
		return WaitPurge, 0.6
	case s.failed:
		return WaitPages, 1
	}
	if usual := median(p.base.pages); usual > 0 {
		if now := median(tail(s.pages, 3)); now > usual*pagesMost+pagesSlack {
			return WaitPages, min(1, 0.3*now/usual)
		}
	}
	if s.used > quotaMost {
		return WaitCapped, min(1, 4*(s.used-quotaMost))
	}
	if s.steal-max(p.base.steal, 0) > stealMost {
		return WaitCapped, min(1, 5*s.steal)
	}
	return "", 0
}

func tail(v []float64, n int) []float64 { return v[max(0, len(v)-n):] }

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// Leave is what Pace says of the next piece.
type Leave struct {
	Size  int64
	Pause time.Duration // to take first
	Hold  bool          // not now: ask again soon
	Why   string
}

// Next says when and how big the next piece may be; did is the one before.
func (p *Pace) Next(now time.Time, did Piece) Leave {
	p.resize(did)
	if p.holds(now) {
		return Leave{Hold: true, Why: p.bad}
	}
	p.holdFrom = time.Time{}
	pause := min(time.Duration(float64(did.Took)*(1/p.duty-1)), pauseMost)
	l := Leave{Size: int64(p.size), Pause: pause}
	if pause >= did.Took && p.bad != "" {
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
	p.size = min(sizeMost, max(sizeLeast, 0.5*p.size+0.5*p.size*min(2, max(0.5, ratio))))
}

// Anew returns a pace for another step: what is usual, what was seen last and
// the duty stay.
func (p *Pace) Anew(target time.Duration, size int64) *Pace {
	out := NewPace(target, size)
	out.base, out.last, out.duty, out.Ours = p.base, p.last, p.duty, p.Ours
	return out
}
