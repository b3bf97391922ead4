// Package evidence is the vocabulary of hirune: what can be observed on a
// server, as a closed set of small facts with their units.
//
// A collector produces facts, the tape keeps them, a rule reads them. A fact
// says what was seen, never what it means. Amounts such as CPU time are over
// the interval since the collector's last fact (OverMs), so that they can be
// summed over any window and a lost record costs only itself. A value that the
// source could not tell is -1 where the field says so.
package evidence

import (
	"errors"
	"time"
)

// ErrAbsent says that a source does not exist on this host or may not be
// read: that is a fact about the host, not a failure.
var ErrAbsent = errors.New("not available here")

// Fact is one observation. The set of facts is closed: each has its line in
// the codec table.
type Fact interface {
	// Kind is the wire name of the fact, stable for ever.
	Kind() string
}

// Record is a fact with its moment and its origin.
type Record struct {
	At     time.Time // when it was observed, or when the log line says it happened
	Source string    // the collector that saw it, e.g. "host" or "database"
	Fact   Fact
}

// Unseen says that a source could not be read, why, and what would change it.
type Unseen struct {
	Source string `cbor:"s"`           // collector, e.g. "database"
	Code   string `cbor:"c"`           // stable id of the reason, e.g. "access-denied"
	What   string `cbor:"w"`           // what cannot be judged without it, in English
	Detail string `cbor:"d,omitempty"` // what was tried, with its error; no secrets
	Hint   string `cbor:"h,omitempty"` // the exact command, grant or line that would change it
	// Seen is true when it has become readable again. Without a Code it says that
	// a new run begins: what the source told before does not count any more.
	Seen bool `cbor:"o,omitempty"`
}

// Kind implements Fact.
func (Unseen) Kind() string { return "unseen" }

// SelfCost is what the recorder itself used.
type SelfCost struct {
	OverMs     int64  `cbor:"o"`
	CPUMs      int64  `cbor:"c"`
	RSSKB      int64  `cbor:"r"`
	AnonKB     int64  `cbor:"a"`
	IntervalMs int64  `cbor:"i"`           // the beat that is kept now; it grows under a CPU cap
	LateMs     int64  `cbor:"l,omitempty"` // how late the beat started
	Version    string `cbor:"v,omitempty"`
}

// Kind implements Fact.
func (SelfCost) Kind() string { return "self" }

// ClockStep says that the wall clock was set, seen against the monotonic clock.
type ClockStep struct {
	StepMs int64 `cbor:"s"` // negative: set back
}

// Kind implements Fact.
func (ClockStep) Kind() string { return "clock" }
