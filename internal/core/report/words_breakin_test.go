package report

import (
	"sort"
	"strings"
	"testing"

	"hirune/internal/core/attack"
)

func TestEvidenceOfABreakInHasWords(t *testing.T) {
	en := catalogue(English)
	says := attack.BreakInSayings()
	if len(says) == 0 {
		t.Fatal("no sentences found")
	}
	for id, params := range says {
		want := append([]string{}, params...)
		sort.Strings(want)
		w, ok := en["claim."+id]
		if got := holes(w); !ok || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: words %q with placeholders %v, parameters %v: see words_en_breakin.go", id, w, got, want)
		}
	}
}
