package rules

import (
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

func TestUnindexedSelect(t *testing.T) {
	capped := func(i int, s *second) {
		if i >= 66 && pressed(i) {
			s.busy, s.db, s.php, s.throttled = 0.2, 0.16, 0.03, 1.7
		}
	}
	cappedRows := func(i int) int64 {
		switch {
		case i >= 66 && pressed(i):
			return 240_000
		default:
			return manyRows(i)
		}
	}
	for name, c := range map[string]struct {
		records []evidence.Record
		status  diagnose.Status
		column  string
	}{
		"plan and indexes":         {queried(guestFacts(), manyRows, nothingMore), diagnose.Proven, "address"},
		"without durations":        {untimed(queried(guestFacts(), manyRows, nothingMore)), diagnose.Proven, "address"},
		"the CPU is capped":        {queried(guestFacts(), cappedRows, capped), diagnose.Proven, "address"},
		"stolen":                   {stolen(queried(guestFacts(), cappedRows, capped)), diagnose.Proven, "address"},
		"whole seconds, no number": {mysqlSeconds(queried(guestFacts(), manyRows, nothingMore)), diagnose.Proven, "address"},
		"no plan":                  {without[evidence.Plan](queried(guestFacts(), manyRows, nothingMore)), diagnose.Likely, "address"},
		"no indexes":               {without[evidence.Table](queried(guestFacts(), manyRows, nothingMore)), diagnose.Likely, "address"},
		"nobody saw the CPU":       {without[evidence.ServiceUse](queried(guestFacts(), manyRows, nothingMore)), diagnose.Likely, "address"},
		"an index, a whole month":  {queried(wideFacts(), manyRows, nothingMore), diagnose.Likely, "seen"},
		"more is asked, too": {queried(guestFacts(), manyRows, func(i int, s *second) {
			if pressed(i) {
				s.pages = 15
			}
		}), diagnose.Likely, "address"},
	} {
		v := verdict(c.records)
		if v.Status != c.status || len(v.Causes) != 1 || v.Causes[0].Rule != "unindexed-select" {
			t.Errorf("%s: got %s, %v; want %s unindexed-select alone", name, v.Status, causesOf(v), c.status)
			continue
		}
		if f := v.Causes[0]; f.About.Table != guests || f.About.Column != c.column || f.Origin.Plugin != "guest-book" || f.Share.DatabaseTime < 0.9 {
			t.Errorf("%s: got %+v, %+v, share %+v", name, f.About, f.Origin, f.Share)
		}
	}
}

// mysqlSeconds is the same as a server tells it that knows whole seconds only and
// numbers no statements.
func mysqlSeconds(records []evidence.Record) []evidence.Record {
	return alter(records, func(_ int, st *evidence.Statement) { st.RunningMs, st.QueryID = st.RunningMs/1000*1000, 0 })
}

func causesOf(v diagnose.Verdict) []string {
	var out []string
	for _, f := range v.Causes {
		out = append(out, f.Rule)
	}
	return out
}

func TestUnindexedSelectStaysSilent(t *testing.T) {
	few := func(int) int64 { return 4_000 }
	address := evidence.Index{Name: "address", Columns: []string{"address"}}
	byIndex := append([]evidence.Fact{guestTable(address), evidence.Plan{Digest: guestQuery, Table: guests, Access: "ref", Key: "address", Rows: 12}}, guestFacts()[1], guestFacts()[3])
	small := append([]evidence.Fact{evidence.Plan{Digest: guestQuery, Table: guests, Access: "ALL", Rows: 1_900}}, guestFacts()[1], guestFacts()[3])
	locked := func(i int, s *second) {
		if !pressed(i) {
			return
		}
		stand(s)
		for k := range 9 {
			s.extra = append(s.extra, evidence.LockWait{Lock: evidence.LockMetadata, Waiter: uint64(200 + (i/3*9+k)%60), Blocker: 5, WaitMs: 3000, Schema: "shop", Table: guests, BlockerSleeps: true, BlockerUser: "admin"})
		}
	}
	for name, records := range map[string][]evidence.Record{
		"an index is used":                       queried(byIndex, manyRows, nothingMore),
		"the table is small":                     queried(small, manyRows, nothingMore),
		"the server reads no more than before":   queried(guestFacts(), few, nothingMore),
		"another job has the CPU":                queried(guestFacts(), few, func(i int, s *second) { hogged(i, s) }),
		"a purge came first":                     queried(guestFacts(), manyRows, func(i int, s *second) { purgeSeconds(i, 50, 140, s) }),
		"a dump came first":                      queried(guestFacts(), manyRows, dumpBefore),
		"they wait for a lock":                   queried(guestFacts(), manyRows, locked),
		"one connection runs them all":           alter(queried(guestFacts(), manyRows, nothingMore), func(_ int, st *evidence.Statement) { st.ConnID = 7 }),
		"PHP has the CPU, the database is quick": queried(guestFacts(), manyRows, phpBusy),
		"it began after visitors suffered": queried(nil, manyRows, func(i int, s *second) {
			if i >= 20 && i < 60 {
				stand(s)
			}
			if i == 63 {
				s.extra = append(s.extra, guestFacts()...)
			}
		}),
	} {
		v := verdict(records)
		if accuses(v, "unindexed-select") {
			t.Errorf("%s: got %s, %v; want no unindexed-select", name, v.Status, causesOf(v))
		}
	}
}

func hogged(i int, s *second) {
	if pressed(i) {
		hog(s)
	}
}

func phpBusy(i int, s *second) {
	if pressed(i) {
		s.php, s.db = 1.9, 0.05
	}
}

func TestUnindexedSelectIsClearedByTheRowsRead(t *testing.T) {
	v := verdict(queried(guestFacts(), func(int) int64 { return 4_000 }, nothingMore))
	if !rejects(v, "unindexed-select") {
		t.Errorf("got %+v, want unindexed-select among those cleared", v.Rejected)
	}
}
