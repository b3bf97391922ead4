package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestLoginFloodByMany(t *testing.T) {
	for name, c := range map[string]struct {
		records []evidence.Record
		path    string
		status  diagnose.Status
	}{
		"both doors":               {doors(14, 18, nil, 600), "/xmlrpc.php", diagnose.Proven},
		"one door":                 {doors(30, 0, nil, 600), "/wp-login.php", diagnose.Proven},
		"durations are not logged": {untimed(doors(14, 18, nil, 600)), "/xmlrpc.php", diagnose.Proven},
		"told by clients alone":    {doors(0, 40, addresses(5, 5), 0), "/xmlrpc.php", diagnose.Likely},
		"told by the detectors":    {attacked(doors(14, 18, nil, 0), "xmlrpc-distributed", always(30), always(9)), "/xmlrpc.php", diagnose.NotProven},
	} {
		if name == "told by the detectors" {
			c.records = alter(c.records, func(_ int, a *evidence.Attack) { a.Actors = 500 })
			c.status = diagnose.Proven
		}
		v := verdict(c.records)
		f := first(v)
		if f.Rule != "login-flood-by-many" || len(v.Causes) != 1 || f.About.Path != c.path || v.Status != c.status || f.About.Client != "" {
			t.Errorf("%s: got %s (%.2f), causes %+v", name, v.Status, f.Confidence, v.Causes)
		}
	}
}

// Few addresses can be named and blocked: that is another finding.
func TestLoginFloodByFewIsNamed(t *testing.T) {
	for id, records := range map[string][]evidence.Record{
		"xmlrpc-login-flood": doors(0, 40, addresses(3, 130), 3),
		"wp-login-flood":     doors(30, 0, nil, 3),
	} {
		v := verdict(records)
		if f := first(v); f.Rule != id || len(v.Causes) != 1 {
			t.Errorf("%s: got %s, causes %+v", id, v.Status, v.Causes)
		}
	}
	// One of many sends nearly all of it.
	v := verdict(doors(0, 40, map[string]int64{"203.0.113.1": 350}, 60))
	if f := first(v); f.Rule != "xmlrpc-login-flood" || f.About.Client != "203.0.113.1" {
		t.Errorf("one of many: got %s, causes %+v", v.Status, v.Causes)
	}
}

func TestLoginFloodByManyStaysSilent(t *testing.T) {
	manyAlways := func(rate int64) []evidence.Record {
		return scene(160, func(i int, s *second) {
			s.xmlrpc = rate
			if i >= 60 {
				hog(s)
				s.xmlrpc = rate
			}
			if i%10 == 9 {
				s.extra = append(s.extra, evidence.PathUse{OverMs: 10_000, Class: evidence.ClassXMLRPC, Pattern: "/xmlrpc.php", Requests: 10 * rate, Clients: 10 * rate, TookMs: -1})
			}
		})
	}
	for name, records := range map[string][]evidence.Record{
		"a steady attack by hundreds, and a job starves the site": manyAlways(4),
		"members log in at noon, and the machine has room": scene(160, func(i int, s *second) {
			if i >= 60 {
				s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: evidence.ClassLogin, Requests: 9, TookMs: 9 * 200, Clients: 9})
				s.pageMs = 1500
			}
		}),
		"the attack is a tenth of the work": scene(160, func(i int, s *second) {
			if i >= 60 {
				spent(s)
				s.pages, s.xmlrpc = 36, 4
			}
		}),
	} {
		v := verdict(records)
		for _, id := range []string{"login-flood-by-many", "xmlrpc-login-flood", "wp-login-flood"} {
			if accuses(v, id) {
				t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
			}
		}
	}
}
