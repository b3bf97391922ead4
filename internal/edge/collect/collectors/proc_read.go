package collectors

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// procReader reads small kernel files into one buffer that it keeps. os.ReadFile
// would allocate for each and try to register it with the poller.
type procReader struct {
	buf []byte
}

// read returns the file's content; it is valid until the next call.
func (r *procReader) read(path string) ([]byte, error) { return r.readAt(unix.AT_FDCWD, path) }

// readAt is read for a path below an open directory.
func (r *procReader) readAt(dir int, path string) ([]byte, error) {
	if r.buf == nil {
		r.buf = make([]byte, 16<<10)
	}
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	n := 0
	for {
		m, err := unix.Read(fd, r.buf[n:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case m == 0:
			return r.buf[:n], nil
		}
		if n += m; n == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
	}
}

// procFields walks the words of a line without allocating.
type procFields struct{ rest []byte }

// next returns the next word, empty at the end.
func (f *procFields) next() []byte {
	i := 0
	for i < len(f.rest) && (f.rest[i] == ' ' || f.rest[i] == '\t') {
		i++
	}
	j := i
	for j < len(f.rest) && f.rest[j] != ' ' && f.rest[j] != '\t' {
		j++
	}
	w := f.rest[i:j]
	f.rest = f.rest[j:]
	return w
}

// skip passes over n words.
func (f *procFields) skip(n int) {
	for range n {
		f.next()
	}
}

// int returns the next word as a number; 0 for what is none.
func (f *procFields) int() int64 { return procInt(f.next()) }

// procInt reads decimal digits with an optional sign, and stops at the first
// byte that is neither.
func procInt(b []byte) int64 {
	var n int64
	minus := len(b) > 0 && b[0] == '-'
	if minus {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	if minus {
		return -n
	}
	return n
}

// procLines calls do for each line without its end.
func procLines(b []byte, do func(line []byte)) {
	for line := range bytes.Lines(b) {
		do(bytes.TrimSuffix(line, []byte{'\n'}))
	}
}

// rooted joins a settable root, "" or "/" on a real host, with a path.
func rooted(root, path string) string { return strings.TrimSuffix(root, "/") + path }

// grew is how much a counter moved, 0 for one that went back: the kernel's idle
// and iowait times do that by a tick.
func grew(now, before int64) int64 { return max(0, now-before) }

// notHere says that a source does not exist on this host or may not be read.
func notHere(err error, code, advice string) error {
	return hint.Wrap(fmt.Errorf("%w: %w", evidence.ErrAbsent, err), code, advice)
}
