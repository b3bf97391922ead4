package rules

import (
	"fmt"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// hammered is a site whose pages come 30 times a second from the second minute
// on; by says how many of them which client sends in each second.
func hammered(by func(i int) map[string]int64) []evidence.Record {
	return scene(160, func(i int, s *second) {
		s.clients = map[string]map[string]int64{evidence.ClassPage: by(i)}
		if i < 60 {
			return
		}
		s.busy, s.php = 1.98, 1.7
		s.pageMs, s.failed, s.workers, s.queue, s.pages = 8000, i%2 == 0, 10, 20, 30
	})
}

// hammeredByOne is the flood that the rule is for.
func hammeredByOne() []evidence.Record {
	return hammered(func(i int) map[string]int64 {
		if i < 60 {
			return map[string]int64{fmt.Sprintf("198.51.100.%d", i%50): 1}
		}
		return map[string]int64{"203.0.113.7": 26, fmt.Sprintf("198.51.100.%d", i%50): 1}
	})
}

func TestRequestFlood(t *testing.T) {
	v := verdict(hammeredByOne())
	if len(v.Causes) == 0 || v.Causes[0].Rule != "request-flood" || v.Causes[0].About.Client != "203.0.113.7" || v.Status != diagnose.Proven {
		t.Fatalf("got %s, causes %+v; want request-flood by 203.0.113.7", v.Status, v.Causes)
	}
	if v = verdict(untimed(hammeredByOne())); len(v.Causes) == 0 || v.Causes[0].Rule != "request-flood" {
		t.Errorf("without durations: got %s, causes %+v", v.Status, v.Causes)
	}
}

func TestRequestFloodStaysSilent(t *testing.T) {
	for name, records := range map[string][]evidence.Record{
		"a proxy sends all visitors from one address": hammered(func(i int) map[string]int64 {
			if i < 60 {
				return map[string]int64{"192.0.2.1": 5}
			}
			return map[string]int64{"192.0.2.1": 12}
		}),
		"a crowd: many addresses, each a little": hammered(func(i int) map[string]int64 {
			return map[string]int64{fmt.Sprintf("198.51.100.%d", i%250): 2, fmt.Sprintf("198.51.101.%d", i%249): 2}
		}),
		"the busiest is there always, and a job of the host takes the CPU": steadyAttack(160, 60),
		"a purge is to blame": caseZeroWith(func(int, *second) {}),
	} {
		if v := verdict(records); accuses(v, "request-flood") {
			t.Errorf("%s: got %s with causes %+v; want no accusation", name, v.Status, v.Causes)
		}
	}
}
