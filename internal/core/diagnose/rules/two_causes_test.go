package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// A flood comes while a purge runs: both are found, and their shares of the CPU fit into it.
func TestPurgeAndFloodAreBothFound(t *testing.T) {
	v := verdict(purgeAndFlood())
	if !accuses(v, "purge-without-index") || !accuses(v, "search-flood") || len(v.Causes) != 2 || v.Status != diagnose.Proven {
		t.Fatalf("got %s, causes %+v", v.Status, v.Causes)
	}
	sum := 0.0
	for _, f := range v.Causes {
		if f.Share.CPU < 0.2 {
			t.Errorf("%s: got share %+v", f.Rule, f.Share)
		}
		sum += f.Share.CPU
	}
	if sum > 1.05 {
		t.Errorf("the shares of the CPU add up to %.2f", sum)
	}
	if rejects(v, "request-flood") {
		t.Errorf("the flood is cleared: %+v", v.Rejected)
	}
}

// A flood comes while a lock holds everybody up: nothing is completed, and yet it is found.
func TestFloodBehindALockIsFound(t *testing.T) {
	v := verdict(behindLock(20))
	if !accuses(v, "idle-transaction") || !accuses(v, "xmlrpc-login-flood") || len(v.Causes) != 2 {
		t.Fatalf("got %s, causes %+v", v.Status, v.Causes)
	}
	for _, f := range v.Causes {
		if f.Rule == "xmlrpc-login-flood" && (f.Share.WorkerTime > 0.75 || f.Active.From.Sub(t0).Seconds() > 60) {
			t.Errorf("got share %+v from %v; want what the lock left it, and since requests piled up", f.Share, f.Active.From)
		}
	}
}

// The same lock without a flood: the queue that it makes is none. Whoever waits tries again.
func TestALocksQueueIsNoFlood(t *testing.T) {
	v := verdict(lockedOut(true, false))
	if !accuses(v, "idle-transaction") || len(v.Causes) != 1 || !rejects(v, "request-flood") {
		t.Errorf("got causes %+v, cleared %+v", v.Causes, v.Rejected)
	}
	growing := verdict(alter(lockedOut(true, false), func(i int, p *evidence.WorkerPool) {
		if i >= 50 && i < 100 {
			p.Queue = 9 * (i - 50) // 9 a second, 6 are usual
		}
	}))
	if len(growing.Causes) != 1 || noted(growing, "note-rush") {
		t.Errorf("got causes %+v, notes %+v", growing.Causes, growing.Notes)
	}
}

// The lock holds to the end: what came behind it is not known, but it came.
func TestARushBehindALockIsNoted(t *testing.T) {
	v := verdict(alter(lockedOut(true, false), func(i int, p *evidence.WorkerPool) {
		if i >= 50 && i < 100 {
			p.Queue = 40 * (i - 50)
		}
	}))
	if !noted(v, "note-rush") || rejects(v, "request-flood") || first(v).Rule != "idle-transaction" {
		t.Errorf("got causes %+v, notes %+v, cleared %+v", v.Causes, v.Notes, v.Rejected)
	}
}

func noted(v diagnose.Verdict, id string) bool {
	for _, n := range v.Notes {
		if n.ID == id {
			return true
		}
	}
	return false
}

// More than in the quiet time an hour ago is no flood where that hour always has it.
func TestTheHoursOwnTrafficIsNoFlood(t *testing.T) {
	busy := func() []evidence.Record {
		return scene(160, func(i int, s *second) {
			if i >= 60 {
				stand(s)
				s.pages, s.queue = 9, 0
			}
		})
	}
	if v := since(logged(3, evidence.ClassPage, 9, busy())); !rejects(v, "request-flood") {
		t.Errorf("usual at that hour: cleared %+v", v.Rejected)
	}
	for name, records := range map[string][]evidence.Record{"nothing is logged": busy(), "half as many are usual": logged(3, evidence.ClassPage, 5, busy()), "one day is none": logged(1, evidence.ClassPage, 9, busy())} {
		if v := since(records); rejects(v, "request-flood") {
			t.Errorf("%s: cleared %+v", name, v.Rejected)
		}
	}
}

// Nobody recorded before; the logs of other days tell what is usual.
func TestFloodAgainstOtherDays(t *testing.T) {
	live := func() []evidence.Record {
		return scene(60, func(i int, s *second) {
			spent(s)
			s.searches, s.xmlrpc, s.pages = 15, 0, 12
		})
	}
	if v := since(live()); len(v.Causes) != 0 {
		t.Errorf("without other days: got %+v", v.Causes)
	}
	v := since(logged(4, evidence.ClassSearch, 0.1, live()))
	if v.Status != diagnose.Likely || first(v).Rule != "search-flood" || !proves(first(v), "proof-request-hour") {
		t.Errorf("against other days: got %s, causes %+v", v.Status, v.Causes)
	}
	if v := since(logged(4, evidence.ClassSearch, 14, live())); len(v.Causes) != 0 {
		t.Errorf("as on other days: got %+v", v.Causes)
	}
}

// Spent credit is what is left over where nothing else is found: a database that is down is.
func TestWhatIsLeftOverYieldsToACause(t *testing.T) {
	both := evenly(func(i int, s *second) {
		up := i < 100
		s.extra = append(s.extra, evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "mariadbd:3306", Up: up, PID: map[bool]int{true: 812}[up], How: "process"})
		if !up {
			s.pageMs, s.pages = 5, 0
		}
	})
	records := group(limitFrom(90, 0.2), both)
	if left := matchCreditExhausted(diagnose.NewCase(recording.New(records), diagnose.Options{})); len(left) != 1 {
		t.Fatalf("got %+v; want a finding that has to yield", left)
	}
	v := verdict(records)
	if len(v.Causes) != 1 || first(v).Rule != "service-stopped" {
		t.Errorf("got %s, causes %+v", v.Status, v.Causes)
	}
}
