package diagnose_test

import (
	"testing"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

var t0 = time.Date(2026, 6, 1, 15, 0, 0, 0, time.UTC)

func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

// look is a recording of the machine of n seconds, with one request of hirune's own.
func look(n int, tookMs int64) recording.Window {
	rs := []evidence.Record{{At: at(0), Fact: evidence.Probe{Site: "blog", URL: "http://blog/", Status: 200, TookMs: tookMs}}}
	for i := range n {
		rs = append(rs, evidence.Record{At: at(i), Fact: evidence.Host{OverMs: 1000, CPUs: 2, IdleMs: 2000}})
	}
	return recording.New(rs)
}

// Under a CPU cap a look of 20 s gets one answer: it is all that is known of
// visitors, and no whim.
func TestASingleSlowAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		seconds int
		tookMs  int64
		want    diagnose.Status
	}{
		"fills a short look":       {19, 9900, diagnose.NotProven},
		"is one of a long time":    {600, 9900, diagnose.Healthy},
		"was quick in a short one": {19, 90, diagnose.Healthy},
	} {
		if got := diagnose.Diagnose(look(c.seconds, c.tookMs), nil, diagnose.Options{}); got.Status != c.want {
			t.Errorf("one answer that %s: got %s, want %s", name, got.Status, c.want)
		}
	}
}

func TestWatched(t *testing.T) {
	var rs []evidence.Record
	for _, s := range []int{0, 1, 2, 30, 61, 62, 100} {
		rs = append(rs, evidence.Record{At: at(s), Fact: evidence.Host{OverMs: 1000}})
	}
	w := recording.New(rs)
	got := diagnose.Watched(w, diagnose.GapLeast)
	want := []diagnose.Span{{From: at(0), To: at(30)}, {From: at(61), To: at(62)}, {From: at(100), To: at(100)}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("stretch %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if got := diagnose.Watched(recording.Window{}, diagnose.GapLeast); len(got) != 0 {
		t.Errorf("got %v of an empty recording", got)
	}
}
