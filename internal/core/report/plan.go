package report

import (
	"fmt"
	"io"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// PlanText writes plans for a terminal: what will be done and why, what each
// step takes, locks and risks, what cannot be undone, then the exact statements
// and changes of files; what is refused with the reason and what to do instead.
// Long scripts are shortened unless o.Verbose. The error is the writer's.
func PlanText(w io.Writer, plans []remedy.Plan, o Options) error {
	p, b := newPlanPage(plans, o)
	told := ""
	for i, pl := range plans {
		if i > 0 {
			fmt.Fprintln(b)
		}
		p.day = pl.At
		told = p.plan(b, i+1, len(plans), told, pl)
	}
	return p.finish(w, b)
}

// newPlanPage begins what is written of plans; where there is none it says so.
func newPlanPage(plans []remedy.Plan, o Options) (*printer, *strings.Builder) {
	p, b := newPrinter(diagnose.Verdict{}, o, clean), &strings.Builder{}
	if len(plans) == 0 {
		p.hang(b, "", "", p.words["ui.no-plans"])
	}
	return p, b
}

// finish writes what was made, with its hard spaces as plain ones.
func (p *printer) finish(w io.Writer, b *strings.Builder) error {
	out := strings.ReplaceAll(b.String(), nbsp, " ")
	if p.o.ASCII {
		out = toASCII.Replace(out)
	}
	_, err := io.WriteString(w, out)
	return err
}

// plan writes one plan and returns the reason that was told for it.
func (p *printer) plan(b *strings.Builder, n, of int, told string, pl remedy.Plan) string {
	if byHand(pl) {
		p.advice(b, pl.Advice)
		return told
	}
	title := p.remedy(pl.Remedy, "title")
	if of > 1 {
		title = fmt.Sprintf("%d/%d ", n, of) + title
	}
	code := bold
	if len(pl.Refused) > 0 {
		code = yellow
	}
	p.styled(b, code, "", title)
	if d := p.remedy(pl.Remedy, "does"); d != "" {
		p.hang(b, "  ", "  ", d)
	}
	told = p.reason(b, told, pl, pl.Because.Origin)
	p.refused(b, pl)
	for _, s := range pl.Says {
		p.hang(b, "  - ", "    ", p.say(s))
	}
	for i, s := range pl.Steps {
		fmt.Fprintln(b)
		p.planned(b, i+1, s)
	}
	p.others(b, pl)
	if len(pl.Advice) > 0 {
		fmt.Fprintln(b)
		p.advice(b, pl.Advice)
	}
	if text := p.settled(pl); text != "" {
		fmt.Fprintln(b)
		p.beside(b, "ui.settle", text)
	}
	return told
}

func (p *printer) styled(b *strings.Builder, code, mark, text string) {
	for _, l := range wrap(text, p.o.width()-cells(mark)) {
		fmt.Fprintln(b, p.style(code, mark+l))
		mark = strings.Repeat(" ", cells(mark))
	}
}

// refused has the reasons, each followed by what to do instead.
func (p *printer) refused(b *strings.Builder, pl remedy.Plan) {
	for _, s := range pl.Refused {
		key := "ui.refused"
		if instead(s.ID) {
			key = "ui.instead"
		}
		p.beside(b, key, p.say(s))
	}
}

// instead reports whether a sentence of a refusal says what to do instead.
func instead(id string) bool {
	return strings.HasPrefix(id, "instead-") || id == "web-see-lines" || id == "web-how-to-let"
}

// beside is a label with what belongs to it, wrapped beside the label.
func (p *printer) beside(b *strings.Builder, key, text string) {
	if text == "" {
		return
	}
	label := "  " + pad(p.words[key], labelCells)
	if cells(p.words[key]) >= labelCells {
		label = "  " + p.words[key] + " "
	}
	for _, l := range wrap(text, p.o.width()-cells(label)) {
		fmt.Fprintln(b, p.style(dim, label)+l)
		label = strings.Repeat(" ", cells(label))
	}
}

func (p *printer) planned(b *strings.Builder, n int, s remedy.Planned) {
	code := bold
	if s.Estimate.Irreversible {
		code = red
	}
	p.styled(b, code, fmt.Sprintf("%d. ", n), p.stepTitle(s.Step.Kind())+p.target(s.Step))
	for _, say := range s.Says {
		p.hang(b, "  ", "  ", p.say(say))
	}
	if s.Estimate.Risk != remedy.RiskNone { // one that only reads says so in its title
		p.estimate(b, s.Estimate)
		p.beside(b, "ui.undo", p.say(s.Undo))
	}
	if s.Estimate.Irreversible {
		p.irreversible(b, s)
	}
	p.script(b, s.Step.Script())
}

func (p *printer) stepTitle(kind string) string {
	if w, ok := p.words["step."+kind+".title"]; ok {
		return w
	}
	return p.quote(kind, nameRunes)
}

// target is what a step is about, in a few words.
func (p *printer) target(s remedy.Step) string {
	name := ""
	switch s := s.(type) {
	case remedy.DeleteInChunks:
		name = s.Schema + "." + s.Table
	case remedy.KeepAndSwap:
		name = s.Schema + "." + s.Table
	case remedy.DropTable:
		name = s.Schema + "." + s.Table
	case remedy.RebuildTable:
		name = s.Schema + "." + s.Table
	case remedy.AddIndex:
		name = s.Schema + "." + s.Table + " (" + strings.Join(s.Columns, ", ") + ")"
	case remedy.ExplainStatement:
		name = s.Schema + "." + s.Table
	case remedy.KillQuery:
		return p.words["ui.colon"] + p.t("ui.subject-session", "x", s.Session)
	case remedy.WriteInclude:
		name = s.Path
	case remedy.MoveCronEvent:
		name = s.Hook
	case remedy.RetentionJob:
		name = s.Schema + "." + s.Table
	default:
		name = targetOfBlock(s)
	}
	if name == "" {
		return ""
	}
	return p.words["ui.colon"] + p.quote(name, longRunes)
}

// others are the ways that were not taken.
func (p *printer) others(b *strings.Builder, pl remedy.Plan) {
	if len(pl.Others) == 0 {
		return
	}
	fmt.Fprintln(b)
	p.styled(b, bold, "", p.words["ui.h-others"])
	for _, o := range pl.Others {
		text := p.text("strategy", o.ID)
		if o.Possible && o.Estimate.Takes > 0 {
			text += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(p.t("ui.about-time", "d", rough(o.Estimate.Takes)))})
		}
		if why := p.say(o.Why); why != "" {
			text += p.words["ui.colon"] + why
		}
		p.hang(b, "  - ", "    ", text)
	}
}

// advice is what the owner does by hand, with the lines as they have to be written.
func (p *printer) advice(b *strings.Builder, list []remedy.Advice) {
	p.styled(b, bold, "", p.words["ui.h-advice"])
	for _, a := range list {
		p.hang(b, "  - ", "    ", p.say(a.Say))
		if a.File != "" {
			p.hang(b, "    ", "    ", p.t("ui.in-file", "file", a.File))
		}
		for _, l := range a.Lines {
			fmt.Fprintln(b, p.style(cyan, "      "+p.quote(tabless(l), scriptRunes)))
		}
	}
}
