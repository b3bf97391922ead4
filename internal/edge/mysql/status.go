package mysql

import (
	"context"
	"fmt"
	"time"

	"hirune/internal/core/evidence"
)

// statusMemory is what the counters said last time.
type statusMemory struct {
	at     time.Time
	values values
}

const statusQuery = `SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime','Questions','Com_select','Com_insert','Com_replace','Com_insert_select','Com_update','Com_update_multi',
'Com_delete','Com_delete_multi','Threads_running','Threads_connected','Max_used_connections','Aborted_clients','Aborted_connects','Connection_errors_max_connections',
'Innodb_rows_read','Innodb_rows_inserted','Innodb_rows_updated','Innodb_rows_deleted','Innodb_buffer_pool_reads','Innodb_buffer_pool_read_requests',
'Innodb_buffer_pool_pages_flushed','Innodb_buffer_pool_pages_dirty','Innodb_history_list_length','Innodb_row_lock_waits','Innodb_row_lock_time',
'Innodb_row_lock_current_waits','Innodb_deadlocks','Slow_queries','Created_tmp_disk_tables','Handler_read_rnd_next','Handler_read_next','Handler_read_key','Handler_read_prev','Handler_read_rnd','Handler_read_first','Innodb_os_log_written')`

// Status returns what the counters moved by since the last call, and the
// gauges. ok is false for the first call, which has nothing to compare with.
// Statements of hirune itself are taken out of Questions and Selects.
// Source: SHOW GLOBAL STATUS; MySQL also INNODB_METRICS.
func (c *Conn) Status(ctx context.Context, now time.Time) (st evidence.DBStatus, ok bool, err error) {
	v, err := c.pairs(ctx, statusQuery)
	if err != nil {
		return st, false, fmt.Errorf("read the server's status: %w", err)
	}
	if err := c.metrics(ctx, v); err != nil {
		return st, false, err
	}
	asked, selects := c.asked, c.selects
	c.asked, c.selects = 0, 0
	prev := c.status
	c.status = statusMemory{at: now, values: v}
	if prev.values == nil {
		return st, false, nil
	}
	st = delta(prev, c.status)
	st.DB = c.target.Instance
	if !st.Restarted {
		st.Questions = max(0, st.Questions-asked)
		st.Selects = max(0, st.Selects-selects)
	}
	return st, true, nil
}

// metrics adds what MySQL has no status variable for.
func (c *Conn) metrics(ctx context.Context, v values) error {
	if !c.can.process || c.flavour == MariaDB && !c.purgeCount {
		return nil
	}
	m, err := c.pairs(ctx, "SELECT NAME, COUNT FROM information_schema.INNODB_METRICS WHERE NAME IN ('trx_rseg_history_len','purge_del_mark_records','lock_deadlocks') AND "+c.metricOn())
	if err != nil {
		return fmt.Errorf("read InnoDB's counters: %w", err)
	}
	for name, as := range map[string]string{"trx_rseg_history_len": "innodb_history_list_length", "purge_del_mark_records": "purged", "lock_deadlocks": "innodb_deadlocks"} {
		if m.has(name) && !v.has(as) {
			v[as] = m[name]
		}
	}
	return nil
}

// delta subtracts the counters. After a restart the amounts are those since it.
func delta(was, is statusMemory) evidence.DBStatus {
	v := is.values
	st := evidence.DBStatus{
		OverMs: is.at.Sub(was.at).Milliseconds(), UptimeS: v.num("uptime"),
		ThreadsRunning: v.num("threads_running"), Connected: v.num("threads_connected"), MaxUsed: v.num("max_used_connections"),
		DirtyPages: v.num("innodb_buffer_pool_pages_dirty"), HistoryLength: -1, RowLocksWaiting: v.num("innodb_row_lock_current_waits"),
	}
	if v.has("innodb_history_list_length") {
		st.HistoryLength = v.num("innodb_history_list_length")
	}
	st.Restarted = v.num("uptime") < was.values.num("uptime")
	if st.Restarted {
		st.OverMs = min(st.OverMs, st.UptimeS*1000)
	}
	d := func(names ...string) (n int64) {
		for _, name := range names {
			if st.Restarted {
				n += v.num(name)
			} else {
				n += max(0, v.num(name)-was.values.num(name))
			}
		}
		return n
	}
	st.Questions, st.Selects = d("questions"), d("com_select")
	st.Inserts, st.Updates, st.Deletes = d("com_insert", "com_replace", "com_insert_select"), d("com_update", "com_update_multi"), d("com_delete", "com_delete_multi")
	st.Aborted, st.RefusedMax = d("aborted_clients", "aborted_connects"), d("connection_errors_max_connections")
	st.RowsRead, st.RowsInserted, st.RowsUpdated, st.RowsDeleted = d("innodb_rows_read"), d("innodb_rows_inserted"), d("innodb_rows_updated"), d("innodb_rows_deleted")
	if !v.has("innodb_rows_read") { // MariaDB from 10.6 on: what was asked of the engines, temporary tables too
		st.RowsRead = d("handler_read_rnd_next", "handler_read_next", "handler_read_key", "handler_read_prev", "handler_read_rnd", "handler_read_first")
	}
	st.PageReads, st.PageRequests, st.PagesWritten = d("innodb_buffer_pool_reads"), d("innodb_buffer_pool_read_requests"), d("innodb_buffer_pool_pages_flushed")
	st.Purged, st.RowLockWaits, st.RowLockMs, st.Deadlocks = d("purged"), d("innodb_row_lock_waits"), d("innodb_row_lock_time"), d("innodb_deadlocks")
	st.SlowQueries, st.TmpDiskTables = d("slow_queries"), d("created_tmp_disk_tables")
	st.HandlerReadNext, st.RedoKB = d("handler_read_rnd_next"), d("innodb_os_log_written")/1024
	return st
}
