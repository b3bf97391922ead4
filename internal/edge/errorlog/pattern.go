// Package errorlog knows the lines of error logs that matter: of Apache,
// nginx, PHP-FPM, PHP, MariaDB, MySQL and the kernel. It tells them by fixed
// words, reads when they were written, and makes them fit to be kept: short,
// without SQL literals and query strings.
package errorlog

import (
	"bytes"

	"hirune/internal/core/evidence"
)

// Log is a kind of log, which decides what may stand in it.
type Log uint8

// The kinds of log.
const (
	Apache Log = 1 << iota
	Nginx
	FPM
	PHP // a log that PHP writes itself, such as WordPress' debug.log
	Database
	Kernel
	FPMSlow // PHP-FPM's slow log: see Traces
	Systemd // what systemd itself writes of the units
)

// ServiceKernel is the service name of what the kernel says.
const ServiceKernel = "kernel"

// ServiceSystemd stands for the service of the unit that systemd speaks of: see
// UnitService.
const ServiceSystemd = "systemd"

// Pattern tells one kind of line.
type Pattern struct {
	ID      string // stable for ever
	Service string
	In      Log      // the logs in which it is looked for
	Any     []string // one of these must be in the line
	And     string   // and this, if not empty
	Not     string   // and not this, if not empty
}

const php = Apache | Nginx | FPM | PHP

// Patterns are tried in order: the first that fits is the line's. What PHP
// says comes first, because web servers and FPM wrap it in lines of their own.
// Sources: the servers themselves (testdata has a line of each) and their
// source code.
var patterns = []Pattern{
	{ID: "php-lock-table-full", Service: evidence.ServicePHP, In: php, Any: []string{"The total number of locks exceeds the lock table size"}},
	{ID: "php-lock-wait", Service: evidence.ServicePHP, In: php, Any: []string{"Lock wait timeout exceeded"}},
	{ID: "php-deadlock", Service: evidence.ServicePHP, In: php, Any: []string{"Deadlock found when trying to get lock"}},
	{ID: "php-db-gone", Service: evidence.ServicePHP, In: php, Any: []string{"server has gone away", "Lost connection to MySQL server", "Lost connection to server"}},
	{ID: "php-db-connections", Service: evidence.ServicePHP, In: php, Any: []string{"Too many connections", "already has more than 'max_user_connections'"}},
	{ID: "php-db-connect", Service: evidence.ServicePHP, In: php, Any: []string{"mysqli_real_connect()", "Error establishing a database connection"}},
	{ID: "php-table-crashed", Service: evidence.ServicePHP, In: php, Any: []string{"is marked as crashed"}},
	{ID: "nginx-disk-full", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"(28: No space left on device)"}},
	{ID: "apache-disk-full", Service: evidence.ServiceApache, In: Apache, Any: []string{"(28)No space left on device"}},
	{ID: "php-disk-full", Service: evidence.ServicePHP, In: php, Any: []string{"No space left on device", "possibly out of free disk space", "Errcode: 28", "Got error 28", "Disk full", "Disk quota exceeded"}},
	{ID: "php-table-full", Service: evidence.ServicePHP, In: php, Any: []string{"' is full for query"}},
	{ID: "php-db-error", Service: evidence.ServicePHP, In: php, Any: []string{"WordPress database error"}},
	{ID: "php-outbound", Service: evidence.ServicePHP, In: php, Any: []string{"cURL error 28", "cURL error 7:", "cURL error 6:", "ailed to open stream: Connection timed out", "(Connection timed out)", "php_network_getaddresses: getaddrinfo"}},
	{ID: "php-memory", Service: evidence.ServicePHP, In: php, Any: []string{"Allowed memory size of"}},
	{ID: "php-timeout", Service: evidence.ServicePHP, In: php, Any: []string{"Maximum execution time of"}},
	{ID: "php-fatal", Service: evidence.ServicePHP, In: php, Any: []string{"PHP Fatal error:", "PHP Parse error:"}},

	{ID: "apache-workers-full", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH00484:", "AH00161:", "AH00286:"}},
	{ID: "apache-workers-nearly-full", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH10159:"}},
	{ID: "apache-scoreboard-full", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH00485:", "AH00288:", "AH03490:"}},
	{ID: "apache-child-signal", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH00051:", "AH00052:"}},
	{ID: "apache-fork-failed", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH00159:", "AH00481:"}},
	{ID: "apache-fcgi-timeout", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH01075:"}, And: "(70007)"},
	{ID: "apache-fcgi-failed", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH01067:", "AH01075:"}},
	{ID: "apache-fcgi-connect", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH01079:", "AH02454:"}},
	{ID: "apache-proxy-connect", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH01114:", "AH00957:", "AH00959:"}},
	{ID: "apache-proxy-failed", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH01102:", "AH00898:"}},
	{ID: "apache-script-unknown", Service: evidence.ServiceApache, In: Apache, Any: []string{"Primary script unknown"}},
	{ID: "apache-denied", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH01630:", "AH01797:"}},
	{ID: "apache-start-failed", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH00072:", "AH00015:", "AH00016:", "no listening sockets available"}},
	{ID: "apache-start", Service: evidence.ServiceApache, In: Apache, Any: []string{"resuming normal operations"}},
	{ID: "apache-stop", Service: evidence.ServiceApache, In: Apache, Any: []string{"AH00169:", "AH00491:", "AH00295:"}},

	{ID: "nginx-connections-full", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"worker_connections are not enough"}},
	{ID: "nginx-limit", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"limiting requests", "limiting connections"}},
	{ID: "nginx-upstream-busy", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"(11: Resource temporarily unavailable) while connecting to upstream"}},
	{ID: "nginx-upstream-timeout", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"upstream timed out"}},
	{ID: "nginx-upstream-refused", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"(111: ", "(2: "}, And: "while connecting to upstream"},
	{ID: "nginx-upstream-closed", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"upstream prematurely closed", "(104: Connection reset by peer) while reading response header from upstream"}},
	{ID: "nginx-upstream-none", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"no live upstreams"}},
	{ID: "nginx-open-files", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"Too many open files"}},
	{ID: "nginx-start-failed", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"[emerg]"}},
	{ID: "nginx-stop", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"(SIGTERM) received", "(SIGQUIT) received"}},
	{ID: "nginx-child-signal", Service: evidence.ServiceNginx, In: Nginx, Any: []string{"exited on signal"}},

	{ID: "fpm-max-children", Service: evidence.ServicePHP, In: FPM, Any: []string{"server reached pm.max_children", "server reached max_children"}},
	{ID: "fpm-busy", Service: evidence.ServicePHP, In: FPM, Any: []string{"seems busy"}},
	{ID: "fpm-slow", Service: evidence.ServicePHP, In: FPM, Any: []string{"executing too slow"}},
	{ID: "fpm-timeout", Service: evidence.ServicePHP, In: FPM, Any: []string{"execution timed out"}},
	{ID: "fpm-child-signal", Service: evidence.ServicePHP, In: FPM, Any: []string{"exited on signal"}},
	{ID: "fpm-start", Service: evidence.ServicePHP, In: FPM, Any: []string{"ready to handle connections"}},
	{ID: "fpm-stop", Service: evidence.ServicePHP, In: FPM, Any: []string{"exiting, bye-bye!", "Terminating ..."}},
	{ID: "fpm-start-failed", Service: evidence.ServicePHP, In: FPM, Any: []string{"FPM initialization failed", "failed to post process the configuration", "unable to bind listening socket", "Another FPM instance seems to already listen"}},

	{ID: "db-lock-heap", Service: evidence.ServiceDatabase, In: Database, Any: []string{"of the buffer pool is occupied by lock heaps"}},
	{ID: "db-lock-table-full", Service: evidence.ServiceDatabase, In: Database, Any: []string{"total number of locks exceeds the lock table size"}},
	{ID: "db-connections-full", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Too many connections"}},
	{ID: "db-aborted", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Aborted connection"}},
	{ID: "db-access-denied", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Access denied for user"}},
	{ID: "db-signal", Service: evidence.ServiceDatabase, In: Database, Any: []string{" got signal "}},
	{ID: "db-crash-recovery", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Starting crash recovery", "Database was not shutdown normally"}},
	{ID: "db-table-crashed", Service: evidence.ServiceDatabase, In: Database, Any: []string{"marked as crashed"}, Not: "Binlog"},
	{ID: "db-disk-full", Service: evidence.ServiceDatabase, In: Database, Any: []string{"No space left on device", "Disk is full", "Disk full", "Errcode: 28", "errno: 28", "Error number 28", "failed with error 28"}},
	{ID: "db-table-full", Service: evidence.ServiceDatabase, In: Database, Any: []string{"The table '"}, And: " is full"},
	{ID: "db-assertion", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Assertion failure", "Assertion `"}},
	{ID: "db-corrupt", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Database page corruption", "is corrupted. Please", "Missing FILE_CHECKPOINT"}},
	{ID: "db-start-failed", Service: evidence.ServiceDatabase, In: Database, Any: []string{"[ERROR] Aborting", "[Server] Aborting", "Can't start server", "unknown variable '", "unknown option '", "Failed to initialize plugins", "Unable to lock ./ibdata1", "Do you already have another"}},
	{ID: "db-semaphore", Service: evidence.ServiceDatabase, In: Database, Any: []string{"emaphore wait"}},
	{ID: "db-pool-full", Service: evidence.ServiceDatabase, In: Database, Any: []string{"ifficult to find free blocks", "ould not free any blocks", "ould not find a free page"}},
	{ID: "db-page-cleaner", Service: evidence.ServiceDatabase, In: Database, Any: []string{"page_cleaner: ", "Page cleaner took"}},
	{ID: "db-memory-pressure", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Memory pressure event"}},
	{ID: "db-out-of-memory", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Out of memory", "Cannot allocate memory"}},
	{ID: "db-open-files", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Too many open files"}},
	{ID: "db-deadlock", Service: evidence.ServiceDatabase, In: Database, Any: []string{"ransactions deadlock detected"}},
	{ID: "db-start", Service: evidence.ServiceDatabase, In: Database, Any: []string{"ready for connections"}, Not: "X Plugin"},
	{ID: "db-stopping", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Normal shutdown", "Received SHUTDOWN from user"}},
	{ID: "db-stop", Service: evidence.ServiceDatabase, In: Database, Any: []string{"Shutdown complete"}, Not: "Shutdown completed;"},

	{ID: "systemd-gave-up", Service: ServiceSystemd, In: Systemd, Any: []string{"Start request repeated too quickly"}},
	{ID: "systemd-killed", Service: ServiceSystemd, In: Systemd, Any: []string{"code=killed", "code=dumped", "Failed with result 'oom-kill'", "Failed with result 'watchdog'"}},
	{ID: "systemd-start-failed", Service: ServiceSystemd, In: Systemd, Any: []string{"code=exited, status=", "Failed to start ", "Failed with result 'timeout'"}},
	{ID: "systemd-restart", Service: ServiceSystemd, In: Systemd, Any: []string{"Scheduled restart job"}},
	{ID: "systemd-stopping", Service: ServiceSystemd, In: Systemd, Any: []string{"Stopping "}},

	{ID: "kernel-oom-cgroup", Service: ServiceKernel, In: Kernel, Any: []string{"Memory cgroup out of memory"}},
	{ID: "kernel-oom", Service: ServiceKernel, In: Kernel, Any: []string{"Out of memory: Kill"}},
	{ID: "kernel-io-error", Service: ServiceKernel, In: Kernel, Any: []string{"I/O error, dev"}},
	{ID: "kernel-read-only", Service: ServiceKernel, In: Kernel, Any: []string{"Remounting filesystem read-only"}},
	{ID: "kernel-hung-task", Service: ServiceKernel, In: Kernel, Any: []string{" blocked for more than "}},
	{ID: "kernel-segfault", Service: ServiceKernel, In: Kernel, Any: []string{" segfault at "}},
}

// Match returns the pattern of a line of the given log, or nil if the line
// does not matter.
func Match(in Log, line []byte) *Pattern {
	if len(line) == 0 {
		return nil
	}
	for i := range patterns {
		if p := &patterns[i]; p.In&in != 0 && p.fits(line) {
			return p
		}
	}
	return nil
}

func (p *Pattern) fits(line []byte) bool {
	for _, w := range p.Any {
		if bytes.Contains(line, []byte(w)) {
			return (p.And == "" || bytes.Contains(line, []byte(p.And))) && (p.Not == "" || !bytes.Contains(line, []byte(p.Not)))
		}
	}
	return false
}
