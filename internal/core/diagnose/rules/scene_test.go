package rules

import (
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// t0 is when every scene begins.
var t0 = time.Date(2026, 6, 1, 15, 29, 0, 0, time.UTC)

// second is what one second of a scene looks like. The zero value is filled
// with a quiet second of a small server before a scene changes it.
type second struct {
	busy, db, php   float64 // CPUs
	steal           float64 // CPUs
	throttled       float64 // CPUs
	pageMs          int64
	failed          bool
	workers         int // busy, of 10
	queue           int
	pages, searches int64
	xmlrpc          int64
	clients         map[string]map[string]int64 // class → client → requests
	extra           []evidence.Fact
}

func quietSecond() second {
	return second{busy: 0.22, db: 0.03, php: 0.15, pageMs: 21, workers: 1, pages: 5, xmlrpc: 1}
}

// scene builds a recording of n seconds; change alters each of them.
func scene(n int, change func(i int, s *second)) []evidence.Record {
	var out []evidence.Record
	add := func(at time.Time, src string, f evidence.Fact) {
		out = append(out, evidence.Record{At: at, Source: src, Fact: f})
	}
	add(t0, "database", evidence.DBServer{Flavour: "mariadb", Version: "10.11.19", BufferPoolBytes: 128 << 20, MaxConnections: 151})
	for i := range n {
		s := quietSecond()
		change(i, &s)
		at := t0.Add(time.Duration(i+1) * time.Second)
		add(at, "host", evidence.Host{OverMs: 1000, CPUs: 2, UserMs: int64(s.busy * 900), SystemMs: int64(s.busy * 100),
			IdleMs: int64(2000 - s.busy*1000), StealMs: int64(s.steal * 1000), MemTotalKB: 1 << 20, MemAvailKB: 500 << 10})
		if s.throttled > 0 {
			add(at, "cgroup", evidence.Cgroup{OverMs: 1000, Path: "/site", QuotaCPUs: 0.2, UsedMs: 200, Throttled: 9, ThrottledMs: int64(s.throttled * 1000)})
		}
		add(at, "process", evidence.ServiceUse{OverMs: 1000, Service: evidence.ServiceDatabase, Processes: 1, CPUMs: int64(s.db * 1000)})
		add(at, "process", evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, Processes: 11, CPUMs: int64(s.php * 1000)})
		add(at, "pool", evidence.WorkerPool{Service: evidence.ServicePHP, Pool: "www", Children: 10, Busy: s.workers, Max: 10, Queue: s.queue, How: "processes"})
		add(at, "database", evidence.DBStatus{OverMs: 1000, UptimeS: int64(1000 + i), Questions: 60, ThreadsRunning: 1, Connected: 3})
		traffic := func(class string, requests int64) {
			if requests > 0 {
				add(at, "traffic", evidence.Traffic{OverMs: 1000, Class: class, Requests: requests, Posts: postsOf(class, requests), S2xx: requests, TookMs: s.pageMs * requests, MaxMs: s.pageMs, Clients: requests})
			}
		}
		traffic(evidence.ClassPage, s.pages)
		traffic(evidence.ClassSearch, s.searches)
		traffic(evidence.ClassXMLRPC, s.xmlrpc)
		for class, use := range s.clients {
			for client, n := range use {
				add(at, "traffic", evidence.ClientUse{OverMs: 1000, Class: class, Client: client, Requests: n, TookMs: -1})
			}
		}
		if i%5 == 0 {
			p := evidence.Probe{Site: "blog", URL: "http://blog/", Status: 200, TookMs: s.pageMs, Bytes: 9000}
			if s.failed {
				p.Status, p.Error, p.TookMs = 0, "timeout", 10000
			}
			add(at, "probe", p)
		}
		for _, f := range s.extra {
			add(at, "database", f)
		}
	}
	return out
}

func postsOf(class string, n int64) int64 {
	if class == evidence.ClassXMLRPC {
		return n
	}
	return 0
}

func verdict(records []evidence.Record) diagnose.Verdict {
	return diagnose.Diagnose(recording.New(records), All(), diagnose.Options{})
}

// names of the synthetic purge: in no catalogue.
const (
	ledger       = "ledger_of_visits"
	ledgerDigest = "DELETE FROM `ledger_of_visits` WHERE `noted` < ?"
)

func ledgerTable(indexes ...evidence.Index) evidence.Table {
	return evidence.Table{Schema: "shop", Name: ledger, Engine: "InnoDB", Rows: 600_000, DataBytes: 2 << 30, FileBytes: 2 << 30,
		Indexes: append([]evidence.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}}, indexes...)}
}

func ledgerPlan(access string) evidence.Plan {
	return evidence.Plan{Digest: ledgerDigest, ConnID: 77, Table: ledger, Access: access, Rows: 593_217, Running: true}
}

var ledgerFilter = evidence.Filter{Digest: ledgerDigest, Verb: "DELETE", Schema: "shop", Table: ledger, Range: []string{"noted"}}

// purgeSeconds adds the DELETE to the seconds [from, to).
func purgeSeconds(i, from, to int, s *second) {
	if i < from || i >= to {
		return
	}
	ran := int64(i-from+1) * 1000
	s.db, s.busy = s.db+0.9, s.busy+0.9
	s.extra = append(s.extra,
		evidence.Statement{ConnID: 77, QueryID: 9001, User: "wp", Schema: "shop", Command: "Query", State: "Updating", RunningMs: ran, Digest: ledgerDigest, Verb: "DELETE", Table: ledger, RowsRead: ran * 60},
		evidence.Transaction{ID: "4711", ConnID: 77, State: "RUNNING", AgeMs: ran, RowsLocked: ran * 60, RowsModified: ran * 50, LockStructs: ran * 12, LockMemoryBytes: ran * 1300, Digest: ledgerDigest})
}

// starve makes a second of the capped site.
func starve(s *second, db float64) {
	s.busy, s.db, s.php, s.throttled = 0.2, db, 0.19-db, 1.7
	s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 9000, true, 10, 12, 2, 0
}

// caseZeroWith is case 0, proven on its own, with something else in each second.
func caseZeroWith(also func(i int, s *second)) []evidence.Record {
	return scene(200, func(i int, s *second) {
		if i >= 46 && i < 190 {
			starve(s, 0.09)
		}
		if i >= 160 {
			s.db = 0.03
		}
		purgeSeconds(i, 40, 50, s)
		if i >= 46 && i < 50 {
			s.busy, s.db = 0.2, 0.12
		}
		if i == 43 {
			s.extra = append(s.extra, purgeFacts()...)
		}
		also(i, s)
	})
}

// purgeFacts are what proves the purge, where it is to blame.
func purgeFacts() []evidence.Fact {
	return []evidence.Fact{ledgerTable(), ledgerFilter, ledgerPlan("ALL")}
}

// purgeDue are the schedule and the table of a clean-up that nobody saw run.
func purgeDue(hook, schedule string, next time.Time, every time.Duration) []evidence.Fact {
	return []evidence.Fact{ledgerTable(),
		evidence.TableGrowth{Schema: "shop", Name: ledger, Column: "noted", Ordered: true, MinKey: 1, MaxKey: 600_000,
			Probes: []evidence.GrowthProbe{{Key: 1, UnixS: t0.Unix() - 9_000_000}, {Key: 600_000, UnixS: t0.Unix()}}},
		evidence.HookTable{Site: "shop", Hook: hook, Table: ledger, Plugin: "visit-ledger", File: "tidy.php"},
		evidence.CronEvent{Site: "shop", Hook: hook, NextUnixS: next.Unix(), Schedule: schedule, IntervalS: int64(every.Seconds()), Owner: "visit-ledger"}}
}

// stand makes a second in which everybody waits and the machine has nothing to do.
func stand(s *second) {
	s.busy, s.php, s.db = 0.05, 0.02, 0.01
	s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 9000, true, 10, 12, 1, 0
}

// hog makes a second in which a job that is no part of the site has the CPU.
// As many requests as before are completed.
func hog(s *second) {
	s.busy, s.php, s.db = 1.98, 0.1, 0.02
	s.pageMs, s.failed, s.workers, s.queue = 9000, true, 10, 12
}

// alter changes every fact of one kind; i is the second of the scene.
func alter[F evidence.Fact](records []evidence.Record, change func(i int, f *F)) []evidence.Record {
	for k, r := range records {
		if f, ok := r.Fact.(F); ok {
			change(int(r.At.Sub(t0)/time.Second)-1, &f)
			records[k].Fact = f
		}
	}
	return records
}

// without leaves out the facts of one kind.
func without[F evidence.Fact](records []evidence.Record) []evidence.Record {
	return slices.DeleteFunc(records, func(r evidence.Record) bool { _, ok := r.Fact.(F); return ok })
}

// untimed is the same seen through a log that does not say how long requests took.
func untimed(records []evidence.Record) []evidence.Record {
	return alter(records, func(_ int, t *evidence.Traffic) { t.TookMs, t.MaxMs = -1, -1 })
}

// stolen is the same on a burstable machine: what the quota of a container
// withheld, the hypervisor takes, and no cgroup tells of it.
func stolen(records []evidence.Record) []evidence.Record {
	taken := map[time.Time]int64{}
	for _, r := range records {
		if c, ok := r.Fact.(evidence.Cgroup); ok {
			taken[r.At] = c.ThrottledMs
		}
	}
	for k, r := range records {
		if h, ok := r.Fact.(evidence.Host); ok {
			h.StealMs += taken[r.At]
			h.IdleMs = max(h.IdleMs-taken[r.At], 0)
			records[k].Fact = h
		}
	}
	return without[evidence.Cgroup](records)
}

// flooded is a class of requests that comes 30 or 40 times a second from the
// second minute on.
func flooded(class string) []evidence.Record {
	return scene(160, func(i int, s *second) {
		if i < 60 {
			return
		}
		s.busy, s.php = 1.98, 1.7
		s.pageMs, s.failed, s.workers, s.queue, s.pages = 8000, i%2 == 0, 10, 20, 3
		if class == evidence.ClassSearch {
			s.searches = 30
		} else {
			s.xmlrpc = 40
		}
		s.clients = map[string]map[string]int64{class: {"203.0.113.7": 20, "203.0.113.8": 10}}
	})
}

// purgeTakenBack is a purge that fails for want of lock memory after 20 s and
// is rolled back for 40 s.
func purgeTakenBack() []evidence.Record {
	return scene(140, func(i int, s *second) {
		purgeSeconds(i, 40, 60, s)
		if i >= 60 && i < 100 {
			s.db, s.busy = s.db+0.5, s.busy+0.5
			s.extra = append(s.extra,
				evidence.Statement{ConnID: 77, QueryID: 9001, User: "wp", Schema: "shop", Command: "Query", State: "Rollback", RunningMs: int64(i-39) * 1000, Digest: ledgerDigest, Verb: "DELETE", Table: ledger, RowsRead: 1_200_000},
				evidence.Transaction{ID: "4711", ConnID: 77, State: "ROLLING BACK", AgeMs: int64(i-39) * 1000, RowsLocked: 1_200_000, RowsModified: 1_000_000 - int64(i-60)*20_000, LockMemoryBytes: 100 << 20, Digest: ledgerDigest})
		}
		if i == 43 {
			s.extra = append(s.extra, ledgerTable())
		}
		if i == 61 {
			s.extra = append(s.extra, evidence.ErrorLine{Service: "php-fpm", ID: "php-lock-table-full", Count: 1, Message: "The total number of locks exceeds the lock table size"})
		}
	})
}

// purgeThatNobodySaw is case 0, looked at from two minutes after the hook was due.
func purgeThatNobodySaw() []evidence.Record {
	return scene(20, func(i int, s *second) {
		starve(s, 0.09)
		if i == 0 {
			s.extra = append(s.extra, purgeDue("ledger_tidy", "daily", t0.Add(24*time.Hour-2*time.Minute), 24*time.Hour)...)
		}
	})
}
