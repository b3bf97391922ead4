package collectors

import (
	"path/filepath"
	"testing"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// TestALogBehindAnotherIsLeft counts both logs until it is known that one server
// hands its requests to the other, and then those of the one in front alone.
func TestALogBehindAnotherIsLeft(t *testing.T) {
	dir := t.TempDir()
	front, back := filepath.Join(dir, "front.log"), filepath.Join(dir, "back.log")
	appendTo(t, front, "")
	appendTo(t, back, "")
	found := discover.Found{WebServers: []discover.WebServer{
		{Instance: "nginx:80", AccessLogs: []discover.AccessLog{{Path: front, Format: timedFormat, Site: "front"}}},
		{Instance: "apache:8080", AccessLogs: []discover.AccessLog{{Path: back, Format: timedFormat, Site: "back"}}},
	}}
	c := NewTraffic(func() discover.Found { return found })
	t.Cleanup(func() { _ = c.Close() })
	count := func(sec int) map[string]int64 {
		t.Helper()
		line := logLine("203.0.113.5", "GET / HTTP/1.1", "visitor")
		if sec > 0 {
			appendTo(t, front, line)
			appendTo(t, back, line)
		}
		rs, err := beatOf(t, c, sec)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int64{}
		for _, f := range factsOf[evidence.Traffic](rs) {
			out[f.Site] += f.Requests
		}
		return out
	}
	count(0)
	if got := count(1); got["front"] != 1 || got["back"] != 1 {
		t.Fatalf("got %v", got)
	}
	found.WebServers[1].Behind = "nginx:80"
	if got := count(60); got["front"] != 1 || got["back"] != 0 {
		t.Errorf("behind another: got %v", got)
	}
	found.WebServers[1].Behind = ""
	count(120)
	if got := count(121); got["front"] != 1 || got["back"] != 1 {
		t.Errorf("not behind it any more: got %v", got)
	}
}
