package errorlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

type sample struct {
	file, id, line string
	in             Log
}

func samples(t testing.TB) []sample {
	t.Helper()
	kinds := map[string]Log{"apache": Apache, "nginx": Nginx, "fpm": FPM, "php": PHP, "database": Database, "kernel": Kernel, "systemd": Systemd}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	var out []sample
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			p := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
			if len(p) != 3 || kinds[p[1]] == 0 {
				t.Fatalf("%s: not a sample: %q", f, line)
			}
			out = append(out, sample{file: f, id: p[0], in: kinds[p[1]], line: p[2]})
		}
	}
	return out
}

func TestEveryPatternHasItsSample(t *testing.T) {
	seen := map[string]bool{}
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, s := range samples(t) {
		got := "-"
		if p := Match(s.in, []byte(s.line)); p != nil {
			got = p.ID
		}
		if got != s.id {
			t.Errorf("%s: got %s, want %s: %s", s.file, got, s.id, s.line)
		}
		seen[s.id] = true
		at, rest, ok := Stamp([]byte(s.line), time.UTC, now)
		if !ok && strings.Contains(s.line[:9], "2") {
			t.Errorf("%s: no time in %s", s.file, s.line)
		}
		if ok && (at.Before(now.AddDate(0, 0, -11)) || at.After(now)) {
			t.Errorf("%s: time %s in %s", s.file, at, s.line)
		}
		if m := Message(rest); m == "" || len(m) > MessageMost+len("…") {
			t.Errorf("%s: message %q", s.file, m)
		}
	}
	for _, p := range patterns {
		if !seen[p.ID] {
			t.Errorf("%s has no sample in testdata", p.ID)
		}
	}
}

func TestALineOfAnotherLogIsNotTold(t *testing.T) {
	for in, line := range map[Log]string{
		Database: "WordPress database error x", Apache: "2026-11-22 12:00:00 0 [Note] mysqld: ready for connections.", Kernel: "Too many connections", FPM: "AH00484: x", Nginx: "",
	} {
		if p := Match(in, []byte(line)); p != nil {
			t.Errorf("%q: got %s", line, p.ID)
		}
	}
}

func TestStamp(t *testing.T) {
	tokyo, now := time.FixedZone("JST", 9*3600), time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for line, want := range map[string]string{
		"[Sun Nov 22 12:51:14.136798 2026] [x] a": "2026-11-22T03:51:14Z", "[Sun Nov 22 12:51:14 2026] a": "2026-11-22T03:51:14Z",
		"[22-Nov-2026 12:51:14] NOTICE: a": "2026-11-22T03:51:14Z", "[22-Nov-2026 12:51:14 UTC] a": "2026-11-22T12:51:14Z",
		"2026/11/22 12:51:14 [error] a": "2026-11-22T03:51:14Z", "2026-11-22 12:51:14 0 [Note] a": "2026-11-22T03:51:14Z", "2026-11-22  9:51:14 0 [Note] a": "2026-11-22T00:51:14Z",
		"2026-11-22T12:51:14.123456Z 0 a": "2026-11-22T12:51:14Z", "2026-11-22T12:51:14.1+09:00 web a": "2026-11-22T03:51:14Z", "261122 12:51:14 [ERROR] a": "2026-11-22T03:51:14Z",
		"Dec 31 12:51:14 web kernel: a": "2025-12-31T03:51:14Z", "Jan  1 12:51:14 web kernel: a": "2026-01-01T03:51:14Z",
	} {
		at, rest, ok := Stamp([]byte(line), tokyo, now)
		if got := at.UTC().Format(time.RFC3339); !ok || got != want || !strings.HasSuffix(line, string(rest)) || strings.Contains(string(rest), "51:14") {
			t.Errorf("%s: got %s (rest %q), want %s", line, got, rest, want)
		}
	}
	for _, line := range []string{"", "[", "[]", "InnoDB: x", "[99-Nov-2026 12:51:14] a", "\x00", "2026-99-22T"} {
		if at, rest, ok := Stamp([]byte(line), tokyo, now); ok || string(rest) != line {
			t.Errorf("%q: got %s, %q", line, at, rest)
		}
	}
}

func TestMessageKeepsNoSecret(t *testing.T) {
	for in, want := range map[string]string{
		`[proxy_fcgi:error] [pid 7052:tid 7058] [client 127.0.0.1:51296] AH01071: Got error 'PHP message: WordPress database error Lock wait timeout exceeded; try restarting transaction for query INSERT INTO wp_t1 (a, b) VALUES ('bo\'b''s', 7.5, "x") made by require`: `[client 127.0.0.1:51296] AH01071: Got error 'PHP message: WordPress database error Lock wait timeout exceeded; try restarting transaction for query INSERT INTO wp_t1 (a, b) VALUES (?, ?, ?) made by re…`,
		`x for query SELECT 'never closed and secret`:                               `x for query SELECT ?`,
		`request: "GET /a.php?token=secret HTTP/1.1", client: 192.0.2.1`:            `request: "GET /a.php?… HTTP/1.1", client: 192.0.2.1`,
		`referrer: "http://a.example/?k=v"`:                                         `referrer: "http://a.example/?…"`,
		"PHP Fatal error:  x in a.php:1\\nStack trace:\\n#0 connect('u', 'secret')": `PHP Fatal error:  x in a.php:1\n`,
		"[error] 7062#7062: *3 limiting \x1b[31m":                                   `*3 limiting \x1b[31m`,
		"35 [Warning] Aborted connection 35":                                        "[Warning] Aborted connection 35",
	} {
		if got := Message([]byte(in)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range samples(f) {
		f.Add([]byte(s.line))
	}
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, line []byte) {
		Match(Apache|Nginx|FPM|PHP|Database|Kernel, line)
		_, rest, _ := Stamp(line, time.UTC, now)
		m := Message(rest)
		if !utf8.ValidString(m) || len(m) > MessageMost+len("…") || strings.ContainsAny(m, "\x1b\n\x00") {
			t.Errorf("message %q", m)
		}
	})
}

func BenchmarkMatchNothing(b *testing.B) {
	line := []byte(strings.Repeat("---TRANSACTION 421, not started 0 lock struct(s), heap size 1128, 0 row lock(s) ", 2))
	for b.Loop() {
		Match(Database, line)
	}
}
