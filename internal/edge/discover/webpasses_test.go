package discover

import (
	"maps"
	"slices"
	"testing"
)

func TestWhereNginxPassesRequests(t *testing.T) {
	w, _ := webOf(t, map[string]string{"etc/nginx.conf": `events {}
http {
  upstream apache { server 127.0.0.1:8080 weight=2; server [::1]:8080; server unix:/run/x.sock; }
  server { listen 80; location / { proxy_pass http://apache; } location /api/ { if ($x) { proxy_pass http://localhost:9000/v1/; } } }
  server { listen 81; location / { proxy_pass http://$backend; } location /a { proxy_pass http://unix:/run/y.sock:/; } location /b { proxy_pass http://backend.example; } }
  server { listen 82; location / { proxy_pass https://192.0.2.7; } location /c { proxy_pass 127.0.0.1:1; } }
}`})
	want := []string{"127.0.0.1:8080", "[::1]:8080", "127.0.0.1:9000", "192.0.2.7:443"}
	if !slices.Equal(w.Passes, want) {
		t.Errorf("got %q, want %q", w.Passes, want)
	}
}

func TestFronts(t *testing.T) {
	nginx := WebServer{Instance: "nginx:80", Listen: []string{"0.0.0.0:80"}, Passes: []string{"127.0.0.1:8080"}}
	for name, c := range map[string]struct {
		back []string
		want map[int][]int
	}{
		"on loopback":         {[]string{"127.0.0.1:8080"}, map[int][]int{1: {0}}},
		"another port":        {[]string{"127.0.0.1:8081"}, map[int][]int{}},
		"reachable otherwise": {[]string{"127.0.0.1:8080", "192.0.2.1:8080"}, map[int][]int{}},
		"on all addresses":    {[]string{"0.0.0.0:8080"}, map[int][]int{}},
		"nobody knows where":  {nil, map[int][]int{}},
		"unreadable":          {[]string{"*:8080"}, map[int][]int{}},
	} {
		got := Found{WebServers: []WebServer{nginx, {Instance: "apache:8080", Listen: c.back}}}.Fronts()
		if !maps.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
