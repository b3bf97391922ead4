package report

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	bans "hirune/internal/core/block"
	"hirune/internal/core/remedy"
)

// banPlans are plans of every kind about who is refused.
func banPlans() []remedy.Plan {
	prefix := netip.MustParsePrefix
	peer := bans.Protected{Prefix: prefix("203.0.113.9/32"), Why: bans.SSHPeer}
	s := bans.State{Now: blocksAt, Protected: []bans.Protected{peer}, Past: []bans.Ban{{Prefix: prefix("198.51.100.66/32"), Since: blocksAt.Add(-3 * time.Hour), Until: blocksAt.Add(-2 * time.Hour)}}}
	d := bans.Decide([]bans.Candidate{
		{Prefix: prefix("203.0.113.0/24"), Attempts: 9, Why: "4,711 attempts"}, {Prefix: prefix("198.51.100.66/32"), Attempts: 8, Why: "12 attempts"},
		{Prefix: prefix("2001:db8::/64"), Attempts: 7, Forever: true}, {Prefix: prefix("203.0.113.9/32"), Attempts: 6}, {Prefix: prefix("10.0.0.1/32"), Attempts: 5}, {Prefix: prefix("203.0.0.0/8"), Attempts: 4},
	}, s)
	in := remedy.Bans{Ports: []int{80, 443}, Protected: s.Protected, Confirm: true, At: blocksAt}
	s.Proxied = true
	proxied := bans.Decide([]bans.Candidate{{Prefix: prefix("198.51.100.66/32")}}, s)
	allow := remedy.AllowPrefixes{Prefixes: []netip.Prefix{prefix("203.0.113.9/32")}}
	return []remedy.Plan{
		remedy.BanPlan(d, in), remedy.BanPlan(proxied, remedy.Bans{ProxyWhy: "peers 6/10", At: blocksAt}), remedy.LiftPlan(d.Bans, blocksAt),
		remedy.AllowPlan(allow, d.Bans[:1], blocksAt), remedy.AllowPlan(remedy.AllowPrefixes{Prefixes: allow.Prefixes, Remove: true}, nil, blocksAt),
	}
}

func TestPlansOfBansAreTold(t *testing.T) {
	for _, lang := range []string{English, Japanese} {
		write := func(b *bytes.Buffer) error { return PlanText(b, banPlans(), Options{Lang: lang, Now: blocksAt}) }
		golden(t, "plan-bans."+lang+".txt", write)
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"refused-block", "instead-block", "unblock-one", "allow-one", "block-one", "prefix="} {
			if strings.Contains(b.String(), id) {
				t.Errorf("%s: %s has no words", lang, id)
			}
		}
	}
}
