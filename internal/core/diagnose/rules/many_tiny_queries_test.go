package rules

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestManyTinyQueries(t *testing.T) {
	counts := evidence.DigestUse{OverMs: 60_000, Schema: "shop", Digest: traitQuery, Count: 240_000, TimeMs: 24_000}
	byServer := func(i int, s *second) {
		if i == 125 {
			s.extra = append(s.extra, counts)
		}
	}
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
		plugin  string
	}{
		"seen in the samples":    {looped(tiny(4), traitFacts...), diagnose.Proven, "trait-list"},
		"without durations":      {untimed(looped(tiny(4), traitFacts...)), diagnose.Proven, "trait-list"},
		"whole seconds":          {mysqlSeconds(looped(tiny(4), traitFacts...)), diagnose.Proven, "trait-list"},
		"counted by the server":  {looped(func(i int, s *second) { tiny(1)(i, s); byServer(i, s) }, traitFacts...), diagnose.Proven, "trait-list"},
		"nothing of it was seen": {looped(nothingMore), diagnose.Likely, ""},
		"no plan, no owner":      {looped(tiny(4)), diagnose.Likely, ""},
		"the CPU is capped": {looped(func(i int, s *second) {
			tiny(4)(i, s)
			if i >= 70 {
				s.busy, s.db, s.php, s.throttled = 0.2, 0.1, 0.09, 1.7
				s.pages = 1
			}
		}, traitFacts...), diagnose.Proven, "trait-list"},
	} {
		v := verdict(c.records)
		if v.Status != c.status || len(v.Causes) != 1 || v.Causes[0].Rule != "many-tiny-queries" {
			t.Errorf("%s: got %s, %v; want %s many-tiny-queries alone", name, v.Status, v.Causes, c.status)
			continue
		}
		if f := v.Causes[0]; f.Origin.Plugin != c.plugin || c.plugin != "" && f.About.Table != "shop_traits" {
			t.Errorf("%s: got %+v, %+v", name, f.About, f.Origin)
		}
	}
}

func TestManyTinyQueriesStaysSilent(t *testing.T) {
	// A flood of pages: each takes as many statements as ever.
	flood := counted(scene(160, func(i int, s *second) {
		if pressed(i) {
			reading(s)
			s.php, s.db, s.pages = 1.2, 0.7, 60
			tiny(4)(i, s)
		}
	}), func(int) int64 { return 9_000 }, func(i int) int64 {
		if pressed(i) {
			return 60 * 40
		}
		return 6 * 40
	})
	// An import on one connection.
	imported := alter(looped(tiny(3), traitFacts...), func(_ int, st *evidence.Statement) { st.ConnID = 44 })
	// Something holds everybody up: few requests come to their end, none asks more.
	held := counted(looped(tiny(2), traitFacts...), func(int) int64 { return 400 }, func(int) int64 { return 200 })
	for name, records := range map[string][]evidence.Record{
		"a flood of pages":            flood,
		"an import on one connection": imported,
		"fewer requests, no more asked": alter(held, func(i int, tr *evidence.Traffic) {
			if pressed(i) {
				tr.Requests = 0
			}
		}),
		"they read whole tables": counted(looped(tiny(4), traitFacts...), func(int) int64 { return 9_000_000 }, func(i int) int64 { return 200 + int64(i/60)*4000 }),
		"a log-in attempt holds hundreds": alter(looped(tiny(4), traitFacts...), func(i int, tr *evidence.Traffic) {
			if pressed(i) {
				tr.Class = evidence.ClassXMLRPC
			}
		}),
		"no quiet time": cut(looped(tiny(4), traitFacts...), 61),
	} {
		if v := verdict(records); accuses(v, "many-tiny-queries") {
			t.Errorf("%s: got %s, %+v; want no many-tiny-queries", name, v.Status, v.Causes)
		}
	}
	if v := verdict(flood); !rejects(v, "many-tiny-queries") {
		t.Errorf("a flood: got %+v; want many-tiny-queries among those cleared", v.Rejected)
	}
}

// cut leaves out the first seconds.
func cut(records []evidence.Record, seconds int) []evidence.Record {
	var out []evidence.Record
	for _, r := range records {
		if r.At.Sub(t0) >= time.Duration(seconds)*time.Second {
			out = append(out, r)
		}
	}
	return out
}
