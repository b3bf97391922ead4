package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/core/report"
	"hirune/internal/edge/wordpress"
)

// adminsFor is how long the sites are asked who is logged in to them: in an outage
// their database may not answer, and who attacks has to be stopped all the same.
const adminsFor = 5 * time.Second

// findAdmins has those protected who are logged in to the sites as administrators
// now, without those that speak for a break-in.
func (w *blockade) findAdmins(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, adminsFor)
	defer cancel()
	named, err := accounts(w.cfg)
	if err != nil {
		w.unseenAdmins(err)
		return
	}
	guilty := w.guilty()
	for _, r := range w.found.Roots {
		if r.WPConfig == "" {
			continue
		}
		s, err := wordpress.ReadSite(r.Dir, r.WPConfig, r.Host)
		if err != nil {
			w.unseenAdmins(err)
			continue
		}
		in, err := w.a.inside(ctx, s, w.found, named, wordpress.Inside.Read)
		if err != nil {
			w.unseenAdmins(err)
		}
		for _, x := range in.Sessions {
			if x.IsAdmin && x.Client.IsValid() && !slices.Contains(guilty, x.Client) {
				w.host.Admins = append(w.host.Admins, x.Client)
			}
		}
	}
}

func (w *blockade) unseenAdmins(err error) {
	fmt.Fprintf(w.a.err, "who is logged in to a site as administrator could not be read, so that nobody is protected for it: %s\n", safe(err.Error()))
}

// guilty are the clients that the last hirune attacks has found to have got in.
func (w *blockade) guilty() []netip.Addr {
	d, err := w.a.lastAttacks()
	if err != nil {
		return nil // block itself says so where it goes by them
	}
	return intruders(d)
}

func intruders(d report.AttacksDocument) []netip.Addr {
	var out []netip.Addr
	for _, e := range d.BreakIn.Evidence {
		if a, err := netip.ParseAddr(e.Client); err == nil {
			out = append(out, a.Unmap())
		}
	}
	return out
}
