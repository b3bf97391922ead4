package mysql

import (
	"fmt"
	"strings"
)

// Missing is a right that the account in use does not have.
type Missing struct {
	Code string // stable id, e.g. "no-process-right"
	What string // what cannot be judged without it, in English
	Hint string // the exact statement that would change it
}

// adminRight is the right to log in when all connections are taken.
func adminRight(flavour string) string {
	if flavour == MySQL {
		return "CONNECTION_ADMIN"
	}
	return "CONNECTION ADMIN"
}

// ownAccount is the account that sees everything and can change nothing.
func ownAccount(flavour string) string {
	s := fmt.Sprintf("CREATE USER 'hirune'@'localhost' IDENTIFIED BY '…'; GRANT PROCESS, %s ON *.* TO 'hirune'@'localhost'; "+
		"GRANT SELECT ON `<the site's database>`.* TO 'hirune'@'localhost';", adminRight(flavour))
	if flavour == MySQL {
		s += " GRANT SELECT ON performance_schema.* TO 'hirune'@'localhost';"
	}
	return s
}

func adviceDenied(flavour string) string {
	return "run as root (sudo), so that the log-in over the UNIX socket works, or give hirune an account: " + ownAccount(flavour) +
		" and put it under [client] in /root/.my.cnf"
}

func adviceFull(flavour string) string {
	spare := "set extra_port=3307 and extra_max_connections=1 in my.cnf"
	if flavour == MySQL {
		spare = "set admin_address=127.0.0.1 in my.cnf and GRANT SERVICE_CONNECTION_ADMIN"
	}
	return fmt.Sprintf("all connections are taken. An account with the right %s gets one more: %s Or %s. Start hirune before the outage: it keeps its connection",
		adminRight(flavour), ownAccount(flavour), spare)
}

// missing compares what the account may do with what hirune can use.
func (c *Conn) missing() []Missing {
	var out []Missing
	who := account(c.account)
	if !c.can.process {
		out = append(out, Missing{CodeNoProcess, "sessions of other accounts, transactions, locks, who blocks whom",
			fmt.Sprintf("GRANT PROCESS ON *.* TO %s; or better an account of its own: %s", who, ownAccount(c.flavour))})
	}
	if c.flavour == MySQL && c.perfSchema && !c.can.perfSchema {
		out = append(out, Missing{"no-performance-schema-right", "rows that a statement has examined, the holder of a lock, statement statistics",
			"GRANT SELECT ON performance_schema.* TO " + who + ";"})
	}
	if !c.can.admin {
		out = append(out, Missing{"no-connection-admin-right", "a log-in when all connections are taken",
			fmt.Sprintf("GRANT %s ON *.* TO %s;", adminRight(c.flavour), who)})
	}
	return out
}

// GrantSelect is the statement that lets the account in use read a database.
func (c *Conn) GrantSelect(schema string) string {
	return fmt.Sprintf("GRANT SELECT ON %s.* TO %s;", ident(schema), account(c.account))
}

// account writes user@host as the server's SQL wants it.
func account(currentUser string) string {
	user, host, _ := strings.Cut(currentUser, "@")
	if i := strings.LastIndexByte(currentUser, '@'); i >= 0 {
		user, host = currentUser[:i], currentUser[i+1:]
	}
	return quote(user) + "@" + quote(host)
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
}
