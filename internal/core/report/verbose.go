package report

import (
	"fmt"
	"strings"
)

// textSections writes sections for a terminal, wrapped and indented.
func (p *printer) textSections(b *strings.Builder, list []section) {
	for _, s := range list {
		fmt.Fprintln(b)
		if s.title != "" {
			for _, l := range wrap(s.title, p.o.width()) {
				fmt.Fprintln(b, p.style(bold, l))
			}
		}
		n := 0
		for _, it := range s.items {
			if it.kind == step {
				n++
			}
			p.textItem(b, it, n)
		}
	}
}

func (p *printer) textItem(b *strings.Builder, it item, n int) {
	switch it.kind {
	case para:
		p.hang(b, "  ", "  ", it.text)
	case graph:
		for _, l := range it.sub {
			fmt.Fprintln(b, p.style(cyan, "  "+strings.TrimRight(l, " ")))
		}
	case table:
		p.textTable(b, it.rows)
	case step:
		p.hang(b, fmt.Sprintf("  %d. ", n), "     ", it.text)
	default:
		mark := "  - "
		if rest, ok := strings.CutPrefix(it.text, "↓ "); ok {
			mark, it.text = "  ↓ ", rest
		}
		p.hang(b, mark, "    ", it.text)
	}
	if it.kind != graph {
		for _, s := range it.sub {
			p.hang(b, "     ", "     ", s)
		}
	}
}

// hang writes text wrapped behind a mark, further lines behind an indent.
func (p *printer) hang(b *strings.Builder, mark, indent, text string) {
	for i, l := range wrap(text, p.o.width()-cells(mark)) {
		if i > 0 {
			mark = indent
		}
		fmt.Fprintln(b, mark+l)
	}
}

func (p *printer) textTable(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], cells(c))
		}
	}
	rest := 0
	for _, w := range widths[1:] {
		rest += w + 2
	}
	widths[0] = min(widths[0], p.o.width()-4-rest)
	for i, r := range rows {
		var line strings.Builder
		for j, c := range r {
			line.WriteString("  " + pad(cut(c, widths[j]), widths[j]))
		}
		code := ""
		if i == 0 {
			code = dim
		}
		fmt.Fprintln(b, p.style(code, strings.TrimRight(line.String(), " ")))
	}
}
