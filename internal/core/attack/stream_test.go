package attack

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// browsers are agents of ordinary visitors.
var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36",
}

// site makes requests as an access log has them.
type site struct {
	rnd  *rand.Rand
	hits []Hit
	took bool // durations are logged
}

const start = 1763769600 // 2025-11-22 00:00 UTC

func newSite() *site { return &site{rnd: rand.New(rand.NewPCG(1, 2)), took: true} }

// req is a request in short.
type req struct {
	at      int64
	client  string
	method  string // "" for GET
	target  string
	status  int   // 0 for 200
	bytes   int64 // 0 for some
	agent   string
	referer string
	us      int64 // 0 for what the class costs
	self    bool
}

// classes by what their paths contain; the reader's own classifier lies on the
// other side of the wall between core and edge.
func classOf(path, query string) Class {
	has := func(s string) bool { return bytes.Contains([]byte(path), []byte(s)) }
	ends := func(s string) bool { return bytes.HasSuffix([]byte(path), []byte(s)) }
	switch {
	case path == "" || path[0] != '/':
		return ClassBroken
	case has("xmlrpc.php"):
		return ClassXMLRPC
	case has("wp-login.php"):
		return ClassLogin
	case has("wp-cron.php"):
		return ClassCron
	case has("admin-ajax.php"):
		return ClassAjax
	case has("wp-comments-post.php"):
		return ClassComment
	case has("/wp-json"):
		return ClassREST
	case has(".php") && has("/wp-admin/"):
		return ClassAdmin
	case has(".php") && !has("index.php"):
		return ClassPHP
	case has("/wp-admin"):
		return ClassAdmin
	case ends("/feed/"):
		return ClassFeed
	}
	switch {
	case slices.ContainsFunc([]string{".css", ".js", ".png", ".jpg", ".woff2", ".txt", ".zip", ".sql", ".ico", ".gz"}, ends):
		return ClassStatic
	case bytes.HasPrefix([]byte(query), []byte("s=")) || bytes.Contains([]byte(query), []byte("&s=")):
		return ClassSearch
	case bytes.Contains([]byte(query), []byte("rest_route=")):
		return ClassREST
	case query != "" && !bytes.HasPrefix([]byte(query), []byte("author=")) && !bytes.HasPrefix([]byte(query), []byte("p=")):
		return ClassQuery
	}
	return ClassPage
}

var classUs = map[Class]int64{ClassPage: 60_000, ClassSearch: 120_000, ClassXMLRPC: 15_000, ClassLogin: 20_000, ClassQuery: 60_000, ClassREST: 40_000, ClassAjax: 30_000, ClassAdmin: 150_000, ClassPHP: 40_000}

func methodOf(m string) Method {
	switch m {
	case "", "GET":
		return Get
	case "HEAD":
		return Head
	case "POST":
		return Post
	}
	return OtherMethod
}

func or[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// add appends a request.
func (s *site) add(r req) {
	path, query, _ := bytes.Cut([]byte(r.target), []byte{'?'})
	c := classOf(string(path), string(query))
	h := Hit{
		At: r.at, Method: methodOf(r.method), Class: c, Status: or(r.status, 200), Bytes: or(r.bytes, 5000), TookUs: -1, Path: path, Query: query,
		Target: []byte(r.target), Agent: []byte(or(r.agent, browsers[0])), Referer: []byte(or(r.referer, "-")), Self: r.self,
	}
	h.Client, _ = netip.ParseAddr(r.client)
	if s.took {
		h.TookUs = 500
		if c.Dynamic() {
			h.TookUs = or(r.us, or(classUs[c], 50_000))
		}
	}
	s.hits = append(s.hits, h)
}

// visit is a visitor who reads a page with its files.
func (s *site) visit(at int64, client, agent, page string) {
	s.add(req{at: at, client: client, target: page, bytes: 20000 + s.rnd.Int64N(9000), agent: agent, referer: "https://www.google.com/"})
	for i := range 4 {
		s.add(req{at: at + 1, client: client, target: fmt.Sprintf("/wp-content/themes/t/a%d.css", i), agent: agent, referer: "https://shop.example" + page, bytes: 3000})
	}
}

// visitors adds ordinary traffic over some hours.
func (s *site) visitors(hours, perHour int) {
	for i := range hours * perHour {
		at := start + int64(i)*3600/int64(perHour)
		client := fmt.Sprintf("203.0.%d.%d", s.rnd.IntN(100), s.rnd.IntN(250))
		agent := browsers[s.rnd.IntN(len(browsers))]
		for p := range 1 + s.rnd.IntN(3) {
			s.visit(at+int64(p)*20, client, agent, fmt.Sprintf("/post-%d/", s.rnd.IntN(300)))
		}
	}
}

// tally adds all hits in order of time.
func (s *site) tally(opt Options) *Tally {
	t := NewTally(opt)
	for i := range s.hits {
		t.Add(&s.hits[i])
	}
	return t
}

func v4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// sort puts the hits in order of time, as a log has them, roughly.
func (s *site) sort() {
	slices.SortStableFunc(s.hits, func(a, b Hit) int { return cmp.Compare(a.At, b.At) })
}

type addr = netip.Addr

// slow makes the pages below a path dear.
func (s *site) slow(below string) {
	for i := range s.hits {
		if h := &s.hits[i]; h.Class.Dynamic() && bytes.HasPrefix(h.Path, []byte(below)) {
			h.TookUs = 2_000_000
		}
	}
}
