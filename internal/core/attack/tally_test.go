package attack

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
)

// siege is a stream with attacks of many kinds among visitors.
func siege() *site {
	s := newSite()
	s.visitors(6, 100)
	for _, k := range allCases() {
		switch k.id + "/" + k.name {
		case "wp-login-brute-force/one address", "xmlrpc-distributed/three hundred addresses, sizes with headers that vary", "plugin-probing/a list of plugins",
			"sql-injection/a scanner's lines", "php-in-uploads/a shell that answers", "sensitive-files/one that was there", "crawler-load/an AI robot":
			k.add(s)
		}
	}
	intruder(s, start+7200)
	s.sort()
	return s
}

// intruder guesses, gets in and installs something.
func intruder(s *site, at int64) {
	for i := range int64(40) {
		s.guess(at+i*4, "198.51.100.99")
	}
	at += 160
	s.add(req{at: at, client: "198.51.100.99", method: "POST", target: "/wp-login.php", status: 302, agent: browsers[3]})
	s.add(req{at: at + 2, client: "198.51.100.99", target: "/wp-admin/", bytes: 41000, agent: browsers[3]})
	s.add(req{at: at + 9, client: "198.51.100.99", method: "POST", target: "/wp-admin/update.php?action=upload-plugin", bytes: 30000, agent: browsers[3]})
	s.add(req{at: at + 20, client: "198.51.100.99", method: "POST", target: "/wp-content/plugins/hello2/x.php", bytes: 800, agent: browsers[3]})
}

func TestSameHitsSamePicture(t *testing.T) {
	s := siege()
	a, b := s.tally(caseOptions).Picture(), s.tally(caseOptions).Picture()
	if !reflect.DeepEqual(a, b) {
		t.Errorf("first  %+v\nsecond %+v", a, b)
	}
	other := caseOptions
	other.Seed = 99
	if c := s.tally(other).Picture(); !reflect.DeepEqual(a.Attacks, c.Attacks) {
		t.Errorf("another seed, another verdict: %s against %s", ids(a), ids(c))
	}
}

// TestPartsMakeTheWhole cuts the stream into parts, as readers of a large log do.
func TestPartsMakeTheWhole(t *testing.T) {
	s := siege()
	whole := s.tally(caseOptions).Picture()
	if len(whole.Attacks) < 7 || len(whole.Logins) != 1 || len(whole.Clues) < 3 {
		t.Fatalf("got %s, %+v, %+v", ids(whole), whole.Logins, whole.Clues)
	}
	rnd := rand.New(rand.NewPCG(6, 6))
	for range 12 {
		cuts := []int{0, len(s.hits)}
		for range 1 + rnd.IntN(5) {
			cuts = append(cuts, rnd.IntN(len(s.hits)))
		}
		slices.Sort(cuts)
		joined := NewTally(caseOptions)
		for i := 1; i < len(cuts); i++ {
			part := NewTally(caseOptions)
			for j := cuts[i-1]; j < cuts[i]; j++ {
				part.Add(&s.hits[j])
			}
			joined.Merge(part)
		}
		if got := joined.Picture(); !reflect.DeepEqual(got, whole) {
			t.Fatalf("cut at %v\ngot  %s\nwant %s\n%s", cuts, ids(got), ids(whole), firstDifference(got, whole))
		}
	}
}

// TestALogInOverTheSeam cuts between the failures, the log-in, wp-admin and what
// is installed.
func TestALogInOverTheSeam(t *testing.T) {
	s := newSite()
	intruder(s, start)
	want := s.tally(caseOptions).Picture()
	if len(want.Logins) != 1 || !want.Logins[0].Admin {
		t.Fatalf("got %+v", want.Logins)
	}
	for cut := range s.hits {
		for cut2 := cut; cut2 < min(cut+3, len(s.hits)); cut2++ {
			a, b, c := NewTally(caseOptions), NewTally(caseOptions), NewTally(caseOptions)
			for i := range s.hits {
				of := a
				if i >= cut {
					of = b
				}
				if i >= cut2 {
					of = c
				}
				of.Add(&s.hits[i])
			}
			b.Merge(c)
			a.Merge(b)
			got := a.Picture()
			want.Logins[0].Uploads = got.Logins[0].Uploads // counted only where the log-in is known
			if !reflect.DeepEqual(got.Logins, want.Logins) || !reflect.DeepEqual(got.Attacks, want.Attacks) {
				t.Fatalf("cut at %d and %d: got %+v, want %+v\n%s", cut, cut2, got.Logins, want.Logins, firstDifference(got, want))
			}
		}
	}
}

func firstDifference(a, b Picture) string {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			if x.Type().Field(i).Name == "Attacks" {
				for j := range min(len(a.Attacks), len(b.Attacks)) {
					if !reflect.DeepEqual(a.Attacks[j], b.Attacks[j]) {
						return fmt.Sprintf("%+v\n%+v", a.Attacks[j], b.Attacks[j])
					}
				}
			}
			return fmt.Sprintf("%s: %+v\n%+v", x.Type().Field(i).Name, x.Field(i), y.Field(i))
		}
	}
	return ""
}

// TestLinesOutOfOrder moves each line by up to a minute, as slow answers do.
func TestLinesOutOfOrder(t *testing.T) {
	s := siege()
	want := s.tally(caseOptions).Picture()
	type late struct {
		at int64
		h  Hit
	}
	var moved []late
	for _, h := range s.hits {
		moved = append(moved, late{h.At + s.rnd.Int64N(60), h})
	}
	slices.SortStableFunc(moved, func(a, b late) int { return int(a.at - b.at) })
	o := NewTally(caseOptions)
	for i := range moved {
		o.Add(&moved[i].h)
	}
	got := o.Picture()
	for _, a := range want.Attacks {
		b := attackOf(got, a.ID)
		if b == nil || b.Attempts != a.Attempts || b.ActorsTotal != a.ActorsTotal || b.Verdict != a.Verdict {
			t.Errorf("%s: got %+v, want %+v", a.ID, b, a)
		}
	}
	if len(got.Attacks) != len(want.Attacks) || len(got.Clues) != len(want.Clues) {
		t.Errorf("got %s, want %s", ids(got), ids(want))
	}
}

func TestHitsThatAreNotCounted(t *testing.T) {
	s := newSite()
	for _, at := range []int64{-5, 0, start - 1, start, start + 10, start + 11, 1 << 40} {
		s.add(req{at: at, client: "198.51.100.7", target: "/"})
	}
	s.add(req{at: start, client: "not an address", target: "/"})
	s.add(req{at: start, client: "198.51.100.7", target: "/"})
	s.hits[len(s.hits)-1].Own = true
	p := s.tally(Options{Since: start, Until: start + 10}).Picture()
	if p.Total.Requests != 3 || p.Outside != 5 || p.Nameless != 1 || p.Clients != 1 || p.From != start || p.To != start+10 {
		t.Errorf("got %+v", p)
	}
	if p := NewTally(Options{}).Picture(); len(p.Attacks) > 0 || p.From != 0 {
		t.Errorf("of nothing: %+v", p)
	}
}

// TestTenMillionClients has an attack among ten million clients that come once,
// and looks at the memory.
func TestTenMillionClients(t *testing.T) {
	const clients, bound = 10_000_000, 20 << 20
	s := newSite()
	for i := range int64(6000) {
		s.call(start+i, fmt.Sprintf("198.18.%d.%d", i%300/100, i%100), "", 403)
	}
	s.visit(start, "203.0.113.9", browsers[0], "/post-1/")
	page := s.hits[6000]
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ta := NewTally(caseOptions)
	for i := range uint32(clients) {
		page.At = start + int64(i)/1666
		page.Client = v4(i * 2654435761)
		ta.Add(&page)
		if i%1666 == 0 && int(i/1666) < 6000 {
			ta.Add(&s.hits[i/1666])
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := after.HeapAlloc - before.HeapAlloc; got > bound {
		t.Errorf("the tally holds %d bytes, more than %d", got, bound)
	}
	p := ta.Picture()
	a := attackOf(p, "xmlrpc-distributed")
	if a == nil || len(p.Attacks) != 1 {
		t.Fatalf("got %s", ids(p))
	}
	within2(t, "attempts", a.Attempts, 6000)
	within2(t, "actors", a.ActorsTotal, 300)
	within2(t, "clients", p.Clients, clients+300)
	runtime.KeepAlive(ta)
}

// TestMoreAttackersThanAreKept counts a flood by more addresses than there is room for.
func TestMoreAttackersThanAreKept(t *testing.T) {
	const actors, tries = 200_000, 2
	s := newSite()
	s.visitors(6, 100)
	ta := s.tally(caseOptions)
	s.hits = nil
	s.guess(start, "198.51.100.7")
	for i := range uint32(actors * tries) {
		h := s.hits[0]
		h.At = start + int64(i)/20
		h.Client = v4(0x2d000000 + i%actors)
		ta.Add(&h)
	}
	p := ta.Picture()
	a := attackOf(p, "wp-login-distributed")
	if a == nil || p.Forgot == 0 {
		t.Fatalf("got %s, %d forgotten", ids(p), p.Forgot)
	}
	within2(t, "attempts", a.Attempts, actors*tries)
	within2(t, "actors", a.ActorsTotal, actors)
}

func TestAddDoesNotAllocate(t *testing.T) {
	s := siege()
	ta := s.tally(caseOptions)
	if n := testing.AllocsPerRun(3, func() {
		for i := range s.hits {
			ta.Add(&s.hits[i])
		}
	}); n > float64(len(s.hits))/500 { // libinjection keeps its states in a pool that the collector may empty
		t.Errorf("%v allocations for %d hits", n, len(s.hits))
	}
}

func TestLogins(t *testing.T) {
	find := func(p Picture, client string) *Login {
		for i := range p.Logins {
			if p.Logins[i].Client.String() == client {
				return &p.Logins[i]
			}
		}
		return nil
	}
	t.Run("the form", func(t *testing.T) {
		s := newSite()
		intruder(s, start)
		got := find(s.tally(caseOptions).Picture(), "198.51.100.99")
		if got == nil || got.Way != "wp-login" || got.Failures != 40 || !got.Admin || got.Uploads != 1 || got.AdminAt != start+162 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("xmlrpc, and the door that was shut for the others", func(t *testing.T) {
		s := newSite()
		for i := range int64(200) {
			for k := range int64(5) {
				s.call(start+i*2, fmt.Sprintf("198.51.100.%d", k), "", 403+i%2)
			}
		}
		s.call(start+401, "198.51.100.3", "", 641)
		for i := range int64(3) {
			for k := range int64(5) {
				s.call(start+500+i*2, fmt.Sprintf("198.51.100.%d", k), "", 480)
			}
		}
		p := s.tally(caseOptions).Picture()
		got := find(p, "198.51.100.3")
		if len(p.Logins) != 1 || got == nil || got.Way != "xmlrpc" || got.Failures != 200 || got.At != start+401 {
			t.Errorf("got %+v", p.Logins)
		}
	})
	t.Run("a few failures, wp-admin much later", func(t *testing.T) {
		s := newSite()
		for i := range int64(20) {
			s.guess(start+i, "198.51.100.8")
		}
		for i := range int64(3) {
			s.guess(start+i, "198.51.100.9")
		}
		for _, c := range []string{"198.51.100.8", "198.51.100.9"} {
			s.add(req{at: start + 3000, client: c, method: "POST", target: "/wp-login.php", status: 302})
		}
		s.add(req{at: start + 3700, client: "198.51.100.8", target: "/wp-admin/", bytes: 40000})
		s.sort()
		p := s.tally(caseOptions).Picture()
		if got := find(p, "198.51.100.9"); got != nil {
			t.Errorf("after three: %+v", got)
		}
		if got := find(p, "198.51.100.8"); got == nil || got.Admin {
			t.Errorf("ten minutes later: %+v", got)
		}
	})
	t.Run("multicall and pingbacks are no success", func(t *testing.T) {
		s := newSite()
		for i := range int64(100) {
			s.call(start+i*2, "198.51.100.3", "", 403)
		}
		s.call(start+300, "198.51.100.3", "", 187+214*60)
		s.call(start+301, "198.51.100.3", "", 370)
		if p := s.tally(caseOptions).Picture(); len(p.Logins) != 0 {
			t.Errorf("got %+v", p.Logins)
		}
	})
}

func TestClues(t *testing.T) {
	s := newSite()
	s.visitors(30, 50)
	at := int64(start + 26*3600)
	for i := range int64(30) { // a plugin's own endpoint, called all the time
		s.add(req{at: start + i*3600, client: fmt.Sprintf("203.0.113.%d", i), method: "POST", target: "/wp-content/plugins/pay/ipn.php", bytes: 400})
	}
	for i := range int64(30) {
		s.guess(at+i, "198.51.100.7")
	}
	for i, p := range []string{"/wp-content/uploads/a.php", "/wp-includes/x7.php", "/wso.php", "/wp-content/plugins/pay/ipn.php"} {
		s.add(req{at: at + 100 + int64(i), client: "198.51.100.7", method: "POST", target: p, bytes: 300, agent: "curl/8"})
	}
	s.add(req{at: at + 200, client: "198.51.100.7", target: "/.env", bytes: 700, agent: "curl/8"})
	s.add(req{at: start + 60, client: "203.0.113.200", method: "POST", target: "/api/own.php", bytes: 300, agent: "curl/8"}) // there before
	s.add(req{at: at + 150, client: "198.51.100.7", method: "POST", target: "/api/own.php", bytes: 300, agent: "curl/8"})
	s.add(req{at: at + 201, client: "198.51.100.7", target: "/.git/config", agent: "curl/8"}) // the log has no size
	s.hits[len(s.hits)-1].Bytes = -1
	s.add(req{at: start, client: "203.0.113.1", method: "POST", target: "/wp-cron.php", bytes: 1})
	s.add(req{at: at + 300, client: "198.51.100.200", method: "POST", target: "/wp-ok.php", bytes: 300, agent: "curl/8"}) // from elsewhere, later
	s.sort()
	got := map[string]string{}
	for _, c := range s.tally(caseOptions).Picture().Clues {
		got[c.Path] = c.ID
	}
	want := map[string]string{"/wp-content/uploads/a.php": "php-in-uploads", "/wp-includes/x7.php": "new-php", "/wso.php": "shell-answered", "/.env": "leaked-file", "/wp-ok.php": "new-php"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name    string
		h       Harm
		workers int
		site    float64
		want    Verdict
	}{
		{"fills the workers by itself", Harm{WorkerTime: 0.9, Busy: 4.1}, 5, 5, Hurts},
		{"a fifth of the work, a quarter of the workers", Harm{WorkerTime: 0.2, Busy: 1.25}, 5, 2, Hurts},
		{"nearly all of the work of a site that sleeps", Harm{WorkerTime: 0.9, Busy: 0.3}, 5, 1, Harmless},
		{"little of much work", Harm{WorkerTime: 0.04, Busy: 3}, 20, 19, Harmless},
		{"there was room", Harm{WorkerTime: 0.1, Busy: 1}, 5, 3, Harmless},
		{"a tenth of workers that were full", Harm{WorkerTime: 0.1, Busy: 1}, 5, 5, Unknown},
		{"workers unknown", Harm{WorkerTime: 0.5, Busy: 2}, 0, 3, Hurts},
	} {
		if got, _ := verdictOf(c.h, c.workers, c.site); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	flood := func(us int64, opt Options, took bool) Attack {
		s := newSite()
		s.took = took
		s.visitors(6, 400)
		for i := range int64(1200) {
			s.add(req{at: start + 3600 + i/2, client: "198.51.100.7", method: "POST", target: "/xmlrpc.php", bytes: 403, us: us})
		}
		s.sort()
		return *attackOf(s.tally(opt).Picture(), "xmlrpc-brute-force")
	}
	if a := flood(900_000, Options{Workers: 5}, true); a.Verdict != Hurts || a.Harm.Busy < 1.7 || a.Harm.Busy > 1.9 || a.Harm.WorkerTime < 0.8 || !a.Harm.Measured {
		t.Errorf("dear: %s %+v", a.Verdict, a.Harm)
	}
	if a := flood(15_000, Options{Workers: 5}, true); a.Verdict != Harmless || a.Harm.WorkerTime < 0.1 {
		t.Errorf("cheap: %s %+v", a.Verdict, a.Harm)
	}
	if a := flood(0, Options{}, false); a.Verdict != Unknown || a.Harm.WorkerTime != -1 || a.Harm.Requests < 0.1 {
		t.Errorf("no durations: %s %+v", a.Verdict, a.Harm)
	}
	if a := flood(0, Options{Cost: map[Class]int64{ClassXMLRPC: 900_000, ClassPage: 50_000}}, false); a.Verdict != Hurts || a.Harm.Measured {
		t.Errorf("sampled: %s %+v", a.Verdict, a.Harm)
	}
}
