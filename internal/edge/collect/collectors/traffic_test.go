package collectors

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

var logNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// logs is a web server with one access log.
func webLogs(path, format string) func() discover.Found {
	return func() discover.Found {
		return discover.Found{WebServers: []discover.WebServer{{AccessLogs: []discover.AccessLog{{Path: path, Format: format, Site: "shop.example"}}}}}
	}
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
}

// beatOf calls a collector once, sec seconds after logNow.
func beatOf(t testing.TB, c collect.Collector, sec int) ([]evidence.Record, error) {
	t.Helper()
	var out []evidence.Record
	err := c.Collect(context.Background(), collect.NewBeat(logNow.Add(time.Duration(sec)*time.Second), c.Name(), func(r evidence.Record) { out = append(out, r) }))
	return out, err
}

func factsOf[T evidence.Fact](rs []evidence.Record) (out []T) {
	for _, r := range rs {
		if f, ok := r.Fact.(T); ok {
			out = append(out, f)
		}
	}
	return out
}

func logLine(client, request, agent string) string {
	return fmt.Sprintf("%s - - [22/Nov/2026:11:59:59 +0000] %q 200 403 \"-\" \"%s\" 15000\n", client, request, agent)
}

const timedFormat = `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D`

func TestTrafficOfABeat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	appendTo(t, path, logLine("192.0.2.1", "GET / HTTP/1.1", "old"))
	c := NewTraffic(webLogs(path, timedFormat))
	defer c.Close()
	rs, err := beatOf(t, c, 0)
	if got := factsOf[evidence.Traffic](rs); err != nil || len(got) != 1 || !got[0].FromHist {
		t.Fatalf("the first beat told %+v, %v; want the history alone", got, err)
	}
	appendTo(t, path, logLine("192.0.2.1", "POST /xmlrpc.php HTTP/1.1", "bot")+logLine("192.0.2.2", "POST /xmlrpc.php HTTP/1.1", "bot")+
		logLine("127.0.0.1", "GET / HTTP/1.1", "hirune-probe/1")+logLine("127.0.0.1", "POST /wp-cron.php?doing_wp_cron=1 HTTP/1.1", "WordPress/6.1; http://shop.example")+
		"\x16\x03 binary\n"+strings.Repeat("x", 1<<20)+"\n")
	rs, err = beatOf(t, c, 2)
	got := map[string]evidence.Traffic{}
	for _, f := range factsOf[evidence.Traffic](rs) {
		got[f.Class] = f
	}
	want := evidence.Traffic{Site: "shop.example", OverMs: 2000, Class: "xmlrpc", Requests: 2, Posts: 2, S2xx: 2, TookMs: 30, MaxMs: 15, Bytes: 806, Clients: 2, Distinct: 1}
	if err != nil || got["xmlrpc"] != want {
		t.Errorf("got  %+v, %v\nwant %+v", got["xmlrpc"], err, want)
	}
	if got["cron"].Self != 1 || got["broken"].Requests != 2 || len(got) != 3 {
		t.Errorf("got %+v", got)
	}
	if rs, _ = beatOf(t, c, 3); len(rs) != 0 {
		t.Errorf("an idle beat told %+v", rs)
	}
}

func TestBusiestClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	appendTo(t, path, "")
	c := NewTraffic(webLogs(path, timedFormat))
	defer c.Close()
	_, _ = beatOf(t, c, 0)
	for i := range 12 {
		appendTo(t, path, strings.Repeat(logLine("192.0.2.1", "GET /?s=a HTTP/1.1", "\x1b[31mbot"), i)+logLine(fmt.Sprintf("192.0.2.%d", 10+i), "GET / HTTP/1.1", "visitor"))
		rs, err := beatOf(t, c, i+1)
		if err != nil {
			t.Fatal(err)
		}
		got := factsOf[evidence.ClientUse](rs)
		if i+1 != 10 {
			if len(got) != 0 {
				t.Fatalf("clients after %d s: %+v", i+1, got)
			}
			continue
		}
		want := evidence.ClientUse{Site: "shop.example", OverMs: 10000, Class: "search", Client: "192.0.2.1", Agent: `\x1b[31mbot`, Requests: 45, Distinct: 1, TookMs: 675, Path: "/"}
		if len(got) != 1 || got[0] != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestTrafficWithoutALog(t *testing.T) {
	none := NewTraffic(func() discover.Found { return discover.Found{} })
	if _, err := beatOf(t, none, 0); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("no log: got %v", err)
	}
	path := filepath.Join(t.TempDir(), "access.log")
	c := NewTraffic(webLogs(path, timedFormat))
	defer c.Close()
	if _, err := beatOf(t, c, 0); !errors.Is(err, evidence.ErrAbsent) || hint.CodeOf(err) != "log-missing" {
		t.Errorf("missing: got %v", err)
	}
	appendTo(t, path, logLine("192.0.2.1", "GET / HTTP/1.1", "first"))
	rs, err := beatOf(t, c, 1)
	if got := factsOf[evidence.Traffic](rs); err != nil || len(got) != 1 || got[0].FromHist {
		t.Errorf("created: got %+v, %v; want the line as new", got, err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if rs, err := beatOf(t, c, 2); err != nil || len(rs) != 0 {
		t.Errorf("between rotation and creation: got %+v, %v", rs, err)
	}
	appendTo(t, path, logLine("192.0.2.1", "GET / HTTP/1.1", "second"))
	if rs, err = beatOf(t, c, 3); err != nil || len(factsOf[evidence.Traffic](rs)) != 1 {
		t.Errorf("rotated: got %+v, %v", rs, err)
	}
	appendTo(t, path, strings.Repeat(strings.Repeat("y", 999)+"\n", 9<<10))
	rs, _ = beatOf(t, c, 4)
	if got := factsOf[evidence.Unseen](rs); len(got) != 1 || got[0].Code != "log-lag" || got[0].Seen {
		t.Errorf("behind: got %+v", got)
	}
	_, _ = beatOf(t, c, 5)
	rs, _ = beatOf(t, c, 6)
	if got := factsOf[evidence.Unseen](rs); len(got) != 1 || !got[0].Seen {
		t.Errorf("caught up: got %+v", got)
	}
}

func TestOneOfTwoLogsIsMissing(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.log"), filepath.Join(dir, "bad.log")
	appendTo(t, good, "")
	c := NewTraffic(func() discover.Found {
		return discover.Found{WebServers: []discover.WebServer{{AccessLogs: []discover.AccessLog{{Path: bad}, {Path: good}}}}}
	})
	defer c.Close()
	rs, err := beatOf(t, c, 0)
	if got := factsOf[evidence.Unseen](rs); err != nil || len(got) != 1 || got[0].Code != "log-missing" || !strings.Contains(got[0].What, bad) {
		t.Errorf("got %+v, %v", rs, err)
	}
	appendTo(t, good, logLine("192.0.2.1", "GET / HTTP/1.1", "a"))
	rs, err = beatOf(t, c, 1)
	if got := factsOf[evidence.Traffic](rs); err != nil || len(got) != 1 || got[0].Site != good || len(rs) != 1 {
		t.Errorf("got %+v, %v", rs, err)
	}
}

func TestTrafficOfAnUnknownFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	appendTo(t, path, "")
	c := NewTraffic(webLogs(path, ""))
	defer c.Close()
	_, _ = beatOf(t, c, 0)
	appendTo(t, path, `{"level":"info","request":{"uri":"/"}}`+"\n")
	if _, err := beatOf(t, c, 1); hint.CodeOf(err) != "log-format" || hint.Of(err) == "" {
		t.Errorf("JSON: got %v", err)
	}
}

func BenchmarkTrafficBeat(b *testing.B) {
	for _, perBeat := range []int{0, 10} {
		b.Run(fmt.Sprintf("%d requests", perBeat), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "access.log")
			appendTo(b, path, "")
			c := NewTraffic(webLogs(path, timedFormat))
			defer c.Close()
			text := strings.Repeat(logLine("192.0.2.1", "GET /a/page/ HTTP/1.1", "Mozilla/5.0 (X11; Linux x86_64)"), perBeat)
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			sec := 0
			b.ReportAllocs()
			for b.Loop() {
				if perBeat > 0 {
					_, _ = f.WriteString(text)
				}
				sec++
				if _, err := beatOf(b, c, sec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
