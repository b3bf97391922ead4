package main

import (
	"io"
	"strings"
	"testing"
)

func TestFlagsMayStandBeforeAndAfterTheName(t *testing.T) {
	for _, args := range [][]string{{"--keep", "--out", "/x", "healthy", "--no-hirune"}, {"healthy", "--no-hirune", "--keep", "--out=/x"}} {
		f, err := parse(args, io.Discard)
		if err != nil || f.name != "healthy" || !f.keep || !f.noHirune || f.out != "/x" {
			t.Errorf("%q: %+v, %v", args, f, err)
		}
	}
	if _, err := parse([]string{"a", "b"}, io.Discard); err == nil {
		t.Error("two names pass, want an error")
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{nil, 2, ""},
		{[]string{"list"}, 0, "audit-log-purge"},
		{[]string{"rain"}, 2, ""},
		{[]string{"run", "rain", "--no-hirune"}, 2, ""},
		{[]string{"run", "healthy"}, 2, ""},
		{[]string{"run", "healthy", "--hirune", "/nowhere/hirune"}, 2, ""},
	} {
		var out, complaint strings.Builder
		if code := mainExit(c.args, &out, &complaint); code != c.code || !strings.Contains(out.String(), c.out) || code != 0 && complaint.Len() == 0 {
			t.Errorf("lab %q: exit %d, want %d; output %q, complaint %q", c.args, code, c.code, out.String(), complaint.String())
		}
	}
}
