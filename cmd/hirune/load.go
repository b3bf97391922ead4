package main

import (
	"errors"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/recording"
	"hirune/internal/edge/tape"
)

// How much of a tape is looked at unless the user says.
const (
	defaultBack  = 2 * time.Hour // one outage with a quiet time before it; an hour costs about a second of CPU
	defaultAhead = time.Hour     // after --at: does it end?
)

// readAtOnce is the longest time of which all facts are read: an hour costs up
// to a second of CPU and 20 MB. In a longer one the minutes say where to look.
const readAtOnce = defaultBack + defaultAhead

// question is which part of a tape is asked for.
type question struct {
	since  time.Duration // 0: not given
	at     string        // as typed; empty: not given
	moment time.Time     // instead of at; zero: not given
}

// open reports whether the moment of the trouble is left to us.
func (q question) open() bool { return q.at == "" && q.moment.IsZero() }

// stretch returns the time to look at, and the moment asked for or zero.
func (q question) stretch(recorded tape.Span) (from, to, at time.Time, err error) {
	from, to = recorded.From, recorded.To
	back := defaultBack
	if q.since > 0 {
		back = q.since
	}
	end := to
	if !q.open() {
		if at = q.moment; at.IsZero() {
			at, err = momentIn(q.at, from.In(time.Local), to)
		}
		if err != nil {
			return from, to, at, hint.Wrap(err, "no-such-time", "see what the tape covers: hirune tape info")
		}
		end = at
		if ahead := at.Add(defaultAhead); ahead.Before(to) {
			to = ahead
		}
	}
	if start := end.Add(-back); start.After(from) {
		from = start
	}
	return from, to, at, nil
}

// loaded is what is known of the asked time.
type loaded struct {
	records []evidence.Record
	fresh   []evidence.Record // of a look at the server: to come before its records where there are older ones
	from    time.Time
	to      time.Time
	at      time.Time
	stats   tape.Stats
	trouble []trouble // of the last days, by the minutes
	left    bool      // more was asked for than is read at once, and nothing there
	kept    *kept     // what the server kept by itself; nil where there is a recording
}

// load reads the asked time of a tape, with the facts about what existed then
// however old they are.
func load(r *tape.Reader, q question) (loaded, error) {
	spareMemory()
	whole, err := r.Span()
	if err != nil {
		return loaded{}, err
	}
	if whole.To.IsZero() {
		return loaded{}, hint.Wrap(errEmpty, "tape-empty", "let the recorder run for a while first: sudo hirune record")
	}
	var l loaded
	if l.trouble, err = troubleOf(r, whole); err != nil {
		return l, err
	}
	q, l.left = q.narrow(l.trouble, whole.To)
	if l.from, l.to, l.at, err = q.stretch(whole); err != nil {
		return l, err
	}
	err = l.read(r, l.from)
	l.records = append(l.records, l.lost()...)
	return l, err
}

// lost says in the verdict, too, what of the tape could not be read.
func (l *loaded) lost() []evidence.Record {
	var out []evidence.Record
	add := func(code, what, advice string) {
		out = append(out, evidence.Record{At: l.to, Source: "tape", Fact: evidence.Unseen{Source: "tape", Code: code, What: what, Hint: advice}})
	}
	if len(l.stats.Damaged) > 0 {
		add("tape-damaged", "parts of the recording, which are damaged", "use an older copy of the tape")
	}
	if l.stats.Unknown > 0 {
		add("tape-newer", count(l.stats.Unknown, "fact")+" that a newer hirune recorded", "install the newest hirune")
	}
	return out
}

// narrow turns a question about a long time into one about the worst in it;
// left says that there was no trouble in what will not be read.
func (q question) narrow(all []trouble, end time.Time) (_ question, left bool) {
	if q.since <= readAtOnce {
		return q, false
	}
	from := end.Add(-q.since)
	q.since = readAtOnce
	if !q.open() {
		return q, true
	}
	if t, ok := worst(since(all, from)); ok {
		q.moment = t.middle()
	}
	return q, q.moment.IsZero()
}

// read fills in the facts since from, what was known before then, and what
// logs told of the time before recording.
func (l *loaded) read(r *tape.Reader, from time.Time) error {
	known, st, err := r.Context(from)
	if err != nil {
		return err
	}
	past, old, err := r.History()
	if err != nil {
		return err
	}
	seen, more, err := r.Records(from, l.to)
	if err != nil {
		return err
	}
	// What was first told within the time is among the records already.
	known = slices.DeleteFunc(known, func(k evidence.Record) bool { return !k.At.Before(from) && !k.At.After(l.to) })
	l.records = slices.Concat(known, past, seen)
	l.stats = tape.Stats{Facts: len(l.records), Unknown: st.Unknown + old.Unknown + more.Unknown, Blocks: more.Blocks, Damaged: slices.Concat(st.Damaged, old.Damaged, more.Damaged)}
	return nil
}

var errEmpty = errors.New("nothing is recorded on this tape yet")

// window is the evidence, cut to the time in which somebody watched: logs reach
// much further back, and what exists was perhaps described long before.
func (l loaded) window() recording.Window {
	first, last := watched(l.records)
	w := recording.New(l.records)
	if first.IsZero() {
		return w
	}
	if first.Before(l.from) {
		first = l.from
	}
	return w.Between(first, last)
}

// watched is the time from the first to the last fact about the machine itself,
// which is never read from history.
func watched(records []evidence.Record) (first, last time.Time) {
	for _, r := range records {
		switch r.Fact.(type) {
		case evidence.Host, evidence.SelfCost, evidence.ServiceUse, evidence.DBStatus, evidence.Probe:
		default:
			continue
		}
		if first.IsZero() || r.At.Before(first) {
			first = r.At
		}
		if r.At.After(last) {
			last = r.At
		}
	}
	return first, last
}

// loadAll reads a whole tape, such as the one that is built in.
func loadAll(r *tape.Reader) (loaded, error) {
	whole, err := r.Span()
	if err != nil {
		return loaded{}, err
	}
	l := loaded{from: whole.From, to: whole.To}
	err = l.read(r, whole.From)
	return l, err
}
