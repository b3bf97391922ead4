package rules

import (
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// oddRecordings hold a steady attack and a job of the host that starves the
// site: what the recorder missed must not look like a rise of the attack.
func oddRecordings() []lookalike {
	return []lookalike{
		{"an hour was not recorded", gapBefore(), diagnose.NotProven},
		{"one beat took 89 s", lateBeat(), diagnose.NotProven},
		{"the clock was set back by 100 s", clockSetBack(), diagnose.NotProven},
	}
}

func TestOddRecordingsAccuseNobody(t *testing.T) {
	for _, c := range oddRecordings() {
		v := verdict(c.records)
		if v.Status != c.want || len(v.Causes) != 0 || !rejects(v, "xmlrpc-login-flood") {
			t.Errorf("%s: got %s, causes %+v, cleared %+v; want %s, nobody accused, the attack cleared", c.name, v.Status, v.Causes, v.Rejected, c.want)
		}
	}
}

// steadyAttack is n seconds with an attack of 3/s, and a job of the host from a second on.
func steadyAttack(n, from int) []evidence.Record {
	return scene(n, func(i int, s *second) {
		s.pages, s.xmlrpc = 1, 3
		if i >= from {
			hog(s)
		}
	})
}

// The recorder was off for the better part of an hour; the outage began soon after it came back.
func gapBefore() []evidence.Record {
	before := steadyAttack(40, 40)
	for i := range before {
		before[i].At = before[i].At.Add(-time.Hour)
	}
	return append(before, steadyAttack(100, 60)...)
}

// The starved recorder reads the access log 89 s late: all of its lines are one fact.
func lateBeat() []evidence.Record {
	const from, to = 41, 130
	missed := map[string]int64{}
	var out []evidence.Record
	for _, r := range steadyAttack(140, 60) {
		t, traffic := r.Fact.(evidence.Traffic)
		s := int(r.At.Sub(t0).Seconds())
		if !traffic || s <= from || s > to {
			out = append(out, r)
			continue
		}
		if missed[t.Class] += t.Requests; s == to {
			t.OverMs, t.Requests, t.Posts, t.TookMs = (to-from)*1000, missed[t.Class], 0, -1
			out = append(out, evidence.Record{At: r.At, Source: r.Source, Fact: t})
		}
	}
	return out
}

// The clock is set back while all is well: 100 seconds are in the recording twice.
func clockSetBack() []evidence.Record {
	records := steadyAttack(300, 200)
	for i, r := range records {
		if r.At.Sub(t0) > 150*time.Second {
			records[i].At = r.At.Add(-100 * time.Second)
		}
	}
	return records
}

// Recorders of several sources write as they come: the order of records with one time means nothing.
func TestOrderOfRecordsDoesNotShow(t *testing.T) {
	for name, records := range map[string][]evidence.Record{"locked out": lockedOut(true, false), "two tables": locksOnTwoTables()} {
		want := verdict(append([]evidence.Record(nil), records...))
		for seed := range int64(5) {
			shuffled := append([]evidence.Record(nil), records...)
			rand.New(rand.NewSource(seed)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if d := differences(verdict(shuffled), want); len(d) > 0 {
				t.Errorf("%s, shuffled by %d: got other %v", name, seed, d)
			}
		}
	}
}

// A session sleeps on row locks of two tables; every other waiter waits for its metadata lock.
func locksOnTwoTables() []evidence.Record {
	return scene(150, func(i int, s *second) {
		if i < 50 || i >= 100 {
			return
		}
		stand(s)
		s.pages = 0
		age := int64(i-49) * 1000
		s.extra = append(s.extra, evidence.Transaction{ID: "8", ConnID: 5, State: "RUNNING", AgeMs: age, RowsLocked: 300_000, Sleeping: true, IdleMs: age, User: "admin"})
		for w := range uint64(8) {
			l := evidence.LockWait{Lock: evidence.LockRow, Waiter: 100 + w, Blocker: 5, WaitMs: age, Schema: "shop", Table: fmt.Sprintf("t%d", w%2), BlockerSleeps: true, BlockerIdleMs: age, BlockerUser: "admin"}
			if w%2 == 1 {
				l.Lock = evidence.LockMetadata
			}
			s.extra = append(s.extra, l)
		}
	})
}

func TestSameRecordingSameVerdict(t *testing.T) {
	want := verdict(locksOnTwoTables())
	if !accuses(want, "idle-transaction") {
		t.Fatalf("got %s, causes %+v; want the session that sleeps", want.Status, want.Causes)
	}
	for range 20 {
		if d := differences(verdict(locksOnTwoTables()), want); len(d) > 0 {
			t.Fatalf("got other %v on another look", d)
		}
	}
}

// differences names the fields in which two verdicts differ.
func differences(got, want diagnose.Verdict) []string {
	var out []string
	a, b := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			out = append(out, a.Type().Field(i).Name)
		}
	}
	return out
}

// quietOddities are recordings with one thing out of the ordinary that is no outage.
func quietOddities() []lookalike {
	return []lookalike{
		{"one slow answer to the probe", oneSlowProbe(), diagnose.Healthy},
		{"one slow page", oneSlowPage(), diagnose.Healthy},
		{"one slow answer in six hours", oneSlowProbeInHours(), diagnose.Healthy},
		{"an error an hour, throttled once", ordinaryDay(), diagnose.Healthy},
	}
}

func TestOneOddityIsNoOutage(t *testing.T) {
	for _, c := range quietOddities() {
		if v := verdict(c.records); v.Status != c.want || len(v.Episodes) != 0 || len(v.Causes) != 0 {
			t.Errorf("%s: got %s, episodes %v, causes %+v; want %s", c.name, v.Status, v.Episodes, v.Causes, c.want)
		}
	}
}

// One probe takes 1.1 s; the log does not say how long requests took.
func oneSlowProbe() []evidence.Record {
	return untimed(scene(120, func(i int, s *second) {
		if i == 60 {
			s.pageMs = 1100
		}
	}))
}

// A phone on a slow line takes 9 s to fetch its page.
func oneSlowPage() []evidence.Record {
	return alter(scene(120, func(int, *second) {}), func(i int, t *evidence.Traffic) {
		if i == 61 && t.Class == evidence.ClassPage {
			t.Requests, t.TookMs, t.MaxMs = 1, 9000, 9000
		}
	})
}

// A probe takes 1 s once in six hours of little traffic: a bin of the time line is longer than an outage.
func oneSlowProbeInHours() []evidence.Record {
	records := scene(6*3600, func(i int, s *second) { s.pages, s.xmlrpc = int64(1-i%2), 0 })
	return alter(records, func(i int, p *evidence.Probe) {
		if i == 3600 {
			p.TookMs = 1050
		}
	})
}

// Twenty hours in beats of 5 s: one page in five fails for 15 s of every hour, a quota bites once.
func ordinaryDay() []evidence.Record {
	var out []evidence.Record
	for i := 0; i < 20*3600; i += 5 {
		at := t0.Add(time.Duration(i) * time.Second)
		page := evidence.Traffic{OverMs: 5000, Class: evidence.ClassPage, Requests: 5, TookMs: -1}
		if i%3600 < 15 {
			page.S5xx = 1
		}
		out = append(out,
			evidence.Record{At: at, Source: "host", Fact: evidence.Host{OverMs: 5000, CPUs: 2, UserMs: 500, IdleMs: 9500, MemTotalKB: 1 << 20, MemAvailKB: 1 << 19}},
			evidence.Record{At: at, Source: "probe", Fact: evidence.Probe{Site: "blog", Status: 200, TookMs: 20}},
			evidence.Record{At: at, Source: "traffic", Fact: page})
		if i == 36000 {
			out = append(out, evidence.Record{At: at, Source: "cgroup", Fact: evidence.Cgroup{OverMs: 5000, QuotaCPUs: 1, ThrottledMs: 4000}})
		}
	}
	return out
}

// Where a bin of the time line is longer than a beat, it holds a mean and no sum.
func TestRatesOfLongRecordings(t *testing.T) {
	v := verdict(scene(2*3600+600, func(int, *second) {}))
	want := map[string]float64{"requests": 6, "database_cpu": 0.03, "php_cpu": 0.15, "cpu": 0.11}
	for _, l := range v.Series {
		w, known := want[l.ID]
		if !known {
			continue
		}
		delete(want, l.ID)
		for i, x := range l.Values[1 : len(l.Values)-1] { // the first and the last bin are not full
			if math.Abs(x-w) > 0.01*w {
				t.Errorf("%s, bin %d of %v: got %v, want %v", l.ID, i+1, l.Step, x, w)
				break
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("got no series for %v", want)
	}
}
