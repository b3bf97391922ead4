package report

import (
	"fmt"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// What is shown of a script that is longer than most lines: statements repeat
// themselves, so few are enough; files are what the user agrees to.
const (
	sqlMost, sqlHead, sqlTail    = 12, 7, 3
	fileMost, fileHead, fileTail = 60, 50, 5

	// scriptRunes is the longest line shown; longer ones end in "…" and stand
	// whole in the JSON.
	scriptRunes = 2000
)

// script shows what will be done exactly. Statements are wrapped at spaces that
// stand outside of quotes, so that they can be copied; lines of files and
// commands are never wrapped.
func (p *printer) script(b *strings.Builder, lines []remedy.Line) {
	most, head, tail := fileMost, fileHead, fileTail
	for _, l := range lines {
		if l.Lang == remedy.LangSQL {
			most, head, tail = sqlMost, sqlHead, sqlTail
		}
	}
	if p.o.Verbose || len(lines) <= most {
		head, tail = len(lines), 0
	}
	for _, l := range lines[:head] {
		p.scriptLine(b, l)
	}
	if left := len(lines) - head - tail; left > 0 {
		p.hang(b, "    ", "    ", p.t("ui.script-more", "n", diagnose.Count(left)))
		for _, l := range lines[len(lines)-tail:] {
			p.scriptLine(b, l)
		}
	}
}

func (p *printer) scriptLine(b *strings.Builder, l remedy.Line) {
	text := p.quote(tabless(l.Text), scriptRunes)
	switch l.Lang {
	case remedy.LangSQL:
		mark := "    "
		for _, line := range wrap(hold(text), p.o.width()-6) {
			fmt.Fprintln(b, p.style(cyan, mark+line))
			mark = "      "
		}
	case remedy.LangNote:
		for _, line := range wrap(text, p.o.width()-7) {
			fmt.Fprintln(b, p.style(dim, "    -- "+line))
		}
	case remedy.LangShell:
		fmt.Fprintln(b, p.style(cyan, "    # "+text))
	default:
		fmt.Fprintln(b, p.style(diffStyle(text), "    "+text))
	}
}

func diffStyle(line string) string {
	switch {
	case strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "---"):
		return bold
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return dim
}

// tabless shows a tab as blanks: in a file that is written it is no trick.
func tabless(text string) string { return strings.ReplaceAll(text, "\t", "    ") }

// hold keeps what stands in quotes on one line.
func hold(statement string) string {
	var b strings.Builder
	quote := rune(0)
	for _, r := range statement {
		switch {
		case quote == 0 && strings.ContainsRune("'`\"", r):
			quote = r
		case r == quote:
			quote = 0
		}
		if r == ' ' && quote != 0 {
			b.WriteString(nbsp)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
