// Package recording is an immutable window of evidence and the questions that
// one asks it.
//
// A Window holds the facts of a span of time by type, oldest first. Narrowing
// it is cheap: no fact is copied. Facts that describe what exists rather than
// what happened (sites, tables, plans, owners, schedules) are looked up over
// the whole recording, because they were perhaps written long before.
package recording

import (
	"iter"
	"slices"
	"sort"
	"time"

	"hirune/internal/core/evidence"
)

// Window is the evidence of the time from From to To. The zero Window is empty.
type Window struct {
	From, To time.Time
	byKind   map[string][]evidence.Record
}

// New returns the window over all of the records, in any order. It takes the
// slice over.
func New(records []evidence.Record) Window {
	sort.SliceStable(records, func(i, j int) bool { return records[i].At.Before(records[j].At) })
	w := Window{byKind: map[string][]evidence.Record{}}
	for _, r := range records {
		w.byKind[r.Fact.Kind()] = append(w.byKind[r.Fact.Kind()], r)
	}
	if len(records) > 0 {
		w.From, w.To = records[0].At, records[len(records)-1].At
	}
	return w
}

// Between returns the part of the window from from to to, both included.
func (w Window) Between(from, to time.Time) Window {
	if from.Before(w.From) {
		from = w.From
	}
	return Window{From: from, To: to, byKind: w.byKind}
}

// Empty reports whether the window has no fact at all.
func (w Window) Empty() bool {
	for k := range w.byKind {
		if len(w.slice(k)) > 0 {
			return false
		}
	}
	return true
}

// slice cuts a kind's records to the window. To is included when it is the
// recording's own end.
func (w Window) slice(kind string) []evidence.Record {
	rs := w.byKind[kind]
	lo := sort.Search(len(rs), func(i int) bool { return !rs[i].At.Before(w.From) })
	hi := sort.Search(len(rs), func(i int) bool { return rs[i].At.After(w.To) })
	return rs[lo:max(lo, hi)]
}

// All yields the facts of one type in the window with their moments, oldest first.
func All[T evidence.Fact](w Window) iter.Seq2[time.Time, T] {
	var zero T
	return each[T](w.slice(zero.Kind()))
}

// Ever yields the facts of one type in the whole recording, oldest first.
func Ever[T evidence.Fact](w Window) iter.Seq2[time.Time, T] {
	var zero T
	return each[T](w.byKind[zero.Kind()])
}

func each[T evidence.Fact](rs []evidence.Record) iter.Seq2[time.Time, T] {
	return func(yield func(time.Time, T) bool) {
		for _, r := range rs {
			if f, ok := r.Fact.(T); ok && !yield(r.At, f) {
				return
			}
		}
	}
}

// Count returns how many facts of one type the window has.
func Count[T evidence.Fact](w Window) int {
	var zero T
	return len(w.slice(zero.Kind()))
}

// Last returns the newest fact of one type in the window that ok accepts; a
// nil ok accepts any.
func Last[T evidence.Fact](w Window, ok func(T) bool) (T, time.Time, bool) {
	var zero T
	for _, r := range slices.Backward(w.slice(zero.Kind())) {
		if f, is := r.Fact.(T); is && (ok == nil || ok(f)) {
			return f, r.At, true
		}
	}
	return zero, time.Time{}, false
}

// Whole returns the window over the whole recording.
func (w Window) Whole() Window {
	out := Window{byKind: w.byKind}
	first := true
	for _, rs := range w.byKind {
		if first || rs[0].At.Before(out.From) {
			out.From = rs[0].At
		}
		if first || rs[len(rs)-1].At.After(out.To) {
			out.To = rs[len(rs)-1].At
		}
		first = false
	}
	return out
}

// Has reports whether the window has a fact of the kind.
func (w Window) Has(kind string) bool { return len(w.slice(kind)) > 0 }
