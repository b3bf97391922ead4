package evidence

// CommandLogged is the Command of a statement that was over when it was told:
// by the slow log, at its end, with RunningMs as long as it took.
const CommandLogged = "Logged"

// Statement is one row of the server's list of running statements, or one that
// the slow log tells of.
// Source: information_schema.PROCESSLIST or performance_schema.processlist.
type Statement struct {
	DB        string `cbor:"b,omitempty"` // instance, where there are several
	ConnID    uint64 `cbor:"c"`
	QueryID   uint64 `cbor:"q,omitempty"` // MariaDB only; tells two equal statements of one connection apart
	User      string `cbor:"u"`
	Schema    string `cbor:"s,omitempty"`
	Command   string `cbor:"k"`           // Query, Execute, Sleep, …; CommandLogged
	State     string `cbor:"t,omitempty"` // as the server words it
	RunningMs int64  `cbor:"r"`           // since the statement began; whole seconds on MySQL
	Digest    string `cbor:"d,omitempty"` // text with every literal replaced by ?; never raw
	Verb      string `cbor:"v,omitempty"` // SELECT, DELETE, … upper case
	Table     string `cbor:"a,omitempty"` // the table it writes, or reads first; without schema
	RowsRead  int64  `cbor:"x"`           // examined so far; -1 if the server does not say
}

// Kind implements Fact.
func (Statement) Kind() string { return "statement" }

// Transaction is one open InnoDB transaction.
// Source: information_schema.INNODB_TRX with the session's command and idle time.
type Transaction struct {
	DB              string `cbor:"b,omitempty"`
	ID              string `cbor:"i"`
	ConnID          uint64 `cbor:"c"`
	State           string `cbor:"s"` // RUNNING, LOCK WAIT, ROLLING BACK, COMMITTING
	AgeMs           int64  `cbor:"a"` // since it was opened
	RowsLocked      int64  `cbor:"l"`
	RowsModified    int64  `cbor:"m"` // falls while it rolls back
	LockStructs     int64  `cbor:"k,omitempty"`
	LockMemoryBytes int64  `cbor:"y,omitempty"`
	Sleeping        bool   `cbor:"z,omitempty"` // its session runs no statement
	IdleMs          int64  `cbor:"e,omitempty"` // how long the session has been asleep
	Digest          string `cbor:"d,omitempty"` // of the statement that it runs now
	User            string `cbor:"u,omitempty"`
	Isolation       string `cbor:"n,omitempty"`
}

// Kind implements Fact.
func (Transaction) Kind() string { return "transaction" }

// Kinds of lock that a LockWait is for.
const (
	LockRow      = "row"
	LockMetadata = "metadata" // of a table: an ALTER, LOCK TABLES
	LockTable    = "table"    // of a whole table, as MyISAM's
	LockGlobal   = "global"   // of the whole server: FLUSH TABLES WITH READ LOCK, a backup
	LockUser     = "user"     // GET_LOCK
)

// LockWait is one edge of the waiting graph: who waits for whom.
type LockWait struct {
	DB             string `cbor:"b,omitempty"`
	Lock           string `cbor:"l"` // LockRow, LockMetadata, …
	Waiter         uint64 `cbor:"w"` // connection ids
	Blocker        uint64 `cbor:"k"` // 0 where the server does not name it
	WaitMs         int64  `cbor:"m"`
	Schema         string `cbor:"s,omitempty"`
	Table          string `cbor:"a,omitempty"`
	Index          string `cbor:"i,omitempty"`
	WaiterDigest   string `cbor:"d,omitempty"`
	BlockerDigest  string `cbor:"e,omitempty"` // empty while the blocker sleeps
	BlockerSleeps  bool   `cbor:"z,omitempty"`
	BlockerIdleMs  int64  `cbor:"n,omitempty"`
	BlockerUser    string `cbor:"u,omitempty"`
	BlockerGuessed bool   `cbor:"g,omitempty"` // inferred, the server does not list the holder
}

// Kind implements Fact.
func (LockWait) Kind() string { return "lock-wait" }

// DBStatus is what the server's counters moved by, with its gauges.
// Source: SHOW GLOBAL STATUS, INNODB_METRICS.
type DBStatus struct {
	DB              string `cbor:"b,omitempty"`
	OverMs          int64  `cbor:"o"`
	UptimeS         int64  `cbor:"u"`
	Questions       int64  `cbor:"q"`
	Selects         int64  `cbor:"cs,omitempty"`
	Inserts         int64  `cbor:"ci,omitempty"`
	Updates         int64  `cbor:"cu,omitempty"`
	Deletes         int64  `cbor:"cd,omitempty"`
	ThreadsRunning  int64  `cbor:"tr"`
	Connected       int64  `cbor:"tc"`
	MaxUsed         int64  `cbor:"mu"` // most connections since the start
	Aborted         int64  `cbor:"ab,omitempty"`
	RefusedMax      int64  `cbor:"rm,omitempty"` // refused because all connections were taken
	RowsRead        int64  `cbor:"rr,omitempty"` // by InnoDB
	RowsInserted    int64  `cbor:"ri,omitempty"`
	RowsUpdated     int64  `cbor:"ru,omitempty"`
	RowsDeleted     int64  `cbor:"rd,omitempty"`
	PageReads       int64  `cbor:"pr,omitempty"` // pages that were not in the buffer pool
	PageRequests    int64  `cbor:"pq,omitempty"`
	PagesWritten    int64  `cbor:"pw,omitempty"`
	DirtyPages      int64  `cbor:"pd,omitempty"`
	HistoryLength   int64  `cbor:"hl"`           // undo logs not yet purged; -1 unknown
	Purged          int64  `cbor:"pu,omitempty"` // delete-marked records purged; 0 where the counter is off
	RowLockWaits    int64  `cbor:"lw,omitempty"`
	RowLockMs       int64  `cbor:"lm,omitempty"`
	RowLocksWaiting int64  `cbor:"lc,omitempty"` // now
	Deadlocks       int64  `cbor:"dl,omitempty"`
	SlowQueries     int64  `cbor:"sq,omitempty"`
	TmpDiskTables   int64  `cbor:"td,omitempty"`
	HandlerReadNext int64  `cbor:"hn,omitempty"` // Handler_read_rnd_next: rows read by full scans
	RedoKB          int64  `cbor:"rk,omitempty"` // written to the redo log
	Restarted       bool   `cbor:"rs,omitempty"` // the server started anew since the last fact: amounts are since its start
}

// Kind implements Fact.
func (DBStatus) Kind() string { return "db-status" }

// DBServer is what kind of server it is and where its limits are.
type DBServer struct {
	DB              string `cbor:"b,omitempty"`
	Flavour         string `cbor:"f"` // "mariadb" or "mysql"
	Version         string `cbor:"v"`
	BufferPoolBytes int64  `cbor:"p"`
	MaxConnections  int64  `cbor:"m"`
	LockWaitS       int64  `cbor:"l,omitempty"` // innodb_lock_wait_timeout
	FlushMethod     string `cbor:"u,omitempty"`
	BinlogFormat    string `cbor:"g,omitempty"` // empty: no binary log
	ReadOnly        bool   `cbor:"r,omitempty"`
	PerfSchema      bool   `cbor:"s,omitempty"`
	SlowLog         bool   `cbor:"o,omitempty"`
	UTCOffsetS      int64  `cbor:"z,omitempty"` // of the server's time zone
}

// Kind implements Fact.
func (DBServer) Kind() string { return "db-server" }

// DigestUse is how often a statement shape ran and how long, where the server
// counts that itself. Source: events_statements_summary_by_digest.
type DigestUse struct {
	DB       string `cbor:"b,omitempty"`
	OverMs   int64  `cbor:"o"`
	Schema   string `cbor:"s,omitempty"`
	Digest   string `cbor:"d"`
	Count    int64  `cbor:"n"`
	TimeMs   int64  `cbor:"t"`
	LockMs   int64  `cbor:"l,omitempty"`
	RowsRead int64  `cbor:"x,omitempty"`
	RowsSent int64  `cbor:"r,omitempty"`
	RowsDone int64  `cbor:"a,omitempty"` // affected
	Errors   int64  `cbor:"e,omitempty"`
}

// Kind implements Fact.
func (DigestUse) Kind() string { return "digest" }

// SessionUse is how many sessions of the database one user has, and what they do.
type SessionUse struct {
	DB       string `cbor:"b,omitempty"`
	User     string `cbor:"u"`
	Schema   string `cbor:"s,omitempty"`
	Count    int64  `cbor:"n"`
	Sleeping int64  `cbor:"z,omitempty"`
	Waiting  int64  `cbor:"w,omitempty"` // run a statement that waits for a lock
	IdleMs   int64  `cbor:"i,omitempty"` // the longest sleep among them
	Limit    int64  `cbor:"l,omitempty"` // max_user_connections; 0 without one
}

// Kind implements Fact.
func (SessionUse) Kind() string { return "sessions" }
