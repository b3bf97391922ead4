package rules

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestSlowOutboundCall(t *testing.T) {
	weather := traced("fpm-slow-outbound", "plugins/weather/inc/fetch.php")
	for _, c := range []struct {
		name    string
		records []evidence.Record
		status  diagnose.Status
		plugin  string
	}{
		{"nobody answers, and the slow log names the plugin", waiting(silent, evidence.OutboundConnecting, weather), diagnose.Proven, "weather"},
		{"nobody answers, no slow log", waiting(silent, evidence.OutboundConnecting, nothingElse), diagnose.Proven, ""},
		{"it takes the connection and then is silent", waiting(silent, evidence.OutboundOpen, weather), diagnose.Proven, "weather"},
		{"without durations in the log", untimed(waiting(silent, evidence.OutboundConnecting, weather)), diagnose.Proven, "weather"},
		{"a name server that is silent", waiting("192.0.2.53:53", evidence.OutboundOpen, nothingElse), diagnose.Likely, ""},
		{"a must-use plugin", waiting(silent, evidence.OutboundConnecting, traced("php-outbound", "mu-plugins/badge.php")), diagnose.Proven, "badge"},
	} {
		v, causes := rulesSay(c.records)
		if v.Status != c.status || len(causes) != 1 || causes[0] != "slow-outbound-call" {
			t.Errorf("%s: got %s, %v; want %s slow-outbound-call alone", c.name, v.Status, causes, c.status)
			continue
		}
		f := v.Causes[0]
		if f.About.Remote == "" || f.Share.WorkerTime < 0.9 || f.Origin.Plugin != c.plugin {
			t.Errorf("%s: got %+v of %+v, share %+v", c.name, f.About, f.Origin, f.Share)
		}
		names := c.name == "a name server that is silent"
		if slices.Contains(f.Remedies, "name-server") != names || slices.Contains(f.Remedies, "outbound-timeout") == names {
			t.Errorf("%s: remedies %v", c.name, f.Remedies)
		}
		if links := chains(v); !links["workers-full"] || !links["visitors-wait"] {
			t.Errorf("%s: got chain %v", c.name, links)
		}
		if !rejects(v, "request-flood") {
			t.Errorf("%s: the flood is not cleared: %+v", c.name, v.Rejected)
		}
		if (c.plugin == "") != says(f.Missing, "missing-slow-log") {
			t.Errorf("%s: missing %v", c.name, f.Missing)
		}
	}
}

func says(list []diagnose.Sentence, id string) bool {
	for _, s := range list {
		if s.ID == id {
			return true
		}
	}
	return false
}

// Others that make the workers wait at an idle CPU, and calls that are harmless.
func TestSlowOutboundCallStaysSilent(t *testing.T) {
	looks := func(n int, oldest time.Duration) func(i int, s *second) {
		return func(i int, s *second) {
			if i >= 60 && i < 130 && i%3 == 0 {
				s.extra = append(s.extra, calls(silent, evidence.OutboundOpen, n, oldest))
			}
		}
	}
	for name, records := range map[string][]evidence.Record{
		"two of ten call, the rest waits for a lock": join(lockedOut(true, false), scene(150, func(i int, s *second) {
			if i >= 50 && i < 100 && i%3 == 0 {
				s.extra = append(s.extra, calls(silent, evidence.OutboundOpen, 2, 5*time.Second))
			}
		})),
		"all of them wait for locks, with a connection to elsewhere open": join(lockedOut(true, false), scene(150, func(i int, s *second) {
			if i >= 50 && i < 100 && i%3 == 0 {
				s.extra = append(s.extra, calls(silent, evidence.OutboundOpen, 10, 5*time.Second))
			}
		})),
		"their own database on another host": waiting("10.0.0.7:3306", evidence.OutboundOpen, nothingElse),
		"their own cache":                    waiting("10.0.0.8:6379", evidence.OutboundOpen, nothingElse),
		"it answers quickly":                 scene(150, func(i int, s *second) { twiceAsMany(i, s); looks(8, 300*time.Millisecond)(i, s) }),
		"the CPU is used up, and some call": scene(150, func(i int, s *second) {
			if i >= 60 && i < 130 {
				hog(s)
			}
			looks(3, 6*time.Second)(i, s)
		}),
		"it is over before anybody suffers": scene(300, func(i int, s *second) {
			if i >= 20 && i < 30 && i%3 == 0 {
				s.extra = append(s.extra, calls(silent, evidence.OutboundConnecting, 10, 4*time.Second))
			}
			if i >= 200 && i < 260 {
				stand(s)
			}
		}),
		"one look only": scene(150, func(i int, s *second) {
			if i >= 60 && i < 130 {
				stand(s)
			}
			if i == 90 {
				s.extra = append(s.extra, calls(silent, evidence.OutboundOpen, 10, 3*time.Second))
			}
		}),
		"nobody suffers": scene(150, func(i int, s *second) {
			if i >= 60 && i < 130 && i%3 == 0 {
				s.extra = append(s.extra, calls(silent, evidence.OutboundConnecting, 1, 9*time.Second))
			}
		}),
	} {
		if v := verdict(records); accuses(v, "slow-outbound-call") {
			t.Errorf("%s: got %+v", name, v.Causes)
		}
	}
}

// twiceAsMany is demand that a full pool of ten answers slowly.
func twiceAsMany(i int, s *second) {
	if i >= 60 && i < 130 {
		s.pageMs, s.workers, s.queue, s.pages, s.busy = 3000, 10, 20, 12, 0.5
	}
}

// join adds the records of one kind of a second scene to a first.
func join(a, b []evidence.Record) []evidence.Record {
	for _, r := range b {
		if _, ok := r.Fact.(evidence.Outbound); ok {
			a = append(a, r)
		}
	}
	return a
}

func TestWaitingForNobodyOutsideIsCleared(t *testing.T) {
	v := verdict(scene(150, func(i int, s *second) {
		if i >= 60 && i < 130 {
			stand(s)
			if i%3 == 0 {
				s.extra = append(s.extra, calls("", evidence.OutboundNone, 0, 0))
			}
		}
	}))
	if !rejects(v, "slow-outbound-call") {
		t.Errorf("got %+v", v.Rejected)
	}
}
