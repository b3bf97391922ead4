package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is one daemon in the foreground, leader of its own process group.
type process struct {
	name string
	cmd  *exec.Cmd
	out  *os.File
	done chan struct{} // closed once the leader was reaped
}

// start runs argv as a daemon of this stack, notes it in the state file and sends its output to log/NAME.out.
func (s *Stack) start(name string, argv []string) (*process, error) {
	out, err := os.Create(filepath.Join(s.LogDir(), name+".out"))
	if err != nil {
		return nil, fmt.Errorf("open the output of %s: %w", name, err)
	}
	if s.cfg.Wrap != nil {
		argv = s.cfg.Wrap(argv)
	}
	//nolint:noctx // a context would kill it outright; stop ends it in order
	p := &process{name: name, cmd: exec.Command(argv[0], argv[1:]...), out: out, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = out, out, "/"
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/nonexistent"}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), out.Close())
	}
	s.procs = append(s.procs, p)
	go func() {
		_ = p.cmd.Wait() // how a daemon ended is of interest only while it should live; alive() tells
		close(p.done)
	}()
	return p, s.note(name, p.cmd.Process.Pid)
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop asks the leader to end, waits for grace, then kills the whole group, children included.
func (p *process) stop(grace time.Duration) error {
	defer p.out.Close()
	pid := p.cmd.Process.Pid
	if p.alive() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	if !waitDone(p.done, grace) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		if !waitDone(p.done, 10*time.Second) {
			return fmt.Errorf("stop %s: PID %d does not die", p.name, pid)
		}
	}
	return endGroup(pid, 10*time.Second)
}

func waitDone(done <-chan struct{}, bound time.Duration) bool {
	t := time.NewTimer(bound)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// until polls ok within startBound; it gives up early when the daemon has died.
func until(ctx context.Context, p *process, ok func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}
		if !p.alive() {
			return fmt.Errorf("%s ended at once, see its log: %w\n%s", p.name, err, tail(p.out.Name(), 1500))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", p.name, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

func tail(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-n):])
}

// StopDatabase ends the database as an operator would, and returns when it has ended.
func (s *Stack) StopDatabase() error {
	for i, p := range s.procs {
		if p.name == "mariadb" {
			s.procs = append(s.procs[:i:i], s.procs[i+1:]...)
			return p.stop(stopGrace)
		}
	}
	return errors.New("stop the database: it does not run")
}

// StartDatabase starts a stopped database again.
func (s *Stack) StartDatabase(ctx context.Context) error { return s.startMariaDB(ctx) }
