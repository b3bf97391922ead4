package report

import (
	"fmt"
	"io"
	"strings"

	"hirune/internal/core/diagnose"
)

// Markdown writes the verdict with all of its evidence as CommonMark (with one
// GitHub table), ready for a ticket or a blog. Text from outside is escaped for
// Markdown and for the HTML that is made of it. The error is the writer's.
func Markdown(w io.Writer, v diagnose.Verdict, o Options) error {
	p := newPrinter(v, o, markdown)
	var b strings.Builder
	title := p.words["ui.title"]
	if v.Outage.Zero() {
		title = p.words["ui.title-fine"]
	}
	fmt.Fprintf(&b, "# %s\n\n**%s**\n", title, p.capital(p.headline()))
	for _, s := range p.full() {
		p.markdownSection(&b, s)
	}
	_, err := io.WriteString(w, strings.ReplaceAll(b.String(), nbsp, " "))
	return err
}

func (p *printer) markdownSection(b *strings.Builder, s section) {
	if s.title != "" {
		fmt.Fprintf(b, "\n## %s\n", s.title)
	}
	n, last := 0, -1
	for _, it := range s.items {
		if it.kind == step {
			n++
		}
		if it.kind != last || it.kind == para {
			fmt.Fprintln(b)
		}
		last = it.kind
		markdownItem(b, it, n)
	}
}

func markdownItem(b *strings.Builder, it item, n int) {
	switch it.kind {
	case graph:
		fmt.Fprintf(b, "```text\n%s\n```\n", strings.Join(trimAll(it.sub), "\n"))
		return
	case table:
		markdownTable(b, it.rows)
	case step:
		fmt.Fprintf(b, "%d. **%s**\n", n, it.text)
	case bullet:
		fmt.Fprintf(b, "- %s\n", it.text)
	default:
		fmt.Fprintln(b, it.text)
	}
	for _, s := range it.sub {
		fmt.Fprintf(b, "   - %s\n", s)
	}
}

func markdownTable(b *strings.Builder, rows [][]string) {
	for i, r := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|%s\n", strings.Repeat(" --- |", len(r)))
		}
	}
}

func trimAll(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(l, " ")
	}
	return out
}
