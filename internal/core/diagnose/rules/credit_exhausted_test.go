package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestCreditExhausted(t *testing.T) {
	for name, c := range map[string]struct {
		records []evidence.Record
		most    diagnose.Status
	}{
		"a limit that came":          {group(limitFrom(90, 0.2), evenly(nothingElse)), diagnose.Likely},
		"a limit that was lowered":   {group(func(i int) float64 { return map[bool]float64{true: 2, false: 0.2}[i < 90] }, evenly(nothingElse)), diagnose.Likely},
		"seen by the host's steal":   {stolen(evenly(nothingElse)), diagnose.Likely},
		"durations are not logged":   {untimed(group(limitFrom(90, 0.2), evenly(nothingElse))), diagnose.Likely},
		"a steady attack is part":    {group(limitFrom(90, 0.2), evenly(func(_ int, s *second) { s.xmlrpc = 2 })), diagnose.Likely},
		"the quota of another group": {append(group(limitFrom(90, 0.2), evenly(nothingElse)), evidence.Record{At: t0.Add(5e9), Source: "cgroup", Fact: evidence.Cgroup{OverMs: 1000, Path: "/other", QuotaCPUs: 0.1}}), diagnose.Likely},
	} {
		v := verdict(c.records)
		f := first(v)
		if f.Rule != "credit-exhausted" || len(v.Causes) != 1 || v.Status != c.most || f.Share.CPU < 0.5 {
			t.Errorf("%s: got %s (%.2f), causes %+v", name, v.Status, f.Confidence, v.Causes)
		}
		if l, ok := linkOf(v, "cpu-capped"); !ok || l.Say.ID != "link-credit-capped" {
			t.Errorf("%s: got chain %+v", name, v.Chain)
		}
	}
}

// What can be shown to have spent the credit, or held the CPU back, is the cause.
func TestCreditExhaustedStaysSilent(t *testing.T) {
	rising := func(i int, s *second) {
		if i >= 60 && i < 90 {
			s.busy, s.php, s.pages = 1.2, 1.1, 30
		}
	}
	for name, records := range map[string][]evidence.Record{
		"the limit was there all along": group(func(int) float64 { return 0.2 }, evenly(nothingElse)),
		"a purge spends it":             caseZero(purgeFacts()...),
		"a purge that nobody saw":       caseZero(),
		"a purge, on a real machine":    caseZeroStolen(),
		"the use rose before":           group(limitFrom(90, 0.2), evenly(rising)),
		"searches rise":                 group(limitFrom(90, 0.2), evenly(func(i int, s *second) { s.searches = map[bool]int64{true: 25, false: 0}[i > 84 && i < 92] })),
		"less was used than is given": group(limitFrom(90, 0.2), evenly(func(i int, s *second) {
			if i < 90 {
				s.busy, s.php, s.db = 0.2, 0.15, 0.02
			}
		})),
		"a job of the host spends it": group(limitFrom(90, 0.2), evenly(func(i int, s *second) {
			if i > 30 {
				s.extra = append(s.extra, evidence.ProcessUse{OverMs: 1000, PID: 9, Name: "gzip", Parent: "sh", Line: "cron/cron/sh", CPUMs: 900, AgeS: int64(i - 30)})
				s.busy += 0.9
			}
		})),
		"somebody looks when it is spent": scene(60, func(i int, s *second) { starve(s, 0.03); s.pages = 5 }),
		"as much is served as before": group(limitFrom(90, 0.2), evenly(func(i int, s *second) {
			if i >= 90 {
				s.pages = 12
			}
		})),
	} {
		if v := verdict(records); accuses(v, "credit-exhausted") {
			t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
		}
	}
}

func TestNoisyNeighbour(t *testing.T) {
	v := verdict(neighbour(nothingElse))
	if f := first(v); f.Rule != "noisy-neighbour" || len(v.Causes) != 1 || v.Status != diagnose.Likely {
		t.Errorf("got %s, causes %+v", v.Status, v.Causes)
	}
	for name, records := range map[string][]evidence.Record{
		"spent credit":            stolen(evenly(nothingElse)),
		"a purge spent it":        caseZeroStolen(),
		"a flood":                 stolen(flooded(evidence.ClassSearch)),
		"steal that hurts nobody": scene(160, func(_ int, s *second) { s.steal = 0.4 }),
		"a quota":                 quota(nothingElse),
		"a trace of steal": scene(160, func(i int, s *second) {
			s.steal = 0.05
			if i >= 60 {
				stand(s)
			}
		}),
	} {
		if v := verdict(records); accuses(v, "noisy-neighbour") {
			t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
		}
	}
}

func TestCPUQuota(t *testing.T) {
	for name, records := range map[string][]evidence.Record{"more visitors": quota(nothingElse), "durations are not logged": untimed(quota(nothingElse))} {
		v := verdict(records)
		if f := first(v); f.Rule != "cpu-quota" || len(v.Causes) != 1 || v.Status != diagnose.Proven || f.Share.CPU < 0.5 {
			t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
		}
	}
	for name, records := range map[string][]evidence.Record{
		"credit that is spent": group(limitFrom(90, 0.2), evenly(nothingElse)),
		"the machine itself is spent": quota(func(i int, s *second) {
			if i >= 60 {
				s.busy = 1.95
			}
		}),
		"as many visitors as before, and each costs more": quota(func(i int, s *second) {
			if i >= 60 {
				s.pages, s.queue = 4, 6
			}
		}),
		"a flood": group(func(int) float64 { return 0.4 }, doors(0, 40, addresses(3, 130), 3)),
		"no limit at all": scene(160, func(i int, s *second) {
			if i >= 60 {
				spent(s)
			}
		}),
	} {
		if v := verdict(records); accuses(v, "cpu-quota") {
			t.Errorf("%s: got %s, causes %+v", name, v.Status, v.Causes)
		}
	}
}
