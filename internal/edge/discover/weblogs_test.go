package discover

import (
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"hirune/internal/edge/webconf"
)

// webOf finds the web server of a configuration, and what it includes.
func webOf(t testing.TB, all map[string]string) (WebServer, []Note) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := &host{base: dir, nets: map[string]sockets{}, found: &Found{}}
	p := process{pid: 1, comm: "httpd", tree: webconf.Tree{Base: dir}}
	switch {
	case all["etc/nginx.conf"] != "":
		p.comm, p.args = "nginx", []string{"nginx: master process nginx -c /etc/nginx.conf -p /var"}
		h.nginx(&p)
	case all["usr/local/lsws/conf/httpd_config.conf"] != "":
		p.comm, p.args = "openlitespeed", []string{"openlitespeed (lshttpd - main)"}
		h.litespeed(&p)
	default:
		p.args = []string{"httpd", "-d", "/etc", "-f", "httpd.conf"}
		h.apache(&p)
	}
	return h.found.WebServers[0], h.found.Notes
}

func nets(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// The formats of the cases.
const (
	short = `%h %t "%r" %>s`
	timed = `%h %t "%r" %>s %D`
)

func TestLogsOfApache(t *testing.T) {
	formats := "LogFormat \"%h %t \\\"%r\\\" %>s\" short\nLogFormat \"%h %t \\\"%r\\\" %>s %D\" timed\n"
	for _, c := range []struct {
		name, conf string
		more       map[string]string
		want       []AccessLog
	}{
		{"by nickname, by the format itself, by default", formats + "CustomLog /a short\nCustomLog /b \"%h %D\"\nTransferLog /c\n", nil,
			[]AccessLog{{Path: "/a", Format: short}, {Path: "/b", Format: "%h %D"}, {Path: "/c", Format: commonFormat}}},
		{"a nickname that comes later", "CustomLog /a short\n" + formats, nil, []AccessLog{{Path: "/a", Format: short}}},
		{"a nickname that nobody defines", "CustomLog /a other\nCustomLog /b combined\n", nil, []AccessLog{{Path: "/a"}, {Path: "/b", Format: combinedFormat}}},
		{"a format for transfer logs", formats + "LogFormat \"%h %D\"\nTransferLog /a\n<VirtualHost *:80>\nTransferLog /b\nLogFormat timed\n</VirtualHost>\n", nil,
			[]AccessLog{{Path: "/a", Format: "%h %D"}, {Path: "/b", Format: timed}}},
		{"a host's own meaning of a nickname", formats + "CustomLog /a short\n<VirtualHost *:80>\nLogFormat \"%v %D\" short\nCustomLog /b short\nCustomLog /c timed\n</VirtualHost>\n", nil,
			[]AccessLog{{Path: "/a", Format: short}, {Path: "/b", Format: "%v %D"}, {Path: "/c", Format: timed}}},
		{"hosts without a log write to the main one", formats + "ServerName main:80\nDocumentRoot /m\nCustomLog /a short\n<VirtualHost *:80>\nServerName https://one:443\nServerAlias www.one *.one\nDocumentRoot /one\n</VirtualHost>\n<VirtualHost *:80>\nServerName two\nCustomLog /b timed\n</VirtualHost>\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Names: []string{"main", "one", "www.one", "*.one"}, Roots: []string{"/m", "/one"}}, {Path: "/b", Format: timed, Site: "two", Names: []string{"two"}, Roots: []string{"/m"}}}},
		{"a log for all hosts", formats + "GlobalLog /a short\nCustomLog /b short\n<VirtualHost *:80>\nServerName one\nCustomLog /c short\n</VirtualHost>\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Names: []string{"one"}}, {Path: "/b", Format: short}, {Path: "/c", Format: short, Site: "one", Names: []string{"one"}}}},
		{"a shared log with another meaning of its nickname", formats + "CustomLog /a short\n<VirtualHost *:80>\nLogFormat \"%v %D\" short\n</VirtualHost>\n", nil, []AccessLog{{Path: "/a", Format: short, Formats: []string{"%v %D"}}}},
		{"two formats by a condition", formats + "CustomLog /a short env=!forwarded\nCustomLog /a timed env=forwarded\nCustomLog /b short \"expr=%{REQUEST_STATUS} >= 400\"\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Formats: []string{timed}, Partly: true}, {Path: "/b", Format: short, Partly: true}}},
		{"behind a proxy", formats + "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 10.0.0.0/8 2001:db8::/32 lb.example\nRemoteIPTrustedProxy 192.0.2.0/255.255.255.0 198.51 203.0.113.9 10.0.0.0/8\nCustomLog /a short\n<VirtualHost *:80>\nCustomLog /b short\nRemoteIPHeader CF-Connecting-IP\nRemoteIPTrustedProxyList conf/cf.list\n</VirtualHost>\n",
			map[string]string{"etc/conf/cf.list": "# of the CDN\n173.245.48.0/20 103.21.244.0/22 # more\n\n2400:cb00::/32\n"},
			[]AccessLog{
				{Path: "/a", Format: short, Proxy: &Proxy{Header: "X-Forwarded-For", Recursive: true, Trusted: nets("10.0.0.0/8", "2001:db8::/32", "192.0.2.0/24", "198.51.0.0/16", "203.0.113.9/32"), Others: []string{"lb.example"}}},
				{Path: "/b", Format: short, Proxy: &Proxy{Header: "CF-Connecting-IP", Recursive: true, Trusted: nets("10.0.0.0/8", "2001:db8::/32", "192.0.2.0/24", "198.51.0.0/16", "203.0.113.9/32", "173.245.48.0/20", "103.21.244.0/22", "2400:cb00::/32"), Others: []string{"lb.example"}}},
			}},
		{"every peer is believed", formats + "RemoteIPHeader X-Forwarded-For\nCustomLog /a short\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Proxy: &Proxy{Header: "X-Forwarded-For", Recursive: true, Anyone: true}}}},
		{"a list that cannot be read", formats + "RemoteIPHeader X\nRemoteIPTrustedProxyList no.list\nCustomLog /a short\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Proxy: &Proxy{Header: "X", Recursive: true, Others: []string{"no.list"}}}}},
		{"the PROXY protocol", formats + "RemoteIPProxyProtocol On\nCustomLog /a short\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Proxy: &Proxy{Header: proxyProtocol, Anyone: true}}}},
		{"a module that is not there", formats + "<IfModule remoteip_module>\nRemoteIPHeader X\n</IfModule>\nCustomLog /a short\n", nil, []AccessLog{{Path: "/a", Format: short}}},
		{"one host behind a proxy, one not", formats + "<VirtualHost *:80>\nCustomLog /a short\nRemoteIPHeader X\nRemoteIPInternalProxy 10.1.1.1\n</VirtualHost>\n<VirtualHost *:81>\nCustomLog /a short\n</VirtualHost>\n", nil,
			[]AccessLog{{Path: "/a", Format: short, Proxy: &Proxy{Header: "X", Recursive: true, Trusted: nets("10.1.1.1/32"), Mixed: true}}}},
		{"inside a section for a path", formats + "<Directory /x>\nCustomLog /a short\n</Directory>\n<IfVersion >= 2.4>\nCustomLog /b short\n</IfVersion>\n", nil, []AccessLog{{Path: "/b", Format: short}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]string{"etc/httpd.conf": c.conf}
			maps.Copy(all, c.more)
			w, _ := webOf(t, all)
			sameLogs(t, w.AccessLogs, c.want)
		})
	}
}

func TestLogsOfNginx(t *testing.T) {
	for _, c := range []struct {
		name, conf string
		want       []AccessLog
	}{
		{"formats", "log_format a '$remote_addr ' \"$status\";\nlog_format j escape=json '{\"a\":\"$remote_addr\"}';\nlog_format d escape=default '$status';\nserver { access_log /a a; access_log log/b j; access_log /c d; access_log /d; access_log /e nobody; access_log off; access_log syslog:server=x; }",
			[]AccessLog{{Path: "/a", Format: "$remote_addr $status"}, {Path: "/var/log/b", Format: `escape=json {"a":"$remote_addr"}`}, {Path: "/c", Format: "$status"}, {Path: "/d", Format: ngxCombined}, {Path: "/e"}}},
		{"conditions and compression", "log_format a '$status';\nserver { access_log /a a if=$loggable; access_log /b a gzip flush=5m; access_log /c a buffer=32k gzip=4; access_log /d a buffer=1k; }",
			[]AccessLog{{Path: "/a", Format: "$status", Partly: true}, {Path: "/b", Format: "$status", Gzip: true}, {Path: "/c", Format: "$status", Gzip: true}, {Path: "/d", Format: "$status"}}},
		{"names, roots, and who inherits", "access_log /h;\nroot /r;\nserver { server_name one www.one; root /one; }\nserver { server_name ~^x *.two _; }\nserver { server_name three; access_log /three; location / { root /3; access_log /loc if=$x; } }\nserver { server_name four; access_log off; }",
			[]AccessLog{{Path: "/three", Format: ngxCombined, Site: "three", Names: []string{"three"}, Roots: []string{"/3"}}, {Path: "/loc", Format: ngxCombined, Site: "three", Names: []string{"three"}, Roots: []string{"/3"}, Partly: true},
				{Path: "/h", Format: ngxCombined, Names: []string{"one", "www.one", "~^x", "*.two"}, Roots: []string{"/one", "/r"}}}},
		{"behind a proxy", "set_real_ip_from 10.0.0.0/8;\nset_real_ip_from unix:;\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;\nserver { access_log /a; }\nserver { access_log /b; set_real_ip_from 173.245.48.0/20; set_real_ip_from 2400:cb00::1; real_ip_header CF-Connecting-IP; real_ip_recursive off; }",
			[]AccessLog{{Path: "/a", Format: ngxCombined, Proxy: &Proxy{Header: "X-Forwarded-For", Recursive: true, Trusted: nets("10.0.0.0/8"), Others: []string{"unix:"}}},
				{Path: "/b", Format: ngxCombined, Proxy: &Proxy{Header: "CF-Connecting-IP", Trusted: nets("173.245.48.0/20", "2400:cb00::1/128")}}}},
		{"a header and nobody to believe", "real_ip_header X-Forwarded-For;\nserver { access_log /a; }", []AccessLog{{Path: "/a", Format: ngxCombined}}},
		{"everybody is believed", "set_real_ip_from 0.0.0.0/0;\nserver { access_log /a; }", []AccessLog{{Path: "/a", Format: ngxCombined, Proxy: &Proxy{Header: "X-Real-IP", Anyone: true, Trusted: nets("0.0.0.0/0")}}}},
		{"a location of its own", "server { access_log /a; location /x { set_real_ip_from 10.1.1.1; access_log /b; } }",
			[]AccessLog{{Path: "/a", Format: ngxCombined}, {Path: "/b", Format: ngxCombined, Proxy: &Proxy{Header: "X-Real-IP", Trusted: nets("10.1.1.1/32")}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := webOf(t, map[string]string{"etc/nginx.conf": "http {\n" + c.conf + "\n}\n"})
			for i, l := range c.want {
				if l.Roots == nil {
					c.want[i].Roots = []string{"/var/html"}
				}
			}
			sameLogs(t, w.AccessLogs, c.want)
		})
	}
}

// TestLogsOfLiteSpeed has the files that OpenLiteSpeed installs, with a host as
// CyberPanel writes it and one of a template.
func TestLogsOfLiteSpeed(t *testing.T) {
	const own = `%v %h %l %u %t "%r" %>s %b`
	w, notes := webOf(t, map[string]string{
		"usr/local/lsws/conf/httpd_config.conf": `serverName
useIpInProxyHeader 2
accesslog logs/access.log {
  rollingSize             10M
  logHeaders              7
}
accessControl  {
  allow                   ALL, 173.245.48.0/20T, 2400:cb00::/32T
}
virtualHost shop {
  vhRoot                  /home/shop.example
  configFile              $SERVER_ROOT/conf/vhosts/$VH_NAME/vhost.conf
}
virtualHost Example{
  vhRoot                   Example/
  configFile               conf/vhosts/Example/vhconf.conf
}
listener Default {
  address                 *:8088
  secure                  0
  map                     Example *
  map                     shop shop.example, www.shop.example
}
listener SSL {
  address                 *:443
  secure                  1
  map                     shop shop.example
}
vhTemplate centralConfigLog {
  templateFile            conf/templates/ccl.conf
  listeners               Default
  member blog.example {
    vhDomain              $VH_NAME
  }
}
vhTemplate none {
  templateFile            conf/templates/absent.conf
}
`,
		"usr/local/lsws/conf/vhosts/shop/vhost.conf":     "docRoot $VH_ROOT/public_html\nvhAliases mail.$VH_NAME\naccesslog $VH_ROOT/logs/$VH_NAME.access_log {\n  useServer 0\n  logFormat \"%v %h %l %u %t \"%r\" %>s %b\"\n  logHeaders 5\n}\n",
		"usr/local/lsws/conf/vhosts/Example/vhconf.conf": "docRoot $VH_ROOT/html/\naccessLog $VH_ROOT/logs/access.log{\n  useServer 1\n}\n",
		"usr/local/lsws/conf/templates/ccl.conf":         "vhRoot $SERVER_ROOT/$VH_NAME/\nvirtualHostConfig {\n docRoot $VH_ROOT/html/\n accessLog $SERVER_ROOT/logs/$VH_NAME.access.log{\n  useServer 0\n  logUserAgent 1\n  logReferer 0\n }\n}\n",
	})
	proxy := &Proxy{Header: "X-Forwarded-For", Trusted: nets("173.245.48.0/20", "2400:cb00::/32"), Anyone: true}
	sameLogs(t, w.AccessLogs, []AccessLog{
		{Path: "/home/shop.example/logs/shop.access_log", Format: own, Site: "shop.example", Names: []string{"shop.example", "www.shop.example", "mail.shop"}, Roots: []string{"/home/shop.example/public_html"}, Proxy: proxy},
		{Path: "/usr/local/lsws/logs/blog.example.access.log", Format: commonFormat + ` "%{User-Agent}i"`, Site: "blog.example", Names: []string{"blog.example"}, Roots: []string{"/usr/local/lsws/blog.example/html"}, Proxy: proxy},
		{Path: "/usr/local/lsws/logs/access.log", Format: combinedFormat + ` "%{Host}i"`, Formats: []string{"[%v] " + combinedFormat + ` "%{Host}i"`}, Roots: []string{"/usr/local/lsws/Example/html"}, Proxy: proxy},
	})
	if len(notes) != 0 || w.Instance != "litespeed:443" {
		t.Errorf("got %s, notes %v", w.Instance, notes)
	}
	want := DocRoot{Site: "shop.example", Listen: "127.0.0.1:443", Dir: "/home/shop.example/public_html", TLS: true}
	if len(w.DocRoots) != 3 || w.DocRoots[1] != want {
		t.Errorf("got document roots %+v", w.DocRoots)
	}
}

func TestProxiesOfLiteSpeed(t *testing.T) {
	for conf, want := range map[string]*Proxy{
		"useIpInProxyHeader 1\n": {Header: "X-Forwarded-For", Anyone: true},
		"useIpInProxyHeader 0\naccessControl {\n allow 10.0.0.1T\n}\n": nil,
		"x 1\n": nil,
		"accessControl {\n allow ALL, 10.0.0.1T\n}\n": {Header: "X-Forwarded-For", Anyone: true, Trusted: nets("10.0.0.1/32")},
	} {
		w, _ := webOf(t, map[string]string{"usr/local/lsws/conf/httpd_config.conf": "accesslog /a {\n}\n" + conf})
		if len(w.AccessLogs) != 1 || !reflect.DeepEqual(w.AccessLogs[0].Proxy, want) {
			t.Errorf("%q: got %+v", conf, w.AccessLogs)
		}
	}
}

func sameLogs(t *testing.T, got, want []AccessLog) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		var g, w any
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !reflect.DeepEqual(g, w) {
			gb, _ := json.Marshal(g)
			wb, _ := json.Marshal(w)
			t.Errorf("log %d:\ngot  %s\nwant %s", i, gb, wb)
		}
	}
}

// TestPipedLogIsNotedOnce has a log that several hosts write to.
func TestPipedLogIsNotedOnce(t *testing.T) {
	_, notes := webOf(t, map[string]string{"etc/httpd.conf": "CustomLog \"|/bin/x /log\" common\n<VirtualHost *>\n</VirtualHost>\n<VirtualHost *>\n</VirtualHost>\n"})
	piped := slices.DeleteFunc(notes, func(n Note) bool { return n.Why != "it goes to a program" })
	if len(piped) != 1 {
		t.Errorf("got notes %+v", notes)
	}
}

// TestOneLogUnderTwoNames keeps a log from being read twice: Bitnami's apache2
// is a link to apache.
func TestOneLogUnderTwoNames(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("log", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	h, w := &host{base: dir}, WebServer{}
	h.addLog(&w, AccessLog{Path: "/log", Format: "a", Names: []string{"x"}})
	h.addLog(&w, AccessLog{Path: "/link", Format: "b", Names: []string{"x", "y"}})
	sameLogs(t, w.AccessLogs, []AccessLog{{Path: "/log", Format: "a", Formats: []string{"b"}, Names: []string{"x", "y"}}})
}

func TestNetsOfProxies(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "192.0.2.7/24": "192.0.2.0/24", "192.0.2.7/255.255.255.0": "192.0.2.0/24", "::1": "::1/128", "fe80::1%eth0": "fe80::1/128",
		"10": "10.0.0.0/8", "10.1": "10.1.0.0/16", "10.1.2.": "10.1.2.0/24",
		"lb": "", "unix:": "", "": "", "10.1.2.3/255.0.255.0": "", "a.b": "", "300.1": "", "10.1/8": "", "1.2.3.4.5": "",
	} {
		got, ok := parseNet(s)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: got %v, %v, want %q", s, got, ok, want)
		}
	}
}

func FuzzNets(f *testing.F) {
	f.Add("10.0.0.0/255.0.0.0")
	f.Add("1.2")
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseNet(s); ok && !n.IsValid() {
			t.Errorf("%q: got %v", s, n)
		}
	})
}

// FuzzWeb reads what anybody may have written into a web server's configuration.
func FuzzWeb(f *testing.F) {
	mains := []string{"etc/httpd.conf", "etc/nginx.conf", "usr/local/lsws/conf/httpd_config.conf"}
	f.Add(0, "LogFormat a\nCustomLog \"|x\" a b\nLogFormat\n<VirtualHost>\nTransferLog /x\nRemoteIPTrustedProxyList /etc/httpd.conf\n</VirtualHost>\n")
	f.Add(0, "LogFormat \"\"\nTransferLog /x\nLogFormat a\n<VirtualHost x>\nTransferLog /y\n</VirtualHost>\n")
	f.Add(1, "http { log_format a escape=json; server { listen; access_log a gzip if=; server_name \"\"; location { set_real_ip_from x 1; } } }")
	f.Add(2, "listener {\nmap\naddress a\n}\nvhTemplate x {\nmember\n}\naccesslog {\n}\nvirtualhost {\n}\n")
	f.Fuzz(func(t *testing.T, kind int, text string) {
		if kind < 0 || kind >= len(mains) || text == "" {
			return
		}
		w, _ := webOf(t, map[string]string{mains[kind]: text})
		for _, l := range w.AccessLogs {
			if !filepath.IsAbs(l.Path) {
				t.Errorf("got a log at %q", l.Path)
			}
		}
	})
}
