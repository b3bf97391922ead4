package main

import (
	"context"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
	"hirune/internal/core/report"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
)

const (
	// costsBack is how much of a recording tells what requests cost: an hour takes
	// about a second of CPU to read.
	costsBack = time.Hour
	// costsLook is how long the server is looked at where there is no recording.
	costsLook = 15 * time.Second
	// costsLeast is how many requests a cost has to rest on.
	costsLeast = 50
)

// costs is what a request of each class takes of a PHP worker, in microseconds,
// for logs that do not say it, and where that is known from. It is nil where all
// logs have durations, and where nobody measured.
func (a *app) costs(ctx context.Context, q *siege) (map[attack.Class]int64, string) {
	if allTimed(q.logs) {
		return nil, ""
	}
	records := a.lastRecorded()
	if c, from := costsOf(records); c != nil {
		return c, from
	}
	if len(records) > 0 || q.options.Workers == 0 {
		return nil, ""
	}
	p := a.start("the logs do not say how long requests take; looking at the server", costsLook)
	defer p.done()
	var watched []collect.Timed
	for _, t := range q.eyes.collectors {
		switch t.Collector.(type) {
		case *collectors.Traffic, *collectors.Pools:
			watched = append(watched, t)
		}
	}
	records, err := collect.Sample(ctx, watched, costsLook, collect.Options{Version: version()})
	if err != nil {
		return nil, ""
	}
	return costsOf(records)
}

// allTimed reports whether the configured formats have durations.
func allTimed(logs []accesslog.ScanLog) bool {
	for _, l := range logs {
		if f, err := accesslog.Compile(l.Format); err != nil || !f.Took() {
			return false
		}
	}
	return true
}

// lastRecorded is the end of the last recording; nil where there is none that
// can be read.
func (a *app) lastRecorded() []evidence.Record {
	r, _, err := a.tapeToRead("")
	if err != nil {
		return nil
	}
	defer r.Close()
	span, err := r.Span()
	if err != nil || span.To.IsZero() {
		return nil
	}
	records, _, err := r.Records(span.To.Add(-costsBack), span.To)
	if err != nil {
		return nil
	}
	return records
}

// costsOf finds out what requests cost: from durations, else from how many
// workers were busy while they came.
func costsOf(records []evidence.Record) (map[attack.Class]int64, string) {
	type use struct{ n, tookUs int64 }
	timed := map[attack.Class]use{}
	for _, r := range records {
		t, ok := r.Fact.(evidence.Traffic)
		if c, known := attackClass[t.Class]; ok && known && t.TookMs >= 0 && t.Dynamic() {
			timed[c] = use{timed[c].n + t.Requests, timed[c].tookUs + t.TookMs*1000}
		}
	}
	var all use
	for _, u := range timed {
		all = use{all.n + u.n, all.tookUs + u.tookUs}
	}
	if all.n < costsLeast {
		return workerCosts(records)
	}
	out := map[attack.Class]int64{}
	for _, c := range attackClass {
		switch u := timed[c]; {
		case !c.Dynamic():
		case u.n < costsLeast/5:
			out[c] = all.tookUs / all.n
		default:
			out[c] = u.tookUs / u.n
		}
	}
	return out, report.CostTape
}

// attackClass is a class of requests as a number.
var attackClass = map[string]attack.Class{
	evidence.ClassPage: attack.ClassPage, evidence.ClassSearch: attack.ClassSearch, evidence.ClassXMLRPC: attack.ClassXMLRPC,
	evidence.ClassLogin: attack.ClassLogin, evidence.ClassCron: attack.ClassCron, evidence.ClassAjax: attack.ClassAjax,
	evidence.ClassREST: attack.ClassREST, evidence.ClassAdmin: attack.ClassAdmin, evidence.ClassFeed: attack.ClassFeed,
	evidence.ClassComment: attack.ClassComment, evidence.ClassPHP: attack.ClassPHP, evidence.ClassQuery: attack.ClassQuery,
	evidence.ClassStatic: attack.ClassStatic, evidence.ClassBroken: attack.ClassBroken,
}
