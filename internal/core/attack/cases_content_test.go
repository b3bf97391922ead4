package attack

import (
	"fmt"
	"testing"
)

// get is a request of somebody who does nothing else.
func (s *site) get(at int64, client, target string, status int, bytes int64) {
	s.add(req{at: at, client: client, target: target, status: status, bytes: bytes, agent: "Mozilla/5.0"})
}

var injections = []string{
	"1' UNION SELECT user_login,user_pass FROM wp_users-- -", "1 OR 1=1", "1' AND SLEEP(5)-- -", "-1 union all select null,null,concat(0x7e,version())#", "1') OR ('1'='1", "-3 UNION ALL SELECT NULL,NULL,NULL", "1 OR 1=1 ORDER BY 3",
}

// sentences are searches and links that look like attacks.
var sentences = []string{
	"select a union jack", "O'Reilly", "rock'n'roll and blues", "drop the table (diy)", "it's 5 o'clock - and then?", "c++ <3", "a & b; c", "where to update wp-config.php",
	"how to delete comments -- wordpress", "union of 'select' shops", "1 or 2 rooms", "24 hours and 7 days", "3 union street", "10--20", `"exact phrase" and more`, "if (a == b)", "price > 100 and < 200", "昼寝 カフェ", "L'été à l'île",
	"50% off or more", "order by phone", "like a rolling stone", "null and void", "<b>bold</b>",
}

func escaped(s string) string {
	out := ""
	for _, b := range []byte(s) {
		out += fmt.Sprintf("%%%02X", b)
	}
	return out
}

var contentCases = []detectorCase{
	{"sql-injection", "a scanner's lines", true, func(s *site) {
		for i, q := range injections {
			s.get(start+int64(i)*60, "198.51.100.7", "/product/?id="+escaped(q), 200, 9000)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != int64(len(injections)) {
			t.Errorf("got %d attempts", a.Attempts)
		}
	}, false},
	{"sql-injection", "with plus signs", true, func(s *site) {
		for i := range int64(5) {
			s.get(start+i*60, "198.51.100.7", fmt.Sprintf("/?cat=%d+union+select+1,2,user_pass+from+wp_users", i), 200, 9000)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 5 {
			t.Errorf("got %d attempts", a.Attempts)
		}
	}, false},
	{"sql-injection", "escaped twice", true, func(s *site) {
		for i, q := range injections {
			s.get(start+int64(i)*60, "198.51.100.7", "/product/?id="+escaped(escaped(q)), 200, 9000)
		}
	}, nil, false},
	{"sql-injection", "sqlmap, once", true, func(s *site) {
		for i, q := range injections[:2] {
			s.add(req{at: start + int64(i), client: "198.51.100.7", target: "/?cat=" + escaped(q), agent: "sqlmap/1.8#stable (https://sqlmap.org)"})
		}
	}, nil, false},
	{"sql-injection", "words of SQL in searches", false, func(s *site) {
		for i, q := range sentences {
			s.get(start+int64(i)*60, "203.0.113.40", "/?s="+escaped(q), 200, 9000)
			s.get(start+int64(i)*60+9, "203.0.113.40", "/?s="+q, 200, 9000)
		}
	}, nil, false},
	{"cross-site-scripting", "tags and handlers", true, func(s *site) {
		for i, q := range []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "<svg/onload=alert(1)>", "<iframe src=javascript:alert(1)>"} {
			s.get(start+int64(i), "198.51.100.7", "/?s="+escaped(q), 200, 9000)
		}
	}, nil, false},
	{"cross-site-scripting", "mathematics, and bold words", false, func(s *site) {
		for i, q := range sentences {
			s.get(start+int64(i)*60, "203.0.113.40", "/?s="+escaped(q), 200, 9000)
		}
	}, nil, false},
	{"path-traversal", "up and out", true, func(s *site) {
		for i, q := range []string{"/wp-content/plugins/x/dl.php?file=../../../../wp-config.php", "/?page=..%2f..%2f..%2fetc%2fpasswd", "/?f=%252e%252e%252f%252e%252e%252fetc%252fpasswd", "/?x=php://filter/convert.base64-encode/resource=index.php"} {
			s.get(start+int64(i), "198.51.100.7", q, 404, 9000)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 4 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"path-traversal", "a link that is badly made, and addresses as parameters", false, func(s *site) {
		for i := range int64(50) {
			s.get(start+i*60, "203.0.113.40", "/blog/?back=../page/", 200, 9000)
			s.get(start+i*60, "203.0.113.41", "/wp-login.php?redirect_to=https%3A%2F%2Fshop.example%2Fwp-admin%2F", 200, 9000)
			s.get(start+i*60, "203.0.113.42", "/%E6%98%BC%E5%AF%9D/?next=%2Fetc%2F", 200, 9000)
		}
	}, nil, false},
	{"sensitive-files", "a list of names", true, func(s *site) {
		for i, p := range []string{"/.env", "/.git/config", "/wp-config.php.bak", "/backup.sql", "/backup.zip", "/wp-content/debug.log"} {
			s.get(start+int64(i), "198.51.100.7", p, 404, 900)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 6 || a.Severity != Low {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"sensitive-files", "one that was there", true, func(s *site) {
		s.get(start, "198.51.100.7", "/backup.sql", 200, 5_000_000)
	}, func(t *testing.T, a Attack) {
		if a.Severity != Critical {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"sensitive-files", "downloads of the site, a site that answers all alike", false, func(s *site) {
		for i := range int64(40) {
			s.get(start+i*9, "203.0.113.40", fmt.Sprintf("/wp-content/uploads/2025/0%d/manual.zip", i%9), 200, 900_000)
			s.get(start+i*9, fmt.Sprintf("203.0.113.%d", i), "/.well-known/security.txt", 200, 300)
		}
		s.get(start, "203.0.113.41", "/app.zip", 200, 900_000)
	}, nil, false},
	{"php-in-uploads", "a shell that answers", true, func(s *site) {
		s.get(start, "198.51.100.7", "/wp-content/uploads/2025/11/x.php", 200, 900)
		s.add(req{at: start + 5, client: "198.51.100.7", method: "POST", target: "/wp-content/uploads/2025/11/x.php", bytes: 30})
	}, func(t *testing.T, a Attack) {
		if a.Severity != Critical || a.Attempts != 2 || a.ActorsTotal != 1 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"php-in-uploads", "an empty index.php, translations, a probe in vain", false, func(s *site) {
		s.add(req{at: start, client: "203.0.113.7", method: "POST", target: "/wp-cron.php", bytes: 0})
		s.hits[len(s.hits)-1].Bytes = 0
		for _, p := range []string{"/wp-content/uploads/forms/index.php", "/wp-content/languages/ja.l10n.php"} {
			s.get(start, "198.51.100.7", p, 200, 1)
			s.hits[len(s.hits)-1].Bytes = 0
		}
		s.get(start, "198.51.100.7", "/wp-content/uploads/shell.php", 404, 900)
	}, nil, false},
	{"comment-spam", "without reading", true, func(s *site) {
		for i := range int64(20) {
			s.add(req{at: start + i*40, client: "198.51.100.7", method: "POST", target: "/wp-comments-post.php", status: 302, referer: "https://shop.example/post-1/"})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 20 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"comment-spam", "slowly", true, func(s *site) {
		for i := range int64(120) {
			s.add(req{at: start + i*3600, client: fmt.Sprintf("198.51.100.%d", i%10), method: "POST", target: "/wp-comments-post.php", status: 302})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 120 || a.ActorsTotal != 10 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"comment-spam", "somebody who reads and writes much", false, func(s *site) {
		for i := range int64(6) {
			s.visit(start+i*90, "203.0.113.8", browsers[1], fmt.Sprintf("/post-%d/", i))
			s.add(req{at: start + i*90 + 60, client: "203.0.113.8", method: "POST", target: "/wp-comments-post.php", status: 302})
		}
	}, nil, false},
	{"open-proxy", "CONNECT and TLS", true, func(s *site) {
		for i := range int64(5) {
			s.add(req{at: start + i, client: "198.51.100.7", method: "CONNECT", target: "mail.example:25", status: 405})
			s.add(req{at: start + i, client: "198.51.100.7", method: "-", target: `\x16\x03\x01\x02`, status: 400})
		}
	}, func(t *testing.T, a Attack) {
		if a.Severity != Low || a.Attempts != 5 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"open-proxy", "TLS on the plain port, requests that timed out", false, func(s *site) {
		for i := range int64(90) {
			s.add(req{at: start + i*60, client: "203.0.113.8", method: "-", target: `\x16\x03\x01\x02`, status: 400})
		}
		for i := range int64(20) {
			s.add(req{at: start + i, client: "203.0.113.9", method: "-", target: "-", status: 408})
		}
	}, nil, false},
}
