package webserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hirune/internal/core/apply"
	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

func TestApacheInEveryLayout(t *testing.T) {
	need(t, "apache2", "php-fpm8.2")
	for _, c := range []struct {
		name, layout string
		of           func(*rig) func() (string, string)
	}{
		{"debian", LayoutDebian, func(r *rig) func() (string, string) { return r.debian }},
		{"rhel", LayoutRHEL, func(r *rig) func() (string, string) { return r.rhel }},
		{"bitnami", LayoutBitnami, func(r *rig) func() (string, string) { return r.bitnami }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, evidence.ServiceApache)
			r.php()
			want := r.apache(c.of(r))
			before := r.tree()
			web, err := Survey(context.Background(), r.in)
			if err != nil {
				t.Fatal(err)
			}
			if web.Problem != "" || web.Include.Path != want || web.Layout != c.layout || web.Closed || web.ByPHP || !web.Present || web.Path != "/" {
				t.Fatalf("got %+v, want a place at %s, layout %s", web, want, c.layout)
			}
			h := &hand{t: t}
			step := r.planOf(web, remedy.Wishes{})
			h.want(step, apply.NotDone)
			if err := h.do(step); err != nil {
				t.Fatalf("%v\n%s", err, r.logs())
			}
			h.want(step, apply.IsDone)
			r.closed()
			if a := r.from("other.example", "POST", "/xmlrpc.php"); a.status != 200 {
				t.Errorf("another site: got %d, want it untouched", a.status)
			}
			if st, err := os.Stat(want); err != nil || st.Mode().Perm() != 0o644 {
				t.Errorf("our file: got %v, %v", st.Mode(), err)
			}
			if again, err := Survey(context.Background(), r.in); err != nil || !again.Closed {
				t.Errorf("surveyed again: got %+v, %v, want it closed", again, err)
			}
			if err := h.do(step); err != nil {
				t.Errorf("done again: %v", err)
			}
			if err := h.undo(step); err != nil {
				t.Fatal(err)
			}
			r.open()
			h.want(step, apply.NotDone)
			if after := r.tree(); after != before {
				t.Errorf("the configuration is not as before:\n%s\nwant\n%s", after, before)
			}
			if err := h.undo(step); err != nil {
				t.Errorf("undone again: %v", err)
			}
		})
	}
}

// TestApacheByAddress has PHP reached by ProxyPassMatch, where no file is looked
// at, and a site in a subdirectory.
func TestApacheByAddress(t *testing.T) {
	need(t, "apache2", "php-fpm8.2")
	r := newRig(t, evidence.ServiceApache)
	r.php()
	r.apache(func() (string, string) {
		config, want := r.rhel()
		text := r.read("httpd/conf/httpd.conf")
		text = strings.Replace(text, "<Location />", "ProxyPassMatch \"^/(.*\\.php(/.*)?)$\" \"unix:"+r.path("fpm")+"|fcgi://localhost"+r.path("www")+"/\"\n<Location />", 1)
		r.write("httpd/conf/httpd.conf", text)
		return config, want
	})
	r.in.Site = r.path("www/blog")
	h := &hand{t: t}
	step := r.plan(remedy.Wishes{})
	if !strings.HasSuffix(step.Path, "hirune-xmlrpc-site.example-blog.conf") {
		t.Errorf("got path %s", step.Path)
	}
	if err := h.do(step); err != nil {
		t.Fatal(err)
	}
	before := r.ran()
	for _, p := range []string{"/blog/xmlrpc.php", "//blog//xmlrpc.php", "/blog/%78mlrpc.php/x"} {
		if a := r.get("POST", p); a.status != 403 || !strings.Contains(a.body, remedy.Marker) {
			t.Errorf("%s: got %d %.80q", p, a.status, a.body)
		}
	}
	if r.ran() != before {
		t.Error("PHP ran for a closed endpoint")
	}
	if a := r.get("POST", "/xmlrpc.php"); a.status != 200 {
		t.Errorf("the site above: got %d, want it untouched", a.status)
	}
}

func TestNginxBesideItsServerBlock(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	// Two blocks in one file, one in another by a link; a redirect and another site.
	second := strings.Replace(serverBlock, "{port}", "{tls}", 1)
	r.write("ngx/sites-available/site", strings.ReplaceAll(serverBlock+second, "\n", "\r\n")+"server {\n\tlisten 127.0.0.1:{port};\n\tserver_name www.site.example;\n\troot {dir}/www;\n\treturn 301 http://site.example$request_uri;\n}\n")
	r.write("ngx/other.conf", strings.NewReplacer("site.example", "other.example", "{dir}/www;", "{dir}/www/blog;").Replace(serverBlock))
	r.link("../sites-available/site", "ngx/sites-enabled/site")
	if err := os.Chmod(r.path("ngx/sites-available/site"), 0o640); err != nil {
		t.Fatal(err)
	}
	r.nginx("\tinclude {dir}/ngx/sites-enabled/*;\n\tinclude other.conf;\n")
	before := r.tree()
	step := r.plan(remedy.Wishes{})
	if len(step.Hooks()) != 2 || step.HookFile != r.path("ngx/sites-available/site") || step.Path != r.path("ngx/hirune_site.example_xmlrpc.conf") {
		t.Fatalf("got path %s, hooks %+v", step.Path, step.Hooks())
	}
	h := &hand{t: t}
	h.want(step, apply.NotDone)
	if err := h.do(step); err != nil {
		t.Fatalf("%v\n%s", err, r.logs())
	}
	h.want(step, apply.IsDone)
	r.closed()
	port := r.port
	if r.port = r.tls; r.get("POST", "/xmlrpc.php").status != 403 {
		t.Error("the second block: not closed")
	}
	r.port = port
	if a := r.from("other.example", "POST", "/xmlrpc.php"); a.status != 200 {
		t.Errorf("another site: got %d, want it untouched", a.status)
	}
	text := r.read("ngx/sites-available/site")
	if st, _ := os.Stat(r.path("ngx/sites-available/site")); strings.Count(text, step.HookLine+"\r\n") != 2 || st.Mode().Perm() != 0o640 {
		t.Errorf("got mode %v and text %q", st.Mode(), text)
	}
	if l, err := os.Readlink(r.path("ngx/sites-enabled/site")); err != nil || l != "../sites-available/site" {
		t.Errorf("the link: got %s, %v", l, err)
	}
	if again := r.planAgain(); !again.Closed {
		t.Errorf("surveyed again: got %+v, want it closed", again)
	}
	if err := h.undo(step); err != nil {
		t.Fatal(err)
	}
	r.open()
	if after := r.tree(); after != before {
		t.Errorf("the configuration is not as before:\n%s\nwant\n%s", after, before)
	}
}

func (r *rig) planAgain() remedy.Web {
	r.t.Helper()
	web, err := Survey(context.Background(), r.in)
	if err != nil {
		r.t.Fatal(err)
	}
	return web
}

func TestNginxByAPatternOfTheBlock(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := newRig(t, evidence.ServiceNginx)
	r.php()
	r.write("ngx/default.d/php.conf", "# none\n")
	r.nginx(strings.Replace(serverBlock, "index index.php;", "index index.php;\n\tinclude {dir}/ngx/default.d/*.conf;", 1))
	before := r.tree()
	step := r.plan(remedy.Wishes{})
	if len(step.Hooks()) != 0 || filepath.Dir(step.Path) != r.path("ngx/default.d") {
		t.Fatalf("got path %s, hooks %+v", step.Path, step.Hooks())
	}
	h := &hand{t: t}
	if err := h.do(step); err != nil {
		t.Fatal(err)
	}
	r.closed()
	if err := h.undo(step); err != nil {
		t.Fatal(err)
	}
	if after := r.tree(); after != before {
		t.Error("the configuration is not as before")
	}
}

// TestLetsThrough asks from several addresses of the loopback network; those
// that a plan would refuse are put into the world by hand.
func TestLetsThrough(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for _, server := range []string{evidence.ServiceApache, evidence.ServiceNginx} {
		t.Run(server, func(t *testing.T) {
			r := newRig(t, server)
			r.php()
			if server == evidence.ServiceNginx {
				r.nginx("set_real_ip_from 127.0.0.1;\nreal_ip_header X-Test;\n" + serverBlock)
			} else {
				r.apache(func() (string, string) {
					config, want := r.rhel()
					r.write("httpd/conf.d/ip.conf", "LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\nRemoteIPHeader X-Test\nRemoteIPInternalProxy 127.0.0.1\n")
					return config, want
				})
			}
			step := r.plan(remedy.Wishes{Allow: []string{"192.0.64.0/18", "203.0.113.7", "2001:db8:a:b::/64"}})
			h := &hand{t: t}
			if err := h.do(step); err != nil {
				t.Fatalf("%v\n%s", err, r.logs())
			}
			r.closed()
			for from, want := range map[string]int{
				"192.0.64.0": 200, "192.0.127.255": 200, "192.0.63.255": 403, "192.0.128.0": 403, "203.0.113.7": 200, "203.0.113.8": 403,
				"2001:db8:a:b::1": 200, "2001:db8:a:b:ffff::": 200, "2001:db8:a:c::1": 403, "2001:db8:a:b:": 403,
			} {
				if a := r.as(from, "/xmlrpc.php"); a != want {
					t.Errorf("from %s: got %d, want %d", from, a, want)
				}
				if a := r.as(from, "/wp-login.php"); a != 200 {
					t.Errorf("the log-in page from %s: got %d, want 200", from, a)
				}
			}
		})
	}
}

func TestRefusesABrokenConfiguration(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for _, c := range []struct{ server, file, want string }{
		{evidence.ServiceApache, "httpd/conf.d/broken.conf", "Nonsense"},
		{evidence.ServiceNginx, "ngx/broken.conf", "nonsense"},
	} {
		t.Run(c.server, func(t *testing.T) {
			r := newRig(t, c.server)
			r.php()
			if c.server == evidence.ServiceNginx {
				r.nginx("include {dir}/ngx/broken*.conf;\n" + serverBlock)
			} else {
				r.apache(r.rhel)
			}
			step := r.plan(remedy.Wishes{})
			r.write(c.file, c.want+" on;\n")
			before := r.tree()
			h := &hand{t: t}
			err := h.do(step)
			if !errors.Is(err, apply.ErrRefused) || !errors.Is(err, errBroken) || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("got %v, want it refused with the server's words", err)
			}
			if r.tree() != before || h.state != nil {
				t.Error("something was written")
			}
			r.open()
		})
	}
}

func TestPutsBackWhatFailsTheTest(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for _, server := range []string{evidence.ServiceApache, evidence.ServiceNginx} {
		t.Run(server, func(t *testing.T) {
			r := r2(t, server)
			step := r.plan(remedy.Wishes{})
			step.Content = remedy.Signed("Nonsense on;\n")
			before := r.tree()
			h := &hand{t: t}
			err := h.do(step)
			if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "onsense") || !strings.Contains(err.Error(), "nothing was reloaded") {
				t.Errorf("got %v, want the server's words", err)
			}
			if r.tree() != before {
				t.Error("the configuration is not as before")
			}
			r.open()
		})
	}
}

// r2 is a rig of a server in its plain form.
func r2(t *testing.T, server string) *rig {
	t.Helper()
	r := newRig(t, server)
	r.php()
	if server == evidence.ServiceNginx {
		r.nginx(serverBlock)
	} else {
		r.apache(r.debian)
	}
	return r
}

func TestPutsBackWhatDoesNotClose(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for _, c := range []struct{ name, server, body, want string }{
		{"without effect", evidence.ServiceApache, "# nothing\n", "POST"},
		{"without effect", evidence.ServiceNginx, "# nothing\n", "POST"},
		{"closes the whole site", evidence.ServiceApache, "<If \"true\">\nRequire all denied\nErrorDocument 403 \"" + remedy.Marker + "\"\n</If>\n", "403, not 200 as before"},
		{"closes the whole site", evidence.ServiceNginx, "return 403 \"" + remedy.Marker + "\";\n", "403, not 200 as before"},
	} {
		t.Run(c.server+" "+c.name, func(t *testing.T) {
			r := r2(t, c.server)
			step := r.plan(remedy.Wishes{})
			step.Content = remedy.Signed(c.body)
			before := r.tree()
			h := &hand{t: t, doer: Includes{Settle: 1e9}}
			err := h.do(step)
			if err == nil || errors.Is(err, apply.ErrUnknownOutcome) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "was put back") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if r.tree() != before {
				t.Error("the configuration is not as before")
			}
			r.open()
		})
	}
}

func TestGoesOnAfterACut(t *testing.T) {
	need(t, "apache2", "nginx", "php-fpm8.2")
	for _, server := range []string{evidence.ServiceApache, evidence.ServiceNginx} {
		r := r2(t, server)
		before := r.tree()
		for stage, want := range map[string]apply.Answer{"noted": apply.NotDone, "written": apply.Partly, "reloaded": ""} {
			t.Run(server+" "+stage, func(t *testing.T) {
				r.t = t
				step := r.plan(remedy.Wishes{})
				h := &hand{t: t}
				h.doer.pass = func(after string) error {
					if after == stage {
						return errTestCut
					}
					return nil
				}
				if err := h.do(step); !errors.Is(err, errTestCut) {
					t.Fatalf("got %v, want it cut off", err)
				}
				h.doer.pass = nil
				if want != "" {
					h.want(step, want)
				}
				if stage == "written" {
					r.open() // not loaded yet
				}
				if err := h.do(step); err != nil {
					t.Fatal(err)
				}
				h.want(step, apply.IsDone)
				r.closed()
				h.doer.pass = func(after string) error {
					if after == "taken-out" {
						return errTestCut
					}
					return nil
				}
				if err := h.undo(step); !errors.Is(err, errTestCut) {
					t.Fatalf("got %v, want it cut off", err)
				}
				h.doer.pass = nil
				if err := h.undo(step); err != nil {
					t.Fatal(err)
				}
				r.open()
				if r.tree() != before {
					t.Error("the configuration is not as before")
				}
			})
		}
	}
}

func TestStopsBeforeAnEditByHand(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := r2(t, evidence.ServiceNginx)
	step := r.plan(remedy.Wishes{})
	h := &hand{t: t}
	if err := h.do(step); err != nil {
		t.Fatal(err)
	}
	ours := r.read("ngx/hirune_site.example_xmlrpc.conf")
	r.write("ngx/hirune_site.example_xmlrpc.conf", ours+"# my own\n")
	before := r.tree()
	for name, f := range map[string]func(remedy.Step) error{"undo": h.undo, "do": h.do} {
		if err := f(step); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "changed by hand") {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
	if r.tree() != before {
		t.Error("something was written")
	}
	r.write("ngx/hirune_site.example_xmlrpc.conf", ours)
	// An edit of the other file does not matter: only our line goes.
	conf := r.read("ngx/nginx.conf")
	r.write("ngx/nginx.conf", strings.Replace(conf, "events {}", "events { worker_connections 64; }", 1))
	if err := h.undo(step); err != nil {
		t.Fatal(err)
	}
	if got := r.read("ngx/nginx.conf"); strings.Contains(got, "hirune") && strings.Contains(got, "include") && strings.Contains(got, step.HookLine) || !strings.Contains(got, "64") {
		t.Errorf("got %s", got)
	}
	r.open()
}

func TestRefusesAnotherServerBlock(t *testing.T) {
	need(t, "nginx", "php-fpm8.2")
	r := r2(t, evidence.ServiceNginx)
	step := r.plan(remedy.Wishes{})
	r.write("ngx/nginx.conf", "# a new first line\n"+r.read("ngx/nginx.conf"))
	before := r.tree()
	h := &hand{t: t}
	if err := h.do(step); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "not what it was") {
		t.Errorf("got %v, want it refused", err)
	}
	if after := r.tree(); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
	r.open()
}

func TestReplacesAnOlderFileAndBringsItBack(t *testing.T) {
	need(t, "apache2", "php-fpm8.2")
	r := r2(t, evidence.ServiceApache)
	older := r.plan(remedy.Wishes{Allow: []string{"203.0.113.7"}})
	h1, h2 := &hand{t: t}, &hand{t: t}
	newer := r.plan(remedy.Wishes{})
	if err := h1.do(older); err != nil {
		t.Fatal(err)
	}
	if err := h2.do(newer); err != nil {
		t.Fatal(err)
	}
	if err := h1.undo(older); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("undo of the older one first: got %v, want it refused", err)
	}
	if err := h2.undo(newer); err != nil {
		t.Fatal(err)
	}
	r.closed()
	if got := r.read("etc/conf-enabled/hirune-xmlrpc-site.example.conf"); got != older.Content {
		t.Errorf("got %q, want the older file", got)
	}
	if err := h1.undo(older); err != nil {
		t.Fatal(err)
	}
	r.open()
}

func TestFindsTheServerAgain(t *testing.T) {
	need(t, "apache2", "php-fpm8.2")
	r := r2(t, evidence.ServiceApache)
	step := r.plan(remedy.Wishes{})
	step.PID = os.Getpid() // another process has the number now
	h := &hand{t: t}
	if err := h.do(step); err != nil {
		t.Fatal(err)
	}
	r.closed()
	if err := syscall.Kill(r.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.until("Apache has ended", func() bool { return syscall.Kill(r.pid, 0) != nil })
	if err := h.undo(step); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("got %v, want it refused: the server does not run", err)
	}
	r.apache(r.debian2)
	if err := h.undo(step); err != nil {
		t.Fatal(err)
	}
	r.open()
}
