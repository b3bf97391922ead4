package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
)

// siegeOf is what a tally makes of guesses at the log-in form, one a second by each
// client, up to a moment.
func siegeOf(now time.Time, silent time.Duration, agent string, clients ...string) collectors.Siege {
	tally := attack.NewTally(attack.Options{Small: true})
	end := now.Add(-silent).Unix()
	for at := end - 120; at <= end; at++ {
		for _, c := range clients {
			tally.Add(&attack.Hit{At: at, Client: netip.MustParseAddr(c), Method: attack.Post, Class: attack.ClassLogin, Status: 200, Bytes: 4100, TookUs: -1,
				Path: []byte("/wp-login.php"), Target: []byte("/wp-login.php"), Agent: []byte(agent), Referer: []byte("-")})
		}
	}
	return collectors.Siege{At: now, Picture: tally.Picture()}
}

func TestWhomTheRecorderWouldBlock(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const tool, google = "python-requests/2.31", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	never := func(string, netip.Addr) int { return -1 }
	unknown := func(string, netip.Addr) int { return 0 }
	proxied := siegeOf(now, 0, tool, "203.0.113.7")
	proxied.Peers = attack.Peers{Proxies: []netip.Addr{netip.MustParseAddr("203.0.113.7")}, Share: 0.99}
	nameless := siegeOf(now, 0, tool, "203.0.113.7")
	nameless.Peers = attack.Peers{Unnamed: 0.9}
	cases := []struct {
		name     string
		siege    collectors.Siege
		verified func(string, netip.Addr) int
		want     string
	}{
		{"who guesses now", siegeOf(now, 0, tool, "203.0.113.7", "2001:db8:5::9"), never, "2001:db8:5::/64 203.0.113.7/32"},
		{"who has stopped", siegeOf(now, 3*time.Minute, tool, "203.0.113.7"), never, ""},
		{"of a private network", siegeOf(now, 0, tool, "10.1.2.3"), never, ""},
		{"a proxy for all", proxied, never, ""},
		{"most have no address", nameless, never, ""},
		{"perhaps a search engine", siegeOf(now, 0, google, "203.0.113.7"), unknown, ""},
		{"a false search engine", siegeOf(now, 0, google, "203.0.113.7"), never, "203.0.113.7/32"},
	}
	for _, c := range cases {
		var got []string
		for _, x := range attackers(c.siege, c.verified) {
			got = append(got, x.Prefix.String())
			if x.Attack != "wp-login-brute-force" || x.Attempts != 121 || !strings.Contains(x.Why, "121 attempts at wp-login-brute-force") {
				t.Errorf("%s: got %+v", c.name, x)
			}
		}
		if len(got) == 2 && got[0] > got[1] {
			got[0], got[1] = got[1], got[0]
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %q", c.name, got, c.want)
		}
	}
}

func TestWhereAServerDefendsItself(t *testing.T) {
	better := attack.Proposal{ID: attack.ProposeClose, Attack: "xmlrpc-distributed"}
	ban := attack.Proposal{ID: attack.ProposeBan, Attack: "xmlrpc-distributed", Optional: true}
	if !worthABan(ban, []attack.Proposal{ban}) || worthABan(ban, []attack.Proposal{better, ban}) || worthABan(better, []attack.Proposal{better, ban}) {
		t.Error("a ban is worth it where nothing better is proposed for the same attack")
	}
	found := func(l discover.AccessLog) *discover.Found {
		return &discover.Found{WebServers: []discover.WebServer{{AccessLogs: []discover.AccessLog{{Path: "/a", Format: timedTestFormat}, l}}}}
	}
	for want, l := range map[string]discover.AccessLog{
		"":             {Path: "/b"},
		"from a proxy": {Path: "/b", Proxy: &discover.Proxy{Header: "X-Forwarded-For"}},
		"say themselves": {Path: "/b", Formats: []string{
			`%{X-Forwarded-For}i %l %u %t "%r" %>s %b`}},
	} {
		if got := whoseWord(found(l)); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%+v: got %q, want %q", l, got, want)
		}
	}
}

const timedTestFormat = `%h %l %u %t "%r" %>s %b %D`
