package rules

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// attacked adds what the recorder tells of an attack each minute: by the second.
func attacked(records []evidence.Record, id string, attempts, tookMs func(i int) int64) []evidence.Record {
	var n, took int64
	seconds := int(records[len(records)-1].At.Sub(t0) / time.Second)
	for i := range seconds {
		n, took = n+attempts(i), took+tookMs(i)
		if i%60 != 59 && i != seconds-1 || n == 0 {
			continue
		}
		over := int64(i%60+1) * 1000
		records = append(records, evidence.Record{At: t0.Add(time.Duration(i+1) * time.Second), Source: "traffic", Fact: evidence.Attack{OverMs: over, ID: id, Attempts: n, Actors: 12, TookMs: took}})
		n, took = 0, 0
	}
	return records
}

func always(n int64) func(int) int64 { return func(int) int64 { return n } }

func clearedAs(v diagnose.Verdict, id string) (diagnose.Rejected, bool) {
	i := slices.IndexFunc(v.Rejected, func(r diagnose.Rejected) bool { return r.ID == id })
	if i < 0 {
		return diagnose.Rejected{}, false
	}
	return v.Rejected[i], true
}

// The purge brings the site down while passwords are guessed all along.
func TestAnAttackThatIsNoiseIsClearedWithItsNumbers(t *testing.T) {
	quiet := verdict(caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL")))
	v := verdict(attacked(caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL")), "xmlrpc-brute-force", always(1), always(1)))
	r, ok := clearedAs(v, "attack-xmlrpc-brute-force")
	if !ok || r.Metric != "worker_time_share" || r.Window <= 0 || r.Window >= 0.05 || r.Say.Args["actors"] != diagnose.Count(12) {
		t.Errorf("got %+v, %v", r, ok)
	}
	if n, _ := r.Say.Args["attempts"].(diagnose.Count); float64(n) < v.Outage.Duration().Seconds()-1 || float64(n) > v.Outage.Duration().Seconds()+1 {
		t.Errorf("got %d attempts in an outage of %v, want one a second", n, v.Outage.Duration())
	}
	if !rejects(quiet, "xmlrpc-login-flood") || rejects(v, "xmlrpc-login-flood") {
		t.Errorf("got %+v, then %+v; want the same suspect told once", quiet.Rejected, v.Rejected)
	}
	if v.Status != quiet.Status || len(v.Causes) != 1 || v.Causes[0].Rule != quiet.Causes[0].Rule {
		t.Errorf("got %s %+v; want the verdict as it was: %s", v.Status, v.Causes, quiet.Status)
	}
}

// Attacks that took much, or are the cause, are not cleared.
func TestAnAttackIsNotCleared(t *testing.T) {
	rising := func(before, after int64) func(int) int64 {
		return func(i int) int64 {
			if i < 60 {
				return before
			}
			return after
		}
	}
	cases := []struct {
		name    string
		id      string
		records []evidence.Record
	}{
		{"it rose with the outage", "xmlrpc-brute-force", attacked(attackBelowSaturation(), "xmlrpc-brute-force", rising(1, 40), rising(21, 120_000))},
		{"it takes much all along", "wp-login-brute-force", attacked(caseZero(purgeFacts()...), "wp-login-brute-force", always(3), rising(60, 8000))},
		{"nobody suffers", "xmlrpc-brute-force", attacked(scene(200, func(int, *second) {}), "xmlrpc-brute-force", always(1), always(1))},
	}
	for _, c := range cases {
		if v := verdict(c.records); rejects(v, "attack-"+c.id) {
			t.Errorf("%s: got it cleared: %+v", c.name, v.Rejected)
		}
	}
}

// TestAnAccusedAttackIsNotCleared even where the log says that it took little.
func TestAnAccusedAttackIsNotCleared(t *testing.T) {
	flood := scene(160, func(i int, s *second) {
		if i >= 60 {
			s.busy, s.php = 1.98, 1.7
			s.pageMs, s.failed, s.workers, s.queue, s.pages, s.xmlrpc = 8000, i%2 == 0, 10, 20, 3, 40
		}
	})
	v := verdict(attacked(flood, "xmlrpc-brute-force", always(1), always(0)))
	if !accuses(v, "xmlrpc-login-flood") || rejects(v, "attack-xmlrpc-brute-force") {
		t.Errorf("got causes %+v, cleared %+v", v.Causes, v.Rejected)
	}
}
