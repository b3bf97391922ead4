package report

import (
	"math"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
)

var levels = []rune("▁▂▃▄▅▆▇█")

// seriesOrder is the order of the time line's rows: from what the visitor sees
// down. Rows at the end are the first to be left out.
var seriesOrder = []string{"visitor_ms", "database_cpu", "throttled", "steal", "php_cpu", "workers",
	"lock_waiters", "failed", "requests", "cpu", "errors", "statements"}

// floor is the least value that fills a row: without it the noise of a quiet
// hour would look like a storm.
var floor = map[string]float64{"ms": 500, "share": 0.2, "cpus": 0.2, "count": 1, "per_s": 1}

// timeline draws the series over the time of trouble and what lies around it,
// one row each, and an axis that marks the trouble. label and graph are the
// widths of their columns; the value behind is the row's maximum.
func (p *printer) timeline(label, graph int) []string {
	span := p.zoom()
	if span.Zero() || span.Duration() <= 0 {
		return nil
	}
	var rows []string
	for _, s := range p.series() {
		if vals, ok := sample(s, span, graph); ok && slices.Max(vals) > 0 {
			rows = append(rows, p.row(s, vals, label))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return append(rows, pad(p.clock(span.From), label)+p.axis(span, graph)+" "+p.clock(span.To))
}

func (p *printer) row(s diagnose.Series, vals []float64, label int) string {
	top := slices.Max(vals)
	scale := max(top, floor[s.Unit], 1e-9)
	var b strings.Builder
	for _, v := range vals {
		switch i := int(v / scale * float64(len(levels))); {
		case v < 0:
			b.WriteByte(' ')
		default:
			b.WriteRune(levels[min(i, len(levels)-1)])
		}
	}
	return pad(cut(p.seriesName(s.ID), label-1), label) + b.String() + " " + p.render(p.words["ui.max"], diagnose.Args{"x": raw(p.amount(s.Unit, top))})
}

func (p *printer) seriesName(id string) string {
	if w, ok := p.words["series."+id]; ok {
		return w
	}
	// The time line also stands in a code block of Markdown, where nothing can
	// be escaped.
	return strings.Map(func(r rune) rune {
		if isWord(r) || r == '-' {
			return r
		}
		return '_'
	}, id)
}

func (p *printer) amount(unit string, x float64) string {
	switch unit {
	case "ms":
		return p.ms(x)
	case "share":
		return p.share(x)
	case "cpus":
		return p.unit(decimal(x, 2), "cpus")
	case "per_s":
		return decimal(x, 1) + "/s"
	}
	return decimal(x, 0)
}

func (p *printer) axis(span diagnose.Span, graph int) string {
	out, in, word := "·", "━", " "+p.words["ui.outage-mark"]+" "
	from, to := column(p.v.Outage.From, span, graph), column(p.v.Outage.To, span, graph)+1
	if p.v.Outage.Zero() {
		return strings.Repeat(out, graph)
	}
	n := to - from
	mark := strings.Repeat(in, n)
	if w := cells(word); n >= w+4 {
		mark = strings.Repeat(in, (n-w)/2) + word + strings.Repeat(in, n-w-(n-w)/2)
	}
	return strings.Repeat(out, from) + mark + strings.Repeat(out, max(0, graph-to))
}

func column(t time.Time, span diagnose.Span, graph int) int {
	f := t.Sub(span.From).Seconds() / span.Duration().Seconds()
	return max(0, min(graph-1, int(f*float64(graph))))
}

// zoom is the part of the recording that the time line shows: the trouble with
// as much time before and after it, at least two minutes of it.
func (p *printer) zoom() diagnose.Span {
	all := diagnose.Span{}
	for _, s := range p.v.Series {
		to := s.From.Add(time.Duration(len(s.Values)) * s.Step)
		if s.Step <= 0 || len(s.Values) == 0 {
			continue
		}
		if all.Zero() || s.From.Before(all.From) {
			all.From = s.From
		}
		if to.After(all.To) {
			all.To = to
		}
	}
	if all.Zero() || p.v.Outage.Zero() {
		return all
	}
	d := max(p.v.Outage.Duration(), 2*time.Minute)
	if from := p.v.Outage.From.Add(-d); from.After(all.From) && from.Before(all.To) {
		all.From = from
	}
	if to := p.v.Outage.To.Add(d); to.Before(all.To) && to.After(all.From) {
		all.To = to
	}
	return all
}

func (p *printer) series() []diagnose.Series {
	s := slices.Clone(p.v.Series)
	rank := func(id string) int {
		if i := slices.Index(seriesOrder, id); i >= 0 {
			return i
		}
		return len(seriesOrder)
	}
	slices.SortStableFunc(s, func(a, b diagnose.Series) int { return rank(a.ID) - rank(b.ID) })
	return s
}

// sample reduces a series to n columns, each with its greatest value, so that a
// short peak is not averaged away. A column without a value is -1; a series
// coarser than the columns fills those that it covers.
func sample(s diagnose.Series, span diagnose.Span, n int) ([]float64, bool) {
	out := make([]float64, n)
	for i := range out {
		out[i] = -1
	}
	if s.Step <= 0 {
		return nil, false
	}
	any := false
	for i, v := range s.Values {
		at := s.From.Add(time.Duration(i) * s.Step)
		end := at.Add(s.Step)
		if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) || !end.After(span.From) || !at.Before(span.To) {
			continue
		}
		any = true
		for c := column(at, span, n); c <= column(end.Add(-1), span, n); c++ {
			out[c] = max(out[c], v)
		}
	}
	return out, any
}
