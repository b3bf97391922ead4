package webserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"

	"hirune/internal/core/diagnose"
)

// rig is a site with a web server and PHP-FPM of its own, in a directory of its
// own, on loopback; all are stopped by their process ids.
type rig struct {
	t      *testing.T
	dir    string
	port   int
	tls    int
	pid    int // of the web server's parent
	in     In
	server string
	down   bool // there is no PHP: pages answer 502 or 503
}

// need skips where a daemon cannot run. In CI that is a failure.
func need(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			absent(t, n+" is not installed")
		}
	}
	if os.Geteuid() != 0 {
		absent(t, "web servers of one's own need root")
	}
}

func absent(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func newRig(t *testing.T, server string) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "hirune-web-") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, port: freePort(t), tls: freePort(t), server: server}
	for _, s := range []string{"xmlrpc.php", "index.php", "wp-login.php", "blog/xmlrpc.php", "blog/index.php", "blog/wp-login.php"} {
		r.write("www/"+s, `<?php file_put_contents("`+dir+`/ran", $_SERVER["REQUEST_URI"]."\n", FILE_APPEND); header("Content-Type: text/html"); echo "PHP ", $_SERVER["SCRIPT_NAME"];`)
	}
	r.write("ran", "")
	r.write("logs/.keep", "")
	if err := os.Chmod(r.path("ran"), 0o666); err != nil {
		t.Fatal(err)
	}
	r.in = In{Server: server, Instance: server, Host: "site.example", Listen: fmt.Sprint("127.0.0.1:", r.port), DocRoot: r.path("www"), Site: r.path("www")}
	return r
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// write puts a file into the rig; {dir}, {port} and {tls} are filled in.
func (r *rig) write(name, text string) {
	r.t.Helper()
	text = strings.NewReplacer("{dir}", r.dir, "{port}", fmt.Sprint(r.port), "{tls}", fmt.Sprint(r.tls)).Replace(text)
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path(name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) read(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// start runs a daemon in the foreground and stops it by its process id.
func (r *rig) start(env []string, argv ...string) int {
	r.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if r.t.Failed() {
			r.t.Logf("%s said: %s", argv[0], out.String())
		}
	})
	return cmd.Process.Pid
}

// php starts PHP-FPM behind the socket {dir}/fpm.
func (r *rig) php() {
	r.t.Helper()
	r.write("fpm.conf", "[global]\nerror_log={dir}/logs/fpm.log\ndaemonize=no\n[www]\nuser=www-data\ngroup=www-data\nlisten={dir}/fpm\nlisten.mode=0666\npm=static\npm.max_children=1\n")
	r.start(nil, "php-fpm8.2", "-F", "-y", r.path("fpm.conf"))
	r.until("PHP-FPM listens", func() bool { _, err := os.Stat(r.path("fpm")); return err == nil })
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s: not in time\n%s", what, r.logs())
		}
	}
}

func (r *rig) logs() string {
	var b strings.Builder
	all, _ := filepath.Glob(r.path("logs/*"))
	for _, f := range all {
		text, _ := os.ReadFile(f)
		fmt.Fprintf(&b, "%s:\n%s\n", f, text[max(0, len(text)-2000):])
	}
	return b.String()
}

// modules are those that the sites need. Debian's packages have them in one place.
const modules = `LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_host_module /usr/lib/apache2/modules/mod_authz_host.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
`

const apacheBase = `User www-data
Group www-data
ServerName main.example
PidFile {dir}/pid
ErrorLog {dir}/logs/error.log
Listen 127.0.0.1:{port}
DirectoryIndex index.php
<Directory />
	Require all denied
</Directory>
<FilesMatch "\.php$">
	SetHandler "proxy:unix:{dir}/fpm|fcgi://localhost"
</FilesMatch>
`

// vhost grants all by <Location>, which is merged after <Files>.
const vhost = `<VirtualHost *:{port}>
	ServerName site.example
	DocumentRoot {dir}/www/
	<Directory {dir}/www>
		Require all granted
	</Directory>
	<Location />
		Require all granted
	</Location>
</VirtualHost>
<VirtualHost *:{port}>
	ServerName other.example
	DocumentRoot {dir}/www/blog
	<Directory {dir}/www/blog>
		Require all granted
	</Directory>
</VirtualHost>
`

// debian, rhel and bitnami write a configuration in the layout of that name and
// return the main file and where our file is expected.
func (r *rig) debian() (config, want string) {
	r.write("etc/apache2.conf", apacheBase+"IncludeOptional mods-enabled/*.load\nIncludeOptional mods-enabled/*.conf\nInclude ports.conf\n"+
		"# text\nIncludeOptional conf-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n<IfModule mod_nothing.c>\nIncludeOptional never/*.conf\n</IfModule>\n")
	base := r.read("etc/apache2.conf")
	r.write("etc/apache2.conf", strings.Replace(base, "<FilesMatch", "ServerTokens ${APACHE_TEST_TOKENS}\n<FilesMatch", 1))
	r.write("etc/mods-enabled/all.load", modules)
	r.write("etc/mods-enabled/dir.conf", "DirectoryIndex index.php\n")
	r.write("etc/ports.conf", "# none\n")
	r.write("etc/conf-available/security.conf", "ServerSignature Off\n")
	r.write("etc/conf-enabled/charset.conf", "AddDefaultCharset UTF-8\n")
	r.write("etc/never/x.conf", "")
	r.write("etc/sites-available/site.conf", vhost)
	r.link("../conf-available/security.conf", "etc/conf-enabled/security.conf")
	r.link("../sites-available/site.conf", "etc/sites-enabled/site.conf")
	return r.path("etc/apache2.conf"), r.path("etc/conf-enabled/hirune-xmlrpc-site.example.conf")
}

func (r *rig) rhel() (config, want string) {
	r.write("httpd/conf/httpd.conf", "ServerRoot \""+r.path("httpd")+"\"\nInclude conf.modules.d/*.conf\n"+apacheBase+vhost+"IncludeOptional conf.d/*.conf\n")
	r.write("httpd/conf.modules.d/00-base.conf", modules)
	r.write("httpd/conf.d/welcome.conf", "# nothing\n")
	r.write("httpd/conf.d/ssl.conf", "<VirtualHost _default_:1>\n\tServerName tls.example\n</VirtualHost>\n")
	return r.path("httpd/conf/httpd.conf"), r.path("httpd/conf.d/hirune-xmlrpc-site.example.conf")
}

func (r *rig) bitnami() (config, want string) {
	r.write("bitnami/apache/conf/httpd.conf", "ServerRoot \""+r.path("bitnami/apache")+"\"\n"+modules+apacheBase+
		"Include conf/bitnami/bitnami.conf\nInclude \""+r.path("bitnami/apache")+"/conf/vhosts/*.conf\"\n")
	r.write("bitnami/apache/conf/bitnami/bitnami.conf", "# default\n")
	r.write("bitnami/apache/conf/vhosts/00_status-vhost.conf", "# status\n")
	r.write("bitnami/apache/conf/vhosts/wordpress-vhost.conf", vhost)
	return r.path("bitnami/apache/conf/httpd.conf"), r.path("bitnami/apache/conf/vhosts/hirune-xmlrpc-site.example.conf")
}

func (r *rig) link(to, name string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(to, r.path(name)); err != nil {
		r.t.Fatal(err)
	}
}

// apache starts Apache with a layout.
func (r *rig) apache(layout func() (string, string)) (want string) {
	r.t.Helper()
	config, want := layout()
	args := []string{"apache2", "-f", config, "-DFOREGROUND"}
	if filepath.Base(config) == "apache2.conf" {
		args = append(args, "-d", filepath.Dir(config))
	}
	r.in.Config = config
	r.pid = r.start([]string{"APACHE_TEST_TOKENS=Prod"}, args...)
	r.up()
	return want
}

// up waits until the web server answers, and learns who it is.
func (r *rig) up() {
	r.t.Helper()
	r.in.PID = r.pid
	r.until("the web server answers", func() bool { s := r.get("GET", "/wp-login.php").status; return s == 200 || r.down && s >= 500 })
}

// nginx starts nginx with a main file's http block.
func (r *rig) nginx(http string) {
	r.t.Helper()
	r.write("ngx/nginx.conf", "daemon off;\nuser www-data;\npid {dir}/pid;\nerror_log {dir}/logs/nginx.log;\nevents {}\nhttp {\n\taccess_log off;\n"+http+"}\n")
	r.write("ngx/fpm.conf", "include /etc/nginx/fastcgi_params;\nfastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\nfastcgi_pass unix:{dir}/fpm;\n")
	r.in.Config = r.path("ngx/nginx.conf")
	r.pid = r.start(nil, "nginx", "-c", r.in.Config)
	r.up()
}

// serverBlock is a site as guides for WordPress write it.
const serverBlock = `server {
	listen 127.0.0.1:{port};
	server_name site.example;
	root {dir}/www;
	index index.php;
	location = /xmlrpc.php { include {dir}/ngx/fpm.conf; }
	location / { try_files $uri $uri/ /index.php?$args; }
	location ~ \.php(/|$) { fastcgi_split_path_info ^(.+?\.php)(/.*)$; include {dir}/ngx/fpm.conf; }
}
`

func (r *rig) get(method, path string) answer { return r.from("site.example", method, path) }

func (r *rig) from(host, method, path string) answer {
	p := remedy.Probe{Method: method, URL: fmt.Sprintf("http://127.0.0.1:%d%s", r.port, path), Host: host}
	return request(context.Background(), p)
}

// ran is how many requests PHP has worked on so far.
func (r *rig) ran() int { return strings.Count(r.read("ran"), "\n") }

// plan surveys the site and plans for it.
func (r *rig) plan(wish remedy.Wishes) remedy.WriteInclude {
	r.t.Helper()
	web, err := Survey(context.Background(), r.in)
	if err != nil {
		r.t.Fatal(err)
	}
	if web.Problem != "" {
		r.t.Fatalf("got problem %q; fix: %q", web.Problem, web.Fix)
	}
	return r.planOf(web, wish)
}

func (r *rig) planOf(web remedy.Web, wish remedy.Wishes) remedy.WriteInclude {
	r.t.Helper()
	site := &remedy.Site{XMLRPC: remedy.Callers{Days: 30, Requests: 9000}}
	p := remedies.CloseXMLRPC().Plan(diagnose.Finding{Rule: "xmlrpc-login-flood"}, remedy.World{Web: &web, Site: site}, wish)
	if !p.Doable() {
		r.t.Fatalf("the plan is refused: %+v", p.Refused)
	}
	return p.Steps[0].Step.(remedy.WriteInclude)
}

// hand is a Doer with a journal in memory.
type hand struct {
	t     *testing.T
	doer  Includes
	state json.RawMessage
}

func (h *hand) work() *apply.Work {
	keep := func(state any) error {
		h.state = append(json.RawMessage{}, state.(json.RawMessage)...)
		return nil
	}
	return apply.NewWork(h.state, keep, nil, nil, time.Now)
}

func (h *hand) do(s remedy.Step) error   { return h.doer.Do(context.Background(), s, h.work()) }
func (h *hand) undo(s remedy.Step) error { return h.doer.Undo(context.Background(), s, h.work()) }

func (h *hand) want(s remedy.Step, want apply.Answer) {
	h.t.Helper()
	got, err := h.doer.Done(context.Background(), s, h.state)
	if err != nil || got != want {
		h.t.Errorf("Done: got %q, %v, want %q", got, err, want)
	}
}

// closed checks that every way to the endpoint is refused without PHP, and that
// the rest of the site answers.
func (r *rig) closed() {
	r.t.Helper()
	before := r.ran()
	for _, p := range []string{"/xmlrpc.php", "//xmlrpc.php", "/%78mlrpc.php", "/xmlrpc.php/x", "/blog/../xmlrpc.php", "/xmlrpc.php?for=jetpack"} {
		for _, m := range []string{"POST", "GET"} {
			if a := r.get(m, p); a.status != 403 || !strings.Contains(a.body, remedy.Marker) {
				r.t.Errorf("%s %s: got %d %.80q, want 403 and the marker", m, p, a.status, a.body)
			}
		}
	}
	if n := r.ran(); n != before {
		r.t.Errorf("PHP ran %d times for a closed endpoint", n-before)
	}
	for _, p := range []string{"/", "/wp-login.php", "/blog/xmlrpc.php", "/index.php/xmlrpc.phpx"} {
		if a := r.get("POST", p); a.status != 200 || !strings.Contains(a.body, "PHP ") {
			r.t.Errorf("%s: got %d %.80q, want PHP's answer", p, a.status, a.body)
		}
	}
}

// open checks that the endpoint is PHP's again.
func (r *rig) open() {
	r.t.Helper()
	for _, p := range []string{"/xmlrpc.php", "/", "/wp-login.php"} {
		if a := r.get("POST", p); a.status != 200 || !strings.Contains(a.body, "PHP ") {
			r.t.Errorf("%s: got %d %.80q, want PHP's answer", p, a.status, a.body)
		}
	}
}

// tree is every file of the configuration with its content and mode.
func (r *rig) tree() string {
	r.t.Helper()
	var b strings.Builder
	for _, top := range []string{"etc", "httpd", "bitnami", "ngx"} {
		_ = filepath.WalkDir(r.path(top), func(p string, e os.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			st, _ := os.Lstat(p)
			fmt.Fprintf(&b, "%s %s", p, st.Mode())
			if st.Mode().IsRegular() {
				text, _ := os.ReadFile(p)
				fmt.Fprintf(&b, " %q", text)
			}
			b.WriteByte('\n')
			return nil
		})
	}
	if b.Len() == 0 {
		r.t.Fatal("no configuration found")
	}
	return b.String()
}

var errTestCut = errors.New("the process ends here")

// debian2 is the configuration of debian as it stands.
func (r *rig) debian2() (config, want string) { return r.path("etc/apache2.conf"), "" }

// as asks under a client's address, which the servers of TestLetsThrough take
// from a header.
func (r *rig) as(client, path string) int {
	r.t.Helper()
	req, err := http.NewRequest("POST", fmt.Sprintf("http://127.0.0.1:%d%s", r.port, path), strings.NewReader("x"))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = "site.example"
	req.Header.Set("X-Test", client)
	t := &http.Transport{DisableKeepAlives: true}
	res, err := t.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
