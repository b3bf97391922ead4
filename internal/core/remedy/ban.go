package remedy

import (
	"fmt"
	"net/netip"

	"hirune/internal/core/block"
)

// What hirune owns in the packet filter: a table of family inet with two sets.
const (
	BanTable = "hirune"
	BanSet4  = "banned4"
	BanSet6  = "banned6"
)

// Script implements Step: the elements as nft takes them.
func (s BanPrefixes) Script() []Line {
	var out []Line
	told := ""
	for _, b := range s.Bans {
		if why := b.Attack + ": " + b.Why; why != told { // the pieces of one network have one reason
			out, told = append(out, note("%s", why)), why
		}
		if s.Layer != block.LayerFirewall {
			continue
		}
		end := ""
		if !b.Until.IsZero() {
			end = fmt.Sprintf(" timeout %ds", int64(b.Until.Sub(b.Since).Seconds()))
		}
		out = append(out, Line{LangShell, fmt.Sprintf("nft add element inet %s %s { %s%s }", BanTable, banSet(b.Prefix), b.Prefix, end)})
	}
	return out
}

// Script implements Step.
func (s LiftBans) Script() []Line {
	var out []Line
	for _, p := range s.Prefixes {
		if s.Layer == block.LayerFirewall {
			out = append(out, Line{LangShell, fmt.Sprintf("nft delete element inet %s %s { %s }", BanTable, banSet(p), p)})
		} else {
			out = append(out, note("let through again: %s", p))
		}
	}
	return out
}

// Script implements Step.
func (s AllowPrefixes) Script() []Line {
	var out []Line
	for _, p := range s.Prefixes {
		if s.Remove {
			out = append(out, note("may be banned again: %s", p))
		} else {
			out = append(out, note("never banned: %s", p))
		}
	}
	return out
}

// banSet is the set that a prefix belongs into.
func banSet(p netip.Prefix) string {
	if p.Addr().Is6() {
		return BanSet6
	}
	return BanSet4
}
