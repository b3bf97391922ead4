package rules

import (
	"slices"
	"strings"
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

// keptStops are lines by which services went away or came back, so many seconds
// after the clean-up was due; the trouble is told from second 20 on.
func keptStops(seconds []int, ids ...string) []evidence.Record {
	var out []evidence.Record
	for i, id := range ids {
		service := evidence.ServiceDatabase
		switch strings.Split(id, "-")[0] {
		case "fpm":
			service = evidence.ServicePHP
		case "apache":
			service = evidence.ServiceApache
		case "kernel":
			service = "kernel"
		}
		out = append(out, keptLine(time.Duration(seconds[i])*time.Second, service, id))
	}
	return out
}

// nobodyServed is a machine that was away so many minutes from the trouble on.
func nobodyServed(minutes int) func(int, *int64) {
	return func(i int, n *int64) {
		if i >= 60 && i < 60+minutes {
			*n = 0
		}
	}
}

func TestAPurgeIsNotAccusedOfARestart(t *testing.T) {
	facts := keptFacts(keptDue.Add(-3*time.Minute), aDay)
	for name, records := range map[string][]evidence.Record{
		"an orderly reboot":               keptScene(nobodyServed(1), append(keptStops([]int{-45, -40, 100, 103}, "fpm-stop", "db-stop", "db-start", "fpm-start"), facts...)...),
		"a database slow to stop":         keptScene(nobodyServed(1), append(keptStops([]int{-40, 30, 110}, "db-stopping", "db-stop", "db-start"), facts...)...),
		"a database that stopped early":   keptScene(nobodyServed(2), append(keptStops([]int{-200, 170}, "db-stop", "db-start"), facts...)...),
		"PHP stopped and did not return":  keptScene(asUsual, append(keptStops([]int{-70}, "fpm-stop"), facts...)...),
		"the power went":                  keptScene(nobodyServed(2), append(keptStops([]int{100, 101}, "db-crash-recovery", "db-start"), facts...)...),
		"the power was away for a while":  keptScene(nobodyServed(9), append(keptStops([]int{540, 541}, "db-crash-recovery", "db-start"), facts...)...),
		"the kernel killed the database":  keptScene(asUsual, append(keptStops([]int{10, 15}, "kernel-oom", "db-start"), facts...)...),
		"systemd saw the database killed": keptScene(asUsual, append(keptStops([]int{10}, "systemd-killed"), facts...)...),
	} {
		v := keptVerdict(records)
		if v.Outage.Zero() || v.Status != diagnose.NotProven || len(v.Causes) > 0 {
			t.Errorf("%s: got %s %+v, outage %v", name, v.Status, v.Causes, v.Outage)
		}
		if !slices.ContainsFunc(v.Notes, func(s diagnose.Sentence) bool { return s.ID == "note-failed-then" }) {
			t.Errorf("%s: nothing names it: %+v", name, v.Notes)
		}
	}
	for name, c := range map[string]struct {
		lines []evidence.Record
		most  float64
	}{
		"the owner began it anew, for a cure": {keptStops([]int{240, 250, 255}, "db-stopping", "db-stop", "db-start"), 0.85},
		"it had been back for minutes":        {keptStops([]int{-220, -210}, "db-stop", "db-start"), 0.85},
		"the web server read its settings":    {keptStops([]int{150}, "apache-start"), 0.85},
		"the kernel killed it meanwhile":      {keptStops([]int{150, 155, 157}, "kernel-oom", "db-crash-recovery", "db-start"), 0.5},
		"it crashed meanwhile":                {keptStops([]int{170, 175}, "db-signal", "db-start"), 0.5},
	} {
		v := keptVerdict(keptScene(asUsual, append(c.lines, facts...)...))
		if len(v.Causes) != 1 || v.Status != diagnose.Likely || v.Causes[0].Confidence > c.most {
			t.Errorf("%s: got %s %+v", name, v.Status, v.Causes)
			continue
		}
		weighed := slices.ContainsFunc(v.Surer, func(s diagnose.Sentence) bool { return s.ID == "missing-other-failure" })
		if weighed != (c.most <= 0.5) || !weighed && v.Causes[0].Confidence < 0.55 {
			t.Errorf("%s: got confidence %.2f, surer %+v", name, v.Causes[0].Confidence, v.Surer)
		}
	}
}

// keptDays are the days before, as the access log tells of them by the hour: pages
// a minute in the hour of the trouble and in all others.
func keptDays(then, others int64) []evidence.Record {
	var out []evidence.Record
	for h := range 7 * 24 {
		from := keptDue.Truncate(time.Hour).Add(-time.Duration(h+24) * time.Hour)
		pages := others
		if from.Hour() == keptDue.Hour() {
			pages = then
		}
		out = append(out, evidence.Record{At: from.Add(time.Hour), Source: "traffic", Fact: evidence.Traffic{
			OverMs: 3_600_000, Class: evidence.ClassPage, Requests: 60 * pages, S2xx: 60 * pages, TookMs: -1, MaxMs: -1, FromHist: true}})
	}
	return out
}

func TestAPurgeIsWeighedAgainstWhatWasAsked(t *testing.T) {
	curve := func(early, late, then int64) func(int, *int64) {
		return func(i int, n *int64) {
			switch *n = early; {
			case i >= 55 && i < 65:
				*n = then
			case i >= 50:
				*n = late
			}
		}
	}
	for name, c := range map[string]struct {
		minutes      func(int, *int64)
		days         []evidence.Record
		causes, more int
	}{
		"more than in the hour before":    {curve(40, 240, 240), nil, 0, 0},
		"as on each morning":              {curve(40, 240, 240), keptDays(180, 40), 1, 0},
		"a flood in the morning":          {curve(40, 240, 900), keptDays(180, 40), 0, 0},
		"twice as much as on any morning": {curve(40, 360, 360), keptDays(180, 40), 1, 1},
		"a flood in the night":            {curve(6, 6, 90), keptDays(6, 6), 0, 0},
		"a small flood in the night":      {curve(6, 6, 40), keptDays(6, 6), 1, 1},
		"a chance of the night":           {curve(6, 6, 12), keptDays(6, 6), 1, 0},
	} {
		v := keptVerdict(keptScene(c.minutes, append(keptFacts(keptDue, aDay), c.days...)...))
		if len(v.Causes) != c.causes {
			t.Errorf("%s: got %s %+v, outage %v", name, v.Status, v.Causes, v.Outage)
			continue
		}
		more := 0
		for _, s := range v.Surer {
			if s.ID == "missing-more-asked" {
				more++
			}
		}
		if more != c.more || more > 0 && v.Causes[0].Confidence > 0.5 {
			t.Errorf("%s: got %+v, surer %+v", name, v.Causes, v.Surer)
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
