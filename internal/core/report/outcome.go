package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/verify"
)

// OutcomeText writes for a terminal whether runs have helped, and what bears it.
// The error is the writer's.
func OutcomeText(w io.Writer, runs []RunView, o Options) error {
	p := newPrinter(diagnose.Verdict{}, o, clean)
	var b strings.Builder
	if len(runs) == 0 {
		p.hang(&b, "", "", p.words["ui.no-runs"])
	}
	for i, r := range runs {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		p.day = o.Now
		if p.day.IsZero() {
			p.day = r.Last
		}
		p.outcome(&b, r)
	}
	return p.finish(w, &b)
}

func (p *printer) outcome(b *strings.Builder, r RunView) {
	o := r.Outcome
	if o == nil {
		o = &verify.Outcome{Status: verify.Untested}
	}
	mark, code := "? ", yellow
	switch o.Status {
	case verify.Cured:
		mark, code = "✔ ", green
	case verify.Persists:
		mark, code = "✘ ", red
	case verify.Untested:
	}
	p.styled(b, code, mark, p.t("ui.run", "n", raw(fmt.Sprint(r.ID)), "title", raw(p.remedy(r.Plan.Remedy, "title")), "state", raw(p.text("outcome", string(o.Status)))))
	if s := p.subject(r.Plan.Because.About); s != "" {
		p.beside(b, "ui.because", p.causeTitle(r.Plan.Because.Rule)+p.render(p.words["ui.paren"], diagnose.Args{"x": raw(s)}))
	}
	if !o.Window.Zero() {
		p.beside(b, "ui.looked", p.span(o.Window)+" "+p.zone(o.Window.To))
	}
	if o.Job != nil && !slices.ContainsFunc(o.Says, aboutJob) {
		p.beside(b, "ui.job", p.job(*o.Job))
	}
	p.beside(b, "ui.visitors", p.fared(o.Before, o.After))
	for _, s := range o.Says {
		p.hang(b, "  - ", "    ", p.say(s))
	}
	p.explained(b, r)
	if !o.Next.IsZero() {
		p.beside(b, "ui.ask-again", p.moment(o.Next)+" "+p.zone(o.Next))
	}
}

// aboutJob reports whether a sentence says already how it is with the job.
func aboutJob(s diagnose.Sentence) bool { return s.Args["hook"] != nil }

// job says whether the accused job ran again, how that is known and how long
// its statement took.
func (p *printer) job(j verify.JobRun) string {
	hook := p.t("ui.origin-hook", "hook", j.Hook)
	if !j.Ran {
		return hook + p.words["ui.colon"] + p.t("ui.job-not-yet", "due", j.Due)
	}
	out := hook + p.words["ui.colon"] + p.t("ui.job-ran", "due", j.Due)
	if w, ok := p.words["ran."+j.How]; ok {
		out += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(w)})
	}
	switch {
	case j.Took == 0:
		out += p.words["ui.comma"] + p.words["ui.job-fast"]
	case j.Took > 0:
		out += p.words["ui.comma"] + p.t("ui.job-took", "d", j.Took)
	}
	return out
}

// fared compares how visitors fared in the outage and since.
func (p *printer) fared(before, after diagnose.Visitors) string {
	var parts []string
	if before.How != "" && before.OutageMs >= 0 {
		parts = append(parts, p.t("ui.fared-before", "x", diagnose.Ms(before.OutageMs)))
	}
	switch {
	case after.How == "":
		parts = append(parts, p.words["ui.fared-unwatched"])
	case after.OutageMs >= 0:
		parts = append(parts, p.t("ui.fared-after", "x", diagnose.Ms(after.OutageMs)))
	case after.QuietMs >= 0:
		parts = append(parts, p.t("ui.fared-after", "x", diagnose.Ms(after.QuietMs)))
	}
	if after.How != "" && after.FailShare > 0 {
		parts = append(parts, p.t("ui.fail", "fail", diagnose.Share01(after.FailShare), "quiet", diagnose.Share01(-1)))
	}
	return p.sentences(parts)
}
