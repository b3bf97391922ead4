package rules

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func linkOf(v diagnose.Verdict, id string) (diagnose.Link, bool) {
	i := slices.IndexFunc(v.Chain, func(l diagnose.Link) bool { return l.ID == id })
	if i < 0 {
		return diagnose.Link{}, false
	}
	return v.Chain[i], true
}

// A burstable machine: its credit spent, the hypervisor withholds what a quota does elsewhere.
func caseZeroStolen() []evidence.Record { return stolen(caseZero(purgeFacts()...)) }

func TestPurgeIsProvenWhereTheHypervisorCaps(t *testing.T) {
	v := verdict(caseZeroStolen())
	if v.Status != diagnose.Proven || len(v.Causes) != 1 || v.Causes[0].Rule != "purge-without-index" {
		t.Fatalf("got %s, causes %+v; want the purge alone, proven", v.Status, v.Causes)
	}
	l, ok := linkOf(v, "cpu-capped")
	if began := l.Span.From.Sub(t0); !ok || l.Say.ID != "link-cpu-stolen" || began < 45*time.Second {
		t.Errorf("got link %+v from %v; want cpu-capped by steal from 45 s on", l, began)
	}
	if rejects(v, "noisy-neighbour") {
		t.Errorf("85 %% of the CPU stolen: got the neighbours cleared: %+v", v.Rejected)
	}
}

// A small cap bites all day; what counts is the hard one, after the purge began.
func cappedBefore() []evidence.Record {
	return caseZeroWith(func(i int, s *second) {
		if i < 46 {
			s.throttled = 0.3
		}
	})
}

func TestCapOfBeforeIsNoStep(t *testing.T) {
	l, ok := linkOf(verdict(cappedBefore()), "cpu-capped")
	if began := l.Span.From.Sub(t0); !ok || began < 45*time.Second {
		t.Errorf("got capped %t from %v; want from 45 s on, when the credit was spent", ok, began)
	}
}

// A broken form answers with an error every five seconds, on any day.
func errorsAllAlong() []evidence.Record {
	return caseZeroWith(func(i int, s *second) {
		form := evidence.Traffic{OverMs: 1000, Class: evidence.ClassAjax, Requests: 1, TookMs: 5}
		if i%5 == 0 {
			form.S5xx = 1
		}
		s.extra = append(s.extra, form)
	})
}

func TestErrorsOfBeforeAreNoEffect(t *testing.T) {
	v := verdict(errorsAllAlong())
	if l, ok := linkOf(v, "errors"); ok || len(v.Chain) == 0 {
		t.Errorf("got chain %+v with %+v; want a chain without errors", v.Chain, l)
	}
}

// The DELETE compares DATE(noted): an index on noted would not be used.
func wrappedColumn() []evidence.Record {
	filter := ledgerFilter
	filter.Range, filter.Wrapped = nil, []string{"noted"}
	return caseZero(ledgerTable(), filter, ledgerPlan("ALL"))
}

func TestNoIndexIsAdvisedForAWrappedColumn(t *testing.T) {
	v := verdict(wrappedColumn())
	if !accuses(v, "purge-without-index") || len(v.Remedies) == 0 || slices.Contains(v.Remedies, "add-index") {
		t.Errorf("got %s, causes %+v, remedies %v; want the purge, no index advised", v.Status, v.Causes, v.Remedies)
	}
}

// MySQL tells neither the number of a statement nor what it read, and under
// READ COMMITTED it keeps locks on the few old rows only.
func mysqlTellsLess() []evidence.Record {
	records := alter(caseZero(purgeFacts()...), func(_ int, s *evidence.Statement) { s.QueryID, s.RowsRead = 0, -1 })
	return alter(records, func(_ int, x *evidence.Transaction) { x.RowsLocked, x.RowsModified = 4000, 3900 })
}

func TestPurgeIsFoundWhereTheServerTellsLess(t *testing.T) {
	if v := verdict(mysqlTellsLess()); !accuses(v, "purge-without-index") {
		t.Errorf("got %s, causes %+v", v.Status, v.Causes)
	}
}

// The option that holds the schedule is outside text: its interval can be anything.
func absurdInterval(seconds int64) []evidence.Record {
	return caseZero(append(purgeFacts(),
		evidence.HookTable{Site: "shop", Hook: "tidy", Table: ledger, Plugin: "visit-ledger", File: "tidy.php"},
		evidence.CronEvent{Site: "shop", Hook: "tidy", NextUnixS: t0.Unix() + 40, Schedule: "x", IntervalS: seconds, Owner: "visit-ledger"})...)
}

func TestAbsurdIntervalForetellsNothing(t *testing.T) {
	for _, seconds := range []int64{1 << 55, 9223372037, -86400} {
		v := verdict(absurdInterval(seconds))
		if v.Status != diagnose.Proven || v.Recurrence != nil || v.Causes[0].Origin.Hook != "" {
			t.Errorf("every %d s: got %s, causes %+v, recurrence %+v; want the purge, of no schedule", seconds, v.Status, v.Causes, v.Recurrence)
		}
	}
}

// Somebody else on the host takes the CPU while a lock keeps the site waiting: that
// is no effect of the lock. What the site itself takes since then is.
func TestOthersCPUIsNoStepOfALock(t *testing.T) {
	busy := func(site float64) diagnose.Verdict {
		return verdict(backupLock().records(func(i int, s *second) {
			if i >= 60 && i < 120 {
				s.busy, s.php = 1.95, site
			}
		}))
	}
	for name, c := range map[string]struct {
		v    diagnose.Verdict
		want bool
	}{"others take it": {busy(0.1), false}, "the site takes it": {busy(1.7), true}} {
		if _, ok := linkOf(c.v, "cpu-saturated"); ok != c.want || !accuses(c.v, "table-locked") {
			t.Errorf("%s: got %s, chain %+v; want the step: %v", name, c.v.Status, c.v.Chain, c.want)
		}
	}
}
