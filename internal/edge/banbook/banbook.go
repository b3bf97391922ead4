// Package banbook keeps who is banned and who is allowed: one file of lines of
// JSON in the state folder, appended and synced before a layer is changed.
//
// The book is the intent; the kernel and the web server hold a copy that a flush
// or a reboot may take away. Several processes may append: each holds the file's
// lock for the moment. A line that cannot be read costs that line alone: one that
// is whole, of a newer hirune perhaps, is kept for ever, a torn one until the book
// is next written anew.
package banbook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/block"
	"hirune/internal/core/hint"
)

// Name of the book in its folder.
const Name = "bans.jsonl"

// ErrDenied says that the book cannot be read or written with these rights. It
// comes with a hint.
var ErrDenied = errors.New("no right to read or write the book of bans")

const (
	lineMost = 1 << 20         // of one line; Append refuses longer ones, so that no hirune has written any
	lockFor  = 5 * time.Second // others hold it for one write
	lockTry  = 20 * time.Millisecond
	// compactFrom is the size from which the book is written anew: some 4,000 bans.
	compactFrom = 2 << 20
)

// Book is the book of a folder. Its zero Compact size is compactFrom.
type Book struct {
	Dir  string
	most int64 // size from which it is compacted; 0: compactFrom
}

// Read returns the entries, none where there is no book, and how many lines could
// not be read. It may be called while somebody writes.
func (b Book) Read() (entries []block.Entry, damaged int, err error) {
	f, err := os.OpenFile(b.path(), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, denied(fmt.Errorf("open the book of bans: %w", err))
	}
	defer f.Close()
	entries, unread, err := parse(f)
	return entries, unread.lines, err
}

// Append writes entries; they are on disk when it returns. A long book is first
// written anew in short, as it stands at now.
func (b Book) Append(now time.Time, entries ...block.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var text bytes.Buffer
	for _, e := range entries {
		if !e.Sound() {
			return fmt.Errorf("write to the book of bans: an entry %q lacks what it is about", e.Event)
		}
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("code an entry of the book of bans: %w", err)
		}
		if len(line) >= lineMost {
			return fmt.Errorf("write to the book of bans: an entry %q has %d bytes, more than a line may have", e.Event, len(line))
		}
		text.Write(append(line, '\n'))
	}
	f, err := b.lock()
	if err != nil {
		return err
	}
	defer f.Close() // and the lock with it
	size, err := mend(f)
	if err != nil {
		return err
	}
	most := b.most
	if most == 0 {
		most = compactFrom
	}
	if size > most {
		return b.anew(f, now, text.Bytes())
	}
	if _, err := f.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write to the book of bans: %w", err)
	}
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		return fmt.Errorf("sync the book of bans: %w", err)
	}
	return nil
}

func (b Book) path() string { return filepath.Join(b.Dir, Name) }

// lock opens or makes the book, for this process alone.
func (b Book) lock() (*os.File, error) {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return nil, denied(fmt.Errorf("make the folder of the book of bans: %w", err))
	}
	for end := time.Now().Add(lockFor); ; time.Sleep(lockTry) {
		f, err := os.OpenFile(b.path(), os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, denied(fmt.Errorf("open the book of bans: %w", err))
		}
		locked := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if locked == nil && current(f) {
			return f, own(f)
		}
		f.Close() // somebody else writes, or has just put a new file in its place
		if time.Now().After(end) {
			return nil, hint.Wrap(fmt.Errorf("open the book of bans %s: another hirune holds it for longer than %v", b.path(), lockFor), "in-use", "is the disk hanging? try again")
		}
	}
}

// current reports whether the file is still the one under its name.
func current(f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	n, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(a, n)
}

// own refuses a book that somebody else could have written: it says whom the
// kernel lets through.
func own(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look whose the book of bans is: %w", err)
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); !st.Mode().IsRegular() || !ok || int(sys.Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return hint.Wrap(fmt.Errorf("open the book of bans %s: %w: others may write to it", f.Name(), ErrDenied), "book-foreign",
			"look who made it; where it is your own: chown it to the user that runs hirune, and chmod 600")
	}
	return nil
}

// mend ends a line that a crash has left torn, and returns the size.
func mend(f *os.File) (int64, error) {
	st, err := f.Stat()
	if err != nil || st.Size() == 0 {
		return 0, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, st.Size()-1); err != nil {
		return 0, fmt.Errorf("read the end of the book of bans: %w", err)
	}
	if last[0] != '\n' {
		if _, err := f.Write([]byte("\n")); err != nil {
			return 0, fmt.Errorf("write to the book of bans: %w", err)
		}
	}
	return st.Size(), nil
}

// anew puts a short book with the text at its end in the place of the long one.
// Lines that are whole and cannot be read come behind what could be: who was let in
// by one of them stays so.
func (b Book) anew(f *os.File, now time.Time, text []byte) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the book of bans: %w", err)
	}
	entries, unread, err := parse(f)
	if err != nil {
		return fmt.Errorf("read the book of bans: %w", err)
	}
	var short bytes.Buffer
	for _, e := range block.Compact(entries, now) {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("code an entry of the book of bans: %w", err)
		}
		short.Write(append(line, '\n'))
	}
	short.Write(unread.whole)
	short.Write(text)
	if err := replace(b.path(), short.Bytes()); err != nil {
		return fmt.Errorf("write the book of bans anew: %w", err)
	}
	return nil
}

// replace puts a file in the place of another at once, durably. From the moment of
// the renaming on, the next writer may be at work on the same names.
func replace(path string, text []byte) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a crash
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// unread is what parse cannot read.
type unread struct {
	lines int
	whole []byte // those of them that are JSON, each with its end: a newer hirune may know them
}

func parse(r io.Reader) (entries []block.Entry, left unread, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var buf []byte
	for err == nil {
		var line []byte
		var long bool
		buf, long, err = readLine(in, buf[:0])
		line = bytes.TrimSpace(buf)
		var e block.Entry
		switch {
		case len(line) == 0 && !long:
		case !long && json.Unmarshal(line, &e) == nil && e.Sound():
			entries = append(entries, e)
		default:
			left.lines++
			if !long && line[0] == '{' && json.Valid(line) {
				left.whole = append(append(left.whole, line...), '\n')
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return entries, left, err
}

// readLine reads one line behind what is in buf. Of one that is too long it keeps
// only the beginning. The last line comes with the error that ended it.
func readLine(in *bufio.Reader, buf []byte) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(buf)+len(part) > lineMost; !long {
			buf = append(buf, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, long, err
		}
	}
}

func denied(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return hint.Wrap(fmt.Errorf("%w: %w", ErrDenied, err), "book-denied", "run it with sudo")
	}
	return hint.Wrap(err, "book", "name a folder that can be written to with --state DIR")
}
