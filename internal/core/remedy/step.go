package remedy

import (
	"net/netip"
	"time"

	"hirune/internal/core/block"
)

// Step is one change, or one check, as data. The set is closed: each kind has
// its line in the codec table, and its Do, Done and Undo in one edge.
type Step interface {
	// Kind is the wire name of the step, stable for ever.
	Kind() string
	// Script is what will be done, exactly: SQL statements, or a diff of a file,
	// or the command of a job; one line each. SQL can be piped to a client.
	Script() []Line
}

// Line is one line of a step's script.
type Line struct {
	Lang string // LangSQL, LangFile, LangShell or LangNote
	Text string
}

// Languages of a script's lines.
const (
	LangSQL   = "sql"
	LangFile  = "file"  // a line of a unified diff
	LangShell = "shell" // a command
	LangNote  = "note"  // words, shown as a comment
)

// On is the table that a step of the database is about.
type On struct {
	Instance string `json:"instance,omitempty"` // where there are several servers
	Schema   string `json:"schema"`
	Table    string `json:"table"`
}

// DeleteInChunks deletes the doomed rows by ranges of the primary key, a
// statement and a commit each, from the first key up. It needs no index.
type DeleteInChunks struct {
	On
	Key     string `json:"key"`      // the integer primary key
	FromKey int64  `json:"from_key"` // first key that may be doomed
	ToKey   int64  `json:"to_key"`   // last one, fixed with the plan: rows written later stay
	Doomed  Doomed `json:"doomed"`
	// Isolation of the session: READ COMMITTED, which locks no gaps, or REPEATABLE
	// READ where the binary log is in statements.
	Isolation string        `json:"isolation"`
	Archive   string        `json:"archive,omitempty"` // file that takes the deleted rows; "" : none, and no way back
	Columns   []Column      `json:"columns,omitempty"` // of the table as it was planned for: another set stops the step
	Chunk     int64         `json:"chunk"`             // keys in the first chunk
	Target    time.Duration `json:"target_ns"`         // time that one chunk is to take
	InnoDB    bool          `json:"innodb"`            // transactions, row locks
}

// Kind implements Step.
func (DeleteInChunks) Kind() string { return "delete-in-chunks" }

// KeepAndSwap copies the rows that stay to a new table of the same form, swaps
// the names in one statement, and then copies what was written meanwhile. The
// old table stays as Old.
type KeepAndSwap struct {
	On
	Key       string        `json:"key"`
	Doomed    Doomed        `json:"doomed"`
	New       string        `json:"new"` // name of the new table until the swap
	Old       string        `json:"old"` // name of the old one after it
	Columns   []Column      `json:"columns,omitempty"`
	Isolation string        `json:"isolation"`
	Chunk     int64         `json:"chunk"`           // keys in the first piece that is copied
	Empty     bool          `json:"empty,omitempty"` // no row is copied: the strategy Truncate
	Stall     time.Duration `json:"stall_ns"`        // bound of one wait for the names' lock
}

// Kind implements Step.
func (KeepAndSwap) Kind() string { return "keep-and-swap" }

// DropTable drops the table that a swap has left. It cannot be undone.
type DropTable struct {
	On
	Stall time.Duration `json:"stall_ns"`
}

// Kind implements Step.
func (DropTable) Kind() string { return "drop-table" }

// RebuildTable gives the room of deleted rows back to the file system.
type RebuildTable struct {
	On
	Stall time.Duration `json:"stall_ns"`
}

// Kind implements Step.
func (RebuildTable) Kind() string { return "rebuild-table" }

// AddIndex adds an index by online DDL. It would rather fail than copy the
// table or make visitors wait for longer than Stall at a time, Budget in all.
type AddIndex struct {
	On
	Index   string        `json:"index"` // its name
	Columns []string      `json:"columns"`
	MariaDB bool          `json:"mariadb"`
	Stall   time.Duration `json:"stall_ns"`  // bound of one wait for the table's metadata lock
	Budget  time.Duration `json:"budget_ns"` // of all such waits together
	Tries   int           `json:"tries"`
}

// Kind implements Step.
func (AddIndex) Kind() string { return "add-index" }

// ExplainStatement changes nothing: it asks the server how it would carry the
// accused statement out now, and keeps the answer for the report.
type ExplainStatement struct {
	On
	Doomed Doomed `json:"doomed"`
	When   string `json:"when"`           // "before", "after-purge", "after-index"
	Want   string `json:"want,omitempty"` // "range": anything worse is told as not achieved; "" : just look
}

// Kind implements Step.
func (ExplainStatement) Kind() string { return "explain-statement" }

// KillQuery ends one statement, or the session that sleeps on a lock. Every
// field is compared with the session just before: it must still be the same.
type KillQuery struct {
	Instance string `json:"instance,omitempty"`
	MariaDB  bool   `json:"mariadb"`
	Session  uint64 `json:"session"`            // connection id
	QueryID  uint64 `json:"query_id,omitempty"` // MariaDB: of the statement
	Digest   string `json:"digest,omitempty"`   // of the statement; "" for a session that sleeps
	User     string `json:"user,omitempty"`
	TrxID    string `json:"trx_id,omitempty"` // of its transaction
	Sleeping bool   `json:"sleeping,omitempty"`
	// Rollback is the most that undoing its work may be expected to take.
	Rollback time.Duration `json:"rollback_ns"`
}

// Kind implements Step.
func (KillQuery) Kind() string { return "kill-query" }

// WriteInclude writes one file of our own into a web server's configuration,
// tests the whole configuration, reloads it gracefully, and asks the site.
type WriteInclude struct {
	Server   string   `json:"server"`             // "apache" or "nginx"
	Instance string   `json:"instance,omitempty"` // of discovery
	Path     string   `json:"path"`               // our file
	Content  string   `json:"content"`
	HookFile string   `json:"hook_file,omitempty"` // a file of others that has to name ours; "" : a glob takes it in
	HookLine string   `json:"hook_line,omitempty"` // the one line put into HookFile
	HookNext string   `json:"hook_next,omitempty"` // the line of HookFile that HookLine goes before
	HookAt   int      `json:"hook_at,omitempty"`   // number of that line, from 1
	More     []Hook   `json:"more,omitempty"`      // further lines of the kind; of one file in the order of their numbers
	Test     []string `json:"test"`                // command that tests the configuration
	Reload   []string `json:"reload"`              // command that reloads it; empty: a signal to the parent
	Signal   string   `json:"signal,omitempty"`    // "USR1" (Apache), "HUP" (nginx), where there is no command
	PID      int      `json:"pid,omitempty"`       // of the parent
	Probes   []Probe  `json:"probes"`              // what must hold afterwards
}

// Kind implements Step.
func (WriteInclude) Kind() string { return "write-include" }

// Hook is one line that a file of others gets, so that the server takes in ours.
type Hook struct {
	File string `json:"file"`
	Line string `json:"line"` // with its indent, without its line end
	Next string `json:"next"` // the line that it goes before
	At   int    `json:"at"`   // number of Next in the file as it was planned for, from 1
}

// Hooks are all lines that files of others get.
func (s WriteInclude) Hooks() []Hook {
	if s.HookFile == "" {
		return nil
	}
	return append([]Hook{{File: s.HookFile, Line: s.HookLine, Next: s.HookNext, At: s.HookAt}}, s.More...)
}

// Probe is one request and the answer that it has to have.
type Probe struct {
	Method string `json:"method"`
	URL    string `json:"url"`            // loopback, the Host header apart
	Host   string `json:"host,omitempty"` // Host header
	Body   string `json:"body,omitempty"`
	Status int    `json:"status"`           // wanted; 0: below 500 and as before the change
	Marker string `json:"marker,omitempty"` // that the answer has to hold: it then comes from the web server, not from PHP
}

// MoveCronEvent moves a wp-cron event to another time of day.
type MoveCronEvent struct {
	Instance string `json:"instance,omitempty"`
	Schema   string `json:"schema"`
	Prefix   string `json:"prefix"`
	Site     string `json:"site,omitempty"`
	Hook     string `json:"hook"`
	From     int64  `json:"from"` // due now, unix seconds
	To       int64  `json:"to"`
}

// Kind implements Step.
func (MoveCronEvent) Kind() string { return "move-cron-event" }

// RetentionJob installs a job of hirune's own that keeps one table small.
type RetentionJob struct {
	On
	Path   string        `json:"path"` // of the cron file
	Minute int           `json:"minute"`
	Hour   int           `json:"hour"`
	Column string        `json:"column"`
	Keep   time.Duration `json:"keep_ns"`
	Binary string        `json:"binary"` // absolute path of hirune
}

// Kind implements Step.
func (RetentionJob) Kind() string { return "retention-job" }

// BanPrefixes refuses prefixes on the web's ports, each until its end: in an
// nftables set of hirune's own, or in the web server where a proxy stands
// before it. Ports of log-in shells are never among them.
type BanPrefixes struct {
	Layer string      `json:"layer"` // block.LayerFirewall or block.LayerWeb
	Bans  []block.Ban `json:"bans"`
	Ports []int       `json:"ports,omitempty"` // that are refused; the web server's own
	// Confirm is the time within which the owner has to say that he still gets
	// in; otherwise the bans are taken back. 0: nothing to confirm.
	Confirm time.Duration `json:"confirm_ns,omitempty"`
	Probes  []Probe       `json:"probes,omitempty"` // that must be answered as before, from this host
}

// Kind implements Step.
func (BanPrefixes) Kind() string { return "ban-prefixes" }

// LiftBans lets prefixes through again before their bans end.
type LiftBans struct {
	Layer    string         `json:"layer"` // as in BanPrefixes
	Prefixes []netip.Prefix `json:"prefixes"`
}

// Kind implements Step.
func (LiftBans) Kind() string { return "lift-bans" }

// AllowPrefixes puts prefixes on the list of those that are never banned, or
// takes them off it. Bans that hold them are cut around them.
type AllowPrefixes struct {
	Prefixes []netip.Prefix `json:"prefixes"`
	Note     string         `json:"note,omitempty"` // who that is, in the owner's words
	Remove   bool           `json:"remove,omitempty"`
}

// Kind implements Step.
func (AllowPrefixes) Kind() string { return "allow-prefixes" }
