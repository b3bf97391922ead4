package accesslog

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"hirune/internal/core/attack"
	"hirune/internal/core/hint"
)

// kept is a sink that keeps what it was handed, in one line each.
type kept struct {
	at   []int64
	text []string
}

func (k *kept) Add(h *attack.Hit) {
	k.at = append(k.at, h.At)
	k.text = append(k.text, fmt.Sprintf("%v %d %s %d %d %d %s ? %s | %s | %s", h.Client, h.Method, classNames[h.Class], h.Status, h.Bytes, h.TookUs, h.Path, h.Query, h.Agent, h.Referer))
}

// scanned runs a scan whose sinks are all kept.
func scanned(t *testing.T, in ScanIn) (ScanOut, []*kept) {
	t.Helper()
	in.NewSink = func() Sink { return &kept{} }
	out := Scan(context.Background(), in)
	sinks := make([]*kept, len(out.Sinks))
	for i, s := range out.Sinks {
		sinks[i] = s.(*kept)
	}
	return out, sinks
}

func texts(sinks []*kept) (all []string) {
	for _, s := range sinks {
		all = append(all, s.text...)
	}
	return all
}

// paths is a sink that keeps less: when, and what path.
type paths struct {
	at   []int64
	path []string
}

func (p *paths) Add(h *attack.Hit) {
	p.at = append(p.at, h.At)
	p.path = append(p.path, string(h.Path))
}

// minutes writes a line for each second of so many minutes, told apart by their number.
func minutes(from time.Time, n int, site string) []byte {
	var b bytes.Buffer
	for i := range n * 60 {
		at := from.Add(time.Duration(i) * time.Second).Format("02/Jan/2006:15:04:05 -0700")
		fmt.Fprintf(&b, "203.0.113.%d - - [%s] \"GET /%s/%d?a=%%41 HTTP/1.1\" 200 %d \"https://ref.example/\" \"agent %s\"\n", i%200, at, site, i, 1000+i%7, strings.Repeat("x", 100))
	}
	return b.Bytes()
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	put(t, path, content, histNow)
	return path
}

func TestScanFillsHits(t *testing.T) {
	for _, c := range []struct{ format, line, want string }{
		{"", `192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "POST //blog/%78mlrpc.php?a=%41&b=\"x\" HTTP/1.1" 200 403 "https://r.example/" "a \"b\""`,
			`192.0.2.1 3 xmlrpc 200 403 -1 /blog/xmlrpc.php ? a=%41&b="x" | a \"b\" | https://r.example/`},
		{"", `2001:db8::7 - - [22/Nov/2026:12:51:15 +0900] "GET /?q=\x22 HTTP/2.0" 301 - "-" "-" 1.250`, `2001:db8::7 1 query 301 0 1250000 / ? q=" | - | -`},
		{"", `fe80::1%eth0 - - [22/Nov/2026:12:51:15 +0900] "HEAD / HTTP/1.0" 200 5 "-" "-"`, `fe80::1 2 page 200 5 -1 / ?  | - | -`},
		{"", `shop.example:443 192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "\x16\x03\x01" 400 5 "-" "-"`, `192.0.2.1 0 broken 400 5 -1  ?  | - | -`},
		{"", `crawler.example.com - - [22/Nov/2026:12:51:15 +0900] "GET /feed/ HTTP/1.1" 200 5 "-" "-"`, `invalid IP 1 feed 200 5 -1 /feed/ ?  | - | -`},
		{`%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D`, `192.0.2.1 - a b [22/Nov/2026:12:51:15 +0900] "GET /a.css HTTP/1.1" 200 5 "-" "-" 77`, `192.0.2.1 1 static 200 5 77 /a.css ?  | - | -`},
		{"", `{"level":"info","ts":1795319475.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.9","remote_port":"1","client_ip":"192.0.2.1","proto":"HTTP/2.0","method":"POST","host":"h","uri":"/wp-login.php?a=\u00262","headers":{"Status":["999"],"User-Agent":["c\"x"],"Referer":["r"],"X-Forwarded-For":["6.6.6.6"]},"tls":{"resumed":false}},"bytes_read":0,"user_id":"","duration":0.25,"size":77,"status":200,"resp_headers":{"Server":["Caddy"],"status":["500"]}}`,
			`192.0.2.1 3 login 200 77 250000 /wp-login.php ? a=&2 | c\"x | r`},
		{"", `{"resp_headers":{"duration":9,"status":[500],"request":{"uri":"/evil","remote_ip":"9.9.9.9"}},"ts":1795319475.5,"request":{"remote_ip":"192.0.2.9","method":"GET","uri":"/","tls":{"uri":"/evil","request":{"headers":{"User-Agent":"evil"}}},"headers":{"duration":["9"]}},"status":200}`,
			`192.0.2.9 1 page 200 0 -1 / ?  |  | `},
		{"", `{"ClientAddr":"[2001:db8::1]:4711","ClientHost":"6.6.6.6","DownstreamContentSize":19,"DownstreamStatus":404,"Duration":72013,"RequestMethod":"GET","RequestPath":"/x.php?a=1\u0026b=2","StartUTC":"2026-11-22T12:51:15.123456789Z","time":"2026-11-22T12:51:16Z","request_User-Agent":"ua"}`,
			`2001:db8::1 1 php 404 19 72 /x.php ? a=1&b=2 | ua | `},
		{"", `{"time_local":"22/Nov/2026:12:51:15 +0900","remote_addr":"192.0.2.1","request":"GET /?s=\"x HTTP/1.1","status": "200","body_bytes_sent":"5","request_time":"0.010","http_referer":"","http_user_agent":"u"}`,
			`192.0.2.1 1 search 200 5 10000 / ? s="x | u | `},
		{nginxJSON, `{"time":"2026-11-22T12:51:24+00:00","ip":"127.0.0.1","request":"GET /?s=\"x\" HTTP/1.1","status":200,"bytes":3,"agent":"say","took":0.001}`, `127.0.0.1 1 search 200 3 1000 / ? s="x" | say | `},
		{`%{X-Forwarded-For}i %t "%r" %>s`, `6.6.6.6 [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200`, `invalid IP 1 page 200 0 -1 / ?  |  | `},
	} {
		path := write(t, filepath.Join(t.TempDir(), "access.log"), []byte("\n"+c.line+"\r\n\n"))
		out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: path, Format: c.format}}})
		if got := strings.Join(texts(sinks), "\n"); got != c.want || len(out.Failed) > 0 {
			t.Errorf("%s\ngot  %s\nwant %s\n%v", c.line, got, c.want, out.Failed)
			continue
		}
		if l := out.Logs[0]; l.Lines != 1 || l.Rejected != 0 || l.From != l.To || l.From.Year() != 2026 || l.ForwardedOnly != strings.HasPrefix(c.format, "%{X-F") {
			t.Errorf("%s\ngot %+v", c.line, l)
		}
	}
}

// Each line is handed over once, in the order of time, however many workers
// share the files and wherever their pieces begin.
func TestScanReadsEachLineOnce(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	day := histNow.Truncate(24 * time.Hour)
	var want []string
	for n, p := range []string{".4.gz", ".3", ".2.gz", ".1", ""} {
		text := minutes(day.Add(time.Duration(n)*6*time.Hour), 6*60, fmt.Sprint("part", n))
		put(t, log+p, text, day.Add(time.Duration(n+1)*6*time.Hour))
		for i := range bytes.Count(text, []byte{'\n'}) {
			want = append(want, fmt.Sprintf("/part%d/%d", n, i))
		}
	}
	for _, workers := range []int{1, 2, 3, 4} {
		var done, total int64
		out := Scan(context.Background(), ScanIn{
			Workers: workers, Logs: []ScanLog{{Path: log, Rotated: true}}, NewSink: func() Sink { return &paths{} }, Progress: func(d, a int64) { done, total = d, a },
		})
		if len(out.Failed) > 0 || len(out.Logs) != 5 || len(out.Sinks) != workers {
			t.Fatalf("%d workers: got %d sinks, %d logs, failed %v", workers, len(out.Sinks), len(out.Logs), out.Failed)
		}
		var all paths
		for i, s := range out.Sinks {
			p := s.(*paths)
			all.at, all.path = append(all.at, p.at...), append(all.path, p.path...)
			if share := 100 * len(p.at) / len(want); share < 60/workers {
				t.Errorf("%d workers: the sink %d has %d %% of the lines", workers, i, share)
			}
		}
		if !slices.IsSorted(all.at) || !slices.Equal(all.path, want) {
			t.Errorf("%d workers: got %d lines, want %d; in order: %v", workers, len(all.path), len(want), slices.IsSorted(all.at))
		}
		if done < total || total <= 0 {
			t.Errorf("%d workers: progress ended at %d of %d", workers, done, total)
		}
	}
}

// Wherever a file is cut in two, each line belongs to one of the pieces.
func TestPiecesMeet(t *testing.T) {
	text := minutes(histNow, 1, "p")[:1200]
	text = append(text, '\n')
	path := write(t, filepath.Join(t.TempDir(), "a.log"), text)
	want := bytes.Count(text, []byte{'\n'})
	s := newScan(ScanIn{Logs: []ScanLog{{Path: path}}})
	defer s.close()
	s.plan(t.Context())
	for cut := range int64(len(text)) + 1 {
		n := 0
		for _, p := range []*piece{{file: s.files[0], from: 0, to: cut}, {file: s.files[0], from: cut, to: int64(len(text))}} {
			if err := s.read(t.Context(), span{logs: [][]*piece{{p}}}, &paths{}); err != nil {
				t.Fatal(err)
			}
			n += int(p.lines)
		}
		if n != want {
			t.Fatalf("cut at %d: got %d lines, want %d", cut, n, want)
		}
	}
}

// Logs that were written side by side are read side by side.
func TestScanMergesLogsByTime(t *testing.T) {
	dir := t.TempDir()
	var logs []ScanLog
	for i := range 5 {
		path := write(t, filepath.Join(dir, fmt.Sprintf("site%d.log", i)), minutes(histNow.Add(time.Duration(i)*time.Hour), 6*60, fmt.Sprint("site", i)))
		logs = append(logs, ScanLog{Path: path})
	}
	for _, workers := range []int{1, 3} {
		_, sinks := scanned(t, ScanIn{Logs: logs, Workers: workers})
		n, worst := 0, int64(0)
		for _, s := range sinks {
			last := int64(0)
			for _, at := range s.at {
				worst, last, n = max(worst, last-at), max(last, at), n+1
			}
		}
		if n != 5*6*60*60 || worst > 60 {
			t.Errorf("%d workers: got %d lines, one of them %d s late", workers, n, worst)
		}
	}
}

func TestScanSinceUntil(t *testing.T) {
	dir := t.TempDir()
	text := minutes(histNow, 24*60, "day")
	plain, packed := write(t, filepath.Join(dir, "a.log"), text), write(t, filepath.Join(dir, "b.log.gz"), text)
	for _, path := range []string{plain, packed} {
		in := ScanIn{Logs: []ScanLog{{Path: path}}, Since: histNow.Add(20 * time.Hour), Until: histNow.Add(21 * time.Hour), Workers: 2}
		out, sinks := scanned(t, in)
		if got := len(texts(sinks)); got != 3601 {
			t.Errorf("%s: got %d lines, want 3601", path, got)
		}
		if path == plain && (out.Logs[0].Bytes > int64(len(text)/3) || out.Logs[0].Outside > 40000) {
			t.Errorf("got %+v: what is too old need not be read", out.Logs[0])
		}
	}
}

// The last minutes of a log that is long are those that are asked for most.
func TestScanSinceReadsTheEnd(t *testing.T) {
	log := write(t, filepath.Join(t.TempDir(), "access.log"), minutes(histNow, 24*60, "day"))
	for _, back := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 5 * time.Hour, 23 * time.Hour} {
		for workers := 1; workers <= 2; workers++ {
			_, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: log}}, Since: histNow.Add(24*time.Hour - back), Workers: workers})
			if got, want := len(texts(sinks)), int(back/time.Second); got != want {
				t.Errorf("%s back, %d workers: got %d lines, want %d", back, workers, got, want)
			}
		}
	}
}

// Of rotated files those that are too old are not even unpacked.
func TestScanSinceSkipsOldFiles(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	for i, p := range []string{".3.gz", ".2.gz", ".1.gz", ""} { // copied from elsewhere: their own times say the contrary
		put(t, log+p, minutes(histNow.Add(time.Duration(i)*time.Hour), 60, "x"), histNow.Add(time.Duration(24-i)*time.Hour))
	}
	out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: log, Rotated: true}}, Since: histNow.Add(150 * time.Minute)})
	var lines []int64
	for _, l := range out.Logs {
		lines = append(lines, l.Lines)
	}
	if n := len(texts(sinks)); n != 90*60 || !slices.IsSorted(sinks[0].at) || !slices.Equal(lines, []int64{0, 0, 3600, 3600}) {
		t.Errorf("got %d hits, of the files %v lines", n, lines)
	}
}

func TestScanHostileFiles(t *testing.T) {
	dir := t.TempDir()
	good := `192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	long := strings.Replace(good, "GET /", "GET /"+strings.Repeat("a", 3<<20), 1)
	agent := strings.Replace(good, `"-"`+"\n", `"`+strings.Repeat("b", 200<<10)+`"`+"\n", 1)
	path := write(t, filepath.Join(dir, "x.log"), []byte(good+"rubbish\x1b[31m\n"+long+good+agent+"\x00\xff\n\n\n"+good[:40]))
	out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: path}}})
	l := out.Logs[0]
	if got := len(texts(sinks)); got != 3 || l.Lines != 7 || l.Rejected != 4 || l.Long != 2 || len(l.Samples) != samplesMost || l.Samples[0] != `rubbish\x1b[31m` || len(l.Samples[1]) > sampleBytes+4 {
		t.Errorf("got %d hits, %+v", got, l)
	}
}

func TestScanRefuses(t *testing.T) {
	dir := t.TempDir()
	good := []byte(`192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n")
	write(t, filepath.Join(dir, "good.log"), good)
	write(t, filepath.Join(dir, "error.log"), []byte("[Sun Nov 22 12:00:00.1 2026] [php:error] [pid 1] PHP Fatal error: x\n"))
	write(t, filepath.Join(dir, "keys.log"), []byte(`{"a":1,"b":"x"}`+"\n"))
	write(t, filepath.Join(dir, "x.xz"), []byte("\xfd7zXZ\x00rest"))
	write(t, filepath.Join(dir, "bin"), bytes.Repeat([]byte{0, 1, 2}, 1000))
	write(t, filepath.Join(dir, "empty"), nil)
	var cut bytes.Buffer
	z := gzip.NewWriter(&cut)
	_, _ = z.Write(minutes(histNow, 600, "x"))
	_ = z.Close()
	write(t, filepath.Join(dir, "cut"), cut.Bytes()[:cut.Len()-100])
	for _, f := range []func() error{
		func() error { return os.Symlink("good.log", filepath.Join(dir, "link.log")) },
		func() error { return os.Chmod(dir, 0o777) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	for name, code := range map[string]string{
		"error.log": "log-is-an-error-log", "keys.log": "log-format", "x.xz": "log-packed", "bin": "log-not-text", "none": "log-missing", ".": "log-not-a-file", "link.log": "log-is-a-link", "cut": "log-damaged", "empty": "",
	} {
		out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: filepath.Join(dir, name)}, {Path: filepath.Join(dir, "good.log")}}})
		got := ""
		if len(out.Failed) > 0 {
			got = hint.CodeOf(out.Failed[0])
		}
		if n := len(texts(sinks)); got != code || n == 0 || len(out.Failed) > 1 || code != "" && hint.Of(out.Failed[0]) == "" {
			t.Errorf("%s: got %d hits of the others, code %q, %v; want %q", name, n, got, out.Failed, code)
		}
	}
	if out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: filepath.Join(dir, "link.log"), Named: true}, {Path: filepath.Join(dir, "good.log")}}}); len(out.Failed) > 0 || len(texts(sinks)) != 1 {
		t.Errorf("a link that the user names: got %d hits, %v; want the file, once", len(texts(sinks)), out.Failed)
	}
}

func TestScanRefusesBombs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log.1.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, _ = z.Write(minutes(histNow, 1, "x"))
	zeros := make([]byte, 1<<20)
	for range 600 {
		_, _ = z.Write(zeros)
	}
	if z.Close() != nil || f.Close() != nil {
		t.Fatal("not written")
	}
	out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: path}}})
	if len(out.Failed) != 1 || hint.CodeOf(out.Failed[0]) != "log-bomb" || len(texts(sinks)) != 60 {
		t.Errorf("got %d hits, %v", len(texts(sinks)), out.Failed)
	}
}

func TestScanStdin(t *testing.T) {
	text := minutes(histNow, 60, "in")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(text)
	_ = z.Close()
	for name, b := range map[string][]byte{"plain": text, "gz": packed.Bytes()} {
		var total int64
		out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: "-"}}, Stdin: bytes.NewReader(b), Progress: func(_, a int64) { total = a }})
		if len(texts(sinks)) != 3600 || len(out.Failed) > 0 || total != -1 {
			t.Errorf("%s: got %d hits, %v, total %d", name, len(texts(sinks)), out.Failed, total)
		}
	}
}

func TestScanStopsWhenAsked(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a.log"), minutes(histNow, 24*60, "x"))
	ctx, cancel := context.WithCancel(context.Background())
	out := Scan(ctx, ScanIn{Logs: []ScanLog{{Path: path}}, NewSink: func() Sink { return &kept{} }, Progress: func(int64, int64) { cancel() }})
	if n := len(out.Sinks[0].(*kept).at); !out.Cut || n >= 24*3600 || len(out.Failed) > 0 {
		t.Errorf("got %d hits, cut %v, %v", n, out.Cut, out.Failed)
	}
}

// A header that anybody can write is never a client.
func TestScanForwardedOnly(t *testing.T) {
	single := `6.6.6.6 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	list := `6.6.6.6, 7.7.7.7 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	for name, c := range map[string]struct{ format, text string }{
		"at once":    {"", single + single + list},
		"late":       {"", strings.Repeat(single, 5000) + list},
		"configured": {`%{X-Forwarded-For}i %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, strings.Repeat(single, 100)},
		"in JSON":    {"", `{"http_x_forwarded_for":"6.6.6.6","time_local":"22/Nov/2026:12:51:15 +0900","request":"GET / HTTP/1.1","status":200}` + "\n"},
		"by a proxy": {`$http_cf_connecting_ip [$time_local] "$request" $status`, `6.6.6.6 [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200` + "\n"},
	} {
		path := write(t, filepath.Join(t.TempDir(), "a.log"), []byte(c.text))
		var last attack.Hit
		out := Scan(context.Background(), ScanIn{Logs: []ScanLog{{Path: path, Format: c.format}}, NewSink: func() Sink { return lastHit{&last} }})
		if !out.Logs[0].ForwardedOnly || last.Client != (netip.Addr{}) || out.Logs[0].Rejected != 0 || last.Status != 200 {
			t.Errorf("%s: got client %v, %+v", name, last.Client, out.Logs[0])
		}
	}
}

// Lines that do not fit such a log are not taken for another in which the same
// words would be a client.
func TestScanForwardedOnlyTakesNoOther(t *testing.T) {
	text := strings.Repeat("6.6.6.6 [1795319475] \"GET / HTTP/1.1\" 200\n", 50) + `6.6.6.6 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	path := write(t, filepath.Join(t.TempDir(), "a.log"), []byte(text))
	out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: path, Format: `%{X-Forwarded-For}i [%{sec}t] "%r" %>s`}}})
	for _, hit := range texts(sinks) {
		if !strings.HasPrefix(hit, "invalid IP") {
			t.Errorf("got a client in %s", hit)
		}
	}
	if l := out.Logs[0]; l.Rejected != 1 || len(texts(sinks)) != 50 || !l.ForwardedOnly {
		t.Errorf("got %d hits, %+v", len(texts(sinks)), l)
	}
}

type lastHit struct{ *attack.Hit }

func (l lastHit) Add(h *attack.Hit) { *l.Hit = *h }

// What real servers wrote is read wholly, with its configured format, without
// it, and with a wrong one.
func TestScanRealServers(t *testing.T) {
	const apache, nginx = "debian-12-apache-2.4.71/", "debian-12-nginx-1.22.1/"
	for _, c := range []struct {
		file, format string
		took         bool
	}{
		{apache + "combined.log", "combined", false}, {apache + "common.log", "common", false}, {apache + "vhost.log", "vhost_combined", false}, {apache + "timed.log", apacheTimed, true},
		{apache + "own.log", apacheOwn, true}, {nginx + "combined.log", nginxCombi, false}, {nginx + "timed.log", nginxTimed, true}, {nginx + "json.log", nginxJSON, true},
		{apache + "combined.log", "", false}, {apache + "common.log", "", false}, {apache + "vhost.log", "", false}, {nginx + "combined.log", "", false}, {nginx + "json.log", "", false},
		{apache + "combined.log", "vhost_combined", false}, {apache + "vhost.log", "combined", false}, {nginx + "json.log", "combined", false}, {nginx + "combined.log", apacheOwn, false},
	} {
		path := filepath.Join("testdata", c.file)
		out, sinks := scanned(t, ScanIn{Logs: []ScanLog{{Path: path, Format: c.format}}})
		want := len(fixture(t, c.file))
		l := out.Logs[0]
		if len(out.Failed) > 0 || l.Rejected > 0 || len(texts(sinks)) != want || l.Took != c.took {
			t.Errorf("%s as %q: got %d hits of %d, %+v, %v", c.file, c.format, len(texts(sinks)), want, l, out.Failed)
			continue
		}
		broken := 0
		for _, text := range texts(sinks) {
			if strings.HasPrefix(text, "invalid") {
				t.Errorf("%s as %q: no client in %s", c.file, c.format, text)
			}
			if strings.Contains(text, " broken ") {
				broken++
			}
		}
		if broken > 4 {
			t.Errorf("%s as %q: %d broken requests of %d", c.file, c.format, broken, want)
		}
	}
}

// The format of a log may change in the middle, or from line to line.
func TestScanMixedFormats(t *testing.T) {
	a := `192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	b := `shop.example:443 192.0.2.1 - - [22/Nov/2026:12:51:15 +0900] "GET / HTTP/1.1" 200 5 "-" "-"` + "\n"
	own := `2026-11-22T12:51:15 192.0.2.1 - GET / 200 5 17 "-"` + "\n"
	for name, c := range map[string]struct {
		text string
		log  ScanLog
	}{
		"in the middle":     {strings.Repeat(a, 1000) + strings.Repeat(b, 1000), ScanLog{}},
		"from line to line": {strings.Repeat(a+b, 1000), ScanLog{}},
		"both configured":   {strings.Repeat(a+own, 1000), ScanLog{Format: "combined", Formats: []string{apacheOwn}}},
	} {
		c.log.Path = write(t, filepath.Join(t.TempDir(), "a.log"), []byte(c.text))
		out, sinks := scanned(t, ScanIn{Logs: []ScanLog{c.log}})
		for _, text := range texts(sinks) {
			if !strings.HasPrefix(text, "192.0.2.1 1 page 200 5 ") {
				t.Fatalf("%s: got %s", name, text)
			}
		}
		if n := len(texts(sinks)); n != 2000 || out.Logs[0].Rejected > 0 {
			t.Errorf("%s: got %d hits, %+v", name, n, out.Logs[0])
		}
	}
}
