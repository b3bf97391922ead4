package mysqltest

import (
	"fmt"
	"testing"
)

// AuditLog makes site.wp_audit_log with n rows, the oldest first, one a minute
// up to now: integer times in a column without an index, and an index on level.
func (s *Server) AuditLog(t testing.TB, n int) {
	t.Helper()
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS site", `CREATE TABLE site.wp_audit_log (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(60),
level VARCHAR(25), stacktrace TEXT, created INT UNSIGNED NULL, KEY level (level)) ENGINE=InnoDB`,
		"CREATE TABLE site.numbers (n INT NOT NULL PRIMARY KEY)")
	s.Numbers(t, "site.numbers", n)
	s.Exec(t, fmt.Sprintf(`INSERT INTO site.wp_audit_log (id, username, level, stacktrace, created)
SELECT n, CONCAT('u', n), 'warning', REPEAT('x', 300), UNIX_TIMESTAMP() - (%d - n) * 60 FROM site.numbers ORDER BY n`, n),
		"DROP TABLE site.numbers")
}

// Numbers fills the empty table, which has one integer column n, with 1 to n:
// every server can, with or without an engine of sequences.
func (s *Server) Numbers(t testing.TB, table string, n int) {
	t.Helper()
	if n <= 0 {
		return
	}
	s.Exec(t, "INSERT INTO "+table+" (n) VALUES (1)")
	for have := 1; have < n; have *= 2 {
		s.Exec(t, fmt.Sprintf("INSERT INTO %s (n) SELECT n + %d FROM %s WHERE n <= %d", table, have, table, min(have, n-have)))
	}
}
