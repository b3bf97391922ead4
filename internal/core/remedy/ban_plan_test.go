package remedy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/core/diagnose"
)

var banAt = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func decided(s block.State, prefixes ...string) block.Decision {
	s.Now = banAt
	var cs []block.Candidate
	for i, p := range prefixes {
		cs = append(cs, block.Candidate{Prefix: netip.MustParsePrefix(p), Attack: "xmlrpc-brute-force", Attempts: int64(len(prefixes) - i), Why: "4,711 attempts"})
	}
	return block.Decide(cs, s)
}

func sayIDs(all []diagnose.Sentence) []string {
	out := []string{}
	for _, s := range all {
		out = append(out, s.ID)
	}
	return out
}

func TestBanPlan(t *testing.T) {
	peer := block.Protected{Prefix: netip.MustParsePrefix("203.0.113.9/32"), Why: block.SSHPeer}
	for _, c := range []struct {
		name    string
		d       block.Decision
		in      Bans
		says    string
		refused string
		confirm time.Duration
		risk    Risk
	}{
		{"one", decided(block.State{}, "203.0.113.7/32"), Bans{Ports: []int{80, 443}, Run: 4}, "block-one block-ports", "", 0, RiskLow},
		{"with somebody logged in", decided(block.State{}, "203.0.113.7/32"), Bans{Protected: []block.Protected{peer, peer}}, "block-one block-ports block-you", "", 0, RiskLow},
		{"broad, on a terminal", decided(block.State{}, "203.0.112.0/20"), Bans{Confirm: true}, "block-one block-ports block-confirm", "", ConfirmFor, RiskMedium},
		{"broad, and nobody is there", decided(block.State{}, "203.0.112.0/20"), Bans{}, "block-one block-ports block-broad", "", 0, RiskMedium},
		{"cut around somebody", decided(block.State{Protected: []block.Protected{peer}}, "203.0.113.0/24"), Bans{Confirm: true}, "block-one block-split block-ports block-confirm", "", ConfirmFor, RiskMedium},
		{"one of two is protected", decided(block.State{Protected: []block.Protected{peer}}, "203.0.113.7/32", "203.0.113.9/32"), Bans{}, "block-one refused-block-protected block-ports", "", 0, RiskLow},
		{"protected", decided(block.State{Protected: []block.Protected{peer}}, "203.0.113.9/32"), Bans{}, "", "refused-block-protected", 0, ""},
		{"private and too wide", decided(block.State{}, "10.0.0.1/32", "203.0.0.0/8"), Bans{}, "", "refused-block-private refused-block-wide instead-block-limit", 0, ""},
		{"behind a proxy", decided(block.State{Proxied: true}, "203.0.113.7/32", "203.0.113.8/32"), Bans{ProxyWhy: "peers 6/10"}, "", "refused-block-proxied instead-block-proxied", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := BanPlan(c.d, c.in)
			if got := strings.Join(sayIDs(p.Says), " "); got != c.says {
				t.Errorf("says %s, want %s", got, c.says)
			}
			if got := strings.Join(sayIDs(p.Refused), " "); got != c.refused {
				t.Errorf("refused: %s, want %s", got, c.refused)
			}
			if p.Doable() != (c.refused == "") {
				t.Fatalf("doable %t", p.Doable())
			}
			known := Sayings()
			for _, s := range slices.Concat(p.Says, p.Refused) {
				for _, name := range known[s.ID] {
					if _, ok := s.Args[name]; !ok && (name != "times" || s.ID == "block-one") {
						t.Errorf("%s has no %s", s.ID, name)
					}
				}
			}
			if !p.Doable() {
				return
			}
			s := p.Steps[0].Step.(BanPrefixes)
			if s.Confirm != c.confirm || p.Steps[0].Estimate.Risk != c.risk || s.Bans[0].Run != c.in.Run {
				t.Errorf("got %+v at risk %s", s, p.Steps[0].Estimate.Risk)
			}
			var back Planned
			text, err := json.Marshal(p.Steps[0])
			if err != nil || json.Unmarshal(text, &back) != nil || fmt.Sprint(back.Step) != fmt.Sprint(p.Steps[0].Step) {
				t.Errorf("the journal has %+v (%v)", back, err)
			}
		})
	}
}

func TestALongListIsShortened(t *testing.T) {
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("203.0.113.%d/32", i))
	}
	p := BanPlan(decided(block.State{}, many...), Bans{})
	if n := len(p.Says); n != bansTold+2 || p.Says[bansTold].ID != "block-more" || p.Says[bansTold].Args["n"] != diagnose.Count(28) {
		t.Errorf("%d sentences: %v", n, sayIDs(p.Says))
	}
	var own []string
	for i := range 40 {
		own = append(own, fmt.Sprintf("10.0.0.%d/32", i))
	}
	if p := BanPlan(decided(block.State{}, own...), Bans{}); len(p.Refused) != bansTold+1 {
		t.Errorf("%d reasons", len(p.Refused))
	}
}

func TestLiftAndAllowPlans(t *testing.T) {
	d := decided(block.State{Protected: []block.Protected{{Prefix: netip.MustParsePrefix("203.0.113.9/32"), Why: block.Own}}}, "203.0.113.0/24", "2001:db8::/64")
	web := d.Bans[0]
	web.Layer = block.LayerWeb
	p := LiftPlan(append(slices.Clone(d.Bans), web), banAt)
	if len(p.Steps) != 2 || len(p.Says) != 2 {
		t.Fatalf("%d steps, %v", len(p.Steps), sayIDs(p.Says))
	}
	if s := p.Steps[0].Step.(LiftBans); len(s.Prefixes) != len(d.Bans) || s.Layer != block.LayerFirewall {
		t.Errorf("got %+v", s)
	}
	a := AllowPlan(AllowPrefixes{Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}}, d.Bans[:3], banAt)
	if got := strings.Join(sayIDs(a.Says), " "); got != "allow-one allow-cut" {
		t.Errorf("says %s", got)
	}
	a = AllowPlan(AllowPrefixes{Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}, Remove: true}, nil, banAt)
	if got := strings.Join(sayIDs(a.Says), " "); got != "allow-remove" {
		t.Errorf("says %s", got)
	}
}

func TestTheScriptIsWhatNftTakes(t *testing.T) {
	p := BanPlan(decided(block.State{}, "203.0.113.7/32", "2001:db8::/64"), Bans{})
	var got []string
	for _, l := range p.Steps[0].Step.Script() {
		if l.Lang == LangShell {
			got = append(got, l.Text)
		}
	}
	want := []string{"nft add element inet hirune banned4 { 203.0.113.7/32 timeout 600s }", "nft add element inet hirune banned6 { 2001:db8::/64 timeout 600s }"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	hostile := BanPrefixes{Layer: block.LayerFirewall, Bans: []block.Ban{{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Attack: "x", Why: "a\nrm -rf /"}}}
	for _, l := range hostile.Script() {
		if strings.ContainsAny(l.Text, "\n\r") || l.Lang == LangShell && strings.Contains(l.Text, "rm") {
			t.Errorf("got %q", l)
		}
	}
}
