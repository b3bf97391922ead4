package accesslog

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func TestPastReadsOldestFirstWithinItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "error.log")
	for name, text := range map[string]string{"": "5 youngest\n6 last without its end", ".1": "3 older\n4 older\n", ".2": "1 oldest\n2 oldest\n"} {
		if err := os.WriteFile(path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		age := map[string]time.Duration{"": 0, ".1": time.Hour, ".2": 2 * time.Hour}[name]
		if err := os.Chtimes(path+name, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for most, want := range map[int64]string{1000: "1 2 3 4 5 6", 44: "4 5 6", 5: ""} {
		var got []string
		if err := Past(t.Context(), path, time.Now().Add(-24*time.Hour), most, func(line []byte) {
			n, _, _ := strings.Cut(string(line), " ")
			got = append(got, n)
		}); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d bytes: got %q, want %q", most, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Past(ctx, path, time.Time{}, 1000, func([]byte) {}); err == nil {
		t.Error("it was not given up")
	}
}

func TestCountsTheMinutesOfThePast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	var b strings.Builder
	at := time.Date(2026, 6, 1, 15, 30, 0, 0, time.UTC)
	line := func(at time.Time, request string, status int) {
		fmt.Fprintf(&b, "203.0.113.9 - - [%s] \"%s HTTP/1.1\" %d 500 \"-\" \"x\" 250000\n", at.Format("02/Jan/2006:15:04:05 -0700"), request, status)
	}
	for i := range 4 {
		line(at.Add(time.Duration(i)*20*time.Second), "GET /page/", 200+300*(i/3))
		line(at.Add(time.Duration(i)*20*time.Second), "GET /style.css", 200)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	now := at.Add(time.Hour)
	r := NewReader("%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D", time.UTC, func(netip.Addr) bool { return false })
	h := NewHistory("blog", path, int64(b.Len()), at.Add(-time.Hour), now, r)
	var m Minutes
	h.Minutes = &m
	for !h.Step(1<<20, func(time.Time, evidence.Fact) {}) {
	}
	var got []string
	m.Each(func(at time.Time, requests, errors int64, pageMs float64) {
		got = append(got, fmt.Sprint(at.Format("15:04"), " ", requests, " ", errors, " ", pageMs))
	})
	if len(got) != 2 || !strings.Contains(strings.Join(got, ","), "15:30 3 0 250") || !strings.Contains(strings.Join(got, ","), "15:31 1 1 250") {
		t.Errorf("got %q", got)
	}
	n := 0
	m.Traffic("blog", at, at, func(end time.Time, f evidence.Traffic) {
		if n++; !end.Equal(at.Add(time.Minute)) || f.OverMs != 60_000 || f.FromHist || f.Class == evidence.ClassPage && (f.Requests != 3 || f.TookMs != 750 || f.S2xx != 3) {
			t.Errorf("got %v %+v", end, f)
		}
	})
	if n != 2 {
		t.Errorf("got %d facts of the minute, want 2", n)
	}
}
