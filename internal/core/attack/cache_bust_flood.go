package attack

import "slices"

// cacheBustFlood finds clients that ask for pages in ways that no cache can
// answer: with parameters that nobody knows, or by names that do not exist.
var cacheBustFlood = Detector{
	ID:     "cache-bust-flood",
	Title:  "asks for pages past the cache",
	Source: "attacks.md part 2; CrowdSec's rule for numeric arguments leaks 1/s with room for 30",
	judge: func(c *court) {
		ch := c.flood("cache-bust-flood", groupBust, bustBurst)
		trap := c.trapped() // then the shape of the URLs says more than their clients
		ch.parts = slices.DeleteFunc(ch.parts, func(p part) bool { return !p.fired && trap || p.fired && p.seen.count() < bustDistinct })
		if trap {
			ch.cluster = nil
		}
		c.accuse(ch)
	},
}

const (
	bustBurst = 100 // in ten minutes
	// Different URLs: a script that asks for the same one each second is a monitor.
	bustDistinct = 40
)
