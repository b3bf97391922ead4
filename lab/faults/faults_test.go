package faults

import (
	"strings"
	"testing"

	"hirune/lab/run"
)

func TestChosenFaultsBeginWithNone(t *testing.T) {
	all, err := choose(nil)
	if err != nil || len(all) != len(faults)+1 || all[0].name != calm.name {
		t.Errorf("all: %d, %v; want %d with %s first", len(all), err, len(faults)+1, calm.name)
	}
	one, err := choose([]string{"deadlock"})
	if err != nil || len(one) != 2 || one[1].name != "deadlock" {
		t.Errorf("one: %+v, %v", one, err)
	}
	if _, err := choose([]string{"rain"}); err == nil {
		t.Error("an unknown fault passes, want an error")
	}
}

func TestAFailureWithoutAReasonIsWrong(t *testing.T) {
	for _, c := range []struct {
		words string
		exit  int
		wrong bool
	}{
		{"", 0, false},
		{"hirune: error: connect: refused\nhirune: hint: wait\n", 1, false},
		{"hirune: stopped, as you asked\n", 1, false},
		{"", 1, true},
		{"hirune: error: x\npanic: nil\n", 2, true},
	} {
		w := &ward{opt: Options{Case: run.Case{Options: run.Options{Out: t.TempDir()}}}, out: &Outcome{}}
		w.tell(run.Reply{Exit: c.exit, Err: []byte(c.words)})
		if got := len(w.out.Wrong) > 0; got != c.wrong {
			t.Errorf("exit %d, %q: wrong %v, want %v", c.exit, c.words, w.out.Wrong, c.wrong)
		}
	}
}

func TestTableCountsTries(t *testing.T) {
	var b strings.Builder
	Table(&b, []Outcome{{Fault: "none", Calls: 1}, {Fault: "deadlock", Calls: 2}, {Fault: "deadlock", Calls: 1, Wrong: []string{"a|b"}}})
	for _, want := range []string{"| none | 1 | 1 | 1 |  |", "| deadlock | 2 | 1 | 2 | a/b |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", b.String(), want)
		}
	}
}
