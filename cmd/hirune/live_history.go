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
	reader := []collect.Timed{{Collector: &untilRead{e.traffic, cancel}, Every: liveBeat, Timeout: time.Second}}
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

// untilRead ends the reading when the past of all logs has been read.
type untilRead struct {
	past interface {
		collect.Collector
		HistoryDone() bool
	}
	end context.CancelFunc
}

// Name implements collect.Collector.
func (u *untilRead) Name() string { return u.past.Name() }

// Collect implements collect.Collector.
func (u *untilRead) Collect(ctx context.Context, b *collect.Beat) error {
	err := u.past.Collect(ctx, b)
	if u.past.HistoryDone() {
		u.end()
	}
	return err
}
