package collectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hirune/internal/edge/tail"
)

const (
	marksSchema = 1
	marksMost   = 1 << 20             // bytes of the file
	marksKept   = 30 * 24 * time.Hour // of a log that is not followed any more
	marksEvery  = time.Minute         // a mark that has not moved is dated anew
)

// Marks keeps how far the logs were read from one run of the recorder to the next:
// a file beside the tape. Collectors set marks, and who
// commits the tape saves them; its methods may be
// called from several goroutines. To collectors a nil one keeps nothing.
type Marks struct {
	path string

	mu      sync.Mutex // guards all below
	logs    map[string]Kept
	changed bool
}

// Kept is a mark with the moment at which it was taken.
type Kept struct {
	tail.Mark
	At time.Time `json:"at"`
}

func (k Kept) same(m tail.Mark) bool {
	return k.Inode == m.Inode && k.Offset == m.Offset && k.Before == m.Before
}

// marksFile is the file.
type marksFile struct {
	Schema int             `json:"schema"`
	Logs   map[string]Kept `json:"logs"`
}

// OpenMarks reads the marks at path. With an error come empty ones, which can be used.
func OpenMarks(path string) (*Marks, error) {
	m := &Marks{path: path, logs: map[string]Kept{}}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("open how far the logs were read: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > marksMost {
		return m, fmt.Errorf("read how far the logs were read: %s is no such file", path)
	}
	var in marksFile
	if err := json.NewDecoder(f).Decode(&in); err != nil {
		return m, fmt.Errorf("read how far the logs were read from %s: %w", path, err)
	}
	if in.Schema == marksSchema && in.Logs != nil {
		m.logs = in.Logs
	}
	return m, nil
}

// Forget drops all marks: what they say was told is on no tape any more.
func (m *Marks) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed = m.changed || len(m.logs) > 0
	clear(m.logs)
}

// of returns the mark that a source has kept of a log.
func (m *Marks) of(source, log string) (Kept, bool) {
	if m == nil {
		return Kept{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.logs[source+" "+log]
	return k, ok
}

// set notes how far a source has read and told a log.
func (m *Marks) set(source string, t *tail.Tailer, now time.Time) {
	if m == nil {
		return
	}
	mark, ok := t.Mark()
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := source + " " + t.Path()
	if was, ok := m.logs[key]; ok && was.same(mark) && now.Sub(was.At) < marksEvery && !now.Before(was.At) {
		return
	}
	m.changed = true
	m.logs[key] = Kept{mark, now}
}

// Save keeps what was set until now, once commit has made last what was told of it:
// a line is neither told twice nor lost, however the run ends. The file is left
// alone where nothing has changed. failed says that it could not be written; then
// the next Save tries again.
func (m *Marks) Save(now time.Time, commit func() error) (err, failed error) {
	logs := m.take(now)
	if err = commit(); err == nil && logs != nil {
		if failed = m.write(logs); failed != nil {
			failed = fmt.Errorf("keep how far the logs were read: %w", failed)
		}
	}
	if logs != nil && (err != nil || failed != nil) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.changed = true
	}
	return err, failed
}

func (m *Marks) take(now time.Time) map[string]Kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.changed {
		return nil
	}
	m.changed = false
	maps.DeleteFunc(m.logs, func(_ string, k Kept) bool { return now.Sub(k.At) > marksKept })
	return maps.Clone(m.logs)
}

func (m *Marks) write(logs map[string]Kept) error {
	text, err := json.Marshal(marksFile{Schema: marksSchema, Logs: logs})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.path), ".marks-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
