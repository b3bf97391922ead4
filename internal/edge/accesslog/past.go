package accesslog

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

// gzipTimes is how much larger the text of a compressed log is, roughly.
const gzipTimes = 12

// Past hands out the lines of a log of any kind and of the files that it was
// rotated to since, oldest first: of the youngest files, about most bytes of
// text in all. A line is valid until the next one. What could not be read is in
// the error; the rest was handed out.
func Past(ctx context.Context, path string, since time.Time, most int64, each func(line []byte)) error {
	rotated, err := Rotated(path, since)
	errs := []error{err}
	var parts []part
	for _, p := range append([]string{path}, rotated...) {
		fi, err := os.Stat(p)
		if err != nil {
			errs = append(errs, unreadable(p, err))
			continue
		}
		if most <= 0 {
			break
		}
		if g, ok := partOf(p).(*gzipPart); ok {
			most -= gzipTimes * fi.Size()
			parts = append(parts, g)
			continue
		}
		parts = append(parts, &fromPart{path: p, rotated: p != path, from: max(0, fi.Size()-most)})
		most -= fi.Size()
	}
	for _, p := range slices.Backward(parts) {
		for done := false; !done; {
			var err error
			if _, _, done, err = p.next(pieceBytes, each); err != nil {
				errs = append(errs, err)
				break
			}
			if ctx.Err() != nil {
				p.close()
				return errors.Join(append(errs, ctx.Err())...)
			}
		}
		p.close()
	}
	return errors.Join(errs...)
}

// fromPart reads a plain file forwards, from the first line that begins at from
// or later.
type fromPart struct {
	path    string
	rotated bool
	from    int64
	f       *os.File
	lines   lineReader
}

func (p *fromPart) close() {
	if p.f != nil {
		_ = p.f.Close()
	}
	p.f = nil
}

func (p *fromPart) next(max int64, each func([]byte)) (read int64, whole, done bool, err error) {
	if p.f == nil {
		f, _, err := openLog(p.path, !p.rotated)
		if err != nil {
			return 0, true, true, err
		}
		p.f = f
		if _, err := f.Seek(p.from, 0); err != nil {
			return 0, true, true, unreadable(p.path, err)
		}
		p.lines.buf = make([]byte, pieceBytes)
		p.lines.reset(f, p.from)
		if p.from > 0 { // it begins within a line
			if _, _, ok, err := p.lines.peek(context.Background()); err != nil || !ok {
				return 0, true, true, err
			}
			p.lines.advance()
		}
	}
	for read < max {
		line, _, ok, err := p.lines.peek(context.Background())
		if err != nil {
			return read, true, true, unreadable(p.path, err)
		}
		if !ok {
			return read, true, true, nil
		}
		read += int64(len(line)) + 1
		each(line)
		p.lines.advance()
	}
	return read, false, false, nil
}
