package accesslog

import (
	"time"

	"hirune/internal/core/evidence"
)

const (
	hourS        = 3600
	historyTop   = 3  // clients told for each class and hour
	historyLeast = 30 // requests that make a client worth telling
)

// History reads what a log held before it was followed, with its rotated
// files, the youngest part first, and turns it into hourly facts. It works in
// steps, so that it never holds up anyone, and keeps only the few hours in
// memory that its place in the files may still add to.
type History struct {
	Minutes *Minutes // counts each minute, too; nil: nobody wants to know

	site   string
	reader *Reader
	since  int64
	now    time.Time
	parts  []part // still to be read, the youngest first
	hours  map[int64]*hour
	ceil   int64 // hours above it are told and closed
	seg    segment
	lines  int64
	failed []error
}

// part is a file, or the rest of one, that is read piece by piece.
type part interface {
	// next hands out lines of about max bytes; whole says that a piece ended
	// and that all older lines are in pieces still to come.
	next(max int64, each func([]byte)) (read int64, whole, done bool, err error)
	close()
}

// segment is the piece that is being read, in the order of time.
type segment struct {
	started bool
	first   int64 // hour of its first line
	last    int64 // highest hour seen
	told    int64 // hours from first to here, without first, are told
}

type hour struct {
	count   Counter
	busiest Busiest
}

// NewHistory prepares the history of the log at path: its first upTo bytes and
// its rotated files, back to since. The reader may be the one that follows the
// log: it learns from the past what a usual answer is.
func NewHistory(site, path string, upTo int64, since, now time.Time, r *Reader) *History {
	h := &History{
		site: site, reader: r, since: since.Unix(), now: now, hours: map[int64]*hour{},
		ceil: now.Unix()/hourS + 1, parts: []part{&plainPart{path: path, to: upTo}},
	}
	rotated, err := Rotated(path, since)
	if err != nil {
		h.failed = append(h.failed, err)
	}
	for _, p := range rotated {
		h.parts = append(h.parts, partOf(p))
	}
	return h
}

// Lines is how many lines have been read.
func (h *History) Lines() int64 { return h.lines }

// Failed are the files that could not be read, at the end.
func (h *History) Failed() []error { return h.failed }

// Step reads about max bytes of text and emits the hours that are complete,
// each at its end: evidence.Traffic and evidence.ClientUse with FromHist. It
// reports true when there is no more.
func (h *History) Step(max int64, emit func(time.Time, evidence.Fact)) bool {
	for max > 0 && len(h.parts) > 0 {
		n, whole, done, err := h.parts[0].next(max, func(line []byte) { h.line(line, emit) })
		max -= n + 1
		if err != nil {
			h.failed = append(h.failed, err)
		}
		old := (whole || done) && h.seg.started && h.seg.last*hourS+hourS < h.since
		if whole || done || err != nil {
			h.endPiece(emit)
		}
		if done || err != nil || old {
			h.parts[0].close()
			h.parts = h.parts[1:]
		}
		if old {
			h.Stop()
		}
	}
	if len(h.parts) == 0 {
		h.tell(func(int64) bool { return true }, emit)
		return true
	}
	return false
}

// Stop lets the files go; the next Step emits what was counted so far and ends.
func (h *History) Stop() {
	for _, p := range h.parts {
		p.close()
	}
	h.parts = nil
}

func (h *History) line(line []byte, emit func(time.Time, evidence.Fact)) {
	h.lines++
	var q Request
	if !h.reader.Read(line, &q) || q.OwnProbe {
		return
	}
	at, ok := h.reader.Parser.Unix(&q.Entry)
	if !ok || at < h.since || at > h.now.Unix()+hourS {
		if ok && !h.seg.started && at < h.since {
			h.seg = segment{started: true, first: at / hourS, last: at / hourS}
		}
		return
	}
	h.reader.Faults.Learn(&q)
	k := h.place(at/hourS, emit)
	if h.hours[k] == nil {
		h.hours[k] = &hour{}
	}
	h.hours[k].count.Add(&q)
	h.hours[k].busiest.Add(&q)
	if h.Minutes != nil {
		h.Minutes.Add(at, &q)
	}
}

// place finds the hour that a line counts to. A request is stamped when it
// began and logged when it ended: one that comes after its hour was told
// counts to the nearest hour that is still open.
func (h *History) place(k int64, emit func(time.Time, evidence.Fact)) int64 {
	s := &h.seg
	if !s.started {
		*s = segment{started: true, first: k, last: k, told: k}
	}
	if k > s.last {
		s.last = k
		if k-2 > s.told { // a whole hour of patience for late lines
			h.tell(func(o int64) bool { return o > s.first && o <= k-2 }, emit)
			s.told = k - 2
		}
	}
	if k > s.first && k <= s.told {
		k = s.told + 1
	}
	return min(k, h.ceil)
}

// endPiece tells what no older line can add to.
func (h *History) endPiece(emit func(time.Time, evidence.Fact)) {
	if !h.seg.started {
		return
	}
	first := h.seg.first
	h.tell(func(o int64) bool { return o > first+1 }, emit)
	h.ceil = min(h.ceil, first+1)
	h.seg = segment{}
}

func (h *History) tell(which func(int64) bool, emit func(time.Time, evidence.Fact)) {
	for k, hr := range h.hours {
		if which(k) {
			h.emit(k, hr, emit)
			delete(h.hours, k)
		}
	}
}

func (h *History) emit(k int64, hr *hour, emit func(time.Time, evidence.Fact)) {
	end, over := time.Unix((k+1)*hourS, 0), time.Hour
	if end.After(h.now) { // the hour that is not over yet
		end, over = h.now, h.now.Sub(time.Unix(k*hourS, 0))
	}
	hr.count.Traffic(h.site, over, h.reader.Faults, func(f evidence.Traffic) {
		f.FromHist = true
		emit(end, f)
	})
	hr.busiest.Clients(h.site, over, historyTop, historyLeast, func(f evidence.ClientUse) {
		f.FromHist = true
		emit(end, f)
	})
}
