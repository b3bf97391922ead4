package attack

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
)

// How many wrong passwords from one address speak for what, before a right one.
// People mistype a few times and then ask for a new one; programs do not stop.
const (
	guessesSome = 5
	guessesMany = 10
	guessesSure = 20
	// Where people of the site worked before, so many are needed that none of
	// them typed them: an old password in a telephone is tried for hours.
	guessesHome = 50
)

// Times that join what happened.
const (
	clockSlack = time.Minute        // between two clocks
	lateFor    = 24 * time.Hour     // after the last attempt: an address may be another's by then
	afterFor   = 24 * time.Hour     // an intruder leaves his traces within so long
	freshFor   = 7 * 24 * time.Hour // a new administrator
	youngFor   = 30 * 24 * time.Hour
)

// evidenceMost bounds what is told.
const evidenceMost = 60

// Judge says whether somebody got in: it joins what the logs show with what the
// sites know. Without sites it judges by the logs alone, and says what it did
// not see. Evidence of one address with what else happens there: who worked from
// it before the attempts began is not accused of a few of them.
func Judge(p Picture, sites []Site, now time.Time) BreakIn {
	j := inquiry{p: p, now: now, sites: sites}
	j.gather()
	for _, s := range sites {
		j.sessions(s)
		j.keys(s)
		j.audits(s)
	}
	j.logins()
	j.clues()
	for _, s := range sites {
		j.files(s)
		j.admins(s)
		j.newKeys(s)
	}
	return j.answer()
}

// inquiry is a judgement under way.
type inquiry struct {
	p        Picture
	now      time.Time
	sites    []Site
	suspects map[unit]*prowler
	nets     map[netip.Prefix]*prowler // networks of several suspects, or that a picture names
	out      []Evidence
	unseen   []Unseen
	entries  []inroad
	told     map[string]bool // paths that there is evidence about
}

// inroad is a moment at which somebody probably came in.
type inroad struct {
	at     time.Time
	weight BreakInStatus
	user   string
}

// prowler is who guessed passwords or tried worse.
type prowler struct {
	guesses  int64
	exploits int64
	from, to time.Time // zero: unknown
	app      bool      // it says to be the WordPress app, Jetpack or the like
	crowd    int64     // addresses that guess as one with it; 0: it acts alone
}

// gather finds the suspects in the picture and in the sites' own logs.
func (j *inquiry) gather() {
	j.suspects, j.nets, j.told = map[unit]*prowler{}, map[netip.Prefix]*prowler{}, map[string]bool{}
	for _, a := range j.p.Attacks {
		for _, who := range a.Actors {
			j.actor(a, who)
		}
		if a.Cluster == nil || !guessesPasswords(a.ID) {
			continue
		}
		for _, net := range a.Cluster.Prefixes {
			j.net(net, prowler{guesses: a.Attempts, from: atUnix(a.From), to: atUnix(a.To)})
		}
	}
	for _, l := range j.p.Logins {
		j.suspect(l.Client, prowler{guesses: l.Failures, to: atUnix(l.At)})
	}
	for _, s := range j.sites {
		for _, a := range s.Audits {
			if a.Succeeded == 0 && !a.FirstFail.IsZero() { // else it is judged by what came before the log-in
				j.suspect(a.Client, prowler{guesses: a.Failed, from: a.FirstFail, to: a.LastFail})
			}
		}
	}
	for u, s := range j.suspects {
		if s.guesses > 0 {
			j.net(u.parents()[0], *s)
		}
	}
}

// guessesPasswords reports whether an attack is about passwords.
func guessesPasswords(id string) bool {
	return strings.HasSuffix(id, "-brute-force") || strings.HasSuffix(id, "-distributed") || id == "xmlrpc-multicall"
}

func (j *inquiry) actor(a Attack, who Actor) {
	s := prowler{from: atUnix(who.From), to: atUnix(who.To), app: appAgent(who.Agent)}
	switch {
	case guessesPasswords(a.ID):
		if s.guesses = who.Attempts; strings.HasSuffix(a.ID, "-distributed") {
			s.crowd = a.ActorsTotal
		}
	case a.Severity >= High && who.Fired:
		s.exploits = who.Attempts
	default:
		return
	}
	if u := unitOf(who.Prefix.Addr()); who.Prefix.Bits() >= u.prefix().Bits() {
		j.suspect(who.Prefix.Addr(), s)
	} else {
		j.net(who.Prefix, s)
	}
}

// appAgent reports whether a client says that it is a program that keeps a
// password and tries it again: anybody can say so, so it only makes less sure.
func appAgent(agent string) bool {
	return slices.ContainsFunc([]string{"wp-android", "wp-iphone", "WordPress for ", "Jetpack", "MarsEdit", "IFTTT", "Zapier"}, func(s string) bool { return strings.Contains(agent, s) })
}

func (j *inquiry) suspect(a netip.Addr, s prowler) {
	if !a.IsValid() {
		return
	}
	u := unitOf(a)
	if j.suspects[u] == nil {
		j.suspects[u] = &prowler{app: s.app}
	}
	j.suspects[u].add(s)
}

func (j *inquiry) net(p netip.Prefix, s prowler) {
	p = p.Masked()
	if j.nets[p] == nil {
		j.nets[p] = &prowler{}
	}
	n := j.nets[p]
	s.guesses += n.guesses // several addresses of one network act together
	n.add(s)
}

// add joins what two sources say of the same client: they may have counted the
// same attempts.
func (s *prowler) add(o prowler) {
	s.guesses, s.exploits, s.crowd = max(s.guesses, o.guesses), max(s.exploits, o.exploits), max(s.crowd, o.crowd)
	s.app = s.app && (o.app || o.guesses == 0)
	if s.from.IsZero() || !o.from.IsZero() && o.from.Before(s.from) {
		s.from = o.from
	}
	if o.to.After(s.to) {
		s.to = o.to
	}
}

// spell is how long a series of attempts may take to count in full. A few
// mistakes a week add up, too, over the months of a log.
const spell = 48 * time.Hour

// dense is how many of the guesses fall on the length of a spell, on average.
func (s *prowler) dense() int64 {
	if span := s.to.Sub(s.from); !s.from.IsZero() && span > spell {
		return int64(float64(s.guesses) * float64(spell) / float64(span))
	}
	return s.guesses
}

// atUnix is a time of the picture; the zero time for none.
func atUnix(s int64) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// sureness is what so many guesses speak for.
func sureness(n int64) BreakInStatus {
	switch {
	case n >= guessesSure:
		return Confirmed
	case n >= guessesMany:
		return LikelyIn
	case n >= guessesSome:
		return LookAtThis
	}
	return NothingFound
}

var weights = map[BreakInStatus]int{Confirmed: 3, LikelyIn: 2, LookAtThis: 1, NothingFound: 0}

// weaker is the weaker of two.
func weaker(a, b BreakInStatus) BreakInStatus {
	if weights[a] < weights[b] {
		return a
	}
	return b
}

// tell adds evidence; who came in by it is remembered.
func (j *inquiry) tell(e Evidence, in bool) {
	if e.Weight == NothingFound || e.Weight == "" {
		return
	}
	j.out = append(j.out, e)
	if e.Path != "" {
		j.told[e.Path] = true
	}
	if in && e.At > 0 && weights[e.Weight] >= weights[LikelyIn] {
		j.entries = append(j.entries, inroad{atUnix(e.At), e.Weight, e.User})
	}
}

// after returns the surest entry that a moment follows within afterFor.
func (j *inquiry) after(at time.Time) (inroad, bool) {
	var best inroad
	for _, e := range j.entries {
		if d := at.Sub(e.at); d >= 0 && d <= afterFor && weights[e.weight] > weights[best.weight] {
			best = e
		}
	}
	return best, best.weight != ""
}

// evidenceRank orders evidence of the same weight.
var evidenceRank = []string{"session-of-attacker", "audit-success", "key-of-attacker", "login-after-failures", "xmlrpc-success", "shell-file", "shell-answered",
	"php-in-uploads", "new-admin", "new-key", "changed-file", "core-changed", "new-php", "leaked-file", "more"}

func (j *inquiry) answer() BreakIn {
	out := BreakIn{Status: NothingFound, Evidence: j.out}
	slices.SortStableFunc(out.Evidence, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(weights[b.Weight], weights[a.Weight]), cmp.Compare(slices.Index(evidenceRank, a.ID), slices.Index(evidenceRank, b.ID)), cmp.Compare(b.At, a.At))
	})
	if len(out.Evidence) > 0 {
		out.Status = out.Evidence[0].Weight
	}
	if n := len(out.Evidence); n > evidenceMost {
		out.Evidence = append(out.Evidence[:evidenceMost:evidenceMost], Evidence{ID: "more", Weight: out.Evidence[evidenceMost].Weight, Say: diagnose.Say("in-more", "count", diagnose.Count(n-evidenceMost))})
	}
	if len(j.sites) == 0 {
		j.blind("sessions", "the site's database and files were not looked at: only the log was")
	}
	if j.p.Total.Requests == 0 {
		j.blind("log", "no requests were read")
	}
	for _, s := range j.sites {
		for _, u := range s.Unseen {
			if len(j.sites) > 1 {
				u.Why = s.Name + ": " + u.Why
			}
			j.blind(u.Source, u.Why)
		}
	}
	out.Unseen = j.unseen
	return out
}

func (j *inquiry) blind(source, why string) {
	if u := (Unseen{source, why}); !slices.Contains(j.unseen, u) {
		j.unseen = append(j.unseen, u)
	}
}
