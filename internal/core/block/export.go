package block

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Formats of an exported block list.
const (
	Plain  = "plain"  // a prefix a line
	Nginx  = "nginx"  // deny directives, for http, server or location
	Apache = "apache" // a RequireAll section, for Directory or Location
	Nft    = "nft"    // a ruleset for nft -f
)

// Formats are all of them.
func Formats() []string { return []string{Plain, Nginx, Apache, Nft} }

// Export writes a cover in a format that other programs read; false for a format
// that is not known. The list is a copy: it does not age with the book.
func Export(cover []Piece, format string) (string, bool) {
	var all []netip.Prefix
	for _, p := range cover {
		all = append(all, p.Prefix)
	}
	switch format {
	case Plain:
		return lines(all, "%s\n"), true
	case Nginx:
		return lines(all, "deny %s;\n"), true
	case Apache:
		// "Require not" alone fails the configuration test.
		return "<RequireAll>\n    Require all granted\n" + lines(all, "    Require not ip %s\n") + "</RequireAll>\n", true
	case Nft:
		return nft(all), true
	}
	return "", false
}

func lines(all []netip.Prefix, form string) string {
	var b strings.Builder
	for _, p := range all {
		fmt.Fprintf(&b, form, short(p))
	}
	return b.String()
}

// short leaves out the length of a single address.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// nft is a table of its own, so that it goes beside any other and can be read
// again to take the place of what it was.
func nft(all []netip.Prefix) string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet hirune_export\ndelete table inet hirune_export\ntable inet hirune_export {\n")
	for _, s := range []struct {
		name, kind string
		is         func(netip.Addr) bool
	}{{"banned4", "ipv4_addr", netip.Addr.Is4}, {"banned6", "ipv6_addr", netip.Addr.Is6}} {
		var own []string
		for _, p := range all {
			if s.is(p.Addr()) {
				own = append(own, short(p))
			}
		}
		fmt.Fprintf(&b, "\tset %s {\n\t\ttype %s\n\t\tflags interval\n", s.name, s.kind)
		if len(own) > 0 {
			fmt.Fprintf(&b, "\t\telements = {\n")
			for some := range slices.Chunk(own, 8) {
				fmt.Fprintf(&b, "\t\t\t%s,\n", strings.Join(some, ", "))
			}
			fmt.Fprintf(&b, "\t\t}\n")
		}
		fmt.Fprintf(&b, "\t}\n")
	}
	for _, hook := range []string{"input", "forward"} {
		fmt.Fprintf(&b, "\tchain %s {\n\t\ttype filter hook %s priority -10; policy accept;\n", hook, hook)
		fmt.Fprintf(&b, "\t\ttcp dport { 80, 443 } ip saddr @banned4 counter drop\n\t\ttcp dport { 80, 443 } ip6 saddr @banned6 counter drop\n\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}
