package accesslog

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/hint"
)

const (
	apacheTimed = `%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D`
	apacheOwn   = `%{%Y-%m-%dT%H:%M:%S}t %a %{X-Forwarded-For}i %m %U%q %s %B %{ms}T \"%{User-Agent}i\"`
	nginxCombi  = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`
	nginxTimed  = nginxCombi + ` $request_time $upstream_response_time`
	nginxJSON   = `escape=json {"time":"$time_iso8601","ip":"$remote_addr","request":"$request","status":$status,"bytes":$body_bytes_sent,"agent":"$http_user_agent","took":$request_time}`
)

func fixture(t testing.TB, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		out = append(out, bytes.Clone(s.Bytes()))
	}
	if len(out) == 0 {
		t.Fatalf("%s has no line", path)
	}
	return out
}

// The fixtures were written by the real servers: the same requests each.
func TestFormatsOfRealServers(t *testing.T) {
	const apache, nginx = "debian-12-apache-2.4.71/", "debian-12-nginx-1.22.1/"
	for _, c := range []struct {
		file, format string
		want         string // of the request for fatal.php
		took         bool
	}{
		{apache + "combined.log", "combined", `127.0.0.1 GET /fatal.php 500 205 -1 1795351878`, false},
		{apache + "common.log", "common", `127.0.0.1 GET /fatal.php 500 1 -1 1795351878`, false},
		{apache + "vhost.log", "vhost_combined", `127.0.0.1 GET /fatal.php 500 205 -1 1795351878`, false},
		{apache + "timed.log", apacheTimed, `127.0.0.1 GET /fatal.php 500 1 1607 1795351878`, true},
		{apache + "combined.log", "", `127.0.0.1 GET /fatal.php 500 205 -1 1795351878`, false},
		{apache + "vhost.log", "", `127.0.0.1 GET /fatal.php 500 205 -1 1795351878`, false},
		{apache + "common.log", "", `127.0.0.1 GET /fatal.php 500 1 -1 1795351878`, false},
		{nginx + "combined.log", nginxCombi, `127.0.0.1 GET /fatal.php 504 167 -1 1795351889`, false},
		{nginx + "timed.log", nginxTimed, `127.0.0.1 GET /fatal.php 504 167 1001000 1795351889`, true},
		{nginx + "json.log", nginxJSON, `127.0.0.1 GET /fatal.php 504 167 1001000 1795351889`, true},
	} {
		t.Run(c.file+" "+fmt.Sprint(c.format == ""), func(t *testing.T) {
			p := NewParser(c.format, time.UTC)
			var e Entry
			found := false
			for _, line := range fixture(t, c.file) {
				if !p.Parse(line, &e) {
					t.Errorf("not understood: %s", line)
					continue
				}
				at, _ := p.Unix(&e)
				if got := fmt.Sprintf("%s %s %s %d %d %d %d", e.Client, e.Method, e.Target, e.Status, e.Bytes, e.TookUs, at); bytes.Contains(line, []byte("fatal.php")) {
					found = true
					if got != c.want {
						t.Errorf("got  %s\nwant %s", got, c.want)
					}
				}
			}
			if !found || p.Took() != c.took || p.Err() != nil {
				t.Errorf("found %v, took %v, err %v", found, p.Took(), p.Err())
			}
		})
	}
}

func TestEscapes(t *testing.T) {
	for _, c := range []struct{ file, format, agent string }{
		{"debian-12-apache-2.4.71/combined.log", "combined", `say \"hi\" \\ back`},
		{"debian-12-apache-2.4.71/own.log", apacheOwn, `say \"hi\" \\ back`},
		{"debian-12-nginx-1.22.1/combined.log", nginxCombi, `say \x22hi\x22 \x5C back`},
		{"debian-12-nginx-1.22.1/json.log", nginxJSON, `say \"hi\" \\ back`},
	} {
		var e Entry
		line := fixture(t, c.file)[1]
		if p := NewParser(c.format, time.UTC); !p.Parse(line, &e) || string(e.Agent) != c.agent || string(e.Target) != "/?s=%22x%22" {
			t.Errorf("%s: got agent %q, target %q", c.file, e.Agent, e.Target)
		}
	}
}

func TestOwnFormatOfTheOwner(t *testing.T) {
	p := NewParser(apacheOwn, time.FixedZone("JST", 9*3600))
	var e Entry
	if !p.Parse([]byte(`2026-11-22T12:51:16 10.0.0.1 192.0.2.9, 10.1.1.1 GET /slow.php?t=2 200 2 2000 "a b"`), &e) {
		t.Fatal("not understood")
	}
	at, ok := p.Unix(&e)
	if !ok || !time.Unix(at, 0).Equal(time.Date(2026, 11, 22, 3, 51, 16, 0, time.UTC)) {
		t.Errorf("got time %v", time.Unix(at, 0).UTC())
	}
	if string(e.Client) != "10.0.0.1" || e.TookUs != 2_000_000 {
		t.Errorf("got client %s, %d us", e.Client, e.TookUs)
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		format, value string
		us            int64
	}{
		{"%D", "1607", 1607}, {"%T", "2", 2_000_000}, {"%{ms}T", "15", 15000}, {"%{us}T", "7", 7}, {"%{s}T", "3", 3_000_000},
		{"%D", "-", -1}, {"%D", "99999999999999999999", -1},
		{"$request_time", "0.123", 123000}, {"$upstream_response_time", "0.010, 0.020", 10000}, {"$upstream_response_time", "-", -1},
	} {
		format, line := `%h "%r" %>s `+c.format, `192.0.2.1 "GET / HTTP/1.1" 200 `+c.value
		if c.format[0] == '$' {
			format = `$remote_addr "$request" $status ` + c.format
		}
		var e Entry
		if p := NewParser(format, time.UTC); !p.Parse([]byte(line), &e) || e.TookUs != c.us || !p.Took() {
			t.Errorf("%s of %s: got %d, want %d", c.format, c.value, e.TookUs, c.us)
		}
	}
}

// An address counts more than what may be a name, and a header counts nothing.
func TestWhoTheClientIs(t *testing.T) {
	for _, c := range []struct {
		format, line, client, referer string
		headerOnly                    bool
	}{
		{`%a %h "%r" %>s`, `192.0.2.1 host.example "GET / HTTP/1.1" 200`, "192.0.2.1", "", false},
		{`%h %a "%r" %>s "%{Referer}i"`, `host.example 192.0.2.1 "GET / HTTP/1.1" 200 "http://r/\"x"`, "192.0.2.1", `http://r/\"x`, false},
		{`%h "%r" %>s %{c}a`, `192.0.2.1 "GET / HTTP/1.1" 200 10.0.0.1`, "192.0.2.1", "", false},
		{`%{X-Forwarded-For}i %h "%r" %>s`, `6.6.6.6, 7.7.7.7 192.0.2.1 "GET / HTTP/1.1" 200`, "192.0.2.1", "", false},
		{`%{X-Real-IP}i "%r" %>s`, `6.6.6.6 "GET / HTTP/1.1" 200`, "", "", true},
		{`$http_x_forwarded_for "$request" $status "$http_referer"`, `6.6.6.6 "GET / HTTP/1.1" 200 "-"`, "", "-", true},
		{`$realip_remote_addr $remote_addr "$request" $status`, `10.0.0.1 192.0.2.1 "GET / HTTP/1.1" 200`, "192.0.2.1", "", false},
		{`"%r" %>s`, `"GET / HTTP/1.1" 200`, "", "", false},
	} {
		l, err := Compile(c.format)
		if err != nil {
			t.Fatal(err)
		}
		var e Entry
		if !l.Parse([]byte(c.line), &e) || string(e.Client) != c.client || string(e.Referer) != c.referer || l.ForwardedOnly() != c.headerOnly {
			t.Errorf("%s: got client %q, referer %q, by a header only: %v", c.format, e.Client, e.Referer, l.ForwardedOnly())
		}
	}
}

func TestUnusableFormats(t *testing.T) {
	for _, f := range []string{"%h%l", "%h %", "%{x", "no fields", `%h "%r"`, "$", "%^f"} {
		if _, err := Compile(f); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: got %v, want an error with a hint", f, err)
		}
	}
	p := NewParser("", time.UTC)
	var e Entry
	for range sniffLines {
		if p.Parse([]byte(`{"level":"info","request":{"uri":"/"}}`), &e) {
			t.Fatal("a line of an unknown format was understood")
		}
	}
	if err := p.Err(); hint.CodeOf(err) != "log-format" {
		t.Errorf("got %v", err)
	}
}

func TestHostileLines(t *testing.T) {
	p := NewParser("combined", time.UTC)
	var e Entry
	for _, line := range []string{
		"", "\x00\xff\xfe", `127.0.0.1 - - [`, `127.0.0.1 - - [22/Nov/2026:12:51:15 +0000] "GET /` + string(bytes.Repeat([]byte("x"), 1<<20)),
		`127.0.0.1 - - [22/Nov/2026:12:51:15 +0000] "GET / HTTP/1.1`, `127.0.0.1 - - [x] "\"\"\"" abc -`,
	} {
		if p.Parse([]byte(line), &e) {
			t.Errorf("%.40q was taken for a request", line)
		}
	}
	if !p.Parse([]byte(`127.0.0.1 - - [22/Nov/2026:12:51:15 +0000] "GET / HTTP/1.1" 200 5 "-" "cut off`), &e) || e.Status != 200 {
		t.Error("a line cut off behind its status still counts")
	}
}

func FuzzParse(f *testing.F) {
	for _, l := range fixture(f, "debian-12-nginx-1.22.1/combined.log") {
		f.Add(l)
	}
	for _, l := range fixture(f, "debian-12-apache-2.4.71/vhost.log") {
		f.Add(l)
	}
	formats := []string{"combined", "vhost_combined", apacheTimed, apacheOwn, nginxJSON, ""}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		for _, format := range formats {
			r := NewReader(format, time.UTC, nil)
			var q Request
			if r.Read(line, &q) && int(q.Class) >= classes {
				t.Error("a request without a class")
			}
			r.Parser.Unix(&q.Entry)
			var b Busiest
			b.Add(&q)
		}
		if !bytes.Equal(before, line) {
			t.Error("the line was changed")
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{apacheTimed, apacheOwn, nginxTimed, nginxJSON, "%", "${", "%{a}^ti"} {
		f.Add(s, `127.0.0.1 - - [22/Nov/2026:12:51:15 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`)
	}
	f.Fuzz(func(t *testing.T, format, line string) {
		if l, err := Compile(format); err == nil {
			var e Entry
			l.Parse([]byte(line), &e)
		} else if hint.Of(err) == "" {
			t.Error("an error without a hint")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	p := NewParser("combined", time.UTC)
	line := []byte(`203.0.113.9 - - [22/Nov/2026:12:51:15 +0000] "POST /blog/xmlrpc.php HTTP/1.1" 200 403 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"`)
	var e Entry
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		p.Parse(line, &e)
	}
}

func BenchmarkReadAndCount(b *testing.B) {
	r := NewReader("combined", time.UTC, nil)
	lines := make([][]byte, 1000)
	for i := range lines {
		path := []string{"/", "/xmlrpc.php", "/2026/11/a-post/?x=%d", "/wp-content/themes/a/style.css?ver=6"}[i%4]
		lines[i] = fmt.Appendf(nil, `203.0.%d.%d - - [22/Nov/2026:12:%02d:15 +0000] "GET %s HTTP/1.1" 200 %d "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"`, i%4, i%200, i*60/1000, path, 403+i%3)
	}
	var q Request
	var c Counter
	var busy Busiest
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if r.Read(lines[i%1000], &q) {
			r.Faults.Learn(&q)
			c.Add(&q)
			busy.Add(&q)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
