package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// PlanDocument is what `plan --json` writes. It is never translated; see
// Document for times, unknown amounts and lists.
type PlanDocument struct {
	Schema  int        `json:"schema"`
	Plans   []PlanView `json:"plans"`
	Refused *Refusal   `json:"refused,omitempty"` // of a verb that was to do something, and does not
}

// PlanView is one plan.
type PlanView struct {
	Remedy  string       `json:"remedy"`
	Because Because      `json:"because"`
	At      *time.Time   `json:"at"`     // when the server was read
	Doable  bool         `json:"doable"` // false: refused, or nothing to do
	Refused []Claim      `json:"refused"`
	Claims  []Claim      `json:"claims"`
	Steps   []PlanStep   `json:"steps"`
	Others  []OtherWay   `json:"others"`
	Advice  []AdviceView `json:"advice"`
	Settle  Settle       `json:"settle"`
}

// Because is the finding that a plan answers.
type Because struct {
	Rule    string   `json:"rule"`
	Subject Subject  `json:"subject"`
	Origin  Origin   `json:"origin"`
	Digest  string   `json:"digest,omitempty"`
	Active  Interval `json:"active"`
}

// PlanStep is one step; Step holds its parameters, Script what is done exactly.
type PlanStep struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	Step     json.RawMessage `json:"step"`
	Estimate Estimate        `json:"estimate"`
	Claims   []Claim         `json:"claims"`
	Undo     *Claim          `json:"undo"`
	Script   []ScriptLine    `json:"script"`
}

// ScriptLine is one line of a script: lang is sql, file, shell or note.
type ScriptLine struct {
	Lang string `json:"lang"`
	Text string `json:"text"`
}

// Estimate is what a step is expected to take; null is unknown.
type Estimate struct {
	TakesS       *float64 `json:"takes_s"`
	TakesCappedS *float64 `json:"takes_capped_s"` // when the CPU is capped
	Rows         *float64 `json:"rows"`
	DiskBytes    *float64 `json:"disk_bytes"`
	FreesBytes   *float64 `json:"frees_bytes"`
	StallS       *float64 `json:"stall_s"` // the longest that a visitor may wait because of it
	Locks        *Claim   `json:"locks"`
	Risk         string   `json:"risk"`
	Irreversible bool     `json:"irreversible"`
}

// OtherWay is a way that was not taken.
type OtherWay struct {
	ID       string   `json:"id"`
	Possible bool     `json:"possible"`
	Why      *Claim   `json:"why"`
	Estimate Estimate `json:"estimate"`
}

// AdviceView is something for the owner to change by hand.
type AdviceView struct {
	ID    string   `json:"id"`
	Claim Claim    `json:"claim"`
	File  string   `json:"file,omitempty"` // none: the lines are commands
	Lines []string `json:"lines"`
}

// Settle is when it can be known whether a plan helped.
type Settle struct {
	Hook   string     `json:"hook,omitempty"`
	Site   string     `json:"site,omitempty"`
	Due    *time.Time `json:"due"`
	EveryS *float64   `json:"every_s"`
	AfterS *float64   `json:"after_s"`
	LeastS *float64   `json:"least_s"`
}

// PlanJSON writes plans as a PlanDocument, with the whole of each script. The
// error is the writer's, or that a step cannot be encoded.
func PlanJSON(w io.Writer, plans []remedy.Plan) error {
	d := PlanDocument{Schema: Schema, Plans: []PlanView{}}
	for _, p := range plans {
		v, err := planView(p)
		if err != nil {
			return fmt.Errorf("encode the plan %s as JSON: %w", p.Remedy, err)
		}
		d.Plans = append(d.Plans, v)
	}
	return writeJSON(w, d)
}

func writeJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode as JSON: %w", err)
	}
	_, err = w.Write(append(escapeJSON(text), '\n'))
	return err
}

func planView(p remedy.Plan) (PlanView, error) {
	v := PlanView{
		Remedy: p.Remedy, Because: becauseView(p.Because), At: instant(p.At), Doable: p.Doable(),
		Refused: each(p.Refused, claim), Claims: each(p.Says, claim), Steps: []PlanStep{},
		Others: each(p.Others, func(o remedy.Other) OtherWay {
			return OtherWay{o.ID, o.Possible, claimOf(o.Why), estimateView(o.Estimate)}
		}),
		Advice: each(p.Advice, func(a remedy.Advice) AdviceView { return AdviceView{a.ID, claim(a.Say), a.File, ids(a.Lines)} }),
		Settle: settleView(p.Settle),
	}
	for _, s := range p.Steps {
		text, err := json.Marshal(s.Step)
		if err != nil {
			return v, fmt.Errorf("step %s: %w", s.ID, err)
		}
		v.Steps = append(v.Steps, PlanStep{
			ID: s.ID, Kind: s.Step.Kind(), Step: text, Estimate: estimateView(s.Estimate), Claims: each(s.Says, claim), Undo: claimOf(s.Undo),
			Script: each(s.Step.Script(), func(l remedy.Line) ScriptLine { return ScriptLine{l.Lang, l.Text} }),
		})
	}
	return v, nil
}

func becauseView(b remedy.Because) Because {
	a, o := b.About, b.Origin
	return Because{
		Rule: b.Rule, Digest: b.Digest, Active: interval(b.Active),
		Subject: Subject{a.Schema, a.Table, a.Column, a.Session, a.Client, a.Clients, a.Path, a.Service, a.Process, a.Remote},
		Origin:  Origin{o.Plugin, o.Version, o.Hook, o.Schedule, o.Site, o.User, o.File},
	}
}

func estimateView(e remedy.Estimate) Estimate {
	return Estimate{
		TakesS: seconds(e.Takes), TakesCappedS: seconds(max(e.Takes, e.TakesCapped)), Rows: known(float64(e.Rows)),
		DiskBytes: known(float64(e.DiskBytes)), FreesBytes: known(float64(e.FreesBytes)), StallS: seconds(e.Stall),
		Locks: claimOf(e.Locks), Risk: string(e.Risk), Irreversible: e.Irreversible,
	}
}

func settleView(s remedy.Settle) Settle {
	return Settle{s.Hook, s.Site, instant(s.Due), atLeastOne(s.Every), atLeastOne(s.After), atLeastOne(s.Least)}
}

func seconds(d time.Duration) *float64 { return known(d.Seconds()) }

// atLeastOne is null where zero means unknown.
func atLeastOne(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	return seconds(d)
}

// claimOf is null for a sentence that says nothing.
func claimOf(s diagnose.Sentence) *Claim {
	if s.ID == "" {
		return nil
	}
	c := claim(s)
	return &c
}
