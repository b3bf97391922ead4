package openmetrics

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParsesLines(t *testing.T) {
	for line, want := range map[string]string{
		`up{instance="a:9100",job="node"} 1 1700000000.123`: `up [{instance a:9100} {job node}] 1 1700000000123`,
		`up 0 1700000000123`:                      `up [] 0 1700000000123`,
		`{__name__="up",job="n"} 1 1700000000123`: `up [{__name__ up} {job n}] 1 1700000000123`,
		`x_total{a="q\"\\\n} 7 {"} 1.5e+06 1700000000 # {trace_id="z"} 1 1700000000`: "x_total [{a q\"\\\n} 7 {}] 1.5e+06 1700000000000",
		"\tx { a = \"1\" , }\t2\t1700000000":                                         `x [{a 1}] 2 1700000000000`,
	} {
		var s Sample
		ok, err := parseLine(line, &s)
		if got := fmt.Sprint(s.Name, " ", s.Labels, " ", s.Value, " ", s.AtMs); !ok || err != nil || got != want {
			t.Errorf("%s:\n got %s (%v, %v)\nwant %s", line, got, ok, err, want)
		}
	}
}

func TestSaysWhyALineIsNone(t *testing.T) {
	for line, want := range map[string]error{
		`up 1`: errNoTime, `up`: errBadName, `up x 1700000000`: errBadValue, `up 1 soon`: errBadTime, `up 1 -5`: errBadTime, `up 1 1 1`: errBadTime,
		`7up 1 1700000000`: errBadName, `up{a="b} 1 1700000000`: errBadLabel, `up{a=b} 1 1700000000`: errBadLabel, `up{="b"} 1 1700000000`: errBadLabel, `{a="b"} 1 1700000000`: errBadName,
	} {
		var s Sample
		if ok, err := parseLine(line, &s); ok || !errors.Is(err, want) {
			t.Errorf("%s: got %v, %v, want %v", line, ok, err, want)
		}
	}
	for _, line := range []string{"", "  ", "# TYPE up gauge", "# EOF", "up NaN 1700000000", "up +Inf 1700000000"} {
		var s Sample
		if ok, err := parseLine(line, &s); ok || err != nil {
			t.Errorf("%q: got %v, %v, want nothing", line, ok, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add(`up{instance="a:9100",job="node"} 1 1700000000.123`)
	f.Add(`{__name__="x\"y",a="\n"} 1e309 1e14`)
	f.Fuzz(func(t *testing.T, line string) {
		var s Sample
		ok, err := parseLine(line, &s)
		if ok && (err != nil || s.Name == "" || s.AtMs <= 0 || s.Value != s.Value || len(s.Labels) > labelsMost) {
			t.Errorf("impossible: %+v, %v", s, err)
		}
		for _, l := range s.Labels {
			if c := clean(l.Value, 100); len(c) > 100 || strings.ContainsAny(c, "\n\x1b") {
				t.Errorf("not clean: %q", c)
			}
		}
	})
}
