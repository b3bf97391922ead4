package siege

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hirune/lab/stack"
)

const (
	owner = "owner" // the site's first user

	netVisitors = 20
	netStaff    = 21
	netMachines = 22
)

// innocent are the networks of those who use the site as they should.
var innocent = []netip.Prefix{netip.MustParsePrefix("198.18.20.0/22"), netip.MustParsePrefix("127.0.0.0/8")}

// people have accounts on the site.
type people struct {
	password string // everybody's
	key      string // application password of the editor
}

// move has the people move in.
func (s *siege) move(ctx context.Context) error {
	s.people.password = rand.Text()
	dir := filepath.Join(s.site.Docroot(), "wp-content", "mu-plugins")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory of must-use plugins: %w", err)
	}
	// WordPress takes application passwords over TLS only, which loopback does not need.
	if err := os.WriteFile(filepath.Join(dir, "application-passwords.php"), []byte("<?php\nadd_filter('wp_is_application_passwords_available', '__return_true');\n"), 0o644); err != nil {
		return fmt.Errorf("allow application passwords: %w", err)
	}
	errs := []error{s.site.SetUser(ctx, owner, "administrator", s.people.password)}
	for _, name := range staff {
		errs = append(errs, s.site.SetUser(ctx, name, "editor", s.people.password))
	}
	key, err := s.site.ApplicationPassword(ctx, staff[0], "phone")
	s.people.key = key
	return errors.Join(append(errs, err)...)
}

var staff = []string{"hana", "kenji", "mei", "sora"}

// usePeople has all of them use the site at once.
func (s *siege) usePeople(ctx context.Context, a *Act) error {
	who := []func(context.Context) error{s.forgetful, s.office, s.phone, s.monitor, s.feedReader, s.crawler, s.movedLinks}
	for i := range 12 {
		who = append(who, func(ctx context.Context) error { return s.visitor(ctx, i) })
	}
	done := make(chan error, len(who))
	for _, w := range who {
		go func() { done <- w(ctx) }()
	}
	var errs []error
	for range who {
		errs = append(errs, <-done) // bounded: each has so many requests, and each of them a time
	}
	a.Sent["people"] = len(who)
	return errors.Join(errs...)
}

func at(net, host byte) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, net, host}) }

// read asks for some paths, one after the other; a status above most is an error of the lab's.
func (b *browser) read(ctx context.Context, most int, paths ...string) error {
	for _, p := range paths {
		status, _, err := b.get(ctx, p)
		if err != nil {
			return err
		}
		if status > most {
			return fmt.Errorf("GET %s: status %d", p, status)
		}
	}
	return nil
}

// visitor reads some posts and searches with words that look like more than they are.
func (s *siege) visitor(ctx context.Context, i int) error {
	b := s.browser(at(netVisitors, byte(1+i)), stack.BrowserAgents[i%5])
	words := []string{"select a union jack from the drop table", "O'Reilly's book -- 1", "珈琲 焙煎", "1=1 or what", "<b>river</b>"}
	for n := range 6 {
		if err := b.read(ctx, 200, "/"+stack.PostSlug(1+(7*i+n)%s.site.Posts())+"/", "/wp-content/themes/twentytwentyone/style.css"); err != nil {
			return err
		}
	}
	return b.read(ctx, 404, "/?s="+url.QueryEscape(words[i%len(words)]), "/?p=1", "/"+url.PathEscape("珈琲")+"/")
}

// work is what somebody who is logged in does for a while: reads lists, writes a post that saves itself, lets the editor ask for authors.
func (s *siege) work(ctx context.Context, b *browser) error {
	if err := b.read(ctx, 200, "/wp-admin/", "/wp-admin/edit.php", "/wp-admin/post-new.php", "/wp-admin/upload.php"); err != nil {
		return err
	}
	_, nonce, err := b.get(ctx, "/wp-admin/admin-ajax.php?action=rest-nonce")
	if err != nil {
		return err
	}
	b.header.Set("X-WP-Nonce", strings.TrimSpace(nonce))
	defer b.header.Del("X-WP-Nonce")
	if err := b.read(ctx, 200, "/wp-json/wp/v2/users?who=authors&per_page=50&_locale=user", "/wp-json/wp/v2/users/me?context=edit", "/wp-json/wp/v2/types?context=edit", "/wp-json/wp/v2/posts?per_page=5&_fields=id"); err != nil {
		return err
	}
	for i := range 8 {
		status, _, err := b.json(ctx, "/wp-json/wp/v2/posts", map[string]any{"title": fmt.Sprintf("Draft %d", i), "content": "SELECT * FROM coffee WHERE 1=1; ../../etc is a path", "status": "draft"})
		if err := answered("save a draft", status, http.StatusCreated, err); err != nil {
			return err
		}
		if _, _, err := b.post(ctx, "/wp-admin/admin-ajax.php", url.Values{"action": {"heartbeat"}, "interval": {"60"}, "_nonce": {"x"}, "screen_id": {"post"}}); err != nil {
			return err
		}
	}
	return nil
}

// forgetful is the owner, who types three wrong passwords, asks for a new one, and remembers.
func (s *siege) forgetful(ctx context.Context) error {
	b := s.browser(at(netStaff, 1), stack.BrowserAgents[2])
	for _, wrong := range []string{"Summer2024", "Summer2025", "summer2025!"} {
		if in, err := b.logIn(ctx, owner, wrong); err != nil || in {
			return errors.Join(errors.New("a wrong password does not fail"), err)
		}
	}
	if err := b.read(ctx, 200, loginPath+"?action=lostpassword"); err != nil {
		return err
	}
	if in, err := b.logIn(ctx, owner, s.people.password); err != nil || !in {
		return errors.Join(errors.New("the owner cannot log in"), err)
	}
	if err := b.read(ctx, 200, "/wp-admin/plugins.php", "/wp-admin/users.php", "/wp-admin/options-general.php"); err != nil {
		return err
	}
	return s.work(ctx, b)
}

// office is four editors behind one address, some of whom mistype.
func (s *siege) office(ctx context.Context) error {
	for i, name := range staff {
		b := s.browser(at(netStaff, 9), stack.BrowserAgents[i])
		if i%2 == 0 {
			if in, err := b.logIn(ctx, name, "mistyped"); err != nil || in {
				return errors.Join(errors.New("a wrong password does not fail"), err)
			}
		}
		if in, err := b.logIn(ctx, name, s.people.password); err != nil || !in {
			return errors.Join(fmt.Errorf("%s cannot log in", name), err)
		}
		if err := s.work(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// phone is the WordPress app with an application password: by XML-RPC and by REST.
func (s *siege) phone(ctx context.Context) error {
	b := s.browser(at(netStaff, 30), "wp-android/24.1 (Android 14; ja_JP; Google Pixel 8)")
	call := `<?xml version="1.0"?><methodCall><methodName>wp.getPosts</methodName><params><param><value><int>1</int></value></param><param><value><string>` + staff[0] +
		`</string></value></param><param><value><string>` + s.people.key + `</string></value></param></params></methodCall>`
	for range 15 {
		status, body, err := b.do(ctx, http.MethodPost, xmlrpcPath, "text/xml", call)
		if err := answered("the app asks for posts", status, http.StatusOK, err); err != nil {
			return err
		}
		if strings.Contains(body, "faultCode") {
			return fmt.Errorf("the app asks for posts: %.300s", body)
		}
	}
	b.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(staff[0]+":"+s.people.key)))
	for range 10 {
		if err := b.read(ctx, 401, "/wp-json/wp/v2/posts?context=edit&per_page=3"); err != nil { // 401 where the web server keeps the header to itself: that, too, is ordinary
			return err
		}
	}
	return nil
}

// monitor asks every second whether the site is up.
func (s *siege) monitor(ctx context.Context) error {
	b := s.browser(at(netMachines, 1), "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range 25 {
		if _, _, err := b.do(ctx, http.MethodHead, "/", "", ""); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func (s *siege) feedReader(ctx context.Context) error {
	b := s.browser(at(netMachines, 2), "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)")
	for range 12 {
		if err := b.read(ctx, 200, "/feed/"); err != nil {
			return err
		}
	}
	return nil
}

// crawler says that it is a search engine's; whether it is cannot be asked here.
func (s *siege) crawler(ctx context.Context) error {
	b := s.browser(at(netMachines, 3), "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)")
	paths := []string{"/robots.txt", "/wp-sitemap.xml"}
	for n := range 40 {
		paths = append(paths, "/"+stack.PostSlug(1+n%s.site.Posts())+"/")
	}
	return b.read(ctx, 404, paths...)
}

// movedLinks is a reader whose old bookmarks all lead nowhere.
func (s *siege) movedLinks(ctx context.Context) error {
	b := s.browser(at(netVisitors, 200), stack.BrowserAgents[0])
	for n := range 25 {
		b.referer = s.site.URL + "/archive/"
		if err := b.read(ctx, 404, fmt.Sprintf("/wp-content/uploads/2019/05/picture-%d.jpg", n), fmt.Sprintf("/2019/05/old-post-%d/", n)); err != nil {
			return err
		}
	}
	return nil
}
