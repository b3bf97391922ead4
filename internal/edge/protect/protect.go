// Package protect finds, anew before every change, who must never be banned:
// those who are logged in to this server now, the server's own addresses, what it
// needs to live (gateway, name servers, database, proxies), and the search
// engines that are what they say.
//
// It reads /proc and a few files, and takes nothing for granted: a source that is
// not there protects nobody, one that cannot be read is an error, because nobody
// may be banned on half a list.
package protect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"hirune/internal/core/block"
	"hirune/internal/core/hint"
)

// Host is where the world is looked at.
type Host struct {
	Root string // of /proc, /etc and /run; "" : this host's
	PID  int    // whose ancestors are looked at: our own
	// Interfaces returns the addresses of this host; nil: none are asked for.
	Interfaces func() ([]netip.Addr, error)
	// WebPorts and DatabasePorts are those that run here; 3306 always counts.
	WebPorts, DatabasePorts []int
	// Proxies are the peers whose word the web server takes for the client's address.
	Proxies []netip.Prefix
	// Allow is the owner's list of the configuration.
	Allow []netip.Prefix
	// Admins are who is logged in to the sites as administrator now.
	Admins []netip.Addr
}

// Find returns who must not be banned, each once with its first reason.
func (h Host) Find(ctx context.Context) ([]block.Protected, error) {
	var out []block.Protected
	for _, source := range []func() ([]block.Protected, error){h.sshPeers, h.sessions, h.ancestors, h.own, h.gateways, h.dns, h.peers} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, err := source()
		if err != nil {
			return nil, seen(err)
		}
		out = append(out, found...)
	}
	for _, p := range h.Proxies {
		out = append(out, block.Protected{Prefix: p, Why: block.Proxy, Note: "trusted by the web server"})
	}
	for _, p := range cloudflare {
		out = append(out, block.Protected{Prefix: p, Why: block.Proxy, Note: "Cloudflare, list of " + cloudflareDate})
	}
	for _, p := range jetpack {
		out = append(out, block.Protected{Prefix: p, Why: block.Jetpack, Note: "WordPress.com"})
	}
	for _, p := range h.Allow {
		out = append(out, block.Protected{Prefix: p, Why: block.Allowed, Note: "the configuration"})
	}
	for _, a := range h.Admins {
		out = append(out, single(a, block.AdminSession, "logged in to the site as administrator"))
	}
	return once(out), nil
}

// seen adds what can be done where something cannot be read.
func seen(err error) error {
	err = fmt.Errorf("find who must not be banned: %w", err)
	if errors.Is(err, fs.ErrPermission) {
		return hint.Wrap(err, "protect-denied", "run it with sudo")
	}
	return err
}

func single(a netip.Addr, why, note string) block.Protected {
	a = a.Unmap().WithZone("")
	return block.Protected{Prefix: netip.PrefixFrom(a, a.BitLen()), Why: why, Note: note}
}

// once leaves out what is no address, and what is there for the same reason.
func once(all []block.Protected) []block.Protected {
	type key struct {
		prefix netip.Prefix
		why    string
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(all, func(p block.Protected) bool {
		k := key{p.Prefix, p.Why}
		if !p.Prefix.IsValid() || p.Prefix.Addr().IsUnspecified() || seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
}

func (h Host) path(name string) string { return h.Root + name }
