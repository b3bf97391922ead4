package tail

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// file is one open file with how far it was read.
type file struct {
	*os.File
	info  os.FileInfo
	off   int64
	skip  bool   // in the middle of a line of which the head was handed out
	print []byte // the bytes just before off: if they change, the file was truncated and written anew
}

// toEnd moves to the end, or to the start of an unfinished last line.
func (f *file) toEnd() error {
	size := f.info.Size()
	from := max(0, size-MaxLine)
	b := make([]byte, size-from)
	n, err := f.ReadAt(b, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	b = b[:n]
	i := bytes.LastIndexByte(b, '\n')
	if i < 0 && from > 0 {
		f.off, f.skip = size, true
		return nil
	}
	f.off = from + int64(i) + 1
	f.keep(b[:i+1])
	return nil
}

// read hands out the complete lines that are new, up to about limit bytes.
func (f *file) read(limit int64, r *Result, each func([]byte)) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	size := fi.Size()
	if size < f.off || size > f.off && f.rewritten() {
		f.off, f.skip, f.print, r.Truncated = 0, false, nil, true
	}
	if size <= f.off {
		return nil
	}
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	for start := f.off; f.off-start < limit; {
		n, err := f.ReadAt(*buf, f.off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		used := f.lines((*buf)[:n], r, each)
		f.keep((*buf)[:used])
		if used == 0 || n < len(*buf) {
			return nil
		}
	}
	r.Lag += max(0, size-f.off)
	return nil
}

// lines hands out the complete lines of b and returns how much is done with.
func (f *file) lines(b []byte, r *Result, each func([]byte)) int {
	used := 0
	for {
		i := bytes.IndexByte(b[used:], '\n')
		if i < 0 {
			break
		}
		if !f.skip {
			each(trim(b[used : used+i]))
			r.Lines++
		}
		f.skip = false
		used += i + 1
	}
	if rest := b[used:]; f.skip || len(rest) >= MaxLine {
		if !f.skip {
			each(trim(rest))
			r.Lines++
		}
		f.skip = true
		used = len(b)
	}
	f.off += int64(used)
	r.Bytes += int64(used)
	return used
}

// rest hands out an unfinished last line: nobody will finish it any more.
func (f *file) rest(r *Result, each func([]byte)) {
	b := make([]byte, MaxLine)
	if n, _ := f.ReadAt(b, f.off); n > 0 && !f.skip {
		each(trim(b[:n]))
		r.Lines++
	}
}

func (f *file) keep(done []byte) {
	if len(done) > 0 {
		f.print = append(f.print[:0], done[max(0, len(done)-printLen):]...)
	}
}

// rewritten tells a file that was truncated and has outgrown its old size.
func (f *file) rewritten() bool {
	var b [printLen]byte
	now := b[:len(f.print)]
	n, _ := f.ReadAt(now, f.off-int64(len(now)))
	return !bytes.Equal(now[:n], f.print)
}

// Before hands out the complete lines of the last max bytes before the
// current offset: what the log held before it was followed. Open comes first.
func (t *Tailer) Before(max int64, each func(line []byte)) error {
	if t.cur == nil {
		return nil
	}
	from := t.cur.off - max
	if from < 0 {
		from = 0
	}
	past := &file{File: t.cur.File, off: from, skip: from > 0}
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	var r Result
	for past.off < t.cur.off {
		b := (*buf)[:min(int64(len(*buf)), t.cur.off-past.off)]
		n, err := past.ReadAt(b, past.off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if used := past.lines(b[:n], &r, each); used == 0 {
			return nil
		}
	}
	return nil
}
