package remedy

import (
	"time"

	"hirune/internal/core/evidence"
)

// World is what an edge has just read of the server. A part is nil where it
// could not be read; Unread says why.
type World struct {
	Now      time.Time
	Loc      *time.Location // of times of day
	Host     Host
	Server   *Server
	Table    *Table
	Site     *Site
	Web      *Web
	Unread   map[string]string // part ("database", "web") to the reason, in English
	StateDir string            // where archives go
	Binary   string            // absolute path of hirune
}

// Host is the machine.
type Host struct {
	CPUs        int
	MemoryBytes int64
	SwapBytes   int64
	Pools       []evidence.WorkerPool // of PHP-FPM
	WorkerRSS   int64                 // bytes of the largest PHP worker; 0 unknown
	MaxWorkers  int                   // of the web server; 0 unknown
	NoCron      bool                  // no cron daemon is installed
	Jobs        []string              // paths of the jobs that hirune has installed
	FreeBytes   map[string]int64      // by purpose: DiskData, DiskTmp, DiskArchive; missing: unknown
}

// Purposes of a disk in Host.FreeBytes.
const (
	DiskData    = "data"    // the database's data directory
	DiskTmp     = "tmp"     // the database's tmpdir
	DiskArchive = "archive" // where deleted rows are kept
)

// Server is the state of the database server. Source: its variables, status,
// replication state and session list.
type Server struct {
	Instance       string
	Flavour        string // "mariadb" or "mysql"
	Version        string
	Major          int
	Minor          int
	ReadOnly       bool // read_only, super_read_only or innodb_read_only
	Replica        bool // it replicates from another server
	Replicas       int  // that replicate from it
	Galera         bool
	Binlog         bool
	BinlogFormat   string // ROW, STATEMENT, MIXED; "" without a binary log
	BufferPool     int64
	MaxConnections int64
	LockWaitS      int64     // innodb_lock_wait_timeout
	Account        string    // CURRENT_USER()
	Rights         []string  // on the table's schema and globally: DELETE, INDEX, ALTER, CREATE, DROP, INSERT, PROCESS, …
	Sessions       []Session // others than our own
	BinlogDirFree  int64     // -1 unknown
}

// MariaDB reports whether the server is MariaDB.
func (s *Server) MariaDB() bool { return s.Flavour == "mariadb" }

// Session is one connection of another, as far as a plan has to mind it.
type Session struct {
	ID           uint64
	QueryID      uint64
	User         string
	Command      string // as the server words it: Query, Sleep, Binlog Dump, …
	State        string
	Verb         string
	Digest       string
	Table        string // that it writes, or reads first
	RunningMs    int64  // of the statement, or of the sleep
	RowsRead     int64  // -1 unknown
	TrxID        string
	TrxAgeMs     int64 // -1: no transaction
	TrxState     string
	RowsModified int64
	RowsLocked   int64
	Progress     float64 // of DDL, 0 to 1; -1 unknown
	Waits        uint64  // session that it waits for; 0: none
	Dump         bool    // a logical or physical backup at work
	Replication  bool    // applier, binlog dump, system user, event scheduler
	Own          bool    // of hirune
}

// Table is the finding's table.
type Table struct {
	evidence.Table
	Columns      []Column
	Key          string   // the one integer column of the primary key; "" : there is none such
	KeyColumns   []string // the whole primary key
	MinKey       int64
	MaxKey       int64
	Growth       evidence.TableGrowth // of the column that dates its rows; Ordered: key order follows time
	Triggers     []string
	References   []string // foreign keys of this table to others
	ReferencedBy []string // tables with a foreign key to this one
	Partitions   int
	Fulltext     bool
	Spatial      bool
	RowBytes     int64    // of one row on average, measured by sampling; 0 unknown
	PackedBytes  int64    // of one row in the archive, measured by sampling; 0 unknown
	Children     []string // tables that hold this table's ids by name, without a foreign key
	Plan         string   // access of the accused statement now: ALL, range, …; "" unknown
	Ddl          bool     // somebody alters it now
	Millis       bool     // the column that dates its rows holds milliseconds, not seconds
	// Weighed says that the four below were measured for the rows that are to go.
	Weighed       bool
	DoomedRows    int64 // estimated by samples of the key; -1 unknown
	SurvivingRows int64 // likewise
	FirstKey      int64 // no row with a smaller key goes
	LastDoomedKey int64 // no row with a larger key goes; below FirstKey: none goes at all
}

// Column is one column of a table.
type Column struct {
	Name      string `json:"name"`
	Type      string `json:"type"` // DATA_TYPE, lower case: int, datetime, text, …
	FullType  string `json:"full_type,omitempty"`
	Charset   string `json:"charset,omitempty"` // "" where it has none
	Nullable  bool   `json:"nullable,omitempty"`
	Generated bool   `json:"generated,omitempty"`
}

// ColumnOf returns the column of that name; ok is false where there is none.
func (t *Table) ColumnOf(name string) (Column, bool) {
	for _, c := range t.Columns {
		if equalFold(c.Name, name) {
			return c, true
		}
	}
	return Column{}, false
}

// Site is the WordPress or PHP site.
type Site struct {
	evidence.Site
	Events   []evidence.CronEvent
	Owners   []evidence.Owner
	Jetpack  bool
	Autoload int64 // bytes of options that every request loads; 0 unknown
	XMLRPC   Callers
}

// Callers is who uses an endpoint rightly, from the logs and the site.
type Callers struct {
	Days     float64 // of log that were read; 0: none was
	Requests int64
	Rightly  []Caller // that would break
	// Local is the share of all requests in the logs that come from this host or a
	// private network, 0 to 1: much of it means that a proxy stands before the web
	// server, which then does not know its clients. -1 unknown.
	Local float64
	// Cut says that the logs were not read to their beginning.
	Cut bool
}

// Caller is somebody who would break when the endpoint is closed.
type Caller struct {
	ID       string // "jetpack", "app", "pingback", "success", "application-password"
	Address  string // "" where it is not one
	Requests int64
	Last     time.Time
}

// Web is the web server in front of the site.
type Web struct {
	Server   string // "apache" or "nginx"
	Instance string
	Layout   string       // "debian", "rhel", "bitnami" or "other"
	Include  WriteInclude // ready but for Content: where the file goes, how to test, reload and probe
	Problem  string       // why there is no place for a file of our own, in English; "" : there is
	Fix      string       // the exact line that would make one
	Closed   bool         // xmlrpc.php is refused already, by the web server
	ByPHP    bool         // it is refused, but by PHP: a refusal costs a worker
	Present  bool         // there is an xmlrpc.php
	DocRoot  string       // the site's document root, as the server's configuration names it
	Path     string       // below which the site answers: "/" or "/blog/"
	Below    bool         // sites of a network answer in directories below Path
	Limit    Limit
}

// Limit is how a web server can be told how often somebody may ask; nginx alone can.
type Limit struct {
	Include WriteInclude // ready but for Content and Probes; its Path is "" where there is no place
	Problem string       // why there is no place for a file of our own, in English; "" : there is
	Fix     string       // the exact line that would make one
	There   string       // the content of our own file that is there already; "" : none
}
