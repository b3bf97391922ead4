package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/diagnose"
)

// How many kinds of attack the first screen lists.
const (
	attacksTold  = 6
	attacksLeast = 3
)

// table lists the attacks, one a line.
func (p *attacksPrinter) table(b *strings.Builder) {
	all := p.a.Picture.Attacks
	if len(all) == 0 {
		return
	}
	shown := all
	switch {
	case p.o.Verbose:
	case p.tight >= 2:
		shown = all[:min(len(all), attacksLeast)]
	default:
		shown = all[:min(len(all), attacksTold)]
	}
	rows := [][]string{{p.words["ui.col-attack"], p.words["ui.col-attempts"], p.words["ui.col-from"], p.words["ui.col-when"], p.words["ui.col-harm"]}}
	for _, t := range shown {
		rows = append(rows, []string{p.title(t.ID), group(t.Attempts), group(t.ActorsTotal), p.stretch(t.From, t.To), p.verdict(t)})
	}
	fmt.Fprintln(b)
	p.columns(b, rows)
	if n := len(all) - len(shown); n > 0 {
		fmt.Fprintln(b, p.t("ui.attacks-others", "n", diagnose.Count(n), "command", raw(p.more())))
	}
	fmt.Fprintln(b)
}

// columns writes rows with the first column as wide as is left; numbers are
// set to the right.
func (p *attacksPrinter) columns(b *strings.Builder, rows [][]string) {
	wide := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, s := range r {
			wide[i] = max(wide[i], cells(s))
		}
	}
	room := p.o.width()
	for _, w := range wide[1:] {
		room -= w + 2
	}
	wide[0] = min(wide[0], max(room, 8))
	for n, r := range rows {
		line := []string{pad(cut(r[0], wide[0]), wide[0])}
		for i, s := range r[1:] {
			if i < 2 { // numbers
				s = strings.Repeat(" ", wide[i+1]-cells(s)) + s
			}
			line = append(line, pad(s, wide[i+1]))
		}
		code := ""
		if n == 0 {
			code = dim
		}
		fmt.Fprintln(b, p.style(code, strings.TrimRight(cut(strings.Join(line, "  "), p.o.width()), " ")))
	}
}

// verdict is the verdict with the number that bears it.
func (p *attacksPrinter) verdict(t attack.Attack) string {
	v := t.Verdict
	if v == attack.Unknown && t.Harm.WorkerTime >= 0 {
		v = unsure
	}
	out := p.words["verdict."+string(v)]
	if out == "" {
		out = p.quote(string(t.Verdict), nameRunes)
	}
	if t.Harm.WorkerTime >= 0 {
		out += nbsp + p.share(t.Harm.WorkerTime)
	}
	return out
}

// who lists the actors of each attack.
func (p *attacksPrinter) who(b *strings.Builder) {
	for _, t := range p.a.Picture.Attacks {
		p.styled(b, bold, "", p.title(t.ID))
		p.actors(b, "  ", t)
		fmt.Fprintln(b)
	}
}

func (p *attacksPrinter) actors(b *strings.Builder, indent string, t attack.Attack) {
	for _, a := range t.Actors[:min(len(t.Actors), p.a.Top)] {
		p.hang(b, indent, indent, p.actor(a))
	}
	if n := t.ActorsTotal - int64(min(len(t.Actors), p.a.Top)); n > 0 {
		p.hang(b, indent, indent, p.t("ui.actors-more", "n", diagnose.Count(n)))
	}
}

func (p *attacksPrinter) actor(a attack.Actor) string {
	parts := []string{p.address(a), p.t("ui.actor", "attempts", diagnose.Count(a.Attempts), "when", raw(p.stretch(a.From, a.To)))}
	if a.Bot != "" {
		parts = append(parts, p.t("ui.actor-bot", "bot", a.Bot))
	}
	if a.Agent != "" && a.Agent != "-" {
		parts = append(parts, p.quote(a.Agent, nameRunes))
	}
	return strings.Join(parts, p.words["ui.comma"])
}

// address is an actor's prefix; a single address without its length.
func (p *attacksPrinter) address(a attack.Actor) string {
	if a.Prefix.IsValid() && a.Prefix.IsSingleIP() {
		return a.Prefix.Addr().String()
	}
	return a.Prefix.String()
}

// full is all that is known: each attack, each trace of a break-in, each
// proposal, each file.
func (p *attacksPrinter) full(b *strings.Builder) {
	for _, t := range p.a.Picture.Attacks {
		p.attack(b, t)
	}
	p.traces(b)
	p.proposals(b)
	p.files(b)
	p.blanks(b)
}

func (p *attacksPrinter) attack(b *strings.Builder, t attack.Attack) {
	p.styled(b, bold, "", p.title(t.ID)+p.render(p.words["ui.paren"], diagnose.Args{"x": raw(p.quote(t.ID, nameRunes))}))
	if w := p.words["attack."+t.ID+".means"]; w != "" {
		p.hang(b, "  ", "  ", w)
	}
	for _, s := range t.Says {
		p.hang(b, "  - ", "    ", p.say(s))
	}
	if !slices.ContainsFunc(t.Says, func(s diagnose.Sentence) bool { return strings.HasPrefix(s.ID, harmSays) }) {
		p.hang(b, "  - ", "    ", p.harm(t))
	}
	p.hang(b, "  - ", "    ", p.t("ui.attack-times", "from", raw(p.minute(time.Unix(t.From, 0))), "to", raw(p.minute(time.Unix(t.To, 0))), "peak", diagnose.Count(t.PeakMinute)))
	p.hang(b, "  - ", "    ", p.t("ui.attack-answers", "ok", diagnose.Count(t.Answers.S2xx), "moved", diagnose.Count(t.Answers.S3xx),
		"refused", diagnose.Count(t.Answers.S4xx), "failed", diagnose.Count(t.Answers.S5xx)))
	for _, x := range t.Paths {
		if x.Path == "" { // what was no request has none
			continue
		}
		p.hang(b, "  - ", "    ", p.t("ui.attack-path", "path", x.Path, "n", diagnose.Count(x.Count)))
	}
	if c := t.Cluster; c != nil {
		p.hang(b, "  - ", "    ", p.cluster(*c))
	}
	p.hang(b, "  - ", "    ", p.t("ui.attack-who", "n", diagnose.Count(t.ActorsTotal)))
	p.actors(b, "      ", t)
	fmt.Fprintln(b)
}

// netsTold is how many networks of an attack by many are told.
const netsTold = 6

func (p *attacksPrinter) cluster(c attack.Cluster) string {
	size := int64(-1)
	if c.Size > 0 {
		size = c.Size
	}
	var nets []string
	for _, n := range c.Prefixes[:min(len(c.Prefixes), netsTold)] {
		nets = append(nets, n.String())
	}
	if len(c.Prefixes) > netsTold {
		nets = append(nets, "…")
	}
	return p.t("ui.attack-cluster", "agent", c.Agent, "path", c.Path, "size", diagnose.Count(size), "nets", raw(strings.Join(nets, ", ")))
}

// traces are the evidence of a break-in, all of it, and what was not looked at.
func (p *attacksPrinter) traces(b *strings.Builder) {
	in := p.a.BreakIn
	if len(in.Evidence)+len(in.Unseen) == 0 {
		return
	}
	p.styled(b, bold, "", p.words["ui.q-in"])
	for _, e := range in.Evidence {
		p.hang(b, "  - ", "    ", p.text("breakin", string(e.Weight))+p.words["ui.colon"]+p.say(e.Say))
		if e.Do.ID != "" {
			p.hang(b, "    ", "    ", p.say(e.Do))
		}
	}
	for _, u := range in.Unseen {
		p.hang(b, "  - ", "    ", p.t("ui.trace-unseen", "name", raw(p.unseenName(u)), "why", raw(p.quote(u.Why, longRunes))))
	}
	fmt.Fprintln(b)
}

func (p *attacksPrinter) proposals(b *strings.Builder) {
	if len(p.a.Proposals) == 0 {
		return
	}
	p.styled(b, bold, "", p.words["ui.h-proposals"])
	for _, pr := range p.a.Proposals {
		p.hang(b, "  - ", "    ", p.title(pr.Attack)+p.words["ui.colon"]+p.proposal(pr))
		for _, x := range pr.Bans[:min(len(pr.Bans), p.a.Top)] {
			p.hang(b, "      ", "      ", p.address(x.Actor)+p.words["ui.colon"]+p.say(x.Why))
		}
		if n := len(pr.Bans) - p.a.Top; n > 0 {
			p.hang(b, "      ", "      ", p.t("ui.actors-more", "n", diagnose.Count(n)))
		}
		for _, x := range pr.Spared[:min(len(pr.Spared), p.a.Top)] {
			p.hang(b, "      ", "      ", p.t("ui.spared", "prefix", raw(x.Prefix.String()), "why", raw(p.text("spare", x.Why))))
		}
	}
	fmt.Fprintln(b)
}

// files are the logs one by one, with what was rejected of them.
func (p *attacksPrinter) files(b *strings.Builder) {
	p.styled(b, bold, "", p.words["ui.logs"])
	for _, l := range p.a.Logs {
		p.hang(b, "  - ", "    ", p.t("ui.log-file", "path", raw(p.quote(l.Path, longRunes)), "lines", diagnose.Count(l.Lines), "rejected", diagnose.Count(l.Rejected)))
		if !l.From.IsZero() {
			p.hang(b, "    ", "    ", p.minute(l.From)+" – "+p.minute(l.To))
		}
		if l.Format != "" {
			p.hang(b, "    ", "    ", p.words["ui.log-format"]+p.words["ui.colon"]+p.quote(l.Format, longRunes))
		}
		for _, s := range l.Samples {
			p.hang(b, "    ", "    ", p.words["ui.log-sample"]+p.words["ui.colon"]+p.quote(s, nameRunes))
		}
		if l.Fault != "" {
			p.hang(b, "    ", "    ", p.quote(l.Fault, longRunes))
		}
		if l.Hint != "" {
			p.hang(b, "    ", "    ", p.quote(l.Hint, longRunes))
		}
	}
	fmt.Fprintln(b)
}

// blanks says where the numbers come from.
func (p *attacksPrinter) blanks(b *strings.Builder) {
	costs := p.words["ui.costs-"+p.a.Costs]
	if p.a.Costs == "" {
		costs = p.words["ui.costs-unknown"]
	}
	p.hang(b, "", "", costs)
	if p.a.Saved != "" {
		p.hang(b, "", "", p.t("ui.attacks-saved", "file", raw(p.quote(p.a.Saved, longRunes))))
	}
}
