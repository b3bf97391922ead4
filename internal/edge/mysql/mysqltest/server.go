// Package mysqltest starts a private MariaDB for tests: its own data
// directory, socket and loopback port, stopped by its process id.
package mysqltest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver for DB
)

// Server is a running MariaDB. Root logs in over the socket.
type Server struct {
	Dir       string
	Socket    string
	Port      int
	ExtraPort int
	args      []string
	cmd       *exec.Cmd
	ended     chan struct{}
}

// Address is its loopback host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// PID is its process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Start runs a MariaDB until the test ends. Where it is not installed or the
// test is not root, it skips the test; with CI=true that is a failure.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	for _, bin := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(bin); err != nil {
			absent(t, bin+" is not installed: apt-get install mariadb-server")
		}
	}
	if os.Geteuid() != 0 {
		absent(t, "a private MariaDB with log-in over the socket needs root")
	}
	dir, err := os.MkdirTemp("", "hirune-db-") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{Dir: dir, Socket: filepath.Join(dir, "s"), Port: freePort(t), ExtraPort: freePort(t), args: args}
	out, err := exec.Command("mariadb-install-db", "--no-defaults", "--user=root", "--datadir="+dir+"/data",
		"--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve").CombinedOutput()
	if err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	s.Run(t)
	t.Cleanup(s.Stop)
	s.Exec(t, "DELETE FROM mysql.global_priv WHERE User=''", "FLUSH PRIVILEGES")
	return s
}

func absent(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Run starts the server, also again after Stop or Kill.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	args := append([]string{"--no-defaults", "--user=root", "--datadir=" + s.Dir + "/data", "--socket=" + s.Socket, "--pid-file=" + s.Dir + "/pid",
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port), "--extra-port=" + strconv.Itoa(s.ExtraPort), "--extra-max-connections=2",
		"--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve", "--tmpdir=" + s.Dir,
		"--lock-wait-timeout=20", "--innodb-lock-wait-timeout=20", "--log-error=" + s.Dir + "/log"}, s.args...)
	s.cmd = exec.Command("mariadbd", args...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, ended := s.cmd, make(chan struct{})
	s.ended = ended
	go func() { cmd.Wait(); close(ended) }()
	Eventually(t, 30*time.Second, "MariaDB answers", func() bool {
		db := s.open("")
		defer db.Close()
		return db.Ping() == nil
	})
}

// Stop ends the server in order, or by force after 20 s.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(sig syscall.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil {
		return
	}
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.cmd.Process.Kill()
		<-s.ended
	}
}

func (s *Server) open(schema string) *sql.DB {
	db, err := sql.Open("mysql", fmt.Sprintf("root@unix(%s)/%s?multiStatements=false", s.Socket, schema))
	if err != nil {
		panic(err) // the DSN is ours
	}
	return db
}

// DB is a pool as root; it is closed when the test ends.
func (s *Server) DB(t testing.TB, schema string) *sql.DB {
	t.Helper()
	db := s.open(schema)
	t.Cleanup(func() { db.Close() })
	return db
}

// Session is one connection as root, closed when the test ends.
func (s *Server) Session(t testing.TB, schema string) *sql.Conn {
	t.Helper()
	conn, err := s.DB(t, schema).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Exec runs statements as root.
func (s *Server) Exec(t testing.TB, texts ...string) {
	t.Helper()
	db := s.open("")
	defer db.Close()
	for _, text := range texts {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// AuditLog makes site.wp_audit_log with n rows, the oldest first, one a minute
// up to now: integer times in a column without an index, and an index on level.
func (s *Server) AuditLog(t testing.TB, n int) {
	t.Helper()
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS site", `CREATE TABLE site.wp_audit_log (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(60),
level VARCHAR(25), stacktrace TEXT, created INT UNSIGNED NULL, KEY level (level)) ENGINE=InnoDB`,
		fmt.Sprintf(`INSERT INTO site.wp_audit_log (username, level, stacktrace, created)
SELECT CONCAT('u', seq), 'warning', REPEAT('x', 300), UNIX_TIMESTAMP() - (%d - seq) * 60 FROM site.seq_1_to_%d`, n, n))
}

// Eventually polls until ok or fails the test. Its step is longer than the 0.1 s
// for which InnoDB shows the same picture of its transactions.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(130 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", within, what)
}
