package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/report"
)

// withAttacks is a program whose last hirune attacks was this.
func withAttacks(t *testing.T, d report.AttacksDocument) *app {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, attacksName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"STATE_DIRECTORY": dir}
	return &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, env: func(k string) string { return env[k] }, now: time.Now}
}

func proposals() report.AttacksDocument {
	asked := time.Now().Add(-time.Hour).UTC()
	last := asked.Add(-time.Minute).Truncate(time.Second)
	ban := func(prefix string, n int64) report.BanView {
		return report.BanView{Prefix: prefix, Attempts: n, To: &last, Why: "guesses passwords"}
	}
	return report.AttacksDocument{
		Asked: &asked, Attacks: []report.AttackView{{ID: "xmlrpc-brute-force"}, {ID: "plugin-probing"}, {ID: "sql-injection"}},
		Proposals: []report.ProposalView{
			{ID: "close-endpoint", Attack: "xmlrpc-brute-force"},
			{ID: "ban", Attack: "xmlrpc-brute-force", Bans: []report.BanView{ban("203.0.113.7/32", 4711), ban("2001:db8::/64", 5), ban("odd", 1)}},
			{ID: "ban", Attack: "plugin-probing", Optional: true, Bans: []report.BanView{ban("203.0.113.8/32", 9)}},
			{ID: "ban", Attack: "sql-injection", Refused: "the log's addresses can be forged"},
		},
	}
}

func prefixesIn(cs []block.Candidate) []string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Prefix.String())
	}
	return out
}

func TestWhomTheLastAttacksPropose(t *testing.T) {
	cmd := &cobra.Command{Use: "block"}
	for _, c := range []struct {
		args []string
		want []string
		code string
	}{
		{nil, []string{"203.0.113.7/32", "2001:db8::/64"}, ""},
		{[]string{"plugin-probing"}, []string{"203.0.113.8/32"}, ""},
		{[]string{"xmlrpc-brute-force", "plugin-probing"}, []string{"203.0.113.7/32", "2001:db8::/64", "203.0.113.8/32"}, ""},
		{[]string{"sql-injection"}, nil, "refused"},
		{[]string{"sql-injektion"}, nil, "usage"},
		{[]string{"198.51.100.0/24", "plugin-probing"}, []string{"198.51.100.0/24", "203.0.113.8/32"}, ""},
		{[]string{"[2001:db8::7]"}, []string{"2001:db8::7/128"}, ""},
	} {
		a := withAttacks(t, proposals())
		if a.euid = os.Geteuid(); a.euid != 0 {
			a.euid = 0 // the folder is the test's own
		}
		got, err := a.candidates(cmd, blockFlags{}, c.args)
		if hint.CodeOf(err) != c.code || !slices.Equal(prefixesIn(got), c.want) && c.code == "" {
			t.Errorf("%v: got %v, %v, want %v %s", c.args, prefixesIn(got), err, c.want, c.code)
		}
	}
}

func TestACandidateHasItsEvidence(t *testing.T) {
	a := withAttacks(t, proposals())
	got, err := a.candidates(&cobra.Command{}, blockFlags{length: span(time.Hour)}, nil)
	if err != nil || got[0].Attempts != 4711 || got[0].Attack != "xmlrpc-brute-force" || got[0].Why != "guesses passwords" || got[0].For != time.Hour || got[0].Last.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOnlyOptionalProposals(t *testing.T) {
	d := proposals()
	d.Proposals = d.Proposals[2:3]
	_, err := withAttacks(t, d).candidates(&cobra.Command{}, blockFlags{}, nil)
	if err == nil || !strings.Contains(err.Error(), "nothing has to be blocked") {
		t.Errorf("got %v", err)
	}
	d.Proposals = nil
	if _, err := withAttacks(t, d).candidates(&cobra.Command{}, blockFlags{}, nil); hint.CodeOf(err) != "no-proposal" {
		t.Errorf("got %v", err)
	}
}

func TestIntrudersAreNotProtected(t *testing.T) {
	d := report.AttacksDocument{BreakIn: report.BreakInView{Evidence: []report.EvidenceView{
		{Client: "203.0.113.66", Weight: "confirmed"}, {Client: "::ffff:203.0.113.67", Weight: "likely"}, {Client: "203.0.113.68", Weight: "look"},
		{Client: "", Weight: "likely"}, {Client: "odd", Weight: "likely"},
	}}}
	got := intruders(d)
	if len(got) != 2 || got[0].String() != "203.0.113.66" || got[1].String() != "203.0.113.67" {
		t.Errorf("got %v", got)
	}
}

func TestOnlyRootBans(t *testing.T) {
	for _, verb := range []string{"block", "unblock", "allow", "blocks --check"} {
		err := (&app{euid: 1000}).machineOnly(verb)
		if !errors.Is(err, apply.ErrRefused) || hint.Of(err) != "run it with sudo: sudo hirune "+verb {
			t.Errorf("%s: got %v (%s)", verb, err, hint.Of(err))
		}
		if err := (&app{}).machineOnly(verb); err != nil {
			t.Errorf("%s as root: %v", verb, err)
		}
	}
}
