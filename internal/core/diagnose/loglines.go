package diagnose

import (
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// Lines is what the error logs said of one kind in a span.
type Lines struct {
	ID      string
	Service string
	Count   int64
	First   time.Time
	Last    time.Time
	Message string // the first one
	Texts   []string
}

// Lines returns the lines of error logs in a span that pick accepts, summed up
// by kind, the first to come first. What was written before recording began is
// left out.
func (c *Case) Lines(s Span, pick func(evidence.ErrorLine) bool) []Lines {
	var out []Lines
	if s.Zero() {
		return nil
	}
	for at, l := range recording.All[evidence.ErrorLine](c.In(s)) {
		if l.FromHist || !pick(l) {
			continue
		}
		i := slices.IndexFunc(out, func(o Lines) bool { return o.ID == l.ID && o.Service == l.Service })
		if i < 0 {
			i, out = len(out), append(out, Lines{ID: l.ID, Service: l.Service, First: at, Message: l.Message})
		}
		o := &out[i]
		o.Count, o.Last = o.Count+max(l.Count, 1), at
		if at.Equal(o.First) && l.Message < o.Message {
			o.Message = l.Message // the order of the facts does not show
		}
		if !slices.Contains(o.Texts, l.Message) && len(o.Texts) < 20 {
			o.Texts = append(o.Texts, l.Message)
		}
	}
	return out
}
