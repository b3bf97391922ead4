package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

const (
	// attackSmall is the share of PHP's work below which an attack is not to be told
	// from an ordinary day's ups and downs.
	attackSmall = 0.05
	// attackUsual is up to what share an attack is cleared where it took as much in
	// the quiet time: above, the site would have a quarter more room without it.
	attackUsual = 0.20
	// attackReach is how long an attack may go on before it is known as one, and
	// told of for all of that time.
	attackReach = 6 * time.Hour
	// attacksCleared bounds how many are told.
	attacksCleared = 5
)

// classesOf are the classes of requests that attacks are made of, by the
// beginning of their names; others are made of several.
var classesOf = []struct{ prefix, class string }{
	{"xmlrpc-", evidence.ClassXMLRPC}, {"pingback-", evidence.ClassXMLRPC}, {"wp-login-", evidence.ClassLogin},
	{"comment-spam", evidence.ClassComment}, {"search-flood", evidence.ClassSearch},
}

func classOfAttack(id string) string {
	for _, c := range classesOf {
		if strings.HasPrefix(id, c.prefix) {
			return c.class
		}
	}
	return ""
}

// floodsOf are the rules that accuse a class of requests.
var floodsOf = map[string][]string{
	evidence.ClassXMLRPC: {"xmlrpc-login-flood", "login-flood-by-many"}, evidence.ClassLogin: {"wp-login-flood", "login-flood-by-many"}, evidence.ClassSearch: {"search-flood"},
}

// attackUse is what an attack took in a span. It is told by the minute: what of a
// minute fell into the span is taken to be even. At most it was all of it.
type attackUse struct {
	id                 string
	attempts, took     float64 // took is in ms
	attemptsMost, most float64
	actors             int64
	timed              bool
}

// attacks returns what each attack took in a span.
func (c *Case) attacks(s Span) map[string]*attackUse {
	out := map[string]*attackUse{}
	for at, f := range recording.All[evidence.Attack](c.In(Span{s.From, s.To.Add(attackReach)})) {
		over := max(time.Duration(f.OverMs)*time.Millisecond, time.Millisecond)
		part := earlier(s.To, at).Sub(later(s.From, at.Add(-over))).Seconds() / over.Seconds()
		if part <= 0 {
			continue
		}
		u := out[f.ID]
		if u == nil {
			u = &attackUse{id: f.ID, timed: true}
			out[f.ID] = u
		}
		u.attempts, u.attemptsMost = u.attempts+part*float64(f.Attempts), u.attemptsMost+float64(f.Attempts)
		u.took, u.most = u.took+part*float64(f.TookMs), u.most+float64(f.TookMs)
		u.actors, u.timed = max(u.actors, f.Actors), u.timed && f.TookMs >= 0
	}
	return out
}

// phpWork is all that PHP did in a span.
type phpWork struct {
	count, took float64 // took is in ms
	timed       bool
}

func (c *Case) phpWork(s Span) phpWork {
	out := phpWork{timed: true}
	for class, r := range c.Traffic(s) {
		if Dynamic(class) {
			out.count, out.took, out.timed = out.count+float64(r.Count), out.took+float64(r.TookMs), out.timed && r.TookMs >= 0
		}
	}
	return out
}

// share is an attack's part of the work, and what it was at most; -1 where there
// was no work. timed says that they are of time, else they are of requests.
func (w phpWork) share(u *attackUse, timed bool) (share, most float64) {
	part, all, whole := u.attempts, u.attemptsMost, w.count
	if timed {
		part, all, whole = u.took, u.most, w.took
	}
	if whole <= 0 {
		return unknown, unknown
	}
	return min(part/whole, 1), min(all/whole, 1)
}

// clearAttacks clears the attacks of the outage that took so little of PHP's
// work, or no more than before, that they are not what changed. why is what grew:
// an attack may have filled a table by a load that is nothing.
func (c *Case) clearAttacks(causes []Finding, why *Growth) []Rejected {
	if c.Outage.Zero() {
		return nil
	}
	now := c.attacks(c.Outage)
	if len(now) == 0 {
		return nil
	}
	before := c.attacks(c.Quiet)
	work, quiet := c.phpWork(c.judged()), c.phpWork(c.Quiet)
	uses := slices.SortedFunc(maps.Values(now), func(a, b *attackUse) int {
		return cmp.Or(cmp.Compare(b.attempts, a.attempts), cmp.Compare(a.id, b.id))
	})
	var out []Rejected
	for _, u := range uses {
		flood := floodsOf[classOfAttack(u.id)]
		accused := slices.ContainsFunc(causes, func(f Finding) bool { return slices.Contains(flood, f.Rule) })
		if accused || u.attempts < 1 || len(out) == attacksCleared {
			continue
		}
		if r, ok := clearAttack(u, before[u.id], work, quiet, why); ok {
			out = append(out, r)
		}
	}
	return out
}

// judged is the part of the outage that attacks have been told of: they are told
// by the minute, and a recording may end within one.
func (c *Case) judged() Span {
	s := c.Outage
	var last time.Time
	for at := range recording.All[evidence.Attack](c.In(s)) {
		last = later(last, at)
	}
	if left := s.To.Sub(last); last.After(s.From) && left < time.Minute && c.W.To.Sub(last) < time.Minute {
		s.To = last
	}
	return s
}

func clearAttack(u, before *attackUse, work, quiet phpWork, why *Growth) (Rejected, bool) {
	if before == nil {
		before = &attackUse{timed: true}
	}
	timed := u.timed && before.timed && work.timed && (quiet.timed || quiet.count == 0)
	share, most := work.share(u, timed)
	usual, _ := quiet.share(before, timed)
	small := most >= 0 && most < attackSmall
	asBefore := most >= 0 && most < attackUsual && usual > 0 && most <= DemandFactor*usual
	if !small && !asBefore {
		return Rejected{}, false
	}
	r := Rejected{ID: "attack-" + u.id, Metric: "request_share", Baseline: usual, Window: share}
	said := []any{"suspect", u.id, "attempts", Count(u.attempts + 0.5), "actors", Count(u.actors), "share", Share01(share), "quiet", Share01(usual)}
	id := "cleared-attack-requests"
	if timed {
		r.Metric, id = "worker_time_share", "cleared-attack"
	}
	if class := classOfAttack(u.id); why != nil && class != "" && class == why.Class {
		id, said = "cleared-attack-writes", append(said, "table", why.Table)
	}
	r.Say = Say(id, said...)
	return r, true
}

// withoutTwins leaves out what a rule says of a class of requests where the attack
// that it is made of says more.
func withoutTwins(all, attacks []Rejected) []Rejected {
	for _, r := range attacks {
		flood := floodsOf[classOfAttack(strings.TrimPrefix(r.ID, "attack-"))]
		all = slices.DeleteFunc(all, func(o Rejected) bool { return slices.Contains(flood, o.ID) })
	}
	return append(all, attacks...)
}
