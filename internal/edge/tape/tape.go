// Package tape is the flight recorder's store: one SQLite file that the user
// can open with sqlite3 while the recorder writes.
//
// Facts are kept twice for a minute. Every few seconds a small batch is
// committed to the table tail, so that a kill -9 costs no more than the time
// between two commits. Once a minute the batches become one row of the table
// block: all facts of that minute, sorted by kind and compressed together. What logs
// told of the time before the recording is in a table of its own. The other
// tables are plain: rollups per minute, statements, facts about what
// exists (context), verdicts.
//
// The write-ahead log is used because a reader must never hold the recorder
// up: with a rollback journal a forgotten sqlite3 shell would. It also costs
// less. A busy hour, 84,000 facts, a commit each 4 s, by bench_test.go: 0.65 s
// of CPU and 27 MB written with the log, 1.29 s and 37 MB with a journal; 1.6 MB
// on disk with both.
package tape

import (
	"crypto/rand"
	"errors"
	"io"
	"time"

	"hirune/internal/core/hint"
)

// Errors of opening and writing a tape. Each comes with a hint.
var (
	ErrMissing = errors.New("no tape there")
	ErrForeign = errors.New("not a tape of hirune")
	ErrNewer   = errors.New("tape of a newer hirune")
	ErrDamaged = errors.New("tape is damaged")
	ErrDenied  = errors.New("no right to read or write the tape")
	ErrInUse   = errors.New("another recorder writes to this tape")
	ErrFull    = errors.New("no room left for the tape")
)

// DefaultMaxBytes bounds a tape: about ten days of a busy host, and small
// beside the 20 GB disk of the smallest bundle.
const DefaultMaxBytes = 400 << 20

// schemaVersion is PRAGMA user_version. A reader takes every version up to its own.
const schemaVersion = 2

// applicationID is PRAGMA application_id: "hrne".
const applicationID = 0x68726e65

// Limits that keep memory and a hostile file in bounds.
const (
	blockEvery  = time.Minute
	maxPending  = 50_000   // facts kept while they cannot be written
	maxBlockRaw = 2 << 20  // bytes of CBOR after which a block is closed early
	maxDecoded  = 32 << 20 // bytes that a damaged or hostile block may unpack to
)

// Options are the choices of a writer. The zero value is usable.
type Options struct {
	Now      time.Time // when the tape is opened; zero: time.Now
	MaxBytes int64     // 0: DefaultMaxBytes
	Version  string    // of hirune, kept in the tape
	Rand     io.Reader // for the salt; nil: crypto/rand
	export   bool      // small pages, best compression, no lock: the file is private
}

func (o Options) filled() Options {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}

func wrap(kind, err error, code, advice string) error {
	return hint.Wrap(&cause{kind, err}, code, advice)
}

// cause is an error of one of the kinds above with what SQLite or the system said.
type cause struct{ kind, err error }

func (c *cause) Error() string   { return c.kind.Error() + ": " + c.err.Error() }
func (c *cause) Unwrap() []error { return []error{c.kind, c.err} }
