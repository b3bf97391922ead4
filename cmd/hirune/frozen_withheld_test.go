package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/evidence"
	"hirune/internal/edge/tape"
	"hirune/lab/scenario"
	"hirune/lab/scenarios"
)

// frozenCase is a frozen tape with what its scenario expects.
type frozenCase struct {
	name   string
	want   scenario.Verdict
	loaded loaded
}

// frozenCases reads every frozen tape; there must be one of each scenario.
func frozenCases(t *testing.T) []frozenCase {
	t.Helper()
	all, err := scenario.Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	var out []frozenCase
	for _, s := range all {
		path := filepath.Join(frozen, s.Name+".hirune")
		if !exists(path) {
			continue // TestFrozenTapesGiveTheVerdictOfTheirScenario says so
		}
		r, err := tape.OpenReader(path)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		l, err := load(r, question{})
		if r.Close() != nil || err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		out = append(out, frozenCase{s.Name, s.Verdict, l})
	}
	if len(out) == 0 {
		t.Fatal("there is no frozen tape")
	}
	return out
}

// with returns the verdict on the case with other records.
func (f frozenCase) with(records []evidence.Record) diagnose.Verdict {
	l := f.loaded
	l.records = records
	return judge(l)
}

// Two causes together take no more than there is, and one is told once.
func TestFrozenSharesFitTogether(t *testing.T) {
	for _, f := range frozenCases(t) {
		v := f.with(f.loaded.records)
		told := map[string]bool{}
		var sum diagnose.Share
		for _, c := range v.Causes {
			if told[c.Rule] {
				t.Errorf("%s: %s is told twice", f.name, c.Rule)
			}
			told[c.Rule] = true
			for _, part := range []struct {
				all *float64
				one float64
			}{{&sum.DatabaseTime, c.Share.DatabaseTime}, {&sum.CPU, c.Share.CPU}, {&sum.WorkerTime, c.Share.WorkerTime}} {
				if *part.all += max(part.one, 0); part.one > 1 || *part.all > 1.05 {
					t.Errorf("%s: the share of %s is %.2f, together %.2f", f.name, c.Rule, part.one, *part.all)
				}
			}
		}
	}
}

// What a recorder does not see must never turn a right verdict into a confident
// wrong one: with any one source or kind of fact taken away, the answer is the
// right cause, or that it is not proven, with something named that is missing.
func TestWithheldEvidenceAccusesNobodyElse(t *testing.T) {
	for _, f := range frozenCases(t) {
		for _, hidden := range parts(f.loaded.records) {
			t.Run(f.name+" without "+hidden, func(t *testing.T) {
				left := slices.DeleteFunc(slices.Clone(f.loaded.records), func(r evidence.Record) bool { return "source "+r.Source == hidden || r.Fact.Kind() == hidden })
				if wrong := f.misled(f.with(left), hidden); wrong != "" {
					t.Error(wrong)
				}
			})
		}
	}
}

// parts are the sources and the kinds of fact of a recording, one each.
func parts(records []evidence.Record) []string {
	seen := map[string]bool{}
	for _, r := range records {
		seen["source "+r.Source], seen[r.Fact.Kind()] = true, true
	}
	return keys(seen)
}

// misled says how a verdict without the hidden part is wrong; empty if it is not.
func (f frozenCase) misled(v diagnose.Verdict, hidden string) string {
	for _, c := range v.Causes {
		// Who does not know of the change still knows the plugin at which PHP gives up.
		sameCode := c.Rule == "php-fatal" && f.want.Cause == "changed-just-before" && f.want.Origin["plugin"] != "" && c.Origin.Plugin == f.want.Origin["plugin"]
		if c.Rule != f.want.Cause && !slices.Contains(f.want.Also, c.Rule) && !sameCode {
			return fmt.Sprintf("%s: accuses %s (%.2f), want %q or nobody", v.Status, c.Rule, c.Confidence, f.want.Cause)
		}
	}
	switch {
	case len(v.Causes) > 0 || f.want.Cause == "":
		return ""
	case v.Status == diagnose.Healthy && f.with(f.loaded.records).Outage.Zero():
		return "" // nobody suffered: what was found on all the evidence was only about to hurt
	case v.Status == diagnose.Healthy:
		return "healthy, although visitors suffered: what was not seen must be said"
	}
	for _, r := range rules.All() {
		if need := r.Needs[hidden]; r.ID == f.want.Cause && need != "" && !slices.ContainsFunc(v.Surer, func(s diagnose.Sentence) bool { return s.ID == need }) {
			return fmt.Sprintf("%s, and %s is not named: %v", v.Status, need, v.Surer)
		}
	}
	if len(v.Surer)+len(v.Unseen) == 0 {
		return fmt.Sprintf("%s, and nothing is named that is missing", v.Status)
	}
	return ""
}
