package mysql

import (
	"context"
	"database/sql"
	"fmt"

	"hirune/internal/core/evidence"
)

// OpenTx is an open transaction with what only this process needs.
type OpenTx struct {
	evidence.Transaction
	WaitMs int64 // how long it has waited for a lock
}

// Transactions returns the open InnoDB transactions but its own, oldest first,
// joined with what the sessions do. It returns ErrNoProcess without the right.
// Source: information_schema.INNODB_TRX; its times are whole seconds.
func (c *Conn) Transactions(ctx context.Context, s Sessions) ([]OpenTx, error) {
	if !c.can.process {
		return nil, ErrNoProcess
	}
	var out []OpenTx
	err := c.query(ctx, func(scan func(...any) error) error {
		var t OpenTx
		var age, wait sql.NullInt64
		if err := scan(&t.ID, &t.ConnID, &t.State, &age, &wait, &t.RowsLocked, &t.RowsModified, &t.LockStructs, &t.LockMemoryBytes, &t.Isolation); err != nil {
			return err
		}
		t.DB, t.AgeMs, t.WaitMs = c.target.Instance, max(0, age.Int64)*1000, max(0, wait.Int64)*1000
		out = append(out, t)
		return nil
	}, fmt.Sprintf(`SELECT trx_id, trx_mysql_thread_id, trx_state, TIMESTAMPDIFF(SECOND, trx_started, NOW()), TIMESTAMPDIFF(SECOND, trx_wait_started, NOW()),
trx_rows_locked, trx_rows_modified, trx_lock_structs, trx_lock_memory_bytes, trx_isolation_level FROM information_schema.INNODB_TRX
WHERE trx_mysql_thread_id <> %d ORDER BY trx_started, trx_id LIMIT 2000`, c.id))
	if err != nil {
		return nil, fmt.Errorf("read the open transactions: %w", err)
	}
	join(out, s)
	return out, nil
}

// join adds what the session of each transaction does.
func join(txs []OpenTx, s Sessions) {
	running := map[uint64]*Running{}
	for i := range s.Running {
		running[s.Running[i].ConnID] = &s.Running[i]
	}
	for i := range txs {
		t := &txs[i]
		if r := running[t.ConnID]; r != nil {
			t.Digest, t.User = r.Digest, r.User
		} else if z, ok := s.Sleeping[t.ConnID]; ok {
			t.Sleeping, t.IdleMs, t.User = true, z.IdleMs, z.User
		}
	}
}
