package report

import (
	"strings"
	"time"

	"hirune/internal/core/diagnose"
)

// section is one part of the whole report, in a form that both the terminal
// and Markdown can show.
type section struct {
	title string
	items []item
}

// Kinds of item.
const (
	para   = iota
	bullet // with sub-bullets
	step   // numbered from 1 in its section
	graph  // lines to be shown as they are; our own text only
	table  // rows, the first is the head
)

type item struct {
	kind int
	text string
	sub  []string
	rows [][]string
}

// full returns all of the evidence, section by section; empty ones left out.
func (p *printer) full() []section {
	all := []section{p.opening()}
	if p.blames() || p.v.Status == diagnose.NotProven {
		for i := range p.v.Causes {
			all = append(all, p.causeSection(i))
		}
	}
	all = append(all, p.timeSection(), p.chainSection(), p.shareSection(),
		p.whySection(), p.todoSection(), p.rejectedSection(), p.surerSection(),
		p.unseenSection(), p.noteSection())
	out := all[:0]
	for _, s := range all {
		if len(s.items) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func paras(texts ...string) []item {
	var out []item
	for _, t := range texts {
		if t != "" {
			out = append(out, item{kind: para, text: t})
		}
	}
	return out
}

func bullets(texts []string) []item {
	var out []item
	for _, t := range texts {
		out = append(out, item{kind: bullet, text: t})
	}
	return out
}

func (p *printer) labelled(key, s string) string {
	if s == "" {
		return ""
	}
	return p.words[key] + p.words["ui.colon"] + s
}

func (p *printer) opening() section {
	s := section{items: paras(p.labelled("ui.when", p.when()))}
	if p.v.Status == diagnose.NotProven {
		s.items = append(s.items, paras(p.words["ui.not-proven"])...)
	}
	if !p.v.Outage.Zero() && !p.v.Window.Zero() {
		looked := p.span(p.v.Window)
		if !p.v.Quiet.Zero() {
			looked += p.words["ui.comma"] + p.render(p.words["ui.compared"], diagnose.Args{"span": raw(p.span(p.v.Quiet))})
		}
		s.items = append(s.items, paras(p.labelled("ui.looked", looked))...)
	}
	s.items = append(s.items, paras(p.labelled("ui.visitors", p.visitors()))...)
	return s
}

func (p *printer) causeSection(i int) section {
	f := p.v.Causes[i]
	s := section{title: p.render(p.words["ui.h-cause"], diagnose.Args{"n": diagnose.Count(i + 1),
		"title": raw(p.title(f)), "sure": diagnose.Share01(f.Confidence)})}
	s.items = paras(p.say(f.Claim), p.words["cause."+f.Rule+".means"],
		p.labelled("ui.from", p.origin(f.Origin)), p.labelled("ui.about", p.subject(f.About)))
	if !f.Active.Zero() {
		s.items = append(s.items, paras(p.render(p.words["ui.active"], diagnose.Args{"span": raw(p.span(f.Active))}))...)
	}
	s.items = append(s.items, p.sayAll("ui.h-evidence", f.Proof)...)
	s.items = append(s.items, p.sayAll("ui.missing", f.Missing)...)
	return s
}

// sayAll is a heading line and the sentences as bullets below it.
func (p *printer) sayAll(key string, list []diagnose.Sentence) []item {
	if len(list) == 0 {
		return nil
	}
	return append(paras(p.words[key]+p.words["ui.colon"]), p.sayBullets(list)...)
}

func (p *printer) sayBullets(list []diagnose.Sentence) []item {
	var texts []string
	for _, s := range list {
		texts = append(texts, p.say(s))
	}
	return bullets(texts)
}

func (p *printer) subject(a diagnose.Subject) string {
	out := ""
	add := func(key string, v any) {
		if s, known := p.value(key, v); known {
			if out != "" {
				out += p.words["ui.comma"]
			}
			out += p.render(p.words["ui.subject-"+key], diagnose.Args{"x": raw(s)})
		}
	}
	tab := a.Table
	if tab != "" && a.Schema != "" {
		tab = a.Schema + "." + tab
	}
	add("table", tab)
	add("column", a.Column)
	if a.Session != 0 {
		add("session", a.Session)
	}
	add("client", a.Client)
	add("clients", a.Clients)
	add("path", a.Path)
	add("service", a.Service)
	add("process", a.Process)
	add("remote", a.Remote)
	return out
}

func (p *printer) timeSection() section {
	lines := p.timeline(labelCells, p.content()-16)
	if len(lines) == 0 {
		return section{}
	}
	return section{title: p.words["ui.h-timeline"], items: []item{{kind: graph, sub: lines}}}
}

func (p *printer) chainSection() section {
	s := section{title: p.words["ui.h-chain"]}
	for i, l := range p.v.Chain {
		text := p.moment(l.Span.From)
		if l.Span.To.After(l.Span.From) {
			text = p.span(l.Span)
		}
		text += p.words["ui.colon"] + strings.TrimRight(p.say(l.Say), ".。")
		if i > 0 {
			text = "↓ " + text
		}
		if sh := p.shares(l.Share); sh != "" {
			text += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(sh)})
		}
		s.items = append(s.items, item{kind: bullet, text: text})
	}
	return s
}

func (p *printer) shareSection() section {
	rows := [][]string{{p.words["ui.cause"], p.words["ui.col-database"], p.words["ui.col-cpu"], p.words["ui.col-worker"]}}
	for _, f := range p.v.Causes {
		rows = append(rows, p.shareRow(p.title(f), f.Share))
	}
	for _, l := range p.v.Chain {
		if l.Role == diagnose.RoleStep && p.shares(l.Share) != "" {
			name, ok := p.words["short."+l.Say.ID]
			if !ok {
				name = p.quote(l.ID, nameRunes)
			}
			rows = append(rows, p.shareRow(name, l.Share))
		}
	}
	if len(rows) == 1 {
		return section{}
	}
	return section{title: p.words["ui.h-shares"], items: []item{{kind: table, rows: rows}}}
}

func (p *printer) shareRow(name string, s diagnose.Share) []string {
	row := []string{name}
	for _, x := range []float64{s.DatabaseTime, s.CPU, s.WorkerTime} {
		t, known := p.value("", diagnose.Share01(x))
		if !known {
			t = p.words["ui.unknown"]
		}
		row = append(row, t)
	}
	return row
}

func (p *printer) whySection() section {
	s := section{title: p.words["ui.h-why"], items: bullets(p.whyNow())}
	if a := p.again(); a != "" {
		s.items = append(s.items, item{kind: bullet, text: a})
	}
	return s
}

func (p *printer) todoSection() section {
	s := section{title: p.words["ui.h-todo"]}
	if len(p.v.Remedies) > 0 {
		s.items = paras(p.words["ui.manual"])
	}
	for _, id := range p.v.Remedies {
		it := item{kind: step, text: p.remedy(id, "title")}
		if d := p.remedy(id, "does"); d != "" {
			it.sub = []string{d, p.remedy(id, "how")}
		}
		s.items = append(s.items, it)
	}
	record := map[diagnose.Status][]string{
		diagnose.NotProven:   {"ui.record-1", "ui.record-2"},
		diagnose.CannotJudge: {"ui.see-first", "ui.record-1", "ui.record-2"},
	}
	for _, k := range record[p.v.Status] {
		s.title = p.words["ui.record"]
		s.items = append(s.items, item{kind: step, text: p.words[k]})
	}
	return s
}

func (p *printer) rejectedSection() section {
	var list []string
	for _, r := range p.v.Rejected {
		list = append(list, p.rejected(r))
	}
	return section{title: p.words["ui.h-rejected"], items: bullets(list)}
}

func (p *printer) surerSection() section {
	return section{title: p.words["ui.h-surer"], items: p.sayBullets(p.v.Surer)}
}

func (p *printer) unseenSection() section {
	s := section{title: p.words["ui.h-unseen"]}
	for _, u := range p.v.Unseen {
		it := item{kind: bullet, text: p.unseen(u)}
		if u.Hint != "" {
			it.sub = []string{p.quote(u.Hint, longRunes)}
		}
		s.items = append(s.items, it)
	}
	return s
}

func (p *printer) noteSection() section {
	s := section{title: p.words["ui.h-notes"], items: bullets(p.notes())}
	if p.v.SelfCPUMs >= 0 {
		cost := p.t("ui.self", "cpu", time.Duration(p.v.SelfCPUMs)*time.Millisecond)
		s.items = append(s.items, item{kind: bullet, text: cost})
	}
	return s
}
