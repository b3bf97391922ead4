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
	clientsLeast  = 5 // requests that make a client worth a fact
	pathsEvery    = time.Minute
	pathsBusy     = 10 * time.Second // where one pattern of addresses comes that often:
	pathsMuch     = 10               // requests in that time
	pathsTop      = 8
	pathsLeast    = 3
	historyBytes  = 2 << 20 // of text in one beat: some 10 ms of CPU
	historyDays   = 8       // a week, and the same hour of the day before it
	ownAddrsEvery = time.Minute
	logsLookAgain = 30 * time.Second // for logs that discovery found since
)

// Traffic reads the access logs of all web servers: each beat the completed
// requests by class, each 10 s the busiest clients, each minute the patterns of
// addresses (more often where one comes thick and fast) and the attacks, and at
// the start what the logs held before, in small slices.
type Traffic struct {
	// Besieged is told each minute who attacks, where there were requests; nil:
	// nobody wants to know. It must not wait.
	Besieged func(Siege)

	HistoryDays  int   // how far back at the start; 0 reads no history
	HistoryBytes int64 // text read for it in one beat
	ByMinute     bool  // the history is kept by the minute, too: see Minutes

	// Marks keeps how far the logs were read and who attacks was told; nil: nobody.
	Marks *Marks

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
	shapes  *accesslog.Shapes
	pathsAt time.Time
	readAt  time.Time
	history *accesslog.History
	minutes accesslog.Minutes // of the history, where they are wanted
	gap     *accesslog.Gap    // what came while nobody recorded
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
	t.gaps(ctx, b)
	if t.siege.tell(b, t.Besieged) {
		t.mark(b.Now)
	}
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
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}

func (l *siteLog) close() error {
	if l.history != nil {
		l.history.Stop()
	}
	if l.gap != nil {
		l.gap.Close()
	}
	return l.tail.Close()
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
		if w.Behind != "" {
			t.leave(w)
			continue
		}
		for _, a := range w.AccessLogs {
			if a.Path == "" || t.knows(a.Path) {
				continue
			}
			t.logs = append(t.logs, &siteLog{
				site: siteOf(a), tail: tail.New(a.Path), readAt: now, busyAt: now, pathsAt: now, shapes: accesslog.NewShapes(),
				reader: accesslog.NewReader(a.Format, time.Local, t.isOwn),
			})
		}
	}
}

// leave lets the logs of a server go whose requests another one logs, too.
func (t *Traffic) leave(w discover.WebServer) {
	t.logs = slices.DeleteFunc(t.logs, func(l *siteLog) bool {
		twice := slices.ContainsFunc(w.AccessLogs, func(a discover.AccessLog) bool { return a.Path == l.tail.Path() })
		if twice {
			_ = l.close() // it was only read
		}
		return twice
	})
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
			l.shapes.Add(&q)
			t.siege.add(l.reader.Parser, &q, b.Now, siegeClock)
		}
	})
	l.count.Traffic(l.site, since(l.readAt, b.Now), l.reader.Faults, func(f evidence.Traffic) { b.Emit(f) })
	l.readAt = b.Now
	if over := since(l.busyAt, b.Now); over >= clientsEvery || b.Now.Before(l.busyAt) {
		l.busy.Clients(l.site, over, clientsTop, clientsLeast, func(f evidence.ClientUse) { b.Emit(f) })
		l.busyAt = b.Now
	}
	l.tellPaths(b)
	l.tellLag(r.Lag, b)
	if err != nil {
		return err
	}
	return l.reader.Parser.Err()
}

// tellPaths tells each minute which patterns of addresses were asked for most, and
// more often while one of them comes thick and fast.
func (l *siteLog) tellPaths(b *collect.Beat) {
	over := since(l.pathsAt, b.Now)
	if over < pathsBusy && !b.Now.Before(l.pathsAt) || over < pathsEvery && l.shapes.Busiest() < pathsMuch {
		return
	}
	l.shapes.Paths(l.site, over, pathsTop, pathsLeast, func(f evidence.PathUse) { b.Emit(f) })
	l.pathsAt = b.Now
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
	if k, ok := t.Marks.of(t.Name(), l.tail.Path()); ok && now.Sub(k.At) < siegeFor {
		l.gap = accesslog.NewGap(l.tail.Path(), k.Mark, end)
	}
	if t.HistoryDays > 0 {
		l.history = accesslog.NewHistory(l.site, l.tail.Path(), end, now.AddDate(0, 0, -t.HistoryDays), now, l.reader)
		if t.ByMinute {
			l.history.Minutes = &l.minutes
		}
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
