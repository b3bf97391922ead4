package run

import (
	"context"
	"fmt"
	"time"

	"hirune/lab/load"
)

// waitMost is how much longer than before the outage any visitor may wait because of us.
const waitMost = 3 * time.Second

// served checks that nobody was turned away while hirune worked, and that nobody waited long because of it.
func (l *loop) served() {
	l.out.Longest = longestWaits(l.bench.results, l.Marks)
	for _, name := range []string{"apply", "undo"} {
		f := l.out.Phases[name][load.Page]
		if f.Failed > 0 {
			l.wrong("visitors during %s: %d of %d pages failed", name, f.Failed, f.Sent)
		}
		if now, most := l.out.Longest[name], l.out.Longest[control]+float64(waitMost.Milliseconds()); f.Sent == 0 || now > most {
			l.wrong("visitors during %s: of %d pages and the log-ins one took %.0f ms; want at most %.0f, %s more than before the outage", name, f.Sent, now, most, waitMost)
		}
	}
}

// longestWaits are the times in ms of the request that took longest in each phase, whoever sent it.
func longestWaits(results []load.Result, marks []Mark) map[string]float64 {
	out := map[string]float64{}
	for i, m := range marks[:max(len(marks)-1, 0)] {
		for _, r := range results {
			if at := r.At.Seconds(); at >= m.At && at < marks[i+1].At {
				out[m.Name] = max(out[m.Name], float64(r.Latency.Milliseconds()))
			}
		}
	}
	return out
}

// close sends everybody home and counts whether a visitor's row was lost.
func (l *loop) close(ctx context.Context) error {
	phases, err := l.StopVisits()
	if err != nil {
		return err
	}
	l.out.Phases = phases
	l.served()
	if err := l.StopRecorder(); err != nil {
		l.wrong("%v", err)
	}
	count := func(where string) (int64, error) {
		sum, err := l.Site.Sum(ctx, where)
		return sum.Rows, err
	}
	if l.out.Undo.Added, err = count(fmt.Sprintf("id > %d", l.before.rows.MaxID)); err != nil {
		return err
	}
	written, err := count(fmt.Sprintf("id > %d", l.bench.sc.Stack.Seed.Rows))
	if err != nil {
		return err
	}
	answered := int64(0)
	for _, r := range l.bench.results {
		if r.OK && r.Kind == load.XMLRPC {
			answered++
		}
	}
	if written < answered {
		l.wrong("%d failed log-ins were answered, %d rows of them are in the table: some were lost", answered, written)
	}
	return nil
}
