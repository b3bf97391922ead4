package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
)

// SGR codes of our own; none when Options.Color is off.
const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	green  = "1;32"
	yellow = "1;33"
	cyan   = "36"
)

// toASCII replaces every character that the report draws with by one of the
// same width.
var toASCII = strings.NewReplacer(
	"▁", "_", "▂", ".", "▃", "-", "▄", ":", "▅", "=", "▆", "+", "▇", "*", "█", "#",
	"━", "=", "·", ".", "↓", ">", "●", "*", "✓", "-", "✔", "+", "✘", "x", "–", "-", "…", "~")

// Text writes the verdict for a terminal: the first screen, at most 24 lines at
// 80 columns, or with Options.Verbose all of the evidence. The error is the
// writer's.
func Text(w io.Writer, v diagnose.Verdict, o Options) error {
	p := newPrinter(v, o, clean)
	var b strings.Builder
	p.heading(&b)
	if o.Verbose {
		p.textSections(&b, p.full())
	} else {
		p.screen(&b)
	}
	out := strings.ReplaceAll(b.String(), nbsp, " ")
	if o.ASCII {
		out = toASCII.Replace(out)
	}
	_, err := io.WriteString(w, out)
	return err
}

func (p *printer) heading(b *strings.Builder) {
	for _, l := range wrap(p.symbol()+" "+p.capital(p.headline()), p.o.width()) {
		fmt.Fprintln(b, p.style(p.mood(), l))
	}
}

// capital makes the first letter of an English sentence a capital.
func (p *printer) capital(s string) string {
	if p.ja || s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (p *printer) screen(b *strings.Builder) {
	head := strings.Count(b.String(), "\n")
	list := append([]block{p.listBlock("ui.when", []string{p.when()}, 1, 9)}, p.first()...)
	list = slices.DeleteFunc(list, func(x block) bool { return len(x.lines) == 0 })
	left := fit(list, screenLines-head-1)
	var pairs []any
	if left > 0 {
		pairs = []any{"n", diagnose.Count(left)}
	}
	for _, x := range append(list, p.listBlock("ui.more", []string{p.t("ui.more-verbose", pairs...)}, 1, 9)) {
		p.writeBlock(b, x)
	}
}

// fit takes lines away until the blocks have at most room lines, and returns
// how many it took.
func fit(list []block, room int) int {
	total := 0
	for _, b := range list {
		total += len(b.lines)
	}
	taken := 0
	for ; total-taken > room; taken++ {
		i := poorest(list)
		if i < 0 {
			break
		}
		list[i].giveLine()
	}
	return taken
}

// poorest is the block that can best do without a line; -1 if none can.
func poorest(list []block) int {
	best := -1
	for i, b := range list {
		if len(b.lines) > b.min && (best < 0 || b.rank < list[best].rank) {
			best = i
		}
	}
	return best
}

func (b *block) giveLine() {
	i := len(b.lines) - 1
	if len(b.drop) > 0 {
		i, b.drop = b.drop[0], slices.Clone(b.drop[1:])
	}
	b.lines = slices.Delete(slices.Clone(b.lines), i, i+1)
	for j, d := range b.drop {
		if d > i {
			b.drop[j]--
		}
	}
}

func (p *printer) writeBlock(b *strings.Builder, x block) {
	for i, l := range x.lines {
		switch {
		case x.own:
			fmt.Fprintln(b, p.style(x.color, strings.TrimRight(l, " ")))
		case i == 0:
			fmt.Fprintln(b, p.style(dim, pad(x.label, labelCells))+p.style(x.color, l))
		default:
			fmt.Fprintln(b, strings.Repeat(" ", labelCells)+p.style(x.color, l))
		}
	}
}

func (p *printer) style(code, s string) string {
	if !p.o.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) mood() string {
	switch {
	case p.v.Status == diagnose.Healthy && len(p.v.Causes) == 0:
		return green
	case (p.v.Status == diagnose.Proven || p.v.Status == diagnose.Likely) && !p.v.Outage.Zero():
		return red
	}
	return yellow
}

// symbol says the mood without colour.
func (p *printer) symbol() string {
	if p.v.Status == diagnose.NotProven || p.v.Status == diagnose.CannotJudge {
		return "?"
	}
	return map[string]string{green: "✔", red: "✘", yellow: "!"}[p.mood()]
}

func sortBy(list []int, key func(int) float64) {
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(key(a), key(b)) })
}
