package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/protect"
)

// proxyOf trusts prefixes.
func proxyOf(trusted ...string) *discover.Proxy {
	p := &discover.Proxy{Header: "X-Forwarded-For", Recursive: true}
	for _, t := range trusted {
		p.Trusted = append(p.Trusted, netip.MustParsePrefix(t))
	}
	return p
}

// webOfLogs is a web server whose logs learn the client's address like that.
func webOfLogs(name string, proxies ...*discover.Proxy) discover.WebServer {
	s := discover.WebServer{Instance: name, Service: evidence.ServiceNginx, Listen: []string{"0.0.0.0:80"}}
	for i, p := range proxies {
		s.AccessLogs = append(s.AccessLogs, discover.AccessLog{Path: fmt.Sprint("/none/", i), Proxy: p})
	}
	return s
}

func loopbackOnly(s discover.WebServer) discover.WebServer {
	s.Listen = []string{"127.0.0.1:8080"}
	return s
}

// blockadeAt is a host with these web servers and, in root, these connections.
func blockadeAt(t *testing.T, root string, servers ...discover.WebServer) *blockade {
	t.Helper()
	return &blockade{a: &app{now: func() time.Time { return time.Unix(1_795_000_000, 0) }}, found: &discover.Found{WebServers: servers},
		host: protect.Host{Root: root, Interfaces: func() ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("198.51.100.1")}, nil
		}}}
}

// connected writes who is connected to port 80, and that it is listened to.
func connected(t *testing.T, peers ...string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc/net"), 0o755); err != nil {
		t.Fatal(err)
	}
	little := func(a string) string {
		b := netip.MustParseAddr(a).As4()
		return fmt.Sprintf("%02X%02X%02X%02X", b[3], b[2], b[1], b[0])
	}
	text := "  sl\n   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0\n"
	for i, p := range peers {
		text += fmt.Sprintf("   %d: %s:0050 %s:%04X 01 00000000:00000000 00:00000000 00000000 0 0 %d 1 0\n", i+1, little("198.51.100.1"), little(p), 40000+i, i+2)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/net/tcp"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestWhoStandsBefore(t *testing.T) {
	public := []string{"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5"}
	private := []string{"10.0.0.2", "10.0.0.2", "10.0.0.3", "10.0.0.2", "203.0.113.5"}
	cdn := []string{"104.16.0.1", "104.16.0.2", "172.64.3.1", "104.16.0.4", "104.16.0.5"}
	other := func(p *discover.Proxy, change func(*discover.Proxy)) *discover.Proxy { change(p); return p }
	for _, c := range []struct {
		name    string
		servers []discover.WebServer
		peers   []string
		why     string // its beginning; "" : nobody stands before
		no      string
		knows   string
		line    string // of advice
	}{
		{"nobody", []discover.WebServer{webOfLogs("nginx:80", nil)}, public, "", "", "", ""},
		{"a CDN that it knows", []discover.WebServer{webOfLogs("nginx:80", proxyOf("104.16.0.0/13"))}, nil, "trusts nginx:80: X-Forwarded-For", "banweb-no-place", "nginx:80", ""},
		{"another web server of this host", []discover.WebServer{webOfLogs("nginx:80", nil), webOfLogs("apache:8080", proxyOf("127.0.0.0/8", "198.51.100.1/32"))}, public, "", "", "", ""},
		{"a network that this host is in", []discover.WebServer{webOfLogs("nginx:80", proxyOf("198.51.100.0/24"))}, nil, "trusts", "banweb-no-place", "nginx:80", ""},
		{"everybody's word is taken", []discover.WebServer{webOfLogs("nginx:80", other(proxyOf(), func(p *discover.Proxy) { p.Anyone = true }))}, private, "trusts", "banweb-anyone", "", "set_real_ip_from 10.0.0.2;"},
		{"hosts do not agree", []discover.WebServer{webOfLogs("nginx:80", other(proxyOf("10.0.0.0/8"), func(p *discover.Proxy) { p.Mixed = true }))}, nil, "trusts", "banweb-mixed", "", "set_real_ip_from " + unnamedProxy + ";"},
		{"a proxy by its name", []discover.WebServer{webOfLogs("nginx:80", other(proxyOf(), func(p *discover.Proxy) { p.Others = []string{"proxy.example"} }))}, nil, "trusts", "banweb-unread", "", ""},
		{"a socket", []discover.WebServer{webOfLogs("nginx:80", other(proxyOf("10.0.0.0/8"), func(p *discover.Proxy) { p.Others = []string{"unix:"} }))}, nil, "trusts", "banweb-no-place", "nginx:80", ""},
		{"one of two can be deceived", []discover.WebServer{webOfLogs("a", proxyOf("10.0.0.0/8")), webOfLogs("b", other(proxyOf(), func(p *discover.Proxy) { p.Anyone = true }))}, nil, "trusts a", "banweb-anyone", "", ""},
		{"one of two does not know", []discover.WebServer{webOfLogs("a", proxyOf("10.0.0.0/8")), webOfLogs("b", nil)}, nil, "trusts a", "banweb-no-place", "a", ""},
		{"a balancer that it does not know", []discover.WebServer{webOfLogs("nginx:80", nil)}, private, "peers 4/5", "banweb-unknowing", "", "set_real_ip_from 10.0.0.3;"},
		{"Cloudflare, which it does not know", []discover.WebServer{webOfLogs("nginx:80", nil)}, cdn, "peers 5/5", "banweb-unknowing", "", "real_ip_header CF-Connecting-IP;"},
		{"a web server that hirune does not know", []discover.WebServer{{Instance: "litespeed:80", Service: evidence.ServiceOther, Listen: []string{"0.0.0.0:80"}}}, private, "peers 4/5", "banweb-none", "", ""},
		{"few connections say nothing", []discover.WebServer{webOfLogs("nginx:80", nil)}, private[:4], "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := blockadeAt(t, connected(t, c.peers...), c.servers...)
			st, err := w.stand(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			names := []string{}
			for _, s := range st.servers {
				names = append(names, s.Instance)
			}
			if st.proxied != (c.why != "") || !strings.HasPrefix(st.why, c.why) || st.no.ID != c.no || strings.Join(names, " ") != c.knows {
				t.Errorf("got %t, %q, %q, servers %v", st.proxied, st.why, st.no.ID, names)
			}
			for _, x := range append(st.saysWeb(remedy.Plan{Steps: []remedy.Planned{{}}}).Says, st.no) {
				want := slices.Sorted(slices.Values(remedy.Sayings()[x.ID]))
				if got := slices.Sorted(maps.Keys(x.Args)); x.ID != "" && !slices.Equal(got, want) {
					t.Errorf("%s is said with %v, its parameters are %v", x.ID, got, want)
				}
			}
			var lines []string
			for _, a := range st.advice {
				lines = append(lines, a.Lines...)
			}
			if c.line != "" && !slices.Contains(lines, c.line) {
				t.Errorf("%q is not among %q", c.line, lines)
			}
		})
	}
}

func TestAWebServerThatOnlyThisHostReaches(t *testing.T) {
	w := blockadeAt(t, t.TempDir(), loopbackOnly(webOfLogs("nginx:8080", nil)))
	w.host.Root = emptyHost(t)
	st, err := w.stand(context.Background())
	if err != nil || st.why != "loopback" || st.no.ID != "banweb-unknowing" || len(st.advice) != 1 || !slices.Contains(st.advice[0].Lines, "set_real_ip_from 127.0.0.1;") {
		t.Errorf("got %+v, %v", st, err)
	}
}

// emptyHost has no connection at all.
func emptyHost(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc/net"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/net/tcp"), []byte("  sl\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestByTheLog has logs whose addresses are not those of the clients.
func TestByTheLog(t *testing.T) {
	at := time.Unix(1_795_000_000, 0).Add(-time.Minute).UTC().Format("02/Jan/2006:15:04:05 -0700")
	log := func(n int, who func(int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s - - [%s] \"GET /%d.css HTTP/1.1\" 200 99 \"-\" \"browser %d of %s\"\n", who(i), at, i, i%40, strings.Repeat("x", i%40))
		}
		return b.String()
	}
	many := func(i int) string { return fmt.Sprintf("203.0.%d.%d", i%7, i%200) }
	const forwarded = "what a header says"
	bridge := []string{"198.51.100.9", "198.51.100.9", "198.51.100.9", "198.51.100.9", "198.51.100.9"}
	for _, c := range []struct {
		name  string
		text  string
		peers []string
		why   string
	}{
		{forwarded, log(1000, many), nil, "forwarded /"},
		{"visitors", log(1000, many), []string{"203.0.1.1"}, ""},
		{"nothing", "", nil, ""},
		{"a balancer", log(1000, func(i int) string { return []string{"10.0.0.7", "10.0.0.8"}[i%2] }), nil, "log 100%: 10.0.0."},
		{"a few requests of one's own network", log(100, func(int) string { return "10.0.0.7" }), nil, ""},
		{"other clients than are connected", log(1000, many), bridge, "translated 5/"},
		{"one of them is in the log", log(1000, many) + log(1, func(int) string { return "198.51.100.9" }), bridge, ""},
		{"many are connected that it does not have yet", log(30, many), []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access.log")
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			s := webOfLogs("nginx:80", nil)
			if s.AccessLogs[0].Path = path; c.name == forwarded {
				s.AccessLogs[0].Format = `%{X-Forwarded-For}i %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`
			}
			yes, why, _, err := blockadeAt(t, connected(t, c.peers...), s).proxied(context.Background())
			if err != nil || yes != (c.why != "") || !strings.HasPrefix(why, c.why) {
				t.Errorf("got %t, %q, %v, want %q", yes, why, err, c.why)
			}
		})
	}
}
