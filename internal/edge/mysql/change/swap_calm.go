package change

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/remedy"
)

// calm is what shows, after the swap, that no doomed row can have turned into one
// that stays since the copy began, and that none came between the others: then
// only the copies and the latest rows are compared, and the table that went is
// not read a second time. It is never noted: who goes on after a crash reads all.
//
// It holds where, over the whole server, no row of any table was updated or
// deleted meanwhile, and as many rows as before have a key up to the highest of
// then. A count alone would miss what is equal on both sides, and the counters
// alone would miss the rows that came. What was changed before, and was not
// committed, would escape both: so nobody may have had a lock when it began.
type calm struct {
	session uint64 // of ours: another one may be on a server that was restarted
	work    handled
	rows    int64 // with a key up to upTo
	upTo    int64
}

// covers reports whether the key is one that it speaks of.
func (c *calm) covers(key int64) bool { return c != nil && key <= c.upTo }

// handled is what the server has done so far, all sessions together. The counters
// go up before a row is changed. Source: SHOW GLOBAL STATUS.
type handled struct {
	updates, deletes string
	flushed          int64 // moment of FLUSH STATUS, in seconds after the start
}

// Bounds of looking for calm.
const (
	calmTries = 8
	calmStep  = 130 * time.Millisecond // INNODB_TRX may be 0.1 s old
	calmMost  = 3_000_000              // rows: counting them takes about a second
)

// lookCalm begins to watch, before anything is copied; nil where it would not
// help or cannot be known.
func (x *swap) lookCalm(ctx context.Context) *calm {
	if !strings.EqualFold(x.t.engine, "InnoDB") || x.step.Empty || !x.countsCheaply(ctx) {
		return nil
	}
	for range calmTries {
		c := &calm{session: x.h.ID()}
		var ok bool
		if c.work, ok = x.handled(ctx); !ok || pause(ctx, calmStep) != nil {
			return nil
		}
		free, ok := x.nobodyWrites(ctx)
		if !ok {
			return nil
		}
		if free {
			c.rows, c.upTo, ok = x.tally(ctx, x.step.Name(), "")
			if !ok {
				return nil
			}
			return c
		}
	}
	return nil
}

// stillCalm reports whether nothing but new rows at the end has come since.
func (x *swap) stillCalm(ctx context.Context) bool {
	if x.calm == nil || x.calm.session != x.h.ID() {
		return false
	}
	now, ok := x.handled(ctx)
	if !ok || now != x.calm.work {
		return false
	}
	k := remedy.Ident(x.step.Key)
	rows, _, ok := x.tally(ctx, x.step.Sibling(x.step.Old), fmt.Sprintf("%s <= %d", k, x.calm.upTo))
	return ok && rows == x.calm.rows
}

// countsCheaply reports whether an index other than the rows themselves can be
// counted, and is not too long.
func (x *swap) countsCheaply(ctx context.Context) bool {
	t, err := lookIndexes(ctx, x.h.Hand, x.step.On)
	if err != nil || !slices.ContainsFunc(t.indexes, func(i index) bool { return i.usable && i.name != "PRIMARY" }) {
		return false
	}
	rows, err := x.h.Named(ctx, "SELECT TABLE_ROWS AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_NAME=?", x.step.Schema, x.step.Table)
	return err == nil && len(rows) == 1 && signed(rows[0]["n"]) <= calmMost
}

func (x *swap) handled(ctx context.Context) (handled, bool) {
	rows, err := x.h.Named(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_update', 'Handler_delete', 'Uptime', 'Uptime_since_flush_status')")
	if err != nil || len(rows) != 4 {
		return handled{}, false
	}
	v := map[string]string{}
	for _, r := range rows {
		v[strings.ToLower(r["variable_name"])] = r["value"]
	}
	return handled{v["handler_update"], v["handler_delete"], signed(v["uptime"]) - signed(v["uptime_since_flush_status"])}, true
}

// nobodyWrites reports whether no other transaction has a lock. ok: it can be seen.
func (x *swap) nobodyWrites(ctx context.Context) (free, ok bool) {
	rows, err := x.h.Named(ctx, "SELECT COUNT(*) AS n FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID() AND (trx_tables_locked > 0 OR trx_rows_locked > 0 OR trx_rows_modified > 0)")
	if err != nil || len(rows) != 1 {
		return false, false
	}
	return rows[0]["n"] == "0", true
}

// tally counts the rows that meet a condition, "" for all, in one pass over the
// shortest index, which an IF in the place of a WHERE does not keep it from.
func (x *swap) tally(ctx context.Context, table, which string) (rows, last int64, ok bool) {
	if which == "" {
		which = "TRUE"
	}
	k := remedy.Ident(x.step.Key)
	found, err := x.h.Named(ctx, fmt.Sprintf("SELECT COUNT(IF(%s, 1, NULL)) AS n, MAX(%s) AS hi FROM %s", which, k, table))
	if err != nil || len(found) != 1 || found[0]["hi"] == "" {
		return 0, 0, false
	}
	return signed(found[0]["n"]), signed(found[0]["hi"]), true
}
