package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/journal"
)

// guard blocks who attacks now, beside a recorder, where the owner has turned it
// on. It bans by the judgement that hirune attacks proposes by, within the caps of
// block.Decide, and each time by a run of the journal that undo takes back.
type guard struct {
	a      *app
	eyes   *eyes
	dir    string // of the state
	sieges chan collectors.Siege
	spared map[netip.Prefix]time.Time // who was not banned, and until when that is not asked again
	failed string                     // the last failure that was told

	admins   []netip.Addr // administrators as last seen
	adminsAt time.Time
}

const (
	// guardFor bounds one round: names are asked for, and the sites' databases.
	guardFor = 45 * time.Second
	// guardMost bounds the bans of one round: more at once would be a broad ban, that
	// somebody has to confirm.
	guardMost = 20
	// guardAgain is when who was spared is looked at again.
	guardAgain = 10 * time.Minute
)

// guardSite starts the guard if the configuration asks for one, and says whether
// it does. The caller ends it with what it returns.
func (a *app) guardSite(ctx context.Context, cfg discover.Config, dir string, e *eyes) (end func()) {
	switch {
	case !cfg.Block.Auto:
		fmt.Fprintln(a.err, "blocking by the recorder is off; to turn it on: auto = true under [block] in "+discover.DefaultConfig)
		return func() {}
	case a.euid != 0:
		fmt.Fprintln(a.err, "blocking by the recorder is off, although it is turned on in the configuration: it needs root")
		return func() {}
	}
	fmt.Fprintln(a.err, "blocking by the recorder is on: who attacks is refused for a while; see: hirune blocks")
	g := &guard{a: a, eyes: e, dir: dir, sieges: make(chan collectors.Siege, 1), spared: map[netip.Prefix]time.Time{}}
	e.traffic.Besieged = g.tell
	ctx, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { g.run(ctx) })
	return func() { stop(); ended.Wait() }
}

// tell takes a siege. One that comes while another is dealt with is passed over:
// the next one holds it, too.
func (g *guard) tell(s collectors.Siege) {
	select {
	case g.sieges <- s:
	default:
	}
}

func (g *guard) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-g.sieges:
			g.tellFailure(ctx, g.round(ctx, s))
		}
	}
}

// tellFailure says what went wrong, once until it is something else.
func (g *guard) tellFailure(ctx context.Context, err error) {
	switch {
	case err == nil:
		g.failed = ""
	case ctx.Err() == nil && err.Error() != g.failed:
		g.failed = err.Error()
		g.a.complain(fmt.Errorf("block who attacks: %w", err))
	}
}

// round decides on who attacks now, and bans.
func (g *guard) round(ctx context.Context, s collectors.Siege) error {
	ctx, cancel := context.WithTimeout(ctx, guardFor)
	defer cancel()
	found := g.eyes.found()
	cs := g.unasked(attackers(s, searchBots(ctx, g.a.now)))
	if len(cs) == 0 {
		return nil
	}
	if why := whoseWord(found); why != "" {
		return g.byHand(why)
	}
	w := g.a.blockadeOf(found, g.eyes.finder.Override, g.dir)
	if !g.adminsKnown(ctx, w) {
		return g.byHand("who is logged in to a site as administrator could not be read")
	}
	st, err := w.state(ctx, cs)
	if err != nil {
		return err
	}
	st.By = block.ByRecorder
	if st.Proxied {
		g.spare(cs, st.Now)
		return g.byHand("visitors come through a proxy (" + st.ProxyWhy + ")")
	}
	d := block.Decide(cs, st)
	g.sayRefused(d.Refused, st.Now)
	switch {
	case d.Broad: // nobody is there to confirm it
		g.spare(cs, st.Now)
		return g.byHand("it would be so broad a ban that somebody has to confirm it")
	case len(d.Bans) == 0:
		return nil
	}
	return g.ban(ctx, w, d, st)
}

// adminsFresh is how long those count who were seen to be administrators, where a
// site's database does not answer: it often does not while the site is attacked.
const adminsFresh = 24 * time.Hour

// adminsKnown has administrators protected. Nobody bans by himself who does not
// know them.
func (g *guard) adminsKnown(ctx context.Context, w *blockade) bool {
	now := g.a.now()
	if err := w.findAdmins(ctx); err != nil {
		w.host.Admins = append(w.host.Admins, g.admins...)
		return !g.adminsAt.IsZero() && now.Sub(g.adminsAt) < adminsFresh
	}
	g.admins, g.adminsAt = slices.Clone(w.host.Admins), now
	return true
}

// byHand says why the recorder blocks nobody, and who can.
func (g *guard) byHand(why string) error {
	return hint.Wrap(fmt.Errorf("%w: %s", apply.ErrRefused, why), "by-hand", "look who attacks, and what can be done: "+g.a.sudo("hirune attacks"))
}

// unasked are the candidates that were not spared of late, those first that try most.
func (g *guard) unasked(cs []block.Candidate) []block.Candidate {
	now := g.a.now()
	for p, until := range g.spared {
		if !now.Before(until) {
			delete(g.spared, p)
		}
	}
	cs = slices.DeleteFunc(cs, func(c block.Candidate) bool { return !g.spared[c.Prefix].IsZero() })
	slices.SortStableFunc(cs, func(x, y block.Candidate) int { return cmp.Compare(y.Attempts, x.Attempts) })
	return cs[:min(len(cs), guardMost)]
}

func (g *guard) spare(cs []block.Candidate, now time.Time) {
	for _, c := range cs {
		g.spared[c.Prefix] = now.Add(guardAgain)
	}
}

// sayRefused says who is not banned and why. Who is banned already, or has only met
// the ban of before, is no news.
func (g *guard) sayRefused(all []block.Refused, now time.Time) {
	for _, r := range all {
		if r.Why == block.BannedThere || r.Why == block.NothingSince {
			continue
		}
		why := r.Why
		if r.Around != nil {
			why += ": " + r.Around.Why
		}
		fmt.Fprintf(g.a.err, "not blocked: %s (%s)\n", plainName(r.Prefix), safe(why))
		g.spare([]block.Candidate{{Prefix: r.Prefix}}, now)
	}
}

// ban journals the plan of a decision, carries it out and says what was done, a
// line for each ban. What fails has taken back what it had done, and is left.
func (g *guard) ban(ctx context.Context, w *blockade, d block.Decision, st block.State) error {
	j, err := journal.Open(g.dir)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := g.a.leaveOpenBans(j); err != nil {
		return err
	}
	p := remedy.BanPlan(d, remedy.Bans{Ports: w.ports(), Probes: w.probes(), Protected: st.Protected, Run: j.Next(), At: st.Now})
	x := &apply.Executor{Journal: j, Now: g.a.now, Version: version(), Doers: map[string]apply.Doer{remedy.BanPrefixes{}.Kind(): w.ban()}}
	r, err := x.Begin(j.Next(), p)
	if err != nil {
		return err
	}
	if err := x.Apply(ctx, &r); err != nil {
		return errors.Join(err, x.GiveUp(&r))
	}
	for _, pieces := range grouped(d.Bans) {
		b := pieces[0]
		name := plainName(b.Whole())
		fmt.Fprintf(g.a.err, "blocked: %s for %s, until %s (%s); undo: %s\n", name, long(b.Until.Sub(b.Since)), stamp(b.Until), safe(b.Why), g.a.sudo("hirune unblock "+name))
	}
	return nil
}
