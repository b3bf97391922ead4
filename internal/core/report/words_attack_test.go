package report

import (
	"sort"
	"strings"
	"testing"

	"hirune/internal/core/attack"
)

func TestClaimsOfAttacksHaveWords(t *testing.T) {
	en := catalogue(English)
	says := attack.Sayings()
	if len(says) == 0 {
		t.Fatal("no sentences found")
	}
	for id, params := range says {
		want := append([]string{}, params...)
		sort.Strings(want)
		w, ok := en["claim."+id]
		if got := holes(w); !ok || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: words %q with placeholders %v, parameters %v: see words_en_attack.go", id, w, got, want)
		}
	}
	for _, d := range attack.Detectors() {
		for _, part := range []string{"title", "means"} {
			if en["attack."+d.ID+"."+part] == "" {
				t.Errorf("%s has no %s: add attack.%s.%s to words_en_attacks_kinds.go", d.ID, part, d.ID, part)
			}
		}
	}
}
