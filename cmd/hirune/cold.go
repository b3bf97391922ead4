package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/recording"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/mysql"
	"hirune/internal/edge/past"
)

// A diagnosis with no recording: how the server is now, and what it kept by
// itself of the last two weeks.
const (
	keptBack   = 14 * 24 * time.Hour
	keptBefore = 2 * time.Hour // of quiet time before a trouble
	keptAfter  = time.Hour
	keptWithin = 25 * time.Second // for the slow log and sysstat, beside the look
	keptMemory = 48 << 20         // bytes; soft
	askWithin  = 10 * time.Second // for the plans of statements that are over
	askMost    = 15               // statements that are asked about
)

// kept is what the server kept by itself.
type kept struct {
	since   time.Time
	named   []mysql.Credential
	records []evidence.Record
	shapes  []past.Shape // with their literals: they go nowhere but to EXPLAIN
	traffic interface {
		EachMinute(each func(at time.Time, requests, errors int64, pageMs float64))
		Minutes(from, to time.Time) []evidence.Record
		HistoryDone() bool
	}
}

// lookBack begins to read what the server kept; the function that it returns
// waits for the end. The logs that the eyes follow they read back themselves.
func (a *app) lookBack(ctx context.Context, e *eyes, cfg discover.Config) func() *kept {
	spareMemory()
	debug.SetMemoryLimit(keptMemory)
	k := &kept{since: a.now().Add(-keptBack), traffic: e.traffic}
	k.named, _ = accounts(cfg) // the eyes are open: they could be read
	e.traffic.HistoryDays, e.traffic.ByMinute, e.errors.Since = int(keptBack.Hours()/24), true, k.since
	in := past.In{Since: k.since, Now: a.now(), Zone: time.Local}
	done := make(chan struct{})
	within, cancel := context.WithTimeout(ctx, keptWithin)
	go func() {
		defer close(done)
		machine, err := past.Machine(within, in)
		k.add(in.Now, machine, "sysstat", "what the machine did in the last weeks", err)
		for _, d := range e.found().Databases {
			path := a.slowLog(within, d, a.tryAccounts(e.found(), k.named))
			if path == "" || within.Err() != nil {
				continue
			}
			s, err := past.ReadSlowLog(within, d.Instance, path, in)
			if errors.Is(err, fs.ErrNotExist) {
				err = nil // it was never switched on
			}
			k.add(in.Now, s.Records, "slowlog", "slow statements of the last weeks", err)
			k.shapes = append(k.shapes, s.Shapes...)
		}
	}()
	return func() *kept {
		<-done // bounded by keptWithin
		cancel()
		return k
	}
}

// add takes records in, and says what could not be read.
func (k *kept) add(now time.Time, records []evidence.Record, source, what string, err error) {
	k.records = append(k.records, records...)
	if err != nil {
		k.records = append(k.records, evidence.Record{At: now, Source: source, Fact: evidence.Unseen{Source: source, Code: "history-unreadable", What: what, Detail: err.Error()}})
	}
}

// slowLog is where a server writes its slow log: by its own word, or else by its
// configuration.
func (a *app) slowLog(ctx context.Context, d discover.Database, accounts []mysql.Credential) string {
	conn, err := mysql.Open(ctx, targetOf(d), accounts)
	if err != nil {
		return d.SlowLog
	}
	defer func() { _ = conn.Close() }()
	l, err := conn.SlowLog(ctx)
	if err != nil {
		return d.SlowLog
	}
	return cmp.Or(l.File, d.SlowLog)
}

func targetOf(d discover.Database) mysql.Target {
	return mysql.Target{Instance: d.Instance, Flavour: d.Flavour, Socket: d.Socket, Address: d.Address, ExtraPort: d.ExtraPort}
}

// askPlans asks how the database would read the tables of the worst statements
// of the slow log, and those that plugins clean up by age: it takes no outage to
// know that.
func (a *app) askPlans(ctx context.Context, e *eyes, k *kept, seen []evidence.Record) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	for _, d := range e.found().Databases {
		conn, err := mysql.Open(ctx, targetOf(d), a.tryAccounts(e.found(), k.named))
		if err != nil {
			continue // the look has said why
		}
		asker{conn, a.now, k, d.Instance}.ask(ctx, seen)
		_ = conn.Close()
	}
}

// asker asks one server.
type asker struct {
	conn *mysql.Conn
	now  func() time.Time
	k    *kept
	db   string
}

func (q asker) emit(f evidence.Fact) {
	q.k.records = append(q.k.records, evidence.Record{At: q.now(), Source: "database", Fact: f})
}

func (q asker) ask(ctx context.Context, seen []evidence.Record) {
	known := map[string]bool{}
	var grown []evidence.TableGrowth
	for _, r := range seen {
		switch f := r.Fact.(type) {
		case evidence.Table:
			known[f.Schema+"."+f.Name] = true
		case evidence.TableGrowth:
			if f.DB == q.db {
				grown = append(grown, f)
			}
		}
	}
	asked := 0
	for _, s := range q.k.shapes {
		if s.DB != q.db || s.Table == "" || asked >= askMost || ctx.Err() != nil || q.conn.Lost() {
			continue
		}
		asked++
		if !known[s.Schema+"."+s.Table] {
			known[s.Schema+"."+s.Table] = true
			if t, ok, err := q.conn.Table(ctx, s.Schema, s.Table); err == nil && ok {
				q.emit(t)
			}
		}
		plans, err := q.conn.ExplainPast(ctx, s.Schema, s.Text)
		if err != nil {
			continue // the table is gone, or the account may not: then there is no plan
		}
		for _, p := range plans {
			q.emit(p)
		}
	}
	for _, g := range grown {
		if ctx.Err() != nil || q.conn.Lost() {
			return
		}
		f, plans, err := q.conn.ExplainByAge(ctx, g.Schema, g.Name, g.Column, q.now())
		if err != nil || len(plans) == 0 {
			continue
		}
		q.emit(f)
		q.emit(plans[0])
	}
}

// orKept is the verdict on the trouble that the server's own logs tell of, where
// nobody suffers now or what is to be seen now says nothing; else v itself.
func (a *app) orKept(f diagnoseFlags, l loaded, v diagnose.Verdict) (diagnose.Verdict, error) {
	if l.kept == nil || f.at == "" && !v.Outage.Zero() && len(v.Causes) > 0 {
		return v, nil
	}
	all, troubles := l.troubles()
	at := time.Time{}
	if f.at != "" {
		moment, err := momentIn(f.at, l.kept.since, l.to)
		if err != nil {
			return v, err
		}
		at = moment
	}
	onsets := make([]time.Time, len(troubles))
	for i, t := range troubles {
		onsets[i] = t.From
	}
	if len(troubles) == 0 {
		if f.at != "" {
			return v, hint.Wrap(errors.New("nothing that the server kept tells of trouble"), "no-such-time", "record, and ask again: "+a.sudo("hirune record"))
		}
		return v, nil
	}
	var t diagnose.Trouble
	var was diagnose.Verdict
	for i, c := range candidates(troubles, onsets, at) {
		if cv := a.judgeKept(l, all, c, onsets); i == 0 || len(cv.Causes) > 0 {
			t, was = c, cv
		}
		if len(was.Causes) > 0 {
			break
		}
	}
	if f.at == "" && !v.Outage.Zero() && len(was.Causes) == 0 {
		return v, nil
	}
	fmt.Fprintf(a.err, "nobody was recording; this is about %s to %s, as the server's own logs tell\n", stamp(t.From), stamp(t.To))
	var others []trouble
	for _, o := range troubles {
		if o != t {
			others = append(others, trouble{from: o.From, to: o.To, minutes: o.Weight})
		}
	}
	a.alsoAt(f, others)
	return was, nil
}

// troubles finds when visitors suffered by what the server kept. It returns all
// that is known, in the order of time, with it.
func (l loaded) troubles() ([]evidence.Record, []diagnose.Trouble) {
	all := slices.Concat(l.records, l.kept.records)
	w := recording.New(all)
	byMinute := map[int64]diagnose.Minute{} // all logs together
	l.kept.traffic.EachMinute(func(at time.Time, requests, errors int64, pageMs float64) {
		m, seen := byMinute[at.Unix()]
		if !seen {
			m = diagnose.Minute{At: at, PageMs: -1}
		}
		byMinute[at.Unix()] = diagnose.Minute{At: at, Requests: m.Requests + requests, Errors: m.Errors + errors, PageMs: max(m.PageMs, pageMs)}
	})
	minutes := slices.SortedFunc(maps.Values(byMinute), func(a, b diagnose.Minute) int { return a.At.Compare(b.At) })
	if !l.kept.traffic.HistoryDone() {
		minutes = unbroken(minutes)
	}
	found := diagnose.Troubles(w, minutes, diagnose.Usual(w))
	return all, slices.DeleteFunc(found, func(t diagnose.Trouble) bool { return t.To.Before(l.kept.since) || t.From.After(l.to) })
}

// readGap is how long no line must have been read to be where the reading of the
// logs ended: of a compressed file the oldest part is read first.
const readGap = 30 * time.Minute

// unbroken are the minutes since the last such gap.
func unbroken(minutes []diagnose.Minute) []diagnose.Minute {
	for i := len(minutes) - 1; i > 0; i-- {
		if minutes[i].At.Sub(minutes[i-1].At) >= readGap {
			return minutes[i:]
		}
	}
	return minutes
}

// candidatesMost is how many troubles are looked into for one whose cause shows.
const candidatesMost = 6

// candidates are the troubles to judge, in their order: the one at or next to a
// moment that was asked for; else the latest of those that repeat, and then the
// worst and the latest.
func candidates(all []diagnose.Trouble, onsets []time.Time, at time.Time) []diagnose.Trouble {
	far := func(t diagnose.Trouble) time.Duration {
		if t.Contains(at) {
			return 0
		}
		return min(t.From.Sub(at).Abs(), t.To.Sub(at).Abs())
	}
	if !at.IsZero() {
		return []diagnose.Trouble{slices.MinFunc(all, func(a, b diagnose.Trouble) int { return cmp.Compare(far(a), far(b)) })}
	}
	var out []diagnose.Trouble
	if f, ok := diagnose.FoldOf(onsets, time.Local); ok {
		last := f.Hits[len(f.Hits)-1]
		out = append(out, all[slices.IndexFunc(all, func(t diagnose.Trouble) bool { return t.From.Equal(last) })])
	}
	heaviest := slices.SortedFunc(slices.Values(all), func(a, b diagnose.Trouble) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), b.From.Compare(a.From))
	})
	latest := slices.SortedFunc(slices.Values(all), func(a, b diagnose.Trouble) int { return b.From.Compare(a.From) })
	for _, t := range slices.Concat(heaviest[:min(len(all), candidatesMost/2)], latest[:min(len(all), candidatesMost/2)]) {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// judgeKept gives the verdict on one trouble.
func (a *app) judgeKept(l loaded, all []evidence.Record, t diagnose.Trouble, onsets []time.Time) diagnose.Verdict {
	from, to := t.From.Add(-keptBefore), t.To.Add(keptAfter)
	if from.Before(l.kept.since) {
		from = l.kept.since
	}
	if to.After(l.to) {
		to = l.to
	}
	records := slices.Concat(all, l.kept.traffic.Minutes(from, to))
	w := recording.New(records).Between(from, to)
	return diagnose.Diagnose(w, rules.All(), diagnose.Options{At: t.From, Loc: time.Local, Onsets: onsets})
}
