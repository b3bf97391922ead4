package mysql

import (
	"cmp"

	"hirune/internal/core/evidence"
)

// board is who may hold a lock that others wait for, where the server does not
// list it.
type board struct {
	ws      []waiter
	waits   map[uint64]bool
	s       Sessions
	txs     []OpenTx
	age     map[uint64]int64 // of a session's statement, transaction or sleep, in ms
	lockers map[uint64]string
}

func newBoard(ws []waiter, s Sessions, txs []OpenTx, lockers map[uint64]string) board {
	b := board{ws: ws, waits: map[uint64]bool{}, s: s, txs: txs, age: map[uint64]int64{}, lockers: lockers}
	for _, w := range ws {
		b.waits[w.ConnID] = true
	}
	for _, r := range s.Running {
		b.age[r.ConnID] = r.RunningMs
	}
	for id, z := range s.Sleeping {
		b.age[id] = z.IdleMs
	}
	for _, t := range txs {
		b.age[t.ConnID] = max(b.age[t.ConnID], t.AgeMs)
	}
	return b
}

// ahead returns the waiting statement that w stands behind, or 0: the first that
// wants the table for itself, or for MyISAM the first that writes it.
func (b board) ahead(w waiter) uint64 {
	if exclusive(w.Verb) || w.lock == evidence.LockUser {
		return 0
	}
	for _, d := range b.ws {
		if d.ConnID == w.ConnID || d.RunningMs < w.RunningMs {
			continue
		}
		everything := d.Verb == "FLUSH" && d.Table == "" && w.lock != evidence.LockTable
		gate := exclusive(d.Verb) && d.lock == w.lock && sameTable(d.Running, w.Running)
		if w.lock == evidence.LockTable {
			gate = d.lock == w.lock && writes(d.Verb) && !writes(w.Verb) && sameTable(d.Running, w.Running) && !b.written(w)
		}
		if everything || gate {
			return d.ConnID
		}
	}
	return 0
}

// written reports whether a statement is at work that writes w's table: readers
// and writers then wait for it alike.
func (b board) written(w waiter) bool {
	for _, r := range b.s.Running {
		if !b.waits[r.ConnID] && writes(r.Verb) && sameTable(r, w.Running) {
			return true
		}
	}
	return false
}

// listed returns the session that the server lists as a holder of what w waits
// for and that does not wait itself, the one that is at it longest; 0 where
// there is none.
func (b board) listed(w waiter, held []holder) uint64 {
	best, age := uint64(0), int64(-1)
	for _, h := range held {
		if h.conn == w.ConnID || b.waits[h.conn] || !h.keepsOut(w) {
			continue
		}
		if a := b.age[h.conn]; a > age || a == age && h.conn < best {
			best, age = h.conn, a
		}
	}
	return best
}

// inferred names who most likely holds what w waits for; 0 where nobody fits.
func (b board) inferred(w waiter) uint64 {
	if id := b.atWork(w); id != 0 {
		return id
	}
	id, sure := b.inTransaction(w)
	if id != 0 || !sure {
		return cmp.Or(id, b.seenLocking(w))
	}
	return cmp.Or(b.seenLocking(w), b.alone(w))
}

// atWork is the longest statement on the table that keeps w out of it: any for
// one that wants it for itself and on a MyISAM table, else one that has it so.
func (b board) atWork(w waiter) uint64 {
	if w.lock == evidence.LockUser {
		return 0
	}
	for _, r := range b.s.Running { // longest first
		if b.waits[r.ConnID] || r.Table == "" || r.RunningMs+1000 < w.RunningMs {
			continue
		}
		keeps := w.lock == evidence.LockTable || exclusive(w.Verb) || exclusive(r.Verb)
		switch {
		case w.lock == evidence.LockGlobal && (exclusiveOfServer(w.Verb) && writes(r.Verb) || exclusiveOfServer(r.Verb)),
			w.lock != evidence.LockGlobal && w.Table == "" && exclusive(w.Verb),
			w.lock != evidence.LockGlobal && keeps && sameTable(r, w.Running):
			return r.ConnID
		}
	}
	return 0
}

// inTransaction is the only transaction that was open before w began. Its locks
// of metadata keep out only who wants a table for itself. Where several were open,
// any of them may have touched the table: sure is false, and nobody is named.
func (b board) inTransaction(w waiter) (id uint64, sure bool) {
	if w.lock != evidence.LockMetadata || !exclusive(w.Verb) {
		return 0, true
	}
	for _, t := range b.txs {
		if t.ConnID == 0 || b.waits[t.ConnID] || t.AgeMs+1000 < w.RunningMs {
			continue
		}
		if id != 0 && id != t.ConnID {
			return 0, false
		}
		id = t.ConnID
	}
	return id, true
}

// seenLocking is a session that was seen to ask for such a lock and does not wait
// for it any more.
func (b board) seenLocking(w waiter) uint64 {
	best := uint64(0)
	for id, verb := range b.lockers {
		fits := w.lock == evidence.LockUser == (verb == "GET_LOCK") && (w.lock != evidence.LockGlobal || verb != "LOCK")
		if fits && !b.waits[id] && (best == 0 || id < best) {
			best = id
		}
	}
	return best
}

// alone is the only session that can have it: one that does not wait and was
// there before the first who waits, by its number, or has done nothing since: who
// waits may have connected before the lock was taken. Sessions of other accounts
// than the waiter's come first: requests of the site itself seldom lock a table.
// One of the same account must have done nothing since the waiting began: else
// it is a request that has not come to the table yet.
func (b board) alone(w waiter) uint64 {
	first, longest := w.ConnID, w.RunningMs
	for _, o := range b.ws {
		if o.lock == w.lock {
			first, longest = min(first, o.ConnID), max(longest, o.RunningMs)
		}
	}
	var others, own []uint64
	see := func(id uint64, user string, idleMs int64) {
		still := idleMs+1500 >= longest
		switch {
		case b.waits[id] || id == 0:
		case user != w.User && (id <= first || still):
			others = append(others, id)
		case user == w.User && id <= first && still:
			own = append(own, id)
		}
	}
	for id, z := range b.s.Sleeping {
		see(id, z.User, z.IdleMs)
	}
	for _, r := range b.s.Running {
		see(r.ConnID, r.User, 0)
	}
	switch {
	case len(others) == 1:
		return others[0]
	case len(others) == 0 && len(own) == 1:
		return own[0]
	}
	return 0
}
