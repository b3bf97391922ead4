package rules

import (
	"math/rand"
	"reflect"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// caseZero is the afternoon of case 0 under other names: the DELETE takes ten
// seconds, the credit is gone after six, the site stays down for two minutes.
func caseZero(extra ...evidence.Fact) []evidence.Record {
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
			s.extra = append(s.extra, extra...)
		}
	})
}

func TestPurgeWithoutIndexIsProvenByPlanAndIndexes(t *testing.T) {
	v := verdict(caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL")))
	if v.Status != diagnose.Proven || len(v.Causes) != 1 || v.Causes[0].Rule != "purge-without-index" {
		t.Fatalf("got status %s, causes %+v", v.Status, v.Causes)
	}
	f := v.Causes[0]
	if f.About.Table != ledger || f.About.Column != "noted" || f.Share.CPU < 0.2 {
		t.Errorf("got subject %+v share %+v", f.About, f.Share)
	}
	order := []string{}
	for _, l := range v.Chain {
		order = append(order, l.ID)
	}
	want := []string{"purge-without-index", "cpu-capped", "workers-full", "visitors-wait", "visitor-timeouts", "innodb-purge", "backlog"}
	if !sameSet(order, want) || order[0] != want[0] {
		t.Errorf("chain: got %v, want %v in some order after the first", order, want)
	}
	if !rejects(v, "request-flood") || !rejects(v, "xmlrpc-login-flood") || !rejects(v, "memory") {
		t.Errorf("rejected: got %+v", v.Rejected)
	}
}

func sameSet(a, b []string) bool {
	m := map[string]int{}
	for _, x := range a {
		m[x]++
	}
	for _, x := range b {
		m[x]--
	}
	for _, n := range m {
		if n != 0 {
			return false
		}
	}
	return true
}

func rejects(v diagnose.Verdict, id string) bool {
	for _, r := range v.Rejected {
		if r.ID == id {
			return true
		}
	}
	return false
}

func accuses(v diagnose.Verdict, id string) bool {
	for _, f := range v.Causes {
		if f.Rule == id {
			return true
		}
	}
	return false
}

func TestPurgeIsOnlyLikelyWhereOneProofIsMissing(t *testing.T) {
	for name, facts := range map[string][]evidence.Fact{
		"no indexes known": {ledgerFilter, ledgerPlan("ALL")},
		"no plan":          {ledgerTable(), ledgerFilter},
	} {
		v := verdict(caseZero(facts...))
		if v.Status != diagnose.Likely || !accuses(v, "purge-without-index") || len(v.Surer) == 0 {
			t.Errorf("%s: got %s, causes %+v, surer %v; want likely, with what is missing", name, v.Status, v.Causes, v.Surer)
		}
	}
}

// Look-alikes of the purge: none of them may be accused.
func TestPurgeWithoutIndexStaysSilent(t *testing.T) {
	indexed := evidence.Index{Name: "noted", Columns: []string{"noted", "id"}}
	for name, records := range map[string][]evidence.Record{
		"the column has an index":  caseZero(ledgerTable(indexed), ledgerFilter, ledgerPlan("range")),
		"nothing known but a name": caseZero(),
		"it ran after the outage": scene(200, func(i int, s *second) {
			if i >= 60 && i < 100 {
				starve(s, 0.02)
			}
			purgeSeconds(i, 150, 160, s)
			if i == 152 {
				s.extra = append(s.extra, ledgerTable(), ledgerFilter, ledgerPlan("ALL"))
			}
		}),
		"it was over long before": scene(300, func(i int, s *second) {
			purgeSeconds(i, 20, 26, s)
			if i == 22 {
				s.extra = append(s.extra, ledgerTable(), ledgerFilter, ledgerPlan("ALL"))
			}
			if i >= 200 && i < 260 {
				starve(s, 0.02)
			}
		}),
		"it reads few rows": scene(200, func(i int, s *second) {
			if i >= 46 && i < 190 {
				starve(s, 0.02)
			}
			if i >= 40 && i < 50 {
				s.extra = append(s.extra, evidence.Statement{ConnID: 77, QueryID: 1, Command: "Query", RunningMs: int64(i-39) * 1000, Digest: ledgerDigest, Verb: "DELETE", Table: ledger, RowsRead: 12})
			}
			if i == 43 {
				s.extra = append(s.extra, ledgerTable(), ledgerFilter, ledgerPlan("ALL"))
			}
		}),
	} {
		if v := verdict(records); accuses(v, "purge-without-index") || v.Status == diagnose.Proven {
			t.Errorf("%s: got %s with causes %+v; want no accusation", name, v.Status, v.Causes)
		}
	}
}

func TestPurgeNeverFinishesNeedsTheFailure(t *testing.T) {
	failing := func(lines bool) []evidence.Record {
		return scene(140, func(i int, s *second) {
			purgeSeconds(i, 40, 60, s)
			if i >= 60 && i < 100 {
				back := int64(i-60) * 20_000
				s.db, s.busy = s.db+0.5, s.busy+0.5
				s.extra = append(s.extra,
					evidence.Statement{ConnID: 77, QueryID: 9001, User: "wp", Schema: "shop", Command: "Query", State: "Rollback", RunningMs: int64(i-39) * 1000, Digest: ledgerDigest, Verb: "DELETE", Table: ledger, RowsRead: 1_200_000},
					evidence.Transaction{ID: "4711", ConnID: 77, State: "ROLLING BACK", AgeMs: int64(i-39) * 1000, RowsLocked: 1_200_000, RowsModified: 1_000_000 - back, LockMemoryBytes: 100 << 20, Digest: ledgerDigest})
			}
			if i == 43 {
				s.extra = append(s.extra, ledgerTable(), ledgerFilter, ledgerPlan("ALL"))
			}
			if i == 61 && lines {
				s.extra = append(s.extra, evidence.ErrorLine{Service: "php-fpm", ID: "php-lock-table-full", Count: 1, Message: "The total number of locks exceeds the lock table size"})
			}
		})
	}
	v := verdict(failing(true))
	if v.Status != diagnose.Proven || len(v.Causes) != 1 || v.Causes[0].Rule != "purge-never-finishes" {
		t.Fatalf("got %s, causes %+v; want purge-never-finishes alone", v.Status, v.Causes)
	}
	if !v.Causes[0].Harmless {
		t.Error("visitors did not suffer: want a harmless finding")
	}
	// The same purge that commits is no failure.
	v = verdict(caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL")))
	if accuses(v, "purge-never-finishes") {
		t.Errorf("a purge that commits is accused of never finishing: %+v", v.Causes)
	}
}

// lockedOut is a session that sleeps with locks while others wait for them.
func lockedOut(sleeps bool, guessed bool) []evidence.Record {
	return scene(150, func(i int, s *second) {
		if i < 50 || i >= 100 {
			return
		}
		s.busy, s.php, s.db = 0.05, 0.02, 0.01
		s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 10_000, true, 10, 5, 0, 0
		age := int64(i-49) * 1000
		s.extra = append(s.extra, evidence.Transaction{ID: "8", ConnID: 5, State: "RUNNING", AgeMs: age, RowsLocked: 300_000, Sleeping: sleeps, IdleMs: age, User: "admin"})
		for w := range min(i-49, 10) {
			s.extra = append(s.extra,
				evidence.Statement{ConnID: uint64(100 + w), QueryID: uint64(100 + w), Command: "Query", State: "Update", RunningMs: age, Digest: "INSERT INTO `ledger_of_visits` VALUES (?)", Verb: "INSERT", Table: ledger, RowsRead: -1},
				evidence.LockWait{Lock: evidence.LockRow, Waiter: uint64(100 + w), Blocker: 5, WaitMs: age, Schema: "shop", Table: ledger, BlockerSleeps: sleeps, BlockerIdleMs: age, BlockerUser: "admin", BlockerGuessed: guessed})
		}
	})
}

func TestIdleTransaction(t *testing.T) {
	v := verdict(lockedOut(true, false))
	if v.Status != diagnose.Proven || v.Causes[0].Rule != "idle-transaction" || v.Causes[0].About.Session != 5 || v.Causes[0].About.Table != ledger {
		t.Fatalf("got %s, causes %+v", v.Status, v.Causes)
	}
	if v = verdict(lockedOut(true, true)); v.Status != diagnose.Likely {
		t.Errorf("a guessed holder: got %s, want likely", v.Status)
	}
	if v = verdict(lockedOut(false, false)); accuses(v, "idle-transaction") {
		t.Errorf("the holder works: got %+v", v.Causes)
	}
}

func TestServiceStopped(t *testing.T) {
	stopped := func(restart bool) []evidence.Record {
		return scene(120, func(i int, s *second) {
			state := evidence.ServiceState{Service: evidence.ServiceDatabase, Instance: "mariadbd:3306", Up: true, PID: 812, How: "process"}
			down := i >= 60 && (!restart || i < 62)
			if down {
				state.Up, state.PID = false, 0
				s.failed, s.pageMs, s.pages, s.db = true, 5, 0, 0
			}
			if i == 60 {
				s.extra = append(s.extra, evidence.ErrorLine{Service: evidence.ServiceDatabase, ID: "db-shutdown", Count: 1, Message: "Normal shutdown"})
			}
			s.extra = append(s.extra, state)
		})
	}
	v := verdict(stopped(false))
	if v.Status != diagnose.Proven || v.Causes[0].Rule != "service-stopped" || v.Causes[0].About.Service != evidence.ServiceDatabase {
		t.Fatalf("got %s, causes %+v", v.Status, v.Causes)
	}
	if v = verdict(stopped(true)); accuses(v, "service-stopped") {
		t.Errorf("a quick restart: got %+v", v.Causes)
	}
}

func TestFloods(t *testing.T) {
	flooded := func(class string, before bool) []evidence.Record {
		return scene(160, func(i int, s *second) {
			if i < 60 && !before {
				return
			}
			s.busy, s.php, s.throttled = 1.98, 1.7, 0
			s.pageMs, s.failed, s.workers, s.queue, s.pages = 8000, i%2 == 0, 10, 20, 3
			if class == evidence.ClassSearch {
				s.searches = 30
			} else {
				s.xmlrpc = 40
			}
			s.clients = map[string]map[string]int64{class: {"203.0.113.7": 20, "203.0.113.8": 10}}
		})
	}
	for class, id := range map[string]string{evidence.ClassSearch: "search-flood", evidence.ClassXMLRPC: "xmlrpc-login-flood"} {
		v := verdict(flooded(class, false))
		if len(v.Causes) != 1 || v.Causes[0].Rule != id || v.Status != diagnose.Proven {
			t.Errorf("%s: got %s, causes %+v", class, v.Status, v.Causes)
		}
		if len(v.Causes) > 0 && v.Causes[0].About.Client != "203.0.113.7" {
			t.Errorf("%s: got client %q", class, v.Causes[0].About.Client)
		}
		if v = verdict(flooded(class, true)); v.Status == diagnose.Proven {
			t.Errorf("%s without a quiet time: got %s, want at most likely", class, v.Status)
		}
	}
}

// An attack that was there all along and did not grow is no flood.
func TestSteadyAttackIsClearedWithItsNumbers(t *testing.T) {
	v := verdict(scene(160, func(i int, s *second) {
		s.xmlrpc = 6
		if i >= 60 {
			starve(s, 0.02)
			s.xmlrpc = 3
		}
	}))
	if len(v.Causes) != 0 || v.Status != diagnose.NotProven || !rejects(v, "xmlrpc-login-flood") {
		t.Errorf("got %s, causes %+v, rejected %+v", v.Status, v.Causes, v.Rejected)
	}
}

func TestHealthyAndBlind(t *testing.T) {
	if v := verdict(scene(120, func(int, *second) {})); v.Status != diagnose.Healthy || len(v.Causes) != 0 {
		t.Errorf("quiet server: got %s, %+v", v.Status, v.Causes)
	}
	if v := verdict(nil); v.Status != diagnose.CannotJudge {
		t.Errorf("empty recording: got %s", v.Status)
	}
	blind := []evidence.Record{{At: t0, Source: "database", Fact: evidence.Unseen{Source: "database", Code: "access-denied", What: "statements"}}}
	if v := verdict(blind); v.Status != diagnose.CannotJudge || len(v.Unseen) != 1 {
		t.Errorf("nothing readable: got %s, unseen %+v", v.Status, v.Unseen)
	}
}

// Same recording, same verdict: the order of records, a healthy hour in front
// and the time of day change nothing but times.
func TestVerdictIsAFunctionOfTheEvidence(t *testing.T) {
	records := caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL"))
	want := verdict(append([]evidence.Record(nil), records...))
	shuffled := append([]evidence.Record(nil), records...)
	rand.New(rand.NewSource(1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if got := verdict(shuffled); !reflect.DeepEqual(got.Causes, want.Causes) || !reflect.DeepEqual(got.Chain, want.Chain) {
		t.Errorf("shuffled: got %+v, want %+v", got.Causes, want.Causes)
	}
	var longer []evidence.Record
	for i := range 3600 {
		for _, r := range scene(1, func(int, *second) {}) {
			r.At = r.At.Add(-time.Duration(3600-i) * time.Second)
			longer = append(longer, r)
		}
	}
	got := verdict(append(longer, records...))
	if got.Status != want.Status || len(got.Causes) != 1 || !reflect.DeepEqual(got.Causes[0].About, want.Causes[0].About) {
		t.Errorf("with a healthy hour in front: got %s %+v", got.Status, got.Causes)
	}
}

// A site that is broken all the time says nothing of when the others suffer.
func TestOneDeadSiteIsNoOutage(t *testing.T) {
	dead := evidence.Probe{Site: "old-shop", URL: "http://old/", Status: 500, TookMs: 4}
	v := verdict(scene(120, func(i int, s *second) {
		if i%5 == 0 {
			s.extra = append(s.extra, dead)
		}
	}))
	if v.Status != diagnose.Healthy || len(v.Notes) == 0 || v.Notes[0].ID != "note-dead-site" {
		t.Errorf("got %s with notes %+v; want healthy, the dead site noted", v.Status, v.Notes)
	}
	alone := scene(120, func(_ int, s *second) { s.failed = true })
	if v = verdict(alone); v.Status == diagnose.Healthy {
		t.Errorf("the only site is dead: got %s", v.Status)
	}
}

// The cap outlives the statement: visitors feel it only when the queue is long.
func TestCapCarriesThePurgeOn(t *testing.T) {
	records := func(capped bool) []evidence.Record {
		return scene(220, func(i int, s *second) {
			purgeSeconds(i, 40, 50, s)
			if i == 43 {
				s.extra = append(s.extra, ledgerTable(), ledgerFilter, ledgerPlan("ALL"))
			}
			if i >= 46 && i < 100 {
				s.busy, s.php = 0.2, 0.16
				if capped {
					s.throttled = 1.6
				}
			}
			if i >= 100 {
				starve(s, 0.03)
			}
		})
	}
	if v := verdict(records(true)); !accuses(v, "purge-without-index") {
		t.Errorf("cap from the purge to the outage: got %s, causes %+v", v.Status, v.Causes)
	}
	if v := verdict(records(false)); accuses(v, "purge-without-index") {
		t.Errorf("nothing between the purge and the outage: got %+v", v.Causes)
	}
}

// Somebody looks only when the DELETE is over: the schedule, the table and the
// database's unexplained work are what is left.
func TestPurgeOverBeforeAnybodyLooked(t *testing.T) {
	late := func(due time.Duration, table evidence.Table) []evidence.Record {
		return scene(20, func(i int, s *second) {
			starve(s, 0.09)
			if i == 0 {
				s.extra = append(s.extra, table,
					evidence.TableGrowth{Schema: "shop", Name: ledger, Column: "noted", Ordered: true, MinKey: 1, MaxKey: 600_000,
						Probes: []evidence.GrowthProbe{{Key: 1, UnixS: t0.Unix() - 9_000_000}, {Key: 600_000, UnixS: t0.Unix()}}},
					evidence.HookTable{Site: "shop", Hook: "ledger_tidy", Table: ledger, Plugin: "visit-ledger", File: "tidy.php"},
					evidence.CronEvent{Site: "shop", Hook: "ledger_tidy", NextUnixS: t0.Add(24*time.Hour - due).Unix(), Schedule: "daily", IntervalS: 86400, Owner: "visit-ledger"})
			}
		})
	}
	v := verdict(late(2*time.Minute, ledgerTable()))
	if v.Status != diagnose.Likely || !accuses(v, "purge-without-index") || v.Causes[0].Origin.Hook != "ledger_tidy" || v.Causes[0].About.Column != "noted" {
		t.Errorf("due two minutes before: got %s, causes %+v", v.Status, v.Causes)
	}
	small := ledgerTable()
	small.FileBytes, small.DataBytes = 1<<20, 1<<20
	for name, records := range map[string][]evidence.Record{
		"due ten hours before": late(10*time.Hour, ledgerTable()),
		"the table is small":   late(2*time.Minute, small),
		"it has the index":     late(2*time.Minute, ledgerTable(evidence.Index{Name: "noted", Columns: []string{"noted"}})),
	} {
		if v := verdict(records); accuses(v, "purge-without-index") {
			t.Errorf("%s: got %+v", name, v.Causes)
		}
	}
}

// A site without WordPress: its clean-up is a line in a crontab.
func TestPurgeOfTheHostsSchedule(t *testing.T) {
	job := func(spec string, next time.Time) evidence.Schedule {
		return evidence.Schedule{Origin: "crontab shop", Spec: spec, Command: "php tidy.php", Next: next.Unix()}
	}
	tomorrow := t0.Add(40*time.Second + 24*time.Hour)
	for name, c := range map[string]struct {
		jobs []evidence.Fact
		want string
	}{
		"one daily job":      {[]evidence.Fact{job("29 15 * * *", tomorrow)}, "29 15 * * *"},
		"every five minutes": {[]evidence.Fact{job("*/5 * * * *", tomorrow)}, ""},
		"another hour":       {[]evidence.Fact{job("29 3 * * *", tomorrow.Add(-12*time.Hour))}, ""},
		"two at once: which?": {[]evidence.Fact{job("29 15 * * *", tomorrow),
			evidence.Schedule{Origin: "crontab root", Spec: "29 15 * * *", Command: "sh backup.sh", Next: tomorrow.Unix()}}, ""},
		"a weekly one of another day": {[]evidence.Fact{job("29 15 * * 4", tomorrow.Add(48*time.Hour))}, ""},
		"one beside a frequent one":   {[]evidence.Fact{job("* * * * *", tomorrow), job("29 15 * * *", tomorrow)}, "29 15 * * *"},
	} {
		v := verdict(caseZero(append(c.jobs, ledgerTable(), ledgerFilter, ledgerPlan("ALL"))...))
		if !accuses(v, "purge-without-index") || v.Causes[0].Origin.Schedule != c.want {
			t.Errorf("%s: got origin %+v, want schedule %q", name, v.Causes[0].Origin, c.want)
		}
		if (v.Recurrence != nil) != (c.want != "") {
			t.Errorf("%s: got recurrence %+v", name, v.Recurrence)
		}
	}
}
