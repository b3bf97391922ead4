// Package collect keeps the beat of the recorder: it asks each collector at
// its cadence, within a time budget, and hands what they saw to a sink.
//
// A collector is a small struct with one method. It keeps what it needs to turn
// counters into amounts. It returns an error that wraps evidence.ErrAbsent, with
// a hint, where its source does not exist or may not be read; the beat turns a
// change of that into an evidence.Unseen fact and goes on with the others.
package collect

import (
	"context"
	"time"

	"hirune/internal/core/evidence"
)

// Collector reads one source.
type Collector interface {
	// Name is the source's name in records, e.g. "host".
	Name() string
	// Collect reads the source once and emits what it saw. It returns within
	// the context's deadline. What it emitted before an error counts.
	Collect(ctx context.Context, b *Beat) error
}

// Beat is one call of a collector.
type Beat struct {
	Now  time.Time // the moment of this beat, equal for all of its collectors
	emit func(evidence.Record)
	src  string
}

// NewBeat returns a beat for one collector; emit receives its records.
func NewBeat(now time.Time, source string, emit func(evidence.Record)) *Beat {
	return &Beat{Now: now, emit: emit, src: source}
}

// Emit records a fact at the moment of the beat.
func (b *Beat) Emit(f evidence.Fact) { b.EmitAt(b.Now, f) }

// EmitAt records a fact at its own moment, such as that of a log line.
func (b *Beat) EmitAt(at time.Time, f evidence.Fact) {
	b.emit(evidence.Record{At: at, Source: b.src, Fact: f})
}

// Timed is a collector with its cadence.
type Timed struct {
	Collector
	Every   time.Duration // from beat to beat; grows under a CPU cap unless Steady
	Steady  bool          // keeps its cadence under a CPU cap
	Timeout time.Duration // for one call
}
