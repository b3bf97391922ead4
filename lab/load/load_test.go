package load

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

var streams = []Stream{
	{Kind: Page, Rate: 50, Clients: 300, Net: 20},
	{Kind: XMLRPC, Rate: 20, From: 10, Until: 20, Clients: 2, Net: 66},
}

func TestScheduleIsFixedOrderedAndNearItsRates(t *testing.T) {
	a, b := Schedule(streams, time.Minute, 7), Schedule(streams, time.Minute, 7)
	if !slices.Equal(a, b) {
		t.Error("the same seed gave two schedules")
	}
	if slices.Equal(a, Schedule(streams, time.Minute, 8)) {
		t.Error("two seeds gave the same schedule")
	}
	if !slices.IsSortedFunc(a, func(x, y Shot) int { return int(x.At - y.At) }) {
		t.Error("the schedule is out of order")
	}
	pages, logins, attackers := 0, 0, map[string]bool{}
	for _, s := range a {
		if s.Kind == Page {
			pages++
			continue
		}
		logins++
		attackers[s.From.String()] = true
		if s.At < 10*time.Second || s.At >= 20*time.Second {
			t.Errorf("a log-in at %v, want 10 s to 20 s", s.At)
		}
	}
	if pages < 2800 || pages > 3200 || logins < 150 || logins > 250 {
		t.Errorf("%d pages and %d log-ins, want about 3000 and 200", pages, logins)
	}
	if len(attackers) != 2 || !attackers["198.18.66.1"] {
		t.Errorf("attackers %v, want 198.18.66.1 and .2", attackers)
	}
}

func TestCheckRefusesStreamsThatCannotRun(t *testing.T) {
	for _, s := range []Stream{{}, {Kind: "x", Rate: 1, Clients: 1, Net: 1}, {Kind: Page, Clients: 1, Net: 1}, {Kind: Page, Rate: 1, Clients: 1, Net: 1, From: 5, Until: 4}} {
		if s.Check() == nil {
			t.Errorf("%+v passes, want an error", s)
		}
	}
	for _, s := range streams {
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestTimelineCountsFromTheIntendedStart(t *testing.T) {
	var results []Result
	for i := range 100 {
		results = append(results, Result{Shot: Shot{At: 1500 * time.Millisecond, Kind: Page}, Latency: time.Duration(i+1) * time.Millisecond, OK: i >= 10})
	}
	line := Timeline(results, 3*time.Second)
	if len(line) != 3 || len(line[0].Kinds) != 0 || len(line[2].Kinds) != 0 {
		t.Fatalf("time line %+v, want three seconds of which the middle one is filled", line)
	}
	want := Figures{Sent: 100, OK: 90, Failed: 10, P50Ms: 50, P99Ms: 99}
	if got := line[1].Kinds[Page]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPercentileByNearestRank(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		p    float64
		want float64
	}{{nil, 0.5, 0}, {[]float64{7}, 0.99, 7}, {[]float64{1, 2}, 0.5, 1}, {[]float64{1, 2, 3}, 0.5, 2}, {[]float64{1, 2, 3}, 0.99, 3}} {
		if got := percentile(c.in, c.p); got != c.want {
			t.Errorf("percentile(%v, %v) = %v, want %v", c.in, c.p, got, c.want)
		}
	}
}

func TestRunJudgesBodiesAndSourceAddresses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.RemoteAddr, "127.20.") || strings.HasPrefix(r.RemoteAddr, "198.18.20.") {
			_, _ = w.Write([]byte("<html></html>"))
		}
	}))
	defer server.Close()
	site := Site{URL: server.URL, Posts: 3, PostSlug: func(int) string { return "p" }, Words: []string{"a"}, BrowserAgents: []string{"b"},
		FailedLogin: func(string, string) string { return "" }}
	shots := Schedule([]Stream{{Kind: Page, Rate: 200, Clients: 3, Net: 20}, {Kind: Page, Rate: 200, Clients: 3, Net: 21}}, 100*time.Millisecond, 1)
	results, err := Run(t.Context(), site, shots, time.Now())
	if err != nil || len(results) != len(shots) || len(shots) == 0 {
		t.Fatalf("%d results of %d shots, %v", len(results), len(shots), err)
	}
	for _, r := range results {
		if a := r.From.As4(); r.OK != (a[1] == 20 || a[2] == 20) {
			t.Errorf("from %v: ok %v (%s): the first net gets pages, and an empty page is a failure", r.From, r.OK, r.Why)
		}
	}
	if _, err := Run(context.Background(), Site{URL: "http://192.0.2.1"}, nil, time.Now()); err == nil {
		t.Error("load for another host passes, want an error")
	}
}
