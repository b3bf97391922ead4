package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/diagnose"
)

// How much of each answer the first screen has.
const (
	hurtsTold    = 2
	evidenceTold = 2
	todoTold     = 3
)

// told is how much of an answer there is room for.
func (p *attacksPrinter) told(most int) int {
	if p.tight >= tightest {
		return 1
	}
	return most
}

// hurts says with numbers whether it matters.
func (p *attacksPrinter) hurts() string {
	all := p.a.Picture.Attacks
	if len(all) == 0 {
		return ""
	}
	v, _ := p.worst()
	var parts []string
	switch v {
	case attack.Hurts:
		parts = append(parts, p.words["ui.hurts-yes"])
	case attack.Unknown:
		parts = append(parts, p.words["ui.hurts-unknown"])
		if p.measured() {
			parts = []string{p.words["ui.hurts-unsure"]}
		}
	case attack.Harmless:
		parts = append(parts, p.words["ui.hurts-no"])
	}
	told := slices.DeleteFunc(slices.Clone(all), func(t attack.Attack) bool { return t.Verdict != v })
	slices.SortStableFunc(told, func(x, y attack.Attack) int { return compareHarm(y.Harm, x.Harm) })
	most := p.told(hurtsTold)
	if v != attack.Hurts {
		most = 1
	}
	for _, t := range told[:min(len(told), most)] {
		parts = append(parts, p.harm(t))
	}
	switch {
	case v != attack.Unknown || p.measured():
	case p.a.Away:
		parts = append(parts, p.words["ui.hurts-to-log"])
	default:
		parts = append(parts, p.t("ui.hurts-to-know", "command", raw(p.typed("hirune record --for 1h"))))
	}
	return p.sentences(parts)
}

func compareHarm(a, b attack.Harm) int {
	x, y := max(a.WorkerTime, 0), max(b.WorkerTime, 0)
	if x == y {
		x, y = max(a.Requests, 0), max(b.Requests, 0)
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// harm is what one attack costs, in a sentence.
func (p *attacksPrinter) harm(t attack.Attack) string {
	var said []string
	for _, s := range t.Says { // the detectors say why they judge so
		if _, ok := p.words["claim."+s.ID]; ok && strings.HasPrefix(s.ID, harmSays) && t.Harm.WorkerTime >= 0 {
			said = append(said, p.say(s))
		}
	}
	if len(said) > 0 {
		said[0] = p.title(t.ID) + p.words["ui.colon"] + p.small(said[0])
		return p.withSpent(t, p.withLoad(t, p.sentences(said)))
	}
	args := []any{"title", raw(p.title(t.ID)), "worker", share01(t.Harm.WorkerTime), "requests", share01(t.Harm.Requests)}
	if t.Harm.Busy >= 0.05 {
		args = append(args, "busy", diagnose.Number(t.Harm.Busy))
	}
	key := "ui.harm"
	if !t.Harm.Measured && t.Harm.WorkerTime >= 0 {
		key = "ui.harm-estimated"
	}
	if t.Harm.WorkerTime < 0 {
		key = "ui.harm-requests"
	}
	return p.withSpent(t, p.withLoad(t, p.t(key, args...)))
}

// small makes the first letter of an English sentence a small one, for behind a
// colon.
func (p *printer) small(s string) string {
	if p.ja || len(s) < 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'a' || s[1] > 'z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// harmSays begins the ids of the sentences on what an attack costs.
const harmSays = "harm-"

// withLoad adds how busy the server was, against quiet days.
func (p *attacksPrinter) withLoad(t attack.Attack, out string) string {
	if l, ok := p.a.Loads[t.ID]; ok && p.tight < 3 && l.During >= 0 && l.Usual >= 0 {
		out = p.sentences([]string{out, p.t("ui.harm-load", "during", diagnose.Number(l.During), "usual", diagnose.Number(l.Usual))})
	}
	return out
}

// withSpent adds what the attack took of PHP's CPU and of the database, as far as a
// recording tells it.
func (p *attacksPrinter) withSpent(t attack.Attack, out string) string {
	if p.tight > 1 {
		return out
	}
	if s, ok := p.a.Spent[t.ID]; ok {
		key, args := "ui.harm-spent", []any{"from", s.From, "to", s.To}
		if s.PHP >= 0 {
			args = append(args, "cpu", share01(s.PHP))
		}
		if s.Database >= 0 {
			args = append(args, "database", share01(s.Database))
		}
		switch {
		case s.PHP < 0:
			key = "ui.harm-spent-database"
		case s.Database < 0:
			key = "ui.harm-spent-cpu"
		}
		out = p.sentences([]string{out, p.t(key, args...)})
	}
	u, ok := p.a.Used[t.ID]
	for _, x := range []struct {
		key string
		l   attack.Load
	}{{"ui.harm-php-cpus", u.PHP}, {"ui.harm-database-cpus", u.Database}} {
		if ok && p.tight < 1 && x.l.During >= 0 && x.l.Usual >= 0 {
			out = p.sentences([]string{out, p.t(x.key, "during", diagnose.Number(x.l.During), "usual", diagnose.Number(x.l.Usual))})
		}
	}
	return out
}

func share01(x float64) diagnose.Share01 { return diagnose.Share01(x) }

// gotIn is whether somebody got in, and what could not be looked at.
func (p *attacksPrinter) gotIn() block {
	in := p.a.BreakIn
	b := block{label: p.words["ui.q-in"]}
	s := p.words["ui.got-"+string(in.Status)]
	if s == "" {
		s = p.words["ui.got-unasked"]
	}
	if in.Status == attack.NothingFound && len(in.Unseen) > 0 {
		s = p.words["ui.got-nothing-partly"]
	}
	b.lines = wrap(s, p.content())
	if in.Status == attack.Confirmed || in.Status == attack.LikelyIn || in.Status == attack.LookAtThis {
		b.color = red
	}
	shown := in.Evidence[:min(len(in.Evidence), p.told(evidenceTold))]
	for _, e := range shown {
		b.lines = append(b.lines, p.hanging("- ", p.say(e.Say))...)
	}
	if n := len(in.Evidence) - len(shown); n > 0 {
		b.lines = append(b.lines, p.hanging("- ", p.t("ui.got-more", "n", diagnose.Count(n), "command", raw(p.more())))...)
	}
	return b
}

// todo is what to do, the most urgent first.
func (p *attacksPrinter) todo() block {
	var list []string
	left := 0
	add := func(s string) {
		switch {
		case s == "" || slices.Contains(list, s):
		case len(list) >= p.told(todoTold):
			left++
		default:
			list = append(list, s)
		}
	}
	said := map[string]bool{}
	for _, e := range p.a.BreakIn.Evidence {
		if !said[e.Do.ID] { // the same for another user or file is told in full
			add(p.say(e.Do))
		}
		said[e.Do.ID] = true
	}
	optional := ""
	for _, pr := range p.a.Proposals {
		switch s := p.proposal(pr); {
		case !pr.Optional:
			add(s)
		case optional == "" && pr.Refused.ID == "":
			optional = s
		}
	}
	if len(list) == 0 {
		list = append(list, p.calm(optional)...)
	}
	b := block{label: p.words["ui.todo"]}
	for i, s := range list {
		mark := fmt.Sprintf("%d. ", i+1)
		if len(list) == 1 {
			mark = ""
		}
		b.lines = append(b.lines, p.hanging(mark, s)...)
	}
	if left > 0 {
		b.lines = append(b.lines, p.hanging("", p.t("ui.todo-more", "n", diagnose.Count(left), "command", raw(p.more())))...)
	}
	return b
}

// calm is what to do where nothing has to be done.
func (p *attacksPrinter) calm(optional string) []string {
	if len(p.a.Picture.Attacks) == 0 {
		return nil
	}
	switch v, ended := p.worst(); {
	case v != attack.Harmless && ended:
		return []string{p.words["ui.todo-over"]}
	case v == attack.Unknown && p.measured():
		return []string{p.words["ui.todo-unsure"]}
	case v == attack.Unknown:
		return []string{p.words["ui.todo-measure"]}
	case v == attack.Hurts:
		return []string{p.words["ui.todo-none"]}
	}
	if optional == "" {
		return []string{p.words["ui.todo-nothing"]}
	}
	return []string{p.words["ui.todo-nothing"] + p.gap() + p.t("ui.todo-optional", "x", raw(optional))}
}

// gap stands between two sentences.
func (p *printer) gap() string {
	if p.ja {
		return ""
	}
	return " "
}

// proposal is one proposal as a sentence with its command.
func (p *attacksPrinter) proposal(pr attack.Proposal) string {
	if pr.Refused.ID != "" {
		return p.t("ui.propose-refused", "title", raw(p.title(pr.Attack)), "why", raw(p.say(pr.Refused)))
	}
	s := p.say(pr.Why)
	switch {
	case pr.Command != "" && p.a.Away:
		s += p.gap() + p.t("ui.propose-there", "command", raw(p.typed(pr.Command)))
	case pr.Command != "":
		s += p.gap() + p.t("ui.propose-type", "command", raw(p.typed(pr.Command)))
	}
	return s
}

func (p *attacksPrinter) typed(command string) string {
	if p.a.Typed != nil {
		command = p.a.Typed(command)
	}
	return strings.ReplaceAll(p.quote(command, longRunes), " ", nbsp) // on one line, to be copied
}

// foot is what is fine, what was read, what was not, and how to see more.
func (p *attacksPrinter) foot() []block {
	list := []block{p.logsRead(), p.notSeen()}
	if p.tight < 1 {
		list = append([]block{p.fine()}, list...)
	}
	if !p.o.Verbose && !p.blind() {
		list = append(list, p.textBlock("ui.more", p.t("ui.attacks-more", "command", raw(p.more())), 9))
	}
	return slices.DeleteFunc(list, func(x block) bool { return len(x.lines) == 0 })
}

// more is the command that shows all.
func (p *attacksPrinter) more() string {
	out := "hirune attacks --verbose"
	if p.a.Away {
		out += " --log …"
	} else if p.a.Typed != nil {
		out = p.a.Typed(out)
	}
	return strings.ReplaceAll(out, " ", nbsp)
}

// fine is traffic that looks odd and is not an attack.
func (p *attacksPrinter) fine() block {
	var list []string
	for _, x := range p.a.Picture.Benign {
		name := p.words["benign."+x.ID]
		if name == "" {
			name = p.quote(x.ID, nameRunes)
		}
		if x.Name != "" {
			name += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(p.quote(x.Name, nameRunes))})
		}
		list = append(list, name+nbsp+group(x.Requests))
	}
	return p.textBlock("ui.fine-too", strings.Join(list, p.words["ui.comma"]), 9)
}

// logsRead says what was read, and counts what was not understood.
func (p *attacksPrinter) logsRead() block {
	var files, lines, rejected, long, outside int64
	for _, l := range p.a.Logs {
		if l.Lines > 0 || l.Fault == "" {
			files++
		}
		lines, rejected, long, outside = lines+l.Lines, rejected+l.Rejected, long+l.Long, outside+l.Outside
	}
	parts := []string{p.t("ui.logs-read", "files", diagnose.Count(files), "lines", diagnose.Count(lines))}
	for _, x := range []struct {
		key string
		n   int64
	}{{"ui.logs-rejected", rejected}, {"ui.logs-long", long}, {"ui.logs-outside", outside}} {
		if x.n > 0 {
			parts = append(parts, p.t(x.key, "n", diagnose.Count(x.n), "share", diagnose.Share01(float64(x.n)/float64(max(lines, 1)))))
		}
	}
	b := p.textBlock("ui.logs", p.sentences(parts), 9)
	for _, l := range p.a.Logs {
		if l.Fault != "" {
			b.lines = append(b.lines, p.hanging("- ", p.quote(l.Fault, longRunes))...)
		}
	}
	return b
}

// notSeen says what the answers do not rest on.
func (p *attacksPrinter) notSeen() block {
	b := block{label: p.words["ui.unseen"]}
	if p.a.Away {
		b.lines = append(b.lines, wrap(p.words["ui.attacks-away"], p.content())...)
	}
	var names []string
	for _, u := range slices.Concat(p.a.Unseen, p.a.BreakIn.Unseen) {
		name := p.unseenName(u)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 && !p.a.Away {
		b.lines = append(b.lines, wrap(strings.Join(names, p.words["ui.comma"]), p.content())...)
	}
	if p.a.Picture.Forgot > 0 {
		b.lines = append(b.lines, wrap(p.t("ui.attacks-forgot", "n", diagnose.Count(p.a.Picture.Forgot)), p.content())...)
	}
	return b
}

func (p *attacksPrinter) unseenName(u attack.Unseen) string {
	if w, ok := p.words["unseen."+u.Source]; ok {
		return w
	}
	return p.quote(u.Source, nameRunes)
}

// stretch is when an attack was, as short as it can be told.
func (p *attacksPrinter) stretch(from, to int64) string {
	a, b := time.Unix(from, 0).In(p.loc), time.Unix(to, 0).In(p.loc)
	day, dash := "2 Jan", "–"
	if p.ja {
		day, dash = "1/2", "～"
	}
	switch {
	case a.Format(time.DateOnly) == b.Format(time.DateOnly) && a.Format("15:04") == b.Format("15:04"):
		return a.Format(day + " 15:04")
	case a.Format(time.DateOnly) == b.Format(time.DateOnly):
		return a.Format(day+" 15:04") + dash + b.Format("15:04")
	}
	return a.Format(day) + dash + b.Format(day)
}
