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

	"hirune/internal/core/attack"
	"hirune/internal/core/hint"
	"hirune/internal/core/report"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/protect"
)

// attacksFlags are what `hirune attacks` was asked for.
type attacksFlags struct {
	logs           []string
	format, config string
	state          string
	since          span
	top            int
	who            bool // --top was given
	json, verbose  bool
	lang           string
}

// topActors is how many actors are told for each attack unless the user says.
const topActors = 10

func (a *app) attacksCmd() *cobra.Command {
	f := attacksFlags{top: topActors}
	c := &cobra.Command{
		Use:   "attacks [--log FILE...]",
		Short: "Say who attacks the site, whether it hurts, whether they got in, and what to do",
		Long: `Say who attacks the site, whether it hurts, whether somebody got in, and what may be done without harm.

It reads the access logs of the web servers that run here, with what was rotated away, and asks the site who is logged in. It only reads.
With --log it reads those files alone, on any machine: rotated and .gz ones, patterns, and - for standard input.

Exit codes: 0 no attack or harmless noise, 1 an attack that hurts or may hurt, or traces of a break-in, 2 could not tell, or wrong usage.`,
		Example: `  sudo hirune attacks
  sudo hirune attacks --since 7d --top 20
  hirune attacks --log /tmp/access.log*
  ssh web zcat -f /var/log/nginx/access.log* | hirune attacks --log -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			return a.attacks(cmd.Context(), f)
		},
	}
	c.Flags().StringArrayVar(&f.logs, "log", nil, "read this `FILE` instead; may be repeated; - is standard input")
	_ = c.MarkFlagFilename("log")
	c.Flags().StringVar(&f.format, "format", "", "how the files of --log are written: a `FORMAT` as in LogFormat or log_format, or combined, common, vhost_combined (default: found out)")
	c.Flags().Var(&f.since, "since", "how far back to look, such as 24h or 7d (default: 90d; with --log all)")
	c.Flags().IntVar(&f.top, "top", topActors, "tell the `N` busiest addresses of each attack")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, which is never translated")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print all of it")
	a.langFlag(c, &f.lang)
	a.configFlag(c, &f.config)
	a.stateFlag(c, &f.state)
	return c
}

// check looks at what was typed before anything is read. A shell turns
// --log *.gz into one --log and further arguments.
func (f *attacksFlags) check(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 0 && len(f.logs) == 0:
		return usage(cmd, fmt.Sprintf("%s takes no argument, got %q", cmd.CommandPath(), args[0]), "did you mean: "+cmd.CommandPath()+" --log "+quoted(args[0]))
	case f.top < 1 || f.top > attack.ActorsTold:
		return usage(cmd, fmt.Sprintf("--top %d: it takes 1 to %d", f.top, attack.ActorsTold), "leave it out for "+fmt.Sprint(topActors)+"; all of them are in the web server's log")
	case f.format != "" && len(f.logs)+len(args) == 0:
		return usage(cmd, "--format is for files that --log names", "for the logs of this server name it in the configuration: see docs/configuration.md")
	case len(f.logs) > 0 && f.config != "":
		return usage(cmd, "--log and --config cannot be together", "with --log nothing of this server is looked at")
	case len(f.logs) > 0 && f.state != "":
		return usage(cmd, "--log and --state cannot be together", "with --log nothing is kept")
	}
	f.logs = append(f.logs, args...)
	f.who = cmd.Flags().Changed("top")
	if slices.Contains(f.logs, "") {
		return usage(cmd, "--log needs the name of a file", "- is standard input")
	}
	if f.format != "" {
		if _, err := accesslog.Compile(f.format); err != nil {
			return usage(cmd, "--format: "+err.Error(), "give it as the web server has it: its LogFormat or log_format line, without the name")
		}
	}
	return checkLang(cmd, f.lang)
}

// back is how far logs of this server are read: what an owner can act on.
const back = 90 * 24 * time.Hour

// ahead is how far clocks may differ: what is later lies in the future.
const ahead = time.Hour

func (a *app) attacks(ctx context.Context, f attacksFlags) error {
	q, err := a.siege(ctx, f)
	if err != nil {
		return err
	}
	defer q.close()
	out, err := a.readLogs(ctx, q)
	if err != nil {
		return err
	}
	v := a.judgeAttacks(ctx, q, out)
	for _, err := range q.failed {
		a.complain(err)
	}
	a.otherFormat(q.flags.format, v.Logs)
	a.code = exitOfAttacks(v, len(q.failed) > 0)
	if !v.Away && v.Picture.Total.Requests > 0 { // what was known before is better than nothing
		if v.Saved, err = a.keepAttacks(v, f.state); err != nil {
			a.complain(err)
		}
	}
	if f.json {
		return report.AttacksJSON(a.out, v)
	}
	if err := report.AttacksText(a.out, v, a.look(f.lang, f.verbose)); err != nil {
		return err
	}
	a.afterAttacks(v, f.state)
	return nil
}

// otherFormat says where lines were not in the format that the user gave, but in
// one that is known.
func (a *app) otherFormat(given string, logs []report.AttackLog) {
	for _, l := range logs {
		if strings.ContainsAny(given, "%$") && l.Format != "" && l.Format != given {
			fmt.Fprintf(a.err, "%s is not in the format of --format; it was read as: %s\n", safe(shown(l.Path)), safe(l.Format))
		}
	}
}

// siege is one run of the verb: which logs, and what else is known.
type siege struct {
	flags   attacksFlags
	now     time.Time
	away    bool
	logs    []accesslog.ScanLog
	failed  []error // files that cannot be read
	unseen  []attack.Unseen
	proxied bool
	anyone  bool // everybody may say who the client is
	proxies []netip.Prefix
	options attack.Options
	costs   string
	eyes    *eyes // nil: nothing of this machine
	own     func(netip.Addr) bool
	sites   func(attack.Picture) []attack.Site
}

func (q *siege) close() {
	if q.eyes != nil {
		q.eyes.close()
	}
}

// siege finds out what to read.
func (a *app) siege(ctx context.Context, f attacksFlags) (*siege, error) {
	q := &siege{flags: f, now: a.now(), away: len(f.logs) > 0}
	q.proxies, _ = protect.Cloudflare()
	q.options = attack.Options{Seed: seed(), Until: q.now.Add(ahead).Unix()}
	since := time.Duration(f.since)
	if since == 0 && !q.away {
		since = back
	}
	if since > 0 {
		q.options.Since = q.now.Add(-since).Unix()
	}
	var err error
	if q.away {
		err = q.named(f.logs)
	} else {
		err = a.ofThisHost(ctx, q)
	}
	if err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

// judgeAttacks makes the answers of what was read.
func (a *app) judgeAttacks(ctx context.Context, q *siege, out scanned) report.Attacks {
	pic := out.tally.Picture()
	v := report.Attacks{
		At: q.now, Picture: pic, Logs: out.logs, Unseen: q.unseen, Away: q.away, Costs: q.costs,
		Top: q.flags.top, Who: q.flags.who, Loads: map[string]attack.Load{},
	}
	v.Typed = func(command string) string { return a.sudo(command + stateArg(q.flags.state)) }
	v.Nameless = out.around.Peers().Unnamed > namelessShare
	if q.options.Since > 0 {
		v.Since = time.Unix(q.options.Since, 0)
	}
	switch {
	case pic.Timed:
		v.Costs = report.CostLog
	case len(q.options.Cost) == 0:
		v.Costs = ""
	}
	for _, t := range pic.Attacks {
		v.Loads[t.ID] = out.around.Load(t.From, t.To, pic.Attacks)
	}
	pic.Shared = out.around.Peers().Shared
	var sites []attack.Site
	if q.sites != nil && ctx.Err() == nil {
		sites = q.sites(pic)
	}
	v.Spent, v.Used = a.spent(q, pic)
	v.BreakIn = attack.Judge(pic, sites, q.now)
	in := attack.ProposeIn{
		Picture: pic, BreakIn: v.BreakIn, Peers: out.around.Peers(), Forgeable: out.forgeable || q.anyone, Proxied: q.proxied,
		Away: q.away, Now: q.now.Unix(), Admins: adminsOf(sites, v.BreakIn), Verified: q.options.Verified,
		Proxies: q.proxies,
	}
	if q.away {
		in.Now = pic.To
	}
	v.Proposals = attack.Propose(in)
	return v
}

// namelessShare is from which share of requests without an address on nothing
// can be said of who sends them.
const namelessShare = 0.5

// adminsOf are the addresses from which administrators are logged in, without
// those that speak for a break-in.
func adminsOf(sites []attack.Site, in attack.BreakIn) []netip.Addr {
	var out []netip.Addr
	for _, s := range sites {
		for _, x := range s.Sessions {
			guilty := slices.ContainsFunc(in.Evidence, func(e attack.Evidence) bool {
				// what is only to be looked at may be the owner's own doing
				return e.Client == x.Client.String() && (e.Weight == attack.Confirmed || e.Weight == attack.LikelyIn)
			})
			if x.IsAdmin && x.Client.IsValid() && !guilty {
				out = append(out, x.Client)
			}
		}
	}
	return out
}

// exitOfAttacks is 1 where an attack hurts or may hurt, or somebody may have got
// in; 0 for none and for harmless noise; 2 where nothing could be read, or not
// all of it and nothing was found in the rest.
func exitOfAttacks(v report.Attacks, failed bool) int {
	found := v.BreakIn.Status == attack.Confirmed || v.BreakIn.Status == attack.LikelyIn || v.BreakIn.Status == attack.LookAtThis
	for _, t := range v.Picture.Attacks {
		found = found || t.Verdict != attack.Harmless
	}
	switch {
	case found:
		return exitFound
	case failed || v.Nameless || v.Picture.Total.Requests == 0:
		return exitUnclear
	}
	return exitHealthy
}

// afterAttacks says on stderr what to type next.
func (a *app) afterAttacks(v report.Attacks, state string) {
	var pairs []string
	add := func(command, what string) {
		if !slices.Contains(pairs, command) {
			pairs = append(pairs, command, what)
		}
	}
	for _, p := range v.Proposals {
		if p.Command == "" || v.Away {
			continue
		}
		what := "what would be blocked, and what never; it changes nothing"
		if strings.HasPrefix(p.Command, "hirune plan") {
			what = "what closing it would change, exactly; it changes nothing"
		}
		add(a.sudo(p.Command+stateArg(state)), what)
	}
	if v.Costs == "" && len(v.Picture.Attacks) > 0 && !v.Away {
		add(a.sudo("hirune record --for 1h"), "measure what requests cost, then ask again")
	}
	if len(pairs) > 0 {
		nextTo(a.err, pairs...)
	}
}

// errNoLogs says that there is nothing to read.
var errNoLogs = errors.New("no access log was found")

func noLogs() error {
	return hint.Wrap(errNoLogs, "no-logs", "see what is found here: hirune doctor; or name the file: hirune attacks --log FILE")
}
