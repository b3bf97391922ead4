package mysql

import (
	"context"
	"strings"

	"hirune/internal/core/evidence"
)

// waiter is a statement that waits for a lock that is no row's.
type waiter struct {
	Running
	lock string // evidence.LockMetadata, …
	name string // of the user lock; stays in this process
}

// waiters are the statements that wait for a lock above the rows, the longest
// first. The words are those of MariaDB 10.3 to 11.8 and MySQL 5.7 to 9.7.
func waiters(s Sessions) []waiter {
	var out []waiter
	for _, r := range s.Running {
		if lock := waitsFor(r.State); lock != "" {
			w := waiter{Running: r, lock: lock}
			if lock == evidence.LockUser {
				w.name = userLock(r.Text)
			}
			out = append(out, w)
		}
	}
	return out
}

// waitsFor says which kind of lock a session's state names; "" none.
func waitsFor(state string) string {
	st := strings.ToLower(state)
	switch {
	case st == "user lock":
		return evidence.LockUser
	case st == "locked":
		return evidence.LockTable // MyISAM's, in the words of old servers
	case !strings.HasPrefix(st, "waiting for"):
		return ""
	case strings.Contains(st, "table level lock"):
		return evidence.LockTable
	case strings.Contains(st, "backup lock"), strings.Contains(st, "global read lock"), strings.Contains(st, "commit lock"):
		return evidence.LockGlobal
	case strings.Contains(st, "metadata lock"), strings.Contains(st, "table flush"):
		return evidence.LockMetadata
	}
	return ""
}

// upperWaits draws the edges for ws. Whoever waits behind a waiting ALTER, LOCK
// or FLUSH waits for that one: a lock that is asked for keeps later comers out.
// That one itself, and who came before it, waits for the session that has the
// lock: as the server lists it, else inferred.
func (c *Conn) upperWaits(ctx context.Context, ws []waiter, s Sessions, txs []OpenTx) ([]evidence.LockWait, error) {
	held, err := c.upperHolders(ctx, ws)
	b := newBoard(ws, s, txs, c.lockers)
	var out []evidence.LockWait
	for _, w := range ws {
		e := evidence.LockWait{Lock: w.lock, Waiter: w.ConnID, WaitMs: w.RunningMs, Schema: w.Schema, Table: w.Table}
		if ahead := b.ahead(w); ahead != 0 {
			e.Blocker, e.BlockerGuessed = ahead, true
		} else if at := b.atWork(w); at != 0 && w.lock == evidence.LockTable {
			e.Blocker = at // only one that has the table's lock is at work on it
		} else if h := b.listed(w, held); h != 0 {
			e.Blocker = h
		} else {
			e.Blocker = b.inferred(w)
			e.BlockerGuessed = e.Blocker != 0
		}
		out = append(out, e)
	}
	return out, err
}

// exclusive reports whether the statement wants a table, or all of them, for itself.
func exclusive(verb string) bool {
	switch verb {
	case "ALTER", "DROP", "CREATE", "RENAME", "TRUNCATE", "OPTIMIZE", "LOCK", "REPAIR", "FLUSH", "ANALYZE":
		return true
	}
	return false
}

// writes reports whether the statement changes rows.
func writes(verb string) bool {
	switch verb {
	case "INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD":
		return true
	}
	return false
}

// sameTable reports whether a names the table that b is about, also as one of
// several that it joins.
func sameTable(a, b Running) bool {
	if a.Schema != "" && b.Schema != "" && !strings.EqualFold(a.Schema, b.Schema) {
		return false
	}
	if strings.EqualFold(a.Table, b.Table) {
		return true
	}
	for _, t := range a.Parsed.Aliases {
		if b.Table != "" && strings.EqualFold(t, b.Table) {
			return true
		}
	}
	return false
}

// userLock reads the name out of a text that asks for a user lock with a plain
// literal; "" where it is built in another way.
func userLock(text string) string {
	i := strings.Index(strings.ToUpper(text), "GET_LOCK")
	if i < 0 {
		return ""
	}
	rest := strings.TrimLeft(text[i+len("GET_LOCK"):], " (\t\n")
	if rest == "" || rest[0] != '\'' && rest[0] != '"' {
		return ""
	}
	name, _, closed := strings.Cut(rest[1:], rest[:1])
	if !closed || strings.ContainsRune(name, '\\') || len(name) > 64 {
		return ""
	}
	return name
}
