package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestAutoloadBloat(t *testing.T) {
	small, large := kept(80_000, 40), kept(9<<20, 40, traceLog)
	crowdedCron := kept(4<<20, 20_000, evidence.OptionBytes{Name: "cron", Bytes: 3_800_000, Owner: "core"})
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
		claim   string
	}{
		"it grew, the database shows it":   {loaded(small, large, readsOptions), diagnose.Proven, "autoload-bloat"},
		"without durations":                {untimed(loaded(small, large, readsOptions)), diagnose.Proven, "autoload-bloat"},
		"it grew, PHP shows it":            {loaded(small, large, nothingMore), diagnose.Likely, "autoload-bloat"},
		"the schedule grew":                {loaded(small, kept(1<<20, 20_000), nothingMore), diagnose.Likely, "link-cron-crowded"},
		"the schedule grew, autoloaded":    {loaded(small, crowdedCron, readsOptions), diagnose.Proven, "link-cron-crowded"},
		"one is written again and again":   {rewriting(), diagnose.Likely, "link-options-rewritten"},
		"nobody watched it grow, and more": {loaded(large, large, readsOptions), diagnose.Likely, "autoload-bloat"},
	} {
		v := verdict(c.records)
		if v.Status != c.status || len(v.Causes) != 1 || v.Causes[0].Rule != "autoload-bloat" || v.Causes[0].Claim.ID != c.claim {
			t.Errorf("%s: got %s, %+v; want %s %s alone", name, v.Status, v.Causes, c.status, c.claim)
			continue
		}
		if f := v.Causes[0]; f.About.Table != "shop_options" || c.claim == "autoload-bloat" && f.Origin.Plugin != "trace-all" {
			t.Errorf("%s: got %+v, %+v", name, f.About, f.Origin)
		}
	}
}

func TestAutoloadBloatStaysSilent(t *testing.T) {
	harmless, large := kept(500_000, 60, evidence.OptionBytes{Name: "layout", Bytes: 400_000}), kept(9<<20, 40, traceLog)
	as := func(i int, s *second) { // as much CPU by request as ever
		readsOptions(i, s)
		s.db, s.php = 0.02, 0.10
	}
	for name, records := range map[string][]evidence.Record{
		"500 KB, and another job has the CPU": loaded(harmless, harmless, func(i int, s *second) { hog(s); readsOptions(i, s) }),
		"9 MB, and another job has the CPU":   loaded(large, large, func(i int, s *second) { hog(s); s.pages = 4; readsOptions(i, s) }),
		"9 MB, as ever, on a slow machine":    loaded(large, large, as),
		"9 MB, and a flood of pages": loaded(large, large, func(i int, s *second) {
			readsOptions(i, s)
			s.pages = 40
		}),
		"9 MB, and visitors' queries read a table": loaded(large, large, func(i int, s *second) {
			crowd(i, 9, guestQuery, "SELECT", guests, s)
		}),
		"a purge came first": loaded(kept(80_000, 40), large, func(i int, s *second) { purgeSeconds(i, 40, 140, s); readsOptions(i, s) }),
		"they wait for a lock": loaded(kept(80_000, 40), large, func(i int, s *second) {
			for k := range 8 {
				s.extra = append(s.extra, evidence.LockWait{Lock: evidence.LockTable, Waiter: uint64(200 + (i/3*8+k)%60), Blocker: 5, WaitMs: 3000, Schema: "shop", Table: "shop_options", BlockerSleeps: true})
			}
			readsOptions(i, s)
		}),
	} {
		if v := verdict(records); accuses(v, "autoload-bloat") {
			t.Errorf("%s: got %s, %+v; want no autoload-bloat", name, v.Status, v.Causes)
		}
	}
}

func TestHarmlessOptionsAreCleared(t *testing.T) {
	harmless := kept(500_000, 60)
	v := verdict(loaded(harmless, harmless, func(i int, s *second) { crowd(i, 9, guestQuery, "SELECT", guests, s) }))
	if !rejects(v, "autoload-bloat") {
		t.Errorf("got %+v; want autoload-bloat among those cleared", v.Rejected)
	}
}

func TestCrowdedScheduleNamesItsHook(t *testing.T) {
	records := loaded(kept(80_000, 40), kept(1<<20, 20_000), func(i int, s *second) {
		for n := range 40 {
			s.extra = append(s.extra, evidence.CronEvent{Site: "shop", Hook: "later_send", NextUnixS: t0.Unix() + int64(90_000+n), Owner: "mail-later"})
		}
		s.extra = append(s.extra, evidence.CronEvent{Site: "shop", Hook: "tidy", Schedule: "daily", IntervalS: 86400, NextUnixS: t0.Unix() + 50_000, Owner: "core"})
	})
	v := verdict(records)
	if len(v.Causes) != 1 || v.Causes[0].Origin.Hook != "later_send" || v.Causes[0].Origin.Plugin != "mail-later" {
		t.Errorf("got %+v; want the hook later_send of mail-later", v.Causes)
	}
}
