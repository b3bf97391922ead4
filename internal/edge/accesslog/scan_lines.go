package accesslog

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// lineReader cuts text into lines in a buffer of its own.
type lineReader struct {
	in     io.Reader
	buf    []byte
	lo, hi int   // what of buf is still to be handed out
	off    int64 // where in the text buf[lo] is
	size   int   // of the line that was looked at, with its newline
	skip   bool  // up to the next newline nothing is wanted
	cut    bool  // the line that was looked at goes on beyond the buffer
	eof    bool
}

// reset begins with the text of in, of which the first byte is at off.
func (r *lineReader) reset(in io.Reader, off int64) {
	*r = lineReader{in: in, buf: r.buf, off: off}
}

// peek returns the next line, without its newline and at most lineMost bytes of
// it, as often as it is asked until advance; ok is false at the end.
func (r *lineReader) peek(ctx context.Context) (line []byte, long, ok bool, err error) {
	for {
		if i := bytes.IndexByte(r.buf[r.lo:r.hi], '\n'); i >= 0 {
			r.size, r.cut = i+1, false
			if !r.skip {
				line = r.buf[r.lo : r.lo+i]
				break
			}
			r.advance()
			continue
		}
		if r.eof || !r.skip && r.hi-r.lo > lineMost {
			r.size, r.cut = r.hi-r.lo, !r.eof
			if r.size == 0 || r.skip {
				return nil, false, false, nil
			}
			line = r.buf[r.lo:r.hi]
			break
		}
		if err := r.fill(ctx); err != nil {
			return nil, false, false, err
		}
	}
	if len(line) > lineMost {
		return line[:lineMost], true, true, nil
	}
	if n := len(line) - 1; n >= 0 && line[n] == '\r' {
		line = line[:n]
	}
	return line, false, true, nil
}

// advance is done with the line that was looked at.
func (r *lineReader) advance() {
	r.lo += r.size
	r.off += int64(r.size)
	r.skip = r.cut
}

// fill reads on behind what is still wanted.
func (r *lineReader) fill(ctx context.Context) error {
	if err := ctx.Err(); err != nil { // a line may be as long as the file
		return err
	}
	if r.skip {
		r.off += int64(r.hi - r.lo)
		r.lo, r.hi = 0, 0
	}
	r.hi = copy(r.buf, r.buf[r.lo:r.hi])
	r.lo = 0
	n, err := r.in.Read(r.buf[r.hi:])
	r.hi += n
	if errors.Is(err, io.EOF) {
		r.eof, err = true, nil
	}
	return err
}
