package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/banbook"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/firewall"
	"hirune/internal/edge/protect"
)

// blockade is what blocking has to know of this host, and its hands.
type blockade struct {
	a     *app
	book  banbook.Book
	host  protect.Host
	found *discover.Found
	cfg   discover.Config
	bots  *protect.Bots
	// shells are the ports at which somebody may log in, as seeShells has found them.
	shells []int
	// standing is who stands before the web servers, as state has found it.
	standing standing
	// confirm asks whether the owner still gets in; nil: nobody is there.
	confirm func(context.Context, time.Time) bool
}

// blockade finds the web servers that run here.
func (a *app) blockade(ctx context.Context, config, state string) (*blockade, error) {
	cfg, err := a.config(config)
	if err != nil {
		return nil, err
	}
	finder := discover.Finder{Override: cfg}
	found, err := finder.Find(ctx, a.now())
	if err != nil {
		return nil, err
	}
	markFronts(ctx, &found, a.now())
	return a.blockadeOf(&found, cfg, a.bookDir(state)), nil
}

// bookDir is the folder of the book: root's, whoever asks, because nobody else can
// ban.
func (a *app) bookDir(state string) string {
	if state == "" && a.euid != 0 {
		return a.machineDir()
	}
	return a.stateDir(state)
}

// blockadeOf is the same for what was found already.
func (a *app) blockadeOf(found *discover.Found, cfg discover.Config, dir string) *blockade {
	h := protect.Host{PID: os.Getpid(), Interfaces: protect.InterfaceAddrs, Allow: discover.Prefixes(cfg.Block.Allow), Proxies: discover.Prefixes(cfg.Block.Proxies)}
	for _, w := range found.WebServers {
		h.WebPorts = append(h.WebPorts, protect.Ports(w.Listen)...)
		if w.Behind != "" {
			continue // its proxy is the server before it, of which everybody is a client
		}
		for _, l := range w.AccessLogs {
			if l.Proxy != nil {
				h.Proxies = append(h.Proxies, trusted(l.Proxy)...)
			}
		}
	}
	for _, d := range found.Databases {
		h.DatabasePorts = append(h.DatabasePorts, protect.Ports([]string{d.Address})...)
	}
	return &blockade{a: a, book: banbook.Book{Dir: dir}, host: h, found: found, cfg: cfg, bots: &protect.Bots{}}
}

// trusted are the proxies that a web server names. Where it trusts everybody it
// names nobody.
func trusted(p *discover.Proxy) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(p.Trusted), func(n netip.Prefix) bool { return n.Bits() == 0 })
}

// ports are those that are refused to who is banned: the web servers', and the
// web's own, where something else may pass visitors on from; never one of shells.
func (w *blockade) ports() []int {
	out := append([]int{80, 443}, w.host.WebPorts...)
	out = slices.DeleteFunc(out, func(p int) bool { return slices.Contains(w.shells, p) })
	slices.Sort(out)
	return slices.Compact(out)
}

// hands carry steps out in the packet filter; webHands do in the web servers.
func (w *blockade) hands() firewall.Hands {
	return firewall.Hands{Book: w.book, Layer: shellsOpen{w}, Protected: w.host.Find, Now: w.a.now}
}

// ban, lift and allow are the Doers of the steps about bans.
func (w *blockade) ban() apply.Doer {
	return byLayer{block.LayerFirewall: firewall.Ban{Hands: w.hands(), Confirm: w.confirm}, block.LayerWeb: firewall.Ban{Hands: w.webHands(false), Confirm: w.confirm}}
}

func (w *blockade) lift() apply.Doer {
	return byLayer{block.LayerFirewall: firewall.Lift{Hands: w.hands()}, block.LayerWeb: firewall.Lift{Hands: w.webHands(false)}}
}

func (w *blockade) allow() apply.Doer {
	return allowEverywhere{firewall.Allow{Hands: w.hands()}, w.webHands(false)}
}

// byLayer gives a step to the hands of its layer.
type byLayer map[string]apply.Doer

var _ apply.Doer = byLayer{}

// Do implements apply.Doer.
func (d byLayer) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	hand, err := d.of(s)
	if err != nil {
		return err
	}
	return hand.Do(ctx, s, w)
}

// Done implements apply.Doer.
func (d byLayer) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	hand, err := d.of(s)
	if err != nil {
		return apply.CannotTell, err
	}
	return hand.Done(ctx, s, state)
}

// Undo implements apply.Doer.
func (d byLayer) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	hand, err := d.of(s)
	if err != nil {
		return err
	}
	return hand.Undo(ctx, s, w)
}

func (d byLayer) of(s remedy.Step) (apply.Doer, error) {
	layer := ""
	switch s := s.(type) {
	case remedy.BanPrefixes:
		layer = s.Layer
	case remedy.LiftBans:
		layer = s.Layer
	}
	if hand := d[layer]; hand != nil {
		return hand, nil
	}
	return nil, fmt.Errorf("carry out a step of kind %s: %w: nothing here bans at the layer %q", s.Kind(), apply.ErrRefused, layer)
}

// state is what a decision is made from. candidates are asked about whether they
// are search engines.
func (w *blockade) state(ctx context.Context, cs []block.Candidate) (block.State, error) {
	entries, damaged, err := w.book.Read()
	if errors.Is(err, banbook.ErrDenied) && w.a.euid != 0 {
		fmt.Fprintln(w.a.err, "who is blocked already can only be read by root: the plan does without")
	} else if err != nil {
		return block.State{}, err
	}
	if damaged > 0 {
		fmt.Fprintf(w.a.err, "%s of the book of bans could not be read\n", count(damaged, "line"))
	}
	book := block.Fold(entries, w.a.now())
	guarded, err := w.host.Find(ctx)
	if err == nil {
		err = w.seeShells()
	}
	if err != nil {
		return block.State{}, err
	}
	var ask []netip.Addr
	for _, c := range cs {
		if c.Prefix.IsValid() {
			ask = append(ask, c.Prefix.Addr())
		}
	}
	s := block.State{Now: w.a.now(), Bans: book.Bans, Past: book.Past, Protected: slices.Concat(guarded, book.Allowed, w.bots.Find(ctx, ask)), By: block.ByOwner}
	w.standing, err = w.stand(ctx)
	s.Proxied, s.ProxyWhy, s.Web = w.standing.proxied, w.standing.why, w.standing.no.ID == ""
	return s, err
}

// probes are the front pages that have to go on answering from here.
func (w *blockade) probes() []remedy.Probe {
	const most = 3
	var out []remedy.Probe
	for _, s := range w.found.WebServers {
		out = append(out, fronts(s, most-len(out))...)
	}
	return out
}

// machineOnly refuses where the packet filter can be changed by nobody but root.
func (a *app) machineOnly(verb string) error {
	if a.euid == 0 {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: changing the packet filter needs root", apply.ErrRefused), "not-root", "run it with sudo: sudo hirune "+verb)
}
