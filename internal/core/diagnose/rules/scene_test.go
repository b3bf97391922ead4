package rules

import (
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
