package remedies

import (
	"net/netip"
	"slices"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// jetpackRange is where WordPress.com calls from. Source: Automattic's published
// list for Jetpack.
var jetpackRange = netip.MustParsePrefix("192.0.64.0/18")

// Prefixes shorter than these let a part of the internet through, not a caller.
const (
	widest4 = 8
	widest6 = 32
)

// local are addresses of this host: who lets them through cannot be shown by
// requests from here that the rest is closed.
var local = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// allowedPrefix reads an address or prefix; the sentence says why it will not do.
func allowedPrefix(s string) (netip.Prefix, diagnose.Sentence) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return p, diagnose.Say("web-allow-bad", "address", s)
		}
		a = a.Unmap()
		p = netip.PrefixFrom(a, a.BitLen())
	}
	p = p.Masked()
	switch {
	case p.Addr().Is4In6():
		return p, diagnose.Say("web-allow-bad", "address", s)
	case p.Addr().Is4() && p.Bits() < widest4 || p.Addr().Is6() && p.Bits() < widest6:
		return p, diagnose.Say("web-allow-wide", "address", s)
	case slices.ContainsFunc(local, p.Overlaps):
		return p, diagnose.Say("web-allow-local", "address", s)
	}
	return p, diagnose.Sentence{}
}

// let adds a prefix unless one that holds it is there.
func (c *closing) let(p netip.Prefix) {
	if c.has(p) {
		return
	}
	c.allow = slices.DeleteFunc(c.allow, func(o netip.Prefix) bool { return p.Overlaps(o) })
	c.allow = append(c.allow, p)
}

// has reports whether the whole prefix is let through.
func (c *closing) has(p netip.Prefix) bool {
	return slices.ContainsFunc(c.allow, func(o netip.Prefix) bool { return o.Bits() <= p.Bits() && o.Contains(p.Addr()) })
}

// letCallers lets those through that use it rightly. What says that it is
// Jetpack can say so from anywhere: only WordPress.com's own range counts.
func (c *closing) letCallers() {
	for _, k := range c.callers {
		p, no := allowedPrefix(k.Address)
		switch {
		case k.ID == "jetpack":
			c.let(jetpackRange)
		case k.Address != "" && no.ID == "":
			c.let(p)
		}
	}
	if c.jetpack {
		c.let(jetpackRange)
	}
}

// letsThrough reports whether a caller goes on working as the plan stands. With
// the wish to let all through, those without an address of their own are given
// up: the plan says so.
func (c *closing) letsThrough(k remedy.Caller) bool {
	if k.Address == "" {
		return c.wish.AllowAll || k.ID == "jetpack" && c.has(jetpackRange)
	}
	p, no := allowedPrefix(k.Address)
	return no.ID == "" && c.has(p)
}

// allowed are the prefixes as a plan shows them.
func (c *closing) allowed() []string {
	out := make([]string, len(c.allow))
	for i, p := range c.allow {
		out[i] = shown(p)
	}
	slices.Sort(out)
	return out
}

// shown is a prefix, or its address where it is one alone.
func shown(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
