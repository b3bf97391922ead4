package mysql

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hirune/internal/core/evidence"
)

// maxUses bounds the groups of sessions of one look, the largest first.
const maxUses = 12

// Use groups the sessions by account and schema, the largest group first; the
// own connection is left out. instance is the server's name, waits are those who wait for whom, limits the most
// connections that an account may have.
func (s Sessions) Use(instance string, waits []evidence.LockWait, txs []OpenTx, limits map[string]int64) []evidence.SessionUse {
	waiting := map[uint64]bool{}
	for _, w := range waits {
		waiting[w.Waiter] = true
	}
	for _, t := range txs { // beyond the edges that are told
		waiting[t.ConnID] = waiting[t.ConnID] || t.State == "LOCK WAIT"
	}
	sum := map[[2]string]*evidence.SessionUse{}
	of := func(user, schema string) *evidence.SessionUse {
		k := [2]string{user, schema}
		if sum[k] == nil {
			sum[k] = &evidence.SessionUse{DB: instance, User: user, Schema: schema, Limit: cmp.Or(limits[user], limits[""])}
		}
		sum[k].Count++
		return sum[k]
	}
	for _, z := range s.Sleeping {
		u := of(z.User, z.Schema)
		u.Sleeping, u.IdleMs = u.Sleeping+1, max(u.IdleMs, z.IdleMs)
	}
	for _, r := range s.Running {
		u := of(r.User, r.session)
		if waiting[r.ConnID] || waitsFor(r.State) != "" {
			u.Waiting++
		}
	}
	out := make([]evidence.SessionUse, 0, len(sum))
	for _, u := range sum {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b evidence.SessionUse) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.User, b.User), cmp.Compare(a.Schema, b.Schema))
	})
	return out[:min(len(out), maxUses)]
}

// UserLimits returns how many connections each account may have, where there is
// such a limit; under "" the one that holds for all others. It tells what the
// account in use may read.
// Source: @@max_user_connections, mysql.user.
func (c *Conn) UserLimits(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	var all int64
	if err := c.one(ctx, &all, "SELECT @@GLOBAL.max_user_connections"); err != nil {
		return nil, fmt.Errorf("read how many connections an account may have: %w", err)
	}
	if all > 0 {
		out[""] = all
	}
	err := c.query(ctx, func(scan func(...any) error) error {
		var user string
		var n int64
		if err := scan(&user, &n); err != nil {
			return err
		}
		out[user] = n
		return nil
	}, "SELECT User, MAX(max_user_connections) FROM mysql.user WHERE max_user_connections > 0 GROUP BY User LIMIT 200")
	if err != nil && !refused(err) {
		return out, fmt.Errorf("read the limits of the accounts: %w", err)
	}
	return out, nil
}
