package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/block"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/collect/collectors"
	"hirune/internal/edge/discover"
	"hirune/internal/edge/protect"
)

// guardRecent is how long ago the last attempt may be of who is banned by the
// recorder: who has stopped needs no ban.
const guardRecent = 2 * time.Minute

// attackers are whom the proposals of a siege would ban, and who attack now.
func attackers(s collectors.Siege, verified func(bot string, a netip.Addr) int) []block.Candidate {
	in := attack.ProposeIn{Picture: s.Picture, Peers: s.Peers, Now: s.At.Unix(), Verified: verified}
	in.Proxies, _ = protect.Cloudflare()
	all := attack.Propose(in)
	seen := map[netip.Prefix]bool{}
	var out []block.Candidate
	for _, p := range all {
		if !worthABan(p, all) {
			continue
		}
		for _, b := range p.Bans {
			if last := time.Unix(b.To, 0); s.At.Sub(last) <= guardRecent && !seen[b.Prefix] {
				seen[b.Prefix] = true
				out = append(out, block.Candidate{Prefix: b.Prefix, Attack: p.Attack, Attempts: b.Attempts, Last: last, Why: whyBanned(p.Attack, b)})
			}
		}
	}
	return out
}

// worthABan reports whether a proposal is a ban, and the best that can be done
// about the attack. A ban of who guesses passwords is, although it costs nothing.
func worthABan(p attack.Proposal, all []attack.Proposal) bool {
	better := slices.ContainsFunc(all, func(o attack.Proposal) bool { return o.Attack == p.Attack && o.ID != attack.ProposeBan })
	return p.ID == attack.ProposeBan && p.Refused.ID == "" && !better
}

func whyBanned(id string, b attack.BanProposal) string {
	return fmt.Sprintf("%s at %s from %s to %s", count(int(b.Attempts), "attempt"), id, stamp(time.Unix(b.From, 0)), stamp(time.Unix(b.To, 0)))
}

// whoseWord says why the clients of the logs cannot be banned, or "": a log has
// them from a proxy, or from what clients say themselves. All logs are counted
// together, so one of them is enough.
func whoseWord(found *discover.Found) string {
	for _, w := range found.WebServers {
		if w.Behind != "" {
			continue // its log is not counted
		}
		for _, l := range w.AccessLogs {
			if l.Proxy != nil {
				return "the log " + l.Path + " has its clients from a proxy (" + l.Proxy.Header + ")"
			}
			for _, f := range append([]string{l.Format}, l.Formats...) {
				if c, err := accesslog.Compile(f); err == nil && c.ForwardedOnly() {
					return "the log " + l.Path + " names clients by what they say themselves"
				}
			}
		}
	}
	return ""
}
