package report

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
)

// Failure shares from which the site counts as partly down, and as down: below
// one in a hundred visitors hardly meet a failure, above one in two they give up.
const (
	failingShare = 0.01
	downShare    = 0.5
)

// headline is the verdict in one line: when, what visitors met, how sure.
func (p *printer) headline() string {
	state := p.status()
	switch {
	case p.v.Status == diagnose.CannotJudge || p.v.Status == diagnose.Healthy:
		return state + p.words["ui.colon"] + p.calm()
	case p.v.Outage.Zero():
		return state + p.words["ui.colon"] + p.words["ui.harmless"]
	}
	what := p.suffered()
	if p.v.Visitors.StillGoing {
		what += p.words["ui.still"]
	}
	if p.blames() {
		state = p.render(p.words["ui.state-sure"], diagnose.Args{"state": raw(state),
			"sure": diagnose.Share01(p.v.Causes[0].Confidence)})
	}
	return what + p.words["ui.stop"] + p.capital(state) + strings.TrimSpace(p.words["ui.stop"])
}

func (p *printer) calm() string {
	if p.v.Status == diagnose.CannotJudge {
		return p.words["ui.cannot"]
	}
	if len(p.v.Causes) > 0 {
		return p.words["ui.harmless"]
	}
	return p.words["ui.healthy"]
}

func (p *printer) suffered() string {
	switch f := p.v.Visitors.FailShare; {
	case f >= downShare:
		return p.words["ui.down"]
	case f >= failingShare:
		return p.words["ui.failing"]
	case p.v.Visitors.How == "": // nobody measured what visitors met
		return p.words["ui.trouble"]
	}
	return p.words["ui.slow"]
}

func (p *printer) status() string {
	if w, ok := p.words["status."+string(p.v.Status)]; ok {
		return w
	}
	return p.quote(string(p.v.Status), nameRunes)
}

// blames reports whether the verdict names a cause.
func (p *printer) blames() bool {
	s := p.v.Status
	return len(p.v.Causes) > 0 && (s == diagnose.Proven || s == diagnose.Likely || s == diagnose.Healthy)
}

// when is the date, the time of trouble and its zone; the time looked at where
// there was no trouble.
func (p *printer) when() string {
	s := p.v.Outage
	if s.Zero() {
		s = p.v.Window
	}
	if s.Zero() {
		return p.words["ui.unknown"]
	}
	sep := ", "
	if p.ja {
		sep = " "
	}
	out := p.date(s.From) + sep + p.render(p.words["ui.spell"], diagnose.Args{
		"span": raw(p.span(s)), "zone": raw(p.zone(s.From)), "length": s.Duration()})
	return out
}

// visitors says how visitors fared.
func (p *printer) visitors() string {
	v := p.v.Visitors
	if v.How == "" {
		return ""
	}
	var parts []string
	switch {
	case p.v.Outage.Zero() && v.QuietMs >= 0:
		parts = append(parts, p.t("ui.fine", "quiet", diagnose.Ms(v.QuietMs)))
	case !p.v.Outage.Zero() && v.OutageMs >= 0:
		parts = append(parts, p.t("ui.page", "outage", diagnose.Ms(v.OutageMs),
			"quiet", diagnose.Ms(v.QuietMs), "worst", worst(v)))
	}
	if v.FailShare > 0 {
		parts = append(parts, p.t("ui.fail", "fail", diagnose.Share01(v.FailShare), "quiet", diagnose.Share01(v.QuietFail)))
	}
	if w, ok := p.words["ui.how-"+v.How]; ok {
		parts = append(parts, w)
	}
	return p.sentences(parts)
}

// worst is the slowest page, unknown where it says no more than the median.
func worst(v diagnose.Visitors) diagnose.Ms {
	if v.WorstMs < 1.1*v.OutageMs {
		return -1
	}
	return diagnose.Ms(v.WorstMs)
}

// sentences joins sentences: with a space in English, with none in Japanese.
func (p *printer) sentences(parts []string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if p.ja {
		return strings.Join(parts, "")
	}
	return strings.Join(parts, " ")
}

func (p *printer) causeTitle(id string) string {
	if w, ok := p.words["cause."+id+".title"]; ok {
		return w
	}
	return p.quote(id, nameRunes)
}

// title names a finding: by the form that its claim gives it, else by its cause.
func (p *printer) title(f diagnose.Finding) string {
	if w, ok := p.words["cause."+f.Claim.ID+".title"]; ok {
		return w
	}
	return p.causeTitle(f.Rule)
}

// origin says who does it: plugin, hook, schedule, site, user.
func (p *printer) origin(o diagnose.Origin) string {
	var parts []string
	add := func(key, val string, pairs ...any) {
		if val != "" {
			parts = append(parts, p.t(key, pairs...))
		}
	}
	add("ui.origin-plugin", o.Plugin, "plugin", o.Plugin, "version", o.Version)
	add("ui.origin-hook", o.Hook, "hook", o.Hook)
	add("ui.origin-schedule", o.Schedule, "schedule", o.Schedule)
	add("ui.origin-site", o.Site, "site", o.Site)
	add("ui.origin-user", o.User, "user", o.User)
	add("ui.origin-file", o.File, "file", o.File)
	return strings.Join(parts, p.words["ui.comma"])
}

// who is the origin in a few words: what the owner can recognise best.
func (p *printer) who(o diagnose.Origin) string {
	switch {
	case o.Plugin != "":
		o = diagnose.Origin{Plugin: o.Plugin, Version: o.Version}
	case o.Hook != "":
		o = diagnose.Origin{Hook: o.Hook}
	}
	return p.origin(o)
}

func (p *printer) shares(s diagnose.Share) string {
	var parts []string
	for _, x := range []struct {
		key string
		val float64
	}{{"database", s.DatabaseTime}, {"cpu", s.CPU}, {"worker", s.WorkerTime}} {
		if x.val > 0 {
			parts = append(parts, p.t("ui.share-"+x.key, "x", diagnose.Share01(x.val)))
		}
	}
	return strings.Join(parts, p.words["ui.comma"])
}

// whyNow is what made the table big enough to hurt.
func (p *printer) whyNow() []string {
	g := p.v.WhyNow
	if g == nil {
		return nil
	}
	var out []string
	for _, s := range g.Say {
		out = append(out, p.say(s))
	}
	if len(out) == 0 && g.Table != "" {
		out = append(out, p.t("ui.growth-now", "table", g.Table, "rows", diagnose.Count(g.Rows),
			"old", diagnose.Count(g.OldRows), "per_day", diagnose.Number(g.RowsPerDay)))
	}
	return out
}

// again is when it comes again.
func (p *printer) again() string {
	r := p.v.Recurrence
	if r == nil {
		return ""
	}
	s := p.say(r.Say)
	if s == "" && !r.Next.IsZero() {
		s = p.t("ui.next", "next", r.Next, "schedule", r.Schedule)
	}
	if s == "" && r.At != "" {
		s = p.t("claim.again-seen", "at", r.At, "times", diagnose.Count(r.Seen))
	}
	return s
}

// next is when it comes again in a few words; the sentence if no time is known.
func (p *printer) next() string {
	r := p.v.Recurrence
	if r == nil || r.Next.IsZero() {
		return p.again()
	}
	in, hook := "", ""
	if !p.o.Now.IsZero() && r.Next.After(p.o.Now) {
		in = p.t("ui.in", "in", r.Next.Sub(p.o.Now).Round(time.Minute))
	}
	if len(p.v.Causes) > 0 {
		hook = p.v.Causes[0].Origin.Hook
	}
	s := p.t("ui.next", "next", r.Next, "schedule", r.Schedule, "hook", hook) + in
	if cells(s) > p.content() {
		s = p.t("ui.next", "next", r.Next, "schedule", r.Schedule) + in
	}
	return s
}

func (p *printer) rejected(r diagnose.Rejected) string {
	if s := p.say(r.Say); s != "" {
		return s
	}
	return p.quote(r.ID, nameRunes) + p.words["ui.colon"] + p.t("ui.numbers", "metric", r.Metric,
		"quiet", diagnose.Number(r.Baseline), "outage", diagnose.Number(r.Window))
}

// unseen names a source and why it could not be read. The reason is English
// where the catalogue does not know its code: better than silence.
func (p *printer) unseen(u diagnose.Unseen) string {
	source := p.text("source", u.Source)
	why, known := p.words["code."+u.Code]
	switch {
	case u.What != "" && (!known || !p.ja):
		why = p.quote(u.What, longRunes)
	case !known:
		why = p.quote(u.Code, nameRunes)
	}
	if why == "" {
		return source
	}
	return source + p.words["ui.colon"] + why
}

func (p *printer) remedy(id, part string) string {
	if w, ok := p.words["remedy."+id+"."+part]; ok {
		return w
	}
	if part == "title" {
		return p.quote(id, nameRunes)
	}
	return ""
}

// raw is text that this package made itself: it is put in as it is.
type raw string
