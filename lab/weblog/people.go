package weblog

import (
	"fmt"
	"math"
	"time"
)

// arrivals lets visitors in, more of them by day than by night.
type arrivals struct {
	mean  time.Duration // between two, on average over the day
	pages float64       // that one of them reads, on average
	files float64       // that the first of them comes with, on average
	free  []*visit
	of    *Part
}

// People ask for so many files with the first page of a visit, and with a further one.
const (
	filesFirst = 14
	filesNext  = 5
	pagesMost  = 6
)

// open lets as many visitors in as the log still has room for.
func (g *generator) open(room int64) {
	each := float64(room) / (float64(g.opt.Clients) * 1.25) // some come back
	each = min(max(each, 1), 1+filesFirst+(pagesMost-1)*(filesNext+1))
	a := &arrivals{of: &Part{ID: "visits"}}
	a.files = min(each-1, filesFirst)
	a.pages = 1 + (each-1-a.files)/(filesNext+1)
	a.mean = time.Duration(float64(g.opt.Span) * each / float64(max(1, room)))
	g.truth.Visits = a.of
	g.join(0, a)
}

func (a *arrivals) act(g *generator) (time.Duration, bool) {
	v := &visit{}
	if n := len(a.free); n > 0 {
		v, a.free = a.free[n-1], a.free[:n-1]
	}
	v.begin(g, a)
	g.join(g.now+1, v)
	hour := float64(g.now) / 3.6e9
	busy := 1 + 0.6*math.Sin((hour-9)/24*2*math.Pi)
	return g.wait(time.Duration(float64(a.mean) / busy)), true
}

// visit is one person reading.
type visit struct {
	client
	home    *arrivals
	page    *post
	pages   int // still to be read
	files   int // of this page still to be loaded
	loaded  int
	first   bool
	referer string
}

func (v *visit) begin(g *generator, a *arrivals) {
	n := g.visitor()
	addr, v6 := g.pool.address(n, g.rnd.Uint64())
	*v = visit{client: client{addr: addr, agent: browsers[mix(uint64(n))%uint64(len(browsers))], v6: v6}, home: a, first: true, loaded: g.rnd.IntN(assets)}
	v.pages = 1 + int(g.rnd.ExpFloat64()*(a.pages-1)+0.5)
	v.referer = []string{"https://www.google.com/", "", "https://www.google.co.jp/", "https://t.co/", "https://www.bing.com/", "https://www.facebook.com/"}[g.rnd.IntN(6)]
}

func (v *visit) act(g *generator) (time.Duration, bool) {
	if v.files > 0 {
		v.files--
		v.file(g)
		if v.files > 0 {
			return time.Duration(g.rnd.IntN(60)) * time.Millisecond, true
		}
		return v.next(g)
	}
	v.read(g)
	files := 2 * float64(filesNext)
	if v.first {
		files = 2 * v.home.files
	}
	v.files = int(g.rnd.Float64()*files + 0.5)
	v.first = false
	if v.files == 0 {
		return v.next(g)
	}
	return time.Duration(50+g.rnd.IntN(300)) * time.Millisecond, true
}

// next is about the next page.
func (v *visit) next(g *generator) (time.Duration, bool) {
	if v.pages--; v.pages <= 0 {
		return v.leave(), false
	}
	return 3*time.Second + g.wait(35*time.Second), true
}

func (v *visit) leave() time.Duration {
	v.home.free = append(v.home.free, v)
	return 0
}

func (v *visit) read(g *generator) {
	r := request{from: &v.client, method: "GET", status: 200, referer: v.referer, tookUs: g.took(tookPage)}
	switch n := g.rnd.IntN(100); {
	case n < 3 && !v.first:
		r.target, r.bytes, r.tookUs = fmt.Sprintf("/?s=%s", words[g.rnd.IntN(len(words))]), 14000+g.rnd.IntN(9000), g.took(tookSearch)
	case n < 5:
		r.target, r.bytes = fmt.Sprintf("/category/%s/page/%d/", words[g.rnd.IntN(len(words))], 1+g.rnd.IntN(9)), 22000+g.rnd.IntN(9000)
	case n < 6:
		r.target, r.status, r.bytes, r.tookUs = "/old/"+words[g.rnd.IntN(len(words))]+".html", 404, 8100, g.took(tookNone)
	case n < 9 && v.first: // from a newsletter
		v.page = g.page()
		r.target, r.bytes = v.page.path+"?utm_source=mail&utm_medium=email&utm_campaign=november", v.page.bytes
	default:
		v.page = g.page()
		r.target, r.bytes = v.page.path, v.page.bytes
	}
	g.send(v.home.of, r)
	if v.page == nil {
		v.page = &g.site.posts[0]
	}
	v.referer = home + v.page.path
}

// file is one of the page's.
func (v *visit) file(g *generator) {
	v.loaded++
	a := g.site.assets[v.loaded%len(g.site.assets)]
	if g.rnd.IntN(3) == 0 {
		a = v.page.images[v.loaded%len(v.page.images)]
	}
	r := request{from: &v.client, method: "GET", target: a.path, status: 200, bytes: a.bytes, referer: v.referer, tookUs: g.took(tookStatic)}
	switch g.rnd.IntN(40) {
	case 0:
		r.status, r.bytes = 304, 0
	case 1:
		r.target, r.status, r.bytes = "/favicon.ico", 200, 5430
	case 2:
		r.method, r.target, r.bytes, r.tookUs = "POST", "/wp-admin/admin-ajax.php", 120, g.took(tookAjax)
	case 3:
		r.target, r.bytes, r.tookUs = "/wp-json/contact-form-7/v1/contact-forms/12/refill", 60, g.took(tookAjax)
	}
	g.send(v.home.of, r)
}
