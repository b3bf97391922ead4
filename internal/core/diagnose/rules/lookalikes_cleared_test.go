package rules

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// suspect is a recording of an outage that leaves one suspect in the dark, or
// speaks against it.
type suspect struct {
	id      string // that must not be cleared
	why     string
	records []evidence.Record
}

func suspects() []suspect {
	return []suspect{
		{"memory", "the kernel killed a process", killedForMemory()},
		{"locks", "the database could not be asked", databaseThatDoesNotAnswer()},
		{"xmlrpc-login-flood", "its rate rose from 1/s to 40/s", attackBelowSaturation()},
		{"request-flood", "40/s came when the outage began", floodThatChokes()},
		{"disk-io", "the disk was busy all the time", busyDisk()},
		{"locks", "two sessions waited 5 s for one that slept", transactionWithoutCPU()},
		{"connections", "one of two databases was full", oneOfTwoDatabasesFull()},
		{"noisy-neighbour", "the hypervisor took most of the CPU", caseZeroStolen()},
	}
}

func TestSuspectsAreNotCleared(t *testing.T) {
	for _, c := range suspects() {
		v := verdict(c.records)
		if rejects(v, c.id) {
			t.Errorf("%s: got it cleared, although %s: %+v", c.id, c.why, v.Rejected)
		}
		if v.Outage.Zero() || len(v.Rejected) == 0 {
			t.Errorf("%s: got outage %v, %d suspects cleared; want an outage and others cleared", c.id, v.Outage, len(v.Rejected))
		}
	}
}

// The kernel kills the database for want of memory three seconds before the first visitor notices.
func killedForMemory() []evidence.Record {
	records := scene(120, func(i int, s *second) {
		state := evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "mariadbd:3306", Up: i < 57, PID: 812}
		if i >= 57 {
			state.PID = 0
			s.failed, s.pageMs, s.pages, s.db = true, 5, 0, 0
		}
		if i == 57 || i%10 == 0 {
			s.extra = append(s.extra, state)
		}
	})
	return untimed(alter(records, func(i int, h *evidence.Host) {
		if i == 56 {
			h.OOMKills, h.MemAvailKB = 1, 9000
		}
	}))
}

// Everybody waits with the machine idle, and so does the recorder's own session.
func databaseThatDoesNotAnswer() []evidence.Record {
	records := scene(150, func(i int, s *second) {
		if i >= 50 && i < 140 {
			stand(s)
			s.pages = 0
		}
		if i == 49 {
			s.extra = append(s.extra, evidence.Unseen{Source: "database", Code: "no-answer", What: "statements and locks"})
		}
	})
	var out []evidence.Record
	for _, r := range records {
		if _, asked := r.Fact.(evidence.DBStatus); !asked || r.At.Sub(t0) <= 48*time.Second {
			out = append(out, r)
		}
	}
	return out
}

// An attack brings PHP to 80 % of the CPU, just below saturation; the workers cannot be seen.
func attackBelowSaturation() []evidence.Record {
	return without[evidence.WorkerPool](scene(160, func(i int, s *second) {
		if i >= 60 {
			s.busy, s.php = 1.6, 1.4
			s.pageMs, s.failed, s.pages, s.xmlrpc = 3000, i%2 == 0, 3, 40
		}
	}))
}

// Page views flood in for ten seconds, then hardly any is completed: the rate falls because of the flood.
func floodThatChokes() []evidence.Record {
	return scene(200, func(i int, s *second) {
		switch {
		case i >= 70:
			s.busy, s.php = 1.98, 1.8
			s.pageMs, s.failed, s.workers, s.queue, s.pages = 9000, true, 10, 200, 3
		case i >= 60:
			s.busy, s.php, s.workers, s.pages, s.pageMs = 1.98, 1.8, 10, 40, 400
		}
	})
}

// One slow disk on a machine with eight CPUs: hardly any iowait, and yet all wait for it.
func busyDisk() []evidence.Record {
	records := scene(160, func(i int, s *second) {
		if i >= 60 {
			s.failed, s.pageMs, s.pages, s.workers = true, 9000, 1, 10
		}
	})
	return alter(records, func(i int, h *evidence.Host) {
		if i >= 59 {
			h.CPUs, h.IdleMs, h.IowaitMs, h.DiskBusyMs, h.Blocked = 8, 6700, 1000, 1000, 9
		}
	})
}

// Nobody may be told that all is well where nobody looked, or where a site never answered.
func TestHealthyIsNotClaimed(t *testing.T) {
	for name, v := range map[string]diagnose.Verdict{
		"PHP is down, no visitor is watched":     verdict(downWithoutWitness()),
		"visitors are known of yesterday only":   yesterdaysVisitors(),
		"one of two sites times out throughout":  verdict(siteThatTimesOut()),
		"one of two sites has lost its database": verdict(siteWithoutItsDatabase()),
	} {
		if v.Status == diagnose.Healthy || rejects(v, "services") {
			t.Errorf("%s: got %s, cleared %+v; want neither healthy nor all services up", name, v.Status, v.Rejected)
		}
	}
}

// PHP is down when the recorder starts, on a host where neither log nor pool nor page can be read.
func downWithoutWitness() []evidence.Record {
	records := scene(60, func(i int, s *second) {
		s.pages, s.xmlrpc = 0, 0
		if i%10 == 0 {
			s.extra = append(s.extra, evidence.ServiceState{Service: evidence.ServicePHP, Instance: "php-fpm:8.2"})
		}
	})
	return without[evidence.Traffic](without[evidence.WorkerPool](without[evidence.Probe](records)))
}

// The log of the day before was read when recording began; since then nothing tells of visitors.
func yesterdaysVisitors() diagnose.Verdict {
	records := without[evidence.Traffic](without[evidence.WorkerPool](without[evidence.Probe](scene(60, func(int, *second) {}))))
	records = append(records, evidence.Record{At: t0.Add(-24 * time.Hour), Source: "traffic",
		Fact: evidence.Traffic{OverMs: 3600_000, Class: evidence.ClassPage, Requests: 500, TookMs: -1, FromHist: true}})
	return diagnose.Diagnose(recording.New(records).Between(t0, t0.Add(61*time.Second)), All(), diagnose.Options{})
}
