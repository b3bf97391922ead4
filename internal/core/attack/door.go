package attack

import (
	"cmp"
	"maps"
	"slices"

	"hirune/internal/core/diagnose"
)

// Thresholds of guesses at a door, of wp-login.php and xmlrpc.php alike.
const (
	// Five failures in ten minutes: CrowdSec's and OSSEC's rules fire at five and
	// six in seconds, so that slower ones pass; A2 and LiteSpeed use 5/10 min.
	guessesBurst = 5
	// Fifteen a day, for those who wait between tries.
	guessesDay = 15
	// Who reads pages with their pictures, or is logged in, is a person who may
	// have forgotten a password, or an office behind one address. Wordfence lets 20 pass.
	guessesHuman = 20
	// A door that is shut answers everybody so. Only a flood at it is told.
	guessesShut = 100
	// A burst without a size or an answer to judge by is an attack by its rate alone.
	guessesFlood = 30
)

// Thresholds of a cluster: many clients that try so seldom that no threshold
// of one of them is met, and that do nothing else.
const (
	clusterActors   = 10  // the fewest that cannot be a family, an office, a class
	clusterAttempts = 30  // in clusterTime
	clusterBare     = 0.8 // share of those with the same marks that do nothing else
	clusterTime     = 6 * 3600
	// Without a common agent the mark is only that they do nothing else.
	looseActors = 20
	// A network of which so many do the same.
	prefixActors = 5
)

// door is one way in that is guessed at.
type door struct {
	group    group
	suspects []*suspect
	// failures is how many guesses of a suspect failed, as far as answers tell.
	failures func(*suspect) uint32
	fired    func(*suspect) bool
	part     func(*suspect, bool) part
	path     string
}

// band is some suspects that have the same marks.
type band struct {
	agent, referer uint64 // 0: it varies
	members        []*suspect
}

// guessed is what was found at one or more doors of a kind.
type guessed struct {
	parts  []part
	bands  []band
	groups []group
	path   string // of the door with most of the attempts
	most   uint64
}

// add joins what was found at one door.
func (g *guessed) add(d *door, parts []part, bands []band) {
	if len(parts) == 0 {
		return
	}
	var n uint64
	for _, p := range parts {
		n += uint64(p.n)
	}
	if n > g.most {
		g.most, g.path = n, d.path
	}
	g.parts, g.bands, g.groups = append(g.parts, parts...), append(g.bands, bands...), append(g.groups, d.group)
}

// judge divides those who guessed: who fired, who belongs to a cluster. Each
// cluster is one attack as a whole: by many, unless the loudest nine, who may be
// banned one by one, made half of its guesses.
func (d *door) judge(some, lots *guessed) {
	fired := map[*suspect]bool{}
	for _, s := range d.suspects {
		if d.fired(s) {
			fired[s] = true
		}
	}
	taken := map[*suspect]bool{}
	var single, many []part
	var singleBand, manyBands []band
	for _, b := range d.bands(fired) {
		var parts []part
		for _, s := range b.members {
			if taken[s] {
				continue
			}
			taken[s] = true
			parts = append(parts, d.part(s, fired[s]))
		}
		if byFew(parts) {
			single, singleBand = append(single, parts...), append(singleBand, b)
		} else {
			many, manyBands = append(many, parts...), append(manyBands, b)
		}
	}
	for _, s := range d.suspects {
		if fired[s] && !taken[s] {
			single = append(single, d.part(s, true))
		}
	}
	some.add(d, single, singleBand)
	lots.add(d, many, manyBands)
}

// byFew reports whether fewer than make a cluster made half of the attempts, and
// one of them would have been found alone.
func byFew(parts []part) bool {
	var all, loud uint64
	n := make([]uint32, 0, len(parts))
	found := false
	for _, p := range parts {
		found = found || p.fired
		n = append(n, p.n)
		all += uint64(p.n)
	}
	slices.Sort(n)
	for _, k := range n[max(0, len(n)-clusterActors+1):] {
		loud += uint64(k)
	}
	return found && 2*loud >= all
}

// charge makes the charge of some or of many.
func (g *guessed) charge(c *court, id string, many bool) charge {
	ch := charge{id: id, groups: g.groups, severity: Medium, parts: g.parts}
	if many || len(g.bands) > 0 && distinctUnits(g.parts) >= clusterActors {
		ch.cluster = g.common(c)
		ch.says = append(ch.says, diagnose.Say("attack-cluster", "agent", ch.cluster.Agent, "path", ch.cluster.Path))
		if n := len(ch.cluster.Prefixes); n > 0 {
			ch.says = append(ch.says, diagnose.Say("attack-prefixes", "networks", diagnose.Count(n), "network", ch.cluster.Prefixes[0].String()))
		}
	}
	if refused := shut(g.parts); refused >= shutShare {
		ch.severity = Low
		ch.says = append(ch.says, diagnose.Say("attack-refused", "share", diagnose.Share01(refused)))
	}
	return ch
}

// shutShare is the share of refused attempts from which on the door is shut.
const shutShare = 0.95

// shut is the share of attempts that were refused before a password was looked at.
func shut(parts []part) float64 {
	var all, refused float64
	for _, p := range parts {
		all += float64(p.attempts)
		refused += float64(p.refused)
	}
	if all == 0 {
		return 0
	}
	return refused / all
}

// common is what those of all bands have in common.
func (g *guessed) common(c *court) *Cluster {
	cl := &Cluster{Path: g.path, Prefixes: prefixes(g.parts, prefixActors)}
	if len(g.bands) == 1 && g.bands[0].agent != 0 {
		cl.Agent = c.t.names.get(g.bands[0].agent)
	}
	cl.Size = modalSize(g.parts)
	return cl
}

// modalSize is the size of most answers; 0 where there is none.
func modalSize(parts []part) int64 {
	counts := sizeCounts{}
	var all uint64
	for _, p := range parts {
		for _, s := range p.sizes {
			counts[s.size] += uint64(s.n)
			all += uint64(s.n)
		}
	}
	var best int32
	var most uint64
	for _, size := range slices.Sorted(maps.Keys(counts)) {
		if n := counts.near(size); n > most {
			best, most = size, n
		}
	}
	if most*5 < all*4 || best <= 0 { // less than four fifths: it varies
		return 0
	}
	return int64(best)
}

// bands finds the suspects that act as one: by agent and referrer; then, of
// the rest, by referrer alone; then by network.
func (d *door) bands(fired map[*suspect]bool) []band {
	type marks struct{ agent, referer uint64 }
	left := map[*suspect]bool{}
	byMarks, loose, byNet := map[marks][]*suspect{}, map[marks][]*suspect{}, map[string][]*suspect{}
	for _, s := range d.suspects {
		left[s] = true
		if !s.mixedAgent {
			m := marks{s.agent, s.referer}
			byMarks[m] = append(byMarks[m], s)
		}
	}
	var out []band
	take := func(b band, most int, least float64) {
		if b.members = d.band(b.members, fired, most, least); b.members != nil {
			out = append(out, b)
			for _, s := range b.members {
				delete(left, s)
			}
		}
	}
	for _, m := range slices.SortedFunc(maps.Keys(byMarks), func(a, b marks) int {
		return cmp.Or(len(byMarks[b])-len(byMarks[a]), cmp.Compare(a.agent, b.agent), cmp.Compare(a.referer, b.referer))
	}) {
		take(band{agent: m.agent, referer: m.referer, members: byMarks[m]}, clusterActors, clusterBare)
	}
	for _, s := range d.suspects {
		if left[s] && !fired[s] {
			loose[marks{referer: s.referer}] = append(loose[marks{referer: s.referer}], s)
		}
	}
	for _, m := range slices.SortedFunc(maps.Keys(loose), func(a, b marks) int { return cmp.Compare(a.referer, b.referer) }) {
		take(band{referer: m.referer, members: loose[m]}, looseActors, clusterBare)
	}
	for _, s := range d.suspects {
		if left[s] && !fired[s] {
			net := s.unit.parents()
			byNet[net[len(net)-1].String()] = append(byNet[net[len(net)-1].String()], s)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byNet)) {
		take(band{members: byNet[n]}, prefixActors, clusterBare)
	}
	return out
}

// band returns those of a band that are held to belong to it; nil where they
// are too few, try too seldom, or too many of the same marks are visitors.
func (d *door) band(all []*suspect, fired map[*suspect]bool, least int, bareShare float64) []*suspect {
	var in []*suspect
	var failures, answered uint64
	for _, s := range all {
		if fired[s] || s.bare() {
			in = append(in, s)
			failures += uint64(d.failures(s)) + uint64(s.refused)
			answered += uint64(s.attempts)
		}
	}
	if len(in) < least || float64(len(in)) < bareShare*float64(len(all)) || failures*10 < answered*9 || mostWithin(in, clusterTime) < clusterAttempts {
		return nil
	}
	return in
}

// mostWithin is the most attempts of the suspects in a stretch of so many
// seconds, taking each one's attempts as made when it began, if it was short.
func mostWithin(in []*suspect, seconds uint32) uint64 {
	type made struct {
		at uint32
		n  uint64
	}
	var all []made
	for _, s := range in {
		n := uint64(s.attempts)
		if long := s.to - s.from; long > seconds { // its share of one stretch
			n = max(n*uint64(seconds)/uint64(long), 1)
			for at := s.from; at < s.to && len(all) < 1<<20; at += seconds {
				all = append(all, made{at, n})
			}
			continue
		}
		all = append(all, made{s.from, n})
	}
	slices.SortFunc(all, func(a, b made) int { return cmp.Compare(a.at, b.at) })
	var most, sum uint64
	first := 0
	for _, m := range all {
		sum += m.n
		for m.at-all[first].at >= seconds {
			sum -= all[first].n
			first++
		}
		most = max(most, sum)
	}
	return most
}

// guesses is the threshold of one suspect by failures that were looked at.
func (c *court) guesses(s *suspect, failures uint32, passed uint32) bool {
	if s.refused >= guessesShut {
		return true
	}
	limit := guessesBurst
	if s.human() {
		limit = guessesHuman
	}
	if failures < 3*passed { // who gets in again and again knows the password
		return false
	}
	if c.passes(s, int(min(s.burst.peak, failures)), limit) {
		return true
	}
	return !s.human() && failures >= guessesDay && float64(failures)/s.days() >= guessesDay
}
