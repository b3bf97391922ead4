package attack

import (
	"cmp"
	"slices"
)

// Picture says what the hits amount to. The same hits, added in the same
// order to tallies of the same options, give the same picture.
func (t *Tally) Picture() Picture {
	c := newCourt(t)
	for _, d := range Detectors() {
		d.judge(c)
	}
	sortAttacks(c.attacks)
	p := Picture{
		From: int64(t.from), To: int64(t.to), Total: t.total, Clients: t.units.count(), Timed: c.timed, Attacks: c.attacks,
		Forgot: t.actors.top.forgot, Outside: t.outside, Nameless: t.nameless,
	}
	p.Logins = c.loginsAfter()
	p.Clues = c.clues()
	p.Benign = c.benign()
	return p
}

// sortAttacks puts first what matters most.
func sortAttacks(a []Attack) {
	weight := map[Verdict]int{Hurts: 0, Unknown: 1, Harmless: 2}
	slices.SortStableFunc(a, func(x, y Attack) int {
		return cmp.Or(cmp.Compare(weight[x.Verdict], weight[y.Verdict]), cmp.Compare(y.Severity, x.Severity), cmp.Compare(y.Attempts, x.Attempts), cmp.Compare(x.ID, y.ID))
	})
}
