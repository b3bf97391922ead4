package survey

import (
	"regexp"
	"strings"
)

var (
	// dumpText is what programs that make backups send, and nobody else.
	dumpText = regexp.MustCompile(`(?i)^\s*(SELECT\s+/\*!40001\s+SQL_NO_CACHE\s*\*/|FLUSH\s+(NO_WRITE_TO_BINLOG\s+|LOCAL\s+|/\*!40101\s+LOCAL\s*\*/\s*)?TABLES|BACKUP\s+(STAGE|LOCK)|LOCK\s+INSTANCE\s+FOR\s+BACKUP|LOCK\s+(BINLOG|TABLES)\s+FOR\s+BACKUP|LOCK\s+TABLES\s.*READ\s+/\*!32311\s+LOCAL)`)
	// dumpName is how such programs, and the accounts made for them, are named.
	dumpName = regexp.MustCompile(`(?i)^(mysqldump|mysqlpump|mariadb-?dump|mariabackup|mariadb-?backup|xtrabackup|mysqlbackup|mysql-?sh|mydumper|backup|dump|bkpuser)$`)
)

// replication reports whether a session is the server's own: it applies or sends
// what was written, or is the event scheduler.
func replication(user, command string) bool {
	switch strings.ToLower(user) {
	case "system user", "event_scheduler":
		return true
	}
	for _, c := range []string{"Binlog Dump", "Slave", "Replica", "Daemon"} {
		if strings.HasPrefix(command, c) {
			return true
		}
	}
	return false
}

// ddl reports whether a verb changes the form of a table or wants it alone.
func ddl(verb string) bool {
	switch verb {
	case "ALTER", "DROP", "CREATE", "RENAME", "TRUNCATE", "OPTIMIZE", "REPAIR":
		return true
	}
	return false
}
