package protect

import (
	"net/netip"
	"slices"

	"hirune/internal/core/block"
)

// Visitors are the peers of the connections to the web's ports now, those from
// this host left out; one for each connection.
func (h Host) Visitors() ([]netip.Addr, error) {
	all, err := h.sockets()
	if err != nil {
		return nil, seen(err)
	}
	own, err := h.own()
	if err != nil {
		return nil, seen(err)
	}
	var out []netip.Addr
	for _, s := range all {
		a := s.peer.Addr()
		if s.state != established || !slices.Contains(h.WebPorts, int(s.local.Port())) || s.local.Addr().IsLoopback() {
			continue
		}
		if !slices.ContainsFunc(own, func(p block.Protected) bool { return p.Prefix.Addr() == a }) {
			out = append(out, a)
		}
	}
	return out, nil
}

// Cloudflare is the list of Cloudflare's networks, and of when it is.
func Cloudflare() (networks []netip.Prefix, date string) {
	return slices.Clone(cloudflare), cloudflareDate
}
