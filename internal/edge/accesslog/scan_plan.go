package accesslog

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// plan opens all files and finds out what format each is in.
func (s *scan) plan(ctx context.Context) {
	for i, l := range s.in.Logs {
		if l.Path == "-" {
			s.addStream(i)
			continue
		}
		if l.Rotated {
			old, err := Rotated(l.Path, s.in.Since)
			if err != nil {
				s.failed = append(s.failed, err)
			}
			for _, p := range slices.Backward(old) {
				s.addFile(i, p, false)
			}
		}
		s.addFile(i, l.Path, l.Named)
	}
	for _, f := range s.files {
		if ctx.Err() != nil {
			return
		}
		if err := s.recognise(f); err != nil {
			s.failed = append(s.failed, err)
		}
		if s.total >= 0 && f.size >= 0 {
			s.total += f.size
		} else {
			s.total = -1
		}
	}
	// the times of files get lost when they are copied; those of their lines do not
	slices.SortStableFunc(s.files, func(a, b *logFile) int {
		return cmp.Or(cmp.Compare(a.of, b.of), cmp.Compare(a.start, b.start))
	})
}

func (s *scan) addStream(of int) {
	if s.in.Stdin == nil {
		s.failed = append(s.failed, fmt.Errorf("read the log -: there is no standard input"))
		return
	}
	s.files = append(s.files, &logFile{path: "-", of: of, stream: bufio.NewReaderSize(&counted{s.in.Stdin, s.progress}, headBytes), size: -1})
}

// addFile opens a file, unless it is there already under another name.
func (s *scan) addFile(of int, path string, follow bool) {
	f, fi, err := openLog(path, follow)
	if err != nil {
		s.failed = append(s.failed, err)
		return
	}
	if slices.ContainsFunc(s.files, func(o *logFile) bool { return o.info != nil && os.SameFile(o.info, fi) }) {
		_ = f.Close()
		return
	}
	s.files = append(s.files, &logFile{path: path, of: of, f: f, info: fi, size: fi.Size()})
}

// recognise finds out what format the lines of a file are in.
func (s *scan) recognise(f *logFile) error {
	head, err := f.head()
	if err != nil {
		return err
	}
	if f.stream != nil && bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		return f.unpack(s)
	}
	configured, err := s.configured(f)
	f.layouts, f.strict = choose(configured, s.in.Loc, head)
	for i := int64(1); f.layouts == nil && !f.gz && i < 8 && f.size > 8*headBytes; i++ { // it may begin with a burst of anything
		if n, _ := f.f.ReadAt(head[:cap(head)], i*f.size/8); n > 0 {
			head = head[:n]
			f.layouts, f.strict = choose(configured, s.in.Loc, head)
		}
	}
	f.start, _ = timeOf(f.layouts, s.in.Loc, head)
	if f.layouts == nil && len(bytes.TrimSpace(head)) > 0 {
		return errors.Join(noLog(f.path, head), err)
	}
	return nil
}

// unpack puts a stream that is compressed through the unpacker.
func (f *logFile) unpack(s *scan) error {
	if f.gz {
		return noLog(f.path, []byte{0})
	}
	z, err := newUnpacker(f.path, f.stream)
	if err != nil {
		return err
	}
	f.gz, f.stream = true, bufio.NewReaderSize(z, headBytes)
	return s.recognise(f)
}

// configured are the layouts that the caller says a file is in.
func (s *scan) configured(f *logFile) (out []*Layout, err error) {
	l := s.in.Logs[f.of]
	for _, format := range append([]string{l.Format}, l.Formats...) {
		if format == "" {
			continue
		}
		c, e := Compile(format)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		out = append(out, c)
	}
	return out, err
}
