// Package journal keeps what hirune did to the server: one file of lines of
// JSON, appended and synced before each thing is done, so that a crash, a kill or
// a power cut leaves a record of what may have happened.
//
// It is no part of the tape: a tape is bounded, pruned, and set aside when it is
// damaged; what was done must stay known until it is undone or given up.
//
// The file is only ever appended to, but for the end of a torn line. A line that
// cannot be read costs that line alone and stays: a newer hirune may know it, and
// its run keeps its number.
package journal

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

	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
)

// Name of the journal in its folder.
const Name = "journal.jsonl"

// Errors of opening a journal. Each comes with a hint.
var (
	ErrInUse  = errors.New("another hirune changes this server")
	ErrDenied = errors.New("no right to read or write the journal")
)

// lineMost bounds one line: a plan of many steps has some 10 KB. Write refuses
// longer ones, so that no hirune has written any.
const lineMost = 16 << 20

// Journal is the file, opened for writing; nobody else can write to it meanwhile.
type Journal struct {
	f       *os.File
	entries []apply.Entry
	unread  unread
	torn    bool // the last line may have no end
}

var _ apply.Journal = (*Journal)(nil)

// Open opens or makes the journal of a folder, reads what is in it and keeps
// others from writing. It returns ErrInUse or ErrDenied with a hint.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, denied(fmt.Errorf("make the folder of the journal: %w", err))
	}
	path := filepath.Join(dir, Name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, denied(fmt.Errorf("open the journal: %w", err))
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = hint.Wrap(fmt.Errorf("open the journal %s: %w", path, ErrInUse), "in-use", "wait until it has ended, or stop it with Ctrl-C; see: hirune history")
		return nil, errors.Join(err, f.Close())
	}
	j := &Journal{f: f}
	err = own(f)
	if err == nil {
		err = j.read()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// own refuses a journal that somebody else could have written: undo and apply do
// what is in it, with our rights.
func own(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look whose the journal is: %w", err)
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); !st.Mode().IsRegular() || !ok || int(sys.Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return hint.Wrap(fmt.Errorf("open the journal %s: %w: others may write to it", f.Name(), ErrDenied), "journal-foreign",
			"look who made it; where it is your own: chown it to the user that runs hirune, and chmod 600")
	}
	return nil
}

// read takes in what is there, and ends a line that a crash has left torn.
func (j *Journal) read() (err error) {
	if j.entries, j.unread, err = parse(j.f); err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	st, err := j.f.Stat()
	if err != nil || st.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := j.f.ReadAt(last, st.Size()-1); err != nil {
		return fmt.Errorf("read the end of the journal: %w", err)
	}
	if last[0] != '\n' {
		_, err = j.f.Write([]byte("\n"))
	}
	return err
}

// Write implements apply.Journal: the entry is on disk when it returns.
func (j *Journal) Write(e apply.Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("code a journal entry: %w", err)
	}
	if len(line) >= lineMost {
		return fmt.Errorf("write to the journal: an entry of %d bytes, more than a line may have", len(line))
	}
	line = append(line, '\n')
	if j.torn { // or this one would be lost with it
		line = append([]byte("\n"), line...)
	}
	j.torn = true
	if _, err := j.f.Write(line); err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	j.torn = false
	if err := unix.Fdatasync(int(j.f.Fd())); err != nil {
		return fmt.Errorf("sync the journal: %w", err)
	}
	j.entries = append(j.entries, e)
	return nil
}

// Entries are all of them, oldest first.
func (j *Journal) Entries() []apply.Entry { return j.entries }

// Next is the number of the next run.
func (j *Journal) Next() int {
	n := j.unread.run
	for _, e := range j.entries {
		n = max(n, e.Run)
	}
	return n + 1
}

// Damaged is how many lines could not be read: torn by a crash, or by a newer hirune.
func (j *Journal) Damaged() int { return j.unread.lines }

// Close lets others write.
func (j *Journal) Close() error { return j.f.Close() }

// Read returns the entries of a folder's journal, none where there is no
// journal, and how many lines could not be read. It may be called while
// somebody writes.
func Read(dir string) (entries []apply.Entry, damaged int, err error) {
	f, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, denied(fmt.Errorf("open the journal: %w", err))
	}
	defer f.Close()
	entries, left, err := parse(f)
	return entries, left.lines, err
}

// unread is what parse cannot read.
type unread struct {
	lines int
	run   int // the highest number of a run in them: it is taken
}

func parse(r io.Reader) (entries []apply.Entry, left unread, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var buf []byte
	for err == nil {
		var long bool
		buf, long, err = readLine(in, buf[:0])
		line := bytes.TrimSpace(buf)
		var e apply.Entry
		switch {
		case len(line) == 0 && !long:
		case !long && json.Unmarshal(line, &e) == nil && e.Run != 0 && e.Event != "":
			entries = append(entries, e)
		default:
			left.lines++
			left.run = max(left.run, runOf(line))
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

// runOf is the number of the run that a line which cannot be read is about, as far
// as it says one; else 0.
func runOf(line []byte) int {
	var e struct {
		Run int `json:"run"`
	}
	if json.Unmarshal(line, &e) != nil || e.Run < 0 || e.Run > runMost {
		return 0
	}
	return e.Run
}

// runMost is the highest number that is taken from a line which cannot be read.
const runMost = 1 << 30

func denied(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return hint.Wrap(fmt.Errorf("%w: %w", ErrDenied, err), "journal-denied", "run it with sudo")
	}
	return hint.Wrap(err, "journal", "name a folder that can be written to with --state DIR")
}
