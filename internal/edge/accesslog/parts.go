package accesslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	pieceBytes = 512 << 10 // of a plain file, read from its end backwards
	lineMost   = 64 << 10  // longer lines are cut
)

// partOf is a file that the log was rotated to.
func partOf(path string) part {
	if strings.HasSuffix(path, ".gz") {
		return &gzipPart{path: path}
	}
	return &plainPart{path: path, to: -1, rotated: true}
}

// plainPart reads a file in pieces, the last one first: of a log that was
// never rotated only the days that are asked for are read.
type plainPart struct {
	path    string
	to      int64 // everything before it is still to be read; -1: the whole file
	rotated bool  // found by its name beside the log: no link is followed
	f       *os.File
	buf     []byte
}

func (p *plainPart) close() {
	if p.f != nil {
		_ = p.f.Close()
	}
	p.f, p.buf = nil, nil
}

func (p *plainPart) open() error {
	f, fi, err := openLog(p.path, !p.rotated)
	if err != nil {
		return err
	}
	p.f, p.buf = f, make([]byte, pieceBytes)
	if p.to < 0 {
		p.to = fi.Size()
	}
	return nil
}

func (p *plainPart) next(_ int64, each func([]byte)) (read int64, whole, done bool, err error) {
	if p.f == nil {
		if err := p.open(); err != nil {
			return 0, true, true, err
		}
	}
	from := max(0, p.to-int64(len(p.buf)))
	b := p.buf[:p.to-from]
	n, err := p.f.ReadAt(b, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, true, true, fmt.Errorf("read the old log %s: %w", p.path, err)
	}
	b = b[:n]
	if from > 0 { // the first line began in the piece before
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i == len(b)-1 {
			p.to = from // a line longer than a piece: its middle says nothing
			return int64(n), true, false, nil
		}
		from += int64(i) + 1
		b = b[i+1:]
	}
	p.to = from
	split(b, each)
	return int64(n), true, from == 0, nil
}

func split(b []byte, each func([]byte)) {
	for len(b) > 0 {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		each(bytes.TrimSuffix(line[:min(len(line), lineMost)], []byte{'\r'}))
	}
}

// gzipPart reads a compressed file from its beginning: it cannot be entered
// anywhere else.
type gzipPart struct {
	path string
	f    *os.File
	r    *bufio.Reader
}

func (p *gzipPart) close() {
	if p.f != nil {
		_ = p.f.Close()
	}
	p.f, p.r = nil, nil
}

func (p *gzipPart) open() error {
	f, _, err := openLog(p.path, false)
	if err != nil {
		return err
	}
	p.f = f
	z, err := newUnpacker(p.path, f)
	if err != nil {
		return err
	}
	p.r = bufio.NewReaderSize(z, lineMost)
	return nil
}

func (p *gzipPart) next(max int64, each func([]byte)) (read int64, whole, done bool, err error) {
	if p.r == nil {
		if err := p.open(); err != nil {
			return 0, true, true, err
		}
	}
	for read < max {
		line, err := p.r.ReadSlice('\n')
		read += int64(len(line))
		if len(line) > 0 && (err == nil || errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull)) {
			each(bytes.TrimRight(line, "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			line, err = p.r.ReadSlice('\n')
			read += int64(len(line))
		}
		if errors.Is(err, io.EOF) {
			return read, true, true, nil
		}
		if err != nil {
			return read, true, true, err
		}
	}
	return read, false, false, nil
}
