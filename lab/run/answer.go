package run

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the lab reads of the answers; whatever else is there is left alone.

// planExit is the exit code of a plan that has something to do, doneExit that of a history that is not empty.
const planExit, doneExit = 1, 1

// plans is `plan --json`.
type plans struct {
	Schema int `json:"schema"`
	Plans  []struct {
		Remedy string `json:"remedy"`
		Doable bool   `json:"doable"`
		Steps  []struct {
			Kind   string `json:"kind"`
			Script []struct {
				Lang string `json:"lang"`
				Text string `json:"text"`
			} `json:"script"`
		} `json:"steps"`
	} `json:"plans"`
}

// doable are the remedies that would do something, in their order.
func (p plans) doable() []string {
	var out []string
	for _, one := range p.Plans {
		if one.Doable {
			out = append(out, one.Remedy)
		}
	}
	return out
}

// holds tells whether a line of some step's script holds a text.
func (p plans) holds(part string) bool {
	for _, one := range p.Plans {
		for _, s := range one.Steps {
			for _, line := range s.Script {
				if strings.Contains(line.Text, part) {
					return true
				}
			}
		}
	}
	return false
}

// History is `history --json` and `apply --json`.
type History struct {
	Schema int   `json:"schema"`
	Runs   []Ran `json:"runs"`
}

// Ran is one plan that was carried out.
type Ran struct {
	ID      int       `json:"id"`
	State   string    `json:"state"`
	Remedy  string    `json:"remedy"`
	Planned time.Time `json:"planned"`
	Steps   []struct {
		ID    string    `json:"id"`
		Kind  string    `json:"kind"`
		Event string    `json:"event"`
		Since time.Time `json:"since"`
		At    time.Time `json:"at"`
		Step  struct {
			When string `json:"when"` // of explain-statement
		} `json:"step"`
		State struct {
			Access string `json:"access"` // of explain-statement
		} `json:"state"`
	} `json:"steps"`
}

// ReadHistory reads an answer of history or apply.
func ReadHistory(r Reply) (History, error) {
	var h History
	err := r.decode(&h)
	if err == nil && len(h.Runs) == 0 {
		err = fmt.Errorf("%s: no runs", r.says())
	}
	return h, err
}

// Explains is how the server planned the purge, by when it was asked.
func (h History) Explains() map[string]string {
	out := map[string]string{}
	for _, one := range h.Runs {
		for _, s := range one.Steps {
			if s.Kind == "explain-statement" && s.State.Access != "" {
				out[s.Step.When] = s.State.Access
			}
		}
	}
	return out
}

// Took is how long the steps of some kinds took together, from the first note of each to its last.
func (h History) Took(kinds ...string) time.Duration {
	var sum time.Duration
	for _, one := range h.Runs {
		for _, s := range one.Steps {
			if slices.Contains(kinds, s.Kind) && !s.Since.IsZero() {
				sum += s.At.Sub(s.Since)
			}
		}
	}
	return sum
}

// outcomes is `verify --json`.
type outcomes struct {
	Schema   int `json:"schema"`
	Outcomes []struct {
		Remedy  string `json:"remedy"`
		Outcome *struct {
			Status string `json:"status"`
			Claims []struct {
				ID string `json:"id"`
			} `json:"claims"`
		} `json:"outcome"`
	} `json:"outcomes"`
}

// says reports whether some run's outcome makes the claim.
func (o outcomes) says(claim string) bool {
	for _, one := range o.Outcomes {
		if one.Outcome == nil {
			continue
		}
		for _, c := range one.Outcome.Claims {
			if c.ID == claim {
				return true
			}
		}
	}
	return false
}

// status is that of all runs together: the worst one.
func (o outcomes) status() string {
	worst := ""
	for _, order := range []string{"cured", "untested", "persists"} {
		for _, one := range o.Outcomes {
			if one.Outcome != nil && one.Outcome.Status == order {
				worst = order
			}
		}
	}
	return worst
}

// decode reads a reply's output as JSON of the schema that the lab knows.
func (r Reply) decode(dst any) error {
	if err := json.Unmarshal(r.Out, dst); err != nil {
		return fmt.Errorf("%s: no JSON that can be read: %w: %.300s", r.says(), err, r.Out)
	}
	return nil
}
