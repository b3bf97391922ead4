package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"hirune/internal/core/attack"
)

func siegeOptions(lang string) Options { return Options{Lang: lang, Loc: tokyo, Width: 80} }

func TestAttacksGolden(t *testing.T) {
	for name, v := range sieges() {
		golden(t, name+".json", func(b *bytes.Buffer) error { return AttacksJSON(b, v) })
		for _, lang := range []string{English, Japanese} {
			o := siegeOptions(lang)
			golden(t, name+"."+lang+".txt", func(b *bytes.Buffer) error { return AttacksText(b, v, o) })
			o.Verbose = true
			golden(t, name+"."+lang+".verbose.txt", func(b *bytes.Buffer) error { return AttacksText(b, v, o) })
		}
	}
}

func TestAttacksKeepToTheWidth(t *testing.T) {
	for name, v := range sieges() {
		for _, lang := range []string{English, Japanese} {
			for _, width := range []int{60, 80, 110} {
				for _, verbose := range []bool{false, true} {
					o := siegeOptions(lang)
					o.Width, o.Verbose = width, verbose
					var b bytes.Buffer
					if err := AttacksText(&b, v, o); err != nil {
						t.Fatal(err)
					}
					for l := range strings.SplitSeq(b.String(), "\n") {
						if cells(l) > width {
							t.Errorf("%s %s at %d: line of %d cells: %q", name, lang, width, cells(l), l)
						}
					}
				}
			}
		}
	}
}

// A terminal of 24 lines shows the answers and the table without scrolling,
// unless the owner asks for addresses.
func TestTheFirstScreenOfAttacksFits(t *testing.T) {
	for name, v := range sieges() {
		v.Who = false
		for _, lang := range []string{English, Japanese} {
			var b bytes.Buffer
			if err := AttacksText(&b, v, siegeOptions(lang)); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(b.String(), "\n"); n > attacksLines && name != "attacks-hostile" {
				t.Errorf("%s %s: %d lines, want at most %d\n%s", name, lang, n, attacksLines, b.String())
			}
		}
	}
}

func TestHostileTextStaysDataInAttacks(t *testing.T) {
	v := hostileSiege()
	var outs []bytes.Buffer
	for _, lang := range []string{English, Japanese} {
		for _, verbose := range []bool{false, true} {
			o := siegeOptions(lang)
			o.Verbose = verbose
			var b bytes.Buffer
			if err := AttacksText(&b, v, o); err != nil {
				t.Fatal(err)
			}
			outs = append(outs, b)
		}
	}
	var b bytes.Buffer
	if err := AttacksJSON(&b, v); err != nil {
		t.Fatal(err)
	}
	for _, out := range append(outs, b) {
		if !utf8.Valid(out.Bytes()) {
			t.Errorf("invalid UTF-8: %q", out.String())
		}
		for _, r := range out.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("the character %q came through:\n%s", r, out.String())
				break
			}
		}
	}
	var back AttacksDocument
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatalf("the JSON is broken: %v\n%s", err, b.String())
	}
	if !strings.Contains(back.Attacks[0].ID, "\x1b]0;owned") {
		t.Errorf("the JSON has lost data: %q", back.Attacks[0].ID)
	}
}

// TestTheFixedPartOfTheJSON holds the form that others build on.
func TestTheFixedPartOfTheJSON(t *testing.T) {
	var b bytes.Buffer
	if err := AttacksJSON(&b, hurtsSiege()); err != nil {
		t.Fatal(err)
	}
	var d struct {
		Schema int
		Logs   []struct {
			Path          string
			Lines         int64
			RejectedLines int64 `json:"rejected_lines"`
			From, To      string
		}
		Attacks []struct {
			ID          string
			Attempts    int64
			ActorsTotal int64 `json:"actors_total"`
			Paths       []string
			Verdict     string
			Actors      []struct {
				Prefix, From, To string
				Attempts         int64
			}
			Harm struct {
				WorkerTime float64 `json:"worker_time"`
				Requests   float64
			}
		}
		BreakIn struct {
			Status   string
			Evidence []json.RawMessage
		} `json:"break_in"`
		Benign []struct {
			ID       string
			Requests int64
		}
		Proposals []struct {
			ID, Layer, Why, Attack, Command, Refused string
			Prefixes                                 []string
		}
	}
	if err := json.Unmarshal(b.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	x := d.Attacks[0]
	got := fmt.Sprintln(d.Schema, d.Logs[0].Path, d.Logs[0].Lines, d.Logs[0].RejectedLines, d.Logs[0].To, x.ID, x.Attempts, x.ActorsTotal, x.Paths, x.Verdict, len(x.Actors),
		x.Actors[0].Prefix, x.Actors[0].Attempts, x.Actors[0].To, x.Harm, d.BreakIn.Status, d.BreakIn.Evidence != nil, d.Benign[0])
	want := "1 /var/log/apache2/access.log 301200 398 2026-11-22T18:30:00Z xmlrpc-brute-force 45012 312 [/xmlrpc.php] hurts 3 198.51.100.1/32 160 2026-11-22T18:29:00Z {0.62 0.21} nothing_found true {own-cron 10080}\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(d.Proposals) != 2 || d.Proposals[0].Layer != "endpoint" || d.Proposals[0].Command != "hirune plan close-xmlrpc" || d.Proposals[0].Why == "" || d.Proposals[1].Prefixes == nil {
		t.Errorf("got the proposals %+v", d.Proposals)
	}
}

func TestEveryProposalHasWords(t *testing.T) {
	en := catalogue(English)
	says := attack.ProposalSayings()
	if len(says) == 0 {
		t.Fatal("no sentences found")
	}
	for id, params := range says {
		want := append([]string{}, params...)
		sort.Strings(want)
		if got := holes(en["claim."+id]); en["claim."+id] == "" || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: words %q with placeholders %v, parameters %v", id, en["claim."+id], got, want)
		}
	}
	for _, k := range []string{attack.SpareBot, attack.SpareProxy, attack.SparePrivate, attack.SpareVisitor, attack.SpareOver, attack.SpareSession} {
		if en["spare."+k] == "" {
			t.Errorf("spare.%s has no words", k)
		}
	}
}

func TestEveryDetectorHasWords(t *testing.T) {
	all := attack.Detectors()
	if len(all) == 0 {
		t.Fatal("there is no detector")
	}
	for _, lang := range []string{English, Japanese} {
		words := catalogue(lang)
		for _, d := range all {
			for _, part := range []string{"title", "means"} {
				if words["attack."+d.ID+"."+part] == "" {
					t.Errorf("%s: attack.%s.%s has no words", lang, d.ID, part)
				}
			}
		}
	}
	for k := range catalogue(English) {
		if rest, ok := strings.CutPrefix(k, "attack."); ok {
			id, _, _ := strings.Cut(rest, ".")
			if !slices.ContainsFunc(all, func(d attack.Detector) bool { return d.ID == id }) {
				t.Errorf("%s: no detector finds it", k)
			}
		}
	}
}

func FuzzAttacksText(f *testing.F) {
	f.Add("\x1b[31m", "wp-login-brute-force", int64(5), 0.5)
	f.Add("\u202e\xff", "", int64(-1), -1.0)
	f.Fuzz(func(t *testing.T, text, id string, n int64, share float64) {
		v := hurtsSiege()
		x := &v.Picture.Attacks[0]
		x.ID, x.Attempts, x.From, x.To, x.Harm.WorkerTime, x.ActorsTotal = id, n, n, -n, share, n
		x.Paths[0].Path, x.Actors[0].Agent, v.Logs[0].Path = text, text, text
		v.Proposals = propose(v)
		for _, lang := range []string{English, Japanese} {
			o := siegeOptions(lang)
			o.Verbose = n%2 == 0
			var b bytes.Buffer
			if err := AttacksText(&b, v, o); err != nil {
				t.Fatal(err)
			}
			for _, r := range b.String() {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Fatalf("the character %q came through", r)
				}
			}
		}
		var b bytes.Buffer
		if err := AttacksJSON(&b, v); err != nil || !json.Valid(b.Bytes()) {
			t.Fatalf("JSON: %v\n%s", err, b.String())
		}
	})
}
