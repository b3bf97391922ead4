package remedies

import (
	"net/netip"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/remedy"
)

// callerFor is how long ago a caller may have called to count as one.
const callerFor = 30 * 24 * time.Hour

// WithSite adds to those who use xmlrpc.php by the log those whom the site itself
// knows: programs with an application password, and blogs whose pingbacks it took
// in. A password may be used by the REST API as well, which stays open; it is left
// out only where the log holds that nobody called xmlrpc.php at all since then.
func WithSite(c remedy.Callers, s attack.Site, now time.Time) remedy.Callers {
	have := map[string]int{} // address: place in Rightly
	pingbacks := false
	for i, k := range c.Rightly {
		have[k.Address] = i
		pingbacks = pingbacks || k.ID == "pingback"
	}
	delete(have, "")
	for _, k := range s.Keys {
		if k.LastUsed.IsZero() || now.Sub(k.LastUsed) > callerFor || c.Requests == 0 && covers(c, k.LastUsed, now) {
			continue
		}
		address := callerAddress(k.LastIP)
		i, seen := have[address]
		if !seen {
			have[address] = len(c.Rightly)
			c.Rightly = append(c.Rightly, remedy.Caller{ID: "application-password", Address: address, Requests: 1, Last: k.LastUsed})
			continue
		}
		if old := &c.Rightly[i]; old.ID == "application-password" { // else the log knows it better
			old.Requests++
			if k.LastUsed.After(old.Last) {
				old.Last = k.LastUsed
			}
		}
	}
	if !pingbacks && len(s.Pings) > 0 {
		c.Rightly = append(c.Rightly, remedy.Caller{ID: "pingback", Requests: int64(len(s.Pings)), Last: s.Pings[0]})
	}
	return c
}

// covers reports whether the log reaches back to a moment.
func covers(c remedy.Callers, at, now time.Time) bool {
	return !c.Cut && c.Days > 0 && now.Sub(at) < time.Duration(c.Days*24*float64(time.Hour))
}

// callerAddress is an address as callers have it: an IPv6 network as its /64, ""
// where WordPress saw none but a proxy on this host.
func callerAddress(a netip.Addr) string {
	switch {
	case !a.IsValid() || a.IsLoopback():
		return ""
	case a.Is6():
		p, _ := a.Prefix(64) // 64 fits
		return p.String()
	}
	return a.String()
}
