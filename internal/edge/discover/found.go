// Package discover finds what runs on this host: databases, web servers,
// PHP-FPM pools, sites, logs.
//
// It starts from what runs (process arguments, open files, listening sockets),
// then reads the configuration that they name. No path is assumed, so several
// instances on odd ports and sockets are all found. A TOML file may override
// any of it.
package discover

import (
	"net/netip"
	"time"
)

// Found is what runs here. A slice is empty where nothing of that kind was found.
type Found struct {
	At         time.Time
	Databases  []Database
	WebServers []WebServer
	Pools      []Pool
	Roots      []Root
	Manager    string // "systemd", "bitnami" or "" for plain processes
	Bitnami    string // path of ctlscript.sh, if there is one
	Notes      []Note // what could not be read, and what would change it
}

// Database is one running MariaDB or MySQL server.
type Database struct {
	Instance  string // short name that tells instances apart, e.g. "mariadbd:3307"
	PID       int
	Started   uint64 // start of the process in clock ticks since boot; tells a reused PID
	Flavour   string // "mariadb" or "mysql"
	Socket    string // UNIX socket; empty if none listens
	Address   string // host:port it listens on; empty if none
	ExtraPort string // host:port of a spare port (extra_port, admin_port); empty if none
	DataDir   string
	ErrorLog  string // path; empty: to the journal or to nowhere that we see
	SlowLog   string
	Config    string // --defaults-file, if given
	TmpDir    string
	// User and PasswordFile come from the override file only; empty: find out.
	User         string
	PasswordFile string
}

// WebServer is one running Apache, nginx or LiteSpeed.
type WebServer struct {
	Instance   string
	Service    string // evidence.ServiceApache or ServiceNginx; ServiceOther for LiteSpeed
	PID        int    // of the parent
	Started    uint64 // start of the parent in clock ticks since boot
	Config     string
	Listen     []string // host:port
	AccessLogs []AccessLog
	ErrorLogs  []string
	MaxWorkers int      // MaxRequestWorkers or worker_connections x processes; -1 unknown
	Passes     []string `json:",omitempty"` // host:port that it hands requests on to
	// Behind is the instance that hands all requests to this one and logs them, too;
	// empty: there is none, or nobody has looked. Find leaves it empty.
	Behind   string `json:",omitempty"`
	DocRoots []DocRoot
}

// AccessLog is one access log with the format it is written in and the virtual
// hosts that write to it.
type AccessLog struct {
	Path    string
	Format  string   // LogFormat or log_format string, this one after its escape=json or escape=none; empty: unknown, combined is tried
	Formats []string // further ones that lines of the same file are written in
	Site    string   // ServerName or server_name; empty for the default, or where several hosts share the log
	Names   []string // all names of the hosts, as written: "*.example.com", "~^www"; a default host adds none
	Roots   []string // document roots of the hosts
	Proxy   *Proxy   // where the client's address in it comes from; nil: it is the connection's peer
	Partly  bool     // a condition (env=, expr=, if=) leaves requests out
	Gzip    bool     // written compressed, and late: it cannot be followed line by line
}

// Proxy is how a web server learns the client's address from a proxy before it
// (mod_remoteip, the realip module).
type Proxy struct {
	Header    string         // "X-Forwarded-For", "CF-Connecting-IP", …; or "proxy_protocol", which is no header
	Trusted   []netip.Prefix // peers whose word is taken
	Others    []string       // further ones as written: host names, "unix:", a list that could not be read
	Anyone    bool           // every peer's word is taken, so that a client can pass for any other
	Recursive bool           // trusted addresses in the header are passed over from the right; else its last one counts
	Mixed     bool           // hosts that share the log do not agree on all this, or some take the peer for the client
}

// DocRoot is where a virtual host serves from.
type DocRoot struct {
	Site   string // ServerName
	Listen string // host:port
	Dir    string
	TLS    bool
}

// Pool is one PHP-FPM pool.
type Pool struct {
	Instance     string // of the FPM master, e.g. "php-fpm:8.2"
	Name         string // "www"
	MasterPID    int
	Started      uint64 // start of the master in clock ticks since boot
	Listen       string // socket path or host:port
	MaxChildren  int    // -1 unknown
	StatusPath   string // empty: no status page
	StatusListen string
	ErrorLog     string
	PHPErrorLog  string // where the scripts' own errors go; empty: to the web server
	SlowLog      string
	User         string
	Config       string
	SessionDir   string // where PHP keeps sessions as files; empty: not in files
	UploadDir    string // where uploads wait; empty: the system's directory for temporary files
}

// Root is a directory that may hold a site: a web server's document root or
// where PHP works.
type Root struct {
	Dir      string
	WPConfig string // path of wp-config.php, if it is WordPress
	Listen   string // host:port that serves it, if known
	Host     string // ServerName, if known
	TLS      bool
	URL      string // from the override file only; empty: make it from the others
}

// Note is something that could not be read.
type Note struct {
	What string // e.g. "open files of mariadbd (pid 812)"
	Why  string
	Hint string
}
