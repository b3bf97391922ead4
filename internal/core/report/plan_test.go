package report

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

func plans() []remedy.Plan { return []remedy.Plan{purgePlan(), webPlan(), refusedPlan()} }

func TestPlanGolden(t *testing.T) {
	golden(t, "plan.json", func(b *bytes.Buffer) error {
		short := purgePlan()
		chunks := short.Steps[1].Step.(remedy.DeleteInChunks)
		chunks.ToKey = 3000
		short.Steps[1].Step = chunks
		return PlanJSON(b, []remedy.Plan{short, webPlan(), refusedPlan()})
	})
	golden(t, "plan.sql", func(b *bytes.Buffer) error {
		short := purgePlan()
		chunks := short.Steps[1].Step.(remedy.DeleteInChunks)
		chunks.ToKey = 3000
		short.Steps[1].Step = chunks
		return PlanSQL(b, []remedy.Plan{short, webPlan(), refusedPlan()})
	})
	golden(t, "history.json", func(b *bytes.Buffer) error { return HistoryJSON(b, runs()) })
	golden(t, "outcome.json", func(b *bytes.Buffer) error { return OutcomeJSON(b, outcomes()) })
	for _, lang := range []string{English, Japanese} {
		o := options(lang)
		golden(t, "plan."+lang+".txt", func(b *bytes.Buffer) error { return PlanText(b, plans(), o) })
		golden(t, "plan-overview."+lang+".txt", func(b *bytes.Buffer) error { return PlanOverview(b, plans(), o) })
		golden(t, "history."+lang+".txt", func(b *bytes.Buffer) error { return HistoryText(b, runs(), o) })
		golden(t, "done."+lang+".txt", func(b *bytes.Buffer) error { return DoneText(b, ended(), o) })
		golden(t, "outcome."+lang+".txt", func(b *bytes.Buffer) error { return OutcomeText(b, outcomes(), o) })
	}
}

// writers are all that tells of plans and runs, for one set of options.
func writers(o Options, ps []remedy.Plan, rs []RunView) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"plan":    func(w io.Writer) error { return PlanText(w, ps, o) },
		"brief":   func(w io.Writer) error { return PlanOverview(w, ps, o) },
		"done":    func(w io.Writer) error { return DoneText(w, rs, o) },
		"history": func(w io.Writer) error { return HistoryText(w, rs, o) },
		"outcome": func(w io.Writer) error { return OutcomeText(w, rs, o) },
	}
}

func TestPlansKeepToTheWidth(t *testing.T) {
	for _, lang := range []string{English, Japanese} {
		for _, width := range []int{60, 80, 110} {
			o := options(lang)
			o.Width = width
			for name, write := range writers(o, plans(), outcomes()) {
				var b bytes.Buffer
				if err := write(&b); err != nil {
					t.Fatal(err)
				}
				for l := range strings.SplitSeq(b.String(), "\n") {
					if cells(l) > width {
						t.Errorf("%s %s at %d: line of %d cells: %q", name, lang, width, cells(l), l)
					}
				}
			}
		}
	}
}

// TestWrappedSQLIsTheSame takes what the terminal shows for a client would.
func TestWrappedSQLIsTheSame(t *testing.T) {
	on := remedy.On{Schema: "a b", Table: "wp_a  very long name of a table with  spaces in it and more"}
	s := remedy.ExplainStatement{On: on, Doomed: remedy.Doomed{Column: "when", Literal: "2026-08-22 00:00:00", Date: true,
		Also: []remedy.OneOf{{Column: "status", Values: []string{"it's  done", "x y"}}}}}
	p := newPrinter(purgeVerdict(), Options{Width: 60}, clean)
	var b strings.Builder
	p.script(&b, s.Script())
	if strings.Count(b.String(), "\n") < 3 {
		t.Fatalf("it was not wrapped:\n%s", b.String())
	}
	var lines []string
	for l := range strings.Lines(strings.ReplaceAll(b.String(), nbsp, " ")) {
		lines = append(lines, strings.TrimSpace(l))
	}
	if got, want := strings.Join(lines, " "), s.Script()[0].Text; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLongScriptsAreShortened(t *testing.T) {
	var short, long bytes.Buffer
	o := options(English)
	if err := PlanText(&short, []remedy.Plan{purgePlan()}, o); err != nil {
		t.Fatal(err)
	}
	o.Verbose = true
	if err := PlanText(&long, []remedy.Plan{purgePlan()}, o); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(short.String(), "DELETE FROM"); n < 2 || n > 12 {
		t.Errorf("%d statements in the short form", n)
	}
	if n := strings.Count(long.String(), "DELETE FROM"); n < 600 {
		t.Errorf("%d statements in the long form", n)
	}
	if !strings.Contains(short.String(), "1,194 more lines") {
		t.Errorf("it does not say how much is left out:\n%s", short.String())
	}
}

func TestIrreversibleIsSaidWithItsName(t *testing.T) {
	var b bytes.Buffer
	if err := PlanText(&b, []remedy.Plan{purgePlan()}, options(English)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), "CANNOT BE UNDONE. It is done only if you agree to it by name: drop-table") {
		t.Errorf("got:\n%s", b.String())
	}
}

// TestPlanSQLCannotBeEscaped puts hostile text where a script takes it from.
func TestPlanSQLCannotBeEscaped(t *testing.T) {
	web := webPlan()
	inc := web.Steps[0].Step.(remedy.WriteInclude)
	inc.Content = "x\rDROP TABLE a;\n"
	inc.Path = "/p\nDROP TABLE b;"
	web.Steps[0].Step = inc
	web.Remedy = "r\nDROP TABLE c;"
	kill := remedy.Plan{Remedy: "kill-query", Steps: []remedy.Planned{{ID: "1\nDROP TABLE d;", Step: remedy.KillQuery{Session: 7}}}}
	var b bytes.Buffer
	if err := PlanSQL(&b, []remedy.Plan{web, kill}); err != nil {
		t.Fatal(err)
	}
	for l := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if !strings.HasPrefix(l, "-- ") && l != "KILL QUERY 7;" {
			t.Errorf("a line that is no comment: %q", l)
		}
	}
	for _, name := range []string{"a\nDROP TABLE x;--", "a\x1b[2J", "a\u202eb", "a\xff", "a\x00"} {
		p := remedy.Plan{Remedy: "purge", Steps: []remedy.Planned{{ID: "1", Step: remedy.DropTable{On: remedy.On{Schema: "s", Table: name}}}}}
		b.Reset()
		err := PlanSQL(&b, []remedy.Plan{p})
		if err == nil || b.Len() > 0 || hint.CodeOf(err) != "unprintable" {
			t.Errorf("%q: got %v and %q", name, err, b.String())
		}
	}
	final := remedy.Plan{Remedy: "purge", Steps: []remedy.Planned{{ID: "1", Step: remedy.DropTable{On: remedy.On{Schema: "s", Table: "t"}}, Estimate: remedy.Estimate{Irreversible: true}}}}
	b.Reset()
	if err := PlanSQL(&b, []remedy.Plan{final}); err != nil || strings.Contains("\n"+b.String(), "\nDROP") || !strings.Contains(b.String(), "\n-- DROP TABLE `s`.`t`;\n") {
		t.Errorf("what cannot be undone is ready to run: %v\n%s", err, b.String())
	}
	p := remedy.Plan{Remedy: "purge", Steps: []remedy.Planned{{ID: "1", Step: remedy.DropTable{On: remedy.On{Schema: "s", Table: "表`x"}}}}}
	b.Reset()
	if err := PlanSQL(&b, []remedy.Plan{p}); err != nil || !strings.HasPrefix(b.String(), "SET NAMES utf8mb4;\n") || !strings.Contains(b.String(), "DROP TABLE `s`.`表``x`;\n") {
		t.Errorf("got %v\n%s", err, b.String())
	}
}

func TestHostileTextNeverLeaksFromPlans(t *testing.T) {
	for _, s := range evil {
		for _, keep := range []bool{true, false} {
			ps, rs := plans(), outcomes()
			poison(reflect.ValueOf(&ps).Elem(), s, keep, "")
			poison(reflect.ValueOf(&rs).Elem(), s, keep, "")
			for i := range ps { // a step is an interface, which poison does not enter
				for j, st := range ps[i].Steps {
					ps[i].Steps[j].Step = poisonedStep(st.Step, s)
				}
			}
			for i := range rs {
				for j := range rs[i].Steps {
					rs[i].Steps[j].State = raw2(Explained{Access: s, Key: s, Extra: s, PossibleKeys: s, Rows: 1})
				}
			}
			for _, lang := range []string{English, Japanese} {
				o := options(lang)
				for _, o.Verbose = range []bool{false, true} {
					for name, write := range writers(o, ps, rs) {
						var b bytes.Buffer
						if err := write(&b); err != nil {
							t.Fatal(err)
						}
						if r, bad := leak(b.String()); bad {
							t.Fatalf("%s leaks %U of %q:\n%.2000s", name, r, s, b.String())
						}
					}
				}
			}
			for name, write := range map[string]func(io.Writer) error{
				"plan":    func(w io.Writer) error { return PlanJSON(w, ps) },
				"history": func(w io.Writer) error { return HistoryJSON(w, rs) },
				"outcome": func(w io.Writer) error { return OutcomeJSON(w, rs) },
			} {
				var b bytes.Buffer
				if err := write(&b); err != nil {
					t.Fatal(err)
				}
				if r, bad := leak(strings.ReplaceAll(b.String(), `\ufffd`, "")); bad {
					t.Fatalf("JSON of %s leaks %U", name, r)
				}
				if !json.Valid(b.Bytes()) {
					t.Fatalf("%s: no JSON: %.500s", name, b.String())
				}
			}
		}
	}
}

func poisonedStep(s remedy.Step, text string) remedy.Step {
	switch s := s.(type) {
	case remedy.DeleteInChunks:
		s.Schema, s.Table, s.Key, s.Archive, s.Doomed.Column, s.ToKey = text, text, text, text, text, 5000
		return s
	case remedy.WriteInclude:
		s.Path, s.Content, s.Test = text, text, []string{text}
		return s
	case remedy.ExplainStatement:
		s.Schema, s.Table, s.When = text, text, text
		return s
	}
	return remedy.DropTable{On: remedy.On{Schema: text, Table: text}}
}

func TestPlanJSONIsComplete(t *testing.T) {
	var b bytes.Buffer
	if err := PlanJSON(&b, plans()); err != nil {
		t.Fatal(err)
	}
	var d PlanDocument
	if err := json.Unmarshal(b.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	p := d.Plans[0]
	if d.Schema != 1 || len(d.Plans) != 3 || !p.Doable || d.Plans[2].Doable || len(d.Plans[2].Refused) != 2 {
		t.Fatalf("got %+v", d)
	}
	if n := len(p.Steps[1].Script); n != len(purgePlan().Steps[1].Step.Script()) {
		t.Errorf("script of %d lines", n)
	}
	e := p.Steps[1].Estimate
	if *e.TakesS != 83 || *e.TakesCappedS != 360 || p.Steps[2].Estimate.TakesS != nil || p.Steps[2].Estimate.Rows != nil || !p.Steps[3].Estimate.Irreversible {
		t.Errorf("estimates: %+v", e)
	}
	b.Reset()
	if err := PlanJSON(&b, nil); err != nil || !strings.Contains(b.String(), `"plans": []`) {
		t.Errorf("no plans: %v %s", err, b.String())
	}
}

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		v    ProgressView
		o    Options
		want string
	}{
		{ProgressView{Kind: "delete-in-chunks", Doing: "deleting", Done: 340, Total: 1000, Rows: 204112, PerSec: 5800.4, ETA: 62 * time.Second}, Options{},
			"deleting old rows  34 %  204,112 rows  5,800/s  about 1 min left"},
		{ProgressView{Kind: "delete-in-chunks", Doing: "deleting", Done: 340, Total: 1000, Rows: 204112, Wait: "slow-pages", Fact: "3x"}, Options{},
			"deleting old rows  34 %  waiting: pages take longer than usual (3x)"},
		{ProgressView{Kind: "add-index", Total: -1}, Options{}, "adding the index"},
		{ProgressView{Kind: "add-index", Doing: "waiting", Wait: "metadata-lock", Total: -1}, Options{}, "adding the index  waiting: another statement uses the table"},
		{ProgressView{Kind: "write-include", Doing: "loading", Total: -1}, Options{}, "reloading the web server"},
		{ProgressView{Kind: "delete-in-chunks", Doing: "loading", Total: -1}, Options{}, "loading rows back"},
		{ProgressView{Kind: "delete-in-chunks", Doing: "rolling-back", Total: -1}, Options{}, "the database takes changes back"},
		{ProgressView{Kind: "delete-in-chunks", Doing: "deleting", Done: 340, Total: 1000, Rows: 204112, PerSec: 5800, ETA: 62 * time.Second}, Options{Lang: Japanese},
			"古い行を削除中  34%  204,112行  毎秒 5,800行  残り約 1分"},
		{ProgressView{Kind: "delete-in-chunks", Doing: "deleting", Done: 999999, Total: 1000000, Wait: "lock-waits"}, Options{Width: 40}, "deleting old rows  99.9 %  waiting: so…"},
		{ProgressView{Kind: "k\x1b", Doing: "d\n", Wait: "w\u202e", Fact: "\x07", Total: -1}, Options{}, `d\x0a  waiting: w\u202e (\x07)`},
	} {
		got := ProgressLine(c.v, c.o)
		if got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
