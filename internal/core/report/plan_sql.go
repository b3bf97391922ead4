package report

import (
	"fmt"
	"io"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// PlanSQL writes the statements of plans, ready for a client of the database;
// everything else stands in comments, and so does what cannot be undone: a client
// asks nobody. It writes nothing, and returns an error,
// where a statement holds a character that a terminal or a client could obey: a
// script with a statement left out would be worse than none.
func PlanSQL(w io.Writer, plans []remedy.Plan) error {
	p := newPrinter(diagnose.Verdict{}, Options{}, clean)
	var b strings.Builder
	foreign := false
	for _, pl := range plans {
		p.comment(&b, pl.Remedy)
		for _, s := range pl.Refused {
			p.comment(&b, p.words["ui.refused"]+p.words["ui.colon"]+p.say(s))
		}
		for _, s := range pl.Steps {
			text, err := p.stepSQL(s)
			if err != nil {
				return fmt.Errorf("write %s as SQL: step %s: %w", pl.Remedy, s.ID, err)
			}
			foreign = foreign || strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e })
			b.WriteString(text)
		}
	}
	head := ""
	if foreign { // names of tables come in the client's own character set otherwise
		head = "SET NAMES utf8mb4;\n"
	}
	_, err := io.WriteString(w, head+strings.ReplaceAll(b.String(), nbsp, " "))
	return err
}

func (p *printer) stepSQL(s remedy.Planned) (string, error) {
	var b strings.Builder
	p.comment(&b, s.ID+". "+p.stepTitle(s.Step.Kind())+p.target(s.Step))
	if s.Estimate.Irreversible {
		p.comment(&b, p.words["ui.irreversible-sql"])
	}
	for _, l := range s.Step.Script() {
		switch {
		case l.Lang != remedy.LangSQL || s.Estimate.Irreversible:
			p.comment(&b, tabless(l.Text))
		case strings.ContainsFunc(l.Text, unprintable) || strings.ContainsRune(l.Text, '\ufffd'):
			return "", hint.Wrap(fmt.Errorf("the statement holds an unprintable character: %s", clean(l.Text, longRunes)), "unprintable", "let hirune do it: hirune apply")
		default:
			b.WriteString(l.Text + "\n")
		}
	}
	return b.String(), nil
}

// comment writes text as one comment of SQL: without its line ends it cannot
// become a statement.
func (p *printer) comment(b *strings.Builder, text string) {
	fmt.Fprintf(b, "-- %s\n", clean(text, scriptRunes))
}
