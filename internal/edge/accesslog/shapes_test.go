package accesslog

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"hirune/internal/core/evidence"
)

// shapesOf counts lines, each a target with a status and an agent.
func shapesOf(s *Shapes, n int, line func(i int) (client, target, agent string, status int)) {
	r := NewReader("combined", time.UTC, nil)
	var q Request
	for i := range n {
		client, target, agent, status := line(i)
		r.Read(fmt.Appendf(nil, `%s - - [22/Nov/2026:12:00:00 +0000] "GET %s HTTP/1.1" %d 900 "-" "%s"`, client, target, status, agent), &q)
		s.Add(&q)
	}
}

func pathsOf(s *Shapes, top int, least int64) []evidence.PathUse {
	var out []evidence.PathUse
	s.Paths("shop", time.Minute, top, least, func(f evidence.PathUse) { out = append(out, f) })
	return out
}

func TestShapes(t *testing.T) {
	for target, want := range map[string]string{
		"/":                                     "/",
		"/2024/05/lunch-7/":                     "/N/N/lunch-N/",
		"/events/?day=2024-05-01&view=list":     "/events/?day=&view=",
		"/events/?day=1&utm_source=x&fbclid=yy": "/events/?day=",
		"/shop/?filter_color=red,blue&a1[0]=3":  "/shop/?filter_color=&aN[N]=",
		"/?&&=3&x":                              "/?x=",
		"/a//b%31/?q":                           "/a/bN/?q=",
		"/ws82.php":                             "/wsN.php",
		"/" + strings.Repeat("long", 90):        "/" + strings.Repeat("long", 90)[:shapeText-1],
	} {
		s := NewShapes()
		shapesOf(s, 1, func(int) (string, string, string, int) { return "192.0.2.1", target, "x", 200 })
		if got := pathsOf(s, 1, 1); len(got) != 1 || got[0].Pattern != want {
			t.Errorf("%s: got %+v, want %s", target, got, want)
		}
	}
}

func TestShapesCountClientsAndAddresses(t *testing.T) {
	s := NewShapes()
	shapesOf(s, 900, func(i int) (string, string, string, int) {
		client := fmt.Sprintf("198.18.%d.%d", i/200, i%200)
		switch {
		case i%3 == 0:
			return "192.0.2.1", "/about/", "Mozilla/5.0", 200
		case i%30 == 1:
			return client, fmt.Sprintf("/shell%c%d.php", 'a'+i%26, i), "x", 404
		}
		return client, fmt.Sprintf("/calendar/?day=%d", i), "Mozilla/5.0 (compatible; Googlebot/2.1)", 200
	})
	if got := s.Busiest(); got != 570 {
		t.Errorf("the busiest has %d, want 570", got)
	}
	got := pathsOf(s, 2, 20)
	if len(got) != 2 {
		t.Fatalf("got %+v, want the two busiest", got)
	}
	for i, want := range []evidence.PathUse{
		{Site: "shop", OverMs: 60_000, Class: evidence.ClassPage, Pattern: "/calendar/?day=", Requests: 570, Clients: 570, Distinct: 570, TookMs: -1, Robot: "google"},
		{Site: "shop", OverMs: 60_000, Class: evidence.ClassPage, Pattern: "/about/", Requests: 300, Clients: 1, Distinct: 1, TookMs: -1},
	} {
		g := got[i]
		if near(g.Clients, want.Clients) && near(g.Distinct, want.Distinct) {
			g.Clients, g.Distinct = want.Clients, want.Distinct
		}
		if g != want {
			t.Errorf("got %+v, want %+v", got[i], want)
		}
	}
	if rest := pathsOf(s, 9, 1); len(rest) != 0 {
		t.Errorf("got %+v after all was told", rest)
	}
}

// near allows for the error of an estimate.
func near(got, want int64) bool { return 10*max(got-want, want-got) <= want }

func TestMissingScriptsAreOneShape(t *testing.T) {
	s := NewShapes()
	shapesOf(s, 90, func(i int) (string, string, string, int) {
		return "192.0.2.1", fmt.Sprintf("/%c/x%d.php", 'a'+i%26, i), "x", 404
	})
	if got := pathsOf(s, 9, 1); len(got) != 1 || got[0].Pattern != "/*.php" || got[0].Requests != 90 || got[0].Errors != 90 {
		t.Errorf("got %+v", got)
	}
}

// Addresses without end cost neither memory nor an allocation each, and hide
// nothing that is asked for often.
func TestShapesAreBounded(t *testing.T) {
	s, r := NewShapes(), NewReader("combined", time.UTC, nil)
	var q Request
	lines := make([][]byte, 20_000)
	for i := range lines {
		lines[i] = fmt.Appendf(nil, `192.0.2.1 - - [22/Nov/2026:12:00:00 +0000] "GET /%s%s/ HTTP/1.1" 200 900 "-" "x"`, strings.Repeat("a", i%100), strings.Repeat("b", i/100%200))
		if i%10 == 0 {
			lines[i] = []byte(`192.0.2.1 - - [22/Nov/2026:12:00:00 +0000] "GET /often/?n=7 HTTP/1.1" 200 900 "-" "x"`)
		}
	}
	for _, l := range lines {
		r.Read(l, &q)
		s.Add(&q)
	}
	if len(s.m) > shapesMost {
		t.Errorf("keeps %d shapes", len(s.m))
	}
	if got := pathsOf(s, 1, 1); len(got) != 1 || got[0].Pattern != "/often/?n=" || got[0].Requests != 2000 {
		t.Errorf("got %+v", got)
	}
	r.Read(lines[0], &q)
	if n := testing.AllocsPerRun(100, func() { s.Add(&q) }); n > 0 {
		t.Errorf("%v allocations for a request", n)
	}
}

func FuzzShapes(f *testing.F) {
	f.Add([]byte("/events/?day=2024-05-01&view=list"), []byte("Googlebot/2.1"))
	f.Add([]byte("/%00/\xff?\x1b[31m=1&=&&"), []byte{})
	f.Fuzz(func(t *testing.T, target, agent []byte) {
		s := NewShapes()
		r := NewReader("combined", time.UTC, nil)
		var q Request
		if !r.Read(fmt.Appendf(nil, `192.0.2.1 - - [22/Nov/2026:12:00:00 +0000] "GET %s HTTP/1.1" 200 900 "-" "%s"`, target, agent), &q) {
			return
		}
		s.Add(&q)
		for _, p := range pathsOf(s, 9, 1) {
			if len(p.Pattern) > shapeText+4 || !printable([]byte(strings.ReplaceAll(p.Pattern, "…", ""))) && strings.ContainsFunc(p.Pattern, unicode.IsControl) {
				t.Errorf("%q became %q", target, p.Pattern)
			}
		}
	})
}

func BenchmarkShapes(b *testing.B) {
	lines := mixed(4096)
	s, r := NewShapes(), NewReader("combined", time.UTC, nil)
	var q Request
	b.ReportAllocs()
	i := 0
	from := cpuTime()
	for b.Loop() {
		r.Read(lines[i&4095], &q)
		s.Add(&q)
		i++
	}
	b.ReportMetric(float64(cpuTime()-from)/float64(b.N), "cpu-ns/op")
}
