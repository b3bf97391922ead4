package main

import (
	"errors"
	"os"
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

// smallTape is up to which size a tape is read from its beginning, because that
// is where it keeps what the logs told of the weeks before. Larger ones hold
// many hours, which would cost more than the answer is worth.
const smallTape = 4 << 20

// history is from when on a tape is read that is asked about the time since
// from.
func history(path string, recorded tape.Span, from time.Time) time.Time {
	if st, err := os.Stat(path); err == nil && st.Size() <= smallTape {
		return recorded.From
	}
	return from
}

// question is which part of a tape is asked for.
type question struct {
	since time.Duration // 0: not given
	at    string        // as typed; empty: not given
}

// stretch returns the time to look at, and the moment asked for or zero.
func (q question) stretch(recorded tape.Span) (from, to, at time.Time, err error) {
	from, to = recorded.From, recorded.To
	back := defaultBack
	if q.since > 0 {
		back = q.since
	}
	end := to
	if q.at != "" {
		at, err = momentIn(q.at, from.In(time.Local), to)
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
	from    time.Time
	to      time.Time
	at      time.Time
	stats   tape.Stats
}

// load reads the asked time of a tape, with the facts about what existed then
// however old they are.
func load(r *tape.Reader, path string, q question) (loaded, error) {
	whole, err := r.Span()
	if err != nil {
		return loaded{}, err
	}
	if whole.To.IsZero() {
		return loaded{}, hint.Wrap(errEmpty, "tape-empty", "let the recorder run for a while first: sudo hirune record")
	}
	var l loaded
	if l.from, l.to, l.at, err = q.stretch(whole); err != nil {
		return l, err
	}
	err = l.read(r, history(path, whole, l.from))
	return l, err
}

// read fills in the facts since from, and what was known before then.
func (l *loaded) read(r *tape.Reader, from time.Time) error {
	known, st, err := r.Context(from)
	if err != nil {
		return err
	}
	seen, more, err := r.Records(from, l.to)
	if err != nil {
		return err
	}
	// What was first told within the time is among the records already.
	l.records = append(slices.DeleteFunc(known, func(k evidence.Record) bool { return !k.At.Before(from) && !k.At.After(l.to) }), seen...)
	l.stats = tape.Stats{Facts: len(l.records), Unknown: st.Unknown + more.Unknown, Blocks: more.Blocks, Damaged: append(st.Damaged, more.Damaged...)}
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
