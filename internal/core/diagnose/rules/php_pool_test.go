package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func fpmSaysFull(i int, s *second) {
	if i == 62 {
		s.extra = append(s.extra, evidence.ErrorLine{Service: evidence.ServicePHP, ID: "fpm-max-children", Count: 1, Message: "[pool www] server reached pm.max_children setting (4), consider raising it"})
	}
}

func TestPHPPoolTooSmall(t *testing.T) {
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
	}{
		"its own log says it too": {smallPool(fpmSaysFull), diagnose.Proven},
		"no line in its log":      {smallPool(nothingElse), diagnose.Likely},
		"without durations":       {untimed(smallPool(fpmSaysFull)), diagnose.Proven},
	} {
		v, causes := rulesSay(c.records)
		if v.Status != c.status || len(causes) != 1 || causes[0] != "php-pool-too-small" {
			t.Errorf("%s: got %s, %v; want %s php-pool-too-small alone", name, v.Status, causes, c.status)
			continue
		}
		if f := v.Causes[0]; f.About.Process != "www" || f.Share.WorkerTime < 0.9 {
			t.Errorf("%s: got %+v, share %+v", name, f.About, f.Share)
		}
	}
}

func TestPHPPoolTooSmallStaysSilent(t *testing.T) {
	full := func(change func(s *second)) []evidence.Record {
		return smallPool(func(i int, s *second) {
			fpmSaysFull(i, s)
			if i >= 60 && i < 130 {
				change(s)
			}
		})
	}
	for name, records := range map[string][]evidence.Record{
		"each request got slower, and fewer are completed": full(func(s *second) { s.pages = 3 }),
		"as many as ever, each a little slower":            full(func(s *second) { s.pages = 4 }),
		"more are completed, but each takes three times as long": poolOf(16, smallPool(func(i int, s *second) {
			if i >= 60 && i < 130 {
				s.workers = 16
			}
		})),
		"the CPU is used up":             full(func(s *second) { s.busy, s.php = 1.9, 1.7 }),
		"the CPU is capped":              full(func(s *second) { s.busy, s.throttled = 0.2, 1.5 }),
		"no request waits":               full(func(s *second) { s.queue = 0 }),
		"one client asks for most of it": full(func(s *second) { s.extra = append(s.extra, asked("203.0.113.9", 9)) }),
		"the workers wait for the network": full(func(s *second) {
			s.pages = 2
			s.extra = append(s.extra, calls(silent, evidence.OutboundConnecting, 4, 9e9))
		}),
		"they wait for the database": full(func(s *second) {
			for n := range 4 {
				s.extra = append(s.extra, evidence.Statement{ConnID: uint64(40 + n), QueryID: 1, Command: "Query", RunningMs: 800, Digest: "SELECT ?", Verb: "SELECT", Table: "posts", RowsRead: -1})
			}
		}),
		"the memory is full": alter(full(func(*second) {}), func(_ int, h *evidence.Host) { h.MemAvailKB = 50 << 10 }),
		"locked out":         lockedOut(true, false),
		"case 0":             caseZero(purgeFacts()...),
	} {
		if v := verdict(records); accuses(v, "php-pool-too-small") {
			t.Errorf("%s: got %+v", name, v.Causes)
		}
	}
}

func TestMoreWorkersAreNoHelpWhereTheCPUIsScarce(t *testing.T) {
	v := verdict(caseZero(purgeFacts()...))
	if !rejects(v, "php-pool-too-small") {
		t.Errorf("got %+v; want the pool cleared: it is full for want of CPU", v.Rejected)
	}
}

func TestPHPPoolTooLarge(t *testing.T) {
	for name, records := range map[string][]evidence.Record{
		"the machine's memory": outOfMemory(nothingElse),
		"a container's memory": inAGroup(outOfMemory(nothingElse)),
	} {
		v, causes := rulesSay(records)
		if v.Status != diagnose.Proven || len(causes) != 1 || causes[0] != "php-pool-too-large" {
			t.Errorf("%s: got %s, %v; want php-pool-too-large alone: the database is its victim", name, v.Status, causes)
			continue
		}
		if links := chains(v); !links["oom-kill"] || !links["service-down"] {
			t.Errorf("%s: got chain %v", name, links)
		}
		if rejects(v, "memory") {
			t.Errorf("%s: memory is cleared", name)
		}
	}
}

func TestPHPPoolTooLargeStaysSilent(t *testing.T) {
	for name, records := range map[string][]evidence.Record{
		"somebody stopped the database": alter(without[evidence.ErrorLine](outOfMemory(nothingElse)), func(_ int, h *evidence.Host) { h.OOMKills = 0 }),
		"a backup took the memory": outOfMemory(func(i int, s *second) {
			if i >= 50 && i < 82 {
				s.extra = append(s.extra, evidence.ProcessUse{OverMs: 1000, PID: 999, Name: "mysqldump", RSSKB: 900 << 10, State: "R"})
			}
		}),
		"the database itself grew": alter(outOfMemory(nothingElse), func(i int, u *evidence.ServiceUse) {
			if u.Service == evidence.ServiceDatabase && i >= 50 && i < 80 {
				u.RSSKB = 700 << 10
			}
		}),
		"PHP holds what it always holds": alter(outOfMemory(nothingElse), func(_ int, u *evidence.ServiceUse) {
			if u.Service == evidence.ServicePHP {
				u.RSSKB = 500 << 10
			}
		}),
		"PHP is small": alter(outOfMemory(nothingElse), func(_ int, u *evidence.ServiceUse) {
			if u.Service == evidence.ServicePHP {
				u.RSSKB /= 4
			}
		}),
		"another group was killed": alter(alter(outOfMemory(nothingElse), func(_ int, h *evidence.Host) { h.OOMKills = 0 }),
			func(_ int, l *evidence.ErrorLine) { l.ID = "kernel-oom-cgroup" }),
	} {
		if v := verdict(records); accuses(v, "php-pool-too-large") {
			t.Errorf("%s: got %+v", name, v.Causes)
		}
	}
}

// A machine that would hold all of its workers is not accused for sure.
func TestAPoolThatWouldFitIsOnlyLikely(t *testing.T) {
	if v := verdict(poolOf(12, outOfMemory(nothingElse))); v.Status == diagnose.Proven && accuses(v, "php-pool-too-large") {
		t.Errorf("got %s, %+v", v.Status, v.Causes)
	}
}
