package webserver

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/webconf"
)

// files writes a tree of files and returns its directory.
func files(t *testing.T, all map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(strings.ReplaceAll(text, "{dir}", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPlaceInApache(t *testing.T) {
	const name = "hirune-xmlrpc-site.example.conf"
	for _, c := range []struct {
		name    string
		files   map[string]string
		args    []string
		want    string // path below the directory; "" : a problem
		problem string
	}{
		{"one directory", map[string]string{"apache2.conf": "IncludeOptional c/*.conf\n", "c/a.conf": "Timeout 5\n"}, nil, "c/" + name, ""},
		{"the last of equals", map[string]string{"apache2.conf": "IncludeOptional m/*.conf\nIncludeOptional c/*.conf\n", "m/a": "", "c/a": ""}, nil, "c/" + name, ""},
		{"settings before sites and modules", map[string]string{"apache2.conf": "Include c/*.conf\nInclude s/*.conf\nInclude m/*.conf\n", "c/a.conf": "", "s/a.conf": "<VirtualHost *:80>\n</VirtualHost>\n", "m/a.conf": "LoadModule x x.so\n"}, nil, "c/" + name, ""},
		{"modules if there is nothing else", map[string]string{"apache2.conf": "Include m/*.conf\n", "m/a.conf": "LoadModule x x.so\n"}, nil, "m/" + name, ""},
		{"a directory without a pattern", map[string]string{"apache2.conf": "Include c\n", "c/a.conf": ""}, nil, "c/" + name, ""},
		{"only files by name", map[string]string{"apache2.conf": "Include c/a.conf\n", "c/a.conf": ""}, nil, "", "no IncludeOptional"},
		{"another kind of name", map[string]string{"apache2.conf": "Include c/*.load\nInclude c/httpd-*.conf\n", "c/a.load": ""}, nil, "", "no IncludeOptional"},
		{"the directory is not there", map[string]string{"apache2.conf": "IncludeOptional c/*.conf\n"}, nil, "", "no IncludeOptional"},
		{"in another site", map[string]string{"apache2.conf": "<VirtualHost *:80>\nDocumentRoot /x\nIncludeOptional c/*.conf\n</VirtualHost>\n", "c/a": ""}, nil, "", "no IncludeOptional"},
		{"in a section for a path", map[string]string{"apache2.conf": "<Directory /x>\nIncludeOptional c/*.conf\n</Directory>\n", "c/a": ""}, nil, "", "no IncludeOptional"},
		{"in a condition that is off", map[string]string{"apache2.conf": "<IfModule mod_x.c>\nIncludeOptional c/*.conf\n</IfModule>\n<IfDefine !X>\nIncludeOptional c/*.conf\n</IfDefine>\n", "c/a": ""}, []string{"httpd", "-D", "X"}, "", "no IncludeOptional"},
		{"in a condition that is on", map[string]string{"apache2.conf": "LoadModule x_module x.so\n<IfModule mod_x.c>\n<IfDefine X>\nIncludeOptional c/*.conf\n</IfDefine>\n</IfModule>\n", "c/a": ""}, []string{"httpd", "-DX"}, "c/" + name, ""},
		{"in a condition that nobody can tell", map[string]string{"apache2.conf": "<IfVersion >= 2.4>\nIncludeOptional c/*.conf\n</IfVersion>\n", "c/a": ""}, nil, "", "no IncludeOptional"},
		{"by a name that is defined, over two lines", map[string]string{"apache2.conf": "Define C {dir}/c\nInclude\\\n \"${C}/*.conf\"\n", "c/a": ""}, nil, "c/" + name, ""},
		{"through another file", map[string]string{"apache2.conf": "Include more.conf\n", "more.conf": "Include c/*.conf\n", "c/a": ""}, nil, "c/" + name, ""},
		{"in itself, for ever", map[string]string{"apache2.conf": "Include apache2.conf\nInclude *.conf\n"}, nil, name, ""},
		{"one directory under two names", map[string]string{"apache2.conf": "Include c/*.conf\n<VirtualHost *:80>\nDocumentRoot {dir}/www\n</VirtualHost>\n<VirtualHost *:81>\nDocumentRoot {dir}/c/../www\n</VirtualHost>\n<VirtualHost *:82>\nDocumentRoot {dir}/link\n</VirtualHost>\n", "c/a": "", "www/index.php": ""}, nil, "c/" + name, "in several ways"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := files(t, c.files)
			if err := os.Symlink(dir+"/www", dir+"/link"); err != nil {
				t.Fatal(err)
			}
			got, err := apachePlace(In{Server: evidence.ServiceApache, Config: dir + "/apache2.conf", Host: "site.example", DocRoot: dir + "/www"}, process{args: c.args})
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want != "" {
				want = filepath.Join(real(dir), want)
			}
			if got.path != want || (got.problem == "") != (c.problem == "") || !strings.Contains(got.problem, c.problem) {
				t.Errorf("got path %q, problem %q, want %q, %q", got.path, got.problem, want, c.problem)
			}
		})
	}
}

func TestPlaceInNginx(t *testing.T) {
	const path, line = "hirune_site.example_xmlrpc.conf", "include {dir}/hirune_site.example_*.conf;"
	for _, c := range []struct {
		name    string
		conf    string
		more    map[string]string
		want    string
		hooks   []string // file:line next
		problem string
	}{
		{"one block", "http {\n  server {\n    # text\n    listen 80;\n    root {dir}/www;\n  }\n}\n", nil, path, []string{"nginx.conf:4     listen 80;"}, ""},
		{"the root of location /", "http {\nserver {\nlisten 80;\nlocation / { root {dir}/www; }\n}\n}\n", nil, path, []string{"nginx.conf:3 listen 80;"}, ""},
		{"the root of http", "http {\nroot {dir}/www;\nserver {\nlisten 80;\n}\n}\n", nil, path, []string{"nginx.conf:4 listen 80;"}, ""},
		{"a root by variable, found by name", "http {\nserver {\nserver_name site.example;\nroot {dir}/$host;\n}\n}\n", nil, path, []string{"nginx.conf:3 server_name site.example;"}, ""},
		{"two blocks", "http {\nserver {\nlisten 80;\nroot {dir}/www;\n}\nserver {\nlisten 443 ssl;\nroot {dir}/www;\n}\n}\n", nil, path, []string{"nginx.conf:3 listen 80;", "nginx.conf:7 listen 443 ssl;"}, ""},
		{"a block that redirects is left alone", "http {\nserver {\nroot {dir}/www;\nreturn 301 https://x;\n}\nserver {\nlisten 443;\nroot {dir}/www;\n}\n}\n", nil, path, []string{"nginx.conf:7 listen 443;"}, ""},
		{"no block of the site", "http {\nserver {\nroot {dir}/other;\n}\n}\n", nil, "", nil, "no server block"},
		{"all on one line", "http { server { listen 80; root {dir}/www; } }\n", nil, path, nil, "begins a line"},
		{"a pattern of the block", "http {\nserver {\nroot {dir}/www;\ninclude d/*.conf;\n}\n}\n", map[string]string{"d/a.conf": ""}, "d/" + path, nil, ""},
		{"a pattern that another site has, too", "http {\nserver {\nroot {dir}/www;\ninclude d/*.conf;\n}\nserver {\nlisten 81;\ninclude d/*.conf;\n}\n}\n", map[string]string{"d/a.conf": ""}, path, []string{"nginx.conf:3 root {dir}/www;"}, ""},
		{"a pattern of one block of two", "http {\nserver {\nroot {dir}/www;\ninclude d/*.conf;\n}\nserver {\nroot {dir}/www;\n}\n}\n", map[string]string{"d/a.conf": ""}, path, []string{"nginx.conf:3 root {dir}/www;", "nginx.conf:7 root {dir}/www;"}, ""},
		{"the main directory is taken in elsewhere", "http {\ninclude {dir}/hir*.conf;\nserver {\nlisten 80;\nroot {dir}/www;\n}\n}\n", nil, path, nil, "another part"},
		{"a line of ours is there", "http {\nserver {\n" + line + "\nlisten 80;\nroot {dir}/www;\n}\n}\n", map[string]string{path: "# x\n"}, path, nil, ""},
		{"the block in a file of its own", "http {\ninclude s/*;\n}\n", map[string]string{"s/a": "server {\n\tlisten 80;\n\troot {dir}/www;\n}\n"}, path, []string{"s/a:2 \tlisten 80;"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]string{"nginx.conf": c.conf, "www/index.php": ""}
			maps.Copy(all, c.more)
			dir := files(t, all)
			fill := func(s string) string { return strings.ReplaceAll(s, "{dir}", dir) }
			got, err := nginxPlace(In{Server: evidence.ServiceNginx, Config: dir + "/nginx.conf", Host: "site.example", DocRoot: dir + "/www"}, process{})
			if err != nil {
				t.Fatal(err)
			}
			if (got.problem == "") != (c.problem == "") || !strings.Contains(got.problem, c.problem) || got.fix != fill(line) {
				t.Fatalf("got problem %q, fix %q, want %q", got.problem, got.fix, c.problem)
			}
			if got.path != "" {
				got.path, _ = filepath.Rel(dir, got.path)
			}
			if got.path != c.want {
				t.Errorf("got path %q, want %q", got.path, c.want)
			}
			var told []string
			for _, h := range got.hooks {
				rel, _ := filepath.Rel(dir, h.File)
				told = append(told, rel+":"+itoa(h.At)+" "+h.Next)
				if strings.TrimLeft(h.Line, " \t") != fill(line) {
					t.Errorf("got line %q", h.Line)
				}
			}
			if len(c.hooks) > 0 && !slices.Equal(told, strings.Split(fill(strings.Join(c.hooks, "\x00")), "\x00")) {
				t.Errorf("got hooks %q, want %q", told, c.hooks)
			}
		})
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name   string
		server string
		args   []string
		want   string
	}{
		{"debian", evidence.ServiceApache, []string{"/usr/sbin/apache2", "-k", "start"}, "/exe|-t"},
		{"bitnami", evidence.ServiceApache, []string{"httpd", "-f", "/opt/h.conf", "-D", "X", "-DY", "-DFOREGROUND", "-e", "debug"}, "/exe|-t|-f|/opt/h.conf|-D|X|-DY|-DFOREGROUND"},
		{"nginx plain", evidence.ServiceNginx, []string{"nginx: master process nginx"}, "/exe|-t"},
		{"nginx of Debian", evidence.ServiceNginx, []string{"nginx: master process /usr/sbin/nginx -g daemon on; master_process on;"}, "/exe|-t|-g|daemon on; master_process on;"},
		{"nginx with a file", evidence.ServiceNginx, []string{"nginx: master process nginx -c /x/n.conf -p /x -g daemon off; -e /x/e"}, "/exe|-t|-c|/x/n.conf|-p|/x|-g|daemon off;|-e|/x/e"},
		{"a worker", evidence.ServiceNginx, []string{"nginx: worker process"}, "/exe|-t"},
	} {
		if got := strings.Join(process{exe: "/exe", args: c.args}.test(c.server), "|"); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	p := process{exe: "/exe", env: []string{"APACHE_B=2", "HOME=/", "APACHE_A=1", "SECRET=x", "APACHE_STARTED_BY_SYSTEMD=true"}}
	if got := strings.Join(p.test(evidence.ServiceApache), "|"); got != "env|APACHE_A=1|APACHE_B=2|/exe|-t" {
		t.Errorf("got %s", got)
	}
	if got := bare(p.test(evidence.ServiceApache)); !slices.Equal(got, []string{"/exe", "-t"}) {
		t.Errorf("got %v", got)
	}
}

func TestPathOfASite(t *testing.T) {
	for _, c := range []struct{ root, site, url, want string }{
		{"/w", "", "", "/"}, {"/w", "/w", "", "/"}, {"/w/", "/w/blog", "", "/blog/"}, {"/w", "/w/a/b/", "", "/a/b/"},
		{"/w", "/usr/share/wordpress", "https://x.example/blog/", "/blog/"}, {"/w", "/elsewhere", "", "error"}, {"/w", "/w2", "", "error"},
	} {
		got, err := pathOf(In{DocRoot: c.root, Site: c.site, URL: c.url})
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestTelling(t *testing.T) {
	for _, c := range []struct{ out, want string }{
		{"AH00558: apache2: Could not reliably determine\nAH00526: Syntax error on line 1 of /x:\nInvalid command 'a\x1b[31m'\nAction '-t' failed.\n", "AH00526: Syntax error on line 1 of /x:; Invalid command 'a?[31m'"},
		{"nginx: [warn] x\nnginx: [emerg] unknown directive\nnginx: configuration file /x test failed\nmore\nlines\n", "nginx: [emerg] unknown directive; nginx: configuration file /x test failed; more"},
		{"", ""},
	} {
		if got := telling(c.out); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestHooksGoInAndOut(t *testing.T) {
	text := "a\r\n  b\r\nc\r\nb"
	hooks := []remedy.Hook{{File: "f", Line: "  x;", Next: "  b", At: 2}, {File: "f", Line: "x;", Next: "b", At: 4}}
	in, err := withHooks(text, hooks)
	if err != nil || in != "a\r\n  x;\r\n  b\r\nc\r\nx;\nb" {
		t.Errorf("got %q, %v", in, err)
	}
	if out := withoutHooks(in, hooks); out != text || hooksIn(in, hooks) != 2 || hooksIn(out, hooks) != 0 {
		t.Errorf("got %q", out)
	}
	for _, h := range []remedy.Hook{{Next: "  b", At: 1}, {Next: "b", At: 5}, {Next: "b", At: 0}} {
		if got, err := withHooks(text, []remedy.Hook{h}); err == nil {
			t.Errorf("%+v: got %q, want an error", h, got)
		}
	}
}

func FuzzHooks(f *testing.F) {
	f.Add("server {\n\tlisten 80;\n}\n", 2)
	f.Add("\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, text string, at int) {
		lines := slices.Collect(strings.Lines(text))
		if at < 1 || at > len(lines) || strings.Contains(text, "ours;") {
			return
		}
		h := []remedy.Hook{{Line: "\tours;", Next: strings.TrimRight(lines[at-1], "\r\n"), At: at}}
		in, err := withHooks(text, h)
		if err != nil || hooksIn(in, h) != 1 {
			t.Fatalf("got %q, %v", in, err)
		}
		if out := withoutHooks(in, h); out != text {
			t.Errorf("got %q, want %q", out, text)
		}
	})
}

// FuzzNginx asks a configuration that has no includes for the site's blocks.
func FuzzNginx(f *testing.F) {
	f.Add("http { server { listen 80; root /w; location ~ \\.php$ { x \"a;b\"; } } }")
	f.Add("http { server { listen [::]:x; server_name ~x \"\"; root $x; } }")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") {
			return // it would read this host's files
		}
		c, _ := webconf.ReadNginx(webconf.Tree{}, filepath.Join(files(t, map[string]string{"f": text}), "f"))
		for _, b := range serving(In{DocRoot: "/w", Host: "x"}, c.Directives) {
			for _, e := range nginxEnds(b.Block, "127.0.0.1:80") {
				if e.address == "" {
					t.Errorf("got an empty address from %q", text)
				}
			}
		}
	})
}

func FuzzApache(f *testing.F) {
	f.Add("<VirtualHost *:80>\nDocumentRoot \"/w\"\nServerName https://x:80\n</VirtualHost>\n<IfModule !mod_x.c>\nLoadModule a b\n</IfModule>\n")
	f.Add("<>\n</>\nDefine a ${a}\\\n\nServerRoot ''\n<VirtualHost>\n</Directory>\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // it would read this host's files
		}
		tree, _ := readApache(filepath.Join(files(t, map[string]string{"f": text}), "f"), "/", nil, nil)
		for _, h := range tree.hosts {
			for _, e := range h.endpoints("127.0.0.1:80") {
				if e.address == "" {
					t.Errorf("got an empty address from %q", h.addresses)
				}
			}
		}
	})
}
