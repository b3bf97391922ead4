package discover

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/edge/webconf"
)

// proxyProtocol is what stands for the header where the proxy tells the client's
// address in the PROXY protocol.
const proxyProtocol = "proxy_protocol"

// remoteIP is what one host's directives of mod_remoteip say.
type remoteIP struct {
	header   string
	peers    []string // as written
	protocol bool     // RemoteIPProxyProtocol
}

// proxy is how the host learns who the client is; nil if it takes the peer for
// it. What the host does not say itself goes as in the main server. Its list and
// the main server's add up in 2.4.71; older versions took its own alone, and
// then more is told here than is trusted.
// Source: Apache 2.4 manual, mod_remoteip; without a list every peer is trusted.
func (h apacheHost) proxy(main apacheHost) *Proxy {
	r := h.Remote
	r.header = firstOf(r.header, main.Remote.header)
	if r.protocol || main.Remote.protocol {
		return &Proxy{Header: proxyProtocol, Anyone: true}
	}
	if r.header == "" {
		return nil
	}
	p := &Proxy{Header: r.header, Recursive: true, Anyone: len(main.Remote.peers)+len(r.peers) == 0}
	p.trust(main.Remote.peers)
	p.trust(r.peers)
	return p
}

// realIP is what nginx's realip module is told at one level.
type realIP struct {
	header, recursive string
	peers             []string
}

// in is the same for a block inside: what it says itself replaces the rest.
func (r realIP) in(block []webconf.Directive) realIP {
	r.header = firstOf(webconf.Value(block, "real_ip_header"), r.header)
	r.recursive = firstOf(webconf.Value(block, "real_ip_recursive"), r.recursive)
	var own []string
	for _, d := range webconf.Named(block, "set_real_ip_from") {
		own = append(own, d.Args...)
	}
	if own != nil {
		r.peers = own
	}
	return r
}

// proxy is nil where no peer is trusted: the module does nothing then.
// Source: nginx, ngx_http_realip_module.
func (r realIP) proxy() *Proxy {
	if len(r.peers) == 0 {
		return nil
	}
	p := &Proxy{Header: firstOf(r.header, "X-Real-IP"), Recursive: strings.EqualFold(r.recursive, "on")}
	p.trust(r.peers)
	return p
}

// trust adds peers: addresses, and others.
func (p *Proxy) trust(peers []string) {
	for _, s := range peers {
		n, ok := parseNet(s)
		switch {
		case !ok:
			p.Others = appendNew(p.Others, s)
		case !slices.Contains(p.Trusted, n):
			p.Trusted = append(p.Trusted, n)
		}
	}
	p.Anyone = p.Anyone || slices.ContainsFunc(p.Trusted, func(n netip.Prefix) bool { return n.Bits() == 0 })
}

// parseNet reads "192.0.2.1", "192.0.2.0/24", "192.0.2.0/255.255.255.0" and the
// "192.0.2" that Apache allows.
func parseNet(s string) (netip.Prefix, bool) {
	if n, err := netip.ParsePrefix(s); err == nil {
		return n.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.WithZone(""), a.BitLen()), true
	}
	address, mask, masked := strings.Cut(s, "/")
	a, err := netip.ParseAddr(address)
	if m, merr := netip.ParseAddr(mask); masked && err == nil && merr == nil && a.Is4() && m.Is4() {
		ones, bits := net.IPMask(m.AsSlice()).Size()
		return netip.PrefixFrom(a, ones).Masked(), bits > 0
	}
	parts := strings.Split(strings.TrimSuffix(s, "."), ".")
	if masked || len(parts) > 3 {
		return netip.Prefix{}, false
	}
	full := strings.Join(parts, ".") + strings.Repeat(".0", 4-len(parts))
	a, err = netip.ParseAddr(full)
	if _, numeric := strconv.Atoi(parts[0]); err != nil || numeric != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, 8*len(parts)), true
}

// together is how the addresses of a log came about that hosts with different
// settings write to.
func together(a, b *Proxy) *Proxy {
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil || b == nil:
		p := *firstProxy(a, b)
		p.Mixed = true
		return &p
	}
	p := *a
	for _, n := range b.Trusted {
		if !slices.Contains(p.Trusted, n) {
			p.Trusted = append(slices.Clip(p.Trusted), n)
		}
	}
	for _, o := range b.Others {
		p.Others = appendNew(slices.Clip(p.Others), o)
	}
	p.Mixed = a.Mixed || b.Mixed || !strings.EqualFold(a.Header, b.Header) || a.Recursive != b.Recursive || len(p.Trusted) != len(a.Trusted) || len(a.Trusted) != len(b.Trusted)
	p.Anyone = a.Anyone || b.Anyone
	return &p
}

func firstProxy(a, b *Proxy) *Proxy {
	if a != nil {
		return a
	}
	return b
}
