package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/edge/firewall"
)

// shellsOpen is the packet filter. It finds anew before every change at which ports
// somebody may log in: they stay open to everybody.
type shellsOpen struct{ w *blockade }

var _ firewall.Layer = shellsOpen{}

// Name implements firewall.Layer.
func (shellsOpen) Name() string { return block.LayerFirewall }

// Apply implements firewall.Layer.
func (l shellsOpen) Apply(ctx context.Context, cover []block.Piece, now time.Time) (firewall.Healed, error) {
	f, err := l.w.filter()
	if errors.Is(err, errNoPort) {
		healed, gone := f.Apply(ctx, nil, now) // what it refused until now may be the way in
		if len(cover) == 0 {
			err = nil
		}
		return healed, errors.Join(err, gone)
	}
	if err != nil {
		return firewall.Healed{}, err
	}
	return f.Apply(ctx, cover, now)
}

// Check implements firewall.Layer.
func (l shellsOpen) Check(ctx context.Context, cover []block.Piece, now time.Time) (firewall.Gap, error) {
	f, err := l.w.filter()
	if errors.Is(err, errNoPort) && len(cover) == 0 {
		err = nil
	}
	if err != nil {
		return firewall.Gap{}, err
	}
	return f.Check(ctx, cover, now)
}

// errNoPort says that nothing is left that the packet filter could refuse.
var errNoPort = errors.New("somebody may log in at every port of the web here")

// filter is the packet filter with the ports that it is to refuse now. It comes with
// errNoPort where there is none.
func (w *blockade) filter() (firewall.Filter, error) {
	err := w.seeShells()
	if err == nil {
		err = w.portsLeft()
	}
	return firewall.Filter{Ports: w.ports()}, err
}

// seeShells finds at which ports somebody may log in.
func (w *blockade) seeShells() (err error) {
	w.shells, err = w.host.ShellPorts()
	return err
}

// portsLeft refuses where a ban in the packet filter would close nothing.
func (w *blockade) portsLeft() error {
	if len(w.ports()) > 0 {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: %w (%v), and a ban would lock you out", apply.ErrRefused, errNoPort, w.shells), "no-port", "have sshd listen at another port, such as 22")
}
