package weblog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// site is what there is to be asked for.
type site struct {
	posts  []post
	zipf   *rand.Zipf
	assets []asset // of the theme and the plugins: each page has them
}

type post struct {
	path   string
	bytes  int
	images []asset
}

type asset struct {
	path  string
	bytes int
}

const (
	posts   = 2000
	assets  = 22
	content = "/wp-content/"
)

var words = strings.Fields(`morning lunch garden river autumn kyoto tokyo recipe bread coffee market winter summer window letter
	station island forest camera bicycle kitchen harvest festival temple weather holiday mountain harbour village paper music`)

func newSite(rnd *rand.Rand) site {
	s := site{zipf: rand.NewZipf(rnd, 1.15, 4, posts-1)}
	for i := range posts {
		p := post{path: fmt.Sprintf("/%s-%d/", words[rnd.IntN(len(words))], i), bytes: 9000 + rnd.IntN(40000)}
		for k := range 1 + rnd.IntN(9) {
			p.images = append(p.images, asset{fmt.Sprintf("%suploads/%d/%02d/%s-%d-%dx%d.%s", content, 2016+i%11, 1+i%12, words[(i+k)%len(words)], i*10+k, 300+k*100, 200+k*70, []string{"jpg", "jpg", "webp", "png"}[k%4]), 4000 + rnd.IntN(180000)})
		}
		s.posts = append(s.posts, p)
	}
	s.posts[0].path = "/"
	for i := range assets {
		dir := []string{"themes/shop", "plugins/woocommerce/assets", "plugins/contact-form-7", "plugins/elementor"}[i%4]
		ext := []string{"css", "js", "js", "woff2"}[i%4]
		s.assets = append(s.assets, asset{fmt.Sprintf("%s%s/%s/%s%d.%s?ver=6.%d.%d", content, dir, ext, words[i], i, ext, 1+i%5, i%9), 800 + rnd.IntN(60000)})
	}
	return s
}

// page draws one, the popular ones more often.
func (g *generator) page() *post { return &g.site.posts[g.site.zipf.Uint64()] }

// took draws how long a request takes: most of them about that long, a few much longer.
func (g *generator) took(usual time.Duration) int64 {
	f := 0.6 + g.rnd.ExpFloat64()*0.4
	if g.rnd.IntN(200) == 0 {
		f *= 8
	}
	return int64(f * float64(usual.Microseconds()))
}

// What requests take.
const (
	tookStatic = 400 * time.Microsecond
	tookPage   = 180 * time.Millisecond
	tookSearch = 700 * time.Millisecond
	tookXMLRPC = 120 * time.Millisecond
	tookLogin  = 240 * time.Millisecond
	tookAjax   = 90 * time.Millisecond
	tookAdmin  = 350 * time.Millisecond
	tookFeed   = 150 * time.Millisecond
	tookNone   = 90 * time.Millisecond // WordPress says 404
)

var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36 Edg/129.0.0.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
	"Mozilla/5.0 (Windows NT 10.0; rv:131.0) Gecko/20100101 Firefox/131.0",
	"Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
	"Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko",
	"Shop/4.2 (iPad; iOS 18.1; Scale/2.00)",
}
