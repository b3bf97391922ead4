package weblog

import (
	"fmt"
	"math"
	"net/netip"
	"time"
)

// assault is one kind of attack: so many who send so much of all lines, in a
// part of the time.
type assault struct {
	id       string
	share    float64 // of all lines
	actors   int
	from, to float64 // of the whole time
	agent    string  // "": one of the browsers', for each its own
	ipv6     int     // of so many actors one has IPv6; 0: none
	even     bool
	ask      func(g *generator, s *steady) request
}

var assaults = []assault{
	{"xmlrpc-brute-force", 0.02, 1, 0.30, 0.36, "python-requests/2.31.0", 0, true, xmlrpc(403)},
	{"xmlrpc-distributed", 0.006, 120, 0.50, 0.75, "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:40.0) Gecko/20100101 Firefox/40.1", 6, false, xmlrpc(403)},
	{"wp-login-brute-force", 0.002, 3, 0.62, 0.64, "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/62.0", 0, true, login},
	{"wp-login-distributed", 0.004, 300, 0.10, 0.85, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0", 5, false, login},
	{"pingback-flood", 0.004, 400, 0.70, 0.705, "", 0, false, pingback},
	{"pingback-abuse", 0.0003, 2, 0.20, 0.25, "PHP/7.2", 0, false, xmlrpc(370)},
	{"user-enumeration", 0.00004, 4, 0.40, 0.41, "Mozilla/5.0 (compatible; wpscan)", 0, true, users},
	{"plugin-probing", 0.0016, 5, 0.15, 0.16, "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", 0, true, plugins},
	{"webshell-probing", 0.0006, 4, 0.55, 0.56, "Go-http-client/1.1", 0, true, shells},
	{"sensitive-files", 0.0003, 6, 0.45, 0.46, "curl/7.81.0", 0, true, secrets},
	{"sql-injection", 0.0004, 2, 0.25, 0.26, "sqlmap/1.8#stable (https://sqlmap.org)", 0, true, sqli},
	{"cross-site-scripting", 0.0002, 2, 0.27, 0.28, "Mozilla/5.0 (X11; Linux x86_64)", 0, true, xss},
	{"path-traversal", 0.0002, 2, 0.28, 0.29, "Mozilla/5.0 zgrab/0.x", 0, true, traversal},
	{"comment-spam", 0.0008, 30, 0.05, 0.90, "", 0, false, comments},
	{"crawler-trap", 0.04, 24, 0.35, 0.60, "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", 0, false, calendar},
	{"search-flood", 0.008, 60, 0.80, 0.82, "", 4, false, search},
	{"fake-search-bot", 0.001, 3, 0.66, 0.68, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 0, false, crawl},
}

// attackers join, each kind from a network of its own.
func (g *generator) attackers() {
	for i, a := range assaults {
		if g.opt.wants(a.id) {
			g.assault(i, a)
		}
	}
	if g.opt.wants("break-in") {
		g.breakIn()
	}
}

func (g *generator) assault(i int, a assault) {
	p := g.attack(a.id)
	total := g.share(a.share)
	actors := min(a.actors, int(max(1, total/4)))
	length := time.Duration(g.at(a.to)-g.at(a.from)) * time.Microsecond
	for k := range actors {
		n := total/int64(actors) + int64(b2i(int64(k) < total%int64(actors)))
		s := &steady{client: attacker(i, k, a), part: p, mean: length / time.Duration(n+1), even: a.even, left: n, ask: a.ask}
		g.join(g.at(a.from)+int64(g.rnd.Float64()*float64(s.mean.Microseconds())), s)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// attacker is the k-th of the i-th kind: spread over the networks of 198.18.0.0/15,
// a crawler's within one.
func attacker(i, k int, a assault) client {
	c := client{agent: a.agent}
	if c.agent == "" {
		c.agent = browsers[(i+k)%len(browsers)]
	}
	switch {
	case a.id == "pingback-flood":
		c.agent = fmt.Sprintf("WordPress/6.%d; https://blog%d.example.net; verifying pingback from 198.19.255.1", k%7, k)
	case a.ipv6 > 0 && k%a.ipv6 == a.ipv6-1:
		c.addr, c.v6 = fmt.Sprintf("2001:db8:%x:%x::%x", 0x100+i, k, 1+k*7), true
		return c
	case a.id == "crawler-trap":
		c.addr = fmt.Sprintf("198.19.%d.%d", 200+i%8, 10+k)
		return c
	}
	at := uint32(i)<<12 | uint32(k)*37%(1<<12)
	c.addr = netip.AddrFrom4([4]byte{198, 18 + byte(at>>16), byte(at >> 8), byte(at)}).String()
	return c
}

func xmlrpc(size int) func(*generator, *steady) request {
	return func(g *generator, _ *steady) request {
		return request{method: "POST", target: "/xmlrpc.php", status: 200, bytes: size, tookUs: g.took(tookXMLRPC)}
	}
}

func login(g *generator, s *steady) request {
	return request{method: "POST", target: "/wp-login.php", status: 200, bytes: 5880 + int(s.n%13), referer: home + "/wp-login.php", tookUs: g.took(tookLogin)}
}

func pingback(g *generator, _ *steady) request {
	return request{method: "GET", target: "/", status: 200, bytes: 31000, tookUs: g.took(tookPage)}
}

func users(g *generator, s *steady) request {
	r := request{method: "GET", target: fmt.Sprintf("/?author=%d", s.n+1), status: 301, tookUs: g.took(tookPage)}
	if s.n%5 == 4 {
		r.target, r.status, r.bytes = "/wp-json/wp/v2/users?page="+fmt.Sprint(s.n), 200, 900
	}
	return r
}

func plugins(g *generator, s *steady) request {
	return request{method: "GET", target: fmt.Sprintf("%splugins/%s-%s-%d/readme.txt", content, words[s.n%31], words[s.n/31%31], s.n), status: 404, bytes: 8100, tookUs: g.took(tookNone)}
}

var shellNames = []string{"alfa.php", "wso.php", "c99.php", "shell.php", "up.php", "xleet.php", "wp-conf1g.php", "about.php7", "radio.php", "mini.php", "b374k.php", "marijuana.php"}

func shells(g *generator, s *steady) request {
	dir := []string{"/", "/wp-content/", "/wp-includes/", "/wp-admin/css/", "/wp-content/uploads/"}[s.n%5]
	name := shellNames[s.n%int64(len(shellNames))]
	if s.n > 60 {
		name = fmt.Sprintf("%c%c%c%c%c.php", 'a'+g.rnd.IntN(26), 'a'+g.rnd.IntN(26), 'a'+g.rnd.IntN(26), 'a'+g.rnd.IntN(26), 'a'+g.rnd.IntN(26))
	}
	return request{method: "GET", target: dir + name, status: 404, bytes: 8100, tookUs: g.took(tookNone)}
}

func secrets(g *generator, s *steady) request {
	t := []string{"/.env", "/.git/config", "/wp-config.php.bak", "/backup.sql", "/wp-content/debug.log", "/site.zip", "/.aws/credentials", "/wp-config.php~", "/dump.sql.gz", "/.DS_Store"}
	return request{method: "GET", target: t[s.n%int64(len(t))], status: 404, bytes: 8100, tookUs: g.took(tookNone)}
}

func sqli(g *generator, s *steady) request {
	t := []string{
		"/?p=1%%27%%20UNION%%20SELECT%%20%d,user_pass%%20FROM%%20wp_users--%%20-", "/?cat=1%%20AND%%20SLEEP(%d)", "/?id=%d%%27%%20OR%%20%%271%%27=%%271",
		"/index.php?page_id=-%d%%20UNION%%20ALL%%20SELECT%%20NULL,NULL,NULL--", "/?q=1%%27;SELECT%%20pg_sleep(%d)--",
	}
	return request{method: "GET", target: fmt.Sprintf(t[s.n%int64(len(t))], s.n), status: 200, bytes: 31000 + int(s.n%50), tookUs: g.took(tookPage)}
}

func xss(g *generator, s *steady) request {
	t := []string{"/?s=%%3Cscript%%3Ealert(%d)%%3C/script%%3E", "/?q=%%22%%3E%%3Cimg%%20src=x%%20onerror=alert(%d)%%3E", "/?x=javascript:alert(%d)//%%3Csvg/onload=alert(1)%%3E"}
	return request{method: "GET", target: fmt.Sprintf(t[s.n%int64(len(t))], s.n), status: 200, bytes: 15000, tookUs: g.took(tookPage)}
}

func traversal(g *generator, s *steady) request {
	t := []string{"/wp-content/plugins/x/download.php?file=../../../../etc/passwd&n=%d", "/?f=..%%2f..%%2f..%%2fetc%%2fpasswd&n=%d", "/cgi-bin/.%%2e/.%%2e/.%%2e/bin/sh?n=%d", "/?page=php://filter/convert.base64-encode/resource=wp-config.php&n=%d"}
	return request{method: "GET", target: fmt.Sprintf(t[s.n%int64(len(t))], s.n), status: 404, bytes: 8100, tookUs: g.took(tookNone)}
}

func comments(g *generator, _ *steady) request {
	return request{method: "POST", target: "/wp-comments-post.php", status: 302, referer: home + g.page().path, tookUs: g.took(tookPage)}
}

func calendar(g *generator, s *steady) request {
	return request{method: "GET", target: fmt.Sprintf("/events/?tribe-bar-date=%d-%02d-%02d&eventDisplay=%s&paged=%d", 1990+g.rnd.IntN(60), 1+g.rnd.IntN(12), 1+g.rnd.IntN(28), []string{"day", "month", "list"}[s.n%3], g.rnd.IntN(40)), status: 200, bytes: 41000 + g.rnd.IntN(3000), tookUs: g.took(2 * tookPage)}
}

func search(g *generator, _ *steady) request {
	return request{method: "GET", target: fmt.Sprintf("/?s=%s+%x", words[g.rnd.IntN(len(words))], g.rnd.Uint32()), status: 200, bytes: 11000 + g.rnd.IntN(900), tookUs: g.took(3 * tookSearch)}
}

// intruder guesses until it is right, and then puts a file where it can be run.
type intruder struct {
	client
	part     *Part
	failures int
	n        int
}

const (
	guesses   = 40
	shellPath = "/wp-content/uploads/2026/11/fr34k.php"
)

// breakIn has one of the attackers get in.
func (g *generator) breakIn() {
	p := g.attack("break-in")
	i := &intruder{client: client{addr: "198.19.240.7", agent: "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0"}, part: p}
	g.join(g.at(0.77), i)
}

func (i *intruder) act(g *generator) (time.Duration, bool) {
	if i.n == 0 {
		i.part.joined(&i.client)
	}
	r := request{from: &i.client, method: "POST", target: "/wp-login.php", status: 200, bytes: 5880, referer: home + "/wp-login.php", tookUs: g.took(tookLogin)}
	wait := time.Duration(math.Round(2+g.rnd.Float64()*4)) * time.Second
	switch k := i.n - guesses; {
	case k < 0:
		i.failures++
	case k == 0:
		r.status, r.bytes = 302, 0
		g.truth.BreakIn = &BreakIn{Client: i.addr, Failures: i.failures, At: g.moment(g.now - r.tookUs), Shell: shellPath}
	case k == 1:
		r.method, r.target, r.bytes = "GET", "/wp-admin/", 61000
	case k == 2:
		r.method, r.target, r.bytes = "GET", "/wp-admin/plugin-install.php?tab=upload", 43000
	case k == 3:
		r.target, r.referer = "/wp-admin/update.php?action=upload-plugin", home+"/wp-admin/plugin-install.php?tab=upload"
	case k < 12:
		r.target, r.referer, r.bytes = shellPath, "", 300+g.rnd.IntN(4000)
	default:
		r.method, r.target, r.status, r.referer, r.bytes = "GET", shellPath, 404, "", 8100
		g.send(i.part, r)
		return 0, false
	}
	i.n++
	g.send(i.part, r)
	return wait, true
}
