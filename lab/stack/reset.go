package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ResetData stops the database, lays a fresh copy of the seeded data and starts it again: the table is as it was when the site came up,
// ports and sockets stay.
func (s *Stack) ResetData(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"stop MariaDB", func(context.Context) error { return s.dropDatabase() }},
		{"remove the data directory", func(context.Context) error { return os.RemoveAll(filepath.Join(s.Dir, "mysql")) }},
		{"lay the data directory", func(ctx context.Context) error { return s.layData(ctx, s.data) }},
		{"start MariaDB", s.startMariaDB},
		{"set the site's database account", s.setAccount},
		{"prepare WordPress", func(ctx context.Context) error { return s.prepareSite(ctx, s.data) }},
		{"wait for the first page", s.firstPage},
	} {
		if err := errors.Join(ctx.Err(), step.do(ctx)); err != nil {
			return fmt.Errorf("reset the data: %s: %w", step.what, err)
		}
	}
	return nil
}

// dropDatabase ends the database whose files are about to go: in order there would be nothing to keep.
func (s *Stack) dropDatabase() error {
	if s.database() == nil {
		return nil
	}
	return s.KillDatabase()
}

// KillDatabase ends the database as a crash does, by SIGKILL.
func (s *Stack) KillDatabase() error {
	p := s.database()
	if p == nil {
		return errors.New("kill the database: it does not run")
	}
	_ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself, which is as good
	if !waitDone(p.done, 20*time.Second) {
		return fmt.Errorf("kill the database: PID %d does not die", p.cmd.Process.Pid)
	}
	return s.StopDatabase()
}

// DatabasePID is the process of the database; 0 if it does not run.
func (s *Stack) DatabasePID() int {
	if p := s.database(); p != nil && p.alive() {
		return p.cmd.Process.Pid
	}
	return 0
}

func (s *Stack) database() *process {
	for _, p := range s.procs {
		if p.name == "mariadb" {
			return p
		}
	}
	return nil
}
