package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// CronDir is where hirune may leave a job; a run that applies remedies must have hidden it (package alone).
const CronDir = "/etc/cron.d"

// Program is the hirune that is tested, with the directory and the tape that it is to use.
type Program struct {
	Path  string
	State string
	Tape  string
	Wrap  func(argv []string) []string // nil: as it is
}

// Reply is what one call of the program came to.
type Reply struct {
	Args   []string
	Out    []byte
	Err    []byte
	Exit   int // -1: ended by a signal
	Took   time.Duration
	CPU    time.Duration // user and system
	RSSKiB int64         // most
}

// says is the program's own complaint, for an error message.
func (r Reply) says() string {
	return fmt.Sprintf("hirune %s: exit %d: %s", strings.Join(r.Args, " "), r.Exit, lastLines(r.Err, 1500))
}

func lastLines(text []byte, n int) string {
	return strings.TrimSpace(string(text[max(0, len(text)-n):]))
}

// Command is a call of one verb, not started yet. Its own signals are the caller's: it leads a group of its own.
func (p Program) Command(args ...string) *exec.Cmd {
	argv := append([]string{p.Path}, args...)
	if p.Wrap != nil {
		argv = p.Wrap(argv)
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // Finish bounds it
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+filepath.Dir(p.Tape))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// With gives a verb the flags that say where its state is, and where the tape is if it reads one.
func (p Program) With(verb string, args ...string) []string {
	flags := []string{verb, "--state", p.State}
	if verb == "plan" || verb == "apply" || verb == "verify" {
		flags = append(flags, "--tape", p.Tape)
	}
	return append(flags, args...)
}

// Run calls one verb and waits for it; when ctx ends, the program is asked to stop and killed 20 s later.
func (p Program) Run(ctx context.Context, args ...string) (Reply, error) {
	cmd := p.Command(args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Reply{Args: args}, fmt.Errorf("start hirune %s: %w", args[0], err)
	}
	err := Finish(ctx, cmd)
	r := Reply{Args: args, Out: out.Bytes(), Err: complaint.Bytes(), Exit: cmd.ProcessState.ExitCode(), Took: time.Since(began),
		CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.RSSKiB = u.Maxrss
	}
	return r, err
}

// Finish waits for a started command whose exit code is of no interest here. When ctx ends it interrupts the program, and kills it 20 s later.
func Finish(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return notAnExit(err)
	case <-ctx.Done():
	}
	_ = cmd.Process.Signal(os.Interrupt) // it may have ended by now
	select {
	case err := <-done:
		return errors.Join(ctx.Err(), notAnExit(err))
	case <-time.After(20 * time.Second):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return errors.Join(ctx.Err(), fmt.Errorf("%s did not end within 20 s of SIGINT", cmd.Path), notAnExit(<-done))
}

func notAnExit(err error) error {
	if ended := new(exec.ExitError); errors.As(err, &ended) {
		return nil
	}
	return err
}

// Keep leaves a reply's output beside the run's other files.
func (r Reply) Keep(dir, name string) error {
	return errors.Join(os.WriteFile(filepath.Join(dir, name), r.Out, 0o644), os.WriteFile(filepath.Join(dir, name+".stderr"), r.Err, 0o644))
}
