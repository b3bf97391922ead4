package rules

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// keptDue is when the clean-up of a kept scene was due.
var keptDue = t0.Add(time.Hour)

// keptScene is what a server keeps by itself of two hours: the access log by the
// minute, and one line of PHP-FPM 20 s after a clean-up was due. change alters the
// requests of each minute.
func keptScene(change func(minute int, pages *int64), also ...evidence.Record) []evidence.Record {
	var out []evidence.Record
	for i := range 120 {
		pages := int64(60)
		change(i, &pages)
		out = append(out, evidence.Record{At: t0.Add(time.Duration(i+1) * time.Minute), Source: "traffic",
			Fact: evidence.Traffic{OverMs: 60_000, Class: evidence.ClassPage, Requests: pages, S2xx: pages, TookMs: -1, MaxMs: -1}})
	}
	out = append(out, keptLine(20*time.Second, evidence.ServicePHP, "fpm-max-children"))
	return append(out, also...)
}

// keptLine is a line of a log, so long after the clean-up was due.
func keptLine(after time.Duration, service, id string) evidence.Record {
	return evidence.Record{At: keptDue.Add(after), Source: "errorlog", Fact: evidence.ErrorLine{Service: service, ID: id, Count: 1, Message: "server reached pm.max_children setting (10)", FromHist: true}}
}

func asUsual(int, *int64) {}

// keptFacts are what is read afterwards: schedule, plugin's code, table and plan.
func keptFacts(due time.Time, every time.Duration, facts ...evidence.Fact) []evidence.Record {
	var out []evidence.Record
	at := t0.Add(3 * time.Hour)
	f := evidence.Filter{Digest: ledgerDigest, Verb: "DELETE", Schema: "shop", Table: ledger, Range: []string{"noted"}}
	p := evidence.Plan{Digest: ledgerDigest, Table: ledger, Access: "ALL", Rows: 593_217}
	for _, f := range append(append(purgeDue("ledger_tidy", "daily", due.Add(every), every), f, p), facts...) {
		out = append(out, evidence.Record{At: at, Source: "database", Fact: f})
	}
	return out
}

// keptVerdict is the verdict of somebody who never recorded.
func keptVerdict(records []evidence.Record, onsets ...time.Time) diagnose.Verdict {
	w := recording.New(records).Between(t0, t0.Add(2*time.Hour))
	return diagnose.Diagnose(w, All(), diagnose.Options{Onsets: onsets})
}

// loggedPurge is the clean-up as the slow log tells of it: begun so long after it
// was due, over when it was over.
func loggedPurge(began, took time.Duration, rows int64) evidence.Record {
	return evidence.Record{At: keptDue.Add(began + took), Source: "slowlog", Fact: evidence.Statement{ConnID: 77, User: "wp", Schema: "shop", Command: evidence.CommandLogged,
		RunningMs: took.Milliseconds(), Digest: ledgerDigest, Verb: "DELETE", Table: ledger, RowsRead: rows}}
}
