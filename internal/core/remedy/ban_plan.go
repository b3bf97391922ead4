package remedy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/core/diagnose"
)

// Remedies about who is refused. Nobody has diagnosed anything for them, so that
// they answer no finding and are not verified.
const (
	BlockClients  = "block-clients"
	UnblockClient = "unblock-clients"
	AllowClients  = "allow-clients"
)

// AcceptBroad is what the owner accepts for more bans, or wider ones, than the
// caps allow, and for a broad one that nobody can confirm.
const AcceptBroad = "broad"

// ConfirmFor is how long a broad ban lasts before somebody has said that he still
// gets in.
const ConfirmFor = 60 * time.Second

// Bans is what a plan of bans is made of besides the decision.
type Bans struct {
	Ports     []int
	Probes    []Probe
	Protected []block.Protected // all of them, of whom the owner's own are told
	ProxyWhy  string            // as in block.State
	Run       int               // of the journal, that the plan will have
	Confirm   bool              // somebody is there to confirm
	At        time.Time
}

// bansTold bounds what a plan lists.
const bansTold = 12

// BanPlan is the plan that carries a decision out. Where nobody is banned it is
// refused with the reasons.
func BanPlan(d block.Decision, in Bans) Plan {
	p := Plan{Remedy: BlockClients, At: in.At}
	var not []diagnose.Sentence
	for i, r := range d.Refused {
		if i == bansTold {
			not = append(not, diagnose.Say("block-not-more", "n", diagnose.Count(len(d.Refused)-i)))
			break
		}
		not = append(not, refusal(r, in.ProxyWhy))
		if r.Why == block.IsProxied { // all are
			break
		}
	}
	if len(d.Bans) == 0 {
		p.Refused = append(not, insteadOf(d.Refused)...)
		return p
	}
	s := BanPrefixes{Layer: d.Layer, Ports: in.Ports, Probes: in.Probes}
	for _, b := range d.Bans {
		b.Run = in.Run
		s.Bans = append(s.Bans, b)
	}
	risk := RiskLow
	if d.Broad {
		risk = RiskMedium
		if in.Confirm {
			s.Confirm = ConfirmFor
		}
	}
	p.Says = slices.Concat(bansSay(d), not, insteadOf(d.Refused), keptSay(d, in, s))
	p.Steps = []Planned{{ID: "1", Step: s, Estimate: Estimate{Rows: -1, Locks: diagnose.Say("block-locks-none"), Risk: risk}, Undo: diagnose.Say("block-undo")}}
	return p
}

// bansSay says who is refused, for how long and why.
func bansSay(d block.Decision) []diagnose.Sentence {
	var out []diagnose.Sentence
	whole := wholes(d.Bans)
	for _, b := range whole[:min(len(whole), bansTold)] {
		out = append(out, banSays(b))
	}
	if more := len(whole) - bansTold; more > 0 {
		out = append(out, diagnose.Say("block-more", "n", diagnose.Count(more)))
	}
	for _, s := range d.Split {
		if s.Around.Why != block.Private {
			out = append(out, diagnose.Say("block-split", "prefix", s.Candidate.String(), "around", short(s.Around.Prefix), "protected", s.Around.Why))
		}
	}
	return out
}

func banSays(b block.Ban) diagnose.Sentence {
	args := []any{"prefix", short(b.Whole()), "message", b.Why, "times", diagnose.Count(b.Level + 1)}
	if b.Level == 0 {
		args[len(args)-1] = diagnose.Count(-1) // the first time needs no word
	}
	if b.Until.IsZero() {
		return diagnose.Say("block-one-forever", args[:4]...)
	}
	return diagnose.Say("block-one", append(args, "length", b.Until.Sub(b.Since))...)
}

// keptSay says what stays open, and how a broad ban takes itself back.
func keptSay(d block.Decision, in Bans, s BanPrefixes) []diagnose.Sentence {
	ports := make([]string, 0, len(in.Ports))
	for _, n := range in.Ports {
		ports = append(ports, fmt.Sprint(n))
	}
	out := []diagnose.Sentence{diagnose.Say("block-ports", "ports", ports)}
	var you []string
	for _, p := range in.Protected {
		if (p.Why == block.SSHClient || p.Why == block.SSHPeer) && !slices.Contains(you, short(p.Prefix)) {
			you = append(you, short(p.Prefix))
		}
	}
	if len(you) > 0 {
		out = append(out, diagnose.Say("block-you", "addresses", you))
	}
	switch {
	case s.Confirm > 0:
		out = append(out, diagnose.Say("block-confirm", "length", s.Confirm))
	case d.Broad:
		out = append(out, diagnose.Say("block-broad", "name", AcceptBroad))
	}
	return out
}

// refusal says why a candidate is not banned.
func refusal(r block.Refused, proxyWhy string) diagnose.Sentence {
	prefix := short(r.Prefix)
	switch r.Why {
	case block.IsProtected:
		if r.Around != nil {
			return diagnose.Say("refused-block-protected", "prefix", prefix, "around", short(r.Around.Prefix), "protected", r.Around.Why)
		}
	case block.IsPrivate:
		return diagnose.Say("refused-block-private", "prefix", prefix)
	case block.BannedThere:
		return diagnose.Say("refused-block-there", "prefix", prefix)
	case block.CapHour:
		return diagnose.Say("refused-block-hour", "prefix", prefix, "most", diagnose.Count(block.HourMost))
	case block.CapSpace:
		return diagnose.Say("refused-block-space", "prefix", prefix)
	case block.TooWide:
		return diagnose.Say("refused-block-wide", "prefix", prefix)
	case block.IsProxied:
		how, detail, _ := strings.Cut(proxyWhy, " ")
		return diagnose.Say("refused-block-proxied", "proxied", how, "message", detail)
	case block.NothingSince:
		return diagnose.Say("refused-block-since", "prefix", prefix)
	}
	return diagnose.Say("refused-block-address", "prefix", prefix)
}

// insteadOf says what can be done instead, once for each reason.
func insteadOf(all []block.Refused) []diagnose.Sentence {
	instead := map[string]diagnose.Sentence{
		block.CapHour: diagnose.Say("instead-block-broad", "name", AcceptBroad), block.CapSpace: diagnose.Say("instead-block-broad", "name", AcceptBroad),
		block.TooWide: diagnose.Say("instead-block-limit"), block.IsProxied: diagnose.Say("instead-block-proxied"), block.BannedThere: diagnose.Say("instead-block-there"),
	}
	var out []diagnose.Sentence
	seen := map[string]bool{}
	for _, r := range all {
		if s, ok := instead[r.Why]; ok && !seen[s.ID] {
			seen[s.ID] = true
			out = append(out, s)
		}
	}
	return out
}

// LiftPlan is the plan that lets who is banned through again; a step for each
// layer.
func LiftPlan(bans []block.Ban, at time.Time) Plan {
	p := Plan{Remedy: UnblockClient, At: at}
	layers := map[string][]netip.Prefix{}
	for _, b := range bans {
		if !slices.Contains(layers[b.Layer], b.Prefix) {
			layers[b.Layer] = append(layers[b.Layer], b.Prefix)
		}
	}
	for _, layer := range []string{block.LayerFirewall, block.LayerWeb} {
		if len(layers[layer]) > 0 {
			p.Steps = append(p.Steps, Planned{ID: fmt.Sprint(len(p.Steps) + 1), Step: LiftBans{layer, layers[layer]},
				Estimate: Estimate{Rows: -1, Locks: diagnose.Say("block-locks-none"), Risk: RiskLow}, Undo: diagnose.Say("unblock-undo")})
		}
	}
	whole := wholes(bans)
	for i, b := range whole {
		if i == bansTold {
			p.Says = append(p.Says, diagnose.Say("unblock-more", "n", diagnose.Count(len(whole)-i)))
			break
		}
		p.Says = append(p.Says, diagnose.Say("unblock-one", "prefix", short(b.Whole()), "until", b.Until, "message", b.Why))
	}
	return p
}

// wholes has one ban for each candidate that was cut into pieces.
func wholes(bans []block.Ban) []block.Ban {
	seen := map[netip.Prefix]bool{}
	return slices.DeleteFunc(slices.Clone(bans), func(b block.Ban) bool {
		was := seen[b.Whole()]
		seen[b.Whole()] = true
		return was
	})
}

// AllowPlan is the plan that puts prefixes on the list of those never banned, or
// takes them off it. in are the bans in force that hold them.
func AllowPlan(s AllowPrefixes, in []block.Ban, at time.Time) Plan {
	p := Plan{Remedy: AllowClients, At: at}
	id := "allow-one"
	if s.Remove {
		id = "allow-remove"
	}
	for _, x := range s.Prefixes {
		p.Says = append(p.Says, diagnose.Say(id, "prefix", short(x)))
	}
	for _, b := range wholes(in) {
		if !s.Remove {
			p.Says = append(p.Says, diagnose.Say("allow-cut", "prefix", short(b.Whole())))
		}
	}
	p.Steps = []Planned{{ID: "1", Step: s, Estimate: Estimate{Rows: -1, Locks: diagnose.Say("block-locks-none"), Risk: RiskLow}, Undo: diagnose.Say("allow-undo")}}
	return p
}

// short leaves out the length of a single address.
func short(p netip.Prefix) string {
	if p.IsValid() && p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
