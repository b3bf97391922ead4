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
	p := newPrinter(diagnose.Verdict{}, o, clean)
	var b strings.Builder
	if len(plans) == 0 {
		p.hang(&b, "", "", p.words["ui.no-plans"])
	}
	for i, pl := range plans {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		p.day = pl.At
		p.plan(&b, i+1, len(plans), pl)
	}
	return p.finish(w, &b)
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

func (p *printer) plan(b *strings.Builder, n, of int, pl remedy.Plan) {
	title := p.remedy(pl.Remedy, "title")
	if of > 1 {
		title = fmt.Sprintf("%d/%d ", n, of) + title
	}
	code := bold
	if len(pl.Refused) > 0 {
		code = yellow
	}
	p.styled(b, code, "", title)
	p.because(b, pl)
	p.refused(b, pl)
	for _, s := range pl.Says {
		p.hang(b, "  - ", "    ", p.say(s))
	}
	for i, s := range pl.Steps {
		fmt.Fprintln(b)
		p.planned(b, i+1, s)
	}
	p.others(b, pl)
	p.advice(b, pl.Advice)
	p.settle(b, pl)
}

func (p *printer) styled(b *strings.Builder, code, mark, text string) {
	for _, l := range wrap(text, p.o.width()-cells(mark)) {
		fmt.Fprintln(b, p.style(code, mark+l))
		mark = strings.Repeat(" ", cells(mark))
	}
}

// because says which finding the plan answers, and what the remedy brings.
func (p *printer) because(b *strings.Builder, pl remedy.Plan) {
	if d := p.remedy(pl.Remedy, "does"); d != "" {
		p.hang(b, "  ", "  ", d)
	}
	if pl.Because.Rule == "" {
		return
	}
	why := p.causeTitle(pl.Because.Rule)
	if s := p.subject(pl.Because.About); s != "" {
		why += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(s)})
	}
	p.beside(b, "ui.because", why)
	p.beside(b, "ui.from", p.origin(pl.Because.Origin))
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
	p.estimate(b, s.Estimate)
	p.beside(b, "ui.undo", p.say(s.Undo))
	if s.Estimate.Irreversible {
		for _, l := range wrap(p.t("ui.irreversible", "kind", raw(p.quote(s.Step.Kind(), nameRunes))), p.o.width()-2) {
			fmt.Fprintln(b, p.style(red, "  "+l))
		}
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
	}
	if name == "" {
		return ""
	}
	return p.words["ui.colon"] + p.quote(name, longRunes)
}

// estimate is what the step is expected to take; what is unknown is left out,
// but for the time: silence there would be read as "none".
func (p *printer) estimate(b *strings.Builder, e remedy.Estimate) {
	takes, known := p.words["ui.unknown"], e.Takes > 0
	if known {
		takes = p.t("ui.about-time", "d", rough(e.Takes))
	} else if e.Takes == 0 {
		takes = p.words["ui.at-once"]
	}
	if e.TakesCapped > max(e.Takes, 0) {
		takes += p.words["ui.comma"] + p.t("ui.capped-time", "d", rough(e.TakesCapped))
	}
	p.beside(b, "ui.takes", takes)
	if e.Rows > 0 {
		p.beside(b, "ui.changes", p.t("ui.rows", "rows", diagnose.Count(e.Rows)))
	}
	p.beside(b, "ui.locks", p.locks(e))
	p.beside(b, "ui.disk", p.disk(e))
	if e.Risk != "" {
		p.beside(b, "ui.risk", p.text("risk", string(e.Risk)))
	}
}

func (p *printer) locks(e remedy.Estimate) string {
	stall := ""
	if e.Stall > 0 {
		stall = p.t("ui.stall", "d", e.Stall)
	}
	return p.sentences([]string{p.say(e.Locks), stall})
}

func (p *printer) disk(e remedy.Estimate) string {
	var parts []string
	if e.DiskBytes > 0 {
		parts = append(parts, p.t("ui.disk-needs", "x", diagnose.Bytes(e.DiskBytes)))
	}
	if e.FreesBytes > 0 {
		parts = append(parts, p.t("ui.disk-frees", "x", diagnose.Bytes(e.FreesBytes)))
	}
	return p.sentences(parts)
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
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(b)
	p.styled(b, bold, "", p.words["ui.h-advice"])
	for _, a := range list {
		p.hang(b, "  - ", "    ", p.say(a.Say))
		if a.File != "" {
			p.hang(b, "    ", "    ", p.t("ui.in-file", "file", a.File))
		}
		for _, l := range a.Lines {
			fmt.Fprintln(b, p.style(cyan, "      "+p.quote(l, scriptRunes)))
		}
	}
}

// settle says when it will be known whether the plan helped.
func (p *printer) settle(b *strings.Builder, pl remedy.Plan) {
	s := pl.Settle
	text := ""
	switch {
	case !pl.Doable():
	case s.Hook != "":
		text = p.t("ui.settle-hook", "hook", s.Hook, "due", s.Due)
	case s.Least > 0:
		text = p.t("ui.settle-least", "d", rough(s.Least))
	}
	if text != "" {
		fmt.Fprintln(b)
		p.beside(b, "ui.settle", text)
	}
}
