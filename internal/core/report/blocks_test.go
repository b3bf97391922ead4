package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	bans "hirune/internal/core/block"
)

var blocksAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// blocksScene has bans of every kind.
func blocksScene() Blocks {
	ban := func(s string, length time.Duration, level int) bans.Ban {
		b := bans.Ban{Prefix: netip.MustParsePrefix(s), Layer: bans.LayerFirewall, Since: blocksAt.Add(-2 * time.Minute), Level: level, Run: 4, By: bans.ByOwner,
			Attack: "xmlrpc-brute-force", Why: "4,711 attempts at xmlrpc-brute-force from 11:00 to 11:58"}
		if length > 0 {
			b.Until = blocksAt.Add(length)
		}
		return b
	}
	piece := ban("203.0.113.0/29", time.Hour, 1)
	piece.Of = netip.MustParsePrefix("203.0.113.0/24")
	trial := ban("198.51.100.0/23", 40*time.Second, 0)
	trial.Trial = true
	return Blocks{At: blocksAt, Bans: []Blocked{
		{ban("203.0.113.7/32", 8*time.Minute, 0), 1, HeldYes, 1234, 98765, "sudo hirune unblock 203.0.113.7"},
		{piece, 8, HeldNo, -1, -1, "sudo hirune unblock 203.0.113.0/24"},
		{ban("2001:db8::/64", 0, 4), 1, HeldUnknown, -1, -1, "sudo hirune unblock 2001:db8::/64"},
		{trial, 1, HeldYes, 1, 60, "sudo hirune unblock 198.51.100.0/23"},
	}, Allowed: []bans.Protected{{Prefix: netip.MustParsePrefix("198.51.100.7/32"), Why: bans.Allowed, Note: "office"}}, Gap: "203.0.113.0/29 is not refused"}
}

func TestBlocksText(t *testing.T) {
	for _, lang := range []string{English, Japanese} {
		golden(t, "blocks."+lang+".txt", func(b *bytes.Buffer) error { return BlocksText(b, blocksScene(), Options{Lang: lang, Now: blocksAt}) })
	}
}

func TestBlocksJSON(t *testing.T) {
	var b bytes.Buffer
	if err := BlocksJSON(&b, blocksScene()); err != nil {
		t.Fatal(err)
	}
	golden(t, "blocks.json", func(b *bytes.Buffer) error { return BlocksJSON(b, blocksScene()) })
	var d BlocksDocument
	if err := json.Unmarshal(b.Bytes(), &d); err != nil || len(d.Blocks) != 4 || d.Blocks[1].Prefix != "203.0.113.0/24" || d.Blocks[2].Until != nil || d.Blocks[2].Packets != nil {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestBlocksSayWhatTheKernelHolds(t *testing.T) {
	empty := Blocks{At: blocksAt}
	for _, c := range []struct {
		name string
		v    Blocks
		want string
		not  string
	}{
		{"nobody", empty, "Nobody is blocked.", "packet filter"},
		{"nobody, and the kernel cannot be asked", Blocks{At: blocksAt, Unseen: "no right"}, "Nobody is blocked.", "no right"},
		{"checked", Blocks{At: blocksAt, Checked: true}, "holds what it should", ""},
		{"healed", Blocks{At: blocksAt, Checked: true, Healed: "2 put in"}, "put right: 2 put in", "holds what it should"},
		{"checked in vain", Blocks{At: blocksAt, Checked: true, Unseen: "no nf_tables"}, "could not be seen: no nf_tables", ""},
	} {
		var b bytes.Buffer
		if err := BlocksText(&b, c.v, Options{}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

func TestALongListOfBansIsShortened(t *testing.T) {
	v := blocksScene()
	for range 20 {
		v.Bans = append(v.Bans, v.Bans[0])
	}
	for verbose, want := range map[bool]int{false: blocksTold, true: len(v.Bans)} {
		var b bytes.Buffer
		if err := BlocksText(&b, v, Options{Verbose: verbose}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), "To undo"); got != want {
			t.Errorf("verbose %t: %d bans told, want %d", verbose, got, want)
		}
	}
}

func TestHostileEvidenceStaysData(t *testing.T) {
	v := blocksScene()
	v.Bans[0].Ban.Why = "\x1b[31mred\u202e\n=cmd()"
	v.Gap = "\x1b]0;x\x07"
	var b, j bytes.Buffer
	if err := BlocksText(&b, v, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := BlocksJSON(&j, v); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{b.String(), j.String()} {
		if strings.ContainsAny(text, "\x1b\x07\u202e") {
			t.Errorf("got %q", text)
		}
	}
}
