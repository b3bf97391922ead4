// Package tail follows a growing text file from beat to beat, line by line.
//
// It polls: one stat a call while nothing was written, no inotify, no
// goroutine. It survives rotation (the old file is read to its end first, and
// for a while longer, because old workers go on writing to it), truncation
// (copytruncate), deletion, and a file that does not exist yet. It starts at
// the end of the file. What it hands out is hostile text: lines are bounded by
// MaxLine, what is longer is cut and the rest skipped. A last line without its
// newline waits for the newline.
package tail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// MaxLine is the most of one line that is handed out, in bytes.
const MaxLine = 64 << 10

const (
	chunk      = 2 * MaxLine // read at once; at least a whole line and its newline
	printLen   = 32          // bytes before the offset that must not change
	oldPatient = 30          // calls without news after which a rotated file is let go
)

// chunks are shared by all tailers: no memory is held between beats.
var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// Tailer follows one path. It is not safe for concurrent use.
type Tailer struct {
	path    string
	cur     *file
	old     *file // rotated away, still read while someone writes to it
	quiet   int   // calls in which old had nothing new
	waiting bool  // the path was missing at first: what appears is new, all of it counts
}

// Result is what one Read did.
type Result struct {
	Bytes     int64
	Lines     int64
	Lag       int64 // bytes written but not read, because the bound of this call was reached
	Rotated   bool
	Truncated bool
}

// New returns a tailer that starts at the end of what path holds at its first Read or Open.
func New(path string) *Tailer { return &Tailer{path: path} }

// Path returns the path that is followed.
func (t *Tailer) Path() string { return t.path }

// Open opens the file, if it is not open, and returns the offset at which
// following begins or goes on: everything before it is history.
// Errors are as those of Read.
func (t *Tailer) Open() (int64, error) {
	if err := t.follow(&Result{}); err != nil {
		return 0, err
	}
	return t.cur.off, nil
}

// Read hands each new complete line to each, up to about max bytes. The line
// is valid only during the call. The error wraps evidence.ErrAbsent, with a
// hint, where the path is missing, unreadable or no regular file; a file that
// is already open is read on even then.
func (t *Tailer) Read(max int64, each func(line []byte)) (Result, error) {
	var r Result
	if err := t.follow(&r); err != nil && t.cur == nil {
		return r, err
	}
	if t.old != nil {
		before := r.Bytes
		if err := t.old.read(max, &r, each); err != nil {
			return r, fmt.Errorf("read the rotated log %s: %w", t.path, err)
		}
		if t.quiet++; r.Bytes > before {
			t.quiet = 0
		}
		if t.quiet >= oldPatient {
			t.dropOld(&r, each)
		}
	}
	if err := t.cur.read(max-r.Bytes, &r, each); err != nil {
		return r, fmt.Errorf("read the log %s: %w", t.path, err)
	}
	return r, nil
}

// Close lets the files go.
func (t *Tailer) Close() error {
	var errs []error
	for _, f := range []*file{t.cur, t.old} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	t.cur, t.old = nil, nil
	return errors.Join(errs...)
}

// follow opens the path at the first call and after each rotation.
func (t *Tailer) follow(r *Result) error {
	fi, err := os.Stat(t.path)
	if err == nil && t.cur != nil && os.SameFile(fi, t.cur.info) {
		return nil
	}
	if err != nil {
		t.waiting = t.waiting || t.cur == nil && errors.Is(err, fs.ErrNotExist)
		return absent(t.path, err)
	}
	next, err := open(t.path)
	if err != nil {
		return absent(t.path, err)
	}
	if t.cur == nil && !t.waiting {
		if err := next.toEnd(); err != nil {
			_ = next.Close()
			return absent(t.path, err)
		}
	}
	if t.cur != nil {
		if t.old != nil {
			_ = t.old.Close() // two rotations within oldPatient calls
		}
		t.old, t.quiet, r.Rotated = t.cur, 0, true
	}
	t.cur = next
	return nil
}

func (t *Tailer) dropOld(r *Result, each func([]byte)) {
	t.old.rest(r, each)
	_ = t.old.Close()
	t.old = nil
}

// absent words why a log cannot be followed.
func absent(path string, err error) error {
	wrapped := fmt.Errorf("follow the log %s: %w: %w", path, evidence.ErrAbsent, err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return hint.Wrap(wrapped, "log-unreadable", "let hirune read "+path+": run it as root, or add its user to the group that owns the log (often adm)")
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(wrapped, "log-missing", path+" does not exist: does the server log somewhere else? name the file in hirune's configuration")
	case errors.Is(err, errNotRegular):
		return hint.Wrap(wrapped, "log-not-a-file", path+" is not a regular file: let the server write its log to a file too")
	}
	return hint.Wrap(wrapped, "log-unreadable", "check that "+path+" can be read")
}

var errNotRegular = errors.New("not a regular file")

// open never blocks: a log may be a named pipe that nobody writes to.
func open(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &file{File: f, info: fi}, nil
}

// trim takes off the carriage return and what exceeds MaxLine.
func trim(line []byte) []byte {
	if len(line) > MaxLine {
		line = line[:MaxLine]
	}
	return bytes.TrimSuffix(line, []byte{'\r'})
}

var _ io.Closer = (*Tailer)(nil)
