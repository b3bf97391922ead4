package report

import (
	"io"
	"strings"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// Refusal is why nothing is done, and what to do instead, in English.
type Refusal struct {
	Code   string `json:"code"` // of the error, or the id of the first reason
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// RefusedPlanJSON writes a plan that nobody carries out as a PlanDocument that
// says why.
func RefusedPlanJSON(w io.Writer, p remedy.Plan) error {
	v, err := planView(p)
	if err != nil {
		return err
	}
	return writeJSON(w, PlanDocument{Schema: Schema, Plans: []PlanView{v}, Refused: refusalOf(p)})
}

// RefusedJSON writes a PlanDocument without a plan that says why there is none.
func RefusedJSON(w io.Writer, r Refusal) error {
	return writeJSON(w, PlanDocument{Schema: Schema, Plans: []PlanView{}, Refused: &r})
}

// refusalOf sorts what a plan says into reasons and what to do instead. One that
// is not refused has nothing to do.
func refusalOf(p remedy.Plan) *Refusal {
	say := newPrinter(diagnose.Verdict{}, Options{}, clean)
	r := Refusal{Code: "nothing-to-do", Reason: "there is nothing to do"}
	var why, instead []string
	for _, s := range p.Refused {
		text := strings.ReplaceAll(say.say(s), nbsp, " ")
		if strings.HasPrefix(s.ID, "instead-") {
			instead = append(instead, text)
			continue
		}
		if len(why) == 0 {
			r.Code = s.ID
		}
		why = append(why, text)
	}
	if len(why) > 0 {
		r.Reason = strings.Join(why, " ")
	}
	r.Hint = strings.Join(instead, " ")
	return &r
}
