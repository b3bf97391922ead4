package attack

import (
	"net/netip"

	"hirune/internal/core/diagnose"
)

// xmlrpcSure is how many answers of the one size make another size a log-in:
// errors of the server have other sizes, too.
const xmlrpcSure = 50

// logins weighs what looks in the log like a log-in after failed ones. That
// alone is never certain: the log does not hold the answer itself.
func (j *inquiry) logins() {
	for _, l := range j.p.Logins {
		e := Evidence{At: l.At, Client: l.Client.String(), Weight: NothingFound}
		at := atUnix(l.At)
		args := []any{"address", e.Client, "attempts", diagnose.Count(l.Failures), "at", at}
		who := j.suspects[unitOf(l.Client)]
		switch {
		case !l.Client.IsValid() || jetpackNet.Contains(l.Client):
			continue
		case l.Way == "xmlrpc":
			e.ID, e.Say, e.Do = "xmlrpc-success", diagnose.Say("in-xmlrpc", args...), diagnose.Say("do-check-keys")
			if e.Weight = ifEnough(l.Failures, guessesSure, LookAtThis); l.Failures >= xmlrpcSure {
				e.Weight = LikelyIn
			}
		case l.Admin && l.Uploads > 0:
			e.ID, e.Say, e.Do = "login-after-failures", diagnose.Say("in-login-installs", append(args, "posts", diagnose.Count(l.Uploads))...), diagnose.Say("do-check-all")
			e.Weight = weaker(sureness(l.Failures), LikelyIn)
		case l.Admin:
			e.ID, e.Say, e.Do = "login-after-failures", diagnose.Say("in-login-admin", args...), diagnose.Say("do-check-all")
			e.Weight = weaker(sureness(l.Failures), LikelyIn)
		default:
			e.ID, e.Say, e.Do = "login-after-failures", diagnose.Say("in-login", args...), diagnose.Say("do-check-all")
			e.Weight = ifEnough(l.Failures, guessesSure, LookAtThis)
		}
		if l.Failures < guessesMany {
			continue // a forgotten password; the log does not know whose address it is
		}
		e.Weight = j.atHome(l, who, e.Weight)
		if !j.saysSession(l.Client) { // the session says the same, and for certain
			j.tell(e, true)
		}
	}
}

// atHome weighs less where people of the site come from.
func (j *inquiry) atHome(l Login, who *prowler, w BreakInStatus) BreakInStatus {
	from := atUnix(l.At)
	if who != nil && !who.from.IsZero() {
		from = who.from
	}
	for _, s := range j.sites {
		switch {
		case workedFrom(s, l.Client, from):
			return weaker(w, ifEnough(l.Failures, guessesHome, LookAtThis))
		case sharedPlace(s, l.Client):
			return weaker(w, ifEnough(l.Failures, guessesSure, LookAtThis))
		}
	}
	if j.nobodys(l.Client) || who != nil && who.app {
		return weaker(w, LookAtThis)
	}
	return w
}

func (j *inquiry) saysSession(a netip.Addr) bool {
	for _, e := range j.out {
		c, err := netip.ParseAddr(e.Client)
		if e.ID == "session-of-attacker" && err == nil && unitOf(c) == unitOf(a) && e.Weight == Confirmed {
			return true
		}
	}
	return false
}

// clues weighs files that answered and should perhaps not have, by what the
// files are.
func (j *inquiry) clues() {
	for _, c := range j.p.Clues {
		f, known := j.asked(c.Path)
		e := Evidence{ID: c.ID, At: c.At, Path: c.Path, Weight: LookAtThis, Do: diagnose.Say("do-remove-file", "file", c.Path)}
		if c.Client.IsValid() {
			e.Client = c.Client.String()
		}
		e.Say = diagnose.Say("in-answered", "path", c.Path, "requests", diagnose.Count(c.Count), "posts", someOrNone(c.Posts), "at", atUnix(c.At))
		switch {
		case c.ID == "leaked-file":
			if c.Bytes == 0 {
				continue
			}
			e.Say = diagnose.Say("in-leaked", "path", c.Path, "size", diagnose.Bytes(c.Bytes), "requests", diagnose.Count(c.Count), "at", atUnix(c.At))
			e.Do = diagnose.Say("do-change-leaked", "path", c.Path)
		case !known:
			if c.ID == "php-in-uploads" && c.Posts > 0 && len(j.sites) == 0 {
				e.Weight = LikelyIn // the file cannot be looked at; somebody sent it something, and it took it
			}
		default:
			e.Weight = j.answered(c, f)
			if f.Does == DoesCommands {
				e.Say = diagnose.Say("in-shell-answered", "path", c.Path, "requests", diagnose.Count(c.Count), "posts", someOrNone(c.Posts), "at", atUnix(c.At))
			}
			if f.Does == DoesGone {
				e.Say = diagnose.Say("in-answered-gone", "path", c.Path, "requests", diagnose.Count(c.Count), "posts", someOrNone(c.Posts), "at", atUnix(c.At))
				e.Do = diagnose.Say("do-check-all")
			}
		}
		j.tell(e, true)
	}
}

// positive is a number that is left out of a sentence where it is none.
func someOrNone(n int64) diagnose.Count {
	if n <= 0 {
		return -1
	}
	return diagnose.Count(n)
}

// answered weighs a file that is known.
func (j *inquiry) answered(c Clue, f File) BreakInStatus {
	stray := c.ID == "php-in-uploads"
	fresh := !f.Changed.IsZero() && f.Changed.After(atUnix(j.p.From).Add(-clockSlack))
	switch f.Does {
	case DoesNothing:
		return NothingFound
	case DoesCommands:
		if stray || c.ID == "shell-answered" {
			return Confirmed
		}
		if f.Together > loneFiles {
			return NothingFound // it came with a whole plugin
		}
		return LikelyIn
	case DoesSome:
		switch {
		case stray:
			return LikelyIn
		case f.Together > loneFiles:
			return NothingFound
		case fresh && c.Posts > 0:
			return LikelyIn
		case c.ID == "new-php" && !fresh:
			return NothingFound // it was there before, and nobody had asked for it
		}
		return LookAtThis
	case DoesGone:
		if c.ID == "new-php" {
			return ifEnough(c.Posts, 1, LookAtThis) // the site itself may answer for a file that never was
		}
		return LookAtThis
	}
	return LookAtThis
}

// asked is what a site says of a file that the logs speak of.
func (j *inquiry) asked(path string) (File, bool) {
	var gone File
	found := false
	for _, s := range j.sites {
		for _, f := range s.Files {
			if f.Path != path || f.Why != WhyAsked {
				continue
			}
			if f.Does != DoesGone {
				return f, true
			}
			gone, found = f, true
		}
	}
	return gone, found
}
