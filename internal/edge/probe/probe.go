// Package probe asks a site for a page as a visitor would, and says what came
// of it: status, time, size, or the kind of failure.
package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/evidence"
)

// Agent is the User-Agent of every request of hirune.
const Agent = "hirune-probe/1"

// Timeout is how long a visitor is taken to wait.
const Timeout = 10 * time.Second

const (
	bodyMost  = 4 << 20 // of a page
	redirects = 3
)

// Target is a site and where it answers on this host.
type Target struct {
	Site   string // name, for the fact
	Host   string // Host header and TLS name; empty: the address
	Listen string // host:port
	TLS    bool
}

// URL is the address that is asked for, as a visitor would write it.
func (t Target) URL() string {
	scheme := "http"
	if t.TLS {
		scheme = "https"
	}
	return scheme + "://" + t.name() + "/"
}

func (t Target) name() string {
	if t.Host != "" {
		return t.Host
	}
	return t.address()
}

// address is where to connect: a server that listens on all addresses is
// asked over loopback.
func (t Target) address() string {
	host, port, err := net.SplitHostPort(t.Listen)
	if err != nil {
		return t.Listen
	}
	switch host {
	case "", "*", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// Once asks for the front page and follows redirects that stay on the site.
// The connection is new each time, as a visitor's is. It never fails: what
// goes wrong is in the fact. It returns within timeout.
func Once(ctx context.Context, t Target, timeout time.Duration) evidence.Probe {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out := evidence.Probe{Site: t.Site, URL: t.URL()}
	start := time.Now()
	err := t.get(ctx, &out)
	out.TookMs = time.Since(start).Milliseconds()
	if err != nil {
		out.Status, out.Error = 0, class(err)
	}
	return out
}

func (t Target) get(ctx context.Context, out *evidence.Probe) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", Agent)
	client := t.client()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out.Status = resp.StatusCode
	out.Bytes, err = io.Copy(io.Discard, io.LimitReader(resp.Body, bodyMost))
	return err
}

// client connects to the target's address whatever the name says: the name
// may point to a proxy elsewhere, or nowhere. The certificate is not verified,
// because it is the server's speed that is asked for, over the host itself.
func (t Target) client() *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, t.address())
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
		CheckRedirect: t.mayFollow,
	}
}

// mayFollow keeps to the same scheme and host: another one is another server.
// A redirect that is not followed is the answer.
func (t Target) mayFollow(req *http.Request, via []*http.Request) error {
	u, err := url.Parse(t.URL())
	if err != nil || req.URL.Scheme != u.Scheme || !strings.EqualFold(req.URL.Host, u.Host) || len(via) > redirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// class tells the kinds of failure that evidence.Probe knows.
func class(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var verify *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify):
		return "tls"
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE):
		return "reset"
	}
	return "other"
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// String implements fmt.Stringer.
func (t Target) String() string { return fmt.Sprintf("%s at %s", t.URL(), t.address()) }
