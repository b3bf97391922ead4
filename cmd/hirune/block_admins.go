package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/report"
	"hirune/internal/edge/wordpress"
)

// adminsFor is how long the sites are asked who is logged in to them: in an outage
// their database may not answer, and who attacks has to be stopped all the same.
const adminsFor = 5 * time.Second

// findAdmins has those protected who are logged in to the sites as administrators
// now, without those that speak for a break-in. The error is of the sites that did
// not say who that is; the others count.
func (w *blockade) findAdmins(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminsFor)
	defer cancel()
	named, err := accounts(w.cfg)
	if err != nil {
		return err
	}
	var errs []error
	guilty := w.guilty()
	for _, r := range w.found.Roots {
		if r.WPConfig == "" {
			continue
		}
		s, err := wordpress.ReadSite(r.Dir, r.WPConfig, r.Host)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		in, err := w.a.inside(ctx, s, w.found, named, wordpress.Inside.Read)
		errs = append(errs, err)
		for _, x := range in.Sessions {
			if x.IsAdmin && x.Client.IsValid() && !slices.Contains(guilty, x.Client) {
				w.host.Admins = append(w.host.Admins, x.Client)
			}
		}
	}
	return errors.Join(errs...)
}

// tellAdmins protects administrators, and says where they could not be read.
func (w *blockade) tellAdmins(ctx context.Context) {
	if err := w.findAdmins(ctx); err != nil {
		fmt.Fprintf(w.a.err, "who is logged in to a site as administrator could not be read, so that nobody is protected for it: %s\n", safe(err.Error()))
	}
}

// guilty are the clients that the last hirune attacks has found to have got in.
func (w *blockade) guilty() []netip.Addr {
	state := w.book.Dir
	if state == w.a.bookDir("") {
		state = ""
	}
	d, err := w.a.lastAttacks(state)
	if err != nil {
		return nil // block itself says so where it goes by them
	}
	return intruders(d)
}

func intruders(d report.AttacksDocument) []netip.Addr {
	var out []netip.Addr
	for _, e := range d.BreakIn.Evidence {
		if w := attack.BreakInStatus(e.Weight); w != attack.Confirmed && w != attack.LikelyIn { // else it may be the owner's own doing
			continue
		}
		if a, err := netip.ParseAddr(e.Client); err == nil {
			out = append(out, a.Unmap())
		}
	}
	return out
}
