package probe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/evidence"
)

func server(t *testing.T, h http.HandlerFunc) Target {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Target{Site: "shop", Host: "shop.example", Listen: s.Listener.Addr().String()}
}

func ask(t *testing.T, target Target, timeout time.Duration) evidence.Probe {
	t.Helper()
	p := Once(context.Background(), target, timeout)
	if p.Site != "shop" || p.TookMs < 0 || p.TookMs > 5000 {
		t.Errorf("got %+v", p)
	}
	return p
}

func TestAPage(t *testing.T) {
	target := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.example" || r.UserAgent() != Agent {
			t.Errorf("got host %s, agent %s", r.Host, r.UserAgent())
		}
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/ja/", http.StatusFound)
		default:
			_, _ = w.Write([]byte("hello"))
		}
	})
	if p := ask(t, target, time.Second); p.Status != 200 || p.Bytes != 5 || p.Error != "" || p.URL != "http://shop.example/" || p.Failed() {
		t.Errorf("got %+v", p)
	}
}

func TestARedirectToAnotherHostIsTheAnswer(t *testing.T) {
	target := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://shop.example/", http.StatusMovedPermanently)
	})
	if p := ask(t, target, time.Second); p.Status != 301 || p.Error != "" {
		t.Errorf("got %+v", p)
	}
}

func TestFailures(t *testing.T) {
	hang := make(chan struct{})
	slow := server(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	defer close(hang)
	broken := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	cut := server(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := Target{Site: "shop", Listen: l.Addr().String()}
	_ = l.Close()
	plain := broken
	plain.TLS = true
	for want, target := range map[string]Target{"timeout": slow, "reset": cut, "refused": closed, "tls": plain, "": broken} {
		p := ask(t, target, 200*time.Millisecond)
		if p.Error != want || !p.Failed() || (want == "") != (p.Status == 503) {
			t.Errorf("want %q, got %+v", want, p)
		}
	}
}

func TestAddresses(t *testing.T) {
	for listen, want := range map[string]string{"*:80": "127.0.0.1:80", ":8080": "127.0.0.1:8080", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80", "10.0.0.1:81": "10.0.0.1:81", "odd": "odd"} {
		if got := (Target{Listen: listen}).address(); got != want {
			t.Errorf("%s: got %s, want %s", listen, got, want)
		}
	}
	if got := (Target{Listen: "127.0.0.1:1", TLS: true}).String(); !strings.HasPrefix(got, "https://127.0.0.1:1/") {
		t.Errorf("got %s", got)
	}
}
