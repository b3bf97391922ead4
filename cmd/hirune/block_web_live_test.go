package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/core/report"
)

// Clients of the proxy, which stands on a machine of its own with the address
// other4; the server sees that address alone.
const (
	client4   = "192.0.2.66"
	stranger4 = "192.0.2.77"
	client6   = "2001:db8:9::66"
	friend6   = "2001:db8:9::67" // of the same /64
	stranger6 = "2001:db8:a::77"
	doorOf4   = "192.0.2.1"
	doorOf6   = "2001:db8:9:1::1"
)

// fronted is a server behind a real reverse proxy. start runs its web server, whose
// configuration is in s.dir/etc.
func fronted(t *testing.T, start func(*beset)) *beset {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, p := range []string{"ip", "nft", "nginx", "apache2", "unshare", "nsenter"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (apt install iproute2 nftables nginx-light apache2 util-linux)", p)
		}
	}
	dir, err := os.MkdirTemp("", "hirune-front-") // t.TempDir is closed to the servers' own user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &beset{t: t, dir: dir, name: fmt.Sprintf("hrw%d", time.Now().UnixNano()%1e7)}
	for _, dir := range []string{"", "etc/conf.d", "www", "proxy"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"s", "o"} {
		if out, err := exec.Command("ip", "netns", "add", s.name+ns).CombinedOutput(); err != nil {
			t.Skipf("no network namespace can be made: %v: %s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", s.name+ns).Run() })
	}
	s.link("o", []string{front4 + "/24"}, other4+"/24")
	for _, a := range []string{client4, stranger4, doorOf4} {
		s.address("o", "lo", a+"/32")
	}
	for _, a := range []string{client6, friend6, stranger6, doorOf6} {
		s.address("o", "lo", a+"/128")
	}
	s.ip("s", "link", "set", "lo", "up")
	s.start()
	s.file("www/index.html", "welcome\n")
	start(s)
	s.proxy()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(s.dir, "hirune")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{client4, stranger4, client6, friend6, stranger6} {
		s.eventually("the site answers "+c, func() bool { return s.through(c, "GET", "/") == 200 })
	}
	return s
}

// file puts a file into the server's folder; {dir} is filled in.
func (s *beset) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "{dir}", s.dir)), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// proxy runs a reverse proxy on the other machine.
func (s *beset) proxy() {
	s.t.Helper()
	conf := s.file("proxy/nginx.conf", `daemon off; pid {dir}/proxy/pid; error_log {dir}/proxy/err; worker_processes 1;
events { worker_connections 64; }
http { access_log off; client_body_temp_path {dir}/proxy/b; proxy_temp_path {dir}/proxy/p; fastcgi_temp_path {dir}/proxy/f; uwsgi_temp_path {dir}/proxy/u; scgi_temp_path {dir}/proxy/s;
server { listen 80; listen [::]:80; location / { proxy_pass http://`+front4+`; proxy_set_header Host example.org; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }
`)
	cmd := exec.Command("ip", "netns", "exec", s.name+"o", "nginx", "-c", conf, "-p", s.dir+"/proxy")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
}

// through asks the site by way of the proxy; 0: no answer came.
func (s *beset) through(from, method, path string, more ...string) int {
	door := doorOf4
	if strings.Contains(from, ":") {
		door = doorOf6
	}
	return s.asks(from, door, method, path, more...)
}

func (s *beset) asks(from, to, method, path string, more ...string) int {
	c, err := s.dial("o", from, to, 80)
	if err != nil {
		return 0
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 0\r\n%s\r\n", method, path, strings.Join(more, "")); err != nil {
		return 0
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// served checks who is answered what by way of the proxy.
func (s *beset) served(want map[string]int) {
	s.t.Helper()
	for from, status := range want {
		if got := s.through(from, "GET", "/"); got != status {
			s.t.Errorf("%s is answered %d, want %d", from, got, status)
		}
	}
}

// configuration is every file of the web server's with its content.
func (s *beset) configuration() string {
	var b strings.Builder
	_ = filepath.WalkDir(filepath.Join(s.dir, "etc"), func(p string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			text, _ := os.ReadFile(p)
			st, _ := e.Info()
			fmt.Fprintf(&b, "%s %s %q\n", p, st.Mode(), text)
		}
		return nil
	})
	return b.String()
}

// behindProxy are the web servers that are told their clients by the proxy.
var behindProxy = map[string]func(*beset){
	"nginx": func(s *beset) {
		s.file("etc/conf.d/realip.conf", "set_real_ip_from "+other4+";\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;\n")
		conf := s.file("etc/nginx.conf", `daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.err; worker_processes 1;
events { worker_connections 64; }
http {
	access_log {dir}/access.log; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
	include {dir}/etc/conf.d/*.conf;
	server {
		listen 80;
		server_name example.org;
		root {dir}/www;
		location = /wp-login.php { proxy_pass http://127.0.0.1:8081; }
	}
	server {
		listen 127.0.0.1:8081;
		access_log off;
		default_type text/html;
		return 200 "wrong password";
	}
}
`)
		s.daemon("nginx", "-c", conf, "-p", s.dir)
	},
	"apache": func(s *beset) {
		modules := ""
		for _, m := range []string{"mpm_event", "authz_core", "authz_host", "dir", "remoteip", "alias"} {
			modules += "LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n"
		}
		s.file("etc/conf.d/remoteip.conf", "RemoteIPHeader X-Forwarded-For\nRemoteIPTrustedProxy "+other4+"\n")
		conf := s.file("etc/httpd.conf", "ServerRoot {dir}\nPidFile {dir}/httpd.pid\nServerName example.org\nErrorLog {dir}/error.log\nListen 80\nUser www-data\nGroup www-data\n"+modules+
			"LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\"\" combined\nCustomLog {dir}/access.log combined\nDirectoryIndex index.html\nDocumentRoot {dir}/www\n"+
			"<Directory />\n\tRequire all denied\n</Directory>\n<Directory {dir}/www>\n\tRequire all granted\n</Directory>\nIncludeOptional {dir}/etc/conf.d/*.conf\n")
		s.daemon("apache2", "-d", s.dir, "-f", conf, "-DFOREGROUND")
	},
}

func TestBehindAProxyTheWebServerRefuses(t *testing.T) {
	for name, start := range behindProxy {
		t.Run(name, func(t *testing.T) {
			s := fronted(t, start)
			before := s.configuration()
			open := map[string]int{client4: 200, stranger4: 200, client6: 200, friend6: 200, stranger6: 200}
			s.served(open)

			_, words := s.does(0, "block", client4, client6, "--yes")
			if !strings.Contains(strings.Join(strings.Fields(words), " "), "refused in the web server") {
				t.Errorf("got %s", words)
			}
			banned := map[string]int{client4: 403, client6: 403, friend6: 403, stranger4: 200, stranger6: 200}
			s.served(banned)
			if got := s.asks(other4, front4, "GET", "/"); got != 200 {
				t.Errorf("the proxy itself is answered %d", got)
			}
			// Who is refused cannot pass for another by a header of its own.
			if got := s.through(client4, "GET", "/", "X-Forwarded-For: "+stranger4+"\r\n"); got != 403 {
				t.Errorf("with a header of its own: got %d", got)
			}
			if text := s.nft("list", "ruleset"); text != "" {
				t.Errorf("the packet filter has %s", text)
			}
			for _, b := range s.blocks().Blocks {
				if b.Layer != block.LayerWeb || b.Held != report.HeldYes {
					t.Errorf("got %+v, want it held by the web server", b)
				}
			}

			// The proxy is never banned, not even as a part of its network.
			s.does(2, "block", other4, "--yes")
			s.does(0, "block", "203.0.113.0/24", "--yes", "--accept", "broad")
			if got := s.asks(other4, front4, "GET", "/"); got != 200 {
				t.Errorf("the proxy's network is banned, and the proxy is answered %d", got)
			}
			s.served(banned)
			s.does(0, "undo", "2", "--yes")

			// Who is allowed comes through at once.
			s.does(0, "allow", client4, "--yes")
			s.served(map[string]int{client4: 200, client6: 403})
			s.does(0, "allow", client4, "--remove", "--yes")
			s.served(banned)

			s.does(0, "undo", "1", "--yes")
			s.served(open)
			if after := s.configuration(); after != before {
				t.Errorf("the configuration is not as before:\n%s\nwant\n%s", after, before)
			}

			// A configuration that somebody has broken is left as it is.
			broken := s.file("etc/conf.d/zz.conf", "Nonsense on;\n")
			_, words = s.does(2, "block", stranger4, "--yes")
			if !strings.Contains(words, "onsense") {
				t.Errorf("got %s, want the server's words", words)
			}
			if err := os.Remove(broken); err != nil {
				t.Fatal(err)
			}
			if after := s.configuration(); after != before {
				t.Errorf("something was written:\n%s\nwant\n%s", after, before)
			}
			s.served(open)

			s.does(0, "block", stranger4, "--for", "2s", "--yes")
			s.served(map[string]int{stranger4: 403, client4: 200})
			s.eventually("its end is taken in", func() bool {
				_, _, _ = s.hirune("blocks", "--check")
				return s.through(stranger4, "GET", "/") == 200
			})
			if after := s.configuration(); after != before {
				t.Errorf("after its end:\n%s\nwant\n%s", after, before)
			}
		})
	}
}

// TestTheRecorderEndsBansOfTheWebServer has a ban run out while nobody looks.
func TestTheRecorderEndsBansOfTheWebServer(t *testing.T) {
	s := fronted(t, behindProxy["nginx"])
	before := s.configuration()
	s.does(0, "block", client4, "--for", "3s", "--yes")
	s.served(map[string]int{client4: 403, stranger4: 200})
	s.daemon(filepath.Join(s.dir, "hirune"), "record", "--tape", filepath.Join(s.dir, "tape.hirune"))
	s.within(time.Minute+patience, "the ban ends", func() bool { return s.through(client4, "GET", "/") == 200 })
	s.eventually("the list is gone", func() bool { return s.configuration() == before })
}

// TestTheWebServerHasToKnowItsProxy: what it lacks is said, in lines that help.
func TestTheWebServerHasToKnowItsProxy(t *testing.T) {
	for name, want := range map[string][]string{
		"nginx":  {"set_real_ip_from " + other4 + ";", "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"},
		"apache": {"RemoteIPHeader X-Forwarded-For", "RemoteIPTrustedProxy " + other4},
	} {
		t.Run(name, func(t *testing.T) {
			s := fronted(t, behindProxy[name])
			known := filepath.Join(s.dir, "etc/conf.d", map[string]string{"nginx": "realip.conf", "apache": "remoteip.conf"}[name])
			if err := os.WriteFile(known, []byte("# nothing\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			conf := s.file("hirune.toml", "[block]\nproxies = [\""+other4+"\"]\n")
			before := s.configuration()
			out, words := s.does(2, "block", client4, "--plan", "--config", conf)
			for _, line := range want {
				if !strings.Contains(out, line) {
					t.Errorf("%q is not among\n%s\n%s", line, out, words)
				}
			}
			s.does(2, "block", client4, "--yes", "--config", conf)
			if s.nft("list", "ruleset") != "" || s.configuration() != before {
				t.Error("something was changed")
			}
			// What was said makes it work.
			if err := os.WriteFile(known, []byte(strings.Join(want, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			s.does(0, "block", client4, "--yes", "--config", conf)
			s.served(map[string]int{client4: 403, stranger4: 200})
		})
	}
}

// TestAnAttackThroughTheProxyIsStopped finds who attacks in the log, and refuses him
// alone.
func TestAnAttackThroughTheProxyIsStopped(t *testing.T) {
	s := fronted(t, behindProxy["nginx"])
	for range 120 {
		if got := s.through(client4, "POST", "/wp-login.php"); got != 200 {
			t.Fatalf("a log-in: got %d", got)
		}
	}
	for range 20 {
		s.served(map[string]int{stranger4: 200, stranger6: 200})
	}
	_, out, words := s.hirune("attacks")
	if !strings.Contains(out, "Ban 1 address") {
		t.Fatalf("nobody is to be banned:\n%s\n%s", out, words)
	}
	s.does(0, "block", "wp-login-brute-force", "--yes")
	s.served(map[string]int{client4: 403, stranger4: 200, client6: 200})
	if got := s.asks(other4, front4, "GET", "/"); got != 200 {
		t.Errorf("the proxy itself is answered %d", got)
	}
}

// TestManyAddressesAreLimited has the log-in of a site attacked by addresses that
// each try once.
func TestManyAddressesAreLimited(t *testing.T) {
	s := fronted(t, behindProxy["nginx"])
	s.file("www/wp-config.php", "<?php\ndefine('DB_NAME', 'wp');\ndefine('DB_USER', 'wp');\ndefine('DB_PASSWORD', 'x');\ndefine('DB_HOST', 'localhost:{dir}/no.sock');\n$table_prefix = 'wp_';\n")
	if err := os.MkdirAll(filepath.Join(s.dir, "www/wp-includes"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.file("www/wp-includes/version.php", "<?php\n$wp_version = '6.4.1';\n")
	before := s.configuration()
	s.does(1, "block", "rate-limit:login", "--plan")
	_, words := s.does(0, "block", "rate-limit:login", "--yes")
	if !strings.Contains(strings.Join(strings.Fields(words), " "), "429") {
		t.Errorf("got %s", words)
	}
	got := map[int]int{}
	for i := range 80 {
		got[s.asks(other4, front4, "POST", "/wp-login.php", fmt.Sprintf("X-Forwarded-For: 198.51.100.%d\r\n", i))]++
	}
	if got[200] == 0 || got[200] > 40 || got[429] == 0 || len(got) != 2 {
		t.Errorf("80 log-ins of 80 addresses: got %v", got)
	}
	s.served(map[string]int{client4: 200, stranger6: 200})
	s.does(0, "undo", "1", "--yes")
	if after := s.configuration(); after != before {
		t.Errorf("the configuration is not as before:\n%s\nwant\n%s", after, before)
	}
	if code, _, _ := s.hirune("block", "rate-limit:nothing", "--plan"); code != 2 {
		t.Errorf("a limit that there is not: exit code %d", code)
	}
}
