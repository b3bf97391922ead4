package attack

import (
	"net/netip"
	"time"

	"hirune/internal/core/diagnose"
)

// sessions joins who is logged in with who attacks.
func (j *inquiry) sessions(s Site) {
	type whose struct {
		user string
		unit unit
	}
	best := map[whose]Evidence{}
	var order []whose
	hidden := 0
	for _, x := range s.Sessions {
		if j.nobodys(x.Client) {
			hidden++
		}
		e := j.session(s, x)
		if e.Weight == NothingFound {
			continue
		}
		k := whose{x.User, unitOf(x.Client)}
		old, seen := best[k]
		if !seen {
			order = append(order, k)
		}
		if !seen || weights[e.Weight] > weights[old.Weight] || e.Weight == old.Weight && e.At < old.At {
			best[k] = e
		}
	}
	for _, k := range order {
		j.tell(best[k], true)
	}
	if hidden > 0 && hidden == len(s.Sessions) {
		j.blind("sessions", "the site sees its visitors under the address of a proxy, so an attacker's session looks like everybody's")
	}
}

// session is the evidence of one session; its weight is NothingFound where it
// speaks for nothing.
func (j *inquiry) session(s Site, x Session) Evidence {
	e := Evidence{ID: "session-of-attacker", Weight: NothingFound, At: x.Since.Unix(), User: x.User, Do: diagnose.Say("do-end-sessions", "user", x.User)}
	if !x.Client.IsValid() {
		return e
	}
	e.Client = x.Client.String()
	who := j.suspects[unitOf(x.Client)]
	if who == nil || who.dense() < guessesSome && who.exploits == 0 && who.crowd == 0 {
		return j.nearSession(s, x, e)
	}
	e.Say = diagnose.Say("in-session", "user", x.User, "address", e.Client, "attempts", diagnose.Count(who.guesses), "since", x.Since)
	older := !who.from.IsZero() && x.Since.Before(who.from.Add(-clockSlack))
	switch {
	case older && j.fromStart(who) && who.dense() >= guessesSure && !j.nobodys(x.Client) && !who.app:
		e.Weight = LookAtThis // nobody knows which came first
	case older: // it is no fruit of what came after it
	case who.dense() < guessesSome && who.crowd > 0:
		e.Weight = LookAtThis
		if j.nobodys(x.Client) || workedFrom(s, x.Client, who.from) || sharedPlace(s, x.Client) {
			e.Weight = NothingFound
		}
		e.Say = diagnose.Say("in-session-crowd", "user", x.User, "address", e.Client, "addresses", diagnose.Count(who.crowd), "since", x.Since)
	case who.dense() < guessesSome:
		e.Weight = j.exploiter(s, x, who)
		e.Say = diagnose.Say("in-session-exploit", "user", x.User, "address", e.Client, "attempts", diagnose.Count(who.exploits), "since", x.Since)
	default:
		e.Weight = j.guessed(s, x.Client, who, x.Since)
	}
	if e.Weight == LookAtThis {
		e.Do = diagnose.Say("do-ask-user", "user", x.User)
	}
	return e
}

// guessed is what a right password speaks for after so many wrong ones from the
// same address.
func (j *inquiry) guessed(s Site, a netip.Addr, who *prowler, at time.Time) BreakInStatus {
	from := who.from
	if from.IsZero() {
		from = at
	}
	out := sureness(who.dense())
	switch {
	case j.nobodys(a):
		return ifEnough(who.dense(), guessesSure, LookAtThis)
	case workedFrom(s, a, from):
		return ifEnough(who.dense(), guessesHome, LookAtThis)
	case who.app:
		return ifEnough(who.dense(), guessesHome, LookAtThis)
	case sharedPlace(s, a):
		out = ifEnough(who.dense(), guessesSure, LikelyIn)
	}
	if !who.to.IsZero() && at.Sub(who.to) > lateFor {
		out = weaker(out, LookAtThis)
	}
	return out
}

func ifEnough(n, least int64, then BreakInStatus) BreakInStatus {
	if n < least {
		return NothingFound
	}
	return then
}

// exploiter: an address that tried holes and is logged in. An owner who tests his
// own site does that, too.
func (j *inquiry) exploiter(s Site, x Session, who *prowler) BreakInStatus {
	if j.nobodys(x.Client) || workedFrom(s, x.Client, who.from) || who.exploits < guessesSome {
		return NothingFound
	}
	return LookAtThis
}

// fromStart reports whether the attempts may have begun before the logs do.
func (j *inquiry) fromStart(who *prowler) bool {
	return !who.from.IsZero() && who.from.Sub(atUnix(j.p.From)) < time.Hour
}

// nearSession: an administrator who came in, while others of the same network
// guessed, from where nobody of the site ever came.
func (j *inquiry) nearSession(s Site, x Session, e Evidence) Evidence {
	if !x.IsAdmin || j.nobodys(x.Client) || j.neighbour(s, x) {
		return e
	}
	var net netip.Prefix
	var worst prowler
	for p, n := range j.nets {
		during := !n.from.IsZero() && !x.Since.Before(n.from.Add(-clockSlack)) && x.Since.Before(n.to.Add(time.Hour))
		if p.Contains(x.Client) && during && n.dense() >= guessesSure && (n.guesses > worst.guesses || n.guesses == worst.guesses && p.Bits() > net.Bits()) {
			net, worst = p, *n
		}
	}
	if worst.guesses == 0 {
		return e
	}
	e.Weight, e.Do = LookAtThis, diagnose.Say("do-ask-user", "user", x.User)
	e.Say = diagnose.Say("in-session-near", "user", x.User, "address", e.Client, "network", net.String(), "attempts", diagnose.Count(worst.guesses), "since", x.Since)
	return e
}

// neighbour reports whether somebody of the site came from the network around a
// session at another time: a provider gives its customers new addresses.
func (j *inquiry) neighbour(s Site, x Session) bool {
	net := unitOf(x.Client).parents()[len(unitOf(x.Client).parents())-1]
	if workedFrom(s, x.Client, x.Since) {
		return true
	}
	for _, o := range s.Sessions {
		if o.Client.IsValid() && net.Contains(o.Client) && o.Since.Before(x.Since.Add(-clockSlack)) {
			return true
		}
	}
	for _, k := range s.Keys {
		if k.LastIP.IsValid() && net.Contains(k.LastIP) {
			return true
		}
	}
	return false
}

// keys joins who uses application passwords with who attacks. WordPress notes the
// use once a day, so it may have been before the attempts of that day.
func (j *inquiry) keys(s Site) {
	for _, k := range s.Keys {
		who := (*prowler)(nil)
		if k.LastIP.IsValid() {
			who = j.suspects[unitOf(k.LastIP)]
		}
		if who == nil || k.LastUsed.IsZero() || k.LastUsed.Before(who.from.Add(-clockSlack)) {
			continue
		}
		w := j.guessed(s, k.LastIP, who, k.LastUsed)
		if w == NothingFound || who.dense() < guessesSure {
			continue // a program that was told a wrong one, and then the right one
		}
		j.tell(Evidence{
			ID: "key-of-attacker", Weight: weaker(w, LikelyIn), At: k.LastUsed.Unix(), Client: k.LastIP.String(), User: k.User,
			Say: diagnose.Say("in-key", "user", k.User, "key", k.Name, "address", k.LastIP.String(), "attempts", diagnose.Count(who.guesses), "at", k.LastUsed),
			Do:  diagnose.Say("do-revoke-key", "user", k.User, "key", k.Name),
		}, true)
	}
}

// audits looks for log-ins behind failed ones in the logs of security plugins.
func (j *inquiry) audits(s Site) {
	for _, a := range s.Audits {
		if a.Succeeded == 0 || !a.Client.IsValid() {
			continue
		}
		at := a.First
		if at.IsZero() {
			at = a.At
		}
		who := prowler{guesses: a.Before, to: at}
		if known := j.suspects[unitOf(a.Client)]; known != nil {
			who.app, who.from = known.app, known.from
		}
		if who.from.IsZero() || who.from.After(at) {
			who.from = at
		}
		w := j.guessed(without(s, a), a.Client, &who, at)
		e := Evidence{
			ID: "audit-success", Weight: w, Client: a.Client.String(), User: a.User,
			Say: diagnose.Say("in-audit", "plugin", a.Plugin, "user", a.User, "address", a.Client.String(), "attempts", diagnose.Count(a.Before), "at", at),
			Do:  diagnose.Say("do-end-sessions", "user", a.User),
		}
		if !at.IsZero() {
			e.At = at.Unix()
		}
		if w == LookAtThis {
			e.Do = diagnose.Say("do-ask-user", "user", a.User)
		}
		j.tell(e, true)
	}
}

// without leaves out what an audit row says of itself: it is no witness for its
// own address.
func without(s Site, a Audit) Site {
	out := s
	out.Audits = nil
	for _, o := range s.Audits {
		if o.Plugin != a.Plugin || o.Client != a.Client {
			out.Audits = append(out.Audits, o)
		}
	}
	return out
}
