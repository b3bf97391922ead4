package attack

import (
	"net/netip"
	"slices"
	"time"
)

// officeUsers is how many users of one address make it a place where people
// work together.
const officeUsers = 3

// workedFrom reports whether people of the site came from an address before a moment:
// then a few wrong passwords from there are theirs.
func workedFrom(s Site, a netip.Addr, before time.Time) bool {
	u := unitOf(a)
	mine := func(c netip.Addr, at time.Time) bool {
		return c.IsValid() && unitOf(c) == u && !at.IsZero() && at.Before(before.Add(-clockSlack))
	}
	return slices.ContainsFunc(s.Sessions, func(x Session) bool { return mine(x.Client, x.Since) }) ||
		slices.ContainsFunc(s.Keys, func(x Key) bool { return mine(x.LastIP, x.LastUsed) }) ||
		slices.ContainsFunc(s.Audits, func(x Audit) bool { return x.Before < guessesSome && mine(x.Client, x.First) })
}

// sharedPlace reports whether several users are logged in from an address.
func sharedPlace(s Site, a netip.Addr) bool {
	users := map[string]bool{}
	for _, x := range s.Sessions {
		if x.Client.IsValid() && unitOf(x.Client) == unitOf(a) {
			users[x.User] = true
		}
	}
	return len(users) >= officeUsers
}

// fronts are the networks of a CDN that passes requests on under its own
// address where the site does not ask for another. Source: Cloudflare's
// published list, as of 2026.
var fronts = networks("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20",
	"188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22",
	"2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32",
	"100.64.0.0/10") // carriers' own

// jetpackNet is where WordPress.com calls from. Source: Automattic's list for Jetpack.
var jetpackNet = netip.MustParsePrefix("192.0.64.0/18")

func networks(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, s := range all {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// nobodys reports whether an address stands for many: a proxy's, a CDN's, one of
// a private network, one that the log shows to be many. What came from it came
// from anybody.
func (j *inquiry) nobodys(a netip.Addr) bool {
	return slices.Contains(j.p.Shared, a) || !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified() ||
		slices.ContainsFunc(fronts, func(p netip.Prefix) bool { return p.Contains(a) })
}
