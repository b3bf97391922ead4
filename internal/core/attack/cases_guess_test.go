package attack

import (
	"fmt"
	"testing"
)

const loginPage = "https://shop.example/wp-login.php"

// guess is a failed log-in at the form.
func (s *site) guess(at int64, client string) {
	s.add(req{at: at, client: client, method: "POST", target: "/wp-login.php", bytes: 6200 + s.rnd.Int64N(60), agent: browsers[3]})
}

// person logs in like somebody at a browser: the form with its styles, some
// wrong passwords, the right one, wp-admin.
func (s *site) person(at int64, client string, wrong int) {
	s.visit(at, client, browsers[0], "/")
	s.add(req{at: at + 5, client: client, target: "/wp-login.php", bytes: 6100})
	s.add(req{at: at + 5, client: client, target: "/wp-includes/css/buttons.css", referer: loginPage})
	for i := range wrong {
		s.add(req{at: at + 15 + int64(i)*10, client: client, method: "POST", target: "/wp-login.php", bytes: 6300, referer: loginPage})
	}
	at += 20 + int64(wrong)*10
	s.add(req{at: at, client: client, method: "POST", target: "/wp-login.php", status: 302, bytes: 400, referer: loginPage})
	s.add(req{at: at + 1, client: client, target: "/wp-admin/", bytes: 42000, referer: loginPage})
	s.add(req{at: at + 2, client: client, target: "/wp-admin/load-styles.php?c=1&load=common", bytes: 90000, referer: "https://shop.example/wp-admin/"})
}

var guessCases = []detectorCase{
	{"wp-login-brute-force", "one address", true, func(s *site) {
		for i := range int64(1000) {
			s.guess(start+3600+i*2, "198.51.100.7")
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 1000)
		if a.ActorsTotal != 1 || a.Actors[0].Prefix.String() != "198.51.100.7/32" || !a.Actors[0].Fired || a.Paths[0].Path != "/wp-login.php" || a.Cluster != nil {
			t.Errorf("got %+v", a)
		}
		within2(t, "in the worst minute", a.PeakMinute, 30)
	}, false},
	{"wp-login-brute-force", "slowly, all day, from IPv6", true, func(s *site) {
		for i := range int64(40) {
			s.guess(start+i*500, fmt.Sprintf("2001:db8:1:2::%x", i))
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 40 || a.ActorsTotal != 1 || a.Actors[0].Prefix.String() != "2001:db8:1:2::/64" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"wp-login-distributed", "three hundred addresses, loud", true, func(s *site) {
		for i := range int64(9000) {
			s.guess(start+3600+i/3, fmt.Sprintf("198.18.%d.%d", i%300/100, i%100))
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 9000)
		if a.ActorsTotal != 300 || len(a.Actors) != ActorsTold || a.Cluster == nil || a.Cluster.Agent != browsers[3] || len(a.Cluster.Prefixes) != 3 {
			t.Errorf("got %d actors, %+v", a.ActorsTotal, a.Cluster)
		}
	}, false},
	{"wp-login-brute-force", "a renamed log-in", true, func(s *site) {
		s.visit(start, "203.0.113.50", browsers[1], "/")
		s.add(req{at: start + 60, client: "203.0.113.50", method: "POST", target: "/secret-door/", status: 302})
		s.add(req{at: start + 62, client: "203.0.113.50", target: "/wp-admin/", bytes: 40000})
		for i := range int64(200) {
			s.add(req{at: start + 5000 + i*3, client: "198.51.100.7", method: "POST", target: "/secret-door/", bytes: 7000})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 200 || a.ActorsTotal != 1 || a.Paths[0].Path != "/secret-door/" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"wp-login-brute-force", "a renamed log-in that nobody got into", true, func(s *site) {
		for i := range int64(100) {
			s.add(req{at: start + 5000 + i*3, client: "198.51.100.7", method: "POST", target: "/my-login/", bytes: 7000, status: map[bool]int{true: 302, false: 200}[i == 70]})
		}
	}, nil, false},
	{"wp-login-brute-force", "a door that is shut", true, func(s *site) {
		for i := range int64(2000) {
			s.add(req{at: start + 5000 + i, client: "198.51.100.7", method: "POST", target: "/wp-login.php", status: 403, us: 300, bytes: 199})
		}
	}, func(t *testing.T, a Attack) {
		if a.Severity != Low || a.Verdict != Harmless || a.Answers.S4xx != 2000 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"wp-login-brute-force", "a plugin redirects wrong passwords", true, func(s *site) {
		for i := range int64(300) {
			s.add(req{at: start + 5000 + i*3, client: "198.51.100.7", method: "POST", target: "/wp-login.php", status: 302})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 300 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"wp-login-brute-force", "under a false search engine's name, half as many", true, func(s *site) {
		for i := range int64(3) {
			s.add(req{at: start + i*10, client: "198.51.100.7", method: "POST", target: "/wp-login.php", agent: googlebot})
		}
	}, nil, false},

	{"wp-login-brute-force", "a forgotten password", false, func(s *site) {
		s.person(start+500, "203.0.113.5", 3)
		s.add(req{at: start + 400, client: "203.0.113.5", method: "POST", target: "/wp-login.php?action=lostpassword", status: 302})
	}, nil, false},
	{"wp-login-brute-force", "an office behind one address", false, func(s *site) {
		for i := range int64(60) {
			s.person(start+3600+i*20, "203.0.113.5", int(i%2))
		}
	}, nil, false},
	{"wp-login-brute-force", "a few refused by a rule of ours", false, func(s *site) {
		for i := range int64(60) {
			s.add(req{at: start + i*5, client: "198.51.100.7", method: "POST", target: "/wp-login.php", status: 403})
		}
	}, nil, false},
	{"wp-login-brute-force", "a contact form", false, func(s *site) {
		for i := range int64(200) {
			s.add(req{at: start + i*30, client: "198.51.100.7", method: "POST", target: "/contact/", bytes: 7000, status: map[bool]int{true: 302, false: 200}[i%20 == 0]})
		}
	}, nil, false},
	{"wp-login-brute-force", "an administrator who sends a form of the shop, and its customers", false, func(s *site) {
		s.person(start, "203.0.113.5", 0)
		s.add(req{at: start + 100, client: "203.0.113.5", method: "POST", target: "/cart/", status: 302})
		s.add(req{at: start + 110, client: "203.0.113.5", target: "/wp-admin/", bytes: 40000})
		for i := range int64(60) {
			s.add(req{at: start + 200 + i*5, client: "203.0.113.44", method: "POST", target: "/cart/", bytes: 9000})
		}
	}, nil, false},
	{"wp-login-brute-force", "page builders and the editor's autosave", false, func(s *site) {
		s.person(start, "203.0.113.5", 0)
		for i := range int64(400) {
			s.add(req{at: start + 60 + i*15, client: "203.0.113.5", method: "POST", target: "/wp-admin/admin-ajax.php", referer: "https://shop.example/wp-admin/post.php?post=5&action=edit"})
			s.add(req{at: start + 61 + i*15, client: "203.0.113.5", method: "POST", target: "/?elementor-preview=5", referer: "https://shop.example/wp-admin/post.php"})
		}
	}, nil, false},

	{"wp-login-distributed", "three hundred addresses, three tries each", true, func(s *site) {
		for i := range int64(900) {
			s.guess(start+3600+i*10, fmt.Sprintf("198.%d.%d.%d", 18+i%300%7, i%300/10, i%300%10+1))
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 900)
		if a.ActorsTotal != 300 || a.Cluster == nil || a.Cluster.Agent != browsers[3] || a.Cluster.Path != "/wp-login.php" {
			t.Errorf("got %d actors, %+v", a.ActorsTotal, a.Cluster)
		}
	}, false},
	{"wp-login-distributed", "ever other agents", true, func(s *site) {
		for i := range int64(120) {
			s.add(req{at: start + i*100, client: fmt.Sprintf("198.18.%d.9", i%40), method: "POST", target: "/wp-login.php", agent: fmt.Sprintf("Mozilla/5.0 Firefox/%d.0", i%40)})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 120 || a.ActorsTotal != 40 || a.Cluster.Agent != "" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"wp-login-distributed", "one network, ever other agents", true, func(s *site) {
		for i := range int64(32) {
			s.add(req{at: start + i*400, client: fmt.Sprintf("2001:db8:77:%x::1", i%8), method: "POST", target: "/wp-login.php", agent: fmt.Sprintf("Mozilla/5.0 Firefox/%d.0", i%8)})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 32 || a.ActorsTotal != 8 || len(a.Cluster.Prefixes) == 0 || a.Cluster.Prefixes[0].String() != "2001:db8:77::/56" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"wp-login-distributed", "a dozen who gave up, among many who got in", false, func(s *site) {
		for i := range int64(60) {
			client := fmt.Sprintf("203.0.%d.9", i)
			if i%5 != 0 {
				s.visit(start+i*100, client, browsers[0], "/")
			}
			for k := range int64(3) {
				s.add(req{at: start + i*100 + k*9, client: client, method: "POST", target: "/wp-login.php", referer: loginPage})
			}
		}
	}, nil, false},
	{"wp-login-distributed", "members of a site, some with a wrong password", false, func(s *site) {
		for i := range int64(120) {
			s.person(start+i*100, fmt.Sprintf("203.0.%d.9", i), int(i%3))
		}
	}, nil, false},
}

const googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
