package remedies

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// flooded is the finding of guessing through xmlrpc.php from two addresses.
func flooded() diagnose.Finding {
	return diagnose.Finding{Rule: "xmlrpc-login-flood", Remedies: []string{"close-xmlrpc"}, About: diagnose.Subject{Client: "198.51.100.1", Clients: []string{"198.51.100.1", "198.51.100.2"}}}
}

// webWorld is a site on a Debian Apache that nobody calls rightly.
func webWorld() remedy.World {
	probe := func(method, path string, status int, marker string) remedy.Probe {
		return remedy.Probe{Method: method, URL: "http://127.0.0.1:80" + path, Host: "shop.example", Status: status, Marker: marker}
	}
	return remedy.World{
		Now: now,
		Web: &remedy.Web{Server: "apache", Instance: "apache2:80", Layout: "debian", Present: true, DocRoot: "/var/www/html", Path: "/",
			Include: remedy.WriteInclude{Server: "apache", Instance: "apache2:80", Path: "/etc/apache2/conf-enabled/hirune-xmlrpc-shop.example.conf",
				Test: []string{"/usr/sbin/apache2", "-t"}, Signal: "USR1", PID: 812,
				Probes: []remedy.Probe{probe("POST", "/xmlrpc.php", 403, remedy.Marker), probe("GET", "/", 0, "")}}},
		Site: &remedy.Site{Site: evidence.Site{Name: "shop.example", Root: "/var/www/html"}, XMLRPC: remedy.Callers{Days: 30, Requests: 412_331}},
	}
}

// nginxWorld is a site below /blog on nginx, whose two server blocks need a line.
func nginxWorld() remedy.World {
	w := webWorld()
	w.Web.Server, w.Web.Path = "nginx", "/blog/"
	i := &w.Web.Include
	i.Server, i.Path, i.Test, i.Signal = "nginx", "/etc/nginx/hirune_shop.example-blog_xmlrpc.conf", []string{"/usr/sbin/nginx", "-t"}, "HUP"
	i.HookFile, i.HookLine, i.HookNext, i.HookAt = "/etc/nginx/sites-available/shop", "\tinclude /etc/nginx/hirune_shop.example-blog_*.conf;", "\tlisten 80;", 2
	i.More = []remedy.Hook{{File: i.HookFile, Line: i.HookLine, Next: "\tlisten 443 ssl;", At: 20}}
	return w
}

func callers(ks ...remedy.Caller) func(*remedy.World) {
	return func(w *remedy.World) { w.Site.XMLRPC.Rightly = ks }
}

var (
	jetpack  = remedy.Caller{ID: "jetpack", Address: "192.0.80.9", Requests: 214, Last: now}
	elsewise = remedy.Caller{ID: "jetpack", Address: "203.0.113.77", Requests: 3, Last: now}
	phone    = remedy.Caller{ID: "app", Address: "2001:db8:0:1::/64", Requests: 40, Last: now}
	pingback = remedy.Caller{ID: "pingback", Address: "203.0.113.9", Requests: 2, Last: now}
	steady   = remedy.Caller{ID: "success", Address: "203.0.113.20", Requests: 700, Last: now}
	rest     = remedy.Caller{ID: "app", Requests: 9, Last: now}
	attacker = remedy.Caller{ID: "success", Address: "198.51.100.2", Requests: 9, Last: now}
	mobile   = remedy.Caller{ID: "application-password", Requests: 1, Last: now}
)

func TestCloseXMLRPC(t *testing.T) {
	for _, c := range []struct {
		name    string
		world   remedy.World
		with    func(*remedy.World)
		wish    remedy.Wishes
		refused string // first sentence of the refusal; "" : there is a plan
	}{
		{"apache-nobody", webWorld(), nil, remedy.Wishes{}, ""},
		{"nginx-two-blocks", nginxWorld(), nil, remedy.Wishes{}, ""},
		{"only-the-accused", webWorld(), callers(attacker), remedy.Wishes{}, ""},
		{"callers-refused", webWorld(), callers(jetpack, phone, pingback, steady, rest, mobile), remedy.Wishes{}, "web-would-break"},
		{"callers-let-through", webWorld(), callers(jetpack, phone, pingback, steady, rest), remedy.Wishes{AllowAll: true}, ""},
		{"jetpack-elsewhere", webWorld(), callers(jetpack, elsewise), remedy.Wishes{AllowAll: true}, "web-would-still-break"},
		{"jetpack-elsewhere-named", webWorld(), callers(jetpack, elsewise), remedy.Wishes{AllowAll: true, Allow: []string{"203.0.113.77"}}, ""},
		{"callers-let-through-nginx", nginxWorld(), callers(jetpack, phone, steady), remedy.Wishes{AllowAll: true, Allow: []string{"203.0.113.64/26"}}, ""},
		{"some-named", webWorld(), callers(phone, steady), remedy.Wishes{Allow: []string{"203.0.113.20"}}, "web-would-still-break"},
		{"all-named", webWorld(), callers(phone, steady), remedy.Wishes{Allow: []string{"203.0.113.0/24", "2001:db8::/32"}}, ""},
		{"given-up", webWorld(), callers(jetpack, steady), remedy.Wishes{Force: []string{"xmlrpc-callers"}}, ""},
		{"jetpack-active", webWorld(), func(w *remedy.World) { w.Site.Plugins = []string{"akismet", "jetpack"} }, remedy.Wishes{}, "web-would-break"},
		{"jetpack-active-let", webWorld(), func(w *remedy.World) { w.Site.Jetpack = true }, remedy.Wishes{AllowAll: true}, ""},
		{"no-log", webWorld(), func(w *remedy.World) { w.Site.XMLRPC = remedy.Callers{Local: -1} }, remedy.Wishes{}, "web-would-break"},
		{"no-log-accepted", webWorld(), func(w *remedy.World) { w.Site = nil }, remedy.Wishes{Force: []string{"xmlrpc-callers"}}, ""},
		{"site-unread", webWorld(), func(w *remedy.World) { w.Unread = map[string]string{"callers": "access denied"} }, remedy.Wishes{}, ""},
		{"short-log", webWorld(), func(w *remedy.World) { w.Site.XMLRPC.Days, w.Site.XMLRPC.Cut = 2.5, true }, remedy.Wishes{}, ""},
		{"no-such-file", webWorld(), func(w *remedy.World) { w.Web.Present = false; w.Site.XMLRPC.Rightly = []remedy.Caller{steady} }, remedy.Wishes{}, ""},
		{"refused-by-php", webWorld(), func(w *remedy.World) { w.Web.ByPHP, w.Web.Below = true, true }, remedy.Wishes{}, ""},
		{"behind-a-proxy", webWorld(), func(w *remedy.World) { w.Site.XMLRPC.Local = 0.98 }, remedy.Wishes{}, ""},
		{"behind-a-proxy-allow", webWorld(), func(w *remedy.World) { w.Site.XMLRPC.Local = 0.98 }, remedy.Wishes{Allow: []string{"203.0.113.7"}}, "web-proxied"},
		{"no-server", webWorld(), func(w *remedy.World) { w.Web = nil }, remedy.Wishes{}, "web-no-server"},
		{"unread", webWorld(), func(w *remedy.World) { w.Web, w.Unread = nil, map[string]string{"web": "permission denied"} }, remedy.Wishes{}, "web-unread"},
		{"no-place", nginxWorld(), func(w *remedy.World) {
			w.Web.Problem, w.Web.Fix = "no server block was found", "include /etc/nginx/hirune_x_*.conf;"
		}, remedy.Wishes{}, "web-no-place"},
		{"odd-name", webWorld(), func(w *remedy.World) { w.Web.DocRoot = "/var/www/a\"b" }, remedy.Wishes{}, "web-odd-name"},
		{"bad-wishes", webWorld(), nil, remedy.Wishes{Allow: []string{"x", "10.0.0.1", "8.0.0.0/7", "0.0.0.0/0", "127.0.0.1", "::1", "2000::/3", "fe80::1%eth0", "::ffff:10.0.0.2", "::ffff:10.0.0.0/104"}}, "web-allow-bad"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.with != nil {
				c.with(&c.world)
			}
			p := plan(t, CloseXMLRPC(), flooded(), c.world, c.wish)
			if p.Doable() != (c.refused == "") || c.refused != "" && p.Refused[0].ID != c.refused {
				t.Errorf("got refusal %q, want %q", ids(p.Refused), c.refused)
			}
			goldenWeb(t, c.name, p)
		})
	}
}

func TestWhatIsClosedAlreadyIsNoRefusal(t *testing.T) {
	w := webWorld()
	w.Web.Closed = true
	p := CloseXMLRPC().Plan(flooded(), w, remedy.Wishes{})
	if len(p.Refused) != 0 || len(p.Steps) != 0 || len(p.Says) == 0 || p.Says[0].ID != "web-already-closed" {
		t.Errorf("refused %v, %d steps, says %v", ids(p.Refused), len(p.Steps), ids(p.Says))
	}
}

// goldenWeb compares a plan with its whole file; the words as ids.
func goldenWeb(t *testing.T, name string, p remedy.Plan) {
	t.Helper()
	var b bytes.Buffer
	line := func(mark string, s diagnose.Sentence) {
		fmt.Fprintf(&b, "%s %s", mark, s.ID)
		for _, k := range slices.Sorted(maps.Keys(s.Args)) {
			fmt.Fprintf(&b, " %s=%v", k, s.Args[k])
		}
		b.WriteByte('\n')
	}
	for _, s := range p.Refused {
		line("refused", s)
	}
	for _, a := range p.Advice {
		line("advice", a.Say)
		fmt.Fprintf(&b, "  %q %q\n", a.File, a.Lines)
	}
	for _, s := range p.Says {
		line("says", s)
	}
	for _, s := range p.Steps {
		for _, w := range s.Says {
			line("step "+s.ID+" says", w)
		}
		for _, l := range s.Step.Script() {
			fmt.Fprintf(&b, "  %s: %s\n", l.Lang, l.Text)
		}
		line("undo", s.Undo)
	}
	path := filepath.Join("testdata", "close-xmlrpc", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it: go test ./internal/core/remedy/remedies -run CloseXMLRPC -update", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s\nrefresh: go test ./internal/core/remedy/remedies -run CloseXMLRPC -update", path, b.Bytes(), want)
	}
}

// TestWebSayings holds the sentences that this remedy can say to the list: each
// is said by one of the plans above, with the parameters that it has there.
func TestWebSayings(t *testing.T) {
	all := remedy.Sayings()
	text := ""
	for _, f := range []string{"close_xmlrpc.go", "close_xmlrpc_allow.go", "close_xmlrpc_file.go", "close_xmlrpc_says.go"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	used := regexp.MustCompile(`"((?:instead-)?web-[a-z0-9-]+)"`).FindAllStringSubmatch(text, -1)
	if len(used) < 30 {
		t.Fatalf("found %d sentences", len(used))
	}
	says := map[string]bool{}
	for _, m := range used {
		says[m[1]] = true
		if _, ok := all[m[1]]; !ok {
			t.Errorf("%s is said, but is not in sayings_web.go", m[1])
		}
	}
	for id := range all {
		if (strings.HasPrefix(id, "web-") || strings.HasPrefix(id, "instead-web-")) && !says[id] {
			t.Errorf("%s is in sayings_web.go, but is never said", id)
		}
	}
}

// TestBinaryPattern compares the pattern of a prefix with the prefix, for
// addresses inside, outside and at its ends.
func TestBinaryPattern(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 3000 {
		raw := make([]byte, []int{4, 16}[rnd.Intn(2)])
		rnd.Read(raw)
		a, _ := netip.AddrFromSlice(raw)
		if a.Is4In6() {
			continue
		}
		p := netip.PrefixFrom(a, rnd.Intn(a.BitLen()+1)).Masked()
		re := regexp.MustCompile(binaryPattern(p))
		other := slices.Clone(raw)
		other[rnd.Intn(len(other))] ^= 1 << rnd.Intn(8)
		for _, x := range [][]byte{raw, other, p.Addr().AsSlice(), p.Addr().Prev().AsSlice()} {
			b, ok := netip.AddrFromSlice(x)
			if !ok {
				continue
			}
			if got, want := re.MatchString(latin1(x)), p.Contains(b); got != want {
				t.Fatalf("%s in %s: got %v, want %v (%s)", b, p, got, want, binaryPattern(p))
			}
		}
	}
}

// latin1 makes each byte one sign: Go's patterns match signs where PCRE's match
// bytes.
func latin1(b []byte) string {
	out := make([]rune, len(b))
	for i, x := range b {
		out[i] = rune(x)
	}
	return string(out)
}

func TestPatternOfTheEndpoint(t *testing.T) {
	for _, c := range []struct {
		path       string
		below      bool
		yes, other []string
	}{
		{"/", false, []string{"/xmlrpc.php", "//xmlrpc.php", "/xmlrpc.php/", "/xmlrpc.php/x"}, []string{"/blog/xmlrpc.php", "/xmlrpc.phpx", "/xmlrpcxphp", "/a/xmlrpc.php/x"}},
		{"/blog/", false, []string{"/blog/xmlrpc.php", "//blog//xmlrpc.php/x"}, []string{"/xmlrpc.php", "/blogxmlrpc.php", "/x/blog/xmlrpc.php"}},
		{"/", true, []string{"/xmlrpc.php", "/site2/xmlrpc.php", "/site2//xmlrpc.php"}, []string{"/a/b/xmlrpc.php"}},
		{"/a.b/c/", true, []string{"/a.b/c/xmlrpc.php", "/a.b//c/d/xmlrpc.php"}, []string{"/axb/c/xmlrpc.php", "/d/xmlrpc.php"}},
	} {
		k := closing{web: remedy.Web{Path: c.path, Below: c.below}}
		re := regexp.MustCompile(k.pattern())
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s: %s is not matched by %s", c.path, s, re)
			}
		}
		for _, s := range c.other {
			if re.MatchString(s) {
				t.Errorf("%s: %s is matched by %s", c.path, s, re)
			}
		}
	}
}

func TestOurFilesAreKnown(t *testing.T) {
	p := plan(t, CloseXMLRPC(), flooded(), webWorld(), remedy.Wishes{})
	text := p.Steps[0].Step.(remedy.WriteInclude).Content
	if !remedy.Ours(text) || !remedy.Intact(text) {
		t.Errorf("not known as ours: %q", text)
	}
	if changed := text + "# x\n"; !remedy.Ours(changed) || remedy.Intact(changed) {
		t.Error("a change is not seen")
	}
	if remedy.Ours("# somebody else's\n") || remedy.Intact("") {
		t.Error("somebody else's file is taken for ours")
	}
}
