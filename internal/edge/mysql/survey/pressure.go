package survey

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/edge/mysql"
	"hirune/internal/edge/mysql/sqltext"
)

// Strain is what our work does to others at one moment.
type Strain struct {
	Waiters int           // sessions that wait for a lock of ours
	Longest time.Duration // since the statement of one of them began; whole seconds on MySQL
	Waiter  uint64        // that one
	Guessed bool          // the server does not tell who holds what; ours may not be the lock
	History int64         // length of InnoDB's history list; -1 unknown
}

// Pressure reads who waits for a lock that one of the sessions own holds, and how
// much InnoDB still has to purge. It is cheap enough for once a second, over a
// Hand that is not one of them. Without the right PROCESS it sees the sessions of
// its own account only. Source: the session list, INNODB_TRX, INNODB_LOCK_WAITS
// or data_lock_waits, which is asked only while something waits.
func Pressure(ctx context.Context, h *mysql.Hand, own ...uint64) (Strain, error) {
	out := Strain{History: -1}
	var err error
	if out.History, err = history(ctx, h); err != nil {
		return out, err
	}
	list, err := active(ctx, h)
	if err != nil {
		return out, err
	}
	waiters, guessed, err := rowWaiters(ctx, h, own)
	if err != nil {
		return out, err
	}
	waiters = append(waiters, tableWaiters(list, own)...)
	slices.Sort(waiters)
	for _, id := range slices.Compact(waiters) {
		if slices.Contains(own, id) || id == h.ID() {
			continue
		}
		out.Waiters++
		out.Guessed = guessed
		if s, ok := list[id]; out.Waiter == 0 || ok && s.ran > out.Longest {
			out.Longest, out.Waiter = s.ran, id
		}
	}
	return out, nil
}

func history(ctx context.Context, h *mysql.Hand) (int64, error) {
	text := "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'"
	if !h.MariaDB() {
		text = "SELECT COUNT AS value FROM information_schema.INNODB_METRICS WHERE NAME='trx_rseg_history_len'"
	}
	rows, err := h.Named(ctx, text)
	if mysql.Refused(err) || err == nil && len(rows) == 0 {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("read the length of the history list: %w", err)
	}
	return number(rows[0]["value"]), nil
}

// busy is a session that runs a statement.
type busy struct {
	state  string // lower case
	verb   string
	schema string
	table  string
	ran    time.Duration
}

// active lists the sessions that run a statement. The text of a statement is read
// as far as it takes to see its table.
func active(ctx context.Context, h *mysql.Hand) (map[uint64]busy, error) {
	const where = ` WHERE COMMAND NOT IN ('Sleep','Daemon') LIMIT 2000`
	text := "SELECT ID, DB, STATE, TIME_MS AS ms, LEFT(INFO, 512) AS info FROM information_schema.PROCESSLIST" + where
	if !h.MariaDB() {
		text = "SELECT ID, DB, STATE, TIME*1000 AS ms, LEFT(INFO, 512) AS info FROM performance_schema.processlist" + where
	}
	rows, err := h.Named(ctx, text)
	if err != nil && !h.MariaDB() && !h.Lost() { // before 8.0.22, or switched off
		rows, err = h.Named(ctx, strings.Replace(text, "performance_schema.processlist", "information_schema.PROCESSLIST", 1))
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of sessions: %w", err)
	}
	out := make(map[uint64]busy, len(rows))
	for _, row := range rows {
		p := sqltext.Parse(row["info"])
		whole, _, _ := strings.Cut(row["ms"], ".")
		b := busy{state: strings.ToLower(row["state"]), verb: p.Verb, schema: p.Schema, table: p.Table, ran: time.Duration(number(whole)) * time.Millisecond}
		if b.schema == "" {
			b.schema = row["db"]
		}
		out[unsigned(row["id"])] = b
	}
	return out, nil
}

// tableWaiters are those who wait for the whole of a table that one of ours works
// on: for its metadata lock, or for MyISAM's lock. Behind an ALTER of ours that
// itself waits they wait for us; beside a DELETE that waits they do not.
func tableWaiters(list map[uint64]busy, own []uint64) []uint64 {
	var out []uint64
	for id, s := range list {
		if !strings.HasPrefix(s.state, "waiting for table") && s.state != "locked" {
			continue
		}
		for _, o := range own {
			if w, ok := list[o]; ok && w.table != "" && strings.EqualFold(w.table, s.table) && strings.EqualFold(w.schema, s.schema) && (w.state != s.state || ddl(w.verb)) {
				out = append(out, id)
				break
			}
		}
	}
	return out
}

// rowWaiters are the sessions that wait for a row that one of ours has locked.
func rowWaiters(ctx context.Context, h *mysql.Hand, own []uint64) (ids []uint64, guessed bool, err error) {
	rows, err := h.Named(ctx, `SELECT trx_id AS id, trx_mysql_thread_id AS conn, trx_state='LOCK WAIT' AS waits, trx_rows_locked AS locked FROM information_schema.INNODB_TRX LIMIT 5000`)
	if mysql.Refused(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the open transactions: %w", err)
	}
	conn, waits := map[string]uint64{}, []uint64(nil)
	locks := false
	for _, row := range rows {
		id := unsigned(row["conn"])
		conn[row["id"]] = id
		if row["waits"] == "1" {
			waits = append(waits, id)
		}
		locks = locks || slices.Contains(own, id) && row["locked"] != "0"
	}
	if len(waits) == 0 {
		return nil, false, nil
	}
	text := `SELECT requesting_trx_id AS waiter, blocking_trx_id AS blocker FROM information_schema.INNODB_LOCK_WAITS LIMIT 5000`
	if !h.MariaDB() && h.AtLeast(8, 0, 1) {
		text = `SELECT REQUESTING_ENGINE_TRANSACTION_ID AS waiter, BLOCKING_ENGINE_TRANSACTION_ID AS blocker FROM performance_schema.data_lock_waits LIMIT 5000`
	}
	edges, err := h.Named(ctx, text)
	if mysql.Refused(err) {
		if locks {
			return waits, true, nil // it may be ours: whoever waits is given way
		}
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read who waits for a row lock: %w", err)
	}
	for _, e := range edges {
		if slices.Contains(own, conn[e["blocker"]]) {
			ids = append(ids, conn[e["waiter"]])
		}
	}
	return ids, false, nil
}
