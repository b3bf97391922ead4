package verify_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

// ended is when the plan was done and every scene begins; second 300 of it is
// when the job is due.
var ended = time.Date(2026, 6, 1, 15, 25, 5, 0, time.UTC)

const (
	dueAt  = 300
	day    = 24 * time.Hour
	hook   = "ledger_tidy"
	ledger = "ledger_of_visits"
	digest = "DELETE FROM `ledger_of_visits` WHERE `noted` < ?"
	after  = 3 * time.Minute
)

func at(second int) time.Time { return ended.Add(time.Duration(second) * time.Second) }

// second is what one second of a scene looks like.
type second struct {
	off               bool // the recorder does not run
	busy, db, php     float64
	throttled         float64
	pageMs            int64
	failed            bool
	workers, queue    int
	pages, searches   int64
	xmlrpc, cron      int64
	noProbe, untimed  bool
	noDB, noWordPress bool
	next              time.Time // of the job; zero: it is not on the schedule
	site              string
	extra             []evidence.Fact
}

func usual(i int) second {
	s := second{busy: 0.22, db: 0.03, php: 0.15, pageMs: 21, workers: 1, pages: 5, next: at(dueAt), site: "shop"}
	if i > dueAt {
		s.next = at(dueAt).Add(day)
	}
	return s
}

// starve makes a second of the capped site.
func (s *second) starve() {
	s.busy, s.db, s.php, s.throttled = 0.2, 0.09, 0.1, 1.7
	s.pageMs, s.failed, s.workers, s.queue, s.pages = 9000, true, 10, 12, 2
}

// purge adds the heavy DELETE to the seconds [from, to).
func (s *second) purge(i, from, to int) {
	if i < from || i >= to {
		return
	}
	ran := int64(i-from+1) * 1000
	s.db, s.busy = s.db+0.9, s.busy+0.9
	s.extra = append(s.extra,
		evidence.Statement{ConnID: 77, QueryID: 9001, User: "wp", Schema: "shop", Command: "Query", State: "Updating", RunningMs: ran, Digest: digest, Verb: "DELETE", Table: ledger, RowsRead: ran * 60},
		evidence.Transaction{ID: "4711", ConnID: 77, State: "RUNNING", AgeMs: ran, RowsLocked: ran * 60, RowsModified: ran * 50, Digest: digest})
}

func table(indexes ...evidence.Index) evidence.Table {
	return evidence.Table{Schema: "shop", Name: ledger, Engine: "InnoDB", Rows: 600_000, DataBytes: 2 << 30, FileBytes: 2 << 30,
		Indexes: append([]evidence.Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}}, indexes...)}
}

// ill are the table and the plan as they were in the outage, well as they are
// after the remedy.
func ill() []evidence.Fact {
	return []evidence.Fact{table(), filter(), evidence.Plan{Digest: digest, ConnID: 77, Table: ledger, Access: "ALL", Rows: 593_217, Running: true}}
}

func well() []evidence.Fact {
	return []evidence.Fact{table(evidence.Index{Name: "noted", Columns: []string{"noted"}}), filter(), evidence.Plan{Digest: digest, ConnID: 77, Table: ledger, Access: "range", Rows: 10, Running: true}}
}

func filter() evidence.Filter {
	return evidence.Filter{Digest: digest, Verb: "DELETE", Schema: "shop", Table: ledger, Range: []string{"noted"}}
}

// scene is a recording of n seconds from the end of the plan on; change alters
// each of them.
func scene(n int, change func(i int, s *second)) recording.Window {
	var out []evidence.Record
	for i := range n {
		s := usual(i + 1)
		change(i+1, &s)
		if !s.off {
			out = append(out, s.records(i+1)...)
		}
	}
	return recording.New(out)
}

func (s second) records(i int) []evidence.Record {
	var out []evidence.Record
	add := func(f ...evidence.Fact) {
		for _, f := range f {
			out = append(out, evidence.Record{At: at(i), Source: "x", Fact: f})
		}
	}
	add(evidence.Host{OverMs: 1000, CPUs: 2, UserMs: int64(s.busy * 1000), IdleMs: int64(2000 - s.busy*1000), MemTotalKB: 1 << 20, MemAvailKB: 500 << 10})
	if s.throttled > 0 {
		add(evidence.Cgroup{OverMs: 1000, Path: "/site", QuotaCPUs: 0.2, UsedMs: 200, Throttled: 9, ThrottledMs: int64(s.throttled * 1000)})
	}
	add(evidence.ServiceUse{OverMs: 1000, Service: evidence.ServiceDatabase, Processes: 1, CPUMs: int64(s.db * 1000)},
		evidence.ServiceUse{OverMs: 1000, Service: evidence.ServicePHP, Processes: 11, CPUMs: int64(s.php * 1000)},
		evidence.WorkerPool{Service: evidence.ServicePHP, Pool: "www", Children: 10, Busy: s.workers, Max: 10, Queue: s.queue, How: "processes"})
	if !s.noDB {
		add(evidence.DBStatus{OverMs: 1000, UptimeS: int64(1000 + i), Questions: 60, ThreadsRunning: 1, Connected: 3})
	}
	for class, n := range map[string]int64{evidence.ClassPage: s.pages, evidence.ClassSearch: s.searches, evidence.ClassXMLRPC: s.xmlrpc, evidence.ClassCron: s.cron} {
		t := evidence.Traffic{OverMs: 1000, Class: class, Requests: n, S2xx: n, TookMs: s.pageMs * n, MaxMs: s.pageMs, Clients: n}
		if s.untimed {
			t.TookMs, t.MaxMs = -1, -1
		}
		if n > 0 {
			add(t)
		}
	}
	if i%5 == 0 && !s.noProbe {
		p := evidence.Probe{Site: "blog", URL: "http://blog/", Status: 200, TookMs: s.pageMs, Bytes: 9000}
		if s.failed {
			p.Status, p.Error, p.TookMs = 0, "timeout", 10000
		}
		add(p)
	}
	if i%60 == 1 && !s.noWordPress {
		add(evidence.CronEvent{Site: s.site, Hook: "wp_version_check", NextUnixS: at(9000).Unix(), Schedule: "twicedaily", IntervalS: 43200, Owner: "core"})
		if !s.next.IsZero() {
			add(evidence.CronEvent{Site: s.site, Hook: hook, NextUnixS: s.next.Unix(), Schedule: "daily", IntervalS: 86400, Owner: "visit-ledger"})
		}
	}
	add(s.extra...)
	return out
}

// purgeIn is the question after the plan for case 0 under other names.
func purgeIn(w recording.Window) verify.In {
	return verify.In{
		Because: remedy.Because{Rule: "purge-without-index", About: diagnose.Subject{Schema: "shop", Table: ledger, Column: "noted", Session: 12},
			Origin: diagnose.Origin{Hook: hook, Plugin: "visit-ledger"}, Digest: digest, Running: 40 * time.Second},
		Settle: remedy.Settle{Hook: hook, Site: "shop", Due: at(dueAt), Every: day, After: after},
		Ended:  ended, Window: w, Rules: rules.All(), Before: diagnose.Visitors{How: "probe", QuietMs: 20, OutageMs: 9000},
	}
}

// ids are the sentences of an outcome; each has to be one that has words, with
// the parameters that those have.
func ids(t *testing.T, o verify.Outcome) []string {
	t.Helper()
	known := verify.Sayings()
	maps.Copy(known, diagnose.Claims())
	out := []string{}
	for _, s := range o.Says {
		out = append(out, s.ID)
		params, ok := known[s.ID]
		if got := slices.Sorted(maps.Keys(s.Args)); !ok || !slices.Equal(got, slices.Sorted(slices.Values(params))) {
			t.Errorf("%s is said with %v, its words have %v (known: %v)", s.ID, got, params, ok)
		}
	}
	return out
}

func allRules() []diagnose.Rule { return rules.All() }
