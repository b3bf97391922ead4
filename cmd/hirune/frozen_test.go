package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"hirune/lab/scenario"
	"hirune/lab/scenarios"
)

// frozen holds tapes of real runs in the lab, redacted; `make freeze S=NAME`
// makes one. What the verdict must be stands in the scenario of that name.
const frozen = "testdata/frozen"

func TestFrozenTapesGiveTheVerdictOfTheirScenario(t *testing.T) {
	all, err := scenario.Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, s := range all {
		known[s.Name] = true
		tape := filepath.Join(frozen, s.Name+".hirune")
		t.Run(s.Name, func(t *testing.T) {
			if !exists(tape) {
				t.Fatalf("this scenario has no frozen tape; make it, as root: make freeze S=%s", s.Name)
			}
			replay(t, tape, s.Verdict)
		})
	}
	for _, tape := range frozenTapes(t) {
		if name := strings.TrimSuffix(filepath.Base(tape), ".hirune"); !known[name] {
			t.Errorf("%s is of no scenario: take it away, or add lab/scenarios/%s.toml", tape, name)
		}
	}
}

func frozenTapes(t *testing.T) []string {
	tapes, err := filepath.Glob(frozen + "/*.hirune")
	if err != nil {
		t.Fatal(err)
	}
	return tapes
}

func replay(t *testing.T, tape string, want scenario.Verdict) {
	var out, words bytes.Buffer
	exit := run(context.Background(), []string{"diagnose", "--json", "--tape", tape}, &out, &words)
	if _, wrong := want.Judge(out.Bytes(), exit); len(wrong) > 0 {
		t.Errorf("%s\nsaid: %s", strings.Join(wrong, "\n"), words.String())
	}
}

func TestTheBundledTapeIsDiagnosed(t *testing.T) {
	for _, args := range [][]string{{"--lang", "en"}, {"--lang", "ja"}, {"--json"}, {"--markdown"}, {"--verbose"}} {
		var out bytes.Buffer
		if exit := run(context.Background(), append([]string{"demo"}, args...), &out, io.Discard); exit != exitFound {
			t.Errorf("demo %s: got exit code %d, want %d", args, exit, exitFound)
		}
		if !strings.Contains(out.String(), "wp_aiowps_audit_log") {
			t.Errorf("demo %s: the verdict does not name the table of the outage:\n%s", args, out.String())
		}
	}
}
