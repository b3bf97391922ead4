package remedies

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/remedy"
)

func used(ip string, ago time.Duration) attack.Key {
	k := attack.Key{User: "hana", Name: "phone", Created: now.Add(-900 * time.Hour), LastUsed: now.Add(-ago)}
	k.LastIP, _ = netip.ParseAddr(ip)
	return k
}

func TestWithSite(t *testing.T) {
	key := func(address string, n int64, ago time.Duration) remedy.Caller {
		return remedy.Caller{ID: "application-password", Address: address, Requests: n, Last: now.Add(-ago)}
	}
	app := remedy.Caller{ID: "app", Address: "203.0.113.9", Requests: 40, Last: now}
	ping := remedy.Caller{ID: "pingback", Address: "203.0.113.8", Requests: 2, Last: now}
	for _, c := range []struct {
		name string
		log  remedy.Callers
		site attack.Site
		want []remedy.Caller
	}{
		{"nothing", remedy.Callers{Days: 30, Requests: 5}, attack.Site{}, nil},
		{"a program", remedy.Callers{Days: 30, Requests: 5}, attack.Site{Keys: []attack.Key{used("198.51.100.7", time.Hour)}}, []remedy.Caller{key("198.51.100.7", 1, time.Hour)}},
		{"two of one network", remedy.Callers{Days: 30, Requests: 5}, attack.Site{Keys: []attack.Key{used("2001:db8::1", 2*time.Hour), used("2001:db8::2", time.Hour)}}, []remedy.Caller{key("2001:db8::/64", 2, time.Hour)}},
		{"the log knows it", remedy.Callers{Days: 30, Requests: 5, Rightly: []remedy.Caller{app}}, attack.Site{Keys: []attack.Key{used("203.0.113.9", time.Hour)}}, []remedy.Caller{app}},
		{"never used", remedy.Callers{Days: 30, Requests: 5}, attack.Site{Keys: []attack.Key{{User: "hana"}}}, nil},
		{"used long ago", remedy.Callers{Days: 30, Requests: 5}, attack.Site{Keys: []attack.Key{used("198.51.100.7", 31*24*time.Hour)}}, nil},
		{"nobody calls the endpoint: it is used by REST", remedy.Callers{Days: 30}, attack.Site{Keys: []attack.Key{used("198.51.100.7", time.Hour)}}, nil},
		{"the log is too short to say so", remedy.Callers{Days: 1}, attack.Site{Keys: []attack.Key{used("198.51.100.7", 30*time.Hour)}}, []remedy.Caller{key("198.51.100.7", 1, 30*time.Hour)}},
		{"the log was cut", remedy.Callers{Days: 30, Cut: true}, attack.Site{Keys: []attack.Key{used("198.51.100.7", time.Hour)}}, []remedy.Caller{key("198.51.100.7", 1, time.Hour)}},
		{"there is no log", remedy.Callers{}, attack.Site{Keys: []attack.Key{used("", time.Hour), used("127.0.0.1", time.Hour)}}, []remedy.Caller{key("", 2, time.Hour)}},
		{"pingbacks", remedy.Callers{Days: 30, Requests: 5}, attack.Site{Pings: []time.Time{now, now.Add(-time.Hour)}}, []remedy.Caller{{ID: "pingback", Requests: 2, Last: now}}},
		{"pingbacks that the log knows", remedy.Callers{Days: 30, Requests: 5, Rightly: []remedy.Caller{ping}}, attack.Site{Pings: []time.Time{now}}, []remedy.Caller{ping}},
	} {
		if got := WithSite(c.log, c.site, now).Rightly; !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestTheSiteKeepsItOpen holds that what the site alone knows keeps the endpoint
// from being closed, and that the attacker's own key does not.
func TestTheSiteKeepsItOpen(t *testing.T) {
	w := webWorld()
	w.Site.XMLRPC = WithSite(w.Site.XMLRPC, attack.Site{Keys: []attack.Key{used("203.0.113.20", time.Hour)}, Pings: []time.Time{now}}, now)
	p := CloseXMLRPC().Plan(flooded(), w, remedy.Wishes{})
	if p.Doable() || len(p.Refused) < 3 || p.Refused[0].ID != "web-would-break" || p.Refused[1].Args["caller"] != "application-password" || p.Refused[2].Args["caller"] != "pingback" {
		t.Errorf("got %v", p.Refused)
	}
	p = CloseXMLRPC().Plan(flooded(), w, remedy.Wishes{AllowAll: true})
	if !p.Doable() {
		t.Errorf("with those let through that have an address: %v", p.Refused)
	}
	w = webWorld()
	w.Site.XMLRPC = WithSite(w.Site.XMLRPC, attack.Site{Keys: []attack.Key{used("198.51.100.1", time.Hour)}}, now)
	if p := CloseXMLRPC().Plan(flooded(), w, remedy.Wishes{}); !p.Doable() {
		t.Errorf("the attacker's own key keeps the endpoint open: %v", p.Refused)
	}
}
