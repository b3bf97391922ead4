package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"hirune/lab/scenario"
	"hirune/lab/stack"
)

// script carries the shell script of an injection out, several times side by side if so wished. How it ends is its own affair, as
// that of a job on a real server; what it prints is kept.
func (b *bench) script(ctx context.Context, i scenario.Injection) error {
	if i.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seconds(i.For))
		defer cancel()
	}
	out, err := os.OpenFile(filepath.Join(b.opt.Out, "scripts.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keep the script's output: %w", err)
	}
	defer out.Close()
	var running []*exec.Cmd
	for range max(i.Copies, 1) {
		cmd := b.shell(i)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			return errors.Join(fmt.Errorf("start the script at %g s: %w", i.At, err), endScripts(running))
		}
		running = append(running, cmd)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, cmd := range running {
			_ = cmd.Wait() // how it ended is its own affair
		}
	}()
	select {
	case <-done:
		return endScripts(running) // what they left in their groups
	case <-ctx.Done():
	}
	err = endScripts(running)
	select {
	case <-done:
		return err
	case <-time.After(10 * time.Second):
		return errors.Join(err, fmt.Errorf("the script at %g s does not die", i.At))
	}
}

// shell is the command of one copy: in the capped group and a process group of its own, as its user.
func (b *bench) shell(i scenario.Injection) *exec.Cmd {
	argv := []string{"/bin/sh", "-c", b.site.Expand(i.Run)}
	if i.As != "" && i.As != "root" {
		argv = append([]string{"/usr/sbin/runuser", "-u", i.As, "--"}, argv...)
	}
	if !i.Outside {
		argv = b.group.Wrap(argv)
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // script ends its whole group
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), fmt.Sprintf("MARIADB_PID=%d", b.site.PID(stack.DaemonDatabase)), fmt.Sprintf("FPM_PID=%d", b.site.PID(stack.DaemonPHP)),
		fmt.Sprintf("WEB_PID=%d", b.site.PID(stack.DaemonWeb)))
	return cmd
}

func endScripts(running []*exec.Cmd) error {
	var errs []error
	for _, cmd := range running {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, fmt.Errorf("end a script: %w", err))
		}
	}
	return errors.Join(errs...)
}
