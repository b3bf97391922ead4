package remedies

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/remedy"
)

// TestMain looks, after all tests have run, whether every sentence that these
// remedies hold was said by some plan: one that cannot be said is dead, one that
// no test says may have the wrong parameters.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" {
		for _, id := range unsaid() {
			fmt.Printf("%s: no test makes a plan that says it\n", id)
			code = 1
		}
	}
	os.Exit(code)
}

// unsaid are the ids that the sources of purge, index and kill name and that no
// plan has said.
func unsaid() []string {
	sayings := remedy.Sayings()
	var out []string
	for _, pattern := range []string{"purge*.go", "add_index*.go", "kill_query*.go", "safe*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return append(out, pattern+": no file")
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return append(out, err.Error())
			}
			for _, m := range regexp.MustCompile(`"([a-z0-9-]+)"`).FindAllStringSubmatch(string(text), -1) {
				if _, is := sayings[m[1]]; is && !strings.HasSuffix(f, "_test.go") && said[m[1]] == 0 && !slices.Contains(out, m[1]) {
					out = append(out, m[1])
				}
			}
		}
	}
	return out
}

// TestSayingsHaveASpeaker finds sentences that no remedy says.
func TestSayingsHaveASpeaker(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source: %v", err)
	}
	src := ""
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src += string(text)
	}
	for id := range remedy.Sayings() {
		if mine(id) && !strings.Contains(src, `"`+id+`"`) {
			t.Errorf("%s is said by nobody", id)
		}
	}
}

// mine reports whether a sentence is of purges, indexes or kills.
func mine(id string) bool {
	return slices.ContainsFunc([]string{"purge-", "index-", "kill-", "refused-index-", "refused-kill-", "no-rebuild-", "other-", "step-kill-", "step-explain-"}, func(p string) bool { return strings.HasPrefix(id, p) })
}
