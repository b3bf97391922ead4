package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// detectorCase is a stream in which a detector must fire, or must not.
type detectorCase struct {
	id     string
	name   string
	fires  bool
	add    func(*site)
	check  func(*testing.T, Attack)
	others bool // others may fire in the silent case
}

// allCases are those of all detectors.
func allCases() []detectorCase {
	return slices.Concat(guessCases, xmlrpcCases, contentCases, probeCases, loadCases)
}

func TestDetectors(t *testing.T) {
	cases := allCases()
	if len(cases) == 0 {
		t.Fatal("no cases found")
	}
	for _, k := range cases {
		t.Run(k.id+"/"+k.name, func(t *testing.T) {
			s := newSite()
			s.visitors(6, 100)
			k.add(s)
			s.sort()
			p := s.tally(caseOptions).Picture()
			a := attackOf(p, k.id)
			switch {
			case k.fires && a == nil:
				t.Fatalf("%s did not fire; got %s", k.id, ids(p))
			case !k.fires && !k.others && len(p.Attacks)+len(p.Clues)+len(p.Logins) > 0:
				t.Fatalf("nothing may fire; got %s, %+v, %+v", ids(p), p.Clues, p.Logins)
			case !k.fires && a != nil:
				t.Fatalf("%s fired: %+v", k.id, a)
			case k.fires && k.check != nil:
				k.check(t, *a)
			}
			if k.fires {
				wellFormed(t, *a)
			}
		})
	}
}

var caseOptions = Options{Seed: 7, Workers: 5, Verified: verifyByAddress}

// verifyByAddress knows Google's addresses: 66.249.64.0/19 is, 192.0.2.0/24 may
// be, all others are not.
func verifyByAddress(_ string, a addr) int {
	switch b := a.As4(); {
	case b[0] == 66 && b[1] == 249:
		return 1
	case b[0] == 192:
		return 0
	}
	return -1
}

// TestEveryDetectorHasCases demands a file, a firing and a silent case of each.
func TestEveryDetectorHasCases(t *testing.T) {
	all := Detectors()
	if len(all) == 0 {
		t.Fatal("there is no detector")
	}
	seen := map[string]bool{}
	for _, d := range all {
		if seen[d.ID] {
			t.Errorf("%s is there twice", d.ID)
		}
		seen[d.ID] = true
		if d.Title == "" || d.Source == "" || d.judge == nil {
			t.Errorf("%s has no title, no source or no judge", d.ID)
		}
		file := strings.ReplaceAll(d.ID, "-", "_") + ".go"
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%s: its file is %s: %v", d.ID, file, err)
		}
		for _, fires := range []bool{true, false} {
			if !slices.ContainsFunc(allCases(), func(k detectorCase) bool { return k.id == d.ID && k.fires == fires }) {
				t.Errorf("%s has no case with fires %v", d.ID, fires)
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files found: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if id := strings.ReplaceAll(strings.TrimSuffix(f, ".go"), "_", "-"); strings.Contains(string(text), " = Detector{\n") && !seen[id] {
			t.Errorf("%s: its detector is not in Detectors", f)
		}
	}
}

// wellFormed checks what holds for every attack.
func wellFormed(t *testing.T, a Attack) {
	t.Helper()
	known := Sayings()
	for _, s := range a.Says {
		want, ok := known[s.ID]
		if !ok {
			t.Errorf("%s says %q, which is not in Sayings", a.ID, s.ID)
		}
		for _, p := range want {
			if _, ok := s.Args[p]; !ok {
				t.Errorf("%s: %s has no %s", a.ID, s.ID, p)
			}
		}
		if len(s.Args) != len(want) {
			t.Errorf("%s: %s has %v, want %v", a.ID, s.ID, s.Args, want)
		}
	}
	if a.Attempts <= 0 || a.ActorsTotal <= 0 || a.From == 0 || a.To < a.From || a.Verdict == "" || a.Severity == 0 || a.PeakMinute <= 0 || len(a.Says) < 2 {
		t.Errorf("not whole: %+v", a)
	}
	if len(a.Actors) > ActorsTold || len(a.Paths) > PathsTold {
		t.Errorf("%d actors and %d paths", len(a.Actors), len(a.Paths))
	}
	for _, x := range a.Actors {
		if !x.Prefix.IsValid() || x.Attempts <= 0 || x.From == 0 {
			t.Errorf("actor %+v", x)
		}
	}
}

func attackOf(p Picture, id string) *Attack {
	for i := range p.Attacks {
		if p.Attacks[i].ID == id {
			return &p.Attacks[i]
		}
	}
	return nil
}

func ids(p Picture) string {
	var out []string
	for _, a := range p.Attacks {
		out = append(out, fmt.Sprintf("%s (%d by %d)", a.ID, a.Attempts, a.ActorsTotal))
	}
	return strings.Join(out, ", ")
}

// within2 checks a number to two per cent.
func within2(t *testing.T, what string, got, want int64) {
	t.Helper()
	if d := got - want; d*50 > want || -d*50 > want {
		t.Errorf("%s: got %d, want %d within 2 %%", what, got, want)
	}
}
