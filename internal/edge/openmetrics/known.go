package openmetrics

import (
	"slices"
	"strings"
)

// exporter is who a metric comes from.
type exporter uint8

const (
	fromNode exporter = iota
	fromMySQL
	fromFPM
	fromApache
	fromNginx
	fromBlackbox
	fromProcess
	exporters
)

// what a metric is taken for.
type what struct {
	from exporter
	key  string   // the name of the value here
	by   string   // label whose value is part of the key, where it tells several apart
	only []string // values of that label that are taken; nil: all
	sum  bool     // further labels are added up
}

// metrics are those that are understood, by their name without "_total".
var metrics = map[string]what{
	"node_cpu_seconds":                     {key: "cpu", by: "mode", sum: true},
	"node_cpu":                             {key: "cpu", by: "mode", sum: true},
	"node_memory_MemTotal_bytes":           {key: "mem"},
	"node_memory_MemAvailable_bytes":       {key: "avail"},
	"node_memory_SwapTotal_bytes":          {key: "swap"},
	"node_memory_SwapFree_bytes":           {key: "swapfree"},
	"node_load1":                           {key: "load1"},
	"node_procs_running":                   {key: "running"},
	"node_procs_blocked":                   {key: "blocked"},
	"node_vmstat_pswpin":                   {key: "swapin"},
	"node_vmstat_pswpout":                  {key: "swapout"},
	"node_vmstat_pgmajfault":               {key: "majfault"},
	"node_vmstat_oom_kill":                 {key: "oom"},
	"node_disk_read_bytes":                 {key: "dread", by: "device"},
	"node_disk_written_bytes":              {key: "dwrite", by: "device"},
	"node_disk_reads_completed":            {key: "dreads", by: "device"},
	"node_disk_writes_completed":           {key: "dwrites", by: "device"},
	"node_disk_io_time_seconds":            {key: "dbusy", by: "device"},
	"node_pressure_cpu_waiting_seconds":    {key: "pcpu"},
	"node_pressure_memory_waiting_seconds": {key: "pmem"},
	"node_pressure_io_waiting_seconds":     {key: "pio"},
	"node_filesystem_size_bytes":           {key: "fsize", by: "mountpoint"},
	"node_filesystem_avail_bytes":          {key: "ffree", by: "mountpoint"},
	"node_filesystem_files":                {key: "finodes", by: "mountpoint"},
	"node_filesystem_files_free":           {key: "fifree", by: "mountpoint"},

	"mysql_up":                                                          {from: fromMySQL, key: "up"},
	"mysql_version_info":                                                {from: fromMySQL, key: "version", by: "version"},
	"mysql_global_status_uptime":                                        {from: fromMySQL, key: "uptime"},
	"mysql_global_status_questions":                                     {from: fromMySQL, key: "questions"},
	"mysql_global_status_commands":                                      {from: fromMySQL, key: "com", by: "command", only: []string{"select", "insert", "update", "delete"}},
	"mysql_global_status_threads_running":                               {from: fromMySQL, key: "running"},
	"mysql_global_status_threads_connected":                             {from: fromMySQL, key: "connected"},
	"mysql_global_status_max_used_connections":                          {from: fromMySQL, key: "maxused"},
	"mysql_global_status_aborted_clients":                               {from: fromMySQL, key: "aborted"},
	"mysql_global_status_connection_errors":                             {from: fromMySQL, key: "refused", by: "error", only: []string{"max_connections"}},
	"mysql_global_status_innodb_row_ops":                                {from: fromMySQL, key: "rows", by: "operation", only: []string{"read", "inserted", "updated", "deleted"}},
	"mysql_global_status_innodb_buffer_pool_reads":                      {from: fromMySQL, key: "preads"},
	"mysql_global_status_innodb_buffer_pool_read_requests":              {from: fromMySQL, key: "prequests"},
	"mysql_global_status_buffer_pool_dirty_pages":                       {from: fromMySQL, key: "dirty"},
	"mysql_global_status_innodb_row_lock_waits":                         {from: fromMySQL, key: "lockwaits"},
	"mysql_global_status_innodb_row_lock_time":                          {from: fromMySQL, key: "lockms"},
	"mysql_global_status_innodb_row_lock_current_waits":                 {from: fromMySQL, key: "locksnow"},
	"mysql_global_status_slow_queries":                                  {from: fromMySQL, key: "slow"},
	"mysql_global_status_created_tmp_disk_tables":                       {from: fromMySQL, key: "tmpdisk"},
	"mysql_global_status_handlers":                                      {from: fromMySQL, key: "handler", by: "handler", only: []string{"read_rnd_next", "delete", "update", "write"}},
	"mysql_global_status_innodb_history_list_length":                    {from: fromMySQL, key: "history"},
	"mysql_info_schema_innodb_metrics_transaction_trx_rseg_history_len": {from: fromMySQL, key: "history"},
	"mysql_global_status_innodb_deadlocks":                              {from: fromMySQL, key: "deadlocks"},
	"mysql_global_variables_max_connections":                            {from: fromMySQL, key: "maxconn"},
	"mysql_global_variables_innodb_buffer_pool_size":                    {from: fromMySQL, key: "pool"},
	"mysql_global_variables_innodb_lock_wait_timeout":                   {from: fromMySQL, key: "lockwait"},
	"mysql_global_variables_performance_schema":                         {from: fromMySQL, key: "perf"},
	"mysql_global_variables_slow_query_log":                             {from: fromMySQL, key: "slowlog"},
	"mysql_info_schema_table_rows":                                      {from: fromMySQL, key: "trows", by: "table"},
	"mysql_info_schema_table_size":                                      {from: fromMySQL, key: "tsize", by: "table"},
	"mysql_perf_schema_events_statements":                               {from: fromMySQL, key: "dcount", by: "digest_text"},
	"mysql_perf_schema_events_statements_seconds":                       {from: fromMySQL, key: "dtime", by: "digest_text"},
	"mysql_perf_schema_events_statements_rows_examined":                 {from: fromMySQL, key: "dread", by: "digest_text"},
	"mysql_perf_schema_events_statements_rows_sent":                     {from: fromMySQL, key: "dsent", by: "digest_text"},
	"mysql_perf_schema_events_statements_rows_affected":                 {from: fromMySQL, key: "ddone", by: "digest_text"},
	"mysql_perf_schema_events_statements_errors":                        {from: fromMySQL, key: "derrors", by: "digest_text"},

	"phpfpm_up":                   {from: fromFPM, key: "up", by: "pool"},
	"phpfpm_active_processes":     {from: fromFPM, key: "active", by: "pool"},
	"phpfpm_total_processes":      {from: fromFPM, key: "total", by: "pool"},
	"phpfpm_listen_queue":         {from: fromFPM, key: "queue", by: "pool"},
	"phpfpm_listen_queue_length":  {from: fromFPM, key: "backlog", by: "pool"},
	"phpfpm_max_children_reached": {from: fromFPM, key: "full", by: "pool"},

	"apache_up":       {from: fromApache, key: "up"},
	"apache_accesses": {from: fromApache, key: "requests"},
	"apache_workers":  {from: fromApache, key: "workers", by: "state", only: []string{"busy", "idle"}},

	"nginx_up":            {from: fromNginx, key: "up"},
	"nginx_http_requests": {from: fromNginx, key: "requests"},

	"probe_success":          {from: fromBlackbox, key: "success"},
	"probe_duration_seconds": {from: fromBlackbox, key: "took"},
	"probe_http_status_code": {from: fromBlackbox, key: "status"},

	"namedprocess_namegroup_cpu_seconds":  {from: fromProcess, key: "cpu", by: "groupname", sum: true},
	"namedprocess_namegroup_num_procs":    {from: fromProcess, key: "procs", by: "groupname"},
	"namedprocess_namegroup_memory_bytes": {from: fromProcess, key: "rss", by: "groupname"},
}

// lookUp finds what a sample is taken for.
func lookUp(s *Sample) (what, bool) {
	w, ok := metrics[strings.TrimSuffix(s.Name, "_total")]
	if !ok {
		return w, false
	}
	switch w.key {
	case "fsize", "ffree", "finodes", "fifree":
		return w, realFS(s.Get("fstype"))
	case "dread", "dwrite", "dreads", "dwrites", "dbusy":
		return w, w.from != fromNode || wholeDisk(s.Get("device"))
	case "rss":
		return w, s.Get("memtype") == "resident"
	}
	return w, w.only == nil || slices.Contains(w.only, s.Get(w.by))
}

// realFS reports whether files are kept on a file system of the type.
func realFS(t string) bool {
	switch t {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "nfs", "nfs4", "tmpfs":
		return true
	}
	return false
}

// wholeDisk tells a disk from its partitions and from what is made of disks.
func wholeDisk(d string) bool {
	switch {
	case strings.HasPrefix(d, "nvme"), strings.HasPrefix(d, "mmcblk"):
		return !strings.Contains(d, "p")
	case strings.HasPrefix(d, "sd"), strings.HasPrefix(d, "vd"), strings.HasPrefix(d, "hd"), strings.HasPrefix(d, "xvd"):
		return d[len(d)-1] < '0' || d[len(d)-1] > '9'
	}
	return false
}
