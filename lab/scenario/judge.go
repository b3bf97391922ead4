package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Answer is what the lab reads of `diagnose --json`; whatever else is there is left alone.
type Answer struct {
	Schema int    `json:"schema"`
	Status string `json:"status"`
	Causes []struct {
		ID      string         `json:"id"`
		Subject map[string]any `json:"subject"`
		Origin  map[string]any `json:"origin"`
	} `json:"causes"`
	Chain []struct {
		ID string `json:"id"`
	} `json:"chain"`
	Rejected []struct {
		ID string `json:"id"`
	} `json:"rejected"`
}

// CauseIDs are the ids of the causes in their order.
func (a Answer) CauseIDs() []string {
	var out []string
	for _, c := range a.Causes {
		out = append(out, c.ID)
	}
	return out
}

// Judge reads an answer and lists how it differs from the verdict that had to be given; exit is the program's exit code.
func (v Verdict) Judge(text []byte, exit int) (Answer, []string) {
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return a, []string{fmt.Sprintf("exit %d and no JSON that can be read: %v", exit, err)}
	}
	var out []string
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if exit != v.Exit {
		bad("exit code %d, want %d", exit, v.Exit)
	}
	if a.Schema != 1 {
		bad("schema %d, want 1", a.Schema)
	}
	if !slices.Contains(v.Status, a.Status) {
		bad("status %q, want one of %q", a.Status, v.Status)
	}
	for _, id := range a.CauseIDs() {
		if slices.Contains(v.Forbid, id) {
			bad("cause %q must not be named", id)
		}
	}
	for _, id := range v.Also {
		if !slices.Contains(a.CauseIDs(), id) {
			bad("causes %q, want %q among them", a.CauseIDs(), id)
		}
	}
	switch {
	case v.Cause == "" && len(a.Causes) > 0:
		bad("causes %q, want none", a.CauseIDs())
	case v.Cause != "" && (len(a.Causes) == 0 || a.Causes[0].ID != v.Cause):
		bad("causes %q, want %q first", a.CauseIDs(), v.Cause)
	case v.Cause != "":
		out = append(out, differ("subject", a.Causes[0].Subject, v.Subject)...)
		out = append(out, differ("origin", a.Causes[0].Origin, v.Origin)...)
	}
	return a, out
}

// Score is how much of what an answer should hold it does hold.
type Score struct {
	Top     bool     `json:"top"`               // the first cause is the right one, or rightly none
	Links   int      `json:"links"`             // of the chain that should be there, that are
	Of      int      `json:"links_of"`          //
	Cleared int      `json:"cleared"`           // of the suspects that should be cleared, that are
	ClearOf int      `json:"cleared_of"`        //
	Accused []string `json:"falsely,omitempty"` // causes that are none
	Missing []string `json:"missing,omitempty"` // links and suspects that should be there and are not
}

// Score counts what an answer holds of the chain and of the cleared suspects, and whom it accuses falsely.
func (v Verdict) Score(a Answer) Score {
	ids := a.CauseIDs()
	s := Score{Top: v.Cause == "" && len(ids) == 0 || len(ids) > 0 && ids[0] == v.Cause, Of: len(v.Chain), ClearOf: len(v.Rejects)}
	for _, id := range ids {
		if id != v.Cause && !slices.Contains(v.Also, id) {
			s.Accused = append(s.Accused, id)
		}
	}
	links, cleared := map[string]bool{}, map[string]bool{}
	for _, l := range a.Chain {
		links[l.ID] = true
	}
	for _, r := range a.Rejected {
		cleared[r.ID] = true
	}
	for _, id := range v.Chain {
		if links[id] {
			s.Links++
		} else {
			s.Missing = append(s.Missing, id)
		}
	}
	for _, id := range v.Rejects {
		if cleared[id] {
			s.Cleared++
		} else {
			s.Missing = append(s.Missing, "not cleared: "+id)
		}
	}
	return s
}

func differ(what string, got map[string]any, want map[string]string) []string {
	var out []string
	for field, value := range want {
		if !meets(got[field], value) {
			out = append(out, fmt.Sprintf("%s.%s is %v, want %q", what, field, got[field], value))
		}
	}
	slices.Sort(out)
	return out
}

// meets compares a value with what is wanted; a table may be given with its schema before it, and "mariadb*" is how it begins.
func meets(got any, want string) bool {
	text := ""
	if got != nil {
		text = fmt.Sprint(got)
	}
	if want == "*" {
		return text != "" && text != "0"
	}
	for option := range strings.SplitSeq(want, "|") {
		start, open := strings.CutSuffix(option, "*")
		if text == option || strings.HasSuffix(text, "."+option) || open && strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}
