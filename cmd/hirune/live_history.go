package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
)

// Reading what the logs held before, for a diagnosis of now: some 40 ms of CPU
// a second, and then as long again as an owner waits.
const (
	liveHistory = 8 << 20 // bytes of text a beat
	liveRest    = 10 * time.Second
	liveBeat    = 200 * time.Millisecond
)

// restOfLogs reads what is left of the logs' past, within a bound, and says
// what was not read.
func (a *app) restOfLogs(ctx context.Context, e *eyes) []evidence.Record {
	if e.traffic.HistoryDone() || ctx.Err() != nil {
		return nil
	}
	p := a.start("reading the rest of the logs", liveRest)
	defer p.done()
	within, cancel := context.WithTimeout(ctx, liveRest)
	defer cancel()
	var out []evidence.Record
	reader := []collect.Timed{{Collector: &untilDone{e.traffic, e.traffic.HistoryDone, cancel}, Every: liveBeat, Timeout: time.Second}}
	records, err := collect.Sample(within, reader, liveRest, collect.Options{Version: version(), Interval: liveBeat})
	out = append(out, records...)
	if err != nil && !errors.Is(err, context.Canceled) || !e.traffic.HistoryDone() {
		out = append(out, evidence.Record{At: a.now(), Source: "traffic", Fact: evidence.Unseen{
			Source: "traffic", Code: "history-unreadable", What: "the oldest requests in the logs: there were too many to read them all now",
			Detail: fmt.Sprintf("read for %v", lookFor+liveRest), Hint: "start the recorder, which reads on: " + a.sudo("hirune record"),
		}})
	}
	return out
}

// restOfTables lets the database answer what it has not answered yet: a server
// that starves gives the size, the indexes and the growth of its tables late, and
// without them nobody knows the clean-up that is over.
func (a *app) restOfTables(ctx context.Context, e *eyes) []evidence.Record {
	if e.databases.Settled() || ctx.Err() != nil {
		return nil
	}
	p := a.start("waiting for the database's answers", liveRest)
	defer p.done()
	within, cancel := context.WithTimeout(ctx, liveRest)
	defer cancel()
	asker := []collect.Timed{{Collector: &untilDone{e.databases, e.databases.Settled, cancel}, Every: everyBeat, Timeout: liveRest}}
	records, _ := collect.Sample(within, asker, liveRest, collect.Options{Version: version()}) // what it does not answer now is told as unseen
	return records
}

// untilDone ends the reading when a collector has nothing more to tell.
type untilDone struct {
	collect.Collector
	done func() bool
	end  context.CancelFunc
}

// Collect implements collect.Collector.
func (u *untilDone) Collect(ctx context.Context, b *collect.Beat) error {
	err := u.Collector.Collect(ctx, b)
	if u.done() {
		u.end()
	}
	return err
}
