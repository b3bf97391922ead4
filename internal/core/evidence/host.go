package evidence

// Host is the state of the whole machine.
// Source: /proc/stat, loadavg, meminfo, vmstat, diskstats, pressure.
type Host struct {
	OverMs     int64   `cbor:"o"`
	CPUs       int     `cbor:"n"`
	UserMs     int64   `cbor:"u"` // user + nice, all CPUs together
	SystemMs   int64   `cbor:"s"` // system + irq + softirq
	IdleMs     int64   `cbor:"i"`
	IowaitMs   int64   `cbor:"w,omitempty"`
	StealMs    int64   `cbor:"t,omitempty"` // wanted by us, given to others by the hypervisor
	Load1      float64 `cbor:"l"`
	Runnable   int     `cbor:"r"`           // threads running or ready
	Blocked    int     `cbor:"b,omitempty"` // threads in uninterruptible sleep
	MemTotalKB int64   `cbor:"mt"`
	MemAvailKB int64   `cbor:"ma"`
	SwapKB     int64   `cbor:"st,omitempty"` // size of the swap
	SwapFreeKB int64   `cbor:"sf,omitempty"`
	SwapInKB   int64   `cbor:"si,omitempty"` // over the interval
	SwapOutKB  int64   `cbor:"so,omitempty"`
	MajFaults  int64   `cbor:"mf,omitempty"`
	OOMKills   int64   `cbor:"ok,omitempty"`
	ReadKB     int64   `cbor:"dr,omitempty"` // all disks together
	WriteKB    int64   `cbor:"dw,omitempty"`
	ReadOps    int64   `cbor:"ro,omitempty"`
	WriteOps   int64   `cbor:"wo,omitempty"`
	DiskBusyMs int64   `cbor:"db,omitempty"` // of the busiest disk, at most OverMs
	PSI        bool    `cbor:"p,omitempty"`  // the three below are known
	CPUSomeMs  int64   `cbor:"pc,omitempty"` // time in which some task waited for CPU
	MemSomeMs  int64   `cbor:"pm,omitempty"`
	IOSomeMs   int64   `cbor:"pi,omitempty"`
}

// Kind implements Fact.
func (Host) Kind() string { return "host" }

// BusyMs is the CPU time that was really used, steal left out.
func (h Host) BusyMs() int64 { return h.UserMs + h.SystemMs }

// CapacityMs is the CPU time that the machine has in the interval when nobody
// takes any away.
func (h Host) CapacityMs() int64 { return h.OverMs * int64(h.CPUs) }

// Cgroup is the CPU use and throttling of one control group that holds a
// service of the site.
// Source: cpu.stat with cpu.cfs_quota_us (v1) or cpu.max (v2).
type Cgroup struct {
	OverMs      int64   `cbor:"o"`
	Path        string  `cbor:"p"`
	QuotaCPUs   float64 `cbor:"q"` // CPUs it may use; -1 without a limit
	UsedMs      int64   `cbor:"u"` // -1 unknown
	Throttled   int64   `cbor:"n,omitempty"`
	ThrottledMs int64   `cbor:"t,omitempty"`  // summed over its CPUs
	MemLimitKB  int64   `cbor:"ml,omitempty"` // 0 without a limit
	MemUsedKB   int64   `cbor:"mu,omitempty"` // without what the kernel can drop at once
	OOMKills    int64   `cbor:"ok,omitempty"` // over the interval, because of this group's own limit
}

// Kind implements Fact.
func (Cgroup) Kind() string { return "cgroup" }

// Filesystem is the room on one file system that the site, its logs, its
// database or its temporary files are on.
type Filesystem struct {
	Mount      string `cbor:"m"`
	SizeKB     int64  `cbor:"s"`
	FreeKB     int64  `cbor:"f"` // for an ordinary user
	Inodes     int64  `cbor:"n"` // 0 where the file system has no fixed number
	InodesFree int64  `cbor:"i"`
	// Holds says what of the site is on it: "root", "site", "database", "database-tmp",
	// "sessions", "tmp", "logs".
	Holds []string `cbor:"h,omitempty"`
	// Takes is what the known suspects take of it, the largest first, those with
	// the most files among them. Looked at when the recorder starts, now and then,
	// and when room gets scarce.
	Takes []Taken `cbor:"t,omitempty"`
}

// What a Taken is of.
const (
	TakenSessions = "sessions" // PHP's session files
	TakenBinlog   = "binlog"   // the database's binary logs, all together
	TakenTable    = "table"    // one table's file; Path is the table
	TakenDatabase = "database" // what else the database keeps: redo, undo, system tablespace
	TakenTmp      = "tmp"      // a file or a directory of temporary files
	TakenLog      = "log"      // one log with its rotated ones
	TakenSite     = "site"     // a directory of the site
	TakenOther    = "other"    // files in the database's directory that are none of its own
	TakenDeleted  = "deleted"  // files that are deleted and still open; Path is the program
)

// Taken is the room that one thing takes on a file system.
type Taken struct {
	What  string `cbor:"w"` // TakenSessions, …
	Path  string `cbor:"p"`
	KB    int64  `cbor:"k"`
	Files int64  `cbor:"n"`
	More  bool   `cbor:"m,omitempty"` // at least: the look was cut short
}

// Kind implements Fact.
func (Filesystem) Kind() string { return "filesystem" }
