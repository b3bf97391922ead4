package accesslog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/hint"
)

// The decoded path of a plain one is itself, and the class does not hang on
// which way was taken.
func FuzzClassifier(f *testing.F) {
	for _, s := range []string{"/", "/xmlrpc.php", "//a//%78mlrpc.php/x?a=%41", `/\x78mlrpc.php?q=\"`, "/wp-content/a.CSS#x", "http://h/feed/", "*", "/?s=a&rest_route=", "/a.php/b.php?x", "%2e%2e/%5c", `/\u002f\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, target []byte) {
		var c Classifier
		for k := escapesLog; k <= escapesNone; k++ {
			e := Entry{Method: []byte("GET"), Target: target, escapes: k}
			class, path, query := c.judge(&e)
			if class >= attack.Class(classes) || len(path) > len(target)+1 || len(query) > 3*len(target) {
				t.Fatalf("%q: got class %d, path %q, query %q", target, class, path, query)
			}
			if (len(path) == 0) != (class == attack.ClassBroken) {
				t.Fatalf("%q: class %s with path %q", target, classNames[class], path)
			}
			if bytes.HasPrefix(path, []byte("/")) && plain(path) {
				was := bytes.Clone(path)
				if again, _ := c.split(&Entry{Target: was}); !bytes.Equal(again, was) && bytes.IndexByte(was, '?') < 0 {
					t.Fatalf("%q: decoded %q, then %q", target, was, again)
				}
			}
			if plain(target) != plainShort(target) {
				t.Fatalf("%q: plain %v", target, plain(target))
			}
		}
	})
}

// A time that the standard library reads is read the same, whatever was read before.
func FuzzClock(f *testing.F) {
	for _, s := range []string{"22/Nov/2026:12:51:15 +0900", "2026-11-22T12:51:15+09:00", "2026-11-22T12:51:15.123Z", "1795319475.5", "1795319475123", "31/Feb/2026:24:60:60 -1200", "22/nov/2026:12:51:15", "22/Nov/2026:12:51:1"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, s string) {
		c := clock{kind: timeAny, loc: time.UTC}
		c.unix([]byte(before))
		got, ok := c.unix([]byte(s))
		fresh := clock{kind: timeAny, loc: time.UTC}
		if g, o := fresh.unix([]byte(s)); o != ok || ok && g != got {
			t.Fatalf("%q behind %q: got %d %v, alone %d %v", s, before, got, ok, g, o)
		}
		if ok && (got < -400000 || got > latest+400000) {
			t.Fatalf("%q: got %d", s, got)
		}
		for _, layout := range []string{"02/Jan/2006:15:04:05 -0700", "2006-01-02T15:04:05Z07:00"} {
			at, err := time.Parse(layout, s)
			if err != nil || at.Year() < 1970 || at.Format(layout) != s { // it reads more than servers write, such as an hour of one digit
				continue
			}
			if !ok || got != at.Unix() {
				t.Fatalf("%q: got %d %v, want %d", s, got, ok, at.Unix())
			}
		}
	})
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{"level":"info","ts":1.5,"request":{"remote_ip":"192.0.2.9","method":"POST","uri":"/","headers":{"User-Agent":["x"]}},"duration":0.25,"size":7,"status":200}`,
		`{"ClientAddr":"[::1]:4","DownstreamStatus":404,"Duration":72013,"RequestMethod":"GET","RequestPath":"/x","time":"2026-11-22T12:51:16Z"}`,
		`{"a":[[[{}]]],"status":"200","request":"GET / HTTP/1.1"}`, `{"status":200,`, `{"":""}`, "{" + `"a":{`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		l, err := Compile(jsonFormat)
		if err != nil {
			t.Fatal(err)
		}
		var e Entry
		if l.Parse(line, &e) && (len(e.Target) == 0 || e.Status < 100 || e.Status > 999) {
			t.Errorf("got %+v", e)
		}
		if !bytes.Equal(before, line) {
			t.Error("the line was changed")
		}
	})
}

// Whatever a file holds, each line that is not empty is a hit, rejected, or
// outside of what was asked for; or the file is refused with a hint.
func FuzzScan(f *testing.F) {
	good := `192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	for _, s := range []string{good, good + "x\n" + good, "\n\r\n", "6.6.6.6, " + good + good, "h:80 " + good + good, "\x1f\x8b", `{"status":200,"request":"GET / HTTP/1.1","ts":1,"remote_addr":"::1"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "a.log")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: path}}, Since: time.Unix(1, 0)})
		for _, err := range out.Failed {
			if hint.Of(err) == "" {
				t.Errorf("an error without a hint: %v", err)
			}
		}
		if len(out.Failed) > 0 {
			return
		}
		var want int64
		for line := range bytes.Lines(text) {
			if len(bytes.TrimRight(line, "\r\n")) > 0 && !bytes.Equal(line, []byte("\r")) {
				want++
			}
		}
		l := out.Logs[0]
		if l.Format != "" && (l.Lines < want || int64(len(texts(sinks))) != l.Lines-l.Rejected-l.Outside) {
			t.Errorf("got %d hits, %+v; want %d lines", len(texts(sinks)), l, want)
		}
		for _, s := range l.Samples {
			if bytes.ContainsAny([]byte(s), "\x1b\r\n\x00") {
				t.Errorf("got the sample %q", s)
			}
		}
	})
}

func TestEscapesAreUndone(t *testing.T) {
	for _, c := range []struct {
		k        escapes
		in, want string
	}{
		{escapesLog, `a\"b\\c\x1b\x5Cd\n\t\q\`, "a\"b\\c\x1b\\d\n\t\\q\\"},
		{escapesLog, `\x4`, `\x4`}, {escapesLog, `\u0041`, `\u0041`},
		{escapesJSON, `\u0026\"\/\\\n\x41\u00e9\ud800`, "&\"/\\\n\\x41é\uFFFD"},
		{escapesNone, `\x41\"`, `\x41\"`},
	} {
		if got := string(c.k.decode(nil, []byte(c.in))); got != c.want {
			t.Errorf("%d %s: got %q, want %q", c.k, c.in, got, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	c := clock{kind: timeAny, loc: tokyo}
	for _, x := range []struct{ in, want string }{
		{"22/Nov/2026:12:51:15 +0900", "2026-11-22T03:51:15Z"}, {"22/Nov/2026:12:51:16 +0900", "2026-11-22T03:51:16Z"}, {"22/Nov/2026:12:51:16 +0000", "2026-11-22T12:51:16Z"},
		{"22/Nov/2026:12:51:60 +0000", "2026-11-22T12:52:00Z"}, {"22/Nov/2026:12:51:14", "2026-11-22T03:51:14Z"}, {"2026-11-22T12:51:15.987+09:00", "2026-11-22T03:51:15Z"},
		{"2026-11-22T12:51:16.001+09:00", "2026-11-22T03:51:16Z"}, {"2026-11-22 12:51:16", "2026-11-22T03:51:16Z"}, {"2026-11-22T03:51:15,5Z", "2026-11-22T03:51:15Z"},
		{"1795319475.999", "2026-11-22T03:51:15Z"}, {"1795319475999", "2026-11-22T03:51:15Z"}, {"1795319475999999", "2026-11-22T03:51:15Z"},
		{"22/Foo/2026:12:51:15 +0900", ""}, {"22/Nov/2026:12:61:15 +0900", ""}, {"22/Nov/2026:12:51:1x +0900", ""}, {"22/Nov/2026:12-51:15 +0900", ""}, {"-", ""}, {"", ""}, {"9999999999999", "2286-11-20T17:46:39Z"}, {"999999999999999999", ""},
	} {
		got := ""
		if at, ok := c.unix([]byte(x.in)); ok {
			got = time.Unix(at, 0).UTC().Format(time.RFC3339)
		}
		if got != x.want {
			t.Errorf("%s: got %q, want %q", x.in, got, x.want)
		}
	}
}

// Reading allocates nothing for a line, in any format.
func TestNoAllocationPerLine(t *testing.T) {
	for _, format := range []string{"combined", "vhost_combined", apacheTimed, apacheOwn, nginxJSON, jsonFormat, `%h %t %m %U %q %s`} {
		r := NewReader(format, time.UTC, nil)
		lines := map[string]string{
			"vhost_combined":    `h:80 2001:db8::1 - - [22/Nov/2026:12:51:15 +0900] "GET //a%41/\x41?b=\"%3d HTTP/1.1" 200 5 "-" "-"`,
			apacheOwn:           `2026-11-22T12:51:16 10.0.0.1 192.0.2.9, 10.1.1.1 GET /slow.php?t=2 200 2 2000 "a b"`,
			nginxJSON:           `{"time":"2026-11-22T12:51:24+00:00","ip":"127.0.0.1","request":"GET /?s=\"x\" HTTP/1.1","status":200,"bytes":3,"agent":"say","took":0.001}`,
			jsonFormat:          `{"ts":1795319475.5,"request":{"client_ip":"2001:db8::1","method":"POST","uri":"/?a=\u0026","headers":{"User-Agent":["x"]}},"duration":0.25,"size":7,"status":200}`,
			`%h %t %m %U %q %s`: `192.0.2.1 [22/Nov/2026:12:51:15 +0900] GET /a ?b=%41 200`,
		}
		line := lines[format]
		if line == "" {
			line = `192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "GET //a%41/\x41?b=\"%3d HTTP/1.1" 200 5 "-" "-" 17`
		}
		var q Request
		b := []byte(line)
		if !r.judge(b, &q) {
			t.Fatalf("%s: not read", format)
		}
		if n := testing.AllocsPerRun(100, func() { r.judge(b, &q); r.Parser.Unix(&q.Entry) }); n != 0 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
}
