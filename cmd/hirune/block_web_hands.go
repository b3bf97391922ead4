package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/block"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/report"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/firewall"
	"hirune/internal/edge/webserver"
)

// webLayer refuses clients in the web servers that know them. The others are to
// hold no list, as they may from a time when they knew.
type webLayer struct {
	know   []webserver.Deny
	others []webserver.Deny
}

var _ firewall.Layer = webLayer{}

// webHands carry steps out in the web servers. lazy leaves what has run out in
// place for up to a minute.
func (w *blockade) webHands(lazy bool) firewall.Hands {
	var l webLayer
	st := standing{}
	w.judge(&st)
	for _, s := range w.found.WebServers {
		if s.Service != evidence.ServiceApache && s.Service != evidence.ServiceNginx {
			continue
		}
		d := denyOf(s, lazy)
		if slices.ContainsFunc(st.servers, func(k discover.WebServer) bool { return k.PID == s.PID }) {
			l.know = append(l.know, d)
		} else {
			l.others = append(l.others, d)
		}
	}
	return firewall.Hands{Book: w.book, Layer: l, Protected: w.host.Find, Now: w.a.now}
}

// Name implements firewall.Layer.
func (webLayer) Name() string { return block.LayerWeb }

// errNobodyKnows is what a ban in the web server meets where none knows its clients.
var errNobodyKnows = errors.New("no web server here knows its visitors' own addresses any more")

func (l webLayer) nobody(cover []block.Piece) error {
	if len(cover) == 0 || len(l.know) > 0 {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: %w", apply.ErrRefused, errNobodyKnows), "unknowing", "see what it needs: hirune block --plan ADDRESS")
}

// Apply implements firewall.Layer, one server after the other.
func (l webLayer) Apply(ctx context.Context, cover []block.Piece, _ time.Time) (firewall.Healed, error) {
	var out firewall.Healed
	errs := []error{l.nobody(cover)}
	for _, d := range l.know {
		got, err := d.Apply(ctx, prefixesOfCover(cover))
		errs = append(errs, err)
		out.Added, out.Removed = max(out.Added, got.Added), max(out.Removed, got.Removed)
		if got.Loaded {
			out.Rebuilt = "the running web server did not have the list"
		}
	}
	for _, d := range l.others {
		if _, err := d.Apply(ctx, nil); !unreachable(err) {
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

// Check implements firewall.Layer.
func (l webLayer) Check(ctx context.Context, cover []block.Piece, _ time.Time) (firewall.Gap, error) {
	var out firewall.Gap
	errs := []error{l.nobody(cover)}
	for _, d := range l.know {
		got, err := d.Check(ctx, prefixesOfCover(cover))
		errs = append(errs, err)
		out.Extra = max(out.Extra, got.Extra)
		if out.Broken == "" {
			out.Broken = got.Broken
		}
		for _, p := range cover {
			if slices.Contains(got.Missing, p.Prefix) && !slices.Contains(out.Missing, p) {
				out.Missing = append(out.Missing, p)
			}
		}
	}
	for _, d := range l.others {
		got, err := d.Check(ctx, nil)
		if !unreachable(err) {
			errs = append(errs, err)
		}
		out.Extra = max(out.Extra, got.Extra)
	}
	return out, errors.Join(errs...)
}

// unreachable reports whether a server that is to hold no list cannot hold one.
func unreachable(err error) bool {
	return err == nil || errors.Is(err, webserver.ErrNoPlace) || errors.Is(err, evidence.ErrAbsent)
}

func prefixesOfCover(cover []block.Piece) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range cover {
		out = append(out, p.Prefix)
	}
	return out
}

// allowEverywhere carries out remedy.AllowPrefixes in the packet filter, and has
// the web servers take it in at once.
type allowEverywhere struct {
	firewall.Allow
	web firewall.Hands
}

var _ apply.Doer = allowEverywhere{}

// Do implements apply.Doer.
func (d allowEverywhere) Do(ctx context.Context, s remedy.Step, w *apply.Work) error {
	if err := d.Allow.Do(ctx, s, w); err != nil {
		return err
	}
	return d.heal(ctx)
}

// Done implements apply.Doer.
func (d allowEverywhere) Done(ctx context.Context, s remedy.Step, state json.RawMessage) (apply.Answer, error) {
	return d.Allow.Done(ctx, s, state)
}

// Undo implements apply.Doer.
func (d allowEverywhere) Undo(ctx context.Context, s remedy.Step, w *apply.Work) error {
	if err := d.Allow.Undo(ctx, s, w); err != nil {
		return err
	}
	return d.heal(ctx)
}

func (d allowEverywhere) heal(ctx context.Context) error {
	if _, _, err := d.web.Heal(ctx); err != nil {
		return fmt.Errorf("take the list of those never blocked into the web server: %w", err)
	}
	return nil
}

// viewWeb adds what the web servers say of the bans that are theirs; with heal it
// first puts them right.
func (w *blockade) viewWeb(ctx context.Context, v *report.Blocks, cover []block.Piece, heal bool) {
	hands := w.webHands(false)
	if heal && w.a.euid == 0 {
		healed, _, err := hands.Heal(ctx)
		if err != nil {
			v.Unseen = joined(v.Unseen, err.Error())
		}
		v.Healed = joined(v.Healed, healed.String())
	}
	if len(cover) == 0 {
		return
	}
	gap, err := hands.Layer.Check(ctx, cover, v.At)
	if err != nil {
		v.Unseen = joined(v.Unseen, err.Error())
	} else if gap.Any() {
		v.Gap = joined(v.Gap, "in the web server: "+gap.String())
	}
	for i, b := range v.Bans {
		if b.Ban.Layer != block.LayerWeb || err != nil {
			continue
		}
		v.Bans[i].Held = report.HeldYes
		if gap.Broken != "" || slices.ContainsFunc(gap.Missing, func(p block.Piece) bool { return p.Prefix.Overlaps(b.Ban.Whole()) }) {
			v.Bans[i].Held = report.HeldNo
		}
	}
}

// joined are two remarks as one.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// saysWeb adds to a plan of bans what goes for the web server's layer.
func (st standing) saysWeb(p remedy.Plan) remedy.Plan {
	how, detail, _ := strings.Cut(st.why, " ")
	switch {
	case !st.proxied:
	case !p.Doable() && st.no.ID != "":
		p.Refused = append(p.Refused, st.no)
		p.Advice = append(p.Advice, st.advice...)
	case p.Doable():
		var names []string
		for _, s := range st.servers {
			names = append(names, s.Instance)
		}
		p.Says = slices.DeleteFunc(p.Says, func(s diagnose.Sentence) bool { return s.ID == "block-ports" }) // there are none here
		p.Says = append(p.Says, diagnose.Say("banweb-where", "servers", names, "proxied", how, "message", detail), diagnose.Say("banweb-ends"))
		for i := range p.Steps {
			p.Steps[i].Undo, p.Steps[i].Estimate.Takes, p.Steps[i].Estimate.TakesCapped = diagnose.Say("banweb-undo"), webTakes, webTakesCapped
		}
	}
	return p
}

// What a change of a web server's list takes: two tests of the configuration, a
// reload, and a page before and after, which under an attack may not come in time.
const (
	webTakes       = 2 * time.Second
	webTakesCapped = 30 * time.Second
)
