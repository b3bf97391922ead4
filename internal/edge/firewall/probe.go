package firewall

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"time"

	"hirune/internal/core/remedy"
)

const (
	probeAgent = "hirune-probe/1" // the collectors know it, and do not count it
	probeFor   = 5 * time.Second
)

// answers asks the site from here, a new connection each; 0: no answer came.
func answers(ctx context.Context, probes []remedy.Probe) []int {
	out := make([]int, len(probes))
	for i, p := range probes {
		out[i] = answer(ctx, p)
	}
	return out
}

// answer sends one request to this host. Certificates are not checked: the
// request does not leave it.
func answer(ctx context.Context, p remedy.Probe) int {
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, p.Method, p.URL, strings.NewReader(p.Body))
	if err != nil {
		return 0
	}
	req.Header.Set("User-Agent", probeAgent)
	if p.Host != "" {
		req.Host = p.Host
	}
	t := &http.Transport{DisableKeepAlives: true, Proxy: nil, TLSClientConfig: &tls.Config{ServerName: p.Host, InsecureSkipVerify: true}}
	defer t.CloseIdleConnections()
	res, err := t.RoundTrip(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<10)
	return res.StatusCode
}

// worse reports whether an answer is not what the probe wants, or where it wants
// nothing in particular, whether it fails now and did not before.
func worse(p remedy.Probe, before, now int) bool {
	failed := func(status int) bool { return status == 0 || status >= 500 }
	if p.Status != 0 {
		return now != p.Status && before == p.Status
	}
	return failed(now) && !failed(before)
}
