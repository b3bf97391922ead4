package collect

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// collect calls a collector within its budget and turns a panic into an error.
func collect(ctx context.Context, c Timed, wall time.Time) (out []evidence.Record, err error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			err = hint.Wrap(fmt.Errorf("collector %s panicked: %v at %s", c.Name(), p, place()), "collector-failed",
				"please report this with the lines above; the other collectors go on")
		}
	}()
	err = c.Collect(ctx, NewBeat(wall, c.Name(), func(r evidence.Record) { out = append(out, r) }))
	return out, err
}

// place is where the panic that is being recovered came from.
func place() string {
	var seen bool
	for line := range strings.Lines(string(debug.Stack())) {
		if strings.HasPrefix(line, "panic(") {
			seen = true
		} else if seen && strings.HasPrefix(line, "\t") && !strings.Contains(line, "/runtime/") {
			f := strings.Fields(line)[0]
			return f[strings.LastIndexByte(f, '/')+1:]
		}
	}
	return "an unknown place"
}

// turned is the fact of a change: a source that cannot be read any more, or
// can again.
func (s *slot) turned(rep report) []evidence.Record {
	if errors.Is(rep.err, context.Canceled) {
		return nil // the run ends; that says nothing about the source
	}
	if rep.err == nil {
		if s.code == "" {
			return nil
		}
		f := evidence.Unseen{Source: s.Name(), Code: s.code, What: s.blinds(), Seen: true}
		s.code = ""
		return []evidence.Record{{At: rep.at, Source: s.Name(), Fact: f}}
	}
	f := unseen(s.Name(), s.blinds(), rep.err)
	if f.Code == s.code {
		return nil
	}
	var out []evidence.Record
	if s.code != "" {
		gone := evidence.Unseen{Source: s.Name(), Code: s.code, What: f.What, Seen: true}
		out = append(out, evidence.Record{At: rep.at, Source: s.Name(), Fact: gone})
	}
	s.code = f.Code
	return append(out, evidence.Record{At: rep.at, Source: s.Name(), Fact: f})
}

func (s *slot) blinds() string {
	if b, ok := s.Collector.(Blinder); ok {
		return b.Blinds()
	}
	return "what " + s.Name() + " would tell"
}

func unseen(source, what string, err error) evidence.Unseen {
	if err == nil {
		return evidence.Unseen{}
	}
	f := evidence.Unseen{Source: source, What: what, Detail: err.Error(), Hint: hint.Of(err), Code: hint.CodeOf(err)}
	switch {
	case f.Code != "":
	case errors.Is(err, evidence.ErrAbsent):
		f.Code = "absent"
	case errors.Is(err, context.DeadlineExceeded):
		f.Code = "timeout"
	default:
		f.Code = "failed"
	}
	return f
}
