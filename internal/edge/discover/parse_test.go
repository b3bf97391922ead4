package discover

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hirune/internal/edge/webconf"
)

// apacheOf parses one file in a directory of its own.
func apacheOf(t *testing.T, text string, defines ...string) apacheConfig {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "httpd.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, errs := parseApache(webconf.Tree{Base: dir}, webconf.ApacheStart{File: "httpd.conf", Root: "/", Defines: defines, Env: map[string]string{"ENVDIR": "/e"}})
	if len(errs) > 0 {
		t.Fatalf("got errors %v", errs)
	}
	return cfg
}

func TestApacheConditions(t *testing.T) {
	cfg := apacheOf(t, `
Define D /d
LoadModule mpm_worker_module x.so
<IfModule mod_ssl.c>
Listen 1
</IfModule>
<IfModule !mod_ssl.c>
  <IfDefine SITE>
  Listen 2
  </IfDefine>
  <IfDefine OTHER>
  Listen 3
  </IfDefine>
</IfModule>
<IfModule worker.c>
ServerLimit 4
ThreadsPerChild 10
</IfModule>
<VirtualHost *:80>
  <Directory />
    ErrorLog no
  </Directory>
  ErrorLog ${ENVDIR}/x
  CustomLog ${D}/y "%h %r"
  CustomLog ${UNKNOWN}/z common
</VirtualHost>
ErrorLog main
`, "SITE")
	if !slices.Equal(cfg.Listen, []string{"2"}) || cfg.MaxWorkers != 40 || cfg.MPM != "worker" {
		t.Errorf("got %+v", cfg)
	}
	if len(cfg.Hosts) != 1 || cfg.Hosts[0].ErrorLog != "/e/x" || cfg.Main.ErrorLog != "/main" {
		t.Fatalf("got hosts %+v, main %+v", cfg.Hosts, cfg.Main)
	}
	if logs := cfg.Hosts[0].Logs; len(logs) != 2 || logs[0] != (apacheLog{Target: "/d/y", Format: "%h %r"}) || logs[1].Target != "/${UNKNOWN}/z" {
		t.Errorf("got logs %+v", logs)
	}
}

func TestApacheIncludesItself(t *testing.T) {
	cfg := apacheOf(t, "Listen 80\nInclude /httpd.conf\nInclude /\n")
	if len(cfg.Listen) == 0 {
		t.Error("nothing was read")
	}
}

func TestMyCnf(t *testing.T) {
	o := myOptions{}
	var included []string
	parseMyCnf("[client]\nport=1\n[mysqld]\nloose_slow_query_log_file = 'a b.log' # x\nsocket=/s ; y\nskip-networking\n[mariadb-10.11]\nport = 7 # z\n!includedir /d\n[mysqld_safe]\nlog-error=no\n", o, func(v, a string) { included = append(included, v+" "+a) })
	want := myOptions{"slow-query-log-file": "a b.log", "socket": "/s ; y", "skip-networking": "", "port": "7"}
	if !reflect.DeepEqual(o, want) || !slices.Equal(included, []string{"!includedir /d"}) {
		t.Errorf("got %v %v, want %v", o, included, want)
	}
	o.takeArgs([]string{"mariadbd", "--port=9", "--skip_networking=0"})
	if o["port"] != "9" || o.on("skip-networking") {
		t.Errorf("got %v", o)
	}
}

func TestSocketTables(t *testing.T) {
	tcp, unix := map[string]netip.AddrPort{}, map[string]string{}
	parseTCP("  sl\n   0: 0100007F:0CEA 00000000:0000 0A 0:0 00:0 0 105 0 50753 1\n   1: 0100007F:0CEA 00000000:0000 01 0:0 00:0 0 105 0 9 1\n   2: 00000000000000000000000001000000:0050 0:0 0A 0:0 00:0 0 0 0 7 1\n", tcp)
	parseUnix("Num\n0000: 00000002 00000000 00010000 0001 01    12 /a b/c\n0000: 00000003 00000000 00000000 0001 03 13 /x\n0000: 00000002 00000000 00010000 0001 01 14\n", unix)
	if len(tcp) != 2 || tcp["50753"].String() != "127.0.0.1:3306" || tcp["7"].String() != "[::1]:80" {
		t.Errorf("got %v", tcp)
	}
	if len(unix) != 1 || unix["12"] != "/a b/c" {
		t.Errorf("got %v", unix)
	}
}

func FuzzMyCnf(f *testing.F) {
	f.Add("[mysqld]\nport=1\n!include x\nloose-a='b\n[")
	f.Fuzz(func(_ *testing.T, text string) { parseMyCnf(text, myOptions{}, func(string, string) {}) })
}

func FuzzFPM(f *testing.F) {
	f.Add("[global]\ninclude=x\n[a]\nlisten = '/run/$pool'\n;x\n[")
	f.Fuzz(func(t *testing.T, text string) {
		r := fpmReader{byName: map[string]int{}, left: 0}
		r.cfg.Global.Set = map[string]string{}
		section := -1
		for line := range strings.Lines(text) {
			section = r.line(strings.TrimSpace(line), "f", section, 0)
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add("[[database]]\nsocket='/x'\n[ignore]\nweb=['a']\n[[x.y]]\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseConfig(text) })
}
