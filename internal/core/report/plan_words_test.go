package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
)

func TestEverySayingHasWords(t *testing.T) {
	en := catalogue(English)
	for _, all := range []map[string][]string{remedy.Sayings(), verify.Sayings()} {
		for id, params := range all {
			w, ok := en["claim."+id]
			if !ok {
				t.Errorf("%s is said by a plan or an outcome and has no words: add claim.%s in both languages", id, id)
				continue
			}
			want := append([]string{}, params...)
			sort.Strings(want)
			if got := holes(w); strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("claim %s: placeholders %v, parameters %v", id, got, want)
			}
		}
	}
}

// literals are the strings of a source file that match.
func literals(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("%s has nothing like %s", file, pattern)
	}
	return out
}

// steps are the strings that match in what carries steps out at the database.
func steps(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../../edge/mysql/change/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing carries steps out: %v", err)
	}
	var out []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
	}
	if len(out) == 0 {
		t.Fatalf("nothing in %v is like %s", files, pattern)
	}
	return out
}

// TestEveryCodeHasWords reads the closed sets where they are defined: report may
// not import what waits and what journals.
func TestEveryCodeHasWords(t *testing.T) {
	en := catalogue(English)
	need := []string{}
	for _, kind := range literals(t, "../remedy/step.go", `Kind\(\) string \{ return "([a-z-]+)" \}`) {
		need = append(need, "step."+kind+".title", "step."+kind+".doing")
	}
	for _, code := range literals(t, "../apply/pace.go", `Wait[A-Z][A-Za-z]+ += "([a-z-]+)"`) {
		need = append(need, "wait."+code)
	}
	for _, code := range steps(t, `Wait[A-Z][A-Za-z]+ += "([a-z-]+)"`) {
		need = append(need, "wait."+code)
	}
	for _, code := range steps(t, `Doing[A-Z][A-Za-z]+ += "([a-z-]+)"`) {
		if code != "waiting" { // then the kind of step says what for
			need = append(need, "doing."+code)
		}
	}
	for _, code := range []string{"metadata-lock", "long-transaction", "dump-running", "ddl-running", "retry", "reconnect"} {
		need = append(need, "wait."+code)
	}
	for _, event := range literals(t, "../apply/journal.go", `(?:Step|Undo)[A-Z][a-z]+ +Event = "([a-z-]+)"`) {
		if event != "state" {
			need = append(need, "event."+event)
		}
	}
	for _, r := range []remedy.Risk{remedy.RiskNone, remedy.RiskLow, remedy.RiskMedium, remedy.RiskHigh} {
		need = append(need, "risk."+string(r))
	}
	for _, s := range []string{remedy.Chunks, remedy.Swap, remedy.Truncate} {
		need = append(need, "strategy."+s)
	}
	for _, s := range []verify.Status{verify.Cured, verify.Persists, verify.Untested} {
		need = append(need, "outcome."+string(s))
	}
	for _, s := range []string{RunOpen, RunDone, RunClosed, RunUndone, RunFailed} {
		need = append(need, "state."+s)
	}
	for _, key := range need {
		if en[key] == "" {
			t.Errorf("%s has no words: add them in both languages", key)
		}
	}
}

// TestEveryKindOfStepIsShown decodes one of each kind, as a journal has it.
func TestEveryKindOfStepIsShown(t *testing.T) {
	for _, kind := range literals(t, "../remedy/step.go", `Kind\(\) string \{ return "([a-z-]+)" \}`) {
		var s remedy.Planned
		if err := json.Unmarshal([]byte(`{"id":"1","kind":"`+kind+`","step":{"schema":"s","table":"t","path":"/p","hook":"h","session":7,"prefixes":["203.0.113.7/32"],"bans":[{"prefix":"203.0.113.7/32"}]}}`), &s); err != nil {
			t.Fatal(err)
		}
		p := newPrinter(purgeVerdict(), Options{}, clean)
		if got := p.target(s.Step); got == "" {
			t.Errorf("%s: nothing says what it is about", kind)
		}
	}
}
