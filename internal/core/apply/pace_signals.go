package apply

import (
	"slices"
	"time"

	"hirune/internal/core/evidence"
)

// baseline is how things are without us.
type baseline struct {
	pages   []float64 // ms of probes
	steal   float64   // share of the machine; -1 unknown
	history int64     // -1 unknown
}

// signals are the latest readings; -1 unknown.
type signals struct {
	pages    []float64 // ms of the latest probes
	failed   bool
	quota    float64 // CPUs that all may use, of a control group's limit; 0: none
	cpus     int     // of the machine; 0 unknown
	busy     float64 // share of the machine
	steal    float64
	idle     float64
	waiting  time.Duration
	waitedAt time.Time
	history  int64
	lag      time.Duration
	disk     string
}

// unknown is what is known before the first reading.
func unknown() (baseline, signals) {
	return baseline{steal: -1, history: -1}, signals{steal: -1, idle: -1, history: -1}
}

// probesKept is how many probes make a typical one.
const probesKept = 5

// read notes a reading; it returns false where the fact says nothing here.
func (p *Pace) read(r evidence.Record) bool {
	s := &p.last
	switch f := r.Fact.(type) {
	case evidence.Host:
		return p.readHost(r.At, f)
	case evidence.Cgroup:
		return p.readQuota(r.At, f)
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
		if p.base.history < 0 {
			p.base.history = f.HistoryLength
		}
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

// readQuota takes in how much of a control group's limit was used. One that is
// no less than the machine limits nothing. A limit may come and go meanwhile, as
// burst credit does.
func (p *Pace) readQuota(at time.Time, f evidence.Cgroup) bool {
	if f.QuotaCPUs <= 0 || p.last.cpus > 0 && f.QuotaCPUs >= float64(p.last.cpus) {
		if p.last.quota > 0 && f.Path == p.ration.group {
			p.last.quota, p.ration.cpus = 0, 0
		}
		return false
	}
	if f.OverMs <= 0 || f.UsedMs < 0 {
		return false
	}
	p.last.quota = f.QuotaCPUs
	p.ration.see(at, f.Path, f.QuotaCPUs, float64(f.UsedMs)/(float64(f.OverMs)*f.QuotaCPUs))
	return true
}

// readHost takes in how busy the machine was. What a hypervisor leaves while it
// takes time away is a quota too, one that nobody has told; it is taken to grow
// again slowly.
func (p *Pace) readHost(at time.Time, f evidence.Host) bool {
	if f.CapacityMs() <= 0 {
		return false
	}
	s, all := &p.last, float64(f.CapacityMs())
	s.cpus = f.CPUs
	s.busy, s.steal, s.idle = float64(f.BusyMs())/all, float64(f.StealMs)/all, float64(f.IdleMs)/all
	if !p.begun || s.quota > 0 {
		return true
	}
	const grows, whole = 1.02, 0.95
	switch {
	case s.steal-max(p.base.steal, 0) > stealMost:
		p.left = s.busy
		p.ration.see(at, "", p.left*float64(f.CPUs), 1)
	case p.left*grows >= whole:
		p.left, p.ration.cpus = 0, 0
	case p.left > 0:
		p.left *= grows
		p.ration.see(at, "", p.left*float64(f.CPUs), s.busy/p.left)
	}
	return true
}

// trouble names what is bad now whatever the CPU does, and how much so, from 0 to 1.
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
	return "", 0
}

// slow says how many times as long as usual a page takes; 0 where it takes no
// longer than it may.
func (p *Pace) slow(most, slack float64, probes int) float64 {
	usual := median(p.base.pages)
	now := median(tail(p.last.pages, probes))
	if usual <= 0 || now <= usual*most+slack {
		return 0
	}
	return now / usual
}

func tail(v []float64, n int) []float64 { return v[max(0, len(v)-n):] }

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
