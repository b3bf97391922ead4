package rules

import (
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

// The small database beside the main one has used up its 20 connections.
func oneOfTwoDatabasesFull() []evidence.Record {
	const small = "small:3307"
	return scene(150, func(i int, s *second) {
		if i == 0 {
			s.extra = append(s.extra, evidence.DBServer{DB: small, MaxConnections: 20}, evidence.DBServer{MaxConnections: 151})
		}
		s.extra = append(s.extra, evidence.DBStatus{DB: small, OverMs: 1000, Connected: 20, ThreadsRunning: 1})
		if i >= 60 {
			s.failed, s.pageMs, s.pages = true, 900, 1
		}
	})
}

// Two sites share the host: the shop's pool is full and its pages time out all along, the blog is well.
func siteThatTimesOut() []evidence.Record {
	return untimed(scene(20, func(i int, s *second) {
		s.workers, s.queue = 10, 30
		if i%5 == 0 {
			s.extra = append(s.extra, evidence.Probe{Site: "shop", URL: "http://shop/", Error: "timeout", TookMs: 10_000})
		}
	}))
}

// Two sites with a database each: the shop's is down all along, the blog is well.
func siteWithoutItsDatabase() []evidence.Record {
	return untimed(scene(20, func(i int, s *second) {
		if i%5 == 0 {
			s.extra = append(s.extra, evidence.Probe{Site: "shop", URL: "http://shop/", Status: 500, TookMs: 3},
				evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "blog:3306", Up: true, PID: 5},
				evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "shop:3307"})
		}
	}))
}

// Somebody stops the staging database half a minute before case 0.
func stagingDatabaseStopped() []evidence.Record {
	return caseZeroWith(func(i int, s *second) {
		if i%10 != 0 {
			return
		}
		staging := evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "staging:3307"}
		if i < 10 {
			staging.Up, staging.PID = true, 900
		}
		s.extra = append(s.extra, staging, evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "mariadbd:3306", Up: true, PID: 812})
	})
}

func TestStoppedStagingDatabaseIsNotToBlame(t *testing.T) {
	v := verdict(stagingDatabaseStopped())
	if len(v.Causes) != 1 || v.Causes[0].Rule != "purge-without-index" {
		t.Errorf("got %s, causes %+v; want the purge alone", v.Status, v.Causes)
	}
}

// Two sites run the same plugin on tables of the same name; the blog's clean-up is three hours earlier.
func sameTableOnTwoSites() []evidence.Record {
	facts := purgeFacts()
	for site, of := range map[string]struct {
		schema, version string
		earlier         time.Duration
	}{"shop.example": {"shop", "5", 0}, "blog.example": {"blog", "4", 3 * time.Hour}} {
		facts = append(facts,
			evidence.Site{Name: site, Schema: of.schema, Prefix: "wp_"},
			evidence.Owner{Site: site, Table: ledger, Plugin: "visit-ledger", How: "source", Version: of.version},
			evidence.HookTable{Site: site, Hook: "tidy", Table: ledger, Plugin: "visit-ledger", File: "tidy.php"},
			evidence.CronEvent{Site: site, Hook: "tidy", NextUnixS: t0.Add(40*time.Second - of.earlier).Unix(), Schedule: "daily", IntervalS: 86400, Owner: "visit-ledger"})
	}
	return caseZero(facts...)
}

func TestPurgeIsOfTheSiteWhoseSchemaItWorksIn(t *testing.T) {
	v := verdict(sameTableOnTwoSites())
	if !accuses(v, "purge-without-index") {
		t.Fatalf("got %s, causes %+v", v.Status, v.Causes)
	}
	o := v.Causes[0].Origin
	if o.Site != "shop.example" || o.Version != "5" || o.Hook != "tidy" {
		t.Errorf("got origin %+v, want the shop's", o)
	}
	if want := t0.Add(24*time.Hour + 40*time.Second); v.Recurrence == nil || !v.Recurrence.Next.Equal(want) {
		t.Errorf("got recurrence %+v, want next at %v", v.Recurrence, want)
	}
}

// A pool of one worker for a queue is busy whenever it does anything.
func poolOfOne() []evidence.Record {
	return caseZeroWith(func(_ int, s *second) {
		s.extra = append(s.extra, evidence.WorkerPool{Service: evidence.ServicePHP, Pool: "queue", Children: 1, Busy: 1, Max: 1})
	})
}

func TestPoolOfOneIsNotFull(t *testing.T) {
	l, ok := linkOf(verdict(poolOfOne()), "workers-full")
	if began := l.Span.From.Sub(t0); !ok || began < 45*time.Second {
		t.Errorf("got workers full %t from %v; want from 45 s on, when the site's own pool was", ok, began)
	}
}
