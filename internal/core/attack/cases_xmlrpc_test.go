package attack

import (
	"fmt"
	"testing"
)

// call is a call of xmlrpc.php.
func (s *site) call(at int64, client, agent string, bytes int64) {
	s.add(req{at: at, client: client, method: "POST", target: "/xmlrpc.php", bytes: bytes, agent: agent})
}

var phone = "wp-android/24.1 (Android 14; Scale/2.63)"

var xmlrpcCases = []detectorCase{
	{"xmlrpc-brute-force", "one address", true, func(s *site) {
		for i := range int64(3000) {
			s.call(start+3600+i, "198.51.100.7", "", 403)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 3000)
		if a.ActorsTotal != 1 || a.Severity != Medium {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"xmlrpc-distributed", "three hundred addresses, sizes with headers that vary", true, func(s *site) {
		for i := range int64(6000) {
			s.call(start+3600+i/4, fmt.Sprintf("198.18.%d.%d", i%300/100, i%100), "", 703+i%3)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 6000)
		if a.ActorsTotal != 300 || a.Cluster == nil || a.Cluster.Size < 695 || a.Cluster.Size > 711 {
			t.Errorf("got %d, %+v", a.ActorsTotal, a.Cluster)
		}
	}, false},
	{"xmlrpc-brute-force", "nine addresses that take their time", true, func(s *site) {
		for i := range int64(7700) {
			s.call(start+i*11, fmt.Sprintf("198.51.100.%d", 10+i%9), "", 402)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 7700)
		if a.ActorsTotal != 9 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"xmlrpc-brute-force", "one address that takes its time, told by the size of WordPress' own refusal", true, func(s *site) {
		for i := range int64(860) {
			s.call(start+i*100, "198.51.100.7", "", 403)
		}
	}, func(t *testing.T, a Attack) { within2(t, "attempts", a.Attempts, 860) }, false},
	{"xmlrpc-brute-force", "a program that always gets the same answer, every five minutes", false, func(s *site) {
		for i := range int64(288) {
			s.call(start+i*300, "203.0.113.30", "python-xmlrpc/3.11", 977)
		}
	}, nil, false},
	{"xmlrpc-brute-force", "beside a phone with an old password", true, func(s *site) {
		for i := range int64(300) {
			s.call(start+i*2, "198.51.100.7", "", 403)
		}
		for i := range int64(40) {
			s.call(start+i*20, "203.0.113.8", phone, 403)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 300 || a.ActorsTotal != 1 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"xmlrpc-brute-force", "while the site is down", true, func(s *site) {
		for i := range int64(400) {
			s.add(req{at: start + i*2, client: "198.51.100.7", method: "POST", target: "/xmlrpc.php", status: 504, us: 60_000_000})
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 400 || a.Verdict != Hurts {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"xmlrpc-brute-force", "under the app's name and Jetpack's", true, func(s *site) {
		for i := range int64(900) {
			s.call(start+i, "198.51.100.7", phone, 403)
			s.call(start+i, "198.51.100.8", "Jetpack by WordPress.com", 403)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 1800 || a.ActorsTotal != 2 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"xmlrpc-brute-force", "a phone with the app", false, func(s *site) {
		for i := range int64(30) { // opened every half hour: half a dozen calls of other sizes at once
			for k := range int64(7) {
				s.call(start+i*1800+k, "203.0.113.8", phone, 640+k*900+i%2*13)
			}
		}
	}, nil, false},
	{"xmlrpc-brute-force", "a phone while others attack", false, func(s *site) {
		for i := range int64(20) {
			for k := range int64(9) {
				s.call(start+i*600+k, "203.0.113.8", phone, 641)
			}
		}
	}, nil, false},
	{"xmlrpc-brute-force", "Jetpack", false, func(s *site) {
		for i := range int64(500) {
			s.add(req{at: start + i*40, client: "192.0.80.4", method: "POST", target: "/xmlrpc.php?for=jetpack&token=x", agent: "Jetpack by WordPress.com", bytes: 900 + i%7*100})
		}
	}, nil, false},
	{"xmlrpc-brute-force", "a program that publishes", false, func(s *site) {
		for i := range int64(100) {
			s.call(start+i*5, "203.0.113.30", "Java/17", 167)
		}
	}, nil, false},
	{"xmlrpc-brute-force", "a program that publishes much", false, func(s *site) {
		for i := range int64(1000) {
			s.call(start+i*5, "203.0.113.30", "Java/17", 167)
		}
	}, nil, false},
	{"xmlrpc-brute-force", "refusals that are packed well", true, func(s *site) {
		for i := range int64(1200) {
			s.call(start+i/2, "198.51.100.7", "python-requests/2.31", 152)
		}
	}, func(t *testing.T, a Attack) { within2(t, "attempts", a.Attempts, 1200) }, false},
	{"xmlrpc-distributed", "refusals that are packed well, to many", true, func(s *site) {
		for i := range int64(900) {
			s.call(start+3600+i*12, fmt.Sprintf("198.%d.%d.%d", 18+i%300%7, i%300/10, i%300%10+1), "", 152)
		}
	}, func(t *testing.T, a Attack) { within2(t, "attempts", a.Attempts, 900) }, false},
	{"xmlrpc-distributed", "a few programs that publish", false, func(s *site) {
		for i := range int64(900) {
			s.call(start+i*60, fmt.Sprintf("203.0.113.%d", 30+i%4), "Java/17", 167)
		}
	}, nil, false},
	{"xmlrpc-distributed", "three hundred addresses, three calls each", true, func(s *site) {
		for i := range int64(900) {
			s.call(start+3600+i*12, fmt.Sprintf("198.%d.%d.%d", 18+i%300%7, i%300/10, i%300%10+1), "", 441)
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 900)
		if a.ActorsTotal != 300 || a.Cluster == nil || a.Cluster.Size != 441 {
			t.Errorf("got %d, %+v", a.ActorsTotal, a.Cluster)
		}
	}, false},
	{"xmlrpc-distributed", "a dozen phones", false, func(s *site) {
		for i := range int64(12) {
			for k := range int64(6) {
				s.call(start+i*900+k, fmt.Sprintf("203.0.%d.8", i), phone, 640+k*700)
			}
		}
	}, nil, false},
	{"xmlrpc-distributed", "pingbacks of other blogs", false, func(s *site) {
		for i := range int64(40) {
			s.call(start+i*300, fmt.Sprintf("203.0.%d.9", i), fmt.Sprintf("WordPress/6.%d; https://blog%d.example", i%6, i), 390+i%9*11)
		}
	}, nil, false},
	{"xmlrpc-multicall", "a hundred log-ins in each call", true, func(s *site) {
		for i := range int64(50) {
			s.call(start+i*30, "198.51.100.7", "", 187+214*100)
		}
		for i := range int64(100) {
			s.call(start+i*3, "198.51.100.8", "", 403)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 50 || a.ActorsTotal != 1 || a.Says[1].ID != "attack-multicall-calls" {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"xmlrpc-multicall", "with headers counted, in Japanese", true, func(s *site) {
		for i := range int64(60) {
			s.call(start+i*5, "198.51.100.8", "", 441+286)
			s.call(start+i*5, "198.51.100.7", "", 187+286+252*50)
		}
	}, nil, false},
	{"xmlrpc-multicall", "lists of posts for an editor program", false, func(s *site) {
		for i := range int64(30) {
			s.call(start+i*600, "203.0.113.8", "MarsEdit/5.0", 21587)
			s.call(start+i*600+2, "203.0.113.8", "MarsEdit/5.0", 2000+i*371)
		}
	}, nil, false},
	{"pingback-reflector", "false pingbacks", true, func(s *site) {
		for i := range int64(300) {
			s.call(start+i*4, fmt.Sprintf("198.51.100.%d", i%5), "", 370)
		}
	}, func(t *testing.T, a Attack) {
		if a.Attempts != 300 || a.ActorsTotal != 5 {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"pingback-reflector", "with headers counted, beside guesses", true, func(s *site) {
		for i := range int64(300) {
			s.call(start+i*2, "198.51.100.7", "", 370+300)
			s.call(start+i*2, "198.51.100.8", "", 403+300)
		}
	}, nil, false},
	{"pingback-reflector", "guesses alone", false, func(s *site) {
		for i := range int64(300) {
			s.call(start+i*4, "198.51.100.7", "", 403+300)
		}
	}, nil, true},
	{"pingback-flood", "other blogs asked to look at us", true, func(s *site) {
		for i := range int64(2000) {
			s.add(req{at: start + 600 + i/10, client: fmt.Sprintf("198.18.%d.%d", i%200/100, i%100), target: fmt.Sprintf("/post-%d/", i%9), us: 300_000,
				agent: fmt.Sprintf("WordPress/5.%d; http://victim%d.example; verifying pingback from 198.51.100.7", i%9, i%200)})
		}
	}, func(t *testing.T, a Attack) {
		within2(t, "attempts", a.Attempts, 2000)
		if a.ActorsTotal != 200 || a.Verdict != Hurts {
			t.Errorf("got %+v", a)
		}
	}, false},
	{"pingback-flood", "a post that links to a dozen blogs", false, func(s *site) {
		for i := range int64(12) {
			s.add(req{at: start + 600 + i, client: fmt.Sprintf("198.18.1.%d", i), target: "/post-3/", agent: "WordPress/6.1; http://blog.example; verifying pingback from 203.0.113.1"})
		}
	}, nil, false},
}
