package remedies

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// writable reports whether a path can stand in a configuration file as it is:
// without signs that either server would read as its own.
func writable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+@~ ", r)
	})
}

// body is the file without its first line.
func (c *closing) body() string {
	if c.web.Server == "nginx" {
		return c.nginx()
	}
	return c.apache()
}

// pattern matches the endpoint in an address that is decoded: doubled slashes
// may be left in it, and a path may follow the script.
func (c *closing) pattern() string {
	dir := strings.ReplaceAll(regexp.QuoteMeta(strings.Trim(c.web.Path, "/")), "/", "/+")
	if dir != "" {
		dir += "/+"
	}
	below := ""
	if c.web.Below {
		below = `([^/]+/+)?`
	}
	return "^/+" + dir + below + `xmlrpc\.php(/|$)`
}

func (c *closing) answer() string { return remedy.Marker + " (hirune undo takes it back)" }

// apache uses <If>, which is merged after all other sections: it also holds
// where a section of the site grants everything, and where the address goes to
// PHP by ProxyPassMatch, so that no file is looked at. It names the document
// root, so that other sites of the server stay as they are.
func (c *closing) apache() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s of the site in %s is refused here, so that it starts no PHP.\n", script(&c.web), c.web.DocRoot)
	root := regexp.QuoteMeta(strings.TrimRight(c.web.DocRoot, "/"))
	fmt.Fprintf(&b, "<If \"%%{DOCUMENT_ROOT} =~ m#^%s/*$# && %%{REQUEST_URI} =~ m#%s#\">\n", root, c.pattern())
	if len(c.allow) == 0 {
		b.WriteString("\tRequire all denied\n")
	} else {
		// And: who is let through still has to meet what the site demands.
		b.WriteString("\tAuthMerging And\n\tRequire ip " + strings.Join(c.allowed(), " ") + "\n")
	}
	fmt.Fprintf(&b, "\tErrorDocument 403 \"%s\"\n", c.answer())
	b.WriteString("\tLogLevel authz_core:crit\n</If>\n") // else each attempt writes to the error log
	return b.String()
}

// nginx uses the server's own rewrite phase: it comes before a location is
// chosen, so no location of the site can overrule it, and who is let through
// meets the site's own, unchanged.
func (c *closing) nginx() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s of this site is refused here, so that it starts no PHP.\n", script(&c.web))
	b.WriteString("set $hirune_xmlrpc \"\";\n")
	fmt.Fprintf(&b, "if ($uri ~ \"%s\") { set $hirune_xmlrpc closed; }\n", c.pattern())
	allow := slices.Clone(c.allow)
	slices.SortFunc(allow, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	for _, p := range allow {
		fmt.Fprintf(&b, "if ($binary_remote_addr ~ \"%s\") { set $hirune_xmlrpc \"\"; } # %s\n", binaryPattern(p), shown(p))
	}
	fmt.Fprintf(&b, "if ($hirune_xmlrpc) { return 403 \"%s\\n\"; }\n", c.answer())
	return b.String()
}

// binaryPattern matches the addresses of a prefix in their binary form, in which
// a prefix is a prefix; as text an IPv6 address has none.
func binaryPattern(p netip.Prefix) string {
	bytes := p.Addr().AsSlice()
	var b strings.Builder
	b.WriteString("(?s)^")
	whole, part := p.Bits()/8, p.Bits()%8
	for _, x := range bytes[:whole] {
		fmt.Fprintf(&b, `\x%02x`, x)
	}
	rest := len(bytes) - whole
	if part > 0 {
		fmt.Fprintf(&b, `[\x%02x-\x%02x]`, bytes[whole], bytes[whole]|0xff>>part)
		rest--
	}
	if rest > 0 {
		fmt.Fprintf(&b, ".{%d}", rest)
	}
	return b.String() + `\z`
}

// closeByHand are the lines for an owner whose server could not be reached.
func closeByHand(w remedy.World) []remedy.Advice {
	if w.Web != nil && w.Web.Closed {
		return nil
	}
	apache := []string{`<Files "xmlrpc.php">`, "\tRequire all denied", "</Files>"}
	nginx := []string{`if ($uri ~ "(^|/)xmlrpc\.php(/|$)") { return 403; }`}
	a := remedy.Advice{ID: "web-by-hand-apache", Say: diagnose.Say("web-by-hand-apache"), Lines: apache}
	n := remedy.Advice{ID: "web-by-hand-nginx", Say: diagnose.Say("web-by-hand-nginx"), Lines: nginx}
	if w.Web == nil {
		return []remedy.Advice{a, n}
	}
	out := []remedy.Advice{a}
	if w.Web.Server == "nginx" {
		out = []remedy.Advice{n}
	}
	if w.Web.Fix != "" {
		fix := remedy.Advice{ID: "web-fix", Say: diagnose.Say("web-fix"), Lines: []string{w.Web.Fix}}
		out = append([]remedy.Advice{fix}, out...)
	}
	return out
}
