package rules

import (
	"fmt"
	"testing"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
)

// rushed is a site to which 30 visitors come each second from the second minute on:
// for some seconds it serves them all.
func rushed(files int64, from func(i int) map[string]int64, told func(i int, s *second)) []evidence.Record {
	return scene(160, func(i int, s *second) {
		s.clients = map[string]map[string]int64{evidence.ClassPage: from(i)}
		if i >= 55 {
			spent(s)
			s.pages = 30
			if i < 62 {
				s.pageMs, s.failed, s.queue = 100, false, 0
			}
			s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: evidence.ClassStatic, Requests: files, S2xx: files})
		}
		told(i, s)
	})
}

// askedFor tells each ten seconds what pattern of pages was asked for.
func askedFor(p evidence.PathUse) func(int, *second) {
	return func(i int, s *second) {
		if i >= 55 && i%10 == 9 {
			p.OverMs, p.TookMs = 10_000, s.pageMs*p.Requests
			s.extra = append(s.extra, p)
		}
	}
}

// articles are the pages that visitors read.
var articles = evidence.PathUse{Class: evidence.ClassPage, Pattern: "/news/N/", Requests: 300, Clients: 180, Distinct: 12}

func nobodyMuch(i int) map[string]int64 {
	return map[string]int64{fmt.Sprintf("198.51.100.%d", i%250): 2, fmt.Sprintf("198.51.101.%d", i%249): 2}
}

func throughProxy(i int) map[string]int64 {
	if i < 55 {
		return map[string]int64{"192.0.2.1": 6}
	}
	return map[string]int64{"192.0.2.1": 30}
}

func TestVisitorRush(t *testing.T) {
	for name, records := range map[string][]evidence.Record{
		"from many addresses": rushed(70, nobodyMuch, askedFor(articles)),
		"without durations":   untimed(rushed(70, nobodyMuch, askedFor(articles))),
		"through a proxy":     rushed(70, throughProxy, askedFor(evidence.PathUse{Class: evidence.ClassPage, Pattern: "/news/N/", Requests: 300, Clients: 1, Distinct: 12})),
	} {
		v := verdict(records)
		if f := first(v); f.Rule != "visitor-rush" || len(v.Causes) != 1 || v.Status != diagnose.Likely || f.About.Client != "" || len(f.About.Clients) > 0 {
			t.Errorf("%s: got %s, causes %+v; want visitor-rush, likely, and nobody named", name, v.Status, v.Causes)
		}
	}
}

func TestVisitorRushStaysSilent(t *testing.T) {
	robots, days := articles, articles
	robots.Robot = "Googlebot"
	days.Pattern, days.Distinct, days.Class = "/events/?day=&view=", 290, evidence.ClassQuery
	for name, records := range map[string][]evidence.Record{
		"no plain files: a net of programs": rushed(0, nobodyMuch, askedFor(articles)),
		"robots":                            rushed(70, nobodyMuch, askedFor(robots)),
		"addresses without an end":          rushed(70, nobodyMuch, askedFor(days)),
		"nobody counted the patterns":       rushed(70, nobodyMuch, func(int, *second) {}),
		"one client that came anew":         hammeredByOne(),
		"a queue behind a lock":             lockedOut(true, false),
		"a purge is to blame":               caseZeroWith(func(int, *second) {}),
	} {
		if v := verdict(records); accuses(v, "visitor-rush") {
			t.Errorf("%s: got %s with causes %+v; want no accusation", name, v.Status, v.Causes)
		}
	}
}

// Behind a proxy that the web server does not know nobody can be named: to block or to
// limit that address would shut out everybody.
func TestAProxyIsNotBlocked(t *testing.T) {
	for class, path := range map[string]string{evidence.ClassSearch: "search-flood", evidence.ClassLogin: "wp-login-flood", evidence.ClassXMLRPC: "xmlrpc-login-flood"} {
		v := verdict(scene(160, func(i int, s *second) {
			s.clients = map[string]map[string]int64{evidence.ClassPage: {"192.0.2.1": 6}}
			if i < 60 {
				return
			}
			spent(s)
			s.clients = map[string]map[string]int64{class: {"192.0.2.1": 25}}
			s.extra = append(s.extra, evidence.Traffic{OverMs: 1000, Class: class, Requests: 25, S2xx: 25, TookMs: s.pageMs * 25, Clients: 1})
		}))
		f := first(v)
		if f.Rule != path || f.About.Client != "" || len(f.About.Clients) > 0 {
			t.Errorf("%s: got %s, causes %+v; want %s, and nobody named", class, v.Status, v.Causes, path)
		}
		for _, id := range f.Remedies {
			if id == "block-clients" || id == "rate-limit" {
				t.Errorf("%s: advises %s", class, id)
			}
		}
	}
}

// Where no cause is found, what was asked for most is told; scripts of open pages that
// poll the site are no crawlers, though each asks for an address of its own.
func TestPollingPagesAreNoCrawlers(t *testing.T) {
	for class, path := range map[string]string{evidence.ClassAjax: "/wp-admin/admin-ajax.php?action=&since=", evidence.ClassREST: "/wp-json/chat/v1/poll?since="} {
		polls := days
		polls.class, polls.pattern, polls.each = class, path, 2
		v := verdict(crawled(polls, func(int, *second) {}))
		if accuses(v, "crawler-trap") || !noted(v, "note-asked-most") {
			t.Errorf("%s: got %s with causes %+v, notes %+v; want no accusation, and a lead", class, v.Status, v.Causes, v.Notes)
		}
	}
}
