package accesslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// logFile is one file to be read. It stays open from the plan to the end: it
// may be rotated meanwhile.
type logFile struct {
	path    string
	of      int // which of ScanIn.Logs it belongs to
	f       *os.File
	info    fs.FileInfo
	stream  *bufio.Reader // "-"; else nil
	gz      bool
	size    int64     // as on disk, when the scan began; -1: a stream
	packed  time.Time // when a .gz was last written, as its header says
	start   int64     // unix seconds of its first line; 0: unknown
	layouts []*Layout // the first is tried first; nil: the file is not read
	strict  bool      // its lines name clients by address
}

const headBytes = 64 << 10

// openLog opens a log for reading, never blocking: it may be a named pipe.
func openLog(path string, follow bool) (*os.File, fs.FileInfo, error) {
	flags := os.O_RDONLY | syscall.O_NONBLOCK
	if !follow && !trustedLink(path) {
		flags |= syscall.O_NOFOLLOW
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, unreadable(path, err)
	}
	return f, fi, nil
}

// trustedLink reports whether a path is a link that only root can have made:
// root's, in a directory in which nobody else can write.
func trustedLink(path string) bool {
	fi, err := os.Lstat(path)
	if err != nil || fi.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	dir, err := os.Stat(filepath.Dir(path))
	return err == nil && dir.Mode().Perm()&0o022 == 0 && ofRoot(fi) && ofRoot(dir)
}

func ofRoot(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0
}

var errNotRegular = errors.New("not a regular file")

// unreadable words why a log cannot be opened.
func unreadable(path string, err error) error {
	wrapped := fmt.Errorf("read the log %s: %w: %w", path, evidence.ErrAbsent, err)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return hint.Wrap(wrapped, "log-is-a-link", "it is a symbolic link in a place where others than root can make one, so it was not followed: if it is right, name the file that it leads to with --log")
	case errors.Is(err, fs.ErrPermission):
		return hint.Wrap(wrapped, "log-unreadable", "run hirune as root, or add its user to the group that owns the log (often adm)")
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(wrapped, "log-missing", "is the name right? the web server's configuration says where it logs to")
	case errors.Is(err, errNotRegular):
		return hint.Wrap(wrapped, "log-not-a-file", "name a file; what comes through a pipe is read with --log -")
	}
	return hint.Wrap(wrapped, "log-unreadable", "check that the file can be read")
}

// head returns the first bytes of the text.
func (f *logFile) head() ([]byte, error) {
	if f.stream != nil {
		b, err := f.stream.Peek(headBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read the log %s: %w", f.path, err)
		}
		return b, nil
	}
	b := make([]byte, headBytes)
	n, err := f.f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the log %s: %w", f.path, err)
	}
	if b = b[:n]; !bytes.HasPrefix(b, []byte("\x1f\x8b")) {
		return b, nil
	}
	f.gz = true
	z, err := gzip.NewReader(bufio.NewReader(io.NewSectionReader(f.f, 0, f.size)))
	if err != nil {
		return nil, damaged(f.path, err)
	}
	f.packed = z.ModTime
	b = make([]byte, headBytes)
	n, err = io.ReadFull(z, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, damaged(f.path, err)
	}
	return b[:n], nil
}

func damaged(path string, err error) error {
	return hint.Wrap(fmt.Errorf("unpack the log %s: %w", path, err), "log-damaged",
		"the compressed file is damaged or cut off: check it with gzip -t; what could be unpacked was read")
}

// packers are compressions that are known and not read.
var packers = []struct{ magic, name, unpack string }{
	{"\xfd7zXZ\x00", "xz", "xz -dc"}, {"BZh", "bzip2", "bzip2 -dc"}, {"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"}, {"PK\x03\x04", "zip", "unzip -p"},
}

// noLog says what a file seems to be that is no access log.
func noLog(path string, head []byte) error {
	err := fmt.Errorf("read the log %s: %w: none of its first lines is in a format of access logs that is known", path, evidence.ErrAbsent)
	for _, p := range packers {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return hint.Wrap(fmt.Errorf("read the log %s: %w: it is compressed with %s", path, evidence.ErrAbsent, p.name), "log-packed",
				"unpack it first: "+p.unpack+" FILE | hirune attacks --log -")
		}
	}
	switch {
	case bytes.IndexByte(head, 0) >= 0:
		return hint.Wrap(err, "log-not-text", "it is no text; name the web server's access log")
	case bytes.HasPrefix(head, []byte("{")):
		return hint.Wrap(err, "log-format", "it is in JSON with keys that are not known: give the server's log_format with --format, or let it write the combined format too")
	case bytes.Contains(head, []byte("[error]")) || bytes.Contains(head, []byte("] [pid ")) || bytes.Contains(head, []byte("PHP ")):
		return hint.Wrap(err, "log-is-an-error-log", "it looks like an error log; name the access log")
	}
	return hint.Wrap(err, "log-format", "give the server's LogFormat or log_format with --format, or let it write the combined format")
}
