package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// installData makes a fresh data directory: root comes in by the socket only, and there are no anonymous accounts.
func (s *Stack) installData(ctx context.Context) error {
	dir := filepath.Join(s.Dir, "mysql")
	cmd := exec.CommandContext(ctx, "/usr/bin/mariadb-install-db", "--no-defaults", "--user=mysql", "--datadir="+dir,
		"--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve")
	// A script: to cancel it is to end the server that it has started, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	// The server it starts is the user mysql, who may not be let into our TMPDIR.
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(s.Dir, "tmp"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	return nil
}

func (s *Stack) startMariaDB(ctx context.Context) error {
	if err := s.ownLog("mariadb-error.log", "mysql"); err != nil {
		return err
	}
	p, err := s.start("mariadb", []string{"/usr/sbin/mariadbd", "--defaults-file=" + filepath.Join(s.Dir, "conf", "my.cnf")})
	if err != nil {
		return err
	}
	err = until(ctx, p, func(ctx context.Context) error {
		_, err := s.SQL(ctx, "SELECT 1")
		return err
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tail(filepath.Join(s.LogDir(), "mariadb-error.log"), 1500))
	}
	return nil
}

// SQL runs statements as the database's root over the socket, in the site's database where it exists, and returns the rows as
// tab-separated lines without a head.
func (s *Stack) SQL(ctx context.Context, statements string) (string, error) {
	cmd := exec.CommandContext(ctx, "/usr/bin/mariadb", "--no-defaults", "--socket="+s.DBSocket, "--user=root", "-N", "-B")
	cmd.Stdin = strings.NewReader(statements)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("run SQL: %w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// setAccount gives the site's account the password of this run and removes anonymous ones.
func (s *Stack) setAccount(ctx context.Context) error {
	_, err := s.SQL(ctx, fmt.Sprintf(`CREATE DATABASE IF NOT EXISTS %[1]s CHARACTER SET utf8mb4;
DROP USER IF EXISTS ''@'localhost', ''@'%%';
CREATE OR REPLACE USER %[2]s@localhost IDENTIFIED BY '%[3]s';
GRANT ALL ON %[1]s.* TO %[2]s@localhost;`, s.DBName, s.DBUser, s.DBPassword))
	return err
}

// Session is a client of the database that stays connected.
type Session struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out bytes.Buffer
}

// OpenSession connects as the site's account and runs statements; the session then sleeps, with whatever transaction they
// opened, until Close. ctx ends it too.
func (s *Stack) OpenSession(ctx context.Context, statements string) (*Session, error) {
	c := &Session{cmd: exec.CommandContext(ctx, "/usr/bin/mariadb", "--no-defaults", "--socket="+s.DBSocket, "--user="+s.DBUser,
		"--unbuffered", s.DBName)}
	c.cmd.Env = append(os.Environ(), "MYSQL_PWD="+s.DBPassword)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	c.in = in
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	if _, err := io.WriteString(in, statements+";\n"); err != nil {
		return nil, errors.Join(fmt.Errorf("send to a session: %w", err), c.Close())
	}
	return c, nil
}

// Close disconnects; the server rolls an open transaction back.
func (c *Session) Close() error {
	err := errors.Join(c.in.Close(), c.cmd.Wait())
	if err != nil {
		return fmt.Errorf("end a session: %w: %s", err, bytes.TrimSpace(c.out.Bytes()))
	}
	return nil
}
