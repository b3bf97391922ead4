package report

import (
	"encoding/json"
	"io"
	"time"

	"hirune/internal/core/verify"
)

// HistoryDocument is what `history --json` writes; see Document for times,
// unknown amounts and lists.
type HistoryDocument struct {
	Schema int       `json:"schema"`
	Runs   []RunJSON `json:"runs"`
}

// RunJSON is one run: state is open, done, closed, undone or failed.
type RunJSON struct {
	ID      int         `json:"id"`
	State   string      `json:"state"`
	Remedy  string      `json:"remedy"`
	Because Because     `json:"because"`
	Planned *time.Time  `json:"planned"`
	Last    *time.Time  `json:"last"`
	Steps   []StepJSON  `json:"steps"`
	Settle  Settle      `json:"settle"`
	Outcome *OutcomeDoc `json:"outcome"` // null: not verified yet
}

// StepJSON is one step; State is what its doer noted last.
type StepJSON struct {
	ID           string          `json:"id"`
	Kind         string          `json:"kind"`
	Step         json.RawMessage `json:"step"`
	Event        string          `json:"event"` // "" : not begun
	Since        *time.Time      `json:"since"`
	At           *time.Time      `json:"at"`
	Error        string          `json:"error,omitempty"`
	Irreversible bool            `json:"irreversible"`
	State        json.RawMessage `json:"state"`
}

// HistoryJSON writes runs as a HistoryDocument. The error is the writer's.
func HistoryJSON(w io.Writer, runs []RunView) error {
	return writeJSON(w, HistoryDocument{Schema: Schema, Runs: each(runs, runJSON)})
}

func runJSON(r RunView) RunJSON {
	return RunJSON{
		ID: r.ID, State: r.State, Remedy: r.Plan.Remedy, Because: becauseView(r.Plan.Because), Planned: instant(r.Planned), Last: instant(r.Last),
		Steps: each(r.Steps, func(s StepView) StepJSON { return stepJSON(r, s) }), Settle: settleView(r.Plan.Settle), Outcome: outcomeDoc(r.Outcome),
	}
}

func stepJSON(r RunView, s StepView) StepJSON {
	out := StepJSON{ID: s.ID, Kind: s.Kind, Event: s.Event, Since: instant(s.Since), At: instant(s.At), Error: s.Err, State: sound(s.State)}
	for _, p := range r.Plan.Steps {
		if p.ID != s.ID {
			continue
		}
		out.Irreversible = p.Estimate.Irreversible
		if text, err := json.Marshal(p.Step); err == nil {
			out.Step = text
		}
	}
	return out
}

// sound is null for what is no JSON: a damaged state must not hide the rest.
func sound(text json.RawMessage) json.RawMessage {
	if !json.Valid(text) {
		return nil
	}
	return text
}

// OutcomesDocument is what `verify --json` writes.
type OutcomesDocument struct {
	Schema   int          `json:"schema"`
	Outcomes []RunOutcome `json:"outcomes"`
}

// RunOutcome is a run with its outcome.
type RunOutcome struct {
	Run     int         `json:"run"`
	Remedy  string      `json:"remedy"`
	State   string      `json:"state"`
	Outcome *OutcomeDoc `json:"outcome"` // null: not verified yet
}

// OutcomeDoc says whether a plan helped: status is cured, persists or untested.
type OutcomeDoc struct {
	Status string     `json:"status"`
	At     *time.Time `json:"at"`
	Window Interval   `json:"window"`
	Job    *JobDoc    `json:"job"` // null: no job had to run again
	Before *Visitors  `json:"before"`
	After  *Visitors  `json:"after"` // null: nobody watched
	Claims []Claim    `json:"claims"`
	Next   *time.Time `json:"next"`
}

// JobDoc is the next run of the accused job.
type JobDoc struct {
	Hook  string     `json:"hook"`
	Due   *time.Time `json:"due"`
	Ran   bool       `json:"ran"`
	How   string     `json:"how"`
	TookS *float64   `json:"took_s"` // null: unknown; 0: never seen to run, so less than a second
}

// OutcomeJSON writes the outcomes of runs. The error is the writer's.
func OutcomeJSON(w io.Writer, runs []RunView) error {
	return writeJSON(w, OutcomesDocument{Schema: Schema, Outcomes: each(runs, func(r RunView) RunOutcome {
		return RunOutcome{r.ID, r.Plan.Remedy, r.State, outcomeDoc(r.Outcome)}
	})})
}

func outcomeDoc(o *verify.Outcome) *OutcomeDoc {
	if o == nil {
		return nil
	}
	d := &OutcomeDoc{
		Status: string(o.Status), At: instant(o.At), Window: interval(o.Window), Before: visitors(o.Before), After: visitors(o.After),
		Claims: each(o.Says, claim), Next: instant(o.Next),
	}
	if j := o.Job; j != nil {
		d.Job = &JobDoc{j.Hook, instant(j.Due), j.Ran, j.How, seconds(j.Took)}
	}
	return d
}
