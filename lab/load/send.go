package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Site is what the load is sent to.
type Site struct {
	URL           string // without a slash at the end; on loopback, nothing else is loaded
	Posts         int
	PostSlug      func(n int) string // from 1
	Words         []string
	FailedLogin   func(user, password string) string // an XML-RPC body
	BrowserAgents []string
	AttackerAgent string
}

const (
	// GiveUp is how long a client waits, counted from the intended start.
	GiveUp = 30 * time.Second
	// mostInFlight bounds our own memory; what would exceed it counts as failed.
	mostInFlight = 3000
)

// Result is what became of one shot.
type Result struct {
	Shot
	Latency time.Duration // from the intended start, not from the sending
	Status  int           // 0 without an answer
	OK      bool
	Why     string // of a failure, in few words
}

// Run sends every shot at its time, waits for all answers and returns them in order of the shots. When ctx ends, what is not
// sent yet is left out.
func Run(ctx context.Context, site Site, shots []Shot, start time.Time) ([]Result, error) {
	if u, err := url.Parse(site.URL); err != nil || !isLoopback(u) {
		return nil, fmt.Errorf("load goes to loopback only, not to %q", site.URL)
	}
	if !known() {
		shots = onLoopback(shots)
	}
	results := make([]Result, len(shots))
	slots := make(chan struct{}, mostInFlight)
	var wg sync.WaitGroup
	sent := 0
	for i, shot := range shots {
		if !sleepUntil(ctx, start.Add(shot.At)) {
			break
		}
		sent++
		select {
		case slots <- struct{}{}:
			wg.Go(func() {
				results[i] = site.send(shot, start.Add(shot.At))
				<-slots
			})
		default:
			results[i] = Result{Shot: shot, Latency: GiveUp, Why: "too many in flight"}
		}
	}
	wg.Wait()
	return results[:sent], nil
}

// known reports whether this machine takes the clients' addresses for its own, as it does in the namespaces of package alone.
func known() bool {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(198, 18, 0, 1)})
	return err == nil && l.Close() == nil
}

// onLoopback gives every client an address that every machine has: 127.NET.0.y for 198.18.NET.y.
func onLoopback(shots []Shot) []Shot {
	out := slices.Clone(shots)
	for i, s := range out {
		if a := s.From.As4(); a[0] == 198 {
			out[i].From = netip.AddrFrom4([4]byte{127, a[2], 0, a[3]})
		}
	}
	return out
}

func isLoopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// send makes one request on a connection of its own from the shot's address. It is bounded by GiveUp, so it takes no context.
func (site Site) send(shot Shot, intended time.Time) Result {
	ctx, cancel := context.WithDeadline(context.Background(), intended.Add(GiveUp))
	defer cancel()
	r := Result{Shot: shot}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: shot.From.AsSlice()}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := site.request(ctx, shot)
	if err != nil {
		r.Why = err.Error()
		return r
	}
	resp, err := client.Do(req)
	if err == nil {
		r.Status = resp.StatusCode
		var body []byte
		body, err = io.ReadAll(io.LimitReader(resp.Body, 4<<20))
		_ = resp.Body.Close()
		r.Why = fault(shot, resp.StatusCode, string(body))
	}
	r.Latency = time.Since(intended)
	if err != nil {
		r.Why = short(err)
	}
	r.OK = r.Why == ""
	return r
}

// fault tells what is wrong with an answer; a status of 200 alone proves nothing here.
func fault(shot Shot, status int, body string) string {
	want := map[Kind]string{Page: "</html>", Search: "</html>", XMLRPC: "faultCode", Login: "login_error", Static: "{", Cron: "", Visit: shot.Wants}[shot.Kind]
	switch {
	case status != http.StatusOK:
		return fmt.Sprintf("status %d", status)
	case !strings.Contains(body, want):
		return fmt.Sprintf("200 without %q", want)
	}
	return ""
}

func short(err error) string {
	if strings.Contains(err.Error(), "deadline exceeded") {
		return "gave up after 30 s"
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

func (site Site) request(ctx context.Context, shot Shot) (*http.Request, error) {
	method, path, body, kind := http.MethodGet, "/", "", ""
	agent := site.BrowserAgents[shot.Pick%uint64(len(site.BrowserAgents))]
	word := func(shift uint) string { return site.Words[(shot.Pick>>shift)%uint64(len(site.Words))] }
	switch shot.Kind {
	case Page:
		path = "/" + site.PostSlug(1+int(shot.Pick%uint64(site.Posts))) + "/"
	case Static:
		path = "/wp-content/themes/twentytwentyone/style.css"
	case Search:
		path, agent = "/?s="+word(8)+"+"+word(24), site.AttackerAgent
	case Visit:
		path = strings.NewReplacer("{n}", strconv.FormatUint(shot.Pick>>16%1_000_000, 10), "{post}", site.PostSlug(1+int(shot.Pick%uint64(site.Posts))), "{word}", word(8)).Replace(shot.Path)
		if shot.Agent != "" {
			agent = shot.Agent
		}
	case Cron:
		path = "/wp-cron.php"
	case XMLRPC:
		method, path, kind, agent = http.MethodPost, "/xmlrpc.php", "text/xml", site.AttackerAgent
		body = site.FailedLogin("admin", word(8)+word(24))
	case Login:
		method, path, kind, agent = http.MethodPost, "/wp-login.php", "application/x-www-form-urlencoded", site.AttackerAgent
		body = url.Values{"log": {"admin"}, "pwd": {word(8) + word(24)}, "wp-submit": {"Log In"}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, site.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req, nil
}
