package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/report"
	"hirune/internal/edge/journal"
	"hirune/internal/edge/webserver"
)

// blockFlags are what hirune block and its kin were asked for.
type blockFlags struct {
	helpFlags
	plan, forever bool
	length        span
	accept        []string
}

func (a *app) blockCmd() *cobra.Command {
	var f blockFlags
	c := &cobra.Command{
		Use:   "block [ADDRESS|PREFIX|ATTACK]...",
		Short: "Refuse who attacks, for a while, and never yourself",
		Long: `Refuse who attacks in the kernel's packet filter, on the web's ports alone, for a while: 10 minutes the first time, then an hour, 6 hours, a day, a week.
Without a name it takes what the last hirune attacks proposes; an address, a network or an attack's name says whom.
Behind a proxy or a CDN it is the web server that refuses them, where it knows its visitors' own addresses; else it is said what that needs.
Against many addresses that each try little, rate-limit:login, rate-limit:xmlrpc or rate-limit:search limits how often nginx is asked for that.

Who is logged in here, this server's own addresses, its gateway, name servers and database, search engines and your own list (hirune allow) are never refused, not even
inside a larger network. A broad ban on a terminal has to be confirmed within a minute; else it ends by itself, also if the connection is lost. hirune undo takes it back.
Exit codes: 0 done, 1 failed on the way, 2 refused, or wrong usage; with --plan: 0 nothing to do, 1 there is a plan, 2 it is refused.`,
		Example: `  sudo hirune block --plan
  sudo hirune block xmlrpc-brute-force
  sudo hirune block 203.0.113.7 2001:db8::/48 --for 6h
  sudo hirune block rate-limit:login    # against many addresses that each try little`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.checkBlock(cmd, args); err != nil {
				return err
			}
			if endpoint, ok := limitAsked(args); ok {
				return a.refusedJSON(f, a.limit(cmd.Context(), cmd, f, endpoint))
			}
			return a.refusedJSON(f, a.block(cmd.Context(), cmd, f, args))
		},
	}
	a.blockFlagsOf(c, &f)
	c.Flags().BoolVar(&f.plan, "plan", false, "only say what would be done")
	c.Flags().Var(&f.length, "for", "refuse for so long, such as 6h (default: longer each time)")
	c.Flags().BoolVar(&f.forever, "forever", false, "refuse until you take it back; only for addresses that you name")
	c.Flags().StringSliceVar(&f.accept, "accept", nil, "`NAME`s of warnings that you accept: "+remedy.AcceptBroad)
	return c
}

// blockFlagsOf adds what all verbs about bans take.
func (a *app) blockFlagsOf(c *cobra.Command, f *blockFlags) {
	a.stateFlag(c, &f.state)
	a.configFlag(c, &f.config)
	a.langFlag(c, &f.lang)
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, which is never translated")
}

func (f *blockFlags) checkBlock(cmd *cobra.Command, args []string) error {
	switch {
	case f.forever && f.length > 0:
		return usage(cmd, "--for and --forever cannot be together", "")
	case f.forever && len(args) == 0:
		return usage(cmd, "--forever is only for addresses that you name", "hirune block ADDRESS --forever")
	}
	for _, name := range f.accept {
		if name != remedy.AcceptBroad {
			return usage(cmd, fmt.Sprintf("there is no warning %q to accept", name), "there is: "+remedy.AcceptBroad)
		}
	}
	return checkLang(cmd, f.lang)
}

func (a *app) block(ctx context.Context, cmd *cobra.Command, f blockFlags, args []string) error {
	if !f.plan {
		if err := a.canAsk(f.helpFlags); err != nil {
			return err
		}
		if err := a.machineOnly("block"); err != nil {
			return err
		}
	}
	cs, err := a.candidates(cmd, f, args)
	if err != nil {
		return err
	}
	w, err := a.blockade(ctx, f.config, f.state)
	if err != nil {
		return err
	}
	w.tellAdmins(ctx)
	plan := func(run int) (remedy.Plan, error) { return w.plan(ctx, f, cs, run) }
	if f.plan {
		return a.showPlan(f, plan)
	}
	if w.confirm = a.confirmer(f); w.confirm == nil && !slices.Contains(f.accept, remedy.AcceptBroad) {
		return a.carry(ctx, f, w, func(run int) (remedy.Plan, error) {
			p, err := plan(run)
			return p, errors.Join(err, unconfirmed(p))
		})
	}
	return a.carry(ctx, f, w, plan)
}

// plan decides on the candidates and makes the plan of it.
func (w *blockade) plan(ctx context.Context, f blockFlags, cs []block.Candidate, run int) (remedy.Plan, error) {
	s, err := w.state(ctx, cs)
	if err != nil {
		return remedy.Plan{}, err
	}
	s.Broad = slices.Contains(f.accept, remedy.AcceptBroad)
	d := block.Decide(cs, s)
	if d.Layer == block.LayerFirewall && len(d.Bans) > 0 {
		if err := w.portsLeft(); err != nil {
			return remedy.Plan{}, err
		}
	}
	return w.standing.saysWeb(remedy.BanPlan(d, remedy.Bans{Ports: w.ports(), Probes: w.probes(), Protected: s.Protected, ProxyWhy: s.ProxyWhy, Run: run, Confirm: w.confirm != nil || f.plan && !f.yes, At: s.Now})), nil
}

// unconfirmed refuses a broad ban that nobody can confirm or has accepted.
func unconfirmed(p remedy.Plan) error {
	for _, s := range p.Steps {
		if s.Estimate.Risk == remedy.RiskMedium {
			return hint.Wrap(fmt.Errorf("%w: so broad a ban has to be confirmed on a terminal, or accepted by name", apply.ErrRefused), "broad", "look at it first (hirune block --plan), then say --accept "+remedy.AcceptBroad)
		}
	}
	return nil
}

// confirmer asks on the terminal whether the owner still gets in; nil where nobody
// can be asked.
func (a *app) confirmer(f blockFlags) func(context.Context, time.Time) bool {
	if f.yes || a.canAsk(helpFlags{}) != nil {
		return nil
	}
	return func(ctx context.Context, ends time.Time) bool {
		a.telling.end()
		left := ends.Sub(a.now()).Truncate(time.Second) - time.Second // the bans end by themselves then
		ctx, cancel := context.WithTimeout(ctx, max(left, 0))
		defer cancel()
		return a.ask(ctx, fmt.Sprintf("the bans hold now, on trial. Look at your site from elsewhere; type yes within %s to keep them: ", long(left))) == "yes"
	}
}

// candidates are whom the arguments name, or the last proposals.
func (a *app) candidates(cmd *cobra.Command, f blockFlags, args []string) ([]block.Candidate, error) {
	var out []block.Candidate
	var attacks []string
	for _, arg := range args {
		p, ok := prefixOf(arg)
		if !ok {
			attacks = append(attacks, arg)
			continue
		}
		out = append(out, block.Candidate{Prefix: p, Attack: block.AttackByHand, Why: "named by the owner", For: time.Duration(f.length), Forever: f.forever})
	}
	if len(args) > 0 && len(attacks) == 0 {
		return out, nil
	}
	proposed, err := a.proposed(cmd, f.state, attacks)
	for _, c := range proposed {
		c.For = time.Duration(f.length)
		out = append(out, c)
	}
	return out, err
}

// prefixOf reads an address or a prefix, the way people write them.
func prefixOf(text string) (netip.Prefix, bool) {
	text = strings.Trim(strings.TrimSpace(text), "[]")
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

// showPlan prints a plan that nobody carries out.
func (a *app) showPlan(f blockFlags, plan func(int) (remedy.Plan, error)) error {
	p, err := plan(0)
	if err != nil {
		return err
	}
	ps := []remedy.Plan{p}
	a.code = exitOfPlans(ps)
	switch {
	case f.json && len(p.Refused) > 0:
		return report.RefusedPlanJSON(a.out, p)
	case f.json:
		return report.PlanJSON(a.out, ps)
	}
	return report.PlanText(a.out, ps, a.look(f.lang, true))
}

// carry shows a plan, asks, and carries it out by the executor, with the journal
// that hirune undo and hirune history read.
func (a *app) carry(ctx context.Context, f blockFlags, w *blockade, plan func(run int) (remedy.Plan, error)) error {
	j, err := a.openJournal(f.state)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := a.leaveOpenBans(j); err != nil {
		return err
	}
	p, err := plan(j.Next())
	if err != nil {
		return err
	}
	if err := report.PlanOverview(a.err, []remedy.Plan{p}, a.lookAt(f.helpFlags)); err != nil {
		return err
	}
	if !p.Doable() {
		a.code = exitUnclear
		if f.json {
			return report.RefusedPlanJSON(a.out, p)
		}
		return nil
	}
	if err := a.agreed(ctx, f.helpFlags, []remedy.Plan{p}, "do it?"); err != nil {
		return err
	}
	t := a.teller(f.lang)
	x := &apply.Executor{Journal: j, Tell: t.tell, Now: a.now, Version: version(), Doers: map[string]apply.Doer{
		remedy.BanPrefixes{}.Kind(): w.ban(), remedy.LiftBans{}.Kind(): w.lift(), remedy.AllowPrefixes{}.Kind(): w.allow(),
		remedy.WriteInclude{}.Kind(): &webserver.Includes{},
	}}
	r, err := x.Begin(j.Next(), p)
	if err != nil {
		return err
	}
	return a.carried(ctx, f, x, j, &r)
}

// refusedJSON prints why a ban was refused before anything was begun, for who
// reads JSON. The error is the one that was given.
func (a *app) refusedJSON(f blockFlags, err error) error {
	if err == nil || !f.json || errors.Is(err, errDeclined) || errors.Is(err, context.Canceled) || hint.CodeOf(err) == "usage" {
		return err
	}
	return errors.Join(err, report.RefusedJSON(a.out, report.Refusal{Code: hint.CodeOf(err), Reason: err.Error(), Hint: hint.Of(err)}))
}

// carried does a run and tells it. One that fails has taken back what it had done:
// nobody is to go on with it later, when other addresses attack.
func (a *app) carried(ctx context.Context, f blockFlags, x *apply.Executor, j *journal.Journal, r *apply.Run) error {
	err := x.Apply(ctx, r)
	if err != nil {
		err = errors.Join(err, x.GiveUp(r))
	}
	told := a.tellRuns(f.helpFlags, j, []*apply.Run{r})
	if err != nil {
		a.complain(err)
		a.code = exitOfStop(err)
		return told
	}
	if !f.json {
		nextTo(a.err, "hirune blocks", "who is blocked, and whether the kernel holds it", a.sudo(fmt.Sprintf("hirune undo %d", r.ID)), "take it back")
	}
	return told
}

// leaveOpenBans gives up runs about bans that a crash has left: their bans have
// ended by themselves, hold, or are planned anew now.
func (a *app) leaveOpenBans(j *journal.Journal) error {
	x := &apply.Executor{Journal: j, Now: a.now, Version: version()}
	for _, r := range apply.Runs(j.Entries()) {
		if !r.Open() || !aboutBans(r.Plan) {
			continue
		}
		fmt.Fprintf(a.err, "run %d (%s) had not ended and is left as it is; take back what it has done: hirune undo %d\n", r.ID, safe(r.Plan.Remedy), r.ID)
		if err := x.GiveUp(&r); err != nil {
			return err
		}
	}
	return nil
}

// aboutBans reports whether a plan is about who is refused.
func aboutBans(p remedy.Plan) bool {
	return slices.Contains([]string{remedy.BlockClients, remedy.UnblockClient, remedy.AllowClients}, p.Remedy) || limitByOwner(p)
}
