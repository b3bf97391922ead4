package attack

import (
	"fmt"
	"testing"
)

var probeCases = []detectorCase{
	{"user-enumeration", "authors by number", true, func(s *site) {
		for i := range int64(10) {
			s.get(start+i, "198.51.100.7", fmt.Sprintf("/?author=%d", i+1), 301, 300)
		}
		s.get(start+20, "198.51.100.7", "/wp-json/wp/v2/users", 200, 3000)
		s.get(start+21, "198.51.100.7", "/?rest_route=/wp/v2/users", 200, 3000)
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 12 || a.Severity != Low || a.Says[1].ID != "attack-users-told" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"user-enumeration", "the block editor, a search engine, an author's page", false, func(s *site) {
		s.person(start, "203.0.113.5", 0)
		for i := range int64(30) {
			s.add(req{at: start + 30 + i*9, client: "203.0.113.5", target: fmt.Sprintf("/wp-json/wp/v2/users/?who=authors&per_page=%d&context=edit", i), referer: "https://shop.example/wp-admin/post-new.php"})
			s.add(req{at: start + i*60, client: "192.0.2.66", target: fmt.Sprintf("/?author=%d", i), agent: googlebot})
		}
		s.visit(start, "203.0.113.6", browsers[2], "/?author=1")
		for i := range int64(30) { // an editor whose pages of wp-admin lie before the log
			s.add(req{at: start + i*9, client: "203.0.113.15", target: fmt.Sprintf("/wp-json/wp/v2/users/?page=%d", i), referer: "https://shop.example/wp-admin/post.php"})
		}
		s.get(start, "203.0.113.7", "/wp-sitemap-users-1.xml", 200, 800)
	}, nil, false},
	{"plugin-probing", "a list of plugins", true, func(s *site) {
		for i := range int64(60) {
			s.get(start+i, "198.51.100.7", fmt.Sprintf("/wp-content/plugins/plugin-%d/readme.txt", i), 404, 900)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 60 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"plugin-probing", "a page with broken styles, a search engine", false, func(s *site) {
		for i := range int64(60) {
			s.add(req{at: start + i, client: "203.0.113.5", target: fmt.Sprintf("/wp-content/plugins/gone/style-%d.css", i), status: 404, referer: "https://shop.example/"})
			s.add(req{at: start + i, client: "192.0.2.66", target: fmt.Sprintf("/wp-content/themes/old/style-%d.css", i), status: 404, agent: googlebot})
		}
	}, nil, false},
	{"webshell-probing", "names of shells", true, func(s *site) {
		for i, n := range []string{"alfa", "wso", "c99", "xleet", "wp-22", "about1"} {
			s.get(start+int64(i), "198.51.100.7", "/"+n+".php", 404, 900)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 6 || len(a.Paths) != 6 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"webshell-probing", "random names", true, func(s *site) {
		for i := range int64(60) {
			s.get(start+i, "198.51.100.7", fmt.Sprintf("/wp-content/k%dq.php", i), 404, 900)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 60 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"webshell-probing", "a move from another system", false, func(s *site) {
		for i := range int64(300) {
			s.add(req{at: start + i*30, client: fmt.Sprintf("203.0.%d.%d", i%50, i%40), target: fmt.Sprintf("/shop/item%d.php?id=%d", i%20, i), status: 404, referer: "https://forum.example/t/1"})
			s.add(req{at: start + i*30, client: "192.0.2.66", target: fmt.Sprintf("/shop/item%d.php?id=%d", i%90, i), status: 404, agent: googlebot})
			s.add(req{at: start + i*30, client: "66.249.66.1", target: fmt.Sprintf("/shop/item%d.php", i%90), status: 404, agent: googlebot})
			s.add(req{at: start + i*30, client: fmt.Sprintf("203.0.%d.77", i%100), target: fmt.Sprintf("/shop/item%d.php", i%90), status: 404})
		}
	}, nil, false},
}
