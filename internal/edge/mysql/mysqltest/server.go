// Package mysqltest starts private database servers for tests: each with its
// own data directory, socket and loopback port, stopped by its process id.
//
// Start runs this machine's MariaDB. Each runs a test on every server of the
// matrix: that one, and those that .ci/servers has put into chroots.
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

// Server is a running database. Root logs in over the socket, without a password.
type Server struct {
	Flavour   Flavour
	Dir       string // the same path for the server and for the test
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

// Start runs this machine's MariaDB until the test ends. Where it is not
// installed or the test is not root, it skips the test; with CI=true that is a
// failure.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartFlavour(t, Debian, args...)
}

// StartFlavour runs a server of that flavour until the test ends; args are added
// to its command line. Where it is not there, it skips the test; with CI=true
// that is a failure.
func StartFlavour(t testing.TB, f Flavour, args ...string) *Server {
	t.Helper()
	if why := f.missing(); why != "" {
		absent(t, why)
	}
	dir, err := os.MkdirTemp(f.temp(t), "hirune-db-") // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{Flavour: f, Dir: dir, Socket: filepath.Join(dir, "s"), Port: freePort(t), ExtraPort: freePort(t), args: args}
	f.install(t, dir)
	s.Run(t)
	t.Cleanup(s.Stop)
	if !f.MySQL {
		s.Exec(t, "DELETE FROM mysql.global_priv WHERE User=''", "FLUSH PRIVILEGES")
	}
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
	s.cmd = s.Flavour.command(s.Flavour.daemon, append(s.Flavour.options(s), s.args...)...)
	s.cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, ended := s.cmd, make(chan struct{})
	s.ended = ended
	go func() { cmd.Wait(); close(ended) }()
	s.answers(t)
}

// answers waits until the server does, and shows its log when it has ended.
func (s *Server) answers(t testing.TB) {
	t.Helper()
	Eventually(t, 60*time.Second, s.Flavour.Name+" answers", func() bool {
		select {
		case <-s.ended:
			text, err := os.ReadFile(s.Dir + "/log")
			t.Fatalf("%s ended at once: %v %v\n%s", s.Flavour.Name, s.cmd.ProcessState, err, text)
		default:
		}
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
