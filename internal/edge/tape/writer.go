package tape

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"hirune/internal/core/evidence"
)

// Writer appends to a tape. Append never waits for the disk; Commit does.
// Its methods may be called from several goroutines.
type Writer struct {
	path  string
	opt   Options
	aside string
	lock  *os.File

	mu      sync.Mutex // guards the two below
	pending []evidence.Record
	lost    int // facts dropped because they could not be written

	disk    sync.Mutex // guards all below
	db      *sql.DB
	file    os.FileInfo // of the tape, as it was opened
	pack    *packer
	minute  bundle    // facts of the running minute, encoded
	history bundle    // what logs told of the time before
	began   time.Time // of the running minute
	roll    rollup
	shapes  map[shapeKey]*shape
	known   knowledge
	full    bool // the disk was, at the last commit
	gone    bool // the file was removed, and could not be made anew
}

// OpenWriter opens the tape at path for recording, and makes it where there is
// none. A damaged tape is moved aside (see Aside) and a new one begun: the
// recorder must run. It returns ErrForeign, ErrNewer, ErrDenied, ErrInUse or
// ErrFull with a hint.
func OpenWriter(path string, opt Options) (*Writer, error) {
	w := &Writer{path: path, opt: opt.filled()}
	if !w.opt.export {
		var err error
		if w.lock, err = lock(path); err != nil {
			return nil, err
		}
	}
	err := w.open()
	if errors.Is(err, ErrDamaged) {
		if err = w.moveAside(); err == nil {
			err = w.open()
		}
	}
	if err != nil {
		return nil, errors.Join(err, w.unlock())
	}
	return w, nil
}

// Aside is where a damaged tape was moved to when this one was opened, or "".
func (w *Writer) Aside() string { return w.aside }

// Path is the tape's file.
func (w *Writer) Path() string { return w.path }

// Lost is how many facts were dropped because the tape could not be written
// for long.
func (w *Writer) Lost() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// Append takes records over, to be written by the next Commit. While the tape
// cannot be written the oldest are dropped beyond 50,000: what comes last says
// most about why. Its error is always nil; it fits collect.Sink.
func (w *Writer) Append(records []evidence.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, records...)
	if over := len(w.pending) - maxPending; over > 0 {
		w.lost += over
		w.pending = append([]evidence.Record(nil), w.pending[over:]...)
	}
	return nil
}

// Commit writes what was appended. After an error the facts are kept and the
// next Commit tries again. now is the wall clock; it may go back.
func (w *Writer) Commit(now time.Time) error {
	w.disk.Lock()
	defer w.disk.Unlock()
	if w.db == nil && !w.gone {
		return fmt.Errorf("write to the tape %s: it is closed", w.path)
	}
	bad := w.encode(now)
	if err := w.comeBack(); err != nil {
		return errors.Join(bad, w.couldNot(err))
	}
	if w.full {
		w.makeRoom()
	}
	if w.due(now) {
		return errors.Join(bad, classify(w.closeMinute(now)))
	}
	if w.opt.export {
		return bad // nobody reads it before it is closed
	}
	return errors.Join(bad, classify(w.commitTail()))
}

// Close commits, closes the running minute and releases the tape. The file is
// then complete by itself: nothing is left in the write-ahead log.
func (w *Writer) Close() error {
	w.disk.Lock()
	defer w.disk.Unlock()
	if w.db == nil && !w.gone {
		return nil
	}
	err := errors.Join(w.encode(w.began), w.comeBack())
	if w.db == nil {
		return errors.Join(err, w.unlock())
	}
	if w.minute.facts+w.history.facts > 0 {
		err = errors.Join(err, w.closeMinute(w.began))
	}
	_, cerr := w.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	if errors.Is(classify(err), ErrFull) {
		cerr = nil // it fails for the same reason
	}
	err = errors.Join(err, cerr, w.db.Close())
	w.db = nil
	return errors.Join(classify(err), w.unlock())
}

func (w *Writer) unlock() error {
	if w.lock == nil {
		return nil
	}
	// The file stays: to remove it would let two recorders lock two files.
	err := w.lock.Close()
	w.lock = nil
	return err
}

func (w *Writer) open() error {
	fresh, err := w.create()
	if err != nil {
		return err
	}
	if w.db, err = connect(w.path, "mode=rw", w.pragmas(fresh)...); err != nil {
		return classify(err)
	}
	if err := w.prepare(fresh); err != nil {
		err = errors.Join(classify(err), w.db.Close())
		w.db = nil
		return err
	}
	w.file, err = os.Stat(w.path)
	return classify(err)
}

// comeBack makes the tape anew where somebody has removed or replaced it while
// it was written: what goes into a removed file is lost. What the running minute
// holds is kept.
func (w *Writer) comeBack() error {
	if w.opt.export {
		return nil
	}
	if !w.gone {
		now, err := os.Stat(w.path)
		if err == nil && os.SameFile(now, w.file) || err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil
		}
		err = errors.Join(w.db.Close(), w.forget())
		w.db, w.gone = nil, true
		w.minute.nowhere()
		if err != nil {
			return classify(fmt.Errorf("let the removed tape %s go: %w", w.path, err))
		}
	}
	minute, history, began := w.minute, w.history, w.began
	err := w.open()
	w.minute, w.history, w.began = minute, history, began
	w.gone = err != nil
	return err
}

// forget removes the log that belonged to a tape that was removed: to another
// one it would be a poison.
func (w *Writer) forget() error {
	if _, err := os.Stat(w.path); err == nil {
		return nil // there is another tape now, and the log may be its own
	}
	for _, ext := range []string{"-wal", "-shm"} {
		if err := os.Remove(w.path + ext); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// create makes an empty file that only its owner can read, and reports whether
// the tape's tables are still to be made. SQLite gives its log the same rights.
func (w *Writer) create() (bool, error) {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return true, classify(f.Close())
	}
	if !errors.Is(err, os.ErrExist) {
		return false, classify(fmt.Errorf("make the tape: %w", err))
	}
	if err := regular(w.path); err != nil {
		return false, err
	}
	st, err := os.Stat(w.path)
	return err == nil && st.Size() == 0, classify(err)
}

func (w *Writer) pragmas(fresh bool) []string {
	if w.opt.export {
		return []string{"page_size=1024", "journal_mode=DELETE", "synchronous=OFF"}
	}
	var out []string
	if fresh {
		// Only an empty file can take it; without it a tape never shrinks.
		out = append(out, "auto_vacuum=INCREMENTAL")
	}
	// The checkpoint is made by closeMinute, at a moment of our choice. FULL
	// writes the log through at each commit: a host that is reset in its
	// outage keeps all but the last seconds.
	return append(out, "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "journal_size_limit=1048576", "foreign_keys=OFF")
}

func (w *Writer) prepare(fresh bool) error {
	if fresh {
		if err := w.makeTables(); err != nil {
			return err
		}
	}
	if err := check(w.db, w.path); err != nil {
		return err
	}
	if err := w.upgrade(); err != nil {
		return err
	}
	var err error
	if w.pack, err = newPacker(w.opt.export); err != nil {
		return err
	}
	w.shapes, w.known, w.began = map[shapeKey]*shape{}, knowledge{}, time.Time{}
	w.minute, w.history, w.roll = bundle{}, bundle{}, rollup{}
	if err := unlessFull(setMeta(w.db, "hirune_version", w.opt.Version)); err != nil {
		return fmt.Errorf("write to %s: %w", w.path, err)
	}
	return w.recover()
}

func (w *Writer) makeTables() error {
	salt := make([]byte, 16)
	if _, err := io.ReadFull(w.opt.Rand, salt); err != nil {
		return fmt.Errorf("draw the tape's salt: %w", err)
	}
	return w.inTx(func(tx *sql.Tx) error {
		for _, q := range []string{schemaSQL + historySQL,
			"PRAGMA application_id=" + strconv.Itoa(applicationID),
			"PRAGMA user_version=" + strconv.Itoa(schemaVersion)} {
			if _, err := tx.ExecContext(context.Background(), q); err != nil {
				return fmt.Errorf("make the tables of %s: %w", w.path, err)
			}
		}
		return errors.Join(setMeta(tx, "created", w.opt.Now.UTC().Format(time.RFC3339)), setMeta(tx, "salt", hex.EncodeToString(salt)))
	})
}

// upgrade brings a tape of an older hirune up to date.
func (w *Writer) upgrade() error {
	version, err := versionOf(w.db)
	if err != nil || version >= schemaVersion {
		return err
	}
	return unlessFull(w.inTx(func(tx *sql.Tx) error {
		for _, q := range []string{historySQL, "PRAGMA user_version=" + strconv.Itoa(schemaVersion)} {
			if _, err := tx.ExecContext(context.Background(), q); err != nil {
				return fmt.Errorf("bring %s up to date: %w", w.path, err)
			}
		}
		return nil
	}))
}

// moveAside renames a damaged tape and its log, so that nothing is thrown away.
func (w *Writer) moveAside() error {
	to := w.path + ".damaged-" + w.opt.Now.UTC().Format("20060102T150405")
	if err := os.Rename(w.path, to); err != nil {
		return classify(fmt.Errorf("move the damaged tape aside: %w", err))
	}
	for _, ext := range []string{"-wal", "-shm"} {
		if err := os.Rename(w.path+ext, to+ext); err != nil && !errors.Is(err, os.ErrNotExist) {
			return classify(fmt.Errorf("move the damaged tape aside: %w", err))
		}
	}
	w.aside = to
	return nil
}

// inTx runs do in one transaction.
func (w *Writer) inTx(do func(*sql.Tx) error) error {
	tx, err := w.db.BeginTx(context.Background(), nil)
	if err != nil {
		return fmt.Errorf("begin a transaction on %s: %w", w.path, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // on a full disk SQLite has done that by itself
		return err
	}
	if err := tx.Commit(); err != nil {
		// After a failed COMMIT SQLite may still be in the transaction.
		_, _ = w.db.ExecContext(context.Background(), "ROLLBACK")
		return fmt.Errorf("commit to %s: %w", w.path, err)
	}
	return nil
}
