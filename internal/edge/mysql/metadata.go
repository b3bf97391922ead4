package mysql

import (
	"context"
	"strings"

	"hirune/internal/core/evidence"
)

// holder is a session that holds a metadata lock on a table, or (pending)
// waits for one.
type holder struct {
	conn          uint64
	schema, table string
	mode          string // as the server words it
	pending       bool
}

// metadataWaiters are the statements that wait for a metadata lock, the
// longest first.
func metadataWaiters(s Sessions) []Running {
	var out []Running
	for _, r := range s.Running {
		st := strings.ToLower(r.State)
		if strings.HasPrefix(st, "waiting for") && (strings.Contains(st, "metadata lock") || strings.Contains(st, "backup lock") ||
			strings.Contains(st, "global read lock") || strings.Contains(st, "table flush")) {
			out = append(out, r)
		}
	}
	return out
}

// metadataHolders reads who holds what, where the server tells; nil where not.
// Source: performance_schema.metadata_locks, METADATA_LOCK_INFO.
func (c *Conn) metadataHolders(ctx context.Context) ([]holder, error) {
	var text string
	switch {
	case c.flavour == MySQL && c.can.perfSchema:
		text = `SELECT t.PROCESSLIST_ID, m.OBJECT_SCHEMA, m.OBJECT_NAME, m.LOCK_TYPE, m.LOCK_STATUS='PENDING' FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID WHERE m.OBJECT_TYPE='TABLE' AND t.PROCESSLIST_ID IS NOT NULL LIMIT 5000`
	case c.mdlInfo:
		text = `SELECT THREAD_ID, TABLE_SCHEMA, TABLE_NAME, LOCK_MODE, 0 FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE='Table metadata lock' LIMIT 5000`
	default:
		return nil, nil
	}
	var out []holder
	err := c.query(ctx, func(scan func(...any) error) error {
		var h holder
		if err := scan(&h.conn, &h.schema, &h.table, &h.mode, &h.pending); err != nil {
			return err
		}
		if h.conn != c.id {
			out = append(out, h)
		}
		return nil
	}, text)
	if refused(err) {
		return nil, nil
	}
	return out, err
}

// metadataWaits draws the edges. Whoever waits behind a waiting ALTER waits
// for that ALTER: a lock that is asked for keeps later comers out. The ALTER
// itself, and who came before it, wait for the session that has the table:
// as the server lists it, else the oldest other statement on the table, else
// the oldest open transaction.
func metadataWaits(ws []Running, s Sessions, txs []OpenTx, held []holder) []evidence.LockWait {
	var out []evidence.LockWait
	for _, w := range ws {
		e := evidence.LockWait{Lock: evidence.LockMetadata, Waiter: w.ConnID, WaitMs: w.RunningMs, Schema: w.Schema, Table: w.Table}
		if ddl := exclusiveAhead(w, ws); ddl != 0 {
			e.Blocker, e.BlockerGuessed = ddl, true
		} else if h := listed(w, ws, held); h != 0 {
			e.Blocker = h
		} else {
			e.Blocker = inferred(w, ws, s, txs)
			e.BlockerGuessed = e.Blocker != 0
		}
		out = append(out, e)
	}
	return out
}

// exclusive reports whether the statement wants a table for itself.
func exclusive(verb string) bool {
	switch verb {
	case "ALTER", "DROP", "CREATE", "RENAME", "TRUNCATE", "OPTIMIZE", "LOCK", "REPAIR", "FLUSH", "ANALYZE":
		return true
	}
	return false
}

// exclusiveAhead returns the waiting DDL on the same table that has waited at
// least as long, or 0.
func exclusiveAhead(w Running, ws []Running) uint64 {
	if exclusive(w.Verb) {
		return 0
	}
	for _, d := range ws {
		if d.ConnID != w.ConnID && exclusive(d.Verb) && sameTable(d, w) && d.RunningMs >= w.RunningMs {
			return d.ConnID
		}
	}
	return 0
}

func sameTable(a, b Running) bool {
	return strings.EqualFold(a.Table, b.Table) && (a.Schema == "" || b.Schema == "" || strings.EqualFold(a.Schema, b.Schema))
}

// listed returns a session that the server lists as a holder of w's table and
// that does not wait itself; 0 where there is none.
func listed(w Running, ws []Running, held []holder) uint64 {
	waits := map[uint64]bool{}
	for _, r := range ws {
		waits[r.ConnID] = true
	}
	for _, h := range held {
		if h.conn != w.ConnID && !h.pending && !waits[h.conn] && strings.EqualFold(h.table, w.Table) && (w.Schema == "" || strings.EqualFold(h.schema, w.Schema)) {
			return h.conn
		}
	}
	return 0
}

func inferred(w Running, ws []Running, s Sessions, txs []OpenTx) uint64 {
	waits := map[uint64]bool{w.ConnID: true}
	for _, r := range ws {
		waits[r.ConnID] = true
	}
	for _, r := range s.Running { // longest first
		if !waits[r.ConnID] && r.Table != "" && sameTable(r, w) && r.RunningMs >= w.RunningMs {
			return r.ConnID
		}
	}
	for _, t := range txs { // oldest first
		if !waits[t.ConnID] && t.AgeMs+1000 >= w.RunningMs {
			return t.ConnID
		}
	}
	return 0
}
