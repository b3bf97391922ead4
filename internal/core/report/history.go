package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

// States of a run.
const (
	RunOpen   = "open"   // begun, neither ended nor given up
	RunDone   = "done"   // every step is done
	RunClosed = "closed" // given up; what was done stays
	RunUndone = "undone"
	RunFailed = "failed"
)

// RunView is one plan that was agreed to, as the journal has it.
type RunView struct {
	ID      int
	Plan    remedy.Plan
	Planned time.Time
	Last    time.Time // of the last entry
	State   string
	Steps   []StepView
	Outcome *verify.Outcome // nil: not verified yet
}

// StepView is what the journal has of one step. Event is empty where it was not
// begun.
type StepView struct {
	ID    string
	Kind  string
	Event string
	At    time.Time // of the event
	Since time.Time // when it was begun first
	Err   string
	State json.RawMessage // what its doer noted last
}

// HistoryText writes runs for a terminal, in the order given. With o.Verbose it
// shows what each step noted. The error is the writer's.
func HistoryText(w io.Writer, runs []RunView, o Options) error {
	p := newPrinter(diagnose.Verdict{}, o, clean)
	var b strings.Builder
	if len(runs) == 0 {
		p.hang(&b, "", "", p.words["ui.no-runs"])
	}
	for i, r := range runs {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		p.day = r.Planned
		p.run(&b, r)
	}
	return p.finish(w, &b)
}

// DoneText writes for a terminal what was just done or taken back: a line for a
// run that came to its end, all of its steps for one that did not. The error is
// the writer's.
func DoneText(w io.Writer, runs []RunView, o Options) error {
	p := newPrinter(diagnose.Verdict{}, o, clean)
	var b strings.Builder
	var ended []RunView
	for _, r := range runs {
		p.day = r.Planned
		if r.State != RunDone && r.State != RunUndone {
			p.explained(&b, ended...)
			ended = nil
			p.run(&b, r)
			continue
		}
		p.ended(&b, r)
		if r.State == RunDone {
			ended = append(ended, r)
		}
	}
	p.explained(&b, ended...)
	return p.finish(w, &b)
}

// ended is a run that came to its end in one line; what was left of it follows.
func (p *printer) ended(b *strings.Builder, r RunView) {
	mark := marks["done"]
	if r.State == RunUndone {
		mark = marks["undone"]
	}
	note := p.text("state", r.State)
	var rows int64
	var began, last time.Time
	var left []StepView
	for _, s := range r.Steps {
		rows += rowsOf(s)
		if began.IsZero() || !s.Since.IsZero() && s.Since.Before(began) {
			began = s.Since
		}
		if s.At.After(last) {
			last = s.At
		}
		if s.Event == "undo-left" {
			left = append(left, s)
		}
	}
	if d := last.Sub(began); r.State == RunDone && !began.IsZero() && d >= time.Second {
		note += p.words["ui.comma"] + p.t("ui.took", "d", d.Round(time.Second))
	}
	if rows > 0 {
		note += p.words["ui.comma"] + p.t("ui.rows", "rows", diagnose.Count(rows))
	}
	p.styled(b, mark[1], mark[0]+" ", p.t("ui.run", "n", raw(fmt.Sprint(r.ID)), "title", raw(p.remedy(r.Plan.Remedy, "title")), "state", raw(note)))
	for _, s := range left {
		p.stepDone(b, r, s)
	}
}

func (p *printer) run(b *strings.Builder, r RunView) {
	state, code := p.text("state", r.State), map[string]string{RunDone: green, RunFailed: red, RunOpen: yellow}[r.State]
	p.styled(b, code, "", p.t("ui.run", "n", raw(fmt.Sprint(r.ID)), "title", raw(p.remedy(r.Plan.Remedy, "title")), "state", raw(state)))
	p.beside(b, "ui.when", p.date(r.Planned)+" "+p.span(diagnose.Span{From: r.Planned, To: r.Last})+" "+p.zone(r.Planned))
	p.reason(b, "", r.Plan, diagnose.Origin{})
	for _, s := range r.Steps {
		p.stepDone(b, r, s)
	}
	p.explained(b, r)
	if r.Outcome != nil {
		p.beside(b, "ui.outcome", p.text("outcome", string(r.Outcome.Status)))
	}
}

// marks say how a step ended without colour.
var marks = map[string][2]string{
	"done": {"✔", green}, "found-done": {"✔", green}, "undone": {"–", ""}, "failed": {"✘", red}, "undo-failed": {"✘", red}, "stopped": {"!", yellow},
	"begun": {"!", yellow}, "undo-begun": {"!", yellow}, "undo-left": {"!", yellow},
}

func (p *printer) stepDone(b *strings.Builder, r RunView, s StepView) {
	mark, ok := marks[s.Event]
	if !ok {
		mark = [2]string{"·", dim}
	}
	text := s.ID + ". " + p.stepTitle(s.Kind) + p.targetOf(r.Plan, s.ID)
	text = p.quote(text, 2*longRunes)
	note := p.words["event.none"]
	if s.Event != "" {
		note = p.text("event", s.Event)
	}
	if d := s.At.Sub(s.Since); !s.Since.IsZero() && (s.Event == "done" || s.Event == "failed" || s.Event == "stopped") && d >= time.Second {
		note += p.words["ui.comma"] + p.t("ui.took", "d", d.Round(time.Second))
	}
	if n := rowsOf(s); n > 0 && s.Event != "undone" {
		note += p.words["ui.comma"] + p.t("ui.rows", "rows", diagnose.Count(n))
	}
	p.styled(b, mark[1], "  "+mark[0]+" ", text+p.words["ui.colon"]+note)
	if why := oneLine(s.Err); why != "" && s.Event != "stopped" || p.o.Verbose && why != "" { // that somebody stopped it says the event
		p.hang(b, "    ", "    ", p.quote(why, longRunes))
	}
	if p.o.Verbose && len(s.State) > 0 {
		p.hang(b, "    ", "    ", p.quote(string(s.State), scriptRunes))
	}
}

// oneLine puts the parts of a joined error beside each other.
func oneLine(err string) string { return strings.ReplaceAll(err, "\n", "; ") }

// targetOf is what a step of the plan is about.
func (p *printer) targetOf(pl remedy.Plan, id string) string {
	for _, s := range pl.Steps {
		if s.ID == id && s.Step != nil {
			return p.target(s.Step)
		}
	}
	return ""
}

// rowsOf is how many rows a step has changed, where its doer notes that.
func rowsOf(s StepView) int64 {
	var noted struct {
		Rows    int64 `json:"rows"`
		Deleted int64 `json:"deleted"`
	}
	bulk := s.Kind == (remedy.DeleteInChunks{}).Kind() || s.Kind == (remedy.KeepAndSwap{}).Kind()
	if !bulk || json.Unmarshal(s.State, &noted) != nil {
		return 0
	}
	return max(noted.Rows, noted.Deleted)
}

// Explained is what a step of kind explain-statement notes: how the server would
// carry the accused statement out.
type Explained struct {
	Access       string `json:"access"` // EXPLAIN's type
	Key          string `json:"key"`
	Rows         int64  `json:"rows"`
	Extra        string `json:"extra"`
	PossibleKeys string `json:"possible_keys"`
	Achieved     bool   `json:"achieved"` // the access that was wanted, where one was
}

// explained shows how the accused statement was planned before and after, over
// the runs that belong together.
func (p *printer) explained(b *strings.Builder, runs ...RunView) {
	rows := [][]string{{p.words["ui.explain"], p.words["ui.explain-access"], p.words["ui.explain-key"], p.words["ui.explain-rows"]}}
	for _, r := range runs {
		for _, s := range r.Steps {
			if row := p.explainRow(r.Plan, s); row != nil {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) > 1 {
		p.textTable(b, rows)
	}
}

// explainRow is one line of that table; nil: the step asked nothing.
func (p *printer) explainRow(pl remedy.Plan, s StepView) []string {
	var e Explained
	if s.Kind != (remedy.ExplainStatement{}).Kind() || json.Unmarshal(s.State, &e) != nil || e.Access == "" {
		return nil
	}
	when, want := "", ""
	for _, planned := range pl.Steps {
		if x, ok := planned.Step.(remedy.ExplainStatement); ok && planned.ID == s.ID {
			when, want = x.When, x.Want
		}
	}
	access := p.text("access", e.Access)
	if want != "" && !e.Achieved {
		access += p.render(p.words["ui.paren"], diagnose.Args{"x": raw(p.t("ui.not-achieved", "want", want))})
	}
	key := "–"
	if e.Key != "" {
		key = p.quote(e.Key, nameRunes)
	}
	return []string{p.text("explain", when), cut(access, 44), cut(key, 24), group(max(e.Rows, 0))}
}
