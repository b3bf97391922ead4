package mysql

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"hirune/internal/core/evidence"
)

// maxEdges bounds the edges of one look: hundreds of sessions that wait for one
// say nothing that fifty do not.
const maxEdges = 60

// LockWaits returns who waits for whom: rows, metadata, tables, the whole server,
// user locks. It asks the server's lock tables only when something in s or txs
// waits. Each waiter is given one blocker, one that does not itself wait where
// there is one.
// Source: INNODB_LOCK_WAITS or data_lock_waits; the rest as upperHolders.
func (c *Conn) LockWaits(ctx context.Context, s Sessions, txs []OpenTx) ([]evidence.LockWait, error) {
	var out []evidence.LockWait
	if waiting(txs) {
		rows, err := c.rowWaits(ctx, s, txs)
		if err != nil {
			return nil, fmt.Errorf("read who waits for a row lock: %w", err)
		}
		out = append(out, rows...)
	}
	if ws := waiters(s); len(ws) > 0 {
		upper, err := c.upperWaits(ctx, ws, s, txs)
		if out = append(out, upper...); err != nil {
			return out, fmt.Errorf("read who holds metadata locks: %w", err)
		}
	}
	for i := range out {
		out[i].DB = c.target.Instance
		describe(&out[i], s)
	}
	return out[:min(len(out), maxEdges)], nil
}

func waiting(txs []OpenTx) bool {
	for _, t := range txs {
		if t.State == "LOCK WAIT" {
			return true
		}
	}
	return false
}

// describe adds what is known of both sessions.
func describe(w *evidence.LockWait, s Sessions) {
	for _, r := range s.Running {
		if r.ConnID == w.Waiter {
			w.WaiterDigest = r.Digest
			if w.Table == "" {
				w.Schema, w.Table = r.Schema, r.Table
			}
		}
		if r.ConnID == w.Blocker {
			w.BlockerDigest, w.BlockerUser = r.Digest, r.User
		}
	}
	if z, ok := s.Sleeping[w.Blocker]; ok && w.Blocker != 0 {
		w.BlockerSleeps, w.BlockerIdleMs, w.BlockerUser = true, z.IdleMs, z.User
	}
}

// rowEdge is one row of the server's table of lock waits, by transaction.
type rowEdge struct{ waiter, blocker, table, index string }

func (c *Conn) rowWaits(ctx context.Context, s Sessions, txs []OpenTx) ([]evidence.LockWait, error) {
	byID := map[string]OpenTx{}
	for _, t := range txs {
		byID[t.ID] = t
	}
	edges, err := c.rowEdges(ctx)
	if err != nil && !refused(err) {
		return nil, err
	}
	if err != nil {
		return guessRowWaits(txs), nil
	}
	best := map[string]rowEdge{}
	for _, e := range edges {
		was, seen := best[e.waiter]
		if !seen || prefer(byID[e.blocker], byID[was.blocker]) {
			best[e.waiter] = e
		}
	}
	var out []evidence.LockWait
	for _, e := range best {
		w, b := byID[e.waiter], byID[e.blocker]
		if w.ConnID == 0 {
			continue // it has ended since
		}
		schema, table := splitName(e.table)
		out = append(out, evidence.LockWait{Lock: evidence.LockRow, Waiter: w.ConnID, Blocker: b.ConnID, WaitMs: w.WaitMs, Schema: schema, Table: table, Index: e.index})
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].WaitMs > out[j].WaitMs || out[i].WaitMs == out[j].WaitMs && out[i].Waiter < out[j].Waiter
	})
	return out, nil
}

// prefer reports whether a is the better blocker to name: known, not waiting
// itself, older.
func prefer(a, b OpenTx) bool {
	if (a.ConnID != 0) != (b.ConnID != 0) {
		return a.ConnID != 0
	}
	if (a.State == "LOCK WAIT") != (b.State == "LOCK WAIT") {
		return b.State == "LOCK WAIT"
	}
	return a.AgeMs > b.AgeMs
}

func (c *Conn) rowEdges(ctx context.Context) ([]rowEdge, error) {
	text := `SELECT w.requesting_trx_id, w.blocking_trx_id, COALESCE(l.lock_table,''), COALESCE(l.lock_index,'')
FROM information_schema.INNODB_LOCK_WAITS w LEFT JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.requested_lock_id LIMIT 2000`
	if c.flavour == MySQL && c.atLeast(8, 0, 1) {
		// alone: joined to threads in the server it takes 40 times as long
		text = `SELECT REQUESTING_ENGINE_TRANSACTION_ID, BLOCKING_ENGINE_TRANSACTION_ID, '', '' FROM performance_schema.data_lock_waits LIMIT 2000`
	}
	var out []rowEdge
	err := c.query(ctx, func(scan func(...any) error) error {
		var e rowEdge
		if err := scan(&e.waiter, &e.blocker, &e.table, &e.index); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	}, text)
	return out, err
}

// guessRowWaits names the oldest transaction that holds row locks and does not
// wait, where the server's lock table may not be read.
func guessRowWaits(txs []OpenTx) []evidence.LockWait {
	var blocker uint64
	for _, t := range txs { // oldest first
		if t.State != "LOCK WAIT" && t.RowsLocked > 0 {
			blocker = t.ConnID
			break
		}
	}
	var out []evidence.LockWait
	for _, t := range txs {
		if t.State == "LOCK WAIT" {
			out = append(out, evidence.LockWait{Lock: evidence.LockRow, Waiter: t.ConnID, Blocker: blocker, WaitMs: t.WaitMs, BlockerGuessed: blocker != 0})
		}
	}
	return out
}

// splitName reads `schema`.`table` as InnoDB writes it.
func splitName(s string) (schema, table string) {
	schema, table, found := strings.Cut(strings.ReplaceAll(s, "`", ""), ".")
	if !found {
		return "", schema
	}
	table, _, _ = strings.Cut(table, " ") // "t /* Partition p0 */"
	return schema, table
}
