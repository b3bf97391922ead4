package discover

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLogsAreWrittenAsTold asks a real Apache and a real nginx for a page of each
// virtual host, and compares the lines in each log that was found with the
// format that was told for it. The formats tell nothing but the status.
func TestLogsAreWrittenAsTold(t *testing.T) {
	bins := needDaemons(t, "apache2", "nginx")
	r := &rig{t: t, dir: shortTemp(t), bins: bins}
	for _, d := range []string{"www", "logs", "run"} {
		r.mkdir(d)
	}
	aPort, nPort := freePort(t), freePort(t)
	r.write("apache.conf", apacheModules+"LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\nServerRoot @\nServerName main\nPidFile @/run/a.pid\nMutex file:@/run default\nDefaultRuntimeDir @/run\nErrorLog logs/e\n"+
		fmt.Sprintf("Listen 127.0.0.1:%d\n", aPort)+
		`DocumentRoot @/www
LogFormat "main \"q\" b\\\\s %>s" nick
CustomLog logs/main nick
GlobalLog logs/all nick
LogFormat "default %>s"
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 10.9.9.9
<VirtualHost *>
 ServerName heir
 LogFormat "heir %>s" nick
</VirtualHost>
<VirtualHost *>
 ServerName own
 LogFormat "own %>s" nick
 CustomLog logs/own nick
 TransferLog logs/transfer
 CustomLog logs/direct 'direct "%>s"'
 CustomLog logs/client "%h"
 RemoteIPInternalProxy 127.0.0.0/255.0.0.0
</VirtualHost>
<VirtualHost *>
 ServerName transfer
 LogFormat nick
 TransferLog logs/transfer2
</VirtualHost>
<VirtualHost *>
 ServerName strict
 CustomLog logs/strict "%h"
</VirtualHost>
<VirtualHost *>
 ServerName part
 RemoteIPInternalProxy 127.0
 CustomLog logs/part "%h"
</VirtualHost>
`)
	r.write("nginx.conf", "pid @/run/n.pid;\nerror_log @/logs/ne;\nevents { worker_connections 64; }\nhttp {\n root @/www;\n"+
		` log_format tab "a\tb" '\d "q" \'p\' ' \\x\;y " $status";
 log_format js escape=json '{"s": "$status"}';
 log_format cl "$remote_addr";
 set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
 access_log @/logs/n-main tab;
`+fmt.Sprintf("server { listen 127.0.0.1:%d default_server; server_name heir; }\nserver { listen 127.0.0.1:%d; server_name own; access_log @/logs/n-own js; access_log @/logs/n-client cl; access_log @/logs/n-part js if=$arg_x; location /in { access_log @/logs/n-in tab; } }\nserver { listen 127.0.0.1:%d; server_name strict; set_real_ip_from 10.9.9.9; access_log @/logs/n-strict cl; }\n}\n", nPort, nPort, nPort))
	r.start("apache.out", "apache2", "-f", r.path("apache.conf"), "-D", "FOREGROUND")
	r.start("nginx.out", "nginx", "-p", r.dir, "-c", r.path("nginx.conf"), "-g", "daemon off;")
	found := r.findAll(2)
	for _, host := range []string{"heir", "own", "transfer", "strict", "part"} {
		r.get(aPort, host, "/none")
	}
	for _, host := range []string{"heir", "own", "strict"} {
		r.get(nPort, host, "/none")
		r.get(nPort, host, "/in/none")
	}
	want := []string{"main", "all", "own", "transfer", "direct", "client", "transfer2", "strict", "part", "n-main", "n-own", "n-client", "n-part", "n-in", "n-strict"}
	for _, w := range found.WebServers {
		for _, l := range w.AccessLogs {
			i := slices.IndexFunc(want, func(s string) bool { return l.Path == r.path("logs/"+s) })
			if i < 0 {
				continue
			}
			r.checkLines(l)
			want = slices.Delete(want, i, i+1)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %q in %+v", want, found.WebServers)
	}
}

// get asks for a page by way of a proxy that we are ourselves.
func (r *rig) get(port int, host, path string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Host, q.Close = host, true
	q.Header.Set("X-Forwarded-For", "192.0.2.77")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, a.Body)
	_ = a.Body.Close()
	if a.StatusCode != http.StatusNotFound {
		r.t.Errorf("%s: got status %d", q.URL, a.StatusCode)
	}
}

// checkLines waits for the first line of a log, unless it leaves all out, and
// checks that all its lines are as told.
func (r *rig) checkLines(l AccessLog) {
	r.t.Helper()
	var lines []string
	for _, f := range append(l.Formats, l.Format) {
		line := strings.NewReplacer("escape=json ", "", "%>s", "404", "$status", "404", `\\`, `\`).Replace(f)
		if f == "%h" || f == "$remote_addr" {
			line = "127.0.0.1"
			if slices.ContainsFunc(l.Proxy.Trusted, func(n netip.Prefix) bool { return n.Contains(netip.MustParseAddr(line)) }) {
				line = "192.0.2.77"
			}
		}
		lines = append(lines, line)
	}
	var text []byte
	for range 100 {
		if text, _ = os.ReadFile(l.Path); len(text) > 0 || l.Partly {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if (len(text) == 0) != l.Partly {
		r.t.Errorf("%s: got %d bytes, partly: %v", l.Path, len(text), l.Partly)
	}
	for got := range strings.Lines(string(text)) {
		if got = strings.TrimSuffix(got, "\n"); !slices.Contains(lines, got) {
			r.t.Errorf("%s: got line %q, want one of %q", l.Path, got, lines)
		}
	}
}
