package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
)

// limitPrefix begins what hirune block takes for a limit instead of a name.
const limitPrefix = "rate-limit:"

// limitAsked is the endpoint whose limit is asked for by the one argument.
func limitAsked(args []string) (string, bool) {
	if len(args) != 1 {
		return "", false
	}
	return strings.CutPrefix(args[0], limitPrefix)
}

// limitByOwner reports whether a plan limits what its owner has named.
func limitByOwner(p remedy.Plan) bool {
	return p.Remedy == remedies.RateLimit().ID && p.Because.Rule == ""
}

// limit plans how often an endpoint may be asked, and carries it out like bans.
func (a *app) limit(ctx context.Context, cmd *cobra.Command, f blockFlags, endpoint string) error {
	if !slices.Contains(remedies.Limits(), endpoint) {
		return usage(cmd, fmt.Sprintf("there is no limit of %q", endpoint), "there are: "+limitPrefix+strings.Join(remedies.Limits(), ", "+limitPrefix))
	}
	if !f.plan {
		if err := a.canAsk(f.helpFlags); err != nil {
			return err
		}
		if err := a.machineOnly("block"); err != nil {
			return err
		}
	}
	h, err := a.reach(ctx, f.config, a.stateDir(f.state))
	if err != nil {
		return err
	}
	defer h.close()
	plan := func(int) (remedy.Plan, error) {
		want := wanted{remedies.RateLimit(), remedies.LimitFinding(endpoint, "")}
		world := h.world(ctx, want, remedy.Wishes{})
		p := want.remedy.Plan(want.finding, world, remedy.Wishes{})
		p.At = world.Now
		return p, ctx.Err()
	}
	if f.plan {
		return a.showPlan(f, plan)
	}
	return a.carry(ctx, f, a.blockadeOf(h.eyes.found(), h.eyes.finder.Override, h.state), plan)
}
