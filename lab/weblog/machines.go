package weblog

import (
	"fmt"
	"net/netip"
	"time"
)

// steady is somebody who sends one request after the other, with some chance in
// the time between them.
type steady struct {
	client
	part *Part
	mean time.Duration
	even bool  // as a clock does
	left int64 // -1: without end
	ask  func(g *generator, s *steady) request
	seen bool
	n    int64
}

func (s *steady) act(g *generator) (time.Duration, bool) {
	if !s.seen {
		s.seen = true
		s.part.joined(&s.client)
	}
	r := s.ask(g, s)
	r.from = &s.client
	s.n++
	g.send(s.part, r)
	if s.left--; s.left == 0 {
		return 0, false
	}
	if s.even {
		return s.mean, true
	}
	return g.wait(s.mean), true
}

// every is the time between requests of one of several who send that part of all lines.
func (g *generator) every(of float64, actors int) time.Duration {
	return time.Duration(float64(g.opt.Span) * float64(actors) / float64(g.share(of)))
}

// clockwork is the time between requests of one of several who send one each so
// often; in a small log less often, so that they are no more than that part of it.
func (g *generator) clockwork(each time.Duration, most float64, actors int) time.Duration {
	return max(each, g.every(most, actors))
}

// bots are search engines and their like, by the addresses that are theirs.
var bots = []struct {
	id, agent, net string
	actors         int
	share          float64
}{
	{"verified-bot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/130.0.6723.58 Safari/537.36", "66.249.66.0/24", 20, 0.02},
	{"verified-bot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36", "40.77.167.0/24", 12, 0.012},
	{"verified-bot", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)", "17.241.75.0/24", 6, 0.004},
	{"seo-bot", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "198.51.100.0/24", 8, 0.008},
	{"seo-bot", "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", "192.0.2.0/24", 8, 0.006},
}

// machines join: search engines, monitors, feed readers, Jetpack, the site's own schedule, and the staff.
func (g *generator) machines() {
	parts := map[string]*Part{}
	for _, b := range bots {
		if parts[b.id] == nil {
			parts[b.id] = g.benign(b.id)
		}
		for i := range b.actors {
			g.add(&steady{client: inNet(b.net, i, b.agent), part: parts[b.id], mean: g.every(b.share, b.actors), left: -1, ask: crawl})
		}
	}
	monitor, feeds, jetpack, cron := g.benign("monitor"), g.benign("feed-reader"), g.benign("jetpack"), g.benign("own-cron")
	for i := range 3 {
		g.add(&steady{client: inNet("203.0.113.0/28", i, "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"), part: monitor, mean: g.clockwork(time.Minute, 0.006, 3), even: true, left: -1,
			ask: func(g *generator, _ *steady) request {
				return request{method: "HEAD", target: "/", status: 200, tookUs: g.took(tookPage)}
			}})
	}
	for i := range 40 {
		g.add(&steady{client: inNet("203.0.113.128/25", i, "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers; like FeedFetcher-Google)"), part: feeds, mean: g.clockwork(30*time.Minute, 0.003, 40), left: -1,
			ask: func(g *generator, _ *steady) request {
				return request{method: "GET", target: "/feed/", status: 304 - 104*(g.rnd.IntN(10)/9), bytes: 0, tookUs: g.took(tookFeed)}
			}})
	}
	g.add(&steady{client: client{addr: "192.0.80.9", agent: "Jetpack by WordPress.com"}, part: jetpack, mean: g.clockwork(time.Hour, 0.0002, 1), left: -1,
		ask: func(g *generator, _ *steady) request {
			return request{method: "POST", target: "/xmlrpc.php?for=jetpack&token=x&timestamp=1763800000&nonce=y&body-hash=z&signature=s", status: 200, bytes: 640 + g.rnd.IntN(900), tookUs: g.took(tookXMLRPC)}
		}})
	g.add(&steady{client: client{addr: "198.51.100.250", agent: "WordPress/6.6.2; " + home}, part: cron, mean: g.clockwork(5*time.Minute, 0.0005, 1), left: -1,
		ask: func(g *generator, _ *steady) request {
			return request{method: "POST", target: fmt.Sprintf("/wp-cron.php?doing_wp_cron=%d.%06d", g.opt.From.Unix()+g.now/1e6, g.rnd.IntN(1e6)), status: 200, tookUs: g.took(tookPage)}
		}})
	noise := g.benign("tls-on-http")
	g.add(&steady{client: client{addr: "198.51.100.77", agent: "-"}, part: noise, mean: g.clockwork(10*time.Minute, 0.0002, 1), left: -1,
		ask: func(*generator, *steady) request {
			return request{raw: `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`, status: 400, bytes: 483}
		}})
	g.staff()
}

// add has a machine begin some time soon.
func (g *generator) add(s *steady) { g.join(int64(g.rnd.Float64()*float64(s.mean.Microseconds())), s) }

// inNet is the i-th client of a network.
func inNet(prefix string, i int, agent string) client {
	p := netip.MustParsePrefix(prefix)
	a := p.Addr()
	for range i + 1 {
		a = a.Next()
	}
	return client{addr: a.String(), agent: agent, v6: a.Is6()}
}

func crawl(g *generator, s *steady) request {
	if s.n%200 == 0 {
		return request{method: "GET", target: "/robots.txt", status: 200, bytes: 113, tookUs: g.took(tookPage)}
	}
	p := &g.site.posts[g.rnd.IntN(posts)]
	if g.rnd.IntN(5) == 0 {
		i := p.images[g.rnd.IntN(len(p.images))]
		return request{method: "GET", target: i.path, status: 200, bytes: i.bytes, tookUs: g.took(tookStatic)}
	}
	return request{method: "GET", target: p.path, status: 200, bytes: p.bytes, tookUs: g.took(tookPage)}
}

// staff write for the site during the day, each from one address.
func (g *generator) staff() {
	p := g.benign("staff")
	for i, addr := range []string{"203.0.113.40", "203.0.113.41", "2001:db8:1:2::41"} {
		g.add(&steady{client: client{addr: addr, agent: browsers[i], v6: i == 2}, part: p, mean: g.clockwork(30*time.Second, 0.012, 3), left: -1, ask: work})
	}
	g.add(&steady{client: client{addr: "203.0.113.44", agent: "wp-android/24.1 (Android 14; ja_JP; Google Pixel 8/)"}, part: p, mean: g.clockwork(2*time.Hour, 0.0001, 1), left: -1,
		ask: func(g *generator, _ *steady) request {
			return request{method: "POST", target: "/xmlrpc.php", status: 200, bytes: 700 + g.rnd.IntN(4000), tookUs: g.took(tookXMLRPC)}
		}})
}

// work is what an editor's browser does. Once a day somebody logs in, now and
// then with a mistake first.
func work(g *generator, s *steady) request {
	day := s.n % 700
	admin := home + "/wp-admin/post.php?post=4711&action=edit"
	switch {
	case day == 0:
		return request{method: "GET", target: "/wp-login.php", status: 200, bytes: 5400, tookUs: g.took(tookLogin)}
	case day == 1 && s.n%1400 == 1:
		return request{method: "POST", target: "/wp-login.php", status: 200, bytes: 5900, referer: home + "/wp-login.php", tookUs: g.took(tookLogin)}
	case day <= 2 && day > 0:
		return request{method: "POST", target: "/wp-login.php", status: 302, bytes: 0, referer: home + "/wp-login.php", tookUs: g.took(tookLogin)}
	case day == 3:
		return request{method: "GET", target: "/wp-admin/", status: 200, bytes: 61000, referer: home + "/wp-login.php", tookUs: g.took(tookAdmin)}
	}
	switch g.rnd.IntN(10) {
	case 0:
		return request{method: "GET", target: "/wp-admin/edit.php?post_type=post", status: 200, bytes: 74000, referer: home + "/wp-admin/", tookUs: g.took(tookAdmin)}
	case 1, 2:
		return request{method: "POST", target: "/wp-json/wp/v2/posts/4711/autosaves?_locale=user", status: 200, bytes: 3100, referer: admin, tookUs: g.took(tookAjax)}
	case 3:
		return request{method: "GET", target: "/wp-json/wp/v2/users/me?context=edit&_locale=user", status: 200, bytes: 1300, referer: admin, tookUs: g.took(tookAjax)}
	case 4:
		return request{method: "GET", target: "/wp-admin/load-scripts.php?c=1&load%5Bchunk_0%5D=jquery-core,jquery-migrate,utils&ver=6.6.2", status: 200, bytes: 98000, referer: admin, tookUs: g.took(tookAjax)}
	}
	return request{method: "POST", target: "/wp-admin/admin-ajax.php", status: 200, bytes: 58 + g.rnd.IntN(40), referer: admin, tookUs: g.took(tookAjax)}
}
