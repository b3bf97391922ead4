package webserver

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

	"hirune/internal/core/remedy"
)

const (
	agent     = "hirune-probe/1" // the collectors know it, and do not count it
	askFor    = 10 * time.Second // a visitor waits no longer
	askBytes  = 64 << 10         // of an answer
	xmlrpc    = "xmlrpc.php"
	late      = "no answer in time"
	askedCall = `<?xml version="1.0"?><methodCall><methodName>demo.sayHello</methodName><params></params></methodCall>`
)

// endpoint is where a site answers.
type endpoint struct {
	address string // host:port that can be asked from here
	tls     bool
	host    string // name of the site
}

func (e endpoint) url(path string) string {
	if e.tls {
		return "https://" + e.address + path
	}
	return "http://" + e.address + path
}

// answer is what came of one request.
type answer struct {
	status int // 0: none came
	body   string
	php    bool // it says that PHP made it
	err    error
}

// failed reports whether a visitor would have got nothing.
func (a answer) failed() bool { return a.status == 0 || a.status >= 500 }

// refused reports whether nothing listens there, or it is no web server.
func (a answer) refused() bool { return a.err != nil && !timedOut(a.err) }

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout() || errors.Is(err, syscall.ECONNRESET)
}

// request sends one request to this host, under the site's name, over a new
// connection as a visitor's is. Certificates are not checked: the request does
// not leave this host, and a certificate that has run out is another matter.
func request(ctx context.Context, p remedy.Probe) answer {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, p.Method, p.URL, strings.NewReader(p.Body))
	if err != nil {
		return answer{err: fmt.Errorf("make the request: %w", err)}
	}
	req.Header.Set("User-Agent", agent)
	if p.Body != "" {
		req.Header.Set("Content-Type", "text/xml")
	}
	if p.Host != "" {
		req.Host = p.Host
	}
	t := &http.Transport{DisableKeepAlives: true, Proxy: nil, TLSClientConfig: &tls.Config{ServerName: p.Host, InsecureSkipVerify: true}}
	defer t.CloseIdleConnections()
	res, err := t.RoundTrip(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return answer{err: err}
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, askBytes))
	php := strings.Contains(res.Header.Get("X-Powered-By"), "PHP") || strings.HasPrefix(strings.TrimSpace(string(body)), "<?xml")
	return answer{status: res.StatusCode, body: string(body), php: php}
}

// call asks an endpoint's xmlrpc.php for nothing in particular.
func call(e endpoint, path string) remedy.Probe {
	return remedy.Probe{Method: "POST", URL: e.url(path), Host: e.host, Body: askedCall, Status: 403, Marker: remedy.Marker}
}

// ask fills in what the site answers today, and what has to hold afterwards.
func ask(ctx context.Context, web *remedy.Web, ends []endpoint) {
	var open []endpoint
	closed, byPHP := 0, 0
	var last answer
	for _, e := range ends {
		a := request(ctx, call(e, web.Path+xmlrpc))
		switch {
		case errors.Is(a.err, io.EOF) && request(ctx, remedy.Probe{Method: "GET", URL: e.url(web.Path + "wp-login.php"), Host: e.host}).status > 0:
			closed++ // nginx' 444: only this address is hung up on
		case a.refused():
			last = a
			continue
		case a.status >= 300 && a.status < 400: // the address only redirects
			last = a
			continue
		case byServer(a):
			closed++
		case a.status == 403 || a.status == 404 && web.Present:
			byPHP++
		}
		open = append(open, e)
	}
	if len(open) == 0 && web.Problem == "" {
		web.Problem = "the site does not answer on this server, so that nothing could be proven: " + last.words()
	}
	web.Closed = len(open) > 0 && closed == len(open)
	web.ByPHP = len(open) > 0 && !web.Closed && byPHP+closed == len(open)
	web.Include.Probes = probes(web.Path, open)
}

// byServer reports whether the web server itself refuses: with its own page, or ours.
func byServer(a answer) bool {
	if a.php || a.status != 403 && a.status != 404 && a.status != 410 {
		return false
	}
	own := []string{remedy.Marker, "You don't have permission to access this resource", "<center>nginx", "The requested URL was not found on this server"}
	for _, s := range own {
		if strings.Contains(a.body, s) {
			return true
		}
	}
	return false
}

// probes are the ways to write the endpoint, then what must stay as it is. An
// address of its own that the site answers under too is asked in one way.
func probes(path string, ends []endpoint) []remedy.Probe {
	var out []remedy.Probe
	for i, e := range ends {
		out = append(out, call(e, path+xmlrpc))
		if i > 0 {
			continue
		}
		for _, p := range []string{"/" + path + xmlrpc, path + "%78mlrpc.php", path + xmlrpc + "/x"} {
			out = append(out, call(e, p))
		}
	}
	for _, e := range ends[:min(len(ends), 1)] {
		for _, p := range []string{path, path + "wp-login.php"} {
			out = append(out, remedy.Probe{Method: "GET", URL: e.url(p), Host: e.host})
		}
	}
	return out
}

// words say what came, in a form that is fit to be shown.
func (a answer) words() string {
	switch {
	case a.err != nil && timedOut(a.err):
		return late
	case a.err != nil:
		return shown(a.err.Error())
	case a.status == 0:
		return "nothing was asked"
	}
	return fmt.Sprintf("status %d", a.status)
}
