package accesslog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"hirune/internal/core/hint"
)

// plainInput reads a file from off on; it never waits for more.
type plainInput struct {
	f    *os.File
	path string
	off  int64
	read func(n int) // told of each read
}

// Read implements io.Reader.
func (p *plainInput) Read(b []byte) (int, error) {
	n, err := p.f.ReadAt(b, p.off)
	p.off += int64(n)
	p.read(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read the log %s: %w", p.path, err)
	}
	return n, err
}

// counted tells of each read.
type counted struct {
	io.Reader
	read func(n int)
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read(n)
	return n, err
}

const (
	// A log of the very same line over and over shrinks to a 150th; deflate
	// cannot do better than to a 1032nd.
	ratioMost = 300
	ratioFrom = 256 << 20 // text that is too little to do harm
	textMost  = 64 << 30  // of one file
)

// unpacker unpacks gzip and refuses what was made to fill memory or time.
type unpacker struct {
	path    string
	z       *gzip.Reader
	in, out int64
}

// newUnpacker returns an unpacker for what r holds.
func newUnpacker(path string, r io.Reader) (*unpacker, error) {
	u := &unpacker{path: path}
	z, err := gzip.NewReader(bufio.NewReaderSize(&counted{r, func(n int) { u.in += int64(n) }}, headBytes))
	if err != nil {
		return nil, damaged(path, err)
	}
	u.z = z
	return u, nil
}

// Read implements io.Reader.
func (u *unpacker) Read(b []byte) (int, error) {
	n, err := u.z.Read(b)
	u.out += int64(n)
	switch {
	case u.out > textMost:
		return 0, u.bomb(fmt.Sprintf("it holds more than %d GiB of text", textMost>>30))
	case u.out > ratioFrom && u.out/max(u.in, 1) > ratioMost:
		return 0, u.bomb(fmt.Sprintf("it is packed more than %d times, as no log is", ratioMost))
	case err != nil && !errors.Is(err, io.EOF):
		return n, damaged(u.path, err)
	}
	return n, err
}

func (u *unpacker) bomb(why string) error {
	return hint.Wrap(fmt.Errorf("unpack the log %s: given up after %d MiB: %s", u.path, u.out>>20, why), "log-bomb",
		"somebody may have put the file there to keep hirune busy: look at it, and remove it if it is no log of yours")
}

// input is the text of a file from off on, which is 0 for what is packed.
func (s *scan) input(f *logFile, off int64) (io.Reader, error) {
	if f.stream != nil {
		return f.stream, nil
	}
	if f.gz {
		return newUnpacker(f.path, &counted{io.NewSectionReader(f.f, 0, f.size), s.progress})
	}
	return &plainInput{f: f.f, path: f.path, off: off, read: s.progress}, nil
}
