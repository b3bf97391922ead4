package attack

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/diagnose"
)

// noon is when the cases below happen; the log begins a day before.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

const (
	badIP  = "203.0.113.66"
	homeIP = "198.51.100.7"
)

// under is a picture of an attack on the log-in page: each address with so many
// attempts from three hours ago until one hour ago.
func under(attempts map[string]int64) Picture {
	p := Picture{From: ago(24 * time.Hour).Unix(), To: noon.Unix(), Total: Sums{Requests: 1000}}
	a := Attack{ID: "wp-login-brute-force", Severity: Medium, From: ago(3 * time.Hour).Unix(), To: ago(time.Hour).Unix()}
	for ip, n := range attempts {
		addr := netip.MustParseAddr(ip)
		a.Actors = append(a.Actors, Actor{Prefix: unitOf(addr).prefix(), Attempts: n, From: a.From, To: a.To, Fired: true, Agent: "python-requests/2.31"})
		a.Attempts += n
	}
	p.Attacks = []Attack{a}
	return p
}

func session(user, ip string, since time.Time) Session {
	return Session{User: user, Client: netip.MustParseAddr(ip), Since: since, Until: since.Add(48 * time.Hour), Agent: "Mozilla/5.0", IsAdmin: user == "owner"}
}

func siteWith(change func(*Site)) []Site {
	s := Site{Name: "shop.example", Admins: []Admin{{"owner", ago(900 * 24 * time.Hour)}}}
	change(&s)
	return []Site{s}
}

func sessions(all ...Session) []Site { return siteWith(func(s *Site) { s.Sessions = all }) }

func audited(a Audit) []Site { return siteWith(func(s *Site) { s.Audits = []Audit{a} }) }

func filed(all ...File) []Site { return siteWith(func(s *Site) { s.Files = all }) }

func audit(ip string, before, failed, succeeded int64) Audit {
	return Audit{Plugin: "all-in-one-wp-security-and-firewall", Client: netip.MustParseAddr(ip), Failed: failed, Succeeded: succeeded, Before: before, User: "owner",
		First: ago(2 * time.Hour), At: ago(time.Hour), FirstFail: ago(3 * time.Hour), LastFail: ago(2*time.Hour + time.Minute)}
}

func clue(id, path string, posts int64) func(*Picture) {
	return func(p *Picture) {
		p.Clues = []Clue{{ID: id, Path: path, Client: netip.MustParseAddr(badIP), At: ago(time.Hour).Unix(), Count: 3, Bytes: 318, Posts: posts}}
	}
}

func login(ip, way string, failures int64, admin bool, uploads int64) func(*Picture) {
	return func(p *Picture) {
		p.Logins = []Login{{Client: netip.MustParseAddr(ip), Way: way, Failures: failures, At: ago(2 * time.Hour).Unix(), Admin: admin, Uploads: uploads}}
	}
}

// judged is one case: what happened, and what is to be said of it.
type judged struct {
	name    string
	attacks map[string]int64
	picture func(*Picture)
	sites   []Site
	want    BreakInStatus
	first   string // the first evidence: "id say"; "" : there is none
}

var judgedCases = []judged{
	// Somebody got in.
	{"a session of the attacker", map[string]int64{badIP: 40}, nil, sessions(session("owner", homeIP, ago(200*time.Hour)), session("owner", badIP, ago(2*time.Hour))), Confirmed, "session-of-attacker in-session"},
	{"another address of the attacker's /64", map[string]int64{"2001:db8:1:2::1": 40}, nil, sessions(session("owner", "2001:db8:1:2::77", ago(2*time.Hour))), Confirmed, "session-of-attacker in-session"},
	{"two sessions of the attacker", map[string]int64{badIP: 40}, nil, sessions(session("owner", badIP, ago(100*time.Minute)), session("owner", badIP, ago(2*time.Hour))), Confirmed, "session-of-attacker in-session"},
	{"fifteen guesses", map[string]int64{badIP: 15}, nil, sessions(session("owner", badIP, ago(2*time.Hour))), LikelyIn, "session-of-attacker in-session"},
	{"six guesses from an address nobody came from", map[string]int64{badIP: 6}, nil, sessions(session("owner", badIP, ago(2*time.Hour))), LookAtThis, "session-of-attacker in-session"},
	{"a log-in long after the attack", map[string]int64{badIP: 40}, func(p *Picture) {
		p.Attacks[0].Actors[0].From, p.Attacks[0].Actors[0].To = ago(90*time.Hour).Unix(), ago(89*time.Hour).Unix()
	}, sessions(session("owner", badIP, ago(2*time.Hour))), LookAtThis, "session-of-attacker in-session"},
	{"a session older than the log, the attack as old", map[string]int64{badIP: 4000}, func(p *Picture) { p.From = ago(3 * time.Hour).Unix() }, sessions(session("owner", badIP, ago(30*time.Hour))), LookAtThis, "session-of-attacker in-session"},
	{"an address that tried holes", map[string]int64{badIP: 40}, func(p *Picture) { p.Attacks[0].ID, p.Attacks[0].Severity = "sql-injection", High }, sessions(session("owner", badIP, ago(2*time.Hour))), LookAtThis, "session-of-attacker in-session-exploit"},
	{"one of many that guess as one", map[string]int64{badIP: 2}, func(p *Picture) { p.Attacks[0].ID, p.Attacks[0].ActorsTotal = "wp-login-distributed", 300 }, sessions(session("owner", badIP, ago(2*time.Hour))), LookAtThis, "session-of-attacker in-session-crowd"},
	{"an administrator from the attackers' network", map[string]int64{"203.0.113.1": 15, "203.0.113.2": 15}, nil, sessions(session("owner", "203.0.113.200", ago(2*time.Hour))), LookAtThis, "session-of-attacker in-session-near"},
	{"a network that the picture names", map[string]int64{"192.0.2.1": 3}, func(p *Picture) {
		p.Attacks[0].Attempts, p.Attacks[0].Cluster = 900, &Cluster{Prefixes: networks("203.0.0.0/16")}
	}, sessions(session("owner", "203.0.9.9", ago(2*time.Hour))), LookAtThis, "session-of-attacker in-session-near"},
	{"a key used by the attacker", map[string]int64{badIP: 40}, nil, siteWith(func(s *Site) {
		s.Keys = []Key{{User: "owner", Name: "x", Created: ago(500 * time.Hour), LastUsed: ago(2 * time.Hour), LastIP: netip.MustParseAddr(badIP)}}
	}), LikelyIn, "key-of-attacker in-key"},
	{"the security plugin saw it", nil, nil, audited(audit(badIP, 40, 40, 1)), Confirmed, "audit-success in-audit"},
	{"the log shows it", nil, login(badIP, "wp-login", 60, true, 0), nil, LikelyIn, "login-after-failures in-login-admin"},
	{"the log shows it, and what he did", nil, login(badIP, "wp-login", 60, true, 2), sessions(), LikelyIn, "login-after-failures in-login-installs"},
	{"the log shows half of it", nil, login(badIP, "wp-login", 60, false, 0), nil, LookAtThis, "login-after-failures in-login"},
	{"the log shows it by a session, too", nil, login(badIP, "wp-login", 60, true, 0), sessions(session("owner", badIP, ago(2*time.Hour))), Confirmed, "session-of-attacker in-session"},
	{"XML-RPC answered otherwise", nil, login(badIP, "xmlrpc", 60, false, 0), nil, LikelyIn, "xmlrpc-success in-xmlrpc"},
	{"XML-RPC answered otherwise after few", nil, login(badIP, "xmlrpc", 20, false, 0), nil, LookAtThis, "xmlrpc-success in-xmlrpc"},
	{"a shell lies there", nil, nil, filed(File{Path: "/wp-content/uploads/x.php", Changed: ago(time.Hour), Why: WhyUploads, Does: DoesCommands, Together: 1}), LikelyIn, "shell-file in-shell-file"},
	{"a shell answers", nil, clue("php-in-uploads", "/wp-content/uploads/x.php", 3), filed(
		File{Path: "/wp-content/uploads/x.php", Changed: ago(time.Hour), Why: WhyUploads, Does: DoesCommands, Together: 1},
		File{Path: "/wp-content/uploads/x.php", Changed: ago(time.Hour), Why: WhyAsked, Does: DoesCommands, Together: 1}), Confirmed, "php-in-uploads in-shell-answered"},
	{"a program in uploads answers", nil, clue("php-in-uploads", "/wp-content/uploads/x.php", 3), filed(File{Path: "/wp-content/uploads/x.php", Changed: ago(time.Hour), Why: WhyAsked, Does: DoesSome, Together: 1}), LikelyIn, "php-in-uploads in-answered"},
	{"a shell has answered and is gone", nil, clue("php-in-uploads", "/wp-content/uploads/x.php", 3), filed(File{Path: "/wp-content/uploads/x.php", Why: WhyAsked, Does: DoesGone}), LookAtThis, "php-in-uploads in-answered-gone"},
	{"a shell answers, in a log alone", nil, clue("php-in-uploads", "/wp-content/uploads/x.php", 3), nil, LikelyIn, "php-in-uploads in-answered"},
	{"a copy of the database was given out", nil, clue("leaked-file", "/backup.sql", 0), nil, LookAtThis, "leaked-file in-leaked"},
	{"WordPress' own file was changed", nil, nil, filed(File{Path: "/wp-includes/load.php", Changed: ago(time.Hour), Why: WhyCore, Does: DoesNothing, Together: 1}), LookAtThis, "core-changed in-core-changed"},
	{"WordPress' own file takes commands", nil, nil, filed(File{Path: "/wp-includes/load.php", Changed: ago(time.Hour), Why: WhyCore, Does: DoesCommands, Together: 1}), LikelyIn, "core-changed in-core-changed"},
	{"a plugin's file takes commands", nil, nil, filed(File{Path: "/wp-content/plugins/a/b.php", Changed: ago(time.Hour), Why: WhyRecent, Does: DoesCommands, Together: 1}), LookAtThis, "changed-file in-file-commands"},
	{"a new administrator", nil, nil, siteWith(func(s *Site) { s.Admins = append(s.Admins, Admin{"wpsupport", ago(20 * time.Hour)}) }), LookAtThis, "new-admin in-admin-new"},

	// It looks alike, and is none.
	{"nothing at all", nil, nil, sessions(session("owner", homeIP, ago(time.Hour))), NothingFound, ""},
	{"an attack, and the owner at work", map[string]int64{badIP: 4000}, nil, sessions(session("owner", homeIP, ago(time.Hour))), NothingFound, ""},
	{"the owner mistypes three times", map[string]int64{homeIP: 3}, login(homeIP, "wp-login", 3, true, 2), sessions(session("owner", homeIP, ago(2*time.Hour))), NothingFound, ""},
	{"the owner forgot his password, at home", map[string]int64{homeIP: 14}, login(homeIP, "wp-login", 14, true, 1), sessions(session("owner", homeIP, ago(100*time.Hour)), session("owner", homeIP, ago(2*time.Hour))), NothingFound, ""},
	{"the owner's address guesses after he came in", map[string]int64{homeIP: 400}, nil, sessions(session("owner", homeIP, ago(20*time.Hour))), NothingFound, ""},
	{"the owner mistypes while many guess as one", map[string]int64{homeIP: 2}, func(p *Picture) { p.Attacks[0].ID, p.Attacks[0].ActorsTotal = "wp-login-distributed", 300 }, sessions(session("owner", homeIP, ago(50*time.Hour)), session("owner", homeIP, ago(2*time.Hour))), NothingFound, ""},
	{"an office", map[string]int64{homeIP: 12}, login(homeIP, "wp-login", 12, true, 0), sessions(session("hana", homeIP, ago(100*time.Minute)), session("kenji", homeIP, ago(2*time.Hour)), session("mei", homeIP, ago(90*time.Minute))), NothingFound, ""},
	{"an office's mistakes over three months", map[string]int64{homeIP: 70}, func(p *Picture) {
		p.From, p.Attacks[0].Actors[0].From = ago(90*24*time.Hour).Unix(), ago(90*24*time.Hour).Unix()
	}, sessions(session("hana", homeIP, ago(2*time.Hour))), NothingFound, ""},
	{"all come through a proxy", map[string]int64{"127.0.0.1": 15}, nil, sessions(session("owner", "127.0.0.1", ago(2*time.Hour))), NothingFound, ""},
	{"all come through a CDN", map[string]int64{"172.68.1.1": 15}, nil, sessions(session("owner", "172.68.1.1", ago(2*time.Hour))), NothingFound, ""},
	{"the app with an old password", map[string]int64{homeIP: 40}, func(p *Picture) { p.Attacks[0].Actors[0].Agent = "wp-android/24.1 (Android 14)" }, sessions(session("owner", homeIP, ago(2*time.Hour))), NothingFound, ""},
	{"the app was told a wrong key first", map[string]int64{homeIP: 12}, login(homeIP, "xmlrpc", 12, false, 0), siteWith(func(s *Site) {
		s.Keys = []Key{{User: "hana", Name: "phone", Created: ago(4 * time.Hour), LastUsed: ago(2 * time.Hour), LastIP: netip.MustParseAddr(homeIP)}}
	}), NothingFound, ""},
	{"Jetpack", nil, login("192.0.80.9", "xmlrpc", 500, false, 0), nil, NothingFound, ""},
	{"an editor from the attackers' network", map[string]int64{"203.0.113.1": 40}, nil, sessions(session("hana", "203.0.113.200", ago(2*time.Hour))), NothingFound, ""},
	{"the owner's provider has attackers, too", map[string]int64{"203.0.113.1": 40}, nil, sessions(session("owner", "203.0.113.9", ago(80*time.Hour)), session("owner", "203.0.113.200", ago(2*time.Hour))), NothingFound, ""},
	{"the plugin's log of an office", nil, nil, audited(audit(homeIP, 2, 40, 300)), NothingFound, ""},
	{"an update brought the file", nil, clue("new-php", "/wp-content/plugins/a/new.php", 3), filed(File{Path: "/wp-content/plugins/a/new.php", Changed: ago(2 * time.Hour), Why: WhyAsked, Does: DoesSome, Together: 80}), NothingFound, ""},
	{"an update brought a file that takes commands", nil, clue("new-php", "/wp-content/plugins/a/new.php", 3), filed(File{Path: "/wp-content/plugins/a/new.php", Changed: ago(2 * time.Hour), Why: WhyAsked, Does: DoesCommands, Together: 80}), NothingFound, ""},
	{"an index.php that is silent", nil, clue("php-in-uploads", "/wp-content/uploads/index.php", 0), filed(File{Path: "/wp-content/uploads/index.php", Changed: ago(2 * time.Hour), Why: WhyAsked, Does: DoesNothing, Together: 1}), NothingFound, ""},
	{"a plugin's own file in uploads ends at once", nil, nil, filed(File{Path: "/wp-content/uploads/log.php", Changed: ago(2 * time.Hour), Why: WhyUploads, Does: DoesNothing, Together: 1}), NothingFound, ""},
	{"the owner edited his theme", nil, nil, filed(File{Path: "/wp-content/themes/a/functions.php", Changed: ago(2 * time.Hour), Why: WhyRecent, Does: DoesSome, Together: 1}), NothingFound, ""},
	{"an empty answer", nil, func(p *Picture) { clue("leaked-file", "/.env", 0)(p); p.Clues[0].Bytes = 0 }, nil, NothingFound, ""},
	{"a site that was made this week", nil, nil, siteWith(func(s *Site) { s.Admins = []Admin{{"owner", ago(50 * time.Hour)}, {"hana", ago(20 * time.Hour)}} }), NothingFound, ""},
}

func TestJudge(t *testing.T) {
	for _, c := range judgedCases {
		t.Run(c.name, func(t *testing.T) {
			p := under(c.attacks)
			if c.picture != nil {
				c.picture(&p)
			}
			got := Judge(p, c.sites, noon)
			first := ""
			if len(got.Evidence) > 0 {
				first = got.Evidence[0].ID + " " + got.Evidence[0].Say.ID
			}
			if got.Status != c.want || first != c.first {
				t.Errorf("got %s, %q, want %s, %q: %+v", got.Status, first, c.want, c.first, got.Evidence)
			}
			onlyKnownSayings(t, got)
		})
	}
}

// onlyKnownSayings holds each sentence against the closed set.
func onlyKnownSayings(t *testing.T, b BreakIn) {
	t.Helper()
	all := BreakInSayings()
	for _, e := range b.Evidence {
		for _, s := range []diagnose.Sentence{e.Say, e.Do} {
			params, known := all[s.ID]
			if s.ID == "" {
				continue
			}
			if !known || len(params) != len(s.Args) {
				t.Errorf("%s: sentence %q with %v, want the parameters %v", e.ID, s.ID, s.Args, params)
			}
			for _, p := range params {
				if _, ok := s.Args[p]; !ok {
					t.Errorf("%s: sentence %s has no %s", e.ID, s.ID, p)
				}
			}
		}
		if e.Say.ID == "" || e.Weight == NothingFound || e.Weight == "" || !slices.Contains(evidenceRank, e.ID) {
			t.Errorf("evidence is told that says nothing or has no rank: %+v", e)
		}
	}
}

// TestEverySayingIsSaid finds sentences that no case brings up.
func TestEverySayingIsSaid(t *testing.T) {
	said := map[string]bool{"in-more": true}
	note := func(b BreakIn) {
		for _, e := range b.Evidence {
			said[e.Say.ID], said[e.Do.ID] = true, true
		}
	}
	for _, c := range judgedCases {
		p := under(c.attacks)
		if c.picture != nil {
			c.picture(&p)
		}
		note(Judge(p, c.sites, noon))
	}
	note(Judge(under(map[string]int64{badIP: 40}), aftermath(), noon))
	note(Judge(under(nil), filed(File{Path: "/wp-content/uploads/x.php", Changed: noon, Why: WhyUploads, Does: DoesSome}), noon))
	for id := range BreakInSayings() {
		if !said[id] {
			t.Errorf("%s is in no case", id)
		}
	}
}

// aftermath is a site where somebody came in two hours ago and left things behind.
func aftermath() []Site {
	return siteWith(func(s *Site) {
		s.Sessions = []Session{session("owner", badIP, ago(2*time.Hour))}
		s.Admins = []Admin{{"owner", ago(115 * time.Minute)}, {"hana", ago(121 * time.Minute)}, {"wpsupport", ago(110 * time.Minute)}}
		s.Keys = []Key{{User: "owner", Name: "backup", Created: ago(100 * time.Minute)}, {User: "owner", Name: "before", Created: ago(121 * time.Minute)}, {User: "hana", Name: "phone", Created: ago(100 * time.Minute)}}
		s.Files = []File{
			{Path: "/wp-content/themes/a/functions.php", Changed: ago(90 * time.Minute), Why: WhyRecent, Does: DoesSome, Together: 1},
			{Path: "/wp-content/plugins/b/b.php", Changed: ago(5 * time.Hour), Why: WhyRecent, Does: DoesSome, Together: 1},
			{Path: "/wp-content/uploads/x.php", Changed: ago(80 * time.Minute), Why: WhyUploads, Does: DoesCommands, Together: 1},
		}
	})
}

func TestWhatAnIntruderLeaves(t *testing.T) {
	got := Judge(under(map[string]int64{badIP: 40}), aftermath(), noon)
	var ids []string
	for _, e := range got.Evidence {
		ids = append(ids, fmt.Sprint(e.Weight, " ", e.ID, " ", e.User, e.Path))
	}
	want := []string{"confirmed session-of-attacker owner", "confirmed shell-file /wp-content/uploads/x.php", "confirmed new-admin wpsupport",
		"likely new-key owner", "likely changed-file /wp-content/themes/a/functions.php"}
	if got.Status != Confirmed || !slices.Equal(ids, want) {
		t.Errorf("got  %q\nwant %q", ids, want)
	}
	onlyKnownSayings(t, got)
}

// What many send through one address, the owner among them, proves nothing against him.
func TestAnAddressOfManyIsNobodys(t *testing.T) {
	p := under(map[string]int64{badIP: 300})
	mine := sessions(session("owner", badIP, ago(2*time.Hour)))
	if got := Judge(p, mine, noon); got.Status != Confirmed {
		t.Fatalf("got %s of an attacker's own address, want confirmed", got.Status)
	}
	p.Shared = []netip.Addr{netip.MustParseAddr(badIP)}
	if got := Judge(p, mine, noon); got.Status == Confirmed || got.Status == LikelyIn {
		t.Errorf("got %s: %+v", got.Status, got.Evidence)
	}
}

func TestJudgeSaysWhatItDidNotSee(t *testing.T) {
	has := func(b BreakIn, source, part string) bool {
		return slices.ContainsFunc(b.Unseen, func(u Unseen) bool { return u.Source == source && strings.Contains(u.Why, part) })
	}
	if b := Judge(under(nil), nil, noon); b.Status != NothingFound || !has(b, "sessions", "not looked at") {
		t.Errorf("without a site: %+v", b)
	}
	if b := Judge(Picture{}, sessions(), noon); !has(b, "log", "no requests") || has(b, "sessions", "") {
		t.Errorf("without a log: %+v", b)
	}
	if b := Judge(under(nil), sessions(session("owner", "10.0.0.1", noon)), noon); !has(b, "sessions", "proxy") {
		t.Errorf("behind a proxy: %+v", b)
	}
	two := append(sessions(), Site{Name: "b.example", Unseen: []Unseen{{"audit-log", "read x: too slow"}, {"audit-log", "read x: too slow"}}})
	if b := Judge(under(nil), two, noon); len(b.Unseen) != 1 || !has(b, "audit-log", "b.example: read x") {
		t.Errorf("with two sites: %+v", b)
	}
}

func TestJudgeIsBoundedAndSteady(t *testing.T) {
	sites := siteWith(func(s *Site) {
		for i := range 500 {
			s.Files = append(s.Files, File{Path: fmt.Sprintf("/wp-content/uploads/%d.php", i), Changed: ago(time.Hour), Why: WhyUploads, Does: DoesCommands})
		}
	})
	a, b := Judge(under(map[string]int64{badIP: 4, homeIP: 5}), sites, noon), Judge(under(map[string]int64{homeIP: 5, badIP: 4}), sites, noon)
	if len(a.Evidence) != evidenceMost+1 || a.Evidence[evidenceMost].Say.ID != "in-more" {
		t.Errorf("got %d pieces of evidence", len(a.Evidence))
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("the same picture gives two answers")
	}
}
