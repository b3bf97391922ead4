package tail

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Mark is how far a log was read: enough to go on after a restart. It is data,
// to be kept by whoever follows.
type Mark struct {
	Offset int64  `json:"offset"`
	Print  []byte `json:"print"`            // the bytes of the log just before Offset
	Middle bool   `json:"middle,omitempty"` // of a line of which the head was handed out
}

// Mark returns how far the log was read; false before the first Read or Open.
// Lines that old workers write to a rotated file after that are behind no mark.
func (t *Tailer) Mark() (Mark, bool) {
	if t.cur == nil {
		return Mark{}, false
	}
	f := t.cur
	if t.old != nil {
		if fi, err := t.old.Stat(); err == nil && fi.Size() > t.old.off {
			f = t.old
		}
	}
	return Mark{Offset: f.off, Print: bytes.Clone(f.print), Middle: f.skip}, true
}

// Resume returns a tailer that goes on behind a mark: in the same file, or, if
// that was rotated meanwhile, in what it was renamed or copied to and then in
// the new file from its beginning. Where the marked place is in none of them, it
// begins with the present file, and the Result of the first Read has Lost.
func Resume(path string, m Mark) *Tailer {
	return &Tailer{path: path, resume: &m}
}

// goOn finds the marked place. next is the file that the path names now.
func (t *Tailer) goOn(next *file) {
	m := *t.resume
	t.resume = nil
	if next.holds(m) {
		return
	}
	for _, path := range siblings(t.path) {
		if old, err := open(path, syscall.O_NOFOLLOW); err == nil {
			if old.holds(m) {
				t.old, t.quiet = old, 0
				return
			}
			_ = old.Close()
		}
	}
	t.lost = m.Offset > 0
}

// holds moves to the marked place, if the file has it.
func (f *file) holds(m Mark) bool {
	n := int64(len(m.Print))
	if n > printLen || n > m.Offset || m.Offset > f.info.Size() || n == 0 && m.Offset > 0 {
		return false
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, m.Offset-n); err != nil || !bytes.Equal(b, m.Print) {
		return false
	}
	f.off, f.print, f.skip = m.Offset, b, m.Middle
	return true
}

// siblings are the plain files beside a log whose names begin like its own, the
// youngest first. Links are left out: others may be able to make them.
func siblings(path string) []string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	base := filepath.Base(path)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	var found []os.FileInfo
	for _, e := range entries {
		if e.Type().IsRegular() && e.Name() != base && strings.HasPrefix(e.Name(), stem) {
			if fi, err := e.Info(); err == nil {
				found = append(found, fi)
			}
		}
	}
	slices.SortFunc(found, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	out := make([]string, 0, len(found))
	for _, fi := range found {
		out = append(out, filepath.Join(filepath.Dir(path), fi.Name()))
	}
	return out
}
