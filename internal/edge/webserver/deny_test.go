package webserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// behind are the servers that learn the client's address from a proxy, which the
// tests here are. Each has a page for 192.0.2.9 alone, and one that its owner has
// opened to who comes from 192.0.2.10 or has a password.
var behind = map[string]func(*rig){
	evidence.ServiceNginx: func(r *rig) {
		r.write("www/secret/index.php", "<?php echo 'PHP';")
		r.write("ngx/conf.d/real.conf", "set_real_ip_from 127.0.0.1;\nreal_ip_header X-Test;\n")
		r.nginx("\tinclude {dir}/ngx/conf.d/*.conf;\n" + strings.Replace(serverBlock, "location = /xmlrpc", `location /secret { allow 192.0.2.9; deny all; location ~ \.php$ { include {dir}/ngx/fpm.conf; } }
	location = /robots.txt { allow all; return 200 "all"; }
	location = /wp-login.php {
		deny 192.0.2.50;
		include {dir}/ngx/fpm.conf;
	}
	location = /xmlrpc`, 1))
	},
	evidence.ServiceApache: func(r *rig) {
		r.write("www/secret/index.php", "<?php echo 'PHP';")
		r.apache(func() (string, string) {
			config, want := r.rhel()
			r.write("httpd/conf.modules.d/10-more.conf", "LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\nLoadModule access_compat_module /usr/lib/apache2/modules/mod_access_compat.so\n")
			r.write("httpd/conf.d/ip.conf", "RemoteIPHeader X-Test\nRemoteIPInternalProxy 127.0.0.1\n")
			r.write("httpd/conf/httpd.conf", strings.Replace(r.read("httpd/conf/httpd.conf"), "\t</Location>\n", "\t</Location>\n<Location /secret>\n\tRequire ip 192.0.2.9\n</Location>\n"+
				"<Location /any>\n\tSatisfy Any\n\tOrder Allow,Deny\n\tAllow from all\n\tRequire all denied\n</Location>\n", 1))
			return config, want
		})
	},
}

func (r *rig) deny() Deny {
	return Deny{Server: r.in.Server, Instance: r.in.Instance, PID: r.pid, Config: r.in.Config,
		Ask: []remedy.Probe{{Method: "GET", URL: fmt.Sprintf("http://127.0.0.1:%d/", r.port), Host: "site.example"}}}
}

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// answers holds what clients get against what they should.
func (r *rig) answers(path string, want map[string]int) {
	r.t.Helper()
	for from, status := range want {
		if a := r.as(from, path); a != status {
			r.t.Errorf("%s from %s: got %d, want %d", path, from, a, status)
		}
	}
}

func (r *rig) denied(all []netip.Prefix) Denied {
	r.t.Helper()
	got, err := r.deny().Apply(context.Background(), all)
	if err != nil {
		r.t.Fatalf("refuse %v: %v\n%s", all, err, r.logs())
	}
	if gap, err := r.deny().Check(context.Background(), all); err != nil || len(gap.Missing)+gap.Extra > 0 || gap.Broken != "" {
		r.t.Fatalf("asked afterwards: %+v, %v", gap, err)
	}
	return got
}

func TestDenies(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for server, start := range behind {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			start(r)
			before := r.tree()
			all := prefixes("203.0.113.7/32", "198.51.100.0/24", "2001:db8:a:b::/64")
			open := map[string]int{"203.0.113.7": 200, "198.51.100.255": 200, "2001:db8:a:b::9": 200, "203.0.113.8": 200}
			banned := map[string]int{"203.0.113.7": 403, "198.51.100.0": 403, "198.51.100.255": 403, "198.51.101.0": 200, "203.0.113.8": 200,
				"2001:db8:a:b::9": 403, "2001:db8:a:b:ffff::": 403, "2001:db8:a:c::": 200, "127.0.0.1": 200}
			r.answers("/", open)
			if gap, err := r.deny().Check(context.Background(), all); err != nil || len(gap.Missing) != 3 {
				t.Errorf("before: got %+v, %v, want three missing", gap, err)
			}
			if got := r.denied(all); got != (Denied{Added: 3}) {
				t.Errorf("got %+v", got)
			}
			for _, path := range []string{"/", "/wp-login.php", "/xmlrpc.php", "/blog/"} {
				r.answers(path, banned)
			}
			// Who was shut out before is shut out still, and nobody else.
			r.answers("/secret/index.php", map[string]int{"192.0.2.9": 200, "192.0.2.10": 403, "203.0.113.7": 403})
			if server == evidence.ServiceNginx {
				r.answers("/wp-login.php", map[string]int{"192.0.2.50": 403})
				r.answers("/robots.txt", map[string]int{"203.0.113.7": 200})
			} else {
				r.answers("/any", map[string]int{"192.0.2.10": 404, "203.0.113.7": 403})
			}
			had := workersOf("", r.pid)
			if got := r.denied(all); got != (Denied{}) || server == evidence.ServiceNginx && !slices.Equal(had, workersOf("", r.pid)) {
				t.Errorf("again: got %+v, want nothing done and nothing reloaded", got)
			}
			if got := r.denied(append(all[:1:1], all[2])); got != (Denied{Removed: 1}) {
				t.Errorf("one less: got %+v", got)
			}
			r.answers("/wp-login.php", map[string]int{"198.51.100.0": 200, "203.0.113.7": 403})
			if got := r.denied(nil); got != (Denied{Removed: 2}) {
				t.Errorf("none: got %+v", got)
			}
			r.answers("/", open)
			if after := r.tree(); after != before {
				t.Errorf("the configuration is not as before:\n%s\nwant\n%s", after, before)
			}
			if got := r.denied(nil); got != (Denied{}) {
				t.Errorf("none again: got %+v", got)
			}
		})
	}
}

// TestDeniesAsListed holds what Apache and nginx make of a long list against what
// is in it.
func TestDeniesAsListed(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	rng := rand.New(rand.NewPCG(7, 11))
	var all []netip.Prefix
	add := func(p netip.Prefix) {
		if !slices.ContainsFunc(all, p.Overlaps) {
			all = append(all, p.Masked())
		}
	}
	for range 300 {
		a := netip.AddrFrom4([4]byte{byte(64 + rng.IntN(64)), byte(rng.IntN(256)), byte(rng.IntN(4)), byte(rng.IntN(256))})
		add(netip.PrefixFrom(a, 17+rng.IntN(16)))
		b := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(rng.IntN(3)), byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))}
		add(netip.PrefixFrom(netip.AddrFrom16(b), 40+rng.IntN(25)))
		add(netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(rng.IntN(256))}), 32)) // as close as can be
	}
	for server, start := range behind {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			start(r)
			r.denied(all)
			wrong := 0
			for i, p := range all[:min(200, len(all))] {
				ends := []netip.Addr{p.Addr(), last(p), p.Addr().Prev(), last(p).Next()}
				for _, a := range ends[i%2*2 : i%2*2+2] {
					want := 200
					if slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) }) {
						want = 403
					}
					if got := r.as(a.String(), "/wp-login.php"); got != want && wrong < 5 {
						wrong++
						t.Errorf("from %s: got %d, want %d", a, got, want)
					}
				}
			}
		})
	}
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestDenyKeepsToItsOwnFile(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for server, start := range behind {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			start(r)
			all := prefixes("203.0.113.7/32")
			r.denied(all)
			place, err := r.deny().Place()
			if err != nil || place.Problem != "" {
				t.Fatalf("got %+v, %v", place, err)
			}
			text, err := os.ReadFile(place.Path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(place.Path, append(text, "# mine\n"...), 0o644); err != nil {
				t.Fatal(err)
			}
			before := r.tree()
			for _, want := range [][]netip.Prefix{nil, all, prefixes("203.0.113.8/32")} {
				if _, err := r.deny().Apply(context.Background(), want); !errors.Is(err, apply.ErrRefused) {
					t.Errorf("changed by hand: got %v", err)
				}
			}
			if r.tree() != before {
				t.Error("a file that was changed by hand was changed")
			}
		})
	}
}

func TestDenyRefusesABrokenConfiguration(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for server, start := range behind {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			start(r)
			r.denied(prefixes("203.0.113.7/32"))
			broken := map[string]string{evidence.ServiceApache: "httpd/conf.d/broken.conf", evidence.ServiceNginx: "ngx/conf.d/broken.conf"}[server]
			r.write(broken, "Nonsense on;\n")
			before := r.tree()
			for _, want := range [][]netip.Prefix{nil, prefixes("203.0.113.8/32")} {
				if _, err := r.deny().Apply(context.Background(), want); !errors.Is(err, apply.ErrRefused) || !errors.Is(err, errBroken) {
					t.Errorf("got %v, want it refused with the server's words", err)
				}
			}
			if r.tree() != before {
				t.Error("something was written")
			}
			r.answers("/", map[string]int{"203.0.113.7": 403, "203.0.113.8": 200})
		})
	}
}

// TestDenyHeals has a crash come between the file and the reload.
func TestDenyHeals(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for server, start := range behind {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			start(r)
			all := prefixes("203.0.113.7/32")
			r.denied(prefixes("203.0.113.8/32"))
			place, _ := r.deny().Place()
			if err := os.WriteFile(place.Path, []byte(remedy.Signed(denyText(server, all))), 0o644); err != nil {
				t.Fatal(err)
			}
			if gap, err := r.deny().Check(context.Background(), all); err != nil || gap.Broken == "" {
				t.Errorf("got %+v, %v, want it found that the server has another list", gap, err)
			}
			if got := r.denied(all); !got.Loaded {
				t.Errorf("got %+v, want it loaded", got)
			}
			r.answers("/", map[string]int{"203.0.113.7": 403, "203.0.113.8": 200})
		})
	}
}

// TestDenyWaitsWithEnds: a lazy look takes nothing out at once, but puts in.
func TestDenyWaitsWithEnds(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	behind[evidence.ServiceNginx](r)
	r.denied(prefixes("203.0.113.7/32", "203.0.113.9/32"))
	lazy := r.deny()
	lazy.Lazy = true
	apply := func(want Denied, all ...string) {
		t.Helper()
		if got, err := lazy.Apply(context.Background(), prefixes(all...)); err != nil || got != want {
			t.Errorf("%v: got %+v, %v, want %+v", all, got, err, want)
		}
	}
	apply(Denied{}, "203.0.113.7/32")
	apply(Denied{Added: 1, Removed: 1}, "203.0.113.7/32", "203.0.113.8/32")
	place, _ := r.deny().Place()
	old := time.Now().Add(-lazyFor)
	if err := os.Chtimes(place.Path, old, old); err != nil {
		t.Fatal(err)
	}
	apply(Denied{Removed: 1}, "203.0.113.8/32")
	r.answers("/", map[string]int{"203.0.113.7": 200, "203.0.113.8": 403})
}

func TestNginxWithoutAPattern(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	r.nginx("\tset_real_ip_from 127.0.0.1;\n\treal_ip_header X-Test;\n" + serverBlock)
	before := r.tree()
	r.denied(prefixes("203.0.113.7/32"))
	r.answers("/wp-login.php", map[string]int{"203.0.113.7": 403, "203.0.113.8": 200})
	r.denied(prefixes("203.0.113.8/32"))
	r.answers("/wp-login.php", map[string]int{"203.0.113.8": 403, "203.0.113.7": 200})
	r.denied(nil)
	if r.tree() != before {
		t.Error("the configuration is not as before")
	}
}

func TestNoPlaceToDeny(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	r.nginx("\tallow all;\n" + serverBlock)
	if p, err := r.deny().Place(); err != nil || p.Problem == "" {
		t.Errorf("everybody is allowed: got %+v, %v", p, err)
	}
	if _, err := r.deny().Apply(context.Background(), prefixes("203.0.113.7/32")); !errors.Is(err, ErrNoPlace) || !errors.Is(err, apply.ErrRefused) {
		t.Errorf("got %v", err)
	}
	short := "location = /wp-login.php { deny 192.0.2.50;%s include {dir}/ngx/fpm.conf; }\n\tlocation = /xmlrpc"
	for line, problem := range map[string]bool{"": true, " include {dir}/ngx/hirune-block*.conf;": false} {
		r = newRig(t, evidence.ServiceNginx)
		r.php()
		r.nginx(strings.Replace(serverBlock, "location = /xmlrpc", fmt.Sprintf(short, line), 1))
		if p, err := r.deny().Place(); err != nil || problem != (p.Problem != "") || !strings.HasPrefix(p.Fix, "include ") {
			t.Errorf("a block of one line, with %q in it: got %+v, %v", line, p, err)
		}
	}
	r = newRig(t, evidence.ServiceApache)
	r.php()
	r.apache(func() (string, string) {
		r.write("httpd/conf/httpd.conf", "ServerRoot \""+r.path("httpd")+"\"\n"+modules+apacheBase+vhost)
		return r.path("httpd/conf/httpd.conf"), ""
	})
	if p, err := r.deny().Place(); err != nil || p.Problem == "" || !strings.HasPrefix(p.Fix, "IncludeOptional ") {
		t.Errorf("no directory: got %+v, %v", p, err)
	}
}

func TestListed(t *testing.T) {
	all := prefixes("198.51.100.0/24", "203.0.113.7/32", "2001:db8::/64", "2001:db8:1::1/128")
	for _, server := range []string{evidence.ServiceApache, evidence.ServiceNginx} {
		if got := listed(server, remedy.Signed(denyText(server, all))); !slices.Equal(got, all) {
			t.Errorf("%s: got %v, want %v", server, got, all)
		}
	}
}

func BenchmarkDenyText(b *testing.B) {
	var all []netip.Prefix
	for i := range 1000 {
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i * 7), byte(i >> 4), byte(i), 1}), 32))
	}
	b.ReportAllocs()
	for b.Loop() {
		denyText(evidence.ServiceApache, all)
	}
}

// TestDenyWhileTheSiteHangs has a page that does not come in time: refusing who
// keeps it busy must not wait for it again and again.
func TestDenyWhileTheSiteHangs(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	behind[evidence.ServiceNginx](r)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan net.Conn, 100)
	go func() {
		defer close(asked)
		for c, err := silent.Accept(); err == nil; c, err = silent.Accept() {
			asked <- c
		}
	}()
	d := r.deny()
	d.Ask = append(d.Ask, remedy.Probe{Method: "GET", URL: "http://" + silent.Addr().String() + "/"})
	if _, err := d.Apply(context.Background(), prefixes("203.0.113.7/32")); err != nil {
		t.Fatal(err)
	}
	silent.Close()
	n := 0
	for c := range asked {
		c.Close()
		n++
	}
	if n != 1 {
		t.Errorf("the page was waited for %d times", n)
	}
	r.answers("/", map[string]int{"203.0.113.7": 403, "203.0.113.8": 200})
}
