package collectors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/tail"
)

const (
	trafficBytes  = 4 << 20 // of one log in one beat
	clientsEvery  = 10 * time.Second
	clientsTop    = 5
	clientsLeast  = 5       // requests that make a client worth a fact
	historyBytes  = 2 << 20 // of text in one beat: some 10 ms of CPU
	historyDays   = 8       // a week, and the same hour of the day before it
	ownAddrsEvery = time.Minute
	logsLookAgain = 30 * time.Second // for logs that discovery found since
)

// Traffic reads the access logs of all web servers: each beat the completed
// requests by class, each 10 s the busiest clients, each minute the attacks, and
// at the start what the logs held before, in small slices.
type Traffic struct {
	// Besieged is told each minute who attacks, where there were requests; nil:
	// nobody wants to know. It must not wait.
	Besieged func(Siege)

	HistoryDays  int   // how far back at the start; 0 reads no history
	HistoryBytes int64 // text read for it in one beat

	found  func() discover.Found
	logs   []*siteLog // in the order in which they were found
	siege  siege
	own    map[netip.Addr]bool
	ownAt  time.Time
	faults logFaults
	lookAt time.Time
}

// siteLog is one access log that is followed.
type siteLog struct {
	site    string
	tail    *tail.Tailer
	reader  *accesslog.Reader
	count   accesslog.Counter
	busy    accesslog.Busiest
	busyAt  time.Time
	readAt  time.Time
	history *accesslog.History
	started bool
	late    bool
}

// NewTraffic returns the collector of the logs that found names; it is asked
// again now and then.
func NewTraffic(found func() discover.Found) *Traffic {
	return &Traffic{HistoryDays: historyDays, HistoryBytes: historyBytes, found: found, faults: logFaults{}}
}

// Name implements collect.Collector.
func (t *Traffic) Name() string { return "traffic" }

// Blinds implements collect.Blinder.
func (*Traffic) Blinds() string {
	return "requests: how many, how slow, from whom"
}

// Collect implements collect.Collector. It reads at most 4 MB of a log.
func (t *Traffic) Collect(ctx context.Context, b *collect.Beat) error {
	t.look(b.Now)
	var errs []error
	failed := make([]error, len(t.logs))
	for i, l := range t.logs {
		if ctx.Err() != nil {
			return fmt.Errorf("read the access logs: %w", ctx.Err())
		}
		if failed[i] = t.follow(l, b); failed[i] != nil {
			errs = append(errs, failed[i])
		}
	}
	t.siege.tell(b, t.Besieged)
	t.past(ctx, b)
	if len(errs) == len(t.logs) {
		errs = append(errs, fmt.Errorf("read the access logs: %w: none of %d can be read", evidence.ErrAbsent, len(t.logs)))
		return errors.Join(errs...)
	}
	for i, l := range t.logs {
		t.faults.tell(b, t.Name(), l.tail.Path(), failed[i])
	}
	return nil
}

// HistoryDone reports whether all that the logs held before has been told, as
// far as they can be read.
func (t *Traffic) HistoryDone() bool {
	for _, l := range t.logs {
		if l.history != nil {
			return false
		}
	}
	return true
}

// Close lets the logs go.
func (t *Traffic) Close() error {
	var errs []error
	for _, l := range t.logs {
		if l.history != nil {
			l.history.Stop()
		}
		errs = append(errs, l.tail.Close())
	}
	return errors.Join(errs...)
}

// look takes up logs that are new and the host's present addresses.
func (t *Traffic) look(now time.Time) {
	if now.Sub(t.ownAt) >= ownAddrsEvery || t.own == nil {
		t.own, t.ownAt = ownAddrs(), now
	}
	if now.Before(t.lookAt) {
		return
	}
	t.lookAt = now.Add(logsLookAgain)
	for _, w := range t.found().WebServers {
		for _, a := range w.AccessLogs {
			if a.Path == "" || t.knows(a.Path) {
				continue
			}
			t.logs = append(t.logs, &siteLog{
				site: siteOf(a), tail: tail.New(a.Path), readAt: now, busyAt: now,
				reader: accesslog.NewReader(a.Format, time.Local, t.isOwn),
			})
		}
	}
}

func (t *Traffic) knows(path string) bool {
	return slices.ContainsFunc(t.logs, func(l *siteLog) bool { return l.tail.Path() == path })
}

func siteOf(a discover.AccessLog) string {
	if a.Site != "" {
		return a.Site
	}
	return a.Path
}

func (t *Traffic) isOwn(a netip.Addr) bool { return t.own[a] }

func ownAddrs() map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return out // without them only loopback is known to be the host itself
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out[p.Addr().Unmap()] = true
		}
	}
	return out
}

// follow reads what is new in one log and tells it.
func (t *Traffic) follow(l *siteLog, b *collect.Beat) error {
	if err := t.start(l, b.Now); err != nil {
		return err
	}
	var q accesslog.Request
	r, err := l.tail.Read(trafficBytes, func(line []byte) {
		if l.reader.Read(line, &q) && !q.OwnProbe {
			l.reader.Faults.Learn(&q)
			l.count.Add(&q)
			l.busy.Add(&q)
			t.siege.add(l.reader.Parser, &q, b.Now)
		}
	})
	l.count.Traffic(l.site, since(l.readAt, b.Now), l.reader.Faults, func(f evidence.Traffic) { b.Emit(f) })
	l.readAt = b.Now
	if over := since(l.busyAt, b.Now); over >= clientsEvery || b.Now.Before(l.busyAt) {
		l.busy.Clients(l.site, over, clientsTop, clientsLeast, func(f evidence.ClientUse) { b.Emit(f) })
		l.busyAt = b.Now
	}
	l.tellLag(r.Lag, b)
	if err != nil {
		return err
	}
	return l.reader.Parser.Err()
}

// since is the time from a to b, at least a moment: the clock may be set back.
func since(a, b time.Time) time.Duration { return max(time.Millisecond, b.Sub(a)) }

// tellLag says when a log grows faster than it is read, and when that is over.
func (l *siteLog) tellLag(bytes int64, b *collect.Beat) {
	if late := bytes > 0; late != l.late {
		l.late = late
		b.Emit(evidence.Unseen{
			Source: "traffic", Code: "log-lag", What: "the latest requests in " + l.tail.Path(), Seen: !late,
			Detail: fmt.Sprintf("%d bytes were written that are not read yet", bytes),
		})
	}
}

// start opens the log at its end and prepares the history of what is before.
func (t *Traffic) start(l *siteLog, now time.Time) error {
	if l.started {
		return nil
	}
	end, err := l.tail.Open()
	if err != nil {
		return err
	}
	l.started = true
	if t.HistoryDays > 0 {
		l.history = accesslog.NewHistory(l.site, l.tail.Path(), end, now.AddDate(0, 0, -t.HistoryDays), now, l.reader)
	}
	return nil
}

// past reads a slice of history: of one log after the other, the youngest
// part of each first.
func (t *Traffic) past(ctx context.Context, b *collect.Beat) {
	for _, l := range t.logs {
		if l.history == nil || ctx.Err() != nil {
			continue
		}
		if !l.history.Step(t.HistoryBytes, b.EmitAt) {
			return
		}
		if failed := l.history.Failed(); len(failed) > 0 {
			b.Emit(evidence.Unseen{
				Source: "traffic", Code: "history-unreadable", What: "some of the requests before recording began",
				Detail: errors.Join(failed...).Error(), Hint: "let hirune read the rotated logs of " + l.tail.Path(),
			})
		}
		l.history = nil
		return
	}
}
