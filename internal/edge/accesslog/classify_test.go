package accesslog

import (
	"bytes"
	"testing"
	"time"

	ev "hirune/internal/core/evidence"
)

func TestClass(t *testing.T) {
	for target, want := range map[string]string{
		"/": ev.ClassPage, "/2026/11/hello/": ev.ClassPage, "/?p=12": ev.ClassPage, "/index.php?p=12&paged=2": ev.ClassPage, "/wp-sitemap.xml": ev.ClassPage,
		"/?s=lunch": ev.ClassSearch, "/shop/?post_type=product&s=": ev.ClassSearch, "/search/lunch/": ev.ClassSearch, "/?session=1": ev.ClassQuery,
		"/xmlrpc.php": ev.ClassXMLRPC, "//xmlrpc.php": ev.ClassXMLRPC, "/blog//xmlrpc.php?rsd": ev.ClassXMLRPC, "/%78mlrpc.php": ev.ClassXMLRPC,
		"/xmlrpc%2ephp": ev.ClassXMLRPC, "/xmlrpc.php/pathinfo/x.css": ev.ClassXMLRPC, `/\x78mlrpc.php`: ev.ClassXMLRPC, "/xmlrpc.phpx": ev.ClassPage,
		"/blog/wp-login.php?action=lostpassword": ev.ClassLogin, "http://other.example/wp-login.php": ev.ClassLogin, "/%77p-login.php": ev.ClassLogin,
		"/wp-cron.php?doing_wp_cron=1.2": ev.ClassCron, "/wp-admin/admin-ajax.php": ev.ClassAjax, "/?wc-ajax=get_refreshed_fragments": ev.ClassAjax,
		"/wp-json/wp/v2/users": ev.ClassREST, "/index.php/wp-json/": ev.ClassREST, "/?rest_route=/wp/v2/users": ev.ClassREST, "/wp-jsonx": ev.ClassPage,
		"/wp-admin/": ev.ClassAdmin, "/wp-admin": ev.ClassAdmin, "/wp-admin/load-styles.php?c=1": ev.ClassAdmin, "/wp-admin/css/a.css": ev.ClassStatic,
		"/feed/": ev.ClassFeed, "/a/feed/rss2": ev.ClassFeed, "/?feed=rss2": ev.ClassFeed, "/feed/the-cat/": ev.ClassPage,
		"/wp-comments-post.php": ev.ClassComment, "/shell.php": ev.ClassPHP, "/wp-content/uploads/x.php/a": ev.ClassPHP, "/wp-trackback.php": ev.ClassPHP,
		"/?utm_source=x": ev.ClassQuery, "/?1763800000": ev.ClassQuery, "/a?p=1&rnd=7": ev.ClassQuery, "/?&&": ev.ClassPage,
		"/a/style.CSS?ver=1": ev.ClassStatic, "/favicon.ico": ev.ClassStatic, "*": ev.ClassStatic, "/a.css#x": ev.ClassStatic,
		"x": ev.ClassBroken, "http://": ev.ClassBroken, "%": ev.ClassBroken, "http://only.host.example": ev.ClassPage,
	} {
		var c Classifier
		if got := classNames[c.Class(&Entry{Method: []byte("GET"), Target: []byte(target)})]; got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	var c Classifier
	for _, e := range []Entry{{Target: []byte("/")}, {Method: []byte("GET")}, {Method: []byte("CONNECT"), Target: []byte("h:1")}} {
		if got := classNames[c.Class(&e)]; got != ev.ClassBroken {
			t.Errorf("%q %q: got %s", e.Method, e.Target, got)
		}
	}
}

func request(t *testing.T, client, target, agent string) Request {
	t.Helper()
	r := NewReader("combined", time.UTC, nil)
	var q Request
	if !r.Read([]byte(client+` - - [22/Nov/2026:12:51:15 +0000] "POST `+target+` HTTP/1.1" 200 5 "-" "`+agent+`"`), &q) {
		t.Fatal("not read")
	}
	q.Who = append([]byte(nil), q.Who...)
	return q
}

func TestWhoSentIt(t *testing.T) {
	for _, c := range []struct {
		client, target, agent string
		self, probe           bool
	}{
		{"127.0.0.1", "/", "curl/7", false, false}, // in a lab everyone is loopback
		{"127.0.0.1", "/wp-cron.php?doing_wp_cron=1", "WordPress/6.1; http://shop.example", true, false},
		{"203.0.113.1", "/wp-cron.php?doing_wp_cron=1", "WordPress/6.1; http://shop.example", true, false}, // through its public address
		{"203.0.113.1", "/wp-cron.php", "curl/7", false, false},
		{"::1", "/wp-cron.php", "curl/7", true, false},
		{"127.0.0.1", "/", "WordPress/6.1; http://shop.example", true, false},
		{"203.0.113.1", "/", "WordPress/6.1; http://else.example", false, false},
		{"127.0.0.1", "/", "WordPress/6.1; http://else.example; verifying pingback from 1.2.3.4", false, false},
		{"127.0.0.1", "/", "hirune-probe/1", false, true},
		{"203.0.113.1", "/", "hirune-probe/1", false, false}, // forged
	} {
		if q := request(t, c.client, c.target, c.agent); q.Self != c.self || q.OwnProbe != c.probe {
			t.Errorf("%+v: got self %v, probe %v", c, q.Self, q.OwnProbe)
		}
	}
}

func TestClientsAreNormalised(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::", "host.example": "host.example", "a:b": "a:b",
	} {
		if q := request(t, in, "/", "-"); string(q.Who) != want {
			t.Errorf("%s: got %s, want %s", in, q.Who, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "\x1b[31mred\x07": `\x1b[31mred\x07`, "日本語": "日本語", "\xff": `\xff`, "a\u202eb": `a\u202eb`, "0123456789abcdefgh": "0123456789abcdef…",
	} {
		if got := Printable([]byte(in), 16); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// plain finds in eight bytes at a time what one finds byte by byte.
func TestPlainPath(t *testing.T) {
	for n := range 40 {
		path := bytes.Repeat([]byte("a/"), 20)[:n]
		if !plain(path) {
			t.Errorf("%q is plain", path)
		}
		for i := range path {
			for _, c := range []byte(`%\#/`) {
				odd := bytes.Clone(path)
				odd[i] = c
				if got, want := plain(odd), plainShort(odd); got != want {
					t.Errorf("%q: got %v, want %v", odd, got, want)
				}
			}
		}
	}
}
