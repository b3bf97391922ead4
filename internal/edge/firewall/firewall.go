// Package firewall keeps who is banned in the kernel's packet filter: a table of
// nftables that is hirune's own, beside whatever else filters here.
//
// The table drops what the banned send to the web's ports, before the
// distribution's own rules, also to containers behind this host, and also on
// connections that are open. Nothing else is ever touched: no other table, no
// other port. The kernel ends each ban by itself; Apply puts back what a flush of
// the ruleset has taken away.
package firewall

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"hirune/internal/core/block"
	"hirune/internal/core/hint"
)

// Errors of the packet filter. Each comes with a hint.
var (
	ErrDenied = errors.New("no right to change the packet filter")
	ErrAbsent = errors.New("this kernel has no nf_tables")
)

// sshPort is never refused, whoever asks for it.
const sshPort = 22

// Filter is the kernel's packet filter as far as it is ours.
type Filter struct {
	Ports []int  // of the web server; empty: 80 and 443
	Proc  string // where the kernel shows itself; "" : /proc
	NetNS int    // an open network namespace, for tests; 0: our own
}

var _ Layer = Filter{}

// ports are those that are refused: never that of log-in shells.
func (f Filter) ports() []int {
	out := slices.DeleteFunc(slices.Clone(f.Ports), func(p int) bool { return p == sshPort || p <= 0 || p > 0xffff })
	if len(f.Ports) == 0 {
		out = []int{80, 443}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Name implements Layer.
func (Filter) Name() string { return block.LayerFirewall }

// Held is what the kernel refuses now.
type Held struct {
	Range   netipx.IPRange
	Left    time.Duration // until the kernel ends it; 0: never
	Packets int64         // dropped since it was put in; -1 where the kernel does not count
	Bytes   int64
}

// Holds reports whether the kernel refuses all of a prefix. all is as Read
// returns it.
func Holds(all []Held, p netip.Prefix) bool {
	r := netipx.RangeOfPrefix(p)
	i, ok := slices.BinarySearchFunc(all, r.From(), func(h Held, a netip.Addr) int { return h.Range.From().Compare(a) })
	return ok && all[i].Range == r
}

// Read returns what the kernel refuses, sorted by address, and why the table is
// not as it should be; "" where it is, or where there is none and nothing is
// refused.
func (f Filter) Read(ctx context.Context) ([]Held, string, error) {
	c, err := f.dial(ctx)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = c.CloseLasting() }()
	for try := 1; ; try++ {
		s, err := f.look(c)
		switch {
		case err == nil:
			return slices.Concat(s.held[0], s.held[1]), s.broken, nil
		case !changing(err) || try == tries:
			return nil, "", explained("read what the packet filter holds", err)
		}
	}
}

// Apply implements Layer: it makes the kernel hold the cover, and no more, in one
// transaction. It says what it had to mend besides.
func (f Filter) Apply(ctx context.Context, cover []block.Piece, now time.Time) (Healed, error) {
	cover = slices.DeleteFunc(slices.Clone(cover), func(p block.Piece) bool { return !p.Until.IsZero() && p.Until.Sub(now) < least })
	c, err := f.dial(ctx)
	if errors.Is(err, ErrAbsent) && len(cover) == 0 {
		return Healed{}, nil
	}
	if err != nil {
		return Healed{}, err
	}
	defer func() { _ = c.CloseLasting() }()
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return Healed{}, err
		}
		h, err := f.once(c, cover, now, try == tries)
		switch {
		case err == nil:
			return h, nil
		case changing(err) && try < tries:
			continue
		}
		return h, explained("change the packet filter", err)
	}
}

// changing reports whether an error comes of the table's being changed while it is
// read: an element has ended, somebody has flushed the ruleset, or another hirune
// is at work. The library does not wrap all of them.
func changing(err error) bool {
	return slices.ContainsFunc([]unix.Errno{unix.ENOENT, unix.EEXIST, unix.EBUSY, unix.EINTR, unix.EAGAIN}, func(n unix.Errno) bool {
		return errors.Is(err, n) || strings.Contains(err.Error(), n.Error())
	})
}

const (
	tries = 10
	least = time.Second // a ban that ends sooner is not worth a change
)

// Check implements Layer.
func (f Filter) Check(ctx context.Context, cover []block.Piece, now time.Time) (Gap, error) {
	held, broken, err := f.Read(ctx)
	if err != nil && (len(cover) > 0 || !errors.Is(err, ErrAbsent)) {
		return Gap{}, err
	}
	g := Gap{Broken: broken}
	wanted := map[netipx.IPRange]bool{}
	for _, p := range cover {
		wanted[netipx.RangeOfPrefix(p.Prefix)] = true
		ends := !p.Until.IsZero() && p.Until.Sub(now) < 2*least
		if !ends && !Holds(held, p.Prefix) {
			g.Missing = append(g.Missing, p)
		}
	}
	for _, h := range held {
		if !wanted[h.Range] && (h.Left == 0 || h.Left > 2*least) {
			g.Extra++
		}
	}
	return g, nil
}

// dial opens a connection to the kernel and makes sure that it may be used.
func (f Filter) dial(ctx context.Context) (*nftables.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	big := func(c *netlink.Conn) error { // one transaction is one message
		_ = c.SetReadBuffer(4 << 20)
		_ = c.SetWriteBuffer(32 << 20)
		return nil
	}
	opts := []nftables.ConnOption{nftables.AsLasting(), nftables.WithSockOptions(big)}
	if f.NetNS != 0 {
		opts = append(opts, nftables.WithNetNSFd(f.NetNS))
	}
	c, err := nftables.New(opts...)
	if err != nil {
		return nil, explained("reach the packet filter", err)
	}
	return c, nil
}

// explained adds what can be done about an error of the kernel's.
func explained(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	text := err.Error() // see changing
	switch {
	case errors.Is(err, fs.ErrPermission) || strings.Contains(text, unix.EPERM.Error()):
		return hint.Wrap(fmt.Errorf("%w: %w", ErrDenied, err), "no-cap-net-admin", "run it with sudo; a service needs CAP_NET_ADMIN")
	case errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) || strings.Contains(text, unix.EPROTONOSUPPORT.Error()):
		return hint.Wrap(fmt.Errorf("%w: %w", ErrAbsent, err), "no-nf-tables", "load it: sudo modprobe nf_tables; in a container the host has to ban")
	}
	return err
}

// forwards reports whether packets pass this host on to others, such as
// containers, with their ports changed on the way.
func (f Filter) forwards() bool {
	proc := f.Proc
	if proc == "" {
		proc = "/proc"
	}
	if _, err := os.Stat(filepath.Join(proc, "sys/net/netfilter/nf_conntrack_max")); err != nil {
		return false
	}
	for _, name := range []string{"sys/net/ipv4/ip_forward", "sys/net/ipv6/conf/all/forwarding"} {
		if text, err := os.ReadFile(filepath.Join(proc, name)); err == nil && strings.TrimSpace(string(text)) == "1" {
			return true
		}
	}
	return false
}
