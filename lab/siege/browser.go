package siege

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// browser is one client at one address, with its cookies.
type browser struct {
	base, agent, referer string
	client               *http.Client
	header               http.Header // of every request
}

func (s *siege) browser(from netip.Addr, agent string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // documented never to happen
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
	return &browser{base: s.site.URL, agent: agent, header: http.Header{}, client: &http.Client{
		Timeout: 30 * time.Second, Jar: jar, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *browser) get(ctx context.Context, path string) (int, string, error) {
	return b.do(ctx, http.MethodGet, path, "", "")
}

func (b *browser) post(ctx context.Context, path string, form url.Values) (int, string, error) {
	return b.do(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

func (b *browser) json(ctx context.Context, path string, body any) (int, string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, "", err
	}
	return b.do(ctx, http.MethodPost, path, "application/json", string(text))
}

func (b *browser) do(ctx context.Context, method, path, kind, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	maps.Copy(req.Header, b.header)
	req.Header.Set("User-Agent", b.agent)
	if b.referer != "" {
		req.Header.Set("Referer", b.referer)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("%s %s:%s", method, path, short(err))
	}
	defer resp.Body.Close()
	b.referer = b.base + path
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	return resp.StatusCode, string(text), err
}

// logIn sends the form as a browser does, and reports whether WordPress let it in.
func (b *browser) logIn(ctx context.Context, user, password string) (bool, error) {
	if _, _, err := b.get(ctx, loginPath); err != nil { // the form sets a cookie that is asked for
		return false, err
	}
	status, _, err := b.post(ctx, loginPath, url.Values{"log": {user}, "pwd": {password}, "wp-submit": {"Log In"}, "redirect_to": {b.base + "/wp-admin/"}, "testcookie": {"1"}})
	return status == http.StatusFound, err
}

// answered is the error of a request that has not had the status that it should.
func answered(what string, got, want int, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if got != want {
		return fmt.Errorf("%s: status %d, want %d", what, got, want)
	}
	return nil
}
