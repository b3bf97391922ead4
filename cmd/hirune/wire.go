package main

import (
	"context"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
)

// eyes are the collectors of this server with what they share.
type eyes struct {
	*watch
	collectors []collect.Timed
	traffic    *collectors.Traffic
	databases  *collectors.Database
	errors     *collectors.ErrorLogs
	closers    []func() error
}

// Cadences. What starts in a second and is over in ten is seen every second;
// what changes by the hour is not worth more.
const (
	everyBeat  = time.Second
	fastChange = 5 * time.Second
	slowChange = time.Minute
)

// open finds what runs here and makes a collector for each source. Who opens
// the eyes closes them.
func (a *app) open(ctx context.Context, cfg discover.Config) (*eyes, error) {
	named, err := accounts(cfg)
	if err != nil {
		return nil, err
	}
	e := &eyes{watch: &watch{finder: discover.Finder{Override: cfg}, told: map[string]bool{}}}
	found, err := e.finder.Find(ctx, a.now())
	if err != nil {
		return nil, err
	}
	markFronts(ctx, &found, a.now())
	e.latest.Store(&found)
	e.add(e.watch, collect.Timed{Every: fastChange, Timeout: 4 * time.Second})
	e.host()
	e.logs()
	e.database(a, named)
	e.sites(a, named)
	return e, nil
}

// add takes a collector in with its cadence.
func (e *eyes) add(c collect.Collector, t collect.Timed) {
	t.Collector = c
	e.collectors = append(e.collectors, t)
}

// host adds what reads the machine, its processes and services.
func (e *eyes) host() {
	table := &collectors.Table{Found: e.found}
	e.add(&collectors.Host{}, collect.Timed{Every: everyBeat, Steady: true, Timeout: time.Second})
	e.add(&collectors.Processes{Table: table}, collect.Timed{Every: everyBeat, Timeout: time.Second})
	e.add(&collectors.Cgroups{Table: table}, collect.Timed{Every: everyBeat, Steady: true, Timeout: time.Second})
	e.add(&collectors.Pools{Table: table}, collect.Timed{Every: everyBeat, Timeout: time.Second})
	e.add(&collectors.Outbound{Table: table}, collect.Timed{Every: 3 * everyBeat, Steady: true, Timeout: time.Second})
	e.add(&collectors.Services{Table: table, Expect: e.expect()}, collect.Timed{Every: everyBeat, Timeout: time.Second})
	e.add(&collectors.Filesystems{Found: e.found}, collect.Timed{Every: fastChange, Steady: true, Timeout: 2 * time.Second})
}

// logs adds what reads the logs of the services, and the host's schedules.
func (e *eyes) logs() {
	found := func() discover.Found { return *e.found() }
	e.traffic = collectors.NewTraffic(found)
	e.errors = collectors.NewErrorLogs(found)
	e.add(e.traffic, collect.Timed{Every: everyBeat, Steady: true, Timeout: time.Second})
	e.add(e.errors, collect.Timed{Every: fastChange, Steady: true, Timeout: 4 * time.Second})
	e.add(&collectors.Schedules{}, collect.Timed{Every: 6 * time.Hour, Timeout: 4 * time.Second})
	e.closers = append(e.closers, e.traffic.Close, e.errors.Close)
}

// anew says of each source that a new run begins: what it could not see in an
// earlier one does not count any more.
func anew(all []collect.Timed, now time.Time) []evidence.Record {
	var out []evidence.Record
	for _, c := range all {
		out = append(out, evidence.Record{At: now, Source: c.Name(), Fact: evidence.Unseen{Source: c.Name(), Seen: true}})
	}
	return out
}

// close gives back what the collectors hold. What fails then was only read.
func (e *eyes) close() {
	for _, c := range e.closers {
		_ = c()
	}
}
