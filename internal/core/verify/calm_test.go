package verify_test

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

// floodIn is the question after XML-RPC was closed.
func floodIn(n int, change func(i int, s *second)) verify.In {
	return verify.In{
		Because: remedy.Because{Rule: "xmlrpc-login-flood", About: diagnose.Subject{Client: "203.0.113.7", Path: "/xmlrpc.php"}},
		Settle:  remedy.Settle{Least: 10 * time.Minute}, Ended: ended, Window: scene(n, change), Rules: allRules(), Usual: 5,
	}
}

// flood makes a second of the flood.
func (s *second) flood() {
	s.busy, s.php, s.pageMs, s.failed, s.workers, s.queue, s.xmlrpc = 1.98, 1.7, 8000, true, 10, 20, 40
}

func TestByCalm(t *testing.T) {
	cases := []struct {
		name   string
		n      int
		change func(i int, s *second)
		usual  float64
		status verify.Status
		says   string
		next   int // seconds after the plan; 0: none
	}{
		{"quiet for long enough", 601, nothing, 5, verify.Cured, "verify-calm", 0},
		{"not yet", 590, nothing, 5, verify.Untested, "verify-short", 590 + 300},
		{"not yet by far", 200, nothing, 5, verify.Untested, "verify-short", 601},
		{"the attack goes on, and is refused at the door", 601, func(_ int, s *second) { s.xmlrpc = 40 }, 5, verify.Cured, "verify-calm", 0},
		{"it is back", 900, func(i int, s *second) {
			if i >= 400 && i < 600 {
				s.flood()
			}
		}, 5, verify.Persists, "verify-fires", 0},
		{"something else makes visitors suffer", 700, func(i int, s *second) {
			if i >= 400 && i < 500 {
				s.busy, s.db, s.php, s.pageMs, s.failed, s.workers, s.queue = 0.05, 0.01, 0.02, 9000, true, 10, 12
			}
		}, 5, verify.Untested, "verify-other-trouble", 700 + 301},
		{"half as many visitors as usual", 601, nothing, 10, verify.Cured, "verify-calm", 0},
		{"fewer than half as many", 601, nothing, 10.5, verify.Untested, "verify-few-visitors", 601 + 3600},
		{"how many come is not known", 601, nothing, 0, verify.Untested, "verify-usual-unknown", 0},
		{"nobody saw them", 601, func(_ int, s *second) { s.noProbe, s.untimed = true, true }, 5, verify.Untested, "verify-visitors-unseen", 601 + 600},
		{"the recorder was off for a while", 700, func(i int, s *second) { s.off = i > 200 && i < 400 }, 5, verify.Untested, "verify-short", 700 + 300},
		{"and long enough besides", 900, func(i int, s *second) { s.off = i > 200 && i < 400 }, 5, verify.Cured, "verify-calm", 0},
		{"the old outage still goes on", 120, func(_ int, s *second) { s.starve() }, 5, verify.Untested, "verify-still-down", 120 + 300},
		{"the old outage ended a little later", 800, func(i int, s *second) {
			if i < 100 {
				s.starve()
			}
		}, 5, verify.Cured, "verify-calm", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := floodIn(c.n, c.change)
			in.Usual = c.usual
			got := verify.Judge(in)
			if got.Status != c.status || !slices.Contains(ids(t, got), c.says) || got.Job != nil {
				t.Fatalf("got %s, %+v, job %+v; want %s with %s", got.Status, got.Says, got.Job, c.status, c.says)
			}
			want := time.Time{}
			if c.next > 0 {
				want = at(c.next)
			}
			if off := got.Next.Sub(want).Abs(); off > 2*time.Second {
				t.Errorf("got next %v, want %v", got.Next, want)
			}
		})
	}
}

func TestDemandLeavesAttacksOut(t *testing.T) {
	w := scene(300, func(i int, s *second) {
		s.xmlrpc = 3
		if i >= 200 {
			s.flood()
		}
	})
	if got := verify.Demand(w, diagnose.Options{}); got != 5 {
		t.Errorf("got %v requests a second, want the 5 pages of the quiet time", got)
	}
	if got := verify.Demand(scene(0, nothing), diagnose.Options{}); got != 0 {
		t.Errorf("got %v of an empty recording, want 0", got)
	}
}
