package attack

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/diagnose"
)

const proposeNow = int64(1_795_000_000)

// guesser is an actor that fired by itself and attacks now.
func guesser(address string, attempts int64) Actor {
	return Actor{Prefix: netip.MustParsePrefix(address), Attempts: attempts, From: proposeNow - 3600, To: proposeNow - 60, Fired: true}
}

func siegeOf(id string, v Verdict, actors ...Actor) Attack {
	t := Attack{ID: id, Verdict: v, Actors: actors, ActorsTotal: int64(len(actors)), From: proposeNow - 3600, To: proposeNow - 60, Severity: Medium, Paths: []PathCount{{Path: "/p", Count: 1}}}
	for _, a := range actors {
		t.Attempts += a.Attempts
	}
	return t
}

// swarm is many actors of which none fired.
func swarm(id string, v Verdict, n int) Attack {
	var actors []Actor
	for i := range n {
		a := guesser(fmt.Sprintf("203.0.%d.%d/32", 113+i/250, 1+i%250), 3)
		a.Fired = false
		actors = append(actors, a)
	}
	return siegeOf(id, v, actors...)
}

// brief is a proposal in a line: id/layer, prefixes, what is refused, spared.
func brief(ps []Proposal) string {
	var out []string
	for _, p := range ps {
		s := p.ID + "/" + p.Layer
		for _, b := range p.Bans {
			s += " " + b.Prefix.String()
		}
		for _, x := range p.Spared {
			s += " -" + x.Why
		}
		if p.Refused.ID != "" {
			s += " !" + p.Refused.ID
		}
		if p.Optional {
			s += " optional"
		}
		if p.Command != "" {
			s += " `" + p.Command + "`"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func with(a Actor, change func(*Actor)) Actor {
	change(&a)
	return a
}

func TestPropose(t *testing.T) {
	one := guesser("203.0.113.7/32", 412)
	v6 := guesser("2001:db8:1:2::/64", 90)
	google := with(one, func(a *Actor) { a.Bot = "google" })
	never := func(string, netip.Addr) int { return -1 }
	unknown := func(string, netip.Addr) int { return 0 }
	const login, plan = "wp-login-brute-force", "`hirune block --plan`"
	for name, c := range map[string]struct {
		in   ProposeIn
		t    Attack
		want string
	}{
		"one address":          {t: siegeOf(login, Hurts, one, v6), want: "ban/firewall 203.0.113.7/32 2001:db8:1:2::/64 " + plan},
		"harmless guessing":    {t: siegeOf(login, Harmless, one), want: "ban/firewall 203.0.113.7/32 optional `hirune block wp-login-brute-force --plan`"},
		"harmless noise":       {t: siegeOf("plugin-probing", Harmless, one), want: ""},
		"a shell is at stake":  {t: with2(siegeOf("php-in-uploads", Harmless, one), func(t *Attack) { t.Severity = Critical }), want: "ban/firewall 203.0.113.7/32 optional `hirune block php-in-uploads --plan`"},
		"cost unknown":         {t: siegeOf("sql-injection", Unknown, one), want: "ban/firewall 203.0.113.7/32 " + plan},
		"an unknown attack":    {t: siegeOf("new-kind", Hurts, one), want: "ban/firewall 203.0.113.7/32 " + plan},
		"nobody fired":         {t: siegeOf(login, Hurts, with(one, func(a *Actor) { a.Fired = false })), want: ""},
		"many":                 {t: swarm("wp-login-distributed", Hurts, 300), want: "rate-limit/rate-limit `hirune block rate-limit:login --plan`"},
		"many by xmlrpc":       {t: swarm("xmlrpc-distributed", Hurts, 300), want: "close-endpoint/endpoint `hirune plan close-xmlrpc`"},
		"many, harmless":       {t: swarm("xmlrpc-brute-force", Harmless, 300), want: "close-endpoint/endpoint optional `hirune plan close-xmlrpc`"},
		"many that each fired": {t: with2(siegeOf("xmlrpc-brute-force", Hurts, fifty()...), func(t *Attack) { t.Cluster = &Cluster{} }), want: "close-endpoint/endpoint `hirune plan close-xmlrpc`; ban/firewall" + fiftyNames() + " optional `hirune block xmlrpc-brute-force --plan`"},
		"one among many":       {t: siegeOf("wp-login-brute-force", Hurts, append([]Actor{guesser("192.0.2.9/32", 9000)}, fifty()[:22]...)...), want: "ban/firewall 192.0.2.9/32" + fiftyNames()[:strings.Index(fiftyNames(), " 203.0.113.23/")] + " " + plan},
		"one by xmlrpc":        {t: siegeOf("xmlrpc-brute-force", Hurts, one), want: "ban/firewall 203.0.113.7/32 " + plan},
		"over":                 {in: ProposeIn{Now: proposeNow + overAfter}, t: siegeOf(login, Hurts, one), want: ""},
		"one has stopped":      {t: siegeOf(login, Hurts, one, with(v6, func(a *Actor) { a.To = proposeNow - overAfter - 1 })), want: "ban/firewall 203.0.113.7/32 -over " + plan},
		"crawlers":             {t: siegeOf("crawler-load", Hurts, google), want: "crawler-rules/endpoint"},
		"pingbacks":            {t: siegeOf("pingback-flood", Hurts, one), want: "refuse-agent/web-server"},
		"a proxy is sought":    {t: siegeOf("open-proxy", Hurts, one), want: ""},
		"a search bot":         {t: siegeOf("search-flood", Hurts, google), want: "rate-limit/rate-limit `hirune block rate-limit:search --plan`; ban/firewall -search-bot !propose-all-spared optional"},
		"perhaps a search bot": {in: ProposeIn{Verified: unknown}, t: siegeOf(login, Hurts, google), want: "rate-limit/rate-limit `hirune block rate-limit:login --plan`; ban/firewall -search-bot !propose-all-spared optional"},
		"a false search bot":   {in: ProposeIn{Verified: never}, t: siegeOf(login, Hurts, google), want: "ban/firewall 203.0.113.7/32 " + plan},
		"own network":          {t: siegeOf(login, Hurts, guesser("10.0.0.5/32", 50), guesser("fd00::/64", 50), guesser("127.0.0.9/32", 50), guesser("100.64.1.1/32", 9)), want: "rate-limit/rate-limit `hirune block rate-limit:login --plan`; ban/firewall -private -private -private -private !propose-all-spared optional"},
		"forgot the password":  {t: siegeOf(login, Hurts, with(one, func(a *Actor) { a.Attempts, a.Views = 8, 40 }), v6), want: "ban/firewall 2001:db8:1:2::/64 -looks-human " + plan},
		"reads a page or two":  {t: siegeOf(login, Hurts, with(one, func(a *Actor) { a.Views = 40 })), want: "ban/firewall 203.0.113.7/32 " + plan},
		"an administrator":     {in: ProposeIn{Admins: []netip.Addr{netip.MustParseAddr("2001:db8:1:2::99")}}, t: siegeOf(login, Hurts, one, v6), want: "ban/firewall 203.0.113.7/32 -admin-session " + plan},
		"the proxy itself":     {in: ProposeIn{Proxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}, t: siegeOf(login, Hurts, one, v6), want: "ban/firewall 2001:db8:1:2::/64 -proxy " + plan},
		"it got in":            {in: ProposeIn{BreakIn: speaking(LikelyIn)}, t: siegeOf(login, Harmless, one), want: "ban/firewall 203.0.113.7/32 " + plan},
		"it got in by noise":   {in: ProposeIn{BreakIn: speaking(Confirmed)}, t: siegeOf("plugin-probing", Harmless, one), want: "ban/firewall 203.0.113.7/32 " + plan},
		"it may have got in":   {in: ProposeIn{BreakIn: speaking(LookAtThis)}, t: siegeOf("plugin-probing", Harmless, one), want: ""},
		"behind a proxy":       {in: ProposeIn{Proxied: true}, t: siegeOf(login, Hurts, one), want: "ban/web-server 203.0.113.7/32 " + plan},
		"the proxy is logged":  {in: ProposeIn{Peers: Peers{Proxies: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Share: 0.97}}, t: siegeOf("sql-injection", Hurts, one), want: "ban/firewall !propose-proxy"},
		"forgeable":            {in: ProposeIn{Forgeable: true, Proxied: true}, t: siegeOf(login, Hurts, one), want: "rate-limit/rate-limit `hirune block rate-limit:login --plan`; ban/web-server !propose-forgeable optional"},
		"forgeable, xmlrpc":    {in: ProposeIn{Forgeable: true}, t: siegeOf("xmlrpc-brute-force", Hurts, one), want: "close-endpoint/endpoint `hirune plan close-xmlrpc`; ban/firewall !propose-forgeable optional"},
		"elsewhere":            {in: ProposeIn{Away: true}, t: siegeOf(login, Harmless, one, v6), want: "ban/firewall 203.0.113.7/32 2001:db8:1:2::/64 optional `hirune block 203.0.113.7 2001:db8:1:2::/64 --plan`"},
		"no addresses":         {in: ProposeIn{Peers: Peers{Unnamed: 0.9}}, t: siegeOf("sql-injection", Hurts, one), want: "ban/firewall !propose-unnamed"},
	} {
		in := c.in
		in.Picture = Picture{Attacks: []Attack{c.t}}
		if in.Now == 0 {
			in.Now = proposeNow
		}
		if got := brief(Propose(in)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

// fifty are actors that each do enough to be banned.
func fifty() []Actor {
	var out []Actor
	for i := range bansMost {
		out = append(out, guesser(fmt.Sprintf("203.0.113.%d/32", i+1), 30))
	}
	return out
}

func fiftyNames() string {
	out := ""
	for _, a := range fifty() {
		out += " " + a.Prefix.String()
	}
	return out
}

// speaking is what speaks against 203.0.113.7.
func speaking(w BreakInStatus) BreakIn {
	return BreakIn{Status: w, Evidence: []Evidence{{ID: "no-address", Weight: w}, {ID: "login-after-failures", Weight: w, Client: "203.0.113.7"}}}
}

// Who got in is told once; for what else it did, nothing more has to be done.
func TestAnIntruderIsBannedOnce(t *testing.T) {
	one := guesser("203.0.113.7/32", 40)
	in := ProposeIn{Now: proposeNow, BreakIn: speaking(Confirmed)}
	in.Picture.Attacks = []Attack{siegeOf("php-in-uploads", Harmless, one), siegeOf("wp-login-brute-force", Harmless, one)}
	want := "ban/firewall 203.0.113.7/32 `hirune block --plan`; ban/firewall 203.0.113.7/32 optional `hirune block wp-login-brute-force --plan`"
	if got := brief(Propose(in)); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func with2(t Attack, change func(*Attack)) Attack {
	change(&t)
	return t
}

func TestProposalsAreBounded(t *testing.T) {
	var actors []Actor
	for i := range ActorsTold {
		actors = append(actors, guesser(fmt.Sprintf("203.0.113.%d/32", i), 100))
	}
	ps := Propose(ProposeIn{Picture: Picture{Attacks: []Attack{siegeOf("sql-injection", Hurts, actors...)}}, Now: proposeNow})
	if len(ps) != 1 || len(ps[0].Bans) != bansMost || ps[0].Why.Args["attempts"] != diagnose.Count(100*bansMost) {
		t.Errorf("got %d proposals, %d bans, %v", len(ps), len(ps[0].Bans), ps[0].Why)
	}
}

// Nothing that is refused names a prefix: who reads only those must not ban it.
func TestARefusedProposalNamesNoPrefix(t *testing.T) {
	one := guesser("203.0.113.7/32", 412)
	for _, in := range []ProposeIn{{Forgeable: true}, {Peers: Peers{Unnamed: 1}}, {Peers: Peers{Proxies: []netip.Addr{one.Prefix.Addr()}, Share: 1}}} {
		in.Now = proposeNow
		refused := 0
		for id := range maps.Keys(stops) {
			in.Picture.Attacks = append(in.Picture.Attacks, siegeOf(id, Hurts, one))
		}
		for _, p := range Propose(in) {
			if p.ID != ProposeBan {
				continue
			}
			refused++
			if len(p.Bans) > 0 || p.Command != "" || p.Refused.ID == "" {
				t.Errorf("%s: got %+v", p.Attack, p)
			}
		}
		if refused == 0 {
			t.Error("no ban was refused")
		}
	}
}

func TestEverySentenceOfAProposalIsDeclared(t *testing.T) {
	known, said := ProposalSayings(), map[string]bool{}
	check := func(s diagnose.Sentence) {
		if s.ID == "" {
			return
		}
		said[s.ID] = true
		want := slices.Sorted(slices.Values(known[s.ID]))
		if _, ok := known[s.ID]; !ok || !slices.Equal(slices.Sorted(maps.Keys(s.Args)), want) {
			t.Errorf("%s says %v, declared %v", s.ID, s.Args, want)
		}
	}
	one := guesser("203.0.113.7/32", 412)
	proxy := Peers{Proxies: []netip.Addr{one.Prefix.Addr()}, Share: 1}
	for id := range stops {
		for _, in := range []ProposeIn{{}, {Forgeable: true}, {Peers: Peers{Unnamed: 1}}, {Peers: proxy}, {Admins: []netip.Addr{one.Prefix.Addr()}}} {
			in.Now, in.Picture.Attacks = proposeNow, []Attack{siegeOf(id, Hurts, one), swarm(id, Hurts, 30)}
			for _, p := range Propose(in) {
				check(p.Why)
				check(p.Refused)
				for _, b := range p.Bans {
					check(b.Why)
				}
			}
		}
	}
	for id := range known {
		if !said[id] {
			t.Errorf("%s is said nowhere", id)
		}
	}
}

func TestEveryDetectorHasAnAnswer(t *testing.T) {
	all := Detectors()
	if len(all) == 0 {
		t.Fatal("there is no detector")
	}
	known := map[string]bool{}
	for _, d := range all {
		known[d.ID] = true
		if _, ok := stops[d.ID]; !ok {
			t.Errorf("%s: nothing says what ends it: add it to stops in proposals_stops.go", d.ID)
		}
	}
	for id := range stops {
		if !known[id] {
			t.Errorf("%s: no detector finds it", id)
		}
	}
}
