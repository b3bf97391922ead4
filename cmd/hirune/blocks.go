package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go4.org/netipx"

	"hirune/internal/core/block"
	"hirune/internal/core/report"
	"hirune/internal/edge/firewall"
)

func (a *app) blocksCmd() *cobra.Command {
	var f blockFlags
	var export string
	var check bool
	c := &cobra.Command{
		Use:   "blocks",
		Short: "List who is blocked, why, until when, and whether the kernel really refuses them",
		Long: `List who is blocked, why, until when, how many packets were refused, and whether the kernel really refuses them; with the command that takes it back.
--export writes the list for other programs: plain (a prefix a line), nginx, apache, nft. It is a copy: it does not age with the list.
--check compares the packet filter with the list and puts it right, as the recorder does twice a minute.
Exit codes: 0 nobody is blocked, 1 somebody is, 2 it could not be told, or a ban is not held.`,
		Example: `  sudo hirune blocks
  sudo hirune blocks --check
  sudo hirune blocks --export nginx > /etc/nginx/blocked.conf`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if export != "" && !slices.Contains(block.Formats(), export) {
				return usage(cmd, fmt.Sprintf("unknown format %q", export), "there are: "+strings.Join(block.Formats(), ", "))
			}
			if export != "" && (f.json || check) {
				return usage(cmd, "--export goes alone", "")
			}
			if err := checkLang(cmd, f.lang); err != nil {
				return err
			}
			return a.blocks(cmd.Context(), f, export, check)
		},
	}
	a.stateFlag(c, &f.state)
	a.configFlag(c, &f.config)
	a.langFlag(c, &f.lang)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, which is never translated")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "list all")
	c.Flags().StringVar(&export, "export", "", "write the list in a `FORMAT`: plain, nginx, apache or nft")
	c.Flags().BoolVar(&check, "check", false, "compare the packet filter with the list and put it right")
	_ = c.RegisterFlagCompletionFunc("export", cobra.FixedCompletions(block.Formats(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) blocks(ctx context.Context, f blockFlags, export string, check bool) error {
	if check {
		if err := a.machineOnly("blocks --check"); err != nil {
			return err
		}
	}
	w, err := a.blockade(ctx, f.config, f.state)
	if err != nil {
		return err
	}
	book, err := w.fold()
	if err != nil {
		return err
	}
	guarded, err := w.host.Find(ctx)
	if err != nil {
		return err
	}
	guarded = slices.Concat(guarded, book.Allowed)
	if export != "" {
		cover := block.Cover(book.Bans, guarded, block.LayerFirewall, a.now())
		if web := block.Cover(book.Bans, guarded, block.LayerWeb, a.now()); len(cover) == 0 {
			cover = web
		}
		text, _ := block.Export(cover, export)
		_, err := fmt.Fprint(a.out, text)
		return err
	}
	v := w.view(ctx, book, guarded, check)
	a.code = exitOfBlocks(v)
	if f.json {
		return report.BlocksJSON(a.out, v)
	}
	return report.BlocksText(a.out, v, a.look(f.lang, f.verbose))
}

// view asks the kernel about the bans of the book; with heal it first puts it right.
func (w *blockade) view(ctx context.Context, book block.Book, guarded []block.Protected, heal bool) report.Blocks {
	now := w.a.now()
	v := report.Blocks{At: now, Allowed: book.Allowed, Checked: heal}
	if heal {
		healed, _, err := w.hands().Heal(ctx)
		if err != nil {
			v.Unseen = err.Error()
		}
		v.Healed = healed.String()
	}
	cover := block.Cover(book.Bans, guarded, block.LayerFirewall, now)
	held, _, err := firewall.Filter{}.Read(ctx)
	if err == nil {
		var gap firewall.Gap
		if gap, err = w.hands().Layer.Check(ctx, cover, now); err == nil {
			v.Gap = gap.String()
		}
	}
	if err != nil && !errors.Is(err, firewall.ErrAbsent) || err != nil && len(book.Bans) > 0 {
		v.Unseen = err.Error()
	}
	for _, pieces := range grouped(book.Bans) {
		v.Bans = append(v.Bans, blocked(pieces, cover, held, err != nil))
	}
	w.viewWeb(ctx, &v, block.Cover(book.Bans, guarded, block.LayerWeb, now), heal)
	return v
}

// grouped puts the pieces of one candidate that was cut together.
func grouped(bans []block.Ban) [][]block.Ban {
	var out [][]block.Ban
	at := map[block.Ban]int{}
	for _, b := range bans {
		k := block.Ban{Prefix: b.Whole(), Layer: b.Layer, Since: b.Since, Run: b.Run, Trial: b.Trial}
		if i, ok := at[k]; ok {
			out[i] = append(out[i], b)
			continue
		}
		at[k] = len(out)
		out = append(out, []block.Ban{b})
	}
	return out
}

// blocked is a ban with what the kernel says of its pieces.
func blocked(pieces []block.Ban, cover []block.Piece, held []firewall.Held, unseen bool) report.Blocked {
	b := pieces[0]
	name := b.Whole().String()
	if b.Whole().IsSingleIP() {
		name = b.Whole().Addr().String()
	}
	out := report.Blocked{Ban: b, Pieces: len(pieces), Held: report.HeldYes, Packets: -1, Bytes: -1, Undo: "sudo hirune unblock " + name}
	if unseen || b.Layer != block.LayerFirewall {
		out.Held = report.HeldUnknown
		return out
	}
	mine := func(p netipx.IPRange) bool {
		return slices.ContainsFunc(pieces, func(b block.Ban) bool { return p.Overlaps(netipx.RangeOfPrefix(b.Prefix)) })
	}
	for _, p := range cover {
		if mine(netipx.RangeOfPrefix(p.Prefix)) && !firewall.Holds(held, p.Prefix) {
			out.Held = report.HeldNo
		}
	}
	for _, h := range held {
		if h.Packets >= 0 && mine(h.Range) {
			out.Packets, out.Bytes = max(out.Packets, 0)+h.Packets, max(out.Bytes, 0)+h.Bytes
		}
	}
	return out
}

// exitOfBlocks is 2 where the list does not say what holds.
func exitOfBlocks(v report.Blocks) int {
	switch {
	case v.Unseen != "" || v.Gap != "":
		return exitUnclear
	case len(v.Bans) > 0:
		return exitFound
	}
	return exitHealthy
}
