package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// PlanOverview writes plans so that they fit on a screen: for each what it does,
// how long it takes, how long visitors wait, and its first statement; then what
// can go wrong and how all is undone. What is refused stands in full, and so does
// all that cannot be undone. PlanText has the rest. The error is the writer's.
func PlanOverview(w io.Writer, plans []remedy.Plan, o Options) error {
	p, b := newPlanPage(plans, o)
	told, n := "", 0
	for _, pl := range plans {
		if byHand(pl) {
			continue
		}
		p.day = pl.At
		o := pl.Because.Origin
		var why strings.Builder
		next := p.reason(&why, told, pl, diagnose.Origin{Plugin: o.Plugin, Version: o.Version, Hook: o.Hook, Schedule: o.Schedule})
		if told != "" && why.Len() > 0 {
			fmt.Fprintln(b)
		}
		told = next
		b.WriteString(why.String())
		n++
		p.brief(b, n, pl)
	}
	p.inAll(b, plans)
	return p.finish(w, b)
}

// byHand reports whether a plan is nothing but advice.
func byHand(pl remedy.Plan) bool {
	return len(pl.Steps) == 0 && len(pl.Refused) == 0 && len(pl.Says) == 0
}

// reason says which finding a plan answers and who is behind it, unless that was
// told just before; it returns what is told now.
func (p *printer) reason(b *strings.Builder, told string, pl remedy.Plan, who diagnose.Origin) string {
	if pl.Because.Rule == "" {
		return told
	}
	about := pl.Because.About
	if about.Table != "" {
		about.Session = 0 // of the outage, long gone
	}
	why := p.causeTitle(pl.Because.Rule)
	if _, known := p.words["cause."+pl.Because.Rule+".title"]; !known { // nobody has diagnosed anything: a job's own run
		why = p.remedy(pl.Because.Rule, "title")
	}
	if s := p.subject(about); s != "" {
		why += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(s)})
	}
	from := p.origin(who)
	if why+from != told {
		p.beside(b, "ui.because", why)
		p.beside(b, "ui.from", from)
	}
	return why + from
}

// brief is a plan in a few lines.
func (p *printer) brief(b *strings.Builder, n int, pl remedy.Plan) {
	code := bold
	if len(pl.Refused) > 0 {
		code = yellow
	}
	fmt.Fprintln(b)
	p.styled(b, code, fmt.Sprintf("%d. ", n), p.remedy(pl.Remedy, "title")+p.render(p.words["ui.paren"], diagnose.Args{"x": raw(p.quote(pl.Remedy, nameRunes))}))
	p.refused(b, pl)
	does := telling(pl.Says)
	for _, s := range pl.Steps {
		if len(does) == 0 && s.Estimate.Risk != remedy.RiskNone {
			does = telling(s.Says)
		}
	}
	for _, s := range does {
		p.hang(b, "  - ", "    ", p.say(s))
	}
	if !pl.Doable() {
		return
	}
	e := together(pl.Steps)
	takes := p.taking(e)
	if e.Stall > 0 {
		takes += p.words["ui.stop"] + p.stalling(e)
	}
	if e.Takes < 0 || e.TakesCapped > trifle || e.Stall > 0 {
		p.beside(b, "ui.takes", takes)
	}
	label := "ui.exactly"
	for _, s := range pl.Steps {
		if s.Estimate.Risk != remedy.RiskNone {
			p.exactly(b, label, s)
			label = noLabel
		}
	}
}

// trifle is how long something may take without being worth a line of the first
// screen; the sum has it.
const trifle = 5 * time.Second

// telling leaves out what the first screen can do without. Everything that is not
// known here is told: a warning must not get lost because it is new.
func telling(says []diagnose.Sentence) []diagnose.Sentence {
	return slices.DeleteFunc(slices.Clone(says), func(s diagnose.Sentence) bool { return background[s.ID] })
}

// background are the sentences that explain rather than warn.
var background = map[string]bool{
	"purge-archive": true, "purge-unordered": true, "purge-aftermath": true, "purge-measured": true, "purge-space": true, "purge-again": true,
	"offer-rebuild": true, "no-rebuild-form": true, "no-rebuild-disk": true, "no-rebuild-rights": true,
	"index-after-purge": true, "index-bounded": true, "index-again": true,
	"small-why": true, "small-steady": true, "small-still-large": true, "small-can-move": true, "small-no-event": true, "small-too-often": true,
	"web-stays-open": true, "web-attempts-go-on": true, "web-other-sites": true, "web-behind-proxy": true, "web-refused-by-php": true, "web-absent": true,
	"web-step-tests": true, "web-step-proves": true,
}

// noLabel leaves the place of a label empty.
const noLabel = ""

// exactly shows the statement that a step begins with, or the file that it
// writes, and in full what cannot be undone.
func (p *printer) exactly(b *strings.Builder, label string, s remedy.Planned) {
	first, more := changing(s.Step.Script())
	switch {
	case first == "":
		p.beside(b, label, p.stepTitle(s.Step.Kind())+p.target(s.Step))
	case more > 0:
		p.beside(b, label, p.t("ui.and-more", "x", raw(hold(p.quote(first, longRunes))), "n", diagnose.Count(more)))
	default:
		p.beside(b, label, hold(p.quote(first, longRunes)))
	}
	if s.Estimate.Irreversible {
		p.irreversible(b, s)
	}
}

// changing is the first statement of a script that changes anything, and how
// many more there are.
func changing(lines []remedy.Line) (first string, more int64) {
	for _, l := range lines {
		verb, _, _ := strings.Cut(l.Text, " ")
		if l.Lang != remedy.LangSQL || slices.Contains([]string{"SET", "DO", "EXPLAIN", "SELECT"}, verb) {
			continue
		}
		if first == "" {
			first = l.Text
			continue
		}
		more++
	}
	return first, more
}

func (p *printer) irreversible(b *strings.Builder, s remedy.Planned) {
	for _, l := range wrap(p.t("ui.irreversible", "kind", raw(p.quote(s.Step.Kind(), nameRunes))), p.o.width()-2) {
		fmt.Fprintln(b, p.style(red, "  "+l))
	}
}

// inAll is what goes for all plans: time, risk, undo, proof, and what is left to
// the owner.
func (p *printer) inAll(b *strings.Builder, plans []remedy.Plan) {
	var steps []remedy.Planned
	var proof string
	advice := 0
	for _, pl := range plans {
		advice += len(pl.Advice)
		if !pl.Doable() {
			continue
		}
		steps = append(steps, pl.Steps...)
		if text := p.settled(pl); proof == "" || pl.Settle.Hook != "" {
			proof = text
		}
	}
	if len(steps) > 0 {
		e := together(steps)
		fmt.Fprintln(b)
		p.beside(b, "ui.in-all", p.taking(e))
		p.beside(b, "ui.risk", p.text("risk", string(e.Risk)))
		p.beside(b, "ui.undo", p.undoing(steps))
		p.beside(b, "ui.settle", proof)
	}
	if advice > 0 {
		p.beside(b, "ui.by-hand", p.t("ui.by-hand-n", "n", diagnose.Count(advice)))
	}
}

// undoing says how all steps are undone, and what of them cannot be.
func (p *printer) undoing(steps []remedy.Planned) string {
	var never []string
	for _, s := range steps {
		if s.Estimate.Irreversible {
			never = append(never, p.stepTitle(s.Step.Kind())+p.target(s.Step))
		}
	}
	changing := slices.DeleteFunc(slices.Clone(steps), func(s remedy.Planned) bool { return s.Estimate.Risk == remedy.RiskNone })
	switch len(never) {
	case 0:
		return p.words["ui.undo-all"]
	case len(changing):
		return p.words["ui.undo-none"]
	}
	return p.t("ui.undo-but", "x", raw(strings.Join(never, p.words["ui.comma"])))
}

// settled says when it will be known whether a plan helped.
func (p *printer) settled(pl remedy.Plan) string {
	s := pl.Settle
	switch {
	case !pl.Doable():
	case s.Hook != "":
		return p.t("ui.settle-hook", "hook", s.Hook, "due", s.Due)
	case s.Least > 0:
		return p.t("ui.settle-least", "d", rough(s.Least))
	}
	return ""
}
