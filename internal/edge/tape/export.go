package tape

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hirune/internal/core/evidence"
)

// exportBlock is how much one block of an export holds: longer than in a
// recording, because it compresses better and nobody reads a part of it.
const exportBlock = 10 * time.Minute

// exportStep is how much is held in memory at a time.
const exportStep = time.Hour

// ExportOptions are the choices of an export. The zero value is usable.
type ExportOptions struct {
	Now     time.Time // zero: time.Now
	Version string    // of hirune
	Rand    io.Reader // nil: crypto/rand
}

// Exported is what an export holds.
type Exported struct {
	Facts   int
	Unknown int      // facts of a newer hirune, left out: they cannot be redacted
	Damaged []Damage // blocks that could not be read, left out
}

// Export writes the facts from from to to, with what exists, as one small tape
// of its own without personal data: SQL literals, query strings, user names,
// host names and directories are gone, client addresses are replaced by others
// that are as far apart. Table, column, plugin and hook names stay; without
// them there is no diagnosis. To export an export changes nothing more.
func Export(r *Reader, out io.Writer, from, to time.Time, opt ExportOptions) (Exported, error) {
	dir, err := os.MkdirTemp("", "hirune-export-")
	if err != nil {
		return Exported{}, fmt.Errorf("make room for the export: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tape")
	done, err := exportTo(r, path, from, to, opt)
	if err != nil {
		return done, err
	}
	f, err := os.Open(path)
	if err != nil {
		return done, fmt.Errorf("read the export: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(out, f); err != nil {
		return done, fmt.Errorf("write the export: %w", err)
	}
	return done, nil
}

func exportTo(r *Reader, path string, from, to time.Time, opt ExportOptions) (Exported, error) {
	var done Exported
	red := newRedactor(exportSalt(r))
	facts := 0
	// The first pass learns the names, so that their numbers do not depend on
	// which fact comes first; the second writes.
	if err := r.each(from, to, &Exported{}, func(rs []evidence.Record) error { red.learn(rs); facts += len(rs); return nil }); err != nil {
		return done, err
	}
	red.settle()
	w, err := OpenWriter(path, Options{Now: opt.Now, Version: opt.Version, Rand: opt.Rand, export: true})
	if err != nil {
		return done, err
	}
	err = r.each(from, to, &done, func(rs []evidence.Record) error {
		for i := range rs {
			rs[i] = red.record(rs[i])
		}
		return w.appendTimed(rs)
	})
	err = errors.Join(err, setMeta(w.db, "redacted", "1"), setMeta(w.db, "recorded_by", r.Version()))
	return done, errors.Join(err, w.Close())
}

// each hands on what exists and then the facts, an hour at a time.
func (r *Reader) each(from, to time.Time, done *Exported, do func([]evidence.Record) error) error {
	span, err := r.Span()
	if err != nil {
		return err
	}
	if from.Before(span.From) {
		from = span.From
	}
	if to.After(span.To) {
		to = span.To
	}
	take := func(rs []evidence.Record, st Stats, err error) error {
		if err != nil {
			return err
		}
		done.Facts += len(rs)
		done.Unknown += st.Unknown
		done.Damaged = append(done.Damaged, st.Damaged...)
		return do(rs)
	}
	known, st, err := r.Context(from)
	if err := take(outside(known, from, to), st, err); err != nil {
		return err
	}
	past, st, err := r.History()
	if err := take(past, st, err); err != nil {
		return err
	}
	for at := from; !at.After(to); at = at.Add(exportStep) {
		end := at.Add(exportStep - time.Millisecond)
		if end.After(to) {
			end = to
		}
		rs, st, err := r.Records(at, end)
		if err := take(rs, st, err); err != nil {
			return err
		}
	}
	return nil
}

// outside leaves out what Records finds anyway.
func outside(rs []evidence.Record, from, to time.Time) []evidence.Record {
	var out []evidence.Record
	for _, r := range rs {
		if r.At.Before(from) || r.At.After(to) {
			out = append(out, r)
		}
	}
	return out
}

// appendTimed writes records in the order of time, as blocks of exportBlock.
func (w *Writer) appendTimed(rs []evidence.Record) error {
	for i := 0; i < len(rs); {
		end := rs[i].At.Add(5 * time.Second)
		j := i
		for j < len(rs) && rs[j].At.Before(end) {
			j++
		}
		if err := errors.Join(w.Append(rs[i:j:j]), w.Commit(rs[j-1].At)); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// exportSalt is the key of the pseudonyms. It never leaves the tape: with it
// the client addresses could be found by trying all.
func exportSalt(r *Reader) []byte {
	b, err := hex.DecodeString(getMeta(r.db, "salt"))
	if err != nil || len(b) == 0 {
		return []byte("no salt on this tape")
	}
	return b
}

// Import writes an exported tape to a new file, for its reader only, and
// checks that it can be read.
func Import(in io.Reader, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return classify(fmt.Errorf("import a tape: %w", err))
	}
	_, err = io.Copy(f, in)
	err = errors.Join(err, f.Close())
	if err == nil {
		var r *Reader
		if r, err = OpenReader(path); err == nil {
			err = r.Close()
		}
	}
	if err != nil {
		return errors.Join(classify(fmt.Errorf("import a tape: %w", err)), os.Remove(path))
	}
	return nil
}
