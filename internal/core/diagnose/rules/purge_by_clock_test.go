package rules

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const aDay = 24 * time.Hour

func proofs(f diagnose.Finding) (out []string) {
	for _, p := range f.Proof {
		out = append(out, p.ID)
	}
	return out
}

func TestAPurgeIsNamedByItsClock(t *testing.T) {
	swept := evidence.TableGrowth{Schema: "shop", Name: ledger, Column: "noted", Ordered: true, MinKey: 480_001, MaxKey: 600_000, Probes: []evidence.GrowthProbe{
		{Key: 480_001, UnixS: keptDue.Add(-90*aDay + 40*time.Second).Unix()}, {Key: 480_801, UnixS: keptDue.Add(-89 * aDay).Unix()}, {Key: 600_000, UnixS: keptDue.Unix()}}}
	for name, c := range map[string]struct {
		records []evidence.Record
		onsets  []time.Time
		proof   string
		least   float64
	}{
		"one line of PHP-FPM":         {keptScene(asUsual, keptFacts(keptDue, aDay)...), nil, "proof-would-scan", 0.6},
		"error answers, by minute":    {keptErrors(), nil, "proof-due-then", 0.6},
		"the oldest row dates it":     {keptScene(asUsual, keptFacts(keptDue, aDay, swept)...), nil, "proof-oldest-row", 0.7},
		"it came on other days, too":  {keptScene(asUsual, keptFacts(keptDue, aDay)...), []time.Time{keptDue.Add(-2*aDay + time.Minute), keptDue.Add(-aDay + 30*time.Second), keptDue.Add(20 * time.Second)}, "proof-repeats", 0.65},
		"the schedule was read later": {keptScene(asUsual, keptFacts(keptDue.Add(3*aDay), aDay)...), nil, "proof-due-then", 0.6},
	} {
		v := keptVerdict(c.records, c.onsets...)
		if v.Status != diagnose.Likely || len(v.Causes) != 1 || v.Causes[0].Rule != "purge-without-index" || v.Causes[0].Claim.ID != "link-purge-due" {
			t.Errorf("%s: got %s %+v, outage %v", name, v.Status, v.Causes, v.Outage)
			continue
		}
		f := v.Causes[0]
		if f.Origin.Hook != "ledger_tidy" || f.About.Table != ledger || f.About.Column != "noted" || !f.Active.From.Equal(keptDue) {
			t.Errorf("%s: got origin %+v, about %+v, active %v", name, f.Origin, f.About, f.Active)
		}
		if !slices.Contains(proofs(f), c.proof) || f.Confidence < c.least || f.Confidence >= 0.9 {
			t.Errorf("%s: got confidence %.2f with %v", name, f.Confidence, proofs(f))
		}
		if v.Recurrence == nil || v.Recurrence.Schedule != "daily" || v.Visitors.How != "told" {
			t.Errorf("%s: got recurrence %+v, visitors %+v", name, v.Recurrence, v.Visitors)
		}
	}
}

// keptErrors is the trouble as error answers in the access log.
func keptErrors() []evidence.Record {
	rs := keptScene(asUsual, keptFacts(keptDue, aDay)...)
	return alter(without[evidence.ErrorLine](rs), func(second int, f *evidence.Traffic) {
		if m := second/60 - 60; m >= 2 && m <= 6 {
			f.S5xx, f.S2xx = 30, 30
		}
	})
}

func TestLookalikesOfThePurgeByItsClock(t *testing.T) {
	hourly := keptFacts(keptDue, time.Hour)
	small := keptFacts(keptDue, aDay)
	small = alter(small, func(_ int, f *evidence.Table) { f.DataBytes, f.FileBytes = 20<<20, 20<<20 })
	indexed := alter(keptFacts(keptDue, aDay), func(_ int, f *evidence.Table) {
		f.Indexes = append(slices.Clone(f.Indexes), evidence.Index{Name: "noted", Columns: []string{"noted"}})
	})
	for name, records := range map[string][]evidence.Record{
		"it was due at another time":   keptScene(asUsual, keptFacts(keptDue.Add(-40*time.Minute), aDay)...),
		"it was due after the trouble": keptScene(asUsual, keptFacts(keptDue.Add(5*time.Minute), aDay)...),
		"it runs each hour":            keptScene(asUsual, hourly...),
		"the table is small":           keptScene(asUsual, small...),
		"an index serves it":           keptScene(asUsual, indexed...),
		"a flood began then": keptScene(func(i int, n *int64) {
			if i >= 58 && i < 66 {
				*n = 900
			}
		}, keptFacts(keptDue, aDay)...),
		"the kernel killed something":  keptScene(asUsual, append(keptFacts(keptDue, aDay), keptLine(-time.Minute, "kernel", "kernel-oom"))...),
		"the database was begun anew":  keptScene(asUsual, append(keptFacts(keptDue, aDay), keptLine(0, evidence.ServiceDatabase, "db-start"))...),
		"the slow log tells of others": keptScene(asUsual, append(keptFacts(keptDue, aDay), slowOther())...),
		"nobody suffered":              without[evidence.ErrorLine](keptScene(asUsual, keptFacts(keptDue, aDay)...)),
	} {
		v := keptVerdict(records)
		if len(v.Causes) > 0 {
			t.Errorf("%s: got %s %+v", name, v.Status, v.Causes)
		}
	}
}

// slowOther is a statement of somebody else at that time: the slow log was on,
// and the clean-up is not in it.
func slowOther() evidence.Record {
	return evidence.Record{At: keptDue.Add(30 * time.Second), Source: "slowlog", Fact: evidence.Statement{ConnID: 5, Command: evidence.CommandLogged, RunningMs: 20_000, Digest: "SELECT ? FROM `x`", Verb: "SELECT", Table: "x", RowsRead: 10}}
}

func TestAPurgeIsNamedByTheSlowLog(t *testing.T) {
	for name, c := range map[string]struct {
		purge evidence.Record
		want  bool
	}{
		"it ran when the trouble began":          {loggedPurge(time.Second, 15*time.Second, 600_000), true},
		"it ran through the trouble":             {loggedPurge(time.Second, 4*time.Minute, 600_000), true},
		"it was over long before":                {loggedPurge(-30*time.Minute, 15*time.Second, 600_000), false},
		"it began when all was over":             {loggedPurge(30*time.Minute, 15*time.Second, 600_000), false},
		"it waited for somebody and read little": {loggedPurge(time.Second, 60*time.Second, 40), false},
	} {
		v := keptVerdict(keptScene(asUsual, append(keptFacts(keptDue, aDay), c.purge)...))
		got := len(v.Causes) == 1 && v.Causes[0].Rule == "purge-without-index" && v.Causes[0].Claim.ID == "purge-without-index" && v.Status == diagnose.Likely
		if got != c.want || !c.want && slices.ContainsFunc(v.Causes, func(f diagnose.Finding) bool { return f.Statement != nil }) {
			t.Errorf("%s: got %s %+v", name, v.Status, v.Causes)
		}
	}
}
