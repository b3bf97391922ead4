package attack

import (
	"fmt"
	"testing"
)

const gptbot = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"

var loadCases = []detectorCase{
	{"search-flood", "one client", true, func(s *site) {
		for i := range int64(2000) {
			s.get(start+3600+i, "198.51.100.7", fmt.Sprintf("/?s=word%d", i), 200, 9000)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 2000)
		if a.ActorsTotal != 1 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"search-flood", "many clients, a few each", true, func(s *site) {
		for i := range int64(3000) {
			s.get(start+3600+i, fmt.Sprintf("198.18.%d.%d", i%600/100, i%100), fmt.Sprintf("/?s=word%d", i), 200, 9000)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 3000)
		if a.ActorsTotal != 600 || a.Verdict == Unknown {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"search-flood", "many clients of ever other agents", true, func(s *site) {
		for i := range int64(3000) {
			s.add(req{at: start + 3600 + i*4, client: fmt.Sprintf("198.18.%d.%d", i%60/10, i%10), target: fmt.Sprintf("/?s=word%d", i), agent: browsers[i%60%5]})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 3000 || a.ActorsTotal != 60 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"search-flood", "a site whose pictures lie elsewhere", false, func(s *site) {
		s.hits = nil
		for i := range int64(3000) {
			s.add(req{at: start + 3600 + i*4, client: fmt.Sprintf("203.0.%d.%d", i%60/10, i%10), target: fmt.Sprintf("/?s=word%d", i%90), agent: browsers[i%5]})
			s.add(req{at: start + 3600 + i*4 + 2, client: fmt.Sprintf("203.0.%d.%d", i%60/10, i%10), target: fmt.Sprintf("/product-%d/?color=%d", i%90, i), agent: browsers[i%5]})
		}
	}, nil, false},
	{"search-flood", "customers who search", false, func(s *site) {
		for i := range int64(1500) {
			c := fmt.Sprintf("203.0.%d.%d", i%50, i%31)
			s.visit(start+i*10, c, browsers[0], fmt.Sprintf("/?s=shoes%d", i%40))
		}
		s.slow("/")
	}, nil, false},
	{"cache-bust-flood", "one client, ever new parameters", true, func(s *site) {
		for i := range int64(2000) {
			s.get(start+3600+i, "198.51.100.7", fmt.Sprintf("/?nocache=%d", i*7919), 200, 9000)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 2000)
	}, false},
	{"cache-bust-flood", "random names", true, func(s *site) {
		for i := range int64(2000) {
			s.get(start+3600+i, "198.51.100.7", fmt.Sprintf("/q%dx7", i), 404, 9000)
		}
	}, nil, false},
	{"cache-bust-flood", "marks of advertisements, a monitor, a cache that fills itself", false, func(s *site) {
		for i := range int64(2000) {
			s.visit(start+i*5, fmt.Sprintf("203.%d.%d.%d", i%3, i%200, i%150), browsers[i%5], fmt.Sprintf("/post-1/?fbclid=%d&utm_source=x", i))
			s.add(req{at: start + i*10, client: "198.51.100.20", target: fmt.Sprintf("/?t=%d", i), agent: "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"})
			s.add(req{at: start + i*2, client: "203.0.113.1", target: fmt.Sprintf("/post-%d/?x=%d", i%300, i), agent: "WP Rocket/Preload"})
		}
	}, nil, false},
	{"crawler-trap", "a calendar", true, func(s *site) {
		for i := range int64(4000) {
			s.add(req{at: start + 3600 + i, client: v4(uint32(0x2d000000 + i*7919)).String(), target: fmt.Sprintf("/calendar/?yr=%d&month=%d", 1900+i%700, i%12), agent: browsers[i%5], us: 600_000})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 4000 || a.ActorsTotal < 2800 || a.Paths[0].Path != "/calendar/?yr=&month=" {
			t.Errorf("got %d by %d, %+v", a.Attempts, a.ActorsTotal, a.Paths)
		}
	}, false},
	{"crawler-trap", "an AI robot in a calendar", true, func(s *site) {
		for i := range int64(7000) {
			s.add(req{at: start + 3600 + i/2, client: fmt.Sprintf("20.171.%d.%d", i%4, i%7), target: fmt.Sprintf("/calendar/%d-%02d/", 1900+i/12, i%12+1), agent: gptbot, us: 600_000})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 7000 || a.Cluster.Agent != "GPTBot" || a.Paths[0].Path == "" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"crawler-trap", "a post that went round, with marks", false, func(s *site) {
		for i := range int64(4000) {
			s.visit(start+3600+i, v4(uint32(0x2d000000+i*7919)).String(), browsers[i%5], fmt.Sprintf("/post-1/?fbclid=%d", i))
		}
	}, nil, false},
	{"crawler-trap", "a shop's filters, used by customers", false, func(s *site) {
		for i := range int64(3000) {
			s.visit(start+3600+i*3, fmt.Sprintf("203.%d.%d.%d", i%3, i%101, i%97), browsers[i%5], fmt.Sprintf("/shop/?filter_color=%d&min_price=%d", i%400, i%300))
		}
		s.slow("/shop/")
	}, nil, false},
	{"crawler-load", "an AI robot", true, func(s *site) {
		for i := range int64(7000) {
			s.add(req{at: start + 3600 + i/2, client: fmt.Sprintf("20.171.%d.%d", i%40, i%7), target: fmt.Sprintf("/post-%d/?page=%d", i%300, i), agent: gptbot, us: 600_000})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 7000 || a.Cluster.Agent != "GPTBot" || a.Harm.WorkerTime < 0.5 || len(a.Actors) == 0 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"crawler-load", "one address without a name", true, func(s *site) {
		for i := range int64(9000) {
			s.add(req{at: start + 3600 + i, client: "198.51.100.7", target: fmt.Sprintf("/post-%d/", i%300), us: 600_000})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 9000 || a.ActorsTotal != 1 || a.Actors[0].Prefix.String() != "198.51.100.7/32" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"crawler-load", "a robot that comes seldom, a search engine, a link checker", false, func(s *site) {
		for i := range int64(400) {
			s.add(req{at: start + i*50, client: "20.171.1.1", target: fmt.Sprintf("/post-%d/", i), agent: gptbot})
		}
		for i := range int64(6000) {
			s.add(req{at: start + i*3, client: "66.249.66.1", target: fmt.Sprintf("/post-%d/", i), agent: googlebot})
			s.add(req{at: start + i*3, client: "203.0.113.77", target: fmt.Sprintf("/post-%d/", i), agent: "W3C-checklink/5.0"})
		}
	}, nil, false},
	{"crawler-load", "an office of many people", false, func(s *site) {
		for i := range int64(4000) {
			s.visit(start+i*4, "203.0.113.5", browsers[i%5], fmt.Sprintf("/office-%d/", i%300))
		}
		s.slow("/office-")
	}, nil, false},
	{"fake-search-bot", "a false one that looks for shells", true, func(s *site) {
		for i, n := range []string{"alfa", "wso", "c99", "xleet"} {
			s.add(req{at: start + int64(i), client: "198.51.100.7", target: "/" + n + ".php", status: 404, agent: googlebot})
			s.add(req{at: start + int64(i), client: "198.51.100.7", target: "/post-1/", agent: googlebot})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 4 || a.Actors[0].Bot != "google" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"fake-search-bot", "a false one that only reads, and a true one", false, func(s *site) {
		for i := range int64(50) {
			s.add(req{at: start + i, client: "198.51.100.7", target: "/post-1/", agent: googlebot})
			s.add(req{at: start + i, client: "66.249.66.1", target: "/post-1/", agent: googlebot})
		}
	}, nil, false},
}
