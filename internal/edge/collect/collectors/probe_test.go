package collectors

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// untilProbe beats at the same moment until an answer has come.
func untilProbe(t *testing.T, c *Probes, sec int) evidence.Record {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		rs, err := beatOf(t, c, sec)
		if err != nil {
			t.Fatal(err)
		}
		if len(rs) > 0 {
			return rs[0]
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("no answer came")
	return evidence.Record{}
}

func TestProbesDoNotHoldUpTheBeat(t *testing.T) {
	var asked atomic.Int64
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	}))
	defer s.Close()
	defer close(hang)
	c := NewProbes(func() discover.Found {
		return discover.Found{Roots: []discover.Root{{Dir: "/srv", Host: "shop.example", Listen: s.Listener.Addr().String()}}}
	})
	defer c.Close()
	c.Timeout = 300 * time.Millisecond
	r := untilProbe(t, c, 0)
	if f := r.Fact.(evidence.Probe); f.Status != 200 || f.Site != "shop.example" || !r.At.Equal(logNow) {
		t.Errorf("got %+v", r)
	}
	if _, err := beatOf(t, c, 4); err != nil || asked.Load() != 1 {
		t.Errorf("asked %d times within 5 s, %v", asked.Load(), err)
	}
	for sec := 5; sec < 30; sec++ { // it hangs: the beats go on, no second request is sent
		if rs, err := beatOf(t, c, sec); err != nil || len(rs) > 1 {
			t.Fatalf("got %+v, %v", rs, err)
		}
		if asked.Load() > 2 {
			t.Fatalf("%d requests at once", asked.Load()-1)
		}
	}
	if r = untilProbe(t, c, 29); r.Fact.(evidence.Probe).Error != "timeout" || !r.At.Equal(logNow.Add(5*time.Second)) {
		t.Errorf("got %+v, want a time-out of the request sent at second 5", r)
	}
}

func TestProbesWithoutASite(t *testing.T) {
	c := NewProbes(func() discover.Found { return discover.Found{Roots: []discover.Root{{Dir: "/srv"}}} })
	defer c.Close()
	if _, err := beatOf(t, c, 0); !errors.Is(err, evidence.ErrAbsent) {
		t.Errorf("got %v", err)
	}
}

func TestProbeTargets(t *testing.T) {
	c := NewProbes(func() discover.Found {
		return discover.Found{Roots: []discover.Root{
			{Dir: "/a", Host: "a.example", Listen: "*:80"}, {Dir: "/a", Host: "a.example", Listen: "*:443", TLS: true}, {Dir: "/b", Listen: "*:81"},
		}}
	})
	c.look(logNow)
	if len(c.targets) != 2 || !c.targets[0].TLS || c.targets[1].Site != "/b" {
		t.Errorf("got %+v", c.targets)
	}
}
