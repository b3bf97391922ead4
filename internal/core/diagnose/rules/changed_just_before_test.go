package rules

import (
	"slices"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

const itsFile = "plugins/" + slotsPlugin + "/inc/db.php"

func TestAChangeWhoseCodeFailsIsProven(t *testing.T) {
	for name, c := range map[string]struct {
		change evidence.Change
		file   string
		plugin string
	}{
		"a plugin":        {updated(slotsPlugin), itsFile, slotsPlugin},
		"a must-use file": {evidence.Change{What: evidence.ChangePlugin, Name: "snippet", Verb: "edited", How: "mtime"}, "mu-plugins/snippet.php", "snippet"},
		"a theme":         {evidence.Change{What: evidence.ChangeTheme, Name: "paper", Verb: "edited", How: "mtime"}, "themes/paper/functions.php", ""},
		"wp-config.php":   {evidence.Change{What: evidence.ChangeConfig, Name: "/srv/www/wp-config.php", Verb: "edited", How: "mtime"}, "wp-config.php", ""},
	} {
		v := judged(changedAt(everyPageFails(50, c.file), 49, c.change))
		if v.Status != diagnose.Proven || len(v.Causes) != 1 || v.Causes[0].Rule != "changed-just-before" {
			t.Errorf("%s: got %s, causes %+v; want changed-just-before proven", name, v.Status, v.Causes)
			continue
		}
		f := v.Causes[0]
		if f.Origin.Plugin != c.plugin || f.Claim.Args["name"] != c.change.Name || f.Active.From.After(v.Outage.From) {
			t.Errorf("%s: got origin %+v, claim %+v, active %v, outage %v", name, f.Origin, f.Claim, f.Active, v.Outage)
		}
		if len(v.Chain) < 2 || v.Chain[0].ID != "changed-just-before" {
			t.Errorf("%s: got chain %+v", name, v.Chain)
		}
	}
}

// Nobody recorded: the site was broken for hours when somebody looked, and the log goes back before that.
func TestAnOldChangeIsProvenByTheLog(t *testing.T) {
	records := changedAt(everyPageFails(0, itsFile), -7200, updated(slotsPlugin))
	line := func(at int, id, file string) {
		records = append(records, evidence.Record{At: t0.Add(time.Duration(at) * time.Second), Source: "errorlog",
			Fact: evidence.ErrorLine{Service: evidence.ServicePHP, ID: id, Count: 1, FromHist: true, Message: "x", File: file}})
	}
	line(-7190, "php-fatal", itsFile)
	if v := judged(records); v.Status != diagnose.Likely || !accuses(v, "changed-just-before") || len(v.Surer) == 0 {
		t.Errorf("a log without a before: got %s, causes %+v, surer %v; want likely, with what is missing", v.Status, v.Causes, v.Surer)
	}
	line(-90000, "fpm-start", "")
	if v := judged(records); v.Status != diagnose.Proven || !accuses(v, "changed-just-before") {
		t.Errorf("a log with a before: got %s, causes %+v; want proven", v.Status, v.Causes)
	}
}

// A plugin that was set up half a minute before its update: the update is it.
func TestTheLastChangeBeforeTheFirstSignIsAccused(t *testing.T) {
	records := changedAt(everyPageFails(50, itsFile), -5, updated(slotsPlugin))
	v := judged(changedAt(changedAt(records, 49, updated(slotsPlugin)), 70, updated(slotsPlugin)))
	if v.Status != diagnose.Proven || len(v.Causes) != 1 || v.Causes[0].Claim.Args["at"] != t0.Add(49*time.Second) {
		t.Errorf("got %s, causes %+v; want the update of second 49", v.Status, v.Causes)
	}
}

func TestAnotherPHPIsLikely(t *testing.T) {
	php := evidence.Change{What: evidence.ChangePackage, Name: "php8.2-fpm", From: "8.1", To: "8.2", Verb: "updated", How: "dpkg.log", Service: evidence.ServicePHP}
	v := judged(changedAt(everyPageFails(50, "plugins/too-old/main.php"), 47, php))
	if v.Status != diagnose.Likely || v.Causes[0].Rule != "changed-just-before" || v.Causes[0].Origin.Plugin != "" {
		t.Errorf("got %s, causes %+v; want the package as likely", v.Status, v.Causes)
	}
}

// Statements that came with an update, on the tables of the plugin.
func TestAChangeThatWorksOnEveryViewIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		verb, digest, how string
		want              diagnose.Status
	}{
		"an ALTER":                    {"ALTER", slotsAlter, "source", diagnose.Proven},
		"an UPDATE":                   {"UPDATE", "UPDATE visit_slots SET day = DATE(starts)", "source", diagnose.Proven},
		"the table by its name alone": {"ALTER", slotsAlter, "prefix", diagnose.Likely},
		"a SELECT":                    {"SELECT", slotsSelect, "source", diagnose.Likely},
	} {
		v := judged(changedAt(everyViewAlters(50, c.verb, c.digest, c.how), 45, updated(slotsPlugin)))
		if v.Status != c.want || len(v.Causes) == 0 || v.Causes[0].Rule != "changed-just-before" || v.Causes[0].About.Table != slots || v.Causes[0].Origin.Plugin != slotsPlugin {
			t.Errorf("%s: got %s, causes %+v; want %s", name, v.Status, v.Causes, c.want)
		}
	}
	borne := judged(bearable(changedAt(everyViewAlters(50, "ALTER", slotsAlter, "source"), 45, updated(slotsPlugin)), 50, 70))
	if borne.Status != diagnose.Proven || borne.Causes[0].Rule != "changed-just-before" {
		t.Errorf("visitors bear its first seconds: got %s, causes %+v", borne.Status, borne.Causes)
	}
	untimedLogs := untimed(changedAt(everyViewAlters(50, "ALTER", slotsAlter, "source"), 45, updated(slotsPlugin)))
	if v := judged(untimedLogs); v.Status != diagnose.Proven {
		t.Errorf("without durations in the log: got %s, causes %+v", v.Status, v.Causes)
	}
}

// bearable lets pages still come in some seconds.
func bearable(records []evidence.Record, from, to int) []evidence.Record {
	in := func(i int) bool { return i >= from && i < to }
	records = alter(records, func(i int, t *evidence.Traffic) {
		if in(i) {
			t.S2xx, t.S5xx, t.TookMs, t.MaxMs = t.Requests, 0, 90*t.Requests, 90
		}
	})
	records = alter(records, func(i int, p *evidence.WorkerPool) {
		if in(i) {
			p.Busy, p.Queue = 4, 0
		}
	})
	return alter(records, func(i int, p *evidence.Probe) {
		if in(i) {
			p.Status, p.Error, p.TookMs = 200, "", 90
		}
	})
}

// Look-alikes: what was changed had no part in it, or nothing shows that it had.
func TestAnInnocentChangeIsNotAccused(t *testing.T) {
	withLines := func(from, to int, file string) []evidence.Record {
		return scene(160, func(i int, s *second) {
			if i >= 60 {
				stand(s)
			}
			if i >= from && i < to {
				s.extra = append(s.extra, evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-fatal", Count: 1, Message: "x", File: file})
			}
		})
	}
	down := everyPageFails(50, itsFile)
	for i := 50; i < 120; i++ {
		down = append(down, evidence.Record{At: t0.Add(time.Duration(i+1) * time.Second), Source: "errorlog", Fact: evidence.ErrorLine{Service: evidence.ServicePHP, ID: "php-db-connect", Count: 5}})
	}
	for name, records := range map[string][]evidence.Record{
		"just before a search flood":                  changedAt(flooded(evidence.ClassSearch), 55, updated(slotsPlugin)),
		"just before everybody waits":                 changedAt(withLines(0, 0, ""), 55, updated(slotsPlugin)),
		"it failed before the change, too":            changedAt(everyPageFails(50, itsFile), 70, updated(slotsPlugin)),
		"the errors are another plugin's":             changedAt(everyPageFails(50, "plugins/other/main.php"), 49, updated(slotsPlugin)),
		"a few errors of its, visitors time out":      changedAt(withLines(58, 62, itsFile), 55, updated(slotsPlugin)),
		"the database is gone":                        changedAt(down, 49, updated(slotsPlugin)),
		"changed long before":                         changedAt(everyPageFails(50, itsFile), -7200, updated(slotsPlugin)),
		"its table was altered before it, too":        changedAt(everyViewAlters(50, "ALTER", slotsAlter, "source"), 80, updated(slotsPlugin)),
		"another plugin's table":                      changedAt(everyViewAlters(50, "ALTER", slotsAlter, "source"), 45, updated("other")),
		"set up before the recording began":           changedAt(everyViewAlters(50, "ALTER", slotsAlter, "source"), -5, updated(slotsPlugin)),
		"a purge, after an update of its plugin":      changedAt(caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL")), 30, updated("visit-ledger")),
		"its counter is what a starved site waits in": changedAt(everyViewCounts(50, false), 45, updated(slotsPlugin)),
		"its log is what a flood writes to":           changedAt(everyViewCounts(50, true), 45, updated(slotsPlugin)),
		"nobody suffered":                             changedAt(scene(100, func(int, *second) {}), 50, updated(slotsPlugin)),
	} {
		if v := judged(records); accuses(v, "changed-just-before") {
			t.Errorf("%s: got %s, causes %+v; want the change not accused", name, v.Status, v.Causes)
		}
	}
}

// What else proves the cause: the change is cleared, told of, or why it came now.
func TestAChangeIsToldWhereItIsNotTheCause(t *testing.T) {
	v := judged(changedAt(flooded(evidence.ClassSearch), 55, updated(slotsPlugin)))
	if !accuses(v, "search-flood") || !rejects(v, "changed-just-before") {
		t.Errorf("before a flood: got causes %+v, rejected %+v; want the change cleared", v.Causes, v.Rejected)
	}
	note := func(v diagnose.Verdict) bool {
		return slices.ContainsFunc(v.Notes, func(s diagnose.Sentence) bool {
			return s.ID == "note-changed-before" && s.Args["name"] == slotsPlugin
		})
	}
	waits := scene(160, func(i int, s *second) {
		if i >= 60 {
			stand(s)
		}
	})
	if v := judged(changedAt(waits, 55, updated(slotsPlugin))); v.Status != diagnose.NotProven || !note(v) {
		t.Errorf("before a wait that nothing explains: got %s, notes %+v; want a note of the change", v.Status, v.Notes)
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		waits = changedAt(waits, -30, updated(name))
	}
	if v := judged(changedAt(waits, 55, updated(slotsPlugin))); !note(v) {
		t.Errorf("of a site that was set up just before: got notes %+v; want one of the change that was watched", v.Notes)
	}
	purge := append(caseZero(ledgerTable(), ledgerFilter, ledgerPlan("ALL")), evidence.Record{At: t0.Add(time.Second), Source: "wordpress", Fact: evidence.Owner{Site: "shop", Table: ledger, Plugin: "visit-ledger", How: "source"}})
	v = judged(changedAt(purge, 30, updated("visit-ledger")))
	if !accuses(v, "purge-without-index") || v.WhyNow == nil || !slices.ContainsFunc(v.WhyNow.Say, func(s diagnose.Sentence) bool { return s.ID == "why-changed" }) {
		t.Errorf("before a purge of the same plugin: got causes %+v, why now %+v; want the change in why now", v.Causes, v.WhyNow)
	}
	v = judged(changedAt(purge, -30, updated("visit-ledger")))
	if v.WhyNow != nil && slices.ContainsFunc(v.WhyNow.Say, func(s diagnose.Sentence) bool { return s.ID == "why-changed" }) {
		t.Errorf("a change before the recording is no why now: got %+v", v.WhyNow)
	}
}
