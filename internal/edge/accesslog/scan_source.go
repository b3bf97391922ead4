package accesslog

import (
	"context"
	"errors"
	"math"
	"slices"

	"hirune/internal/core/attack"
)

// source hands the lines of one log to a sink, piece after piece.
type source struct {
	scan    *scan
	pieces  []*piece // still to be read; the first is being read if open
	open    bool
	text    lineReader
	reader  *Reader
	layouts []*Layout // the one that fits most lines first
	q       Request
	hit     attack.Hit
}

func newSource(s *scan, pieces []*piece, buffer int) *source {
	return &source{scan: s, pieces: pieces, text: lineReader{buf: make([]byte, buffer)}, reader: NewReader("", s.in.Loc, s.in.Own)}
}

// run hands over lines until one is later than till, or there are no more. It
// returns the time of that line, which stays; more is false at the end. After
// an error it goes on with the next piece when it is called again.
func (s *source) run(ctx context.Context, till int64, to Sink) (next int64, more bool, err error) {
	for len(s.pieces) > 0 {
		if !s.open {
			if err := s.begin(); err != nil {
				s.pieces = s.pieces[1:]
				return math.MinInt64, true, err
			}
		}
		next, more, err := s.lines(ctx, till, to)
		if more {
			return next, true, nil
		}
		s.pieces, s.open = s.pieces[1:], false
		if err != nil {
			return math.MinInt64, true, err
		}
	}
	return 0, false, nil
}

// begin opens the first piece. The line that it begins in the middle of belongs
// to the piece before.
func (s *source) begin() error {
	p := s.pieces[0]
	from := max(0, p.from-1)
	in, err := s.scan.input(p.file, from)
	if err != nil {
		return err
	}
	s.text.reset(in, from)
	s.text.skip = p.from > 0
	s.layouts = append(s.layouts[:0], p.file.layouts...)
	s.reader.Parser.use(s.layouts[0])
	s.open = true
	return nil
}

// lines hands over the lines of the piece that is open.
func (s *source) lines(ctx context.Context, till int64, to Sink) (next int64, more bool, err error) {
	p := s.pieces[0]
	for {
		line, long, ok, err := s.text.peek(ctx)
		if !ok || p.to >= 0 && s.text.off >= p.to {
			return 0, false, err
		}
		if len(line) > 0 {
			if at, taken := s.line(p, line, till, to); !taken {
				return at, true, nil
			}
			if long {
				p.long++
			}
		}
		p.bytes += int64(s.text.size)
		s.text.advance()
	}
}

// line judges a line and hands it over, unless it is later than till.
func (s *source) line(p *piece, line []byte, till int64, to Sink) (at int64, taken bool) {
	q := &s.q
	fits := s.reader.judge(line, q)
	if !fits || p.file.strict && !q.Addr.IsValid() {
		fits = s.another(p, line, fits)
	}
	timed := false
	if fits {
		at, timed = s.reader.Parser.Unix(&q.Entry)
	}
	if !timed {
		p.reject(line)
		return 0, true
	}
	if at > till && at < s.scan.until {
		return at, false
	}
	p.lines++
	p.note(at)
	if at < s.scan.since || at > s.scan.until {
		p.outside++
		return at, true
	}
	p.took = p.took || q.TookUs >= 0
	s.q.Hit(at, &s.hit)
	to.Add(&s.hit)
	return at, true
}

// another tries the other formats for a line that the present one does not fit,
// and goes on with the one that fits. fits is what the present one said.
func (s *source) another(p *piece, line []byte, fits bool) bool {
	for i, l := range s.layouts[1:] {
		if s.reader.Parser.surely(l, line, &s.q.Entry) {
			s.layouts = slices.Insert(slices.Delete(s.layouts, i+1, i+2), 0, l)
			s.reader.Parser.use(l)
			p.forwarded = p.forwarded || l.ForwardedOnly()
			return s.reader.judge(line, &s.q)
		}
	}
	return fits && s.reader.judge(line, &s.q) // what was tried has overwritten it
}

// read hands the lines of a span to a sink, in the order of time. Logs that were
// written side by side take turns of a minute.
func (s *scan) read(ctx context.Context, sp span, to Sink) error {
	const turn = 60
	var errs []error
	buffer := max(readLeast, min(readBytes, buffersMost/len(sp.logs)))
	next := make([]int64, len(sp.logs)) // when the next line of each is
	sources := make([]*source, len(sp.logs))
	for i, pieces := range sp.logs {
		sources[i], next[i] = newSource(s, pieces, buffer), math.MinInt64
	}
	for len(sources) > 0 && ctx.Err() == nil {
		i, till := turnOf(next)
		at, more, err := sources[i].run(ctx, min(till, latest)+turn, to)
		if err != nil {
			errs = append(errs, err)
		}
		if next[i] = at; !more {
			sources, next = slices.Delete(sources, i, i+1), slices.Delete(next, i, i+1)
		}
	}
	return errors.Join(errs...)
}

// turnOf says whose next line is the earliest, and when that of the others is.
func turnOf(next []int64) (i int, others int64) {
	for k, at := range next {
		if at < next[i] {
			i = k
		}
	}
	others = latest
	for k, at := range next {
		if k != i {
			others = min(others, at)
		}
	}
	return i, others
}
