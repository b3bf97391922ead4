package attack

import (
	"fmt"
	"testing"
)

// normalDay is a day of everything that looks odd and is no attack.
func normalDay(s *site) {
	day := int64(86400)
	for i := range 24 * 40 {
		at := start + int64(i)*90
		client, agent := fmt.Sprintf("203.%d.%d.%d", s.rnd.IntN(3), s.rnd.IntN(200), s.rnd.IntN(250)), browsers[s.rnd.IntN(5)]
		s.visit(at, client, agent, fmt.Sprintf("/post-%d/", s.rnd.IntN(300)))
		s.visit(at+30, client, agent, "/?s="+escaped(sentences[i%len(sentences)]))
		s.visit(at+60, client, agent, fmt.Sprintf("/%%E6%%98%%BC%%E5%%AF%%9D-%d/", i%50))
	}
	// The site itself.
	for at := int64(start); at < start+day; at += 300 {
		s.add(req{at: at, client: "203.0.113.1", method: "POST", target: "/wp-cron.php?doing_wp_cron=1", agent: "WordPress/6.1; https://shop.example", self: true})
		s.add(req{at: at + 1, client: "203.0.113.1", target: "/wp-json/wp-site-health/v1/tests/loopback", agent: "WordPress/6.1; https://shop.example", self: true})
		s.add(req{at: at, client: "198.51.100.20", target: "/", agent: "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"})
		s.add(req{at: at, client: "198.51.100.21", method: "HEAD", target: "/", agent: "curl/8.5.0"})
	}
	// Users: two editors all day, one who forgot the password, an office that begins at nine.
	for e := range int64(2) {
		client := fmt.Sprintf("203.0.113.%d", 50+e)
		s.person(start+8*3600+e*60, client, int(e))
		for i := range int64(600) {
			at := start + 8*3600 + 120 + i*40
			s.add(req{at: at, client: client, method: "POST", target: "/wp-admin/admin-ajax.php", referer: "https://shop.example/wp-admin/post.php?post=5&action=edit"})
			s.add(req{at: at + 5, client: client, target: "/wp-json/wp/v2/users?who=authors&per_page=100", referer: "https://shop.example/wp-admin/post.php"})
			s.add(req{at: at + 6, client: client, method: "POST", target: "/wp-json/wp/v2/posts/5/autosaves?_locale=user", referer: "https://shop.example/wp-admin/post.php"})
			s.add(req{at: at + 7, client: client, target: "/wp-admin/edit.php?s=%3Cb%3E", bytes: 50000})
		}
		s.add(req{at: start + 9*3600, client: client, method: "POST", target: "/wp-admin/update.php?action=upload-plugin", bytes: 30000})
	}
	s.person(start+10*3600, "203.0.113.60", 3)
	for i := range int64(40) {
		s.person(start+9*3600+i*30, "203.0.113.61", int(i%3)/2)
	}
	// Robots.
	for i := range int64(3000) {
		s.add(req{at: start + i*28, client: "66.249.66.1", target: fmt.Sprintf("/post-%d/", i%300), agent: googlebot})
		s.add(req{at: start + i*28, client: "192.0.2.9", target: fmt.Sprintf("/old/page%d.php?id=%d", i%40, i), status: 404, agent: "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"})
	}
	for i := range int64(500) {
		s.add(req{at: start + i*170, client: fmt.Sprintf("198.51.100.%d", 30+i%20), target: "/feed/", agent: "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)"})
		s.add(req{at: start + i*170, client: "192.0.80.4", method: "POST", target: "/xmlrpc.php?for=jetpack&token=x", agent: "Jetpack by WordPress.com", bytes: 900 + i%7*100})
		s.add(req{at: start + i*170, client: fmt.Sprintf("203.0.%d.9", i%50), target: fmt.Sprintf("/gone-%d/", i), status: 404, referer: "https://old.example/"})
	}
	for i := range int64(900) { // within minutes
		s.add(req{at: start + 3600 + i, client: "203.0.113.1", target: fmt.Sprintf("/post-%d/", i%300), agent: "WP Rocket/Preload"})
		s.add(req{at: start + 7200 + i, client: "198.51.100.40", target: fmt.Sprintf("/post-%d/", i), status: map[bool]int{true: 404, false: 200}[i%9 == 0], agent: "W3C-checklink/5.0"})
	}
	// Customers: their carts, and phones with the app.
	for i := range int64(800) {
		c := fmt.Sprintf("203.0.%d.%d", i%100, i%37)
		s.visit(start+i*100, c, browsers[i%5], fmt.Sprintf("/product/%d/", i%80))
		s.add(req{at: start + i*100 + 4, client: c, method: "POST", target: "/?wc-ajax=add_to_cart", agent: browsers[i%5], referer: "https://shop.example/product/1/"})
		s.add(req{at: start + i*100 + 8, client: c, method: "POST", target: "/my-account/", status: 302, agent: browsers[i%5], referer: "https://shop.example/my-account/"})
	}
	for i := range int64(40) {
		for k := range int64(7) {
			s.call(start+i*2000+k, "203.0.113.80", phone, 640+k*700)
			s.call(start+i*2000+500+k, "203.0.113.81", "wp-iphone/24.1 (iOS 18)", 641+k*700)
		}
	}
}

func TestNobodyIsAccusedOnANormalDay(t *testing.T) {
	for name, opt := range map[string]Options{"with durations": caseOptions, "verified by nobody": {Seed: 3}, "with costs": {Seed: 4, Cost: map[Class]int64{ClassPage: 60000}}} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			s.took = opt.Cost == nil
			normalDay(s)
			s.sort()
			p := s.tally(opt).Picture()
			if len(p.Attacks)+len(p.Clues)+len(p.Logins) > 0 {
				t.Errorf("accused: %s\nclues %+v\nlogins %+v\nfirst %+v", ids(p), p.Clues, p.Logins, p.Attacks)
			}
			if p.Total.Requests != int64(len(s.hits)) {
				t.Errorf("got %d requests, want %d", p.Total.Requests, len(s.hits))
			}
			benign := map[string]int64{}
			for _, b := range p.Benign {
				benign[b.ID] += b.Requests
			}
			bot := "search-bot"
			if opt.Verified != nil {
				bot = "verified-bot"
			}
			for id, least := range map[string]int64{"own-cron": 288, "own-requests": 288, bot: 3000, "feed-reader": 500, "monitor": 288, "jetpack": 500, "cache-preload": 900, "link-checker": 900, "app": 560} {
				if benign[id] < least {
					t.Errorf("%s: got %d, want %d", id, benign[id], least)
				}
			}
		})
	}
}
