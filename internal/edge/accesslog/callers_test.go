package accesslog

import (
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var callersNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// calls writes n lines of calls, every so often, the last one ago before now.
func calls(n int, every, ago time.Duration, client string, size int, target, agent string) string {
	var b strings.Builder
	for i := range n {
		at := callersNow.Add(-ago - time.Duration(n-1-i)*every)
		fmt.Fprintf(&b, "%s - - [%s] \"POST %s HTTP/1.1\" 200 %d \"-\" \"%s\"\n", client, at.Format("02/Jan/2006:15:04:05 -0700"), target, size, agent)
	}
	return b.String()
}

// flood is guessing from several addresses with the size of a refusal.
func flood(n int) string {
	var b strings.Builder
	for i := range 5 {
		b.WriteString(calls(n, time.Second, time.Hour, fmt.Sprintf("198.51.100.%d", i+1), 403, "/xmlrpc.php", "python-requests/2.31"))
	}
	return b.String()
}

func TestWhoCallsRightly(t *testing.T) {
	jetpack := "Jetpack by WordPress.com"
	for _, c := range []struct {
		name, log string
		want      []string // says address requests
	}{
		{"nobody but guessers", flood(100), nil},
		{"Jetpack by its agent", flood(100) + calls(4, time.Hour, time.Hour, "192.0.80.9", 812, "/xmlrpc.php", jetpack), []string{"jetpack 192.0.80.9 4"}},
		{"Jetpack by its query", flood(100) + calls(1, time.Hour, time.Hour, "192.0.80.9", 812, "/xmlrpc.php?for=jetpack&token=x", "curl"), []string{"jetpack 192.0.80.9 1"}},
		{"a guesser who says Jetpack", flood(100) + calls(50, time.Second, time.Hour, "203.0.113.6", 403, "/xmlrpc.php", jetpack), nil},
		{"the app in an IPv6 network", flood(100) + calls(2, time.Hour, time.Hour, "2001:db8:0:1::7", 640, "/xmlrpc.php", "wp-android/24.1") + calls(1, time.Hour, time.Hour, "2001:db8:0:1::8", 640, "/xmlrpc.php", "wp-android/24.1"), []string{"app 2001:db8:0:1::/64 3"}},
		{"a pingback", flood(100) + calls(1, time.Hour, time.Hour, "203.0.113.9", 500, "/xmlrpc.php", "The Incutio XML-RPC PHP Library -- WordPress/6.4"), []string{"pingback 203.0.113.9 1"}},
		{"an address that comes back with good answers", flood(100) + calls(6, 24*time.Hour, time.Hour, "203.0.113.20", 977, "/blog/xmlrpc.php", "-"), []string{"success 203.0.113.20 6"}},
		{"good answers in one burst only", flood(100) + calls(6, time.Second, time.Hour, "203.0.113.20", 977, "/xmlrpc.php", "-"), nil},
		{"a guesser with a few other answers", flood(100) + calls(40, 24*time.Hour/20, time.Hour, "203.0.113.20", 403, "/xmlrpc.php", "-") + calls(4, 24*time.Hour, time.Hour, "203.0.113.20", 617, "/xmlrpc.php", "-"), nil},
		{"one program alone, hourly, always the same answer", calls(100, time.Hour, time.Hour, "203.0.113.30", 700, "/xmlrpc.php", "-"), []string{"success 203.0.113.30 100"}},
		{"one guesser alone, fast", calls(5000, time.Second, time.Hour, "203.0.113.30", 403, "/xmlrpc.php", "-"), nil},
		{"refused already", strings.ReplaceAll(calls(9, 24*time.Hour, time.Hour, "192.0.80.9", 99, "/xmlrpc.php", jetpack), " 200 ", " 403 "), nil},
		{"read, not called", strings.ReplaceAll(calls(9, 24*time.Hour, time.Hour, "192.0.80.9", 99, "/xmlrpc.php", jetpack), "POST", "GET"), nil},
		{"a hostile name for a client", flood(100) + calls(1, time.Hour, time.Hour, "evil\x1b[31m.example", 812, "/xmlrpc.php", jetpack), []string{`jetpack evil\x1b[31m.example 1`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readCallers(t, c.log, CallersIn{})
			var told []string
			for _, f := range got.Found {
				told = append(told, fmt.Sprintf("%s %s %d", f.Says, f.Address, f.Requests))
			}
			if strings.Join(told, "; ") != strings.Join(c.want, "; ") {
				t.Errorf("got %q, want %q", told, c.want)
			}
		})
	}
}

func readCallers(t *testing.T, log string, in CallersIn) Callers {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	in.Logs = []CallersLog{{Path: path}}
	in.Now, in.Loc = callersNow, time.UTC
	if in.Since.IsZero() {
		in.Since = callersNow.Add(-30 * 24 * time.Hour)
	}
	out := ReadCallers(context.Background(), in)
	if len(out.Failed) > 0 {
		t.Fatalf("got failures %v", out.Failed)
	}
	return out
}

func TestCallersReadRotatedLogs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	old := calls(4, 24*time.Hour, 20*24*time.Hour, "192.0.80.9", 812, "/xmlrpc.php", "Jetpack by WordPress.com")
	f, err := os.Create(path + ".2.gz")
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	fmt.Fprint(z, old)
	z.Close()
	f.Close()
	if err := os.Chtimes(path+".2.gz", callersNow, callersNow.Add(-19*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(flood(30)), 0o600); err != nil {
		t.Fatal(err)
	}
	got := ReadCallers(context.Background(), CallersIn{Logs: []CallersLog{{Path: path}, {Path: path + "-missing"}}, Since: callersNow.Add(-30 * 24 * time.Hour), Now: callersNow, Loc: time.UTC})
	if len(got.Found) != 1 || got.Found[0].Requests != 4 || got.Found[0].Last.Unix() != callersNow.Add(-20*24*time.Hour).Unix() {
		t.Errorf("got %+v, want the four calls of the old log", got.Found)
	}
	if got.Days < 22 || got.Days > 24 || got.Requests != 154 || len(got.Failed) == 0 || got.Cut {
		t.Errorf("got %v days, %d requests, failures %v, cut %v", got.Days, got.Requests, got.Failed, got.Cut)
	}
}

func TestCallersBounds(t *testing.T) {
	log := calls(4, time.Hour, 40*24*time.Hour, "192.0.80.9", 812, "/xmlrpc.php", "Jetpack by WordPress.com") + flood(6000)
	if got := readCallers(t, log, CallersIn{}); len(got.Found) != 0 || got.Cut || got.Days > 1 {
		t.Errorf("got %+v: lines older than asked for were counted", got)
	}
	if got := readCallers(t, log, CallersIn{MaxBytes: 1 << 20}); !got.Cut || got.Requests >= 30000 || got.Requests == 0 {
		t.Errorf("got %d requests, cut %v; want a part of them", got.Requests, got.Cut)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := ReadCallers(ctx, CallersIn{Logs: []CallersLog{{Path: "/nowhere/access.log"}}, Now: callersNow, Loc: time.UTC}); !got.Cut || got.Days != 0 || got.Local != -1 {
		t.Errorf("got %+v, want it cut off with nothing read", got)
	}
}

func TestCallersSeeAProxy(t *testing.T) {
	if got := readCallers(t, calls(90, time.Second, time.Hour, "127.0.0.1", 403, "/xmlrpc.php", "x")+calls(10, time.Second, time.Hour, "203.0.113.1", 403, "/", "x"), CallersIn{}); got.Local != 0.9 {
		t.Errorf("got local share %v, want 0.9", got.Local)
	}
	cron := calls(90, time.Second, time.Hour, "127.0.0.1", 0, "/wp-cron.php?doing_wp_cron=1", "WordPress/6.4; https://x.example")
	if got := readCallers(t, cron+flood(1), CallersIn{}); got.Local != 0 {
		t.Errorf("got local share %v, want 0: the site calls itself", got.Local)
	}
}

func TestCallersAreBoundedInMemory(t *testing.T) {
	tally := callTally{in: CallersIn{Now: callersNow, Since: callersNow.Add(-time.Hour), Loc: time.UTC}, left: 1, who: map[callerKey]*callUse{}, counts: map[int64]int64{}}
	tally.reader = NewReader("", time.UTC, nil)
	at := callersNow.Add(-time.Minute).Format("02/Jan/2006:15:04:05 -0700")
	for i := range 3 * callersAddress {
		tally.line(fmt.Appendf(nil, `10.%d.%d.%d - - [%s] "POST /xmlrpc.php HTTP/1.1" 200 %d "-" "x"`, i>>16, i>>8&255, i&255, at, i))
	}
	if len(tally.who) > callersAddress || len(tally.counts) > sizesMost {
		t.Errorf("got %d addresses and %d sizes", len(tally.who), len(tally.counts))
	}
}

func FuzzCallers(f *testing.F) {
	f.Add([]byte(calls(3, 24*time.Hour, time.Hour, "2001:db8::1", 812, "/xmlrpc.php?for=jetpack", "Jetpack by WordPress.com")))
	f.Add([]byte(calls(2, time.Hour, time.Hour, "x", 1, "//xmlrpc.php", "MarsEdit")))
	f.Fuzz(func(t *testing.T, log []byte) {
		tally := callTally{in: CallersIn{Now: callersNow, Since: callersNow.Add(-1000 * time.Hour), Loc: time.UTC}, who: map[callerKey]*callUse{}, counts: map[int64]int64{}}
		tally.reader = NewReader(`%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`, time.UTC, nil)
		split(log, tally.line)
		got := tally.result()
		for _, c := range got.Found {
			if c.Requests <= 0 || strings.ContainsAny(c.Address, "\x1b\n\r") {
				t.Errorf("got %+v", c)
			}
		}
		if got.Local > 1 || got.Days < 0 {
			t.Errorf("got local share %v, %v days", got.Local, got.Days)
		}
	})
}
