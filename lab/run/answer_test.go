package run

import (
	"reflect"
	"testing"
	"time"
)

func TestAnswersAreRead(t *testing.T) {
	var p plans
	r := Reply{Args: []string{"plan"}, Out: []byte(`{"schema":1,"plans":[{"remedy":"purge","doable":true,"steps":[{"kind":"delete-in-chunks","script":[{"lang":"sql","text":"DELETE FROM t;"}]}]},{"remedy":"add-index","doable":false,"steps":[]}]}`)}
	if err := r.decode(&p); err != nil || !reflect.DeepEqual(p.doable(), []string{"purge"}) || !p.holds("FROM t") || p.holds("FROM u") {
		t.Errorf("plan: %+v, %v", p, err)
	}
	h, err := ReadHistory(Reply{Args: []string{"history"}, Out: []byte(`{"schema":1,"runs":[{"id":1,"state":"done","remedy":"purge","steps":[
{"id":"1","kind":"explain-statement","step":{"when":"before"},"event":"done","state":{"access":"ALL"}},
{"id":"2","kind":"delete-in-chunks","step":{},"event":"done","since":"2026-11-22T10:00:00Z","at":"2026-11-22T10:00:07.5Z","state":null},
{"id":"3","kind":"add-index","step":{},"event":"","since":null,"at":null,"state":null}]}]}`)})
	if err != nil || h.Explains()["before"] != "ALL" || h.Took("delete-in-chunks", "add-index") != 7500*time.Millisecond || h.Runs[0].State != "done" {
		t.Errorf("history: %+v, %v", h, err)
	}
	for _, text := range []string{"", "x", `{"runs":[]}`} {
		if _, err := ReadHistory(Reply{Args: []string{"history"}, Out: []byte(text)}); err == nil {
			t.Errorf("history %q passes, want an error", text)
		}
	}
}

func TestTheWorstOutcomeCounts(t *testing.T) {
	for text, want := range map[string]string{
		`{"outcomes":[]}`: "",
		`{"outcomes":[{"outcome":null},{"outcome":{"status":"cured"}}]}`:                                "cured",
		`{"outcomes":[{"outcome":{"status":"untested"}},{"outcome":{"status":"cured"}}]}`:               "untested",
		`{"outcomes":[{"outcome":{"status":"persists"}},{"outcome":{"status":"untested"}}],"schema":1}`: "persists",
	} {
		var o outcomes
		if err := (Reply{Args: []string{"verify"}, Out: []byte(text)}).decode(&o); err != nil || o.status() != want {
			t.Errorf("%s: %q, %v; want %q", text, o.status(), err, want)
		}
	}
}

func TestWhatAnOutcomeSays(t *testing.T) {
	var o outcomes
	r := Reply{Args: []string{"verify"}, Out: []byte(`{"outcomes":[{"outcome":null},{"outcome":{"status":"untested","claims":[{"id":"verify-other-trouble","args":{"at":"x"}}]}}]}`)}
	if err := r.decode(&o); err != nil || !o.says("verify-other-trouble") || o.says("verify-settling") {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestDaysFollowEachOther(t *testing.T) {
	day := span{11, 20}
	if got := day.after(2); got != (span{31, 40}) || got.rows() != 10 {
		t.Errorf("got %+v after two days", got)
	}
	if got := day.plus(3); got != (span{11, 40}) || got.others() != "id NOT BETWEEN 11 AND 40" {
		t.Errorf("got %+v of three days", got)
	}
	if none := (span{0, -1}); none.rows() != 0 || none.plus(3).rows() != 0 {
		t.Errorf("got rows of an empty day")
	}
}
