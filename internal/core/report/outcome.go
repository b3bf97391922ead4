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
	for i := 0; i < len(runs); {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		n := i + 1
		for n < len(runs) && p.outcomeBody(runs[n]) == p.outcomeBody(runs[i]) {
			n++ // all that is known of them is the same
		}
		for _, r := range runs[i:n] {
			p.outcomeTitle(&b, r)
		}
		b.WriteString(p.outcomeBody(runs[i]))
		p.explained(&b, runs[i:n]...)
		p.askAgain(&b, runs[i])
		i = n
	}
	return p.finish(w, &b)
}

// outcomeOf is the outcome of a run; where nobody has asked yet, it is untested.
func outcomeOf(r RunView) verify.Outcome {
	if r.Outcome == nil {
		return verify.Outcome{Status: verify.Untested}
	}
	return *r.Outcome
}

func (p *printer) outcomeTitle(b *strings.Builder, r RunView) {
	status := outcomeOf(r).Status
	mark, code := "? ", yellow
	switch status {
	case verify.Cured:
		mark, code = "✔ ", green
	case verify.Persists:
		mark, code = "✘ ", red
	case verify.Untested:
	}
	p.styled(b, code, mark, p.t("ui.run", "n", raw(fmt.Sprint(r.ID)), "title", raw(p.remedy(r.Plan.Remedy, "title")), "state", raw(p.text("outcome", string(status)))))
}

// outcomeBody is what bears an outcome.
func (p *printer) outcomeBody(r RunView) string {
	var b strings.Builder
	o := outcomeOf(r)
	if p.day = p.o.Now; p.day.IsZero() {
		p.day = r.Last
	}
	p.reason(&b, "", r.Plan, diagnose.Origin{})
	if !o.Window.Zero() {
		p.beside(&b, "ui.looked", p.span(o.Window)+" "+p.zone(o.Window.To))
	}
	if o.Job != nil && !slices.ContainsFunc(o.Says, aboutJob) {
		p.beside(&b, "ui.job", p.job(*o.Job))
	}
	p.beside(&b, "ui.visitors", p.fared(o.Before, o.After))
	for _, s := range o.Says {
		p.hang(&b, "  - ", "    ", p.say(s))
	}
	return b.String()
}

func (p *printer) askAgain(b *strings.Builder, r RunView) {
	if next := outcomeOf(r).Next; !next.IsZero() {
		p.beside(b, "ui.ask-again", p.moment(next)+" "+p.zone(next))
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
	since := "ui.fared-now"
	if before.How != "" && before.OutageMs >= 0 {
		parts = append(parts, p.t("ui.fared-before", "x", diagnose.Ms(before.OutageMs)))
		since = "ui.fared-after"
	}
	switch {
	case after.How == "":
		parts = append(parts, p.words["ui.fared-unwatched"])
	case after.OutageMs >= 0:
		parts = append(parts, p.t(since, "x", diagnose.Ms(after.OutageMs)))
	case after.QuietMs >= 0:
		parts = append(parts, p.t(since, "x", diagnose.Ms(after.QuietMs)))
	}
	if after.How != "" && after.FailShare > 0 {
		parts = append(parts, p.t("ui.fail", "fail", diagnose.Share01(after.FailShare), "quiet", diagnose.Share01(-1)))
	}
	return p.sentences(parts)
}
