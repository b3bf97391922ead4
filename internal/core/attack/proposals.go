package attack

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
)

// Proposal is one thing that may be done about an attack, and where, or why it
// must not be.
type Proposal struct {
	ID       string // ProposeBan, …
	Layer    string // LayerFirewall, LayerWebServer, LayerEndpoint or LayerRateLimit
	Attack   string // id of the attack
	Bans     []BanProposal
	Spared   []Spared          // who took part and must not be banned
	Why      diagnose.Sentence // with the numbers
	Refused  diagnose.Sentence // the zero value: it may be done
	Optional bool              // nothing has to be done: the attack does no harm, or a better proposal comes before
	Command  string            // what to type, without sudo; "" where it is done by hand
}

// BanProposal is one prefix that may be refused for a while.
type BanProposal struct {
	Actor
	Why diagnose.Sentence
}

// Spared is an actor that must not be banned.
type Spared struct {
	Prefix netip.Prefix
	Why    string // SpareBot, …
}

// Ids of proposals.
const (
	ProposeBan   = "ban"            // ban who attacks by itself
	ProposeClose = "close-endpoint" // refuse the path to everybody that does not need it
	ProposeLimit = "rate-limit"     // let each address ask so often only
	ProposeRules = "crawler-rules"  // ask crawlers to stay away from a kind of page
	ProposeAgent = "refuse-agent"   // refuse what a program says of itself
)

// Layers of proposals.
const (
	LayerFirewall  = "firewall"
	LayerWebServer = "web-server"
	LayerEndpoint  = "endpoint"
	LayerRateLimit = "rate-limit"
)

// Why an actor is spared.
const (
	SpareBot     = "search-bot"    // it says to be a search engine, and is not known to lie
	SpareProxy   = "proxy"         // it stands in front of the web server, for all
	SparePrivate = "private"       // of the host or of a network that is not the Internet
	SpareVisitor = "looks-human"   // it read pages like a visitor, and guessed little
	SpareOver    = "over"          // it has stopped
	SpareSession = "admin-session" // an administrator is logged in from there
)

// ProposeIn is what proposals are made from.
type ProposeIn struct {
	Picture Picture
	BreakIn BreakIn
	Peers   Peers
	// Forgeable: the log's address can be written by the client, as
	// X-Forwarded-For is. Nobody is ever banned by it.
	Forgeable bool
	// Proxied: the web server takes the client's address from a proxy that it
	// trusts. The packet filter would see the proxy alone.
	Proxied bool
	// Away: the logs are of another machine.
	Away     bool
	Now      int64 // unix seconds; of logs from elsewhere their last line
	Admins   []netip.Addr
	Proxies  []netip.Prefix                     // of proxies and content networks
	Verified func(bot string, a netip.Addr) int // see Options
}

// Bounds of proposals.
const (
	overAfter   = int64(24 * time.Hour / time.Second) // who was quiet so long is not banned any more: somebody else may have the address
	bansMost    = 50
	spreadTop   = 5   // the busiest actors, which
	spreadShare = 0.5 // send less than this share of all in an attack by many
	spreadLeast = 20  // actors
	humanViews  = 5
	humanShare  = 0.2 // of its requests are pages: somebody who forgot a password
)

// Propose says for each attack what may be done, the better way first. It is
// silent about what does no harm and costs nothing to ignore.
func Propose(in ProposeIn) []Proposal {
	var out []Proposal
	told := map[netip.Prefix]bool{}
	for _, t := range in.Picture.Attacks {
		if in.Now-t.To > overAfter {
			continue
		}
		for _, p := range in.forAttack(t) {
			if in.urgent(p.Bans, told) {
				p.Optional, p.Command = false, in.blockAll(p.Bans)
			}
			out = append(out, p)
		}
	}
	return out
}

// urgent reports whether one of the prefixes has probably got in, and was not
// told before: whatever it costs, it has to be kept out.
func (in ProposeIn) urgent(bans []BanProposal, told map[netip.Prefix]bool) bool {
	some := false
	for _, b := range bans {
		if in.intruder(b.Prefix) && !told[b.Prefix] {
			some, told[b.Prefix] = true, true
		}
	}
	return some
}

// intruder reports whether evidence of a break-in names an address of a prefix.
func (in ProposeIn) intruder(p netip.Prefix) bool {
	return slices.ContainsFunc(in.BreakIn.Evidence, func(e Evidence) bool {
		a, err := netip.ParseAddr(e.Client)
		return err == nil && p.Contains(a.Unmap()) && (e.Weight == Confirmed || e.Weight == LikelyIn)
	})
}

func (in ProposeIn) forAttack(t Attack) []Proposal {
	k := stopOf(t.ID)
	noise := t.Verdict == Harmless && !k.guess && t.Severity < High && !slices.ContainsFunc(t.Actors, func(a Actor) bool { return in.intruder(a.Prefix) })
	if noise || k.only == ignore {
		return nil
	}
	var out []Proposal
	harmless := t.Verdict == Harmless
	ban := in.ban(t)
	if p, ok := in.instead(t, k); ok && (k.only != "" || Spread(t) || ban.Refused.ID != "") {
		p.Optional = harmless
		out = append(out, p)
	}
	if k.only != "" || len(ban.Bans) == 0 && ban.Refused.ID == "" {
		return out
	}
	if ban.Optional = harmless || len(out) > 0; ban.Optional && ban.Command != "" && !in.Away {
		ban.Command = "hirune block " + t.ID + " --plan" // without its name it would be left out
	}
	return append(out, ban)
}

// blockAll is the command for a ban that has to be. For another machine it names
// addresses: nothing is kept there that it could take.
func (in ProposeIn) blockAll(bans []BanProposal) string {
	if in.Away {
		return blockThese(bans)
	}
	return "hirune block --plan"
}

// blockMost is how many addresses a command names that is to be typed.
const blockMost = 3

// blockThese is the command for the first of the prefixes.
func blockThese(bans []BanProposal) string {
	words := []string{"hirune block"}
	for _, b := range bans[:min(len(bans), blockMost)] {
		if b.Prefix.IsSingleIP() {
			words = append(words, b.Prefix.Addr().String())
		} else {
			words = append(words, b.Prefix.String())
		}
	}
	return strings.Join(append(words, "--plan"), " ")
}

// Spread reports whether an attack is one of many that each do little: bans
// would chase them for ever.
func Spread(t Attack) bool {
	var top int64
	for _, a := range t.Actors[:min(len(t.Actors), spreadTop)] {
		if a.Fired {
			top += a.Attempts
		}
	}
	return t.ActorsTotal >= spreadLeast && (t.Cluster != nil || float64(top) < spreadShare*float64(t.Attempts))
}

// instead is what stops an attack whoever sends it.
func (in ProposeIn) instead(t Attack, k stop) (Proposal, bool) {
	p := Proposal{Attack: t.ID}
	said := []any{"attempts", diagnose.Count(t.Attempts), "clients", diagnose.Count(t.ActorsTotal)}
	switch {
	case k.only == ProposeAgent:
		p.ID, p.Layer, p.Why = ProposeAgent, LayerWebServer, diagnose.Say("propose-agent", said...)
	case k.only == ProposeRules:
		p.ID, p.Layer, p.Why = ProposeRules, LayerEndpoint, diagnose.Say("propose-rules", said...)
	case k.closes != "":
		p.ID, p.Layer, p.Command = ProposeClose, LayerEndpoint, "hirune plan "+k.closes
		p.Why = diagnose.Say("propose-close", append(said, "path", k.path)...)
	case k.limits:
		p.ID, p.Layer = ProposeLimit, LayerRateLimit
		path := k.path
		if path == "" && len(t.Paths) > 0 {
			path = t.Paths[0].Path
		}
		p.Why = diagnose.Say("propose-limit", append(said, "path", path)...)
		if k.limit != "" {
			p.Command = "hirune block rate-limit:" + k.limit + " --plan"
		}
	default:
		return p, false
	}
	return p, true
}

// ban proposes to refuse those who attack by themselves.
func (in ProposeIn) ban(t Attack) Proposal {
	p := Proposal{ID: ProposeBan, Layer: LayerFirewall, Attack: t.ID}
	if in.Proxied {
		p.Layer = LayerWebServer
	}
	var attempts int64
	for _, a := range t.Actors {
		if !a.Fired || len(p.Bans) >= bansMost {
			continue
		}
		if why := in.spare(t, a); why != "" {
			p.Spared = append(p.Spared, Spared{a.Prefix, why})
			continue
		}
		attempts += a.Attempts
		p.Bans = append(p.Bans, BanProposal{a, banWhy(t, a)})
	}
	if len(p.Bans)+len(p.Spared) == 0 {
		return p
	}
	p.Why = diagnose.Say("propose-ban", "n", diagnose.Count(len(p.Bans)), "attempts", diagnose.Count(attempts), "all", diagnose.Count(t.Attempts))
	p.Command = in.blockAll(p.Bans)
	if no := in.refusal(); no.ID != "" {
		p.Refused, p.Bans, p.Command = no, nil, ""
	} else if len(p.Bans) == 0 {
		p.Refused, p.Command = diagnose.Say("propose-all-spared", "n", diagnose.Count(len(p.Spared))), ""
	}
	return p
}

func banWhy(t Attack, a Actor) diagnose.Sentence {
	return diagnose.Say("propose-ban-why", "attempts", diagnose.Count(a.Attempts), "attack", t.ID, "from", time.Unix(a.From, 0), "to", time.Unix(a.To, 0))
}

// refusal is why nobody of this log may be banned, or the zero value.
func (in ProposeIn) refusal() diagnose.Sentence {
	switch {
	case in.Forgeable:
		return diagnose.Say("propose-forgeable")
	case len(in.Peers.Proxies) > 0:
		return diagnose.Say("propose-proxy", "share", diagnose.Share01(in.Peers.Share), "client", in.Peers.Proxies[0].String())
	case in.Peers.Unnamed > unnamedTooMany:
		return diagnose.Say("propose-unnamed", "share", diagnose.Share01(in.Peers.Unnamed))
	}
	return diagnose.Sentence{}
}

// spare says why an actor must not be banned, or "".
func (in ProposeIn) spare(t Attack, a Actor) string {
	switch {
	case near(a.Prefix.Addr()):
		return SparePrivate
	case slices.ContainsFunc(in.Proxies, a.Prefix.Overlaps), slices.ContainsFunc(in.Peers.Shared, a.Prefix.Contains):
		return SpareProxy
	case a.Bot != "" && (in.Verified == nil || in.Verified(a.Bot, a.Prefix.Addr()) >= 0):
		return SpareBot
	case slices.ContainsFunc(in.Admins, a.Prefix.Contains):
		return SpareSession
	case in.Now-a.To > overAfter:
		return SpareOver
	case stopOf(t.ID).guess && a.Views >= humanViews && float64(a.Views) > humanShare*float64(a.Attempts+a.Views):
		return SpareVisitor
	}
	return ""
}

// Hurts reports whether an attack of the picture costs more than noise does.
func (p Picture) Hurts() bool {
	return slices.ContainsFunc(p.Attacks, func(t Attack) bool { return t.Verdict == Hurts })
}
