package report

import (
	"strings"

	"hirune/internal/core/diagnose"
)

// Summary is the verdict in one line for a terminal: when, what visitors met,
// how sure, and the first cause by name. Of the options it uses Lang and Loc.
func Summary(v diagnose.Verdict, o Options) string {
	p := newPrinter(v, o, clean)
	s := p.capital(p.headline())
	if at := v.Outage; !at.Zero() {
		s = p.date(at.From) + " " + p.span(at) + " " + p.zone(at.From) + p.words["ui.colon"] + p.headline()
	}
	if p.blames() {
		s = p.sentences([]string{s, p.title(v.Causes[0])})
	}
	return strings.ReplaceAll(s, nbsp, " ")
}
