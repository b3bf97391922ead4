package siege

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// answer is what the lab reads of `attacks --json`; whatever else is there is left alone.
type answer struct {
	Schema int `json:"schema"`
	Logs   []struct {
		Path     string `json:"path"`
		Lines    int64  `json:"lines"`
		Rejected int64  `json:"rejected_lines"`
	} `json:"logs"`
	Attacks []attackSaid `json:"attacks"`
	BreakIn struct {
		Status   string `json:"status"`
		Evidence []struct {
			ID     string `json:"id"`
			Client string `json:"client"`
			Path   string `json:"path"`
		} `json:"evidence"`
	} `json:"break_in"`
	Proposals []struct {
		ID       string   `json:"id"`
		Layer    string   `json:"layer"`
		Prefixes []string `json:"prefixes"`
	} `json:"proposals"`
}

type attackSaid struct {
	ID     string `json:"id"`
	Actors []struct {
		Prefix   netip.Prefix `json:"prefix"`
		Attempts int64        `json:"attempts"`
	} `json:"actors"`
	ActorsTotal int64           `json:"actors_total"`
	Attempts    int64           `json:"attempts"`
	Paths       json.RawMessage `json:"paths"`
	Verdict     string          `json:"verdict"`
	Harm        struct {
		WorkerTime *float64 `json:"worker_time"`
		Requests   *float64 `json:"requests"`
	} `json:"harm"`
}

// on reports whether the attack is about an endpoint.
func (a attackSaid) on(endpoint string) bool { return strings.Contains(string(a.Paths), endpoint) }

// by is the attempts of one address as told; -1 if it is not named.
func (a attackSaid) by(who netip.Addr) int64 {
	for _, x := range a.Actors {
		if x.Prefix.Contains(who) {
			return x.Attempts
		}
	}
	return -1
}

// ask runs the verb as the owner would.
func (s *siege) ask(ctx context.Context, a *Act) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	var told answer
	r, err := s.program.Run(ctx, "attacks", "--since", "1h", "--json")
	if err != nil {
		return told, err
	}
	if err := r.Keep(s.opt.Out, "attacks-"+strings.ReplaceAll(a.Name, " ", "-")+".json"); err != nil {
		return told, err
	}
	if err := json.Unmarshal(r.Out, &told); err != nil {
		return told, fmt.Errorf("hirune attacks: exit %d: %w: %s", r.Exit, err, r.Err)
	}
	a.Exit, a.BreakIn = r.Exit, told.BreakIn.Status
	for _, x := range told.Attacks {
		a.Attacks[x.ID] = x.Verdict
		for _, e := range []string{xmlrpcPath, loginPath} {
			if x.on(e) {
				a.Said[e] += x.Attempts
			}
		}
	}
	if told.Schema != 1 || len(told.Logs) == 0 {
		a.wrong("schema %d with %d logs, want 1 with the site's log", told.Schema, len(told.Logs))
	}
	for _, l := range told.Logs {
		if l.Rejected > 0 {
			a.wrong("%d of %d lines of %s were rejected", l.Rejected, l.Lines, l.Path)
		}
	}
	return told, nil
}

// nobodyAccused holds after a time in which the site was only used.
func nobodyAccused(a *Act, told answer) {
	for _, x := range told.Attacks {
		a.wrong("%s: %d attempts by %d are alleged, and there were none", x.ID, x.Attempts, x.ActorsTotal)
	}
	if told.BreakIn.Status != "nothing_found" {
		a.wrong("break-in %s, want nothing_found: %v", told.BreakIn.Status, told.BreakIn.Evidence)
	}
	if len(told.Proposals) > 0 || a.Exit != 0 {
		a.wrong("%d proposals and exit %d, want none and 0", len(told.Proposals), a.Exit)
	}
}

// within is how far a number of attempts may be off.
const within = 0.02

func near(got int64, want int) bool {
	return math.Abs(float64(got-int64(want))) <= within*float64(want)
}

// attacksFound holds after the floods: each endpoint's attempts, the one address, and the many.
func attacksFound(a *Act, told answer) {
	for endpoint, lone := range map[string]netip.Addr{xmlrpcPath: xmlrpcOne, loginPath: loginOne} {
		one, all := a.Sent[endpoint+byOne], a.Sent[endpoint+byOne]+a.Sent[endpoint+byMany]
		if !near(a.Said[endpoint], all) {
			a.wrong("%s: %d attempts told, %d were made", endpoint, a.Said[endpoint], all)
		}
		said, many := int64(-1), int64(0)
		for _, x := range told.Attacks {
			if x.on(endpoint) {
				said, many = max(said, x.by(lone)), max(many, x.ActorsTotal)
			}
		}
		if !near(said, one) {
			a.wrong("%s: %d attempts of %s told, %d were made", endpoint, said, lone, one)
		}
		if took := a.Sent[endpoint+addresses]; many < int64(took)*95/100 {
			a.wrong("%s: %d addresses told, %d took part", endpoint, many, took)
		}
	}
	for _, x := range told.Attacks {
		for _, who := range x.Actors {
			if slices.ContainsFunc(innocent, who.Prefix.Overlaps) {
				a.wrong("%s accuses %s, who only used the site", x.ID, who.Prefix)
			}
		}
	}
	for _, p := range told.Proposals {
		for _, prefix := range p.Prefixes {
			q, err := netip.ParsePrefix(prefix)
			if err != nil || slices.ContainsFunc(innocent, q.Overlaps) {
				a.wrong("%s would block %s", p.ID, prefix)
			}
		}
	}
	if told.BreakIn.Status != "nothing_found" {
		a.wrong("break-in %s, want nothing_found: %v", told.BreakIn.Status, told.BreakIn.Evidence)
	}
}

// breakInFound holds once an attacker has the owner's password.
func breakInFound(a *Act, told answer) {
	if told.BreakIn.Status != "confirmed" {
		a.wrong("break-in %s, want confirmed", told.BreakIn.Status)
	}
	for _, e := range told.BreakIn.Evidence {
		if p, err := netip.ParsePrefix(e.Client); err == nil && p.Contains(intruder) || e.Client == intruder.String() {
			return
		}
	}
	a.wrong("no evidence names %s: %v", intruder, told.BreakIn.Evidence)
}

// shellFound holds once a file of PHP answers where none belongs.
func shellFound(a *Act, told answer) {
	for _, e := range told.BreakIn.Evidence {
		if strings.Contains(e.Path, shellName) {
			return
		}
	}
	a.wrong("no evidence names %s: %v", shellName, told.BreakIn.Evidence)
}
