package accesslog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"hirune/internal/edge/tail"
)

// ErrMarkLost says that the place up to which a log was read is neither in it nor
// in a file that it was rotated to since.
var ErrMarkLost = errors.New("the place is gone up to which it was read")

// Gap reads what a log of any kind got behind a mark, oldest first and each line
// once: in the log itself, or in the file that it was renamed or copied to since,
// packed or not, and in all younger ones. Its files stay open from the beginning:
// they may be rotated meanwhile. It works in steps, so that it never holds up anyone.
type Gap struct {
	mark   tail.Mark
	seek   []*gapFile // may hold the mark, the youngest first
	passed []*gapFile // do not, the youngest first
	found  []*gapFile // to be read, the oldest first; the first is open
	placed bool       // the mark was found
	text   lineReader
	failed []error
}

// gapFile is the log or one that it was rotated to.
type gapFile struct {
	path string
	f    *os.File
	to   int64 // read up to here; packed ones to their end
	gz   io.Reader
	pos  int64 // what of gz was passed over
}

// NewGap prepares to read what the log at path got between the mark and upTo, an
// offset in the present file at which a line begins.
func NewGap(path string, m tail.Mark, upTo int64) *Gap {
	g := &Gap{mark: m, text: lineReader{buf: make([]byte, pieceBytes)}}
	rotated, err := Rotated(path, m.Written.Add(-time.Second)) // the stamps of some file systems are coarse
	if err != nil {
		g.failed = append(g.failed, err)
	}
	for i, p := range append([]string{path}, rotated...) {
		if plain, packed := strings.CutSuffix(p, ".gz"); packed && slices.Contains(rotated, plain) {
			continue // it is just being packed
		}
		f, fi, err := openLog(p, i == 0)
		if err != nil {
			g.failed = append(g.failed, err)
			continue
		}
		one := &gapFile{path: p, f: f, to: fi.Size()}
		if i == 0 {
			one.to = upTo
		}
		g.seek = append(g.seek, one)
	}
	return g
}

// Step reads about max bytes of text. It reports true when there is no more, with
// an error that wraps ErrMarkLost where the mark was not found: then it has handed
// out nothing. Other errors are of files that could not be read; the rest was.
func (g *Gap) Step(ctx context.Context, max int64, each func(line []byte)) (done bool, err error) {
	for max > 0 && !g.placed {
		if len(g.seek) == 0 {
			g.Close()
			return true, errors.Join(append([]error{ErrMarkLost}, g.failed...)...)
		}
		n, sure := g.look(max)
		if max -= n + 1; !sure {
			return false, nil
		}
	}
	for max > 0 && len(g.found) > 0 {
		n, done, err := g.lines(ctx, max, each)
		if ctx.Err() != nil {
			return false, nil
		}
		if max -= n + 1; err != nil {
			g.failed = append(g.failed, unreadable(g.found[0].path, err))
		}
		if done {
			g.next()
		}
	}
	if !g.placed || len(g.found) > 0 {
		return false, nil
	}
	return true, errors.Join(g.failed...)
}

// Close lets the files go. After Step has reported true there is nothing to do.
func (g *Gap) Close() {
	for _, one := range slices.Concat(g.seek, g.passed, g.found) {
		_ = one.f.Close()
	}
	g.seek, g.passed, g.found = nil, nil, nil
}

// look finds out whether the youngest file that is left holds the mark; sure is
// false while it has not come to the place yet.
func (g *Gap) look(max int64) (n int64, sure bool) {
	one := g.seek[0]
	holds := false
	if strings.HasSuffix(one.path, ".gz") {
		n, holds, sure = one.lookPacked(g.mark, max)
	} else {
		holds, sure = g.mark.Offset <= one.to && g.mark.In(one.f), true
	}
	if !sure {
		return n, false
	}
	if g.seek = g.seek[1:]; !holds {
		g.passed = append(g.passed, one)
		return n, true
	}
	for _, older := range g.seek {
		_ = older.f.Close()
	}
	g.found = append(g.found, one)
	for _, younger := range slices.Backward(g.passed) {
		g.found = append(g.found, younger)
	}
	g.seek, g.passed, g.placed = nil, nil, true
	g.begin(g.mark.Offset, g.mark.Middle)
	return n, true
}

// lookPacked unpacks up to the mark. What cannot be unpacked does not hold it.
func (one *gapFile) lookPacked(m tail.Mark, max int64) (n int64, holds, sure bool) {
	if m.Offset <= 0 {
		return 0, false, true // an empty file cannot be told from another
	}
	if one.gz == nil {
		var err error
		if one.gz, err = newUnpacker(one.path, one.f); err != nil {
			return 0, false, true
		}
	}
	before := m.Offset - m.Length()
	n, err := io.CopyN(io.Discard, one.gz, min(max, before-one.pos))
	if one.pos += n; err != nil {
		return n, false, true
	}
	if one.pos < before {
		return n, false, false
	}
	b := make([]byte, m.Length())
	if _, err := io.ReadFull(one.gz, b); err != nil {
		return n, false, true
	}
	one.pos += int64(len(b))
	return n, m.Fits(b), true
}

// begin opens the text of the first file that was found, from an offset on.
func (g *Gap) begin(from int64, middle bool) {
	one := g.found[0]
	var in io.Reader = io.NewSectionReader(one.f, from, max(0, one.to-from))
	if strings.HasSuffix(one.path, ".gz") {
		if in = one.gz; from == 0 { // whole: what was unpacked in search of the mark is read again
			in = &packedFrom{one: one}
		}
	}
	g.text.reset(in, from)
	g.text.skip = middle
}

// packedFrom unpacks a file from its beginning.
type packedFrom struct {
	one *gapFile
	in  io.Reader
}

// Read implements io.Reader.
func (p *packedFrom) Read(b []byte) (int, error) {
	if p.in == nil {
		if _, err := p.one.f.Seek(0, io.SeekStart); err != nil {
			return 0, fmt.Errorf("read %s again: %w", p.one.path, err)
		}
		in, err := newUnpacker(p.one.path, p.one.f)
		if err != nil {
			return 0, err
		}
		p.in = in
	}
	return p.in.Read(b)
}

// lines hands out about max bytes of the file that is open.
func (g *Gap) lines(ctx context.Context, max int64, each func([]byte)) (read int64, done bool, err error) {
	for read < max {
		line, _, ok, err := g.text.peek(ctx)
		if err != nil || !ok {
			return read, true, err
		}
		read += int64(g.text.size)
		each(line)
		g.text.advance()
	}
	return read, false, nil
}

// next goes on with the next younger file.
func (g *Gap) next() {
	_ = g.found[0].f.Close()
	if g.found = g.found[1:]; len(g.found) > 0 {
		g.begin(0, false)
	}
}
