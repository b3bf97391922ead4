package block

import (
	"net/netip"
	"slices"
	"time"
)

// Piece is a part of what is to be refused, and until when.
type Piece struct {
	Prefix netip.Prefix
	Until  time.Time // zero: for ever
}

// Cover is what a layer has to hold now for the bans: prefixes of which no two
// overlap, because a set of intervals takes no overlap, and none of which holds a
// protected address. Where two bans overlap, the one that ends last counts.
// Sorted by address, IPv4 first.
func Cover(bans []Ban, protected []Protected, layer string, now time.Time) []Piece {
	nodes := nodesOf(bans, protected, layer, now)
	var out []Piece
	var above []node // those that hold the present one, the widest first
	for i, n := range nodes {
		for len(above) > 0 && !within(n.prefix, above[len(above)-1].prefix) {
			above = above[:len(above)-1]
		}
		if !n.protected && !slices.ContainsFunc(above, func(a node) bool { return a.beats(n) }) {
			for _, p := range without(n.prefix, n.holes(nodes[i+1:])) {
				out = append(out, Piece{p, n.until})
			}
		}
		above = append(above, n)
	}
	slices.SortFunc(out, func(a, b Piece) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
	return out
}

// node is a prefix that is to be refused, or never. Any two prefixes are apart or
// one holds the other.
type node struct {
	prefix    netip.Prefix
	until     time.Time
	protected bool
}

// nodesOf are sorted so that each one is followed by those within it, and there
// is one for each prefix.
func nodesOf(bans []Ban, protected []Protected, layer string, now time.Time) []node {
	var out []node
	for _, p := range slices.Concat(protected, reserved) {
		if r := p.Range(); r.IsValid() {
			out = append(out, node{prefix: r, protected: true})
		}
	}
	for _, b := range bans {
		if p := plain(b.Prefix); p.IsValid() && b.Layer == layer && b.InForce(now) {
			out = append(out, node{prefix: p, until: b.Until})
		}
	}
	slices.SortStableFunc(out, func(a, b node) int {
		if c := a.prefix.Addr().Compare(b.prefix.Addr()); c != 0 {
			return c
		}
		if c := a.prefix.Bits() - b.prefix.Bits(); c != 0 {
			return c
		}
		switch first, second := a.beats(b), b.beats(a); {
		case first && !second:
			return -1
		case second && !first:
			return 1
		}
		return 0
	})
	return slices.CompactFunc(out, func(a, b node) bool { return a.prefix == b.prefix })
}

// beats reports whether n decides on what both hold. Of two that are equal either
// may.
func (n node) beats(o node) bool {
	switch {
	case n.protected || o.protected:
		return n.protected
	case n.until.IsZero() || o.until.IsZero():
		return n.until.IsZero()
	}
	return !n.until.Before(o.until)
}

// holes are the prefixes within n that others decide on. rest are the nodes that
// follow n.
func (n node) holes(rest []node) []netip.Prefix {
	var out []netip.Prefix
	for _, o := range rest {
		if !within(o.prefix, n.prefix) {
			break
		}
		if !n.beats(o) {
			out = append(out, o.prefix)
		}
	}
	return out
}
