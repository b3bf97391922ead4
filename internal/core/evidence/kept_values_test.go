package evidence

// keptDigest is the statement that most of the kept samples tell of.
const keptDigest = "DELETE FROM `wp_audit_log` WHERE `created_at` < ?"

// keptFacts is what the samples below testdata/v1 hold, one of each kind with a
// value in every field. A field that is added to a fact later stays out of its
// value here: the old sample does not have it.
var keptFacts = []Fact{
	Unseen{Source: "database", Code: "access-denied", What: "what the database does", Detail: "log in as 'recorder'@'localhost': access denied", Hint: "GRANT PROCESS ON *.* TO recorder@localhost", Seen: true},
	SelfCost{OverMs: 60000, CPUMs: 312, RSSKB: 26480, AnonKB: 11204, IntervalMs: 1000, LateMs: 14, Version: "0.1.0"},
	ClockStep{StepMs: -3600250},
	Host{OverMs: 1000, CPUs: 2, UserMs: 1720, SystemMs: 190, IdleMs: 20, IowaitMs: 40, StealMs: 30, Load1: 9.75, Runnable: 11, Blocked: 3,
		MemTotalKB: 2014208, MemAvailKB: 301444, SwapKB: 1048572, SwapFreeKB: 902144, SwapInKB: 64, SwapOutKB: 128, MajFaults: 17, OOMKills: 1,
		ReadKB: 5120, WriteKB: 20480, ReadOps: 311, WriteOps: 742, DiskBusyMs: 690, PSI: true, CPUSomeMs: 940, MemSomeMs: 55, IOSomeMs: 410},
	Cgroup{OverMs: 1000, Path: "/system.slice/mariadb.service", QuotaCPUs: 0.4, UsedMs: 400, Throttled: 9, ThrottledMs: 1130},
	Filesystem{Mount: "/", SizeKB: 41152736, FreeKB: 1204, Inodes: 2621440, InodesFree: 2300121},
	ServiceUse{OverMs: 1000, Service: ServiceDatabase, Instance: "database:127.0.0.1:3306", Processes: 1, CPUMs: 987, RSSKB: 312004, Running: 1, Blocked: 2, Started: 3, Ended: 4},
	ProcessUse{OverMs: 1000, PID: 4711, Name: "mysqldump", CPUMs: 610, RSSKB: 9120, State: "R", Parent: "cron", ReadKB: 880, WriteKB: 10240},
	ServiceState{Service: ServicePHP, Instance: "php-fpm:8.2", Up: true, PID: 812, UptimeS: 86400, How: "systemd", Detail: "active (running)", Start: "systemctl start php8.2-fpm"},
	WorkerPool{Service: ServicePHP, Instance: "php-fpm:8.2", Pool: "www", Children: 5, Busy: 5, Max: 5, Queue: 37, Backlog: 511, How: "processes"},
	Statement{DB: "database:/run/mysqld/mysqld.sock", ConnID: 4242, QueryID: 99120, User: "wordpress", Schema: "wp", Command: "Query", State: "Updating",
		RunningMs: 615000, Digest: keptDigest, Verb: "DELETE", Table: "wp_audit_log", RowsRead: 412345},
	Transaction{DB: "database:/run/mysqld/mysqld.sock", ID: "281474", ConnID: 4242, State: "RUNNING", AgeMs: 615100, RowsLocked: 398211, RowsModified: 398200,
		LockStructs: 7112, LockMemoryBytes: 1122304, Sleeping: true, IdleMs: 12000, Digest: keptDigest, User: "wordpress", Isolation: "REPEATABLE READ"},
	LockWait{DB: "database:/run/mysqld/mysqld.sock", Lock: LockRow, Waiter: 4250, Blocker: 4242, WaitMs: 31000, Schema: "wp", Table: "wp_audit_log", Index: "PRIMARY",
		WaiterDigest: "INSERT INTO `wp_audit_log` VALUES (?)", BlockerDigest: keptDigest, BlockerSleeps: true, BlockerIdleMs: 12000, BlockerUser: "wordpress", BlockerGuessed: true},
	DBStatus{DB: "database:/run/mysqld/mysqld.sock", OverMs: 1000, UptimeS: 86411, Questions: 140, Selects: 92, Inserts: 11, Updates: 7, Deletes: 2, ThreadsRunning: 9,
		Connected: 31, MaxUsed: 151, Aborted: 5, RefusedMax: 6, RowsRead: 51234, RowsInserted: 12, RowsUpdated: 8, RowsDeleted: 4100, PageReads: 210, PageRequests: 90211,
		PagesWritten: 340, DirtyPages: 2750, HistoryLength: 1833, Purged: 4096, RowLockWaits: 13, RowLockMs: 8800, RowLocksWaiting: 3, Deadlocks: 1, SlowQueries: 14,
		TmpDiskTables: 15, HandlerReadNext: 50011, RedoKB: 2048, Restarted: true},
	DBServer{DB: "database:/run/mysqld/mysqld.sock", Flavour: "mariadb", Version: "10.11.14-MariaDB-0+deb12u2", BufferPoolBytes: 134217728, MaxConnections: 151, LockWaitS: 50,
		FlushMethod: "O_DIRECT", BinlogFormat: "MIXED", ReadOnly: true, PerfSchema: true, SlowLog: true, UTCOffsetS: 32400},
	DigestUse{DB: "database:/run/mysqld/mysqld.sock", OverMs: 60000, Schema: "wp", Digest: keptDigest, Count: 3, TimeMs: 57200, LockMs: 310, RowsRead: 412345, RowsSent: 21, RowsDone: 398211, Errors: 1},
	Table{DB: "database:/run/mysqld/mysqld.sock", Schema: "wp", Name: "wp_audit_log", Engine: "InnoDB", Rows: 419338, DataBytes: 498073600, IdxBytes: 12075008, FileBytes: 520093696, AutoInc: 1204331,
		Indexes: []Index{{Name: "PRIMARY", Columns: []string{"id"}, Unique: true}, {Name: "level_site", Columns: []string{"level", "site_id"}}}},
	TableGrowth{DB: "database:/run/mysqld/mysqld.sock", Schema: "wp", Name: "wp_audit_log", Column: "created_at", Ordered: true, MinKey: 784993, MaxKey: 1204330,
		Probes: []GrowthProbe{{Key: 784993, UnixS: 1761000000}, {Key: 1204330, UnixS: 1769990000}}},
	Plan{DB: "database:/run/mysqld/mysqld.sock", Digest: keptDigest, ConnID: 4242, Table: "wp_audit_log", Access: "ALL", Key: "PRIMARY", Keys: "PRIMARY,level_site", Rows: 419338, Extra: "Using where", Running: true},
	Filter{DB: "database:/run/mysqld/mysqld.sock", Digest: keptDigest, Verb: "DELETE", Schema: "wp", Table: "wp_audit_log", Equal: []string{"site_id"}, Range: []string{"created_at"},
		Wrapped: []string{"level"}, Limit: true, OrderBy: []string{"id"}, CutoffUnixS: 1767225600},
	Traffic{Site: "shop.example", OverMs: 1000, Class: ClassXMLRPC, Requests: 24, Posts: 23, S2xx: 18, S3xx: 1, S4xx: 2, S5xx: 3, TookMs: 9120, MaxMs: 2210, Bytes: 16384, Clients: 7, Self: 1, Fault: 17, FromHist: true, Distinct: 4},
	ClientUse{Site: "shop.example", OverMs: 60000, Class: ClassSearch, Client: "203.0.113.7", Agent: "Mozilla/5.0 (X11; Linux x86_64)", Requests: 311, Distinct: 298, TookMs: 120044, Errors: 12, Path: "/", FromHist: true},
	Attack{OverMs: 60000, ID: "xmlrpc-brute-force", Attempts: 1240, Actors: 12, TookMs: 31004},
	Probe{Site: "shop.example", URL: "http://127.0.0.1:8080/", Status: 503, TookMs: 10001, Bytes: 312, Error: "timeout"},
	ErrorLine{Service: ServicePHP, Instance: "php-fpm:8.2", ID: "fpm-max-children", Count: 4, Message: "[pool www] server reached pm.max_children setting (5), consider raising it", FromHist: true},
	Site{Name: "shop.example", Root: "/srv/shop", Platform: "wordpress", URL: "http://127.0.0.1:8080/", Version: "6.1.9", Schema: "wp", Prefix: "wp_", Plugins: []string{"audit-log", "woocommerce"}, Multisite: true, NoWPCron: true, UTCOffset: 32400},
	CronEvent{Site: "shop.example", Hook: "audit_log_purge", NextUnixS: 1770012000, Schedule: "daily", IntervalS: 86400, Owner: "audit-log", How: "source"},
	Owner{Site: "shop.example", Table: "wp_audit_log", Plugin: "audit-log", How: "source", Version: "2.4.1"},
	HookTable{Site: "shop.example", Hook: "audit_log_purge", Table: "wp_audit_log", Plugin: "audit-log", File: "includes/purge.php"},
	Schedule{Origin: "/etc/cron.d/backup", Spec: "30 15 * * *", Command: "/usr/local/bin/backup.sh", Next: 1770013800},
}
