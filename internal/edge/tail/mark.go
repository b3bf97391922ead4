package tail

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"syscall"
	"time"
)

// Mark is how far a log was read: enough to find the place again after a restart,
// also in what the log was renamed or copied to meanwhile.
type Mark struct {
	Inode   uint64    `json:"inode"`
	Offset  int64     `json:"offset"`
	Before  string    `json:"before,omitempty"` // a hash of the bytes just before Offset, markBytes at most
	Middle  bool      `json:"middle,omitempty"` // of a line of which the head was handed out
	Written time.Time `json:"written"`          // the file was last written to, as far as it was known
}

// markBytes is how many bytes a mark is known by: some lines, and so with their
// times. The end of one line, a browser's name, is in a log many times.
const markBytes = 1024

// Mark returns how far the log was read; false before the first Read or Open, or
// where the file is just being replaced. Lines that old workers write to a
// rotated file after that are behind no mark.
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
	fi, err := f.Stat()
	if err != nil || fi.Size() < f.off {
		return Mark{}, false
	}
	m := Mark{Inode: inode(fi), Offset: f.off, Middle: f.skip, Written: fi.ModTime()}
	b := make([]byte, m.Length())
	if _, err := f.ReadAt(b, m.Offset-m.Length()); err != nil {
		return Mark{}, false
	}
	m.Before = sum(b)
	return m, true
}

// Length is how many bytes before Offset the mark is known by.
func (m Mark) Length() int64 { return min(m.Offset, markBytes) }

// Fits reports whether the bytes are those before the mark: the last Length bytes
// of them count.
func (m Mark) Fits(before []byte) bool {
	n := int64(len(before)) - m.Length()
	return n >= 0 && m.Offset > 0 && sum(before[n:]) == m.Before
}

// In reports whether the mark lies in the file. An empty file is told by its inode alone.
func (m Mark) In(f *os.File) bool {
	fi, err := f.Stat()
	if err != nil || m.Offset < 0 || fi.Size() < m.Offset {
		return false
	}
	if m.Offset == 0 {
		return inode(fi) == m.Inode
	}
	b := make([]byte, m.Length())
	_, err = io.ReadFull(io.NewSectionReader(f, m.Offset-m.Length(), m.Length()), b)
	return err == nil && m.Fits(b)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

func inode(fi os.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
