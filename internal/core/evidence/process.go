package evidence

// Names of the services that hirune knows how to ask. Any other service is
// named after its main process.
const (
	ServiceDatabase = "database"
	ServicePHP      = "php-fpm"
	ServiceApache   = "apache"
	ServiceNginx    = "nginx"
	ServiceOther    = "other"
)

// ServiceUse is what the processes of one service instance used together.
// Source: /proc/PID/stat, grouped by discovery.
type ServiceUse struct {
	OverMs    int64  `cbor:"o"`
	Service   string `cbor:"s"`
	Instance  string `cbor:"i,omitempty"` // tells instances apart; empty for ServiceOther
	Processes int    `cbor:"n"`
	CPUMs     int64  `cbor:"c"`
	RSSKB     int64  `cbor:"m"`
	Running   int    `cbor:"r,omitempty"` // processes in state R
	Blocked   int    `cbor:"b,omitempty"` // processes in state D
	Started   int    `cbor:"f,omitempty"` // new since the last beat
	Ended     int    `cbor:"e,omitempty"`
}

// Kind implements Fact.
func (ServiceUse) Kind() string { return "service-use" }

// ProcessUse is one process outside the known services that used much, or all
// processes of one name and parent together: a job that starts one short program
// after the other.
type ProcessUse struct {
	OverMs  int64  `cbor:"o"`
	PID     int    `cbor:"p"`
	Name    string `cbor:"n"` // comm, no arguments: they may hold secrets
	CPUMs   int64  `cbor:"c"`
	RSSKB   int64  `cbor:"m"`
	State   string `cbor:"s"`
	Parent  string `cbor:"q,omitempty"` // comm of the parent, e.g. "cron"
	ReadKB  int64  `cbor:"r,omitempty"`
	WriteKB int64  `cbor:"w,omitempty"`
	Count   int    `cbor:"k,omitempty"` // how many processes are summed up; 0 is one
	// Line is the comms from the topmost ancestor below init down to the parent,
	// e.g. "cron/cron/sh"; Unit the systemd unit that it runs in.
	Line string `cbor:"l,omitempty"`
	Unit string `cbor:"u,omitempty"`
	AgeS int64  `cbor:"a,omitempty"` // since the oldest of them, or its scheduler's job, began
}

// Kind implements Fact.
func (ProcessUse) Kind() string { return "process" }

// ServiceState says whether a service that this host has is up.
type ServiceState struct {
	Service  string `cbor:"s"`
	Instance string `cbor:"i,omitempty"`
	Up       bool   `cbor:"u"`
	PID      int    `cbor:"p,omitempty"`
	UptimeS  int64  `cbor:"t,omitempty"`
	How      string `cbor:"h"`           // "process", "systemd", "ctlscript", "socket"
	Detail   string `cbor:"d,omitempty"` // e.g. the unit's Result, or the error of the connection
	Start    string `cbor:"c,omitempty"` // the command that starts it here, if known
}

// Kind implements Fact.
func (ServiceState) Kind() string { return "service" }

// WorkerPool is the use of a pool of workers: PHP-FPM children, Apache
// workers. Source: status page, or processes and the listen socket.
type WorkerPool struct {
	Service  string `cbor:"s"`
	Instance string `cbor:"i,omitempty"`
	Pool     string `cbor:"p"`
	Children int    `cbor:"n"`
	Busy     int    `cbor:"b"`           // -1 unknown
	Max      int    `cbor:"m"`           // -1 unknown
	Queue    int    `cbor:"q"`           // requests that wait for a worker; -1 unknown
	Backlog  int    `cbor:"l,omitempty"` // the longest queue that is allowed
	How      string `cbor:"h"`           // "status" or "processes"
	// Detached is how many of the busy workers have answered their request and work
	// on with nobody waiting, as WordPress' schedule does on PHP-FPM; 0 also where
	// that cannot be seen.
	Detached int `cbor:"d,omitempty"`
}

// Kind implements Fact.
func (WorkerPool) Kind() string { return "pool" }

// Full reports whether no worker is free.
func (p WorkerPool) Full() bool { return p.Max > 0 && p.Busy >= p.Max || p.Queue > 0 }

// States of an Outbound.
const (
	OutboundConnecting = "connecting" // the other side has not answered at all yet
	OutboundOpen       = "open"
	OutboundNone       = "none" // the workers were looked at, and waited for nobody outside
)

// Outbound is the connections to one address on which workers of a service wait
// for another machine, or for the site itself. They are looked for only while
// many workers are busy.
type Outbound struct {
	Service  string `cbor:"s"`
	Instance string `cbor:"i,omitempty"`
	Remote   string `cbor:"r"`           // address and port; empty with OutboundNone
	State    string `cbor:"t"`           // OutboundConnecting, …
	Workers  int    `cbor:"n"`           // that have one
	OldestMs int64  `cbor:"o"`           // how long the oldest has been seen
	Queued   int64  `cbor:"q,omitempty"` // bytes received that nobody has read: the worker is not waiting for this one
}

// Kind implements Fact.
func (Outbound) Kind() string { return "outbound" }

// What a Change is of.
const (
	ChangePlugin  = "plugin"
	ChangeTheme   = "theme"
	ChangeCore    = "core"    // WordPress itself
	ChangePackage = "package" // of the system, PHP and the daemons among them
	ChangeConfig  = "config"  // a configuration file of a service or of the site
)

// Change is something of the site or of the server that was changed. The
// record's moment is that of the change, which may lie before recording began.
type Change struct {
	What string `cbor:"w"`           // ChangePlugin, …
	Name string `cbor:"n"`           // directory of the plugin, package, or file
	Site string `cbor:"s,omitempty"` // for what belongs to a site
	From string `cbor:"f,omitempty"` // version before
	To   string `cbor:"t,omitempty"` // version after
	Verb string `cbor:"v"`           // "updated", "installed", "activated", "deactivated", "removed", "edited"
	How  string `cbor:"h"`           // "mtime", "dpkg.log", "option"
	// Service is whose package or configuration file it is; empty for what belongs to a site alone.
	Service string `cbor:"e,omitempty"`
}

// Kind implements Fact.
func (Change) Kind() string { return "change" }
