package accesslog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var pairNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// asked is a log of n requests, one every ten seconds up to some minutes ago; each
// is stamped late seconds later.
func asked(n, late int, client string, path func(i int) string) string {
	var b strings.Builder
	for i := range n {
		at := pairNow.Add(-5*time.Minute - time.Duration(10*(n-i))*time.Second + time.Duration(late)*time.Second)
		fmt.Fprintf(&b, "%s - - [%s] \"GET %s HTTP/1.1\" 200 1234 \"-\" \"Mozilla/5.0\"\n", client, at.Format("02/Jan/2006:15:04:05 -0700"), path(i))
	}
	return b.String()
}

func TestPair(t *testing.T) {
	page := func(i int) string { return fmt.Sprintf("/page-%d/", i%7) }
	same := asked(100, 0, "127.0.0.1", page)
	for name, c := range map[string]struct {
		back         string
		front        []string
		twice, known bool
	}{
		"the same":                        {same, []string{asked(100, 3, "203.0.113.9", page)}, true, true},
		"in two logs in front":            {same, []string{asked(100, 1, "203.0.113.9", func(i int) string { return []string{page(i), "/x"}[i%2] }), asked(100, 1, "203.0.113.9", func(i int) string { return []string{"/x", page(i)}[i%2] })}, true, true},
		"others":                          {same, []string{asked(100, 0, "203.0.113.9", func(i int) string { return fmt.Sprintf("/other-%d/", i) })}, false, true},
		"half of them":                    {same, []string{asked(100, 0, "203.0.113.9", func(i int) string { return []string{page(i), "/x"}[i%2] })}, false, true},
		"the one in front logs no more":   {same, []string{strings.Join(strings.SplitAfter(asked(100, 0, "203.0.113.9", page), "\n")[:40], "")}, false, true},
		"one page, seen less often":       {asked(100, 0, "127.0.0.1", func(int) string { return "/" }), []string{asked(100, 0, "203.0.113.9", func(i int) string { return []string{"/", "/x", "/y"}[i%3] })}, false, true},
		"too few":                         {asked(10, 0, "127.0.0.1", page), []string{asked(10, 0, "203.0.113.9", page)}, false, false},
		"nothing in front":                {same, []string{""}, false, true},
		"nothing behind":                  {"", []string{same}, false, false},
		"an hour ago":                     {asked(100, -3700, "127.0.0.1", page), []string{asked(100, -3700, "203.0.113.9", page)}, false, false},
		"what is in front logs much more": {same, []string{asked(100, 1, "203.0.113.9", page) + strings.Repeat(asked(100, 0, "203.0.113.9", func(i int) string { return fmt.Sprintf("/a%d.css", i) }), 3)}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			back := PairLog{Path: filepath.Join(dir, "back.log")}
			put(t, back.Path, []byte(c.back), pairNow)
			var front []PairLog
			for i, text := range c.front {
				l := PairLog{Path: filepath.Join(dir, fmt.Sprintf("front%d.log", i))}
				put(t, l.Path, []byte(text), pairNow)
				front = append(front, l)
			}
			twice, known := Pair(t.Context(), back, front, pairNow, time.UTC)
			if twice != c.twice || known != c.known {
				t.Errorf("got twice %v, known %v", twice, known)
			}
		})
	}
	if twice, _ := Pair(t.Context(), PairLog{Path: "/nonexistent/a"}, []PairLog{{Path: "/nonexistent/b"}}, pairNow, time.UTC); twice {
		t.Error("logs that are not there are the same")
	}
}
