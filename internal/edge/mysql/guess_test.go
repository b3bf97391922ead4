package mysql

import (
	"testing"

	"hirune/internal/core/evidence"
)

// Nobody lists the holder: the one session that fits is named, and none where two do.
func TestAloneNamesOnlyWhoFits(t *testing.T) {
	var w waiter
	w.ConnID, w.User, w.RunningMs, w.lock = 176, "site", 2900, evidence.LockMetadata
	for name, c := range map[string]struct {
		sleeping map[uint64]Sleeper
		want     uint64
	}{
		"there before the first who waits":                     {map[uint64]Sleeper{90: {User: "backup"}}, 90},
		"came after the one who waits had connected":           {map[uint64]Sleeper{54: {User: "site", IdleMs: 33000}, 178: {User: "backup", IdleMs: 2000}}, 178},
		"came later, and has been at work since":               {map[uint64]Sleeper{178: {User: "backup", IdleMs: 100}}, 0},
		"two fit":                                              {map[uint64]Sleeper{90: {User: "root", IdleMs: 2000}, 178: {User: "backup", IdleMs: 2000}}, 0},
		"the site's own, idle since the waiting began":         {map[uint64]Sleeper{54: {User: "site", IdleMs: 33000}}, 54},
		"the site's own, which came later: not at a table yet": {map[uint64]Sleeper{179: {User: "site", IdleMs: 3000}}, 0},
	} {
		b := newBoard([]waiter{w}, Sessions{Running: []Running{w.Running}, Sleeping: c.sleeping}, nil, nil)
		if got := b.alone(w); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

// A change of a table waits for a transaction: the only one that was open before is
// named, and nobody where there are several, also not by being alone otherwise.
func TestOfSeveralTransactionsNoneIsNamed(t *testing.T) {
	var w waiter
	w.ConnID, w.User, w.RunningMs, w.Verb, w.lock = 176, "root", 9000, "ALTER", evidence.LockMetadata
	asleep := map[uint64]Sleeper{90: {User: "report", IdleMs: 12000}}
	open := func(id uint64, ageMs int64) OpenTx {
		return OpenTx{Transaction: evidence.Transaction{ConnID: id, AgeMs: ageMs}}
	}
	for name, c := range map[string]struct {
		txs  []OpenTx
		want uint64
	}{
		"one":                      {[]OpenTx{open(90, 12000)}, 90},
		"one, and one that waits":  {[]OpenTx{open(176, 60000), open(90, 12000)}, 90},
		"one, and one begun since": {[]OpenTx{open(90, 12000), open(91, 3000)}, 90},
		"two":                      {[]OpenTx{open(80, 60000), open(90, 12000)}, 0},
	} {
		b := newBoard([]waiter{w}, Sessions{Running: []Running{w.Running}, Sleeping: asleep}, c.txs, nil)
		if got := b.inferred(w); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
