package accesslog

import (
	"bytes"
	"slices"
	"time"
)

// span is what one worker reads: of each log the pieces of one span of time,
// the oldest first.
type span struct {
	logs [][]*piece
}

// piece is a part of a file: the lines that begin in [from, to).
type piece struct {
	file     *logFile
	from, to int64 // to is -1 for the end, wherever it is
	counts
}

// marks are how many looks are taken into a file to see how its text is spread over time.
const marks = 32

// slack is how far lines may be out of order: a request is stamped when it
// begins and logged when it ends.
const slack = 600

// spans shares the work out: to each worker the same amount of text, and one
// span of time after the other.
func (s *scan) spans(workers int) (out []span) {
	var files []spreadOf
	var all, old float64 // text, and that of it which is too old
	for _, f := range s.files {
		if f.layouts != nil {
			w := s.spread(f)
			files, all, old = append(files, w), all+w.weight, old+w.before(s.since-slack)
		}
	}
	streams := slices.ContainsFunc(files, func(f spreadOf) bool { return f.stream != nil })
	if all-old < parallelFrom || streams { // nobody knows what a stream will hold
		workers = 1
	}
	done := make([]int64, len(files)) // up to where each file is shared out
	for i := range files {
		done[i] = s.tooOld(files[i].logFile)
	}
	for w := 1; w <= workers && len(files) > 0; w++ {
		until := int64(latest)
		if w < workers {
			until = moment(files, old+(all-old)*float64(w)/float64(workers))
		}
		if sp := s.share(files, done, until, w == workers); len(sp.logs) > 0 {
			out = append(out, sp)
		}
	}
	return out
}

// tooOld is up to where a file need not be read.
func (s *scan) tooOld(f *logFile) int64 {
	if s.since == 0 || f.stream != nil {
		return 0
	}
	if next := s.next(f); next != nil && next.start > 0 && next.start < s.since-slack {
		return f.size
	}
	if f.gz {
		return 0
	}
	return max(0, s.seek(f, s.since-slack)-2*headBytes) // seek is as rough as that
}

// next is the file that the log went on in; nil: none.
func (s *scan) next(f *logFile) *logFile {
	if i := slices.Index(s.files, f) + 1; i < len(s.files) && s.files[i].of == f.of {
		return s.files[i]
	}
	return nil
}

// share takes from each file what was written before until and is not done.
func (s *scan) share(files []spreadOf, done []int64, until int64, last bool) span {
	sp := span{logs: make([][]*piece, len(s.in.Logs))}
	for i := range files {
		f := &files[i]
		to := f.end()
		if !last {
			to = max(done[i], s.cut(f, until))
		}
		if to <= done[i] {
			continue
		}
		p := &piece{file: f.logFile, from: done[i], to: to}
		if f.gz || f.stream != nil { // offsets are those of the text: not known
			p.to = -1
		}
		sp.logs[f.of] = append(sp.logs[f.of], p)
		done[i] = to
	}
	sp.logs = slices.DeleteFunc(sp.logs, func(l []*piece) bool { return len(l) == 0 })
	return sp
}

// end is where a file ends, for sharing it out.
func (f *logFile) end() int64 {
	if f.stream != nil {
		return 1
	}
	return f.size
}

// spreadOf is how the text of a file is spread over time: evenly between looks.
type spreadOf struct {
	*logFile
	weight float64
	at     []int64 // unix seconds at each look, never falling
}

// before is how much of the text is from before t.
func (f *spreadOf) before(t int64) float64 {
	steps := len(f.at) - 1
	i, _ := slices.BinarySearch(f.at, t)
	switch {
	case i == 0:
		return 0
	case i > steps:
		return f.weight
	}
	part := float64(t-f.at[i-1]) / float64(max(1, f.at[i]-f.at[i-1]))
	return f.weight * (float64(i-1) + part) / float64(steps)
}

// moment is when so much of all text was written.
func moment(all []spreadOf, weight float64) int64 {
	lo, hi := all[0].at[0], all[0].at[0]
	for _, f := range all {
		lo, hi = min(lo, f.at[0]), max(hi, f.at[len(f.at)-1])
	}
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		sum := 0.0
		for i := range all {
			sum += all[i].before(mid)
		}
		if sum < weight {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// cut is where in a file a moment is. A compressed one cannot be entered in
// the middle, so it belongs to one side wholly.
func (s *scan) cut(f *spreadOf, t int64) int64 {
	if !f.gz && f.stream == nil {
		return s.seek(f.logFile, t)
	}
	if f.before(t) >= f.weight/2 {
		return f.end()
	}
	return 0
}

// spread looks into a file at several places. What is packed weighs more than
// its text: unpacking costs as much again.
func (s *scan) spread(f *logFile) spreadOf {
	out := spreadOf{logFile: f, weight: float64(max(0, f.size)), at: []int64{f.start}}
	if f.gz {
		out.weight *= 20
	}
	last := f.start
	if !f.gz && f.size >= parallelFrom/4 {
		for i := int64(1); i < marks; i++ {
			if t, ok := s.timeAt(f, f.size/marks*i); ok {
				last = max(last, t)
			}
			out.at = append(out.at, last)
		}
	}
	out.at = append(out.at, max(last, s.ending(f)))
	return out
}

// ending is about when the last line of a file was written; no later than the
// next file of the same log begins.
func (s *scan) ending(f *logFile) int64 {
	end := f.start
	switch {
	case f.stream != nil:
	case f.gz:
		end = f.info.ModTime().Unix()
		if p := f.packed.Unix(); p > f.start && p < end { // of the log itself, as gzip found it
			end = p
		}
	default:
		if t, ok := s.timeAt(f, max(0, f.size-headBytes)); ok {
			end = t
		}
	}
	if next := s.next(f); next != nil && next.start > f.start {
		end = min(end, next.start)
	}
	return end
}

// timeAt is the time of the first line of a plain file that begins behind off
// and has one.
func (s *scan) timeAt(f *logFile, off int64) (int64, bool) {
	b := make([]byte, headBytes)
	n, _ := f.f.ReadAt(b, off)
	b = b[:n]
	if off > 0 {
		_, b, _ = bytes.Cut(b, []byte{'\n'})
	}
	return timeOf(f.layouts, s.in.Loc, b)
}

// timeOf is the time of the first line that has one.
func timeOf(layouts []*Layout, loc *time.Location, b []byte) (int64, bool) {
	var e Entry
	p := Parser{clock: clock{loc: loc}}
	for _, line := range linesOf(b) {
		for _, l := range layouts {
			if p.fits(l, line, &e) {
				c := clock{kind: l.when, loc: loc}
				return c.unix(e.Time)
			}
		}
	}
	return 0, false
}

// seek finds where in a plain file the lines of a moment begin, roughly: what
// is read too much is left out by its time.
func (s *scan) seek(f *logFile, t int64) int64 {
	lo, hi := int64(0), f.size
	for hi-lo > 2*headBytes {
		mid := lo + (hi-lo)/2
		at, ok := s.timeAt(f, mid)
		if !ok {
			break
		}
		if at < t {
			lo = mid
		} else {
			hi = mid
		}
	}
	if hi <= 2*headBytes {
		return 0
	}
	if lo+2*headBytes >= f.size {
		return f.size
	}
	return hi
}
