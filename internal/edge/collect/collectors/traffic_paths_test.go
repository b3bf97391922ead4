package collectors

import (
	"fmt"
	"path/filepath"
	"testing"

	"hirune/internal/core/evidence"
)

// TestPatternsOfAddresses is a quiet minute, and then a crawler in a calendar.
func TestPatternsOfAddresses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	c := followed(t, path, timedFormat)
	var quiet, busy []evidence.PathUse
	for sec := 1; sec <= 90; sec++ {
		if sec%10 == 0 {
			appendTo(t, path, logLine("203.0.113.5", "GET /2026/11/lunch/ HTTP/1.1", "visitor"))
		}
		if sec > 60 {
			for i := range 5 {
				appendTo(t, path, logLine(fmt.Sprintf("192.0.2.%d", sec), fmt.Sprintf("GET /calendar/?day=%d HTTP/1.1", 5*sec+i), "Mozilla/5.0 (compatible; bingbot/2.0)"))
			}
		}
		rs, err := beatOf(t, c, sec)
		if err != nil {
			t.Fatal(err)
		}
		if sec <= 60 {
			quiet = append(quiet, factsOf[evidence.PathUse](rs)...)
		} else {
			busy = append(busy, factsOf[evidence.PathUse](rs)...)
		}
	}
	if len(quiet) != 1 || quiet[0].Pattern != "/N/N/lunch/" || quiet[0].Requests != 6 || quiet[0].OverMs != 60_000 {
		t.Errorf("got %+v in the quiet minute; want the post, told once", quiet)
	}
	if len(busy) != 3 {
		t.Fatalf("got %+v; want the calendar, told each 10 s", busy)
	}
	for _, f := range busy {
		if want := (evidence.PathUse{Site: "shop.example", OverMs: 10_000, Class: evidence.ClassPage, Pattern: "/calendar/?day=", Requests: 50, Clients: f.Clients, Distinct: f.Distinct, TookMs: 750, Robot: "bing"}); f != want || f.Distinct < 45 || f.Clients < 8 || f.Clients > 12 { // both are estimates
			t.Errorf("got %+v, want %+v", f, want)
		}
	}
}
