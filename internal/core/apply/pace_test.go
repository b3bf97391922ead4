package apply

import (
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

var noon = time.Unix(1_700_000_000, 0)

func at(s float64, f evidence.Fact) evidence.Record {
	return evidence.Record{At: noon.Add(time.Duration(s * float64(time.Second))), Fact: f}
}

func host(idle, steal float64) evidence.Host {
	return evidence.Host{OverMs: 1000, CPUs: 2, IdleMs: int64(idle * 2000), StealMs: int64(steal * 2000), UserMs: int64((1 - idle - steal) * 2000)}
}

func quota(used float64) evidence.Cgroup {
	return evidence.Cgroup{OverMs: 1000, QuotaCPUs: 0.2, UsedMs: int64(used * 200)}
}

func wideQuota(used float64) evidence.Cgroup {
	return evidence.Cgroup{OverMs: 1000, QuotaCPUs: 2, UsedMs: int64(used * 2000)}
}

func page(ms int64) evidence.Probe { return evidence.Probe{Status: 200, TookMs: ms} }

// busy plays seconds of work: each second the facts are observed, and a piece of
// 50 ms is done as often as there is leave for. It returns the share of time in
// which it worked in the last second, and why it waited last.
func busy(p *Pace, seconds int, facts func(s int) []evidence.Fact) (share float64, why string) {
	return busyFrom(p, 0, seconds, facts)
}

func busyFrom(p *Pace, from, to int, facts func(s int) []evidence.Fact) (share float64, why string) {
	for s := from; s < to; s++ {
		for _, f := range facts(s) {
			p.Observe(at(float64(s), f))
		}
		now, worked := time.Duration(0), time.Duration(0)
		did := Piece{}
		for now < time.Second {
			l := p.Next(noon.Add(time.Duration(s)*time.Second+now), did)
			did = Piece{}
			if l.Why != "" {
				why = l.Why
			}
			if l.Hold {
				now += 100 * time.Millisecond
				continue
			}
			now += l.Pause
			if now >= time.Second {
				break
			}
			did = Piece{Size: l.Size, Rows: l.Size, Took: 50 * time.Millisecond}
			now, worked = now+did.Took, worked+did.Took
		}
		share = worked.Seconds()
	}
	return share, why
}

func begun(before ...evidence.Fact) *Pace {
	p := NewPace(50*time.Millisecond, 500)
	p.Ours = func(id uint64) bool { return id == 42 }
	var rs []evidence.Record
	for _, f := range before {
		rs = append(rs, at(0, f))
	}
	p.Before(rs)
	return p
}

func TestPace(t *testing.T) {
	always := func(fs ...evidence.Fact) func(int) []evidence.Fact {
		return func(int) []evidence.Fact { return fs }
	}
	for name, tc := range map[string]struct {
		before []evidence.Fact
		facts  func(int) []evidence.Fact
		least  float64
		most   float64
		why    string
	}{
		"time to spare: all of it":            {[]evidence.Fact{host(0.8, 0), page(20)}, always(host(0.4, 0), page(22)), 0.9, 1.1, ""},
		"unknown machine: it begins gently":   {nil, func(s int) []evidence.Fact { return nil }, 0.05, 0.2, ""},
		"a quota that limits nothing":         {[]evidence.Fact{host(0.8, 0), wideQuota(0.1), page(20)}, always(host(0.2, 0), wideQuota(0.9), page(20)), 0.9, 1.1, ""},
		"it took away before, too":            {[]evidence.Fact{host(0.6, 0.2), page(20)}, always(host(0.6, 0.2), page(20)), 0.9, 1.1, ""},
		"pages three times as slow":           {[]evidence.Fact{host(0.8, 0), page(20), page(21), page(20)}, always(host(0.4, 0), page(90)), 0, 0.15, WaitPages},
		"pages were as slow before":           {[]evidence.Fact{host(0.8, 0), page(4000), page(4100)}, always(host(0.4, 0), page(4000)), 0.9, 1.1, ""},
		"somebody waits for our lock":         {[]evidence.Fact{host(0.8, 0), page(20)}, always(host(0.4, 0), page(20), evidence.LockWait{Blocker: 42, WaitMs: 800}), 0, 0.55, WaitLocks},
		"somebody waits for another's lock":   {[]evidence.Fact{host(0.8, 0), page(20)}, always(host(0.4, 0), page(20), evidence.LockWait{Blocker: 7, WaitMs: 800}), 0.9, 1.1, ""},
		"the disk is nearly full: not at all": {[]evidence.Fact{host(0.8, 0), page(20)}, always(host(0.4, 0), evidence.Filesystem{Mount: "/", SizeKB: 20 << 20, FreeKB: 100 << 10}), 0, 0, WaitDisk},
		"a large disk with 3 % free is fine":  {[]evidence.Fact{host(0.8, 0), page(20)}, always(host(0.4, 0), evidence.Filesystem{Mount: "/", SizeKB: 1 << 30, FreeKB: 30 << 20}), 0.9, 1.1, ""},
		"InnoDB has millions to clean up":     {[]evidence.Fact{host(0.8, 0), page(20), evidence.DBStatus{HistoryLength: 100}}, always(host(0.4, 0), evidence.DBStatus{HistoryLength: 1_000_000}), 0, 0.15, WaitPurge},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := busy(begun(tc.before...), 20, tc.facts)
			if got < tc.least || got > tc.most {
				t.Errorf("it worked for %.2f of the time, want %.2f to %.2f", got, tc.least, tc.most)
			}
			if why != tc.why {
				t.Errorf("it waited for %q, want %q", why, tc.why)
			}
		})
	}
}

// What stays bad while nothing is done is not our doing: the rows may be the
// very cause, so work goes on, slowly.
func TestPaceGoesOnWhereHoldingStillDoesNotHelp(t *testing.T) {
	p := begun(host(0.8, 0), page(20))
	down := func(int) []evidence.Fact {
		return []evidence.Fact{host(0.1, 0), evidence.Probe{Status: 0, Error: "timeout", TookMs: 10_000}}
	}
	first, _ := busy(p, 6, down)
	later, _ := busyFrom(p, 6, 36, down)
	if first != 0 || later <= 0 || later > 0.2 {
		t.Errorf("it worked for %.2f of the time at first and %.2f later, want none and a little", first, later)
	}
}

func TestPaceWaitsForReplicas(t *testing.T) {
	p := begun(host(0.8, 0), page(20))
	p.Lag(10 * time.Second)
	if got, why := busy(p, 20, func(int) []evidence.Fact { return []evidence.Fact{host(0.4, 0)} }); got != 0 || why != WaitReplica {
		t.Errorf("worked %.2f, waited for %q", got, why)
	}
	p.Lag(0)
	if got, _ := busyFrom(p, 20, 40, func(int) []evidence.Fact { return []evidence.Fact{host(0.4, 0)} }); got < 0.9 {
		t.Errorf("worked %.2f after the replica has caught up", got)
	}
}

func TestPieceSizesFollowTheirTime(t *testing.T) {
	p := begun(host(0.8, 0), page(20))
	did := Piece{Size: 500, Took: 5 * time.Millisecond}
	for range 30 {
		if did.Size = p.Next(noon, did).Size; did.Size > sizeMost {
			t.Fatalf("size %d", did.Size)
		}
	}
	for range 30 { // a smaller piece says nothing of a large one
		p.Next(noon, Piece{Size: 20, Took: 2 * time.Millisecond})
	}
	grown := p.Next(noon, Piece{}).Size
	shrunk := p.Next(noon, Piece{Size: grown, Took: 2 * time.Second}).Size
	if grown <= 5000 || shrunk > grown/4 {
		t.Errorf("grown to %d, after a piece of 2 s %d; want more than 5000 and at most a quarter", grown, shrunk)
	}
}
