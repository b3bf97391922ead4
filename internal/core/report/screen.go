package report

import (
	"fmt"
	"strings"

	"hirune/internal/core/diagnose"
)

// The first screen: a label column and what belongs to it, at most screenLines
// so that a terminal of 24 lines still has room for the prompt.
const (
	screenLines = 23
	labelCells  = 14
	causeLines  = 4 // of a claim with its origin
	moreCauses  = 2
	todoLines   = 4
	missing     = 3 // sentences
)

// block is one labelled part of the first screen. When the screen is too full,
// lines go in the order of drop, down to min.
type block struct {
	label string
	lines []string
	min   int
	drop  []int // indices of lines, the first to go first; empty: from the end
	rank  int   // blocks of lower rank give lines first
	color string
	own   bool // the lines have their own label column
}

// first returns the blocks of the first screen, for the kind of verdict.
func (p *printer) first() []block {
	switch {
	case p.blames():
		return p.blameBlocks()
	case p.v.Status == diagnose.Healthy:
		return p.healthyBlocks()
	case p.v.Status == diagnose.CannotJudge:
		return p.cannotBlocks()
	}
	return p.notProvenBlocks()
}

func (p *printer) blameBlocks() []block {
	unseen := 0
	if p.v.Status == diagnose.Likely {
		unseen = 1 // perhaps that is why it is not proven
	}
	return []block{
		p.causeBlock(),
		p.alsoBlock(),
		p.visitorBlock(),
		p.timeBlock(),
		p.chainBlock(),
		p.clearedBlock(),
		p.listBlock("ui.why", p.whyNow(), 1, 3),
		p.textBlock("ui.again", p.next(), 9),
		p.todoBlock(),
		p.surerBlock(1),
		p.noteBlock(2),
		p.unseenBlock(unseen),
	}
}

func (p *printer) healthyBlocks() []block {
	return []block{
		p.visitorBlock(),
		p.timeBlock(),
		p.clearedBlock(),
		p.noteBlock(6),
		p.unseenBlock(1),
		p.textBlock("ui.ready", p.words["ui.watch"], 9),
	}
}

func (p *printer) notProvenBlocks() []block {
	return []block{
		p.textBlock("ui.cause", p.words["ui.not-proven"], 9),
		p.visitorBlock(),
		p.timeBlock(),
		p.surerBlock(missing),
		p.clearedBlock(),
		p.noteBlock(2),
		p.unseenBlock(1),
		p.textBlock("ui.again", p.next(), 9),
		p.recordBlock("ui.record-1", "ui.record-2"),
	}
}

func (p *printer) cannotBlocks() []block {
	return []block{
		p.visitorBlock(),
		p.hintBlock(),
		p.surerBlock(missing),
		p.noteBlock(2),
		p.recordBlock("ui.see-first", "ui.record-1", "ui.record-2"),
	}
}

// content is the width beside the labels.
func (p *printer) content() int { return p.o.width() - labelCells }

func (p *printer) textBlock(label, s string, rank int) block {
	if s == "" {
		return block{}
	}
	lines := wrap(s, p.content())
	return block{label: p.words[label], lines: lines, min: len(lines), rank: rank}
}

// listBlock has one line for each sentence; what does not fit is cut there and
// stands in full under --verbose.
func (p *printer) listBlock(label string, list []string, least, rank int) block {
	b := block{label: p.words[label], min: least, rank: rank}
	for _, s := range list {
		b.lines = append(b.lines, cut(s, p.content()))
	}
	return b
}

func (p *printer) visitorBlock() block {
	for _, l := range p.v.Chain {
		if l.Say.ID == "link-visitors-wait" && p.blames() {
			return block{} // the chain says it
		}
	}
	return p.textBlock("ui.visitors", p.visitors(), 8)
}

func (p *printer) causeBlock() block {
	f := p.v.Causes[0]
	s := p.say(f.Claim)
	if s == "" {
		s = p.title(f)
	}
	lines := wrap(s, p.content())
	if o := p.who(f.Origin); o != "" {
		lines = append(lines, wrap(p.words["ui.from"]+p.words["ui.colon"]+o, p.content())...)
	}
	if len(lines) > causeLines {
		lines = lines[:causeLines]
		lines[causeLines-1] = cut(lines[causeLines-1]+" ……", p.content())
	}
	return block{label: p.words["ui.cause"], lines: lines, min: len(lines), rank: 9, color: bold}
}

func (p *printer) alsoBlock() block {
	var list []string
	for _, f := range p.v.Causes[1:min(len(p.v.Causes), 1+moreCauses)] {
		list = append(list, p.title(f)+p.words["ui.colon"]+p.say(f.Claim))
	}
	return p.listBlock("ui.also", list, 1, 7)
}

func (p *printer) timeBlock() block {
	lines := p.timeline(labelCells, p.content()-14)
	b := block{lines: lines, min: 3, rank: 5, own: true, color: cyan}
	for i := len(lines) - 2; i > 0; i-- { // the axis stays
		b.drop = append(b.drop, i)
	}
	return b
}

// chainBlock is the chain, one arrow a line: time, what happens, its shares.
func (p *printer) chainBlock() block {
	b := block{label: p.words["ui.how"], min: 5, rank: 4, drop: dropOrder(p.v.Chain)}
	for i, l := range p.v.Chain {
		b.lines = append(b.lines, p.chainLine(i, l))
	}
	return b
}

func (p *printer) chainLine(i int, l diagnose.Link) string {
	arrow, shares := arrow(i), p.shares(l.Share)
	head := pad(p.moment(l.Span.From), 8) + " " + arrow + " "
	room := p.content() - cells(head) - cells(shares)
	if shares != "" {
		room -= 2
	}
	s := strings.TrimSuffix(p.say(l.Say), ".")
	if short, ok := p.words["short."+l.Say.ID]; ok && (cells(s) > room || l.Role == diagnose.RoleCause) {
		s = short
	}
	if s = cut(s, room); shares == "" {
		return head + s
	}
	return head + pad(s, room) + "  " + shares
}

func arrow(i int) string {
	if i == 0 {
		return "●"
	}
	return "↓"
}

// dropOrder says which links the first screen can miss soonest: effects after
// the first one, from the end, then steps, the smallest share first. A step
// without a share (a cap, a lock) is often what turns the rest: it goes last.
func dropOrder(chain []diagnose.Link) []int {
	var effects, steps []int
	seen := false
	for i, l := range chain {
		switch {
		case i == 0 || l.Role == diagnose.RoleEffect && !seen:
			seen = seen || l.Role == diagnose.RoleEffect
		case l.Role == diagnose.RoleEffect:
			effects = append([]int{i}, effects...)
		default:
			steps = append(steps, i)
		}
	}
	size := func(i int) float64 {
		s := chain[i].Share
		if x := max(s.CPU, s.DatabaseTime, s.WorkerTime); x >= 0 {
			return x
		}
		return 2
	}
	sortBy(steps, size)
	return append(effects, steps...)
}

func (p *printer) clearedBlock() block {
	var list []string
	for _, r := range p.v.Rejected {
		list = append(list, "✓ "+p.rejected(r))
	}
	return p.listBlock("ui.cleared", list, 2, 3)
}

func (p *printer) todoBlock() block {
	var list []string
	for i, id := range p.v.Remedies {
		list = append(list, fmt.Sprintf("%d. %s", i+1, p.remedy(id, "title")))
	}
	return p.listBlock("ui.todo", list, todoLines, 7)
}

// surerBlock has the first n things that would make the verdict surer.
func (p *printer) surerBlock(n int) block {
	b := block{label: p.words["ui.missing"], rank: 9}
	if p.v.Status == diagnose.Proven {
		return b
	}
	for _, s := range p.v.Surer {
		if n > 0 && s.ID != "missing-mechanism" { // the screen has said that above
			b.lines = append(b.lines, p.hanging("- ", p.say(s))...)
			n--
		}
	}
	b.min = len(b.lines)
	return b
}

// hanging wraps s behind a mark, further lines indented by its width.
func (p *printer) hanging(mark, s string) []string {
	lines := wrap(s, p.content()-cells(mark))
	for i := range lines {
		lines[i] = mark + lines[i]
		mark = strings.Repeat(" ", cells(mark))
	}
	return lines
}

func (p *printer) notes() []string {
	var list []string
	for _, s := range p.v.Notes {
		list = append(list, p.say(s))
	}
	return list
}

// noteBlock has the notes in full; under too little room all but the first
// line goes.
func (p *printer) noteBlock(rank int) block {
	b := block{label: p.words["ui.notes"], rank: rank}
	for _, s := range p.notes() {
		b.lines = append(b.lines, p.hanging("- ", s)...)
	}
	return b
}

func (p *printer) unseenBlock(least int) block {
	if len(p.v.Unseen) == 0 {
		return block{}
	}
	var names []string
	for _, u := range p.v.Unseen {
		names = append(names, p.text("source", u.Source))
	}
	return p.listBlock("ui.unseen", []string{strings.Join(names, p.words["ui.comma"])}, least, 1)
}

// hintBlock has what could not be seen with what would change it.
func (p *printer) hintBlock() block {
	b := block{label: p.words["ui.unseen"], min: 4, rank: 7}
	for _, u := range p.v.Unseen {
		b.lines = append(b.lines, wrap(p.unseen(u), p.content())...)
		if u.Hint != "" {
			for _, l := range wrap(p.quote(u.Hint, longRunes), p.content()-2) {
				b.lines = append(b.lines, "  "+l)
			}
		}
	}
	return b
}

func (p *printer) recordBlock(keys ...string) block {
	var lines []string
	for i, k := range keys {
		lines = append(lines, p.hanging(fmt.Sprintf("%d. ", i+1), p.words[k])...)
	}
	return block{label: p.words["ui.record"], lines: lines, min: len(lines), rank: 9}
}
