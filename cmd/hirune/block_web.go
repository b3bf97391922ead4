package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hirune/internal/core/block"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/protect"
	"hirune/internal/edge/webserver"
)

// standing is who stands before the web servers of this host, and whether they
// know their visitors all the same.
type standing struct {
	proxied bool
	why     string // block.State's
	// servers are those that know their visitors' own addresses from the proxy.
	servers []discover.WebServer
	no      diagnose.Sentence // why they cannot refuse anybody; the zero value: they can
	advice  []remedy.Advice   // what would change that
}

// Besides the ways of block.State: the web server's log names proxies alone, or
// other clients than are connected, or whom a header names.
const (
	proxiedForwarded  = "forwarded"
	proxiedByLog      = "log"
	proxiedTranslated = "translated"
)

// stand finds out who stands before the web servers.
func (w *blockade) stand(ctx context.Context) (standing, error) {
	var st standing
	var err error
	var proxies []netip.Addr
	if st.proxied, st.why, proxies, err = w.proxied(ctx); err != nil || !st.proxied {
		return st, err
	}
	w.judge(&st)
	if st.no.ID == "" {
		w.places(&st)
	} else if st.no.ID != "banweb-none" {
		st.advice = w.teach(proxies)
	}
	return st, nil
}

// proxied says whether visitors come through a proxy, so that the packet filter
// would see it instead of them, how that is known, and the proxies as far as they
// were seen.
func (w *blockade) proxied(ctx context.Context) (yes bool, why string, proxies []netip.Addr, err error) {
	h := w.host
	h.WebPorts = w.ports()
	visitors, err := h.Visitors()
	if err != nil {
		return false, "", nil, err
	}
	proxies = w.likely(visitors)
	if len(w.cfg.Block.Proxies) > 0 {
		return true, "configured", proxies, nil
	}
	for _, s := range w.doors() {
		for _, l := range s.AccessLogs {
			if l.Proxy != nil && w.before(l.Proxy) {
				return true, fmt.Sprintf("trusts %s: %s", s.Instance, l.Proxy.Header), proxies, nil
			}
		}
	}
	b, err := h.Before()
	switch {
	case err != nil:
		return false, "", nil, err
	case len(w.found.WebServers) > 0 && len(w.doors()) == 0 && b.Doors == 0: // somebody has to stand before it
		return true, "loopback", append(proxies, netip.MustParseAddr("127.0.0.1")), nil
	case b.Proxied():
		return true, fmt.Sprintf("peers %d/%d", b.Proxies, b.Peers), proxies, nil
	}
	return w.byLog(ctx, visitors)
}

// likely are the visitors that are proxies by their addresses.
func (w *blockade) likely(visitors []netip.Addr) []netip.Addr {
	cloudflare, _ := protect.Cloudflare()
	return slices.DeleteFunc(slices.Clone(visitors), func(a netip.Addr) bool {
		return !block.IsReserved(a) && !slices.ContainsFunc(cloudflare, func(p netip.Prefix) bool { return p.Contains(a) })
	})
}

// doors are the web servers that visitors from elsewhere can reach.
func (w *blockade) doors() []discover.WebServer {
	return slices.DeleteFunc(slices.Clone(w.found.WebServers), func(s discover.WebServer) bool { return protect.Behind(s.Listen) })
}

// before reports whether a web server is told its clients by somebody else than
// another web server of this very host.
func (w *blockade) before(p *discover.Proxy) bool {
	if p.Anyone || len(p.Others) > 0 || w.host.Interfaces == nil {
		return true
	}
	own, err := w.host.Interfaces()
	return err != nil || slices.ContainsFunc(p.Trusted, func(t netip.Prefix) bool {
		return !t.Addr().IsLoopback() && (!t.IsSingleIP() || !slices.Contains(own, t.Addr().Unmap()))
	})
}

// judge picks the web servers that know their visitors, and says why none does.
func (w *blockade) judge(st *standing) {
	doors := w.doors()
	if len(doors) == 0 {
		doors = w.found.WebServers
	}
	st.no = diagnose.Say("banweb-none")
	for _, s := range doors {
		if s.Service != evidence.ServiceApache && s.Service != evidence.ServiceNginx {
			continue
		}
		no := unknowing(s)
		switch {
		case no.ID == "":
			st.servers = append(st.servers, s)
		case no.ID != "banweb-unknowing": // who is banned by one that can be deceived may be anybody
			st.no, st.servers = no, nil
			return
		default:
			st.no = no
		}
	}
	if len(st.servers) > 0 {
		st.no = diagnose.Sentence{}
	}
}

// unknowing says why a web server's word on who its client is cannot be taken; the
// zero value: it can.
func unknowing(s discover.WebServer) diagnose.Sentence {
	known := false
	for _, l := range s.AccessLogs {
		p := l.Proxy
		if p == nil {
			continue
		}
		known = true
		odd := slices.DeleteFunc(slices.Clone(p.Others), func(o string) bool { return strings.HasPrefix(o, "unix:") })
		switch {
		case p.Anyone:
			return diagnose.Say("banweb-anyone", "servers", s.Instance, "header", p.Header)
		case p.Mixed:
			return diagnose.Say("banweb-mixed", "servers", s.Instance)
		case len(odd) > 0:
			return diagnose.Say("banweb-unread", "servers", s.Instance, "addresses", strings.Join(odd, ", "))
		}
	}
	if !known {
		return diagnose.Say("banweb-unknowing", "servers", s.Instance)
	}
	return diagnose.Sentence{}
}

// places sees that each of the servers has a place for the list.
func (w *blockade) places(st *standing) {
	for _, s := range st.servers {
		p, err := denyOf(s, false).Place()
		why := p.Problem
		if err != nil {
			if why = err.Error(); hint.Of(err) != "" {
				why += " (" + hint.Of(err) + ")"
			}
		}
		if why == "" {
			continue
		}
		st.no = diagnose.Say("banweb-no-place", "servers", s.Instance, "why", why)
		if p.Fix != "" {
			st.advice = []remedy.Advice{{ID: "banweb-fix", Say: diagnose.Say("banweb-fix"), Lines: []string{p.Fix}}}
		}
		return
	}
}

// denyOf are the hands for one web server's list.
func denyOf(s discover.WebServer, lazy bool) webserver.Deny {
	return webserver.Deny{Server: s.Service, Instance: s.Instance, PID: s.PID, Config: s.Config, Ask: fronts(s, 1), Lazy: lazy}
}

// fronts are front pages of a web server, at most so many.
func fronts(s discover.WebServer, most int) []remedy.Probe {
	var out []remedy.Probe
	for _, d := range s.DocRoots {
		scheme := "http://"
		if d.TLS {
			scheme = "https://"
		}
		p := remedy.Probe{Method: "GET", URL: scheme + d.Listen + "/", Host: d.Site}
		if d.Listen != "" && !slices.Contains(out, p) && len(out) < most {
			out = append(out, p)
		}
	}
	return out
}

// teach are the exact lines that tell each web server who its proxy is.
func (w *blockade) teach(seen []netip.Addr) []remedy.Advice {
	header, proxies := w.proxies(seen)
	var out []remedy.Advice
	for _, s := range w.found.WebServers {
		a := remedy.Advice{ID: "banweb-teach-" + s.Service, Say: diagnose.Say("banweb-teach-" + s.Service), Lines: teachApache(header, proxies)}
		switch s.Service {
		case evidence.ServiceNginx:
			a.Lines = teachNginx(header, proxies)
		case evidence.ServiceApache:
		default:
			continue
		}
		if !slices.ContainsFunc(out, func(o remedy.Advice) bool { return o.ID == a.ID }) {
			out = append(out, a)
		}
	}
	return out
}

// teachApache names a proxy of a private network as one whose clients may be of
// private networks, too. Source: Apache 2.4 manual, mod_remoteip.
func teachApache(header string, proxies []netip.Prefix) []string {
	out := []string{"RemoteIPHeader " + header}
	for _, p := range proxies {
		form := "RemoteIPTrustedProxy "
		if block.IsReserved(p.Addr()) {
			form = "RemoteIPInternalProxy "
		}
		out = append(out, form+plainName(p))
	}
	if len(proxies) == 0 {
		out = append(out, "RemoteIPTrustedProxy "+unnamedProxy)
	}
	return out
}

func teachNginx(header string, proxies []netip.Prefix) []string {
	var out []string
	for _, p := range proxies {
		out = append(out, "set_real_ip_from "+plainName(p)+";")
	}
	if len(proxies) == 0 {
		out = append(out, "set_real_ip_from "+unnamedProxy+";")
	}
	return append(out, "real_ip_header "+header+";", "real_ip_recursive on;")
}

func plainName(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// unnamedProxy stands in advice for what only the owner knows.
const unnamedProxy = "ADDRESS-OF-YOUR-PROXY"

// proxies are those that were named or seen, as a configuration takes them, and
// the header that they send.
func (w *blockade) proxies(seen []netip.Addr) (header string, out []netip.Prefix) {
	header = "X-Forwarded-For"
	cloudflare, _ := protect.Cloudflare()
	if slices.ContainsFunc(seen, func(a netip.Addr) bool {
		return slices.ContainsFunc(cloudflare, func(p netip.Prefix) bool { return p.Contains(a) })
	}) {
		return "CF-Connecting-IP", cloudflare
	}
	out = discover.Prefixes(w.cfg.Block.Proxies)
	for _, a := range seen {
		if p := netip.PrefixFrom(a, a.BitLen()); !slices.ContainsFunc(out, p.Overlaps) && len(out) < seenMost {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits()) })
	return header, out
}

// seenMost bounds the proxies that advice names.
const seenMost = 8
