package remedies

import (
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// worldLimit is a site behind nginx, at /blog/.
func worldLimit() remedy.World {
	return remedy.World{Now: now, Site: &remedy.Site{XMLRPC: remedy.Callers{Local: 0.01}}, Web: &remedy.Web{Server: "nginx", Path: "/blog/",
		Include: remedy.WriteInclude{Probes: []remedy.Probe{{Method: "POST", URL: "http://127.0.0.1:80/blog/xmlrpc.php", Status: 403}, {Method: "GET", URL: "http://127.0.0.1:80/blog/", Host: "shop.example"}}},
		Limit:   remedy.Limit{Include: remedy.WriteInclude{Server: "nginx", Path: "/etc/nginx/conf.d/hirune-limit.conf", Test: []string{"nginx", "-t"}, Signal: "HUP", PID: 7}, Fix: "include /etc/nginx/hirune-limit*.conf;"}}}
}

func TestRateLimit(t *testing.T) {
	for _, id := range Limits() {
		p := plan(t, RateLimit(), LimitFinding(id, ""), worldLimit(), remedy.Wishes{})
		if !p.Doable() || len(p.Advice) > 0 {
			t.Fatalf("%s: %s", id, ids(p.Refused))
		}
		s := p.Steps[0].Step.(remedy.WriteInclude)
		if !remedy.Intact(s.Content) || !strings.Contains(s.Content, "limit_req zone=hirune_limit_"+id+"_all") {
			t.Errorf("%s: got %s", id, s.Content)
		}
		first := s.Probes[0]
		if first.Status != 429 || !strings.HasPrefix(first.URL, "http://127.0.0.1:80/blog/") || first.Host != "shop.example" || len(s.Probes) != 2 || s.Probes[1].Status != 0 {
			t.Errorf("%s: got probes %+v", id, s.Probes)
		}
		w := worldLimit()
		w.Web.Limit.There = s.Content
		if again := plan(t, RateLimit(), LimitFinding(id, ""), w, remedy.Wishes{}); len(again.Steps)+len(again.Refused) > 0 || ids(again.Says) != "limit-there" {
			t.Errorf("%s: again: %s, refused %s", id, ids(again.Says), ids(again.Refused))
		}
	}
}

func TestRateLimitGolden(t *testing.T) {
	w := worldLimit()
	w.Web.Limit.Include.HookFile, w.Web.Limit.Include.HookLine, w.Web.Limit.Include.HookNext, w.Web.Limit.Include.HookAt = "/etc/nginx/nginx.conf", "\tinclude /etc/nginx/hirune-limit*.conf;", "\tsendfile on;", 12
	golden(t, "login", plan(t, RateLimit(), LimitFinding(LimitLogin, ""), w, remedy.Wishes{}))
}

// TestRateLimitOfAFinding: what a diagnosis has found says what is limited.
func TestRateLimitOfAFinding(t *testing.T) {
	for rule, want := range map[string]string{"search-flood": "/blog/?s=hirune", "xmlrpc-login-flood": "/blog/xmlrpc.php", "another": "/blog/wp-login.php"} {
		p := plan(t, RateLimit(), diagnose.Finding{Rule: rule}, worldLimit(), remedy.Wishes{})
		if !p.Doable() || !strings.HasSuffix(p.Steps[0].Step.(remedy.WriteInclude).Probes[0].URL, want) {
			t.Errorf("%s: got %+v", rule, p.Steps)
		}
	}
}

func TestRateLimitRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		endpoint string
		change   func(*remedy.World)
		want     string
		lines    int // of advice
	}{
		{"nothing was read", LimitLogin, func(w *remedy.World) { w.Web, w.Unread = nil, map[string]string{"web": "denied"} }, "limit-unread instead-limit-lines", 1},
		{"no web server", LimitLogin, func(w *remedy.World) { w.Web = nil }, "limit-no-server instead-limit-lines", 1},
		{"Apache", LimitLogin, func(w *remedy.World) { w.Web.Server = "apache" }, "limit-apache instead-limit-login", 0},
		{"Apache, XML-RPC", LimitXMLRPC, func(w *remedy.World) { w.Web.Server = "apache" }, "limit-apache instead-limit-xmlrpc", 0},
		{"behind a proxy that it does not know", LimitLogin, func(w *remedy.World) { w.Site.XMLRPC.Local = 0.9 }, "limit-proxied instead-limit-teach", 0},
		{"no place", LimitLogin, func(w *remedy.World) { w.Web.Limit.Problem = "it has a limit of its own" }, "limit-no-place instead-limit-lines", 2},
		{"no answer", LimitLogin, func(w *remedy.World) { w.Web.Include.Probes, w.Web.Problem = nil, "it does not answer" }, "limit-no-place instead-limit-lines", 2},
	} {
		w := worldLimit()
		c.change(&w)
		p := plan(t, RateLimit(), LimitFinding(c.endpoint, ""), w, remedy.Wishes{})
		if got := ids(p.Refused); got != c.want || len(p.Advice) != c.lines {
			t.Errorf("%s: got %s and %d pieces of advice, want %s and %d", c.name, got, len(p.Advice), c.want, c.lines)
		}
	}
}

// TestEverySentenceOfTheLimitIsSaid finds sentences that no plan says.
func TestEverySentenceOfTheLimitIsSaid(t *testing.T) {
	said := map[string]bool{}
	all := func(endpoint string, change func(*remedy.World)) {
		w := worldLimit()
		change(&w)
		p := RateLimit().Plan(LimitFinding(endpoint, ""), w, remedy.Wishes{})
		for _, s := range sentencesOf(p) {
			said[s.ID] = true
		}
		for _, a := range p.Advice {
			said[a.Say.ID] = true
		}
	}
	all(LimitLogin, func(*remedy.World) {})
	all(LimitLogin, func(w *remedy.World) { w.Web.Limit.There = remedy.Signed(limits[0].nginx()) })
	all(LimitLogin, func(w *remedy.World) { w.Web, w.Unread = nil, map[string]string{"web": "denied"} })
	all(LimitLogin, func(w *remedy.World) { w.Web = nil })
	all(LimitLogin, func(w *remedy.World) { w.Web.Server = "apache" })
	all(LimitXMLRPC, func(w *remedy.World) { w.Web.Server = "apache" })
	all(LimitLogin, func(w *remedy.World) { w.Site.XMLRPC.Local = 0.9 })
	all(LimitLogin, func(w *remedy.World) { w.Web.Limit.Problem = "none" })
	n := 0
	for id := range remedy.Sayings() {
		if strings.HasPrefix(id, "limit-") || strings.HasPrefix(id, "instead-limit-") {
			if n++; !said[id] {
				t.Errorf("%s is said by nobody", id)
			}
		}
	}
	if n == 0 {
		t.Error("no sentence was looked for")
	}
}

func TestLimitsAreApart(t *testing.T) {
	var seen []string
	for _, l := range limits {
		if slices.Contains(seen, l.id) || l.each/burstParts < 1 || l.all < l.each {
			t.Errorf("%+v", l)
		}
		seen = append(seen, l.id)
	}
	if !slices.Equal(seen, Limits()) {
		t.Errorf("got %v, want %v", seen, Limits())
	}
}
