package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// runsInLog is the same where the workers do not tell: under mod_php a run's
// request lasts as long as the run.
func runsInLog() []evidence.Record {
	records := stacking(nothingElse)
	alter(records, func(_ int, p *evidence.WorkerPool) { p.Detached = 0 })
	return alter(records, func(_ int, f *evidence.Traffic) {
		if f.Class == evidence.ClassCron {
			f.TookMs, f.MaxMs = 60_000, 60_000
		}
	})
}

func TestCronStacking(t *testing.T) {
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
		hook    string
	}{
		"workers that nobody waits for":   {stacking(nothingElse), diagnose.Proven, "sync_stock"},
		"without durations in the log":    {untimed(stacking(nothingElse)), diagnose.Proven, "sync_stock"},
		"runs that the log tells":         {runsInLog(), diagnose.Likely, "sync_stock"},
		"two plugins' events come often":  {stacking(alsoOften), diagnose.Proven, ""},
		"and the slow log tells which is": {stacking(func(i int, s *second) { alsoOften(i, s); traced("fpm-slow-trace", "plugins/stock-sync/run.php")(i, s) }), diagnose.Proven, "sync_stock"},
	} {
		v, causes := rulesSay(c.records)
		if v.Status != c.status || len(causes) != 1 || causes[0] != "cron-stacking" {
			t.Errorf("%s: got %s, %v; want %s cron-stacking alone", name, v.Status, causes, c.status)
			continue
		}
		if f := v.Causes[0]; f.Origin.Hook != c.hook || f.Share.WorkerTime < 0.5 {
			t.Errorf("%s: got %+v, share %+v", name, f.Origin, f.Share)
		}
	}
}

func alsoOften(i int, s *second) {
	if i == 0 {
		s.extra = append(s.extra, evidence.CronEvent{Site: "shop", Hook: "send_mails", NextUnixS: t0.Unix() + 120, Schedule: "often", IntervalS: 120, Owner: "mailer", How: "source"})
	}
}

func TestAPageThatAsksTheSiteItself(t *testing.T) {
	v, causes := rulesSay(waiting("127.0.0.1:80", evidence.OutboundOpen, nothingElse))
	if len(causes) != 1 || causes[0] != "cron-stacking" || v.Causes[0].Claim.ID != "link-self-requests" {
		t.Errorf("got %s, %v", v.Status, causes)
	}
}

func TestCronStackingStaysSilent(t *testing.T) {
	detached := func(n int, records []evidence.Record) []evidence.Record {
		return alter(records, func(_ int, p *evidence.WorkerPool) { p.Detached = min(p.Detached, n) })
	}
	for name, records := range map[string][]evidence.Record{
		"one run at a time":                                    detached(1, stacking(nothingElse)),
		"two of ten workers":                                   detached(2, stacking(nothingElse)),
		"nobody asked for the runs":                            alter(stacking(nothingElse), func(_ int, f *evidence.Traffic) { f.Requests = requestsBut(evidence.ClassCron, f) }),
		"it ran, and nobody suffered":                          alter(stackingHarmless(), func(int, *evidence.WorkerPool) {}),
		"case 0: one run of the purge":                         alter(caseZero(purgeFacts()...), func(i int, p *evidence.WorkerPool) { p.Detached = min(i/40, 1) }),
		"locked out, with the schedule asked for now and then": lockedOut(true, false),
		"a silent server":                                      waiting(silent, evidence.OutboundConnecting, nothingElse),
	} {
		if v := verdict(records); accuses(v, "cron-stacking") {
			t.Errorf("%s: got %+v", name, v.Causes)
		}
	}
}

func requestsBut(class string, f *evidence.Traffic) int64 {
	if f.Class == class {
		return 0
	}
	return f.Requests
}

// stackingHarmless is a stack of runs beside which visitors are served all the same.
func stackingHarmless() []evidence.Record {
	return alter(scene(160, func(i int, s *second) {
		if i >= 40 && i%6 == 0 {
			s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: evidence.ClassCron, Requests: 1, S2xx: 1, TookMs: 30, MaxMs: 30, Clients: 1, Self: 1})
		}
	}), func(i int, p *evidence.WorkerPool) {
		if i >= 40 {
			p.Detached, p.Busy = 5, 6
		}
	})
}

func TestARunOfTheScheduleThatIsNoBurdenIsCleared(t *testing.T) {
	records := alter(lockedOut(true, false), func(i int, p *evidence.WorkerPool) {})
	for i, r := range records {
		if f, ok := r.Fact.(evidence.Traffic); ok && f.Class == evidence.ClassXMLRPC {
			f.Class, f.Self = evidence.ClassCron, f.Requests
			records[i].Fact = f
		}
	}
	if v := verdict(records); !rejects(v, "cron-stacking") {
		t.Errorf("got %+v", v.Rejected)
	}
}
