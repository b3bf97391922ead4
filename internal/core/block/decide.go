package block

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// From when on a decision is broad: wider than the network of one company, or
// more clients than anybody looks through.
const (
	broad4    = 24
	broad6    = 48
	broadBans = 50
)

// Decide says who of the candidates is banned, for how long, and who is not and
// why. Who has tried most comes first. A protected address is never banned: what
// holds one is cut around it.
func Decide(candidates []Candidate, s State) Decision {
	d := deciding{State: s, Decision: Decision{Layer: LayerFirewall}}
	if s.Proxied {
		d.Layer = LayerWeb
	}
	sorted := slices.Clone(candidates)
	slices.SortStableFunc(sorted, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), a.Prefix.Bits()-b.Prefix.Bits(), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	d.count()
	for _, c := range sorted {
		c.Prefix = widened(plain(c.Prefix))
		if why, around := d.refuses(c); why != "" {
			d.Refused = append(d.Refused, Refused{c.Prefix, why, around})
			continue
		}
		d.ban(c)
	}
	d.Decision.Broad = d.Decision.Broad || d.fresh > broadBans
	return d.Decision
}

// deciding is one decision under way.
type deciding struct {
	State
	Decision
	hour  int     // bans of the last hour, each counted as its owner asked for it
	fresh int     // candidates that are banned now
	space float64 // that all bans take, in parts of the most
}

// count sums what the bans so far have used up of the caps.
func (d *deciding) count() {
	seen := map[Ban]bool{}
	for _, b := range slices.Concat(d.State.Bans, d.Past) {
		whole := Ban{Prefix: b.Whole(), Since: b.Since}
		if !b.Trial && !seen[whole] && d.Now.Sub(b.Since) < time.Hour {
			d.hour++
		}
		seen[whole] = true
	}
	for _, b := range d.State.Bans {
		if p := plain(b.Prefix); p.IsValid() {
			d.space += space(p)
		}
	}
}

// refuses says why a candidate is not banned; "" if it is.
func (d *deciding) refuses(c Candidate) (string, *Protected) {
	switch {
	case !c.Prefix.IsValid():
		return NoAddress, nil
	case d.Proxied && !d.Web:
		return IsProxied, nil
	}
	if p := d.holder(c.Prefix); p != nil {
		if p.Why == Private {
			return IsPrivate, nil
		}
		return IsProtected, p
	}
	switch {
	case tooWide(c.Prefix):
		return TooWide, nil
	case d.there(c):
		return BannedThere, nil
	case d.nothingSince(c):
		return NothingSince, nil
	case d.hour >= HourMost && !d.State.Broad:
		return CapHour, nil
	case d.space+space(c.Prefix) > 1 && !d.State.Broad:
		return CapSpace, nil
	}
	return "", nil
}

func tooWide(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < widest4
	}
	return p.Bits() < widest6
}

// holder is who is protected and has all of the prefix; nil: nobody.
func (d *deciding) holder(p netip.Prefix) *Protected {
	for _, q := range slices.Concat(d.Protected, reserved) {
		if r := q.Range(); r.IsValid() && within(p, r) {
			return &q
		}
	}
	return nil
}

// there reports whether the candidate is banned for as long already.
func (d *deciding) there(c Candidate) bool {
	want := Ban{Until: d.until(c, 0)}
	byHand := c.For > 0 || c.Forever
	enough := func(b Ban) bool {
		if b.Trial || b.Layer != d.Layer || !b.InForce(d.Now) || !within(c.Prefix, plain(b.Whole())) {
			return false
		}
		return !byHand || b.Outlasts(want)
	}
	return slices.ContainsFunc(d.State.Bans, enough) || slices.ContainsFunc(d.Decision.Bans, enough)
}

// nothingSince reports whether the candidate has done nothing since a ban of it
// ended. What it was refused meanwhile is our own doing.
func (d *deciding) nothingSince(c Candidate) bool {
	return !c.Last.IsZero() && slices.ContainsFunc(d.Past, func(b Ban) bool {
		return within(c.Prefix, plain(b.Whole())) && !c.Last.After(b.Until)
	})
}

// ban takes a candidate in, cut around the protected addresses within it.
func (d *deciding) ban(c Candidate) {
	var holes []netip.Prefix
	persons := false
	for _, q := range slices.Concat(d.Protected, reserved) {
		if r := q.Range(); r.IsValid() && within(r, c.Prefix) {
			holes = append(holes, r)
			persons = persons || q.person()
			d.Split = append(d.Split, Split{c.Prefix, q})
		}
	}
	level := d.level(c.Prefix)
	b := Ban{Layer: d.Layer, Since: d.Now, Until: d.until(c, level), Level: level, Attack: cmp.Or(c.Attack, AttackByHand), Why: c.Why, By: cmp.Or(d.By, ByOwner)}
	pieces := without(c.Prefix, holes)
	if len(pieces) == 0 { // several who are protected have all of it
		d.Refused = append(d.Refused, Refused{Prefix: c.Prefix, Why: IsProtected, Around: &d.Split[len(d.Split)-1].Around})
		return
	}
	for _, p := range pieces {
		b.Prefix, b.Of = p, netip.Prefix{}
		if len(holes) > 0 {
			b.Of = c.Prefix
		}
		d.Decision.Bans = append(d.Decision.Bans, b)
	}
	d.hour++
	d.fresh++
	d.space += space(c.Prefix)
	d.Decision.Broad = d.Decision.Broad || persons || c.Prefix.Addr().Is4() && c.Prefix.Bits() < broad4 || c.Prefix.Addr().Is6() && c.Prefix.Bits() < broad6
}

// until is the end of a ban; zero: for ever, which only the owner can ask for.
func (d *deciding) until(c Candidate, level int) time.Time {
	switch {
	case c.Forever && d.By != ByRecorder:
		return time.Time{}
	case c.For > 0:
		return d.Now.Add(c.For)
	}
	return d.Now.Add(steps[min(level, len(steps)-1)])
}

// steps are how long somebody is banned the first time, the second, and so on.
var steps = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// Memory is how long after its end a ban makes the next one longer.
const Memory = 30 * 24 * time.Hour

// level is how often the prefix, or a part of it, was banned before, of late.
func (d *deciding) level(p netip.Prefix) int {
	level := 0
	for _, b := range d.Past {
		if !b.Trial && d.Now.Sub(b.Until) < Memory && plain(b.Prefix).Overlaps(p) {
			level = max(level, b.Level+1)
		}
	}
	return level
}
