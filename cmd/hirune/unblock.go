package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"hirune/internal/core/block"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

func (a *app) unblockCmd() *cobra.Command {
	var f blockFlags
	var all bool
	c := &cobra.Command{
		Use:   "unblock [ADDRESS|PREFIX]...",
		Short: "Let who is blocked through again",
		Long: `Let who is blocked through again, at once: every ban that holds one of the addresses, or a part of the networks, as a whole. hirune blocks lists them.
To let one address through a ban of its whole network, and keep the ban: hirune allow ADDRESS.
Exit codes: 0 done or nothing to do, 1 failed on the way, 2 refused, or wrong usage.`,
		Example: `  sudo hirune unblock 203.0.113.7
  sudo hirune unblock --all --yes`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.blockedNames(f.state), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage(cmd, "name who is to be let through, or --all", "see: hirune blocks")
			}
			ps, err := prefixesOf(cmd, args)
			if err := errors.Join(err, checkLang(cmd, f.lang)); err != nil {
				return err
			}
			return a.unblock(cmd.Context(), f, ps)
		},
	}
	a.blockFlagsOf(c, &f)
	c.Flags().BoolVar(&all, "all", false, "everybody")
	return c
}

// prefixesOf reads all arguments as addresses or prefixes.
func prefixesOf(cmd *cobra.Command, args []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, arg := range args {
		p, ok := prefixOf(arg)
		if !ok {
			return nil, usage(cmd, fmt.Sprintf("%q is no address", arg), "write an address such as 203.0.113.7, or a network such as 203.0.113.0/24")
		}
		out = append(out, unmapped(p))
	}
	return out, nil
}

// unmapped is a prefix of IPv4 where it was written as IPv6.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p
}

func (a *app) unblock(ctx context.Context, f blockFlags, ps []netip.Prefix) error {
	if err := a.canAsk(f.helpFlags); err != nil {
		return err
	}
	if err := a.machineOnly("unblock"); err != nil {
		return err
	}
	w, err := a.blockade(ctx, f.config, f.state)
	if err != nil {
		return err
	}
	book, err := w.fold()
	if err != nil {
		return err
	}
	bans := slices.DeleteFunc(book.Bans, func(b block.Ban) bool {
		return len(ps) > 0 && !slices.ContainsFunc(ps, b.Whole().Overlaps)
	})
	if len(bans) == 0 {
		fmt.Fprintln(a.err, "nobody of them is blocked by hirune; see: hirune blocks")
		return nil
	}
	return a.letInBy(ctx, f, w, lifted(bans, a.now()))
}

// fold is the book as it stands.
func (w *blockade) fold() (block.Book, error) {
	entries, _, err := w.book.Read()
	return block.Fold(entries, w.a.now()), err
}

// blockedNames completes who is blocked.
func (a *app) blockedNames(state string) []string {
	w := &blockade{a: a}
	w.book.Dir = a.bookDir(state)
	book, err := w.fold()
	if err != nil {
		return nil
	}
	var out []string
	for _, b := range book.Bans {
		out = append(out, b.Prefix.String()+"\t"+b.Attack)
	}
	return out
}

func (a *app) allowCmd() *cobra.Command {
	var f blockFlags
	var remove, list bool
	var note string
	c := &cobra.Command{
		Use:   "allow [ADDRESS|PREFIX]...",
		Short: "Say who is never to be blocked",
		Long: `Say who is never to be blocked, whatever it does, not even inside a larger network: your office, your monitoring, a partner. Bans that hold it are cut around it at once.
In IPv6 an address stands for its /64. The configuration can name some, too ([block] allow).
Exit codes: 0 done, 1 failed on the way, 2 refused, or wrong usage.`,
		Example: `  sudo hirune allow 198.51.100.7 --note office
  sudo hirune allow --list
  sudo hirune allow 198.51.100.7 --remove`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case list && (remove || len(args) > 0) || !list && len(args) == 0:
				return usage(cmd, "name who is to be allowed, or --list", "hirune allow ADDRESS")
			case list:
				return a.allowed(cmd.Context(), f)
			}
			ps, err := prefixesOf(cmd, args)
			if err != nil {
				return err
			}
			for _, p := range ps {
				if p.Bits() < allowLeast(p) && !remove {
					return usage(cmd, p.String()+" is a large part of the internet", "name the addresses that you know")
				}
			}
			return a.allow(cmd.Context(), f, remedy.AllowPrefixes{Prefixes: ps, Remove: remove, Note: safe(note)})
		},
	}
	a.blockFlagsOf(c, &f)
	c.Flags().BoolVar(&remove, "remove", false, "take it off the list: it may be blocked again")
	c.Flags().BoolVar(&list, "list", false, "print who is never blocked, and why")
	c.Flags().StringVar(&note, "note", "", "`WHO` that is, for your own memory")
	return c
}

// allowLeast is the shortest prefix that may be allowed: a slip of the pen would
// let every attacker in.
func allowLeast(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 8
	}
	return 16
}

func (a *app) allow(ctx context.Context, f blockFlags, s remedy.AllowPrefixes) error {
	if err := a.canAsk(f.helpFlags); err != nil {
		return err
	}
	if err := a.machineOnly("allow"); err != nil {
		return err
	}
	w, err := a.blockade(ctx, f.config, f.state)
	if err != nil {
		return err
	}
	book, err := w.fold()
	if err != nil {
		return err
	}
	if s.Remove {
		for _, p := range s.Prefixes {
			if !onList(book.Allowed, p) {
				return hint.Wrap(fmt.Errorf("%s is not on the list", p), "not-allowed", "see: hirune allow --list; what the configuration allows is taken away there")
			}
		}
	}
	in := slices.DeleteFunc(book.Bans, func(b block.Ban) bool { return !slices.ContainsFunc(s.Prefixes, b.Prefix.Overlaps) })
	if s.Remove { // nobody is let in: it can wait for the journal
		return a.carry(ctx, f, w, func(int) (remedy.Plan, error) { return remedy.AllowPlan(s, in, a.now()), nil })
	}
	return a.letInBy(ctx, f, w, allowedIn(s, in, book.Allowed, a.now()))
}

// allowed prints who is never blocked.
func (a *app) allowed(ctx context.Context, f blockFlags) error {
	w, err := a.blockade(ctx, f.config, f.state)
	if err != nil {
		return err
	}
	s, err := w.state(ctx, nil)
	if err != nil {
		return err
	}
	if f.json {
		return a.printJSON(struct {
			Schema    int               `json:"schema"`
			Protected []block.Protected `json:"protected"`
		}{1, s.Protected})
	}
	for _, p := range s.Protected {
		name := p.Prefix.String()
		if p.Prefix.IsSingleIP() {
			name = p.Prefix.Addr().String()
		}
		note := ""
		if p.Note != "" {
			note = " (" + p.Note + ")"
		}
		fmt.Fprintf(a.out, "%-40s %s%s\n", name, p.Why, safe(note))
	}
	return nil
}
