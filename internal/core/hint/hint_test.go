package hint

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestAdviceIsFoundThroughWraps(t *testing.T) {
	err := fmt.Errorf("start: %w", Wrap(io.EOF, "cut-short", "record again"))
	if Of(err) != "record again" || CodeOf(err) != "cut-short" || !errors.Is(err, io.EOF) || err.Error() != "start: EOF" {
		t.Errorf("got %q, %q, %v", Of(err), CodeOf(err), err)
	}
	if Wrap(nil, "x", "y") != nil {
		t.Error("advice on no error is an error")
	}
	if Of(io.EOF) != "" || CodeOf(nil) != "" {
		t.Errorf("got %q and %q of errors without advice", Of(io.EOF), CodeOf(nil))
	}
}

func TestNearest(t *testing.T) {
	verbs := []string{"version", "tape", "record", "man", "doctor", "diagnose", "demo", "completion"}
	cases := []struct{ typed, want string }{
		{"diagnoze", "diagnose"}, {"daignose", "diagnose"}, {"diag", "diagnose"}, {"recrod", "record"}, {"Doctor", "doctor"},
		{"doc", "doctor"}, {"tpae", "tape"}, {"demoo", "demo"}, {"xyzzy", ""}, {"", ""}, {"zz", ""},
		{"dem", "demo"}, {"日本語", ""},
	}
	for _, c := range cases {
		if got := Nearest(c.typed, verbs); got != c.want {
			t.Errorf("%q: got %q, want %q", c.typed, got, c.want)
		}
	}
	for _, words := range [][]string{{"cat", "bat"}, {"bat", "cat"}} {
		if got := Nearest("rat", words); got != "bat" {
			t.Errorf("of %v got %q, want the first in the alphabet", words, got)
		}
	}
}
