package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hirune/internal/edge/discover"
)

// TestServersBehindOthersAreMarked has nginx before Apache, with logs of the last
// half hour.
func TestServersBehindOthersAreMarked(t *testing.T) {
	now := time.Now()
	log := func(client string, lines int, path string) string {
		var b strings.Builder
		for i := range lines {
			at := now.Add(-5*time.Minute - time.Duration(10*(lines-i))*time.Second)
			fmt.Fprintf(&b, "%s - - [%s] \"GET /%s%d HTTP/1.1\" 200 1234 \"-\" \"Mozilla/5.0\"\n", client, at.Format("02/Jan/2006:15:04:05 -0700"), path, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		before, front, back string
		listen, want        string
	}{
		"the same requests":              {"", log("203.0.113.5", 100, "p"), log("127.0.0.1", 100, "p"), "127.0.0.1:8080", "nginx:80"},
		"others":                         {"nginx:80", log("203.0.113.5", 100, "q"), log("127.0.0.1", 100, "p"), "127.0.0.1:8080", ""},
		"too few to say":                 {"", log("203.0.113.5", 5, "p"), log("127.0.0.1", 5, "p"), "127.0.0.1:8080", ""},
		"too few to say, known before":   {"nginx:80", log("203.0.113.5", 5, "p"), log("127.0.0.1", 5, "p"), "127.0.0.1:8080", "nginx:80"},
		"the same, reachable by anybody": {"", log("203.0.113.5", 100, "p"), log("127.0.0.1", 100, "p"), "0.0.0.0:8080", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			front, back := filepath.Join(dir, "front.log"), filepath.Join(dir, "back.log")
			for path, text := range map[string]string{front: c.front, back: c.back} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f := discover.Found{WebServers: []discover.WebServer{
				{Instance: "nginx:80", Listen: []string{"0.0.0.0:80"}, Passes: []string{"127.0.0.1:8080"}, AccessLogs: []discover.AccessLog{{Path: front}}},
				{Instance: "apache:8080", Listen: []string{c.listen}, AccessLogs: []discover.AccessLog{{Path: back, Proxy: &discover.Proxy{Header: "X-Forwarded-For"}}}, Behind: c.before},
			}}
			markFronts(t.Context(), &f, now)
			if got := f.WebServers[1].Behind; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if why := whoseWord(&f); (why == "") != (c.want != "") {
				t.Errorf("the recorder may ban: %q", why)
			}
		})
	}
}
