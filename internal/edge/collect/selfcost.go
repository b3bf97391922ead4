package collect

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
)

// selfCost measures the recorder itself.
// Source: getrusage, /proc/self/status.
type selfCost struct {
	due, last time.Duration
	cpu       time.Duration
	started   bool
}

func newSelfCost() selfCost { return selfCost{cpu: ownCPU()} }

// fact returns what was used since the last fact, when it is time for one.
func (s *selfCost) fact(wall time.Time, passed time.Duration, opt Options, p pace) (evidence.Record, bool) {
	if !s.started {
		s.started, s.last = true, passed
	}
	if passed+opt.Interval/10 < s.due {
		return evidence.Record{}, false
	}
	now := ownCPU()
	rss, anon := ownMemory()
	f := evidence.SelfCost{
		OverMs: (passed - s.last).Milliseconds(), CPUMs: (now - s.cpu).Milliseconds(), RSSKB: rss, AnonKB: anon,
		IntervalMs: (opt.Interval * time.Duration(p.factor())).Milliseconds(), LateMs: p.maxLate.Milliseconds(), Version: opt.Version,
	}
	s.due, s.last, s.cpu = passed+selfEvery, passed, now
	return evidence.Record{At: wall, Source: "self", Fact: f}, true
}

func ownCPU() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// ownMemory returns the resident and the anonymous memory in KB; -1 unknown.
func ownMemory() (rss, anon int64) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return -1, -1
	}
	return statusKB(b, "VmRSS:"), statusKB(b, "RssAnon:")
}

func statusKB(status []byte, name string) int64 {
	for line := range bytes.Lines(status) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == name {
			if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}
