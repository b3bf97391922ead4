package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"hirune/internal/core/remedy"
)

func TestRefusedPlanJSON(t *testing.T) {
	for name, c := range map[string]struct {
		plan         remedy.Plan
		code         string
		reason, hint bool
	}{
		"refused":       {refusedPlan(), "proof-refused", true, true},
		"nothing to do": {remedy.Plan{Remedy: "block-clients"}, "nothing-to-do", true, false},
	} {
		var b bytes.Buffer
		if err := RefusedPlanJSON(&b, c.plan); err != nil {
			t.Fatal(err)
		}
		var d PlanDocument
		if err := json.Unmarshal(b.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		r := d.Refused
		if d.Schema != 1 || len(d.Plans) != 1 || d.Plans[0].Doable || r == nil || r.Code != c.code || (r.Reason != "") != c.reason || (r.Hint != "") != c.hint {
			t.Errorf("%s: got %s", name, b.String())
		}
	}
}

func TestRefusedJSON(t *testing.T) {
	var b bytes.Buffer
	if err := RefusedJSON(&b, Refusal{Code: "no-attacks", Reason: "no\u202e <b>", Hint: "look"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"plans": []`) || strings.Contains(b.String(), "\u202e") {
		t.Errorf("got %s", b.String())
	}
	var d PlanDocument
	if err := json.Unmarshal(b.Bytes(), &d); err != nil || d.Refused == nil || d.Refused.Code != "no-attacks" {
		t.Errorf("got %+v, %v", d, err)
	}
}
