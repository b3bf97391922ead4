package report

import (
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// ProgressView is how far a step is. Total is -1 where it is unknown; PerSec
// and ETA are 0 where they are.
type ProgressView struct {
	Kind   string // of the step
	Doing  string // code; "" : what the kind does
	Wait   string // code of why it waits; "" : it does not
	Fact   string // plain words of the server
	Done   int64
	Total  int64
	Rows   int64
	PerSec float64
	ETA    time.Duration
}

// ProgressLine is one line without a line end, at most as wide as the terminal.
func ProgressLine(v ProgressView, o Options) string {
	p := newPrinter(diagnose.Verdict{}, o, clean)
	parts := []string{p.doing(v)}
	if v.Total > 0 && v.Done >= 0 {
		parts = append(parts, p.share(min(1, float64(v.Done)/float64(v.Total))))
	}
	switch {
	case v.Wait != "":
		parts = append(parts, p.waiting(v))
	default:
		parts = append(parts, p.pace(v)...)
	}
	width := p.o.width()
	if o.Width > 0 { // it is written over: a wrapped line would stay
		width = min(width, o.Width)
	}
	out := strings.ReplaceAll(cut(strings.Join(parts, "  "), width-1), nbsp, " ")
	if o.ASCII {
		out = toASCII.Replace(out)
	}
	return out
}

func (p *printer) doing(v ProgressView) string {
	for _, key := range []string{"doing." + v.Kind + "." + v.Doing, "doing." + v.Doing, "step." + v.Kind + ".doing"} {
		if w, ok := p.words[key]; ok {
			return w
		}
	}
	if v.Doing != "" {
		return p.quote(v.Doing, nameRunes)
	}
	return p.quote(v.Kind, nameRunes)
}

func (p *printer) waiting(v ProgressView) string {
	why := p.words["ui.waiting"] + p.words["ui.colon"] + p.text("wait", v.Wait)
	if v.Fact != "" {
		why += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(p.quote(v.Fact, longRunes))})
	}
	return why
}

func (p *printer) pace(v ProgressView) []string {
	var parts []string
	if v.Rows > 0 {
		parts = append(parts, p.t("ui.rows", "rows", diagnose.Count(v.Rows)))
	}
	if v.PerSec >= 1 {
		parts = append(parts, p.t("ui.per-second", "n", diagnose.Count(int64(v.PerSec))))
	}
	if v.ETA > 0 {
		parts = append(parts, p.t("ui.left", "d", rough(v.ETA)))
	}
	if v.Fact != "" && v.Kind != (remedy.ExplainStatement{}).Kind() { // its answer stands in the table at the end
		parts = append(parts, p.quote(v.Fact, longRunes))
	}
	return parts
}
