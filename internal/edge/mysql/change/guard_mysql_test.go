//go:build mysqllive

package change

import (
	"os"
	"testing"

	"hirune/internal/edge/mysql/mysqltest"
)

// TestLiveMySQL runs on a throw-away MySQL 8 or later that you have started,
// because Debian 12 has none to install: make test-mysql SOCKET=/tmp/my/mysql.sock
// where root has no password.
func TestLiveMySQL(t *testing.T) {
	socket := os.Getenv("HIRUNE_TEST_MYSQL_SOCKET")
	if socket == "" {
		t.Fatal("HIRUNE_TEST_MYSQL_SOCKET names no MySQL server")
	}
	s := &mysqltest.Server{Socket: socket}
	t.Cleanup(func() { s.Exec(t, "DROP DATABASE IF EXISTS site") })
	t.Run("index", func(t *testing.T) { testIndex(t, s) })
	t.Run("kill", func(t *testing.T) { testKill(t, s) })
	t.Run("swap", func(t *testing.T) { testSwap(t, s) })
	t.Run("explain and rebuild", func(t *testing.T) { testExplainAndRebuild(t, s) })
	t.Run("cron", func(t *testing.T) { testCron(t, s) })
}
