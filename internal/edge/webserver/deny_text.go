package webserver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/core/remedy"
)

// denyNote says in the file what it is.
const denyNote = "# These clients are refused for a while. hirune blocks lists them with the reasons,\n# hirune unblock lets them in again; what is changed here by hand stays as it is.\n"

// denyText is the file without its first line. The prefixes are sorted, so that
// the same list is the same text.
func denyText(server string, all []netip.Prefix) string {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	if server == evidence.ServiceNginx {
		return nginxDeny(all)
	}
	return apacheDeny(all)
}

// nginxDeny holds for every block that has no access rules of its own; those
// that do take this file in by a line of ours. Where the realip module knows the
// client, deny is about the client.
// Source: nginx, ngx_http_access_module: rules are checked in their order.
func nginxDeny(all []netip.Prefix) string {
	var b strings.Builder
	b.WriteString(denyNote)
	for _, p := range all {
		fmt.Fprintf(&b, "deny %s;\n", short(p))
	}
	return b.String()
}

// apacheDeny uses <If>, which is merged after all other sections and is there for
// the refused clients alone: for everybody else the server is as if there were no
// file. -R is about the client that mod_remoteip gives. The second section tells
// which list the running server has.
func apacheDeny(all []netip.Prefix) string {
	var b strings.Builder
	b.WriteString(denyNote)
	for some := range slices.Chunk(all, 6) {
		b.WriteString(apacheListed)
		for _, p := range some {
			b.WriteString(" " + short(p))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "<If \"%s\">\n%s\tErrorDocument 403 \"refused for a while\"\n</If>\n", from(all), apacheRefuse)
	fmt.Fprintf(&b, "<If \"%%{REQUEST_URI} == '%s'\">\n%s\tErrorDocument 403 \"%s\"\n</If>\n", signPath(all), apacheRefuse, signWord)
	return b.String()
}

// apacheListed begins the lines of an Apache file that name the prefixes.
const apacheListed = "#  "

// apacheRefuse needs Satisfy, because an old-style "Satisfy Any" of the site would
// let everybody in whom an Allow names. Without LogLevel each refusal would write
// to the error log.
const apacheRefuse = "\tRequire all denied\n\t<IfModule mod_access_compat.c>\n\t\tSatisfy All\n\t</IfModule>\n\tLogLevel authz_core:crit\n"

const signWord = "this is the list in force"

// signPath is an address that only a server with this list refuses by its word.
func signPath(all []netip.Prefix) string {
	return "/hirune-block-" + sum(fmt.Sprint(all))[:16]
}

// sign is the request that proves that a list is loaded.
func sign(page remedy.Probe, content string) remedy.Probe {
	scheme, rest, _ := strings.Cut(page.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	all := listed(evidence.ServiceApache, content)
	return remedy.Probe{Method: "GET", URL: scheme + "://" + host + signPath(all), Host: page.Host, Status: 403, Marker: signWord}
}

// listed are the prefixes that a file of ours names.
func listed(server, text string) []netip.Prefix {
	var out []netip.Prefix
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(line, strings.TrimSpace(apacheListed)+"  ")
		if server == evidence.ServiceNginx {
			rest, ok = strings.CutPrefix(strings.TrimSuffix(line, ";"), "deny ")
		}
		if !ok {
			continue
		}
		for f := range strings.FieldsSeq(rest) {
			if p, err := netip.ParsePrefix(f); err == nil {
				out = append(out, p)
			} else if a, err := netip.ParseAddr(f); err == nil {
				out = append(out, netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	return out
}

// short is a prefix, or its address where it is one alone.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// from is an expression that holds for the clients in the prefixes, which are
// sorted. They are split by the beginnings of their addresses, so that a request
// is compared with a few of them only.
func from(all []netip.Prefix) string {
	i := slices.IndexFunc(all, func(p netip.Prefix) bool { return p.Addr().Is6() })
	if i < 0 {
		i = len(all)
	}
	var parts []string
	if i > 0 {
		parts = append(parts, within(all[:i], 0, 4))
	}
	if i < len(all) {
		parts = append(parts, within(all[i:], 0, 8))
	}
	return either(parts)
}

// flatMost is how many prefixes are compared one by one.
const flatMost = 8

// within is the same for prefixes that agree in their first bits; stride is by
// how many bits they are split next.
func within(all []netip.Prefix, bits, stride int) string {
	var parts []string
	if len(all) <= flatMost {
		for _, p := range all {
			parts = append(parts, "-R '"+short(p)+"'")
		}
		return either(parts)
	}
	bits += stride
	for len(all) > 0 {
		g := netip.PrefixFrom(all[0].Addr(), bits).Masked()
		n := 1
		for all[0].Bits() >= bits && n < len(all) && all[n].Bits() >= bits && g.Contains(all[n].Addr()) {
			n++
		}
		switch {
		case n == 1:
			parts = append(parts, "-R '"+short(all[0])+"'")
		case n == len(all) && len(parts) == 0:
			return within(all, bits, stride)
		default:
			parts = append(parts, "(-R '"+g.String()+"' && ("+within(all[:n], bits, stride)+"))")
		}
		all = all[n:]
	}
	return either(parts)
}

// either joins by "or", nested to the right: Apache goes along that without
// going deeper, and it goes 20 deep at the most.
// Source: Apache 2.4, server/util_expr_eval.c, AP_EXPR_MAX_RECURSION.
func either(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], " || (") + " || " + parts[len(parts)-1] + strings.Repeat(")", len(parts)-2)
}
