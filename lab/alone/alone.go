// Package alone carries a program out in namespaces of its own: own processes, network and mounts. What it finds on the host is then
// what it has started and nothing else, two at once cannot clash, and the kernel ends every daemon with the first process, however it ends.
//
// The program starts itself three times: the outer one waits and passes signals on, the first process of the new namespaces collects
// the dead, and the third one does the work.
package alone

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	stageEnv  = "HIRUNE_LAB_STAGE"
	stageInit = "init"
	stageWork = "work"
)

// Enter carries this program out again, with its arguments, in namespaces of its own, and returns its exit code; done is false in
// the process that is to do the work itself, and where namespaces cannot be made. Each directory of hide is empty in there, and
// what is written to it goes with the namespace.
func Enter(hide ...string) (code int, done bool) {
	switch os.Getenv(stageEnv) {
	case stageWork:
		return 0, false
	case stageInit:
		return initStage(hide), true
	}
	if os.Geteuid() != 0 {
		return 0, false
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:noctx // it ends with the signals that are passed on, and with us by Pdeathsig
	cmd.Env = append(os.Environ(), stageEnv+"="+stageInit)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL}
	signals := catch()
	if err := cmd.Start(); err != nil {
		signal.Stop(signals)
		if len(hide) > 0 {
			fmt.Fprintf(os.Stderr, "run in namespaces of its own, so that %v of this machine stays as it is: %v\n", hide, err)
			return 2, true
		}
		fmt.Fprintf(os.Stderr, "run in namespaces of its own: %v; going on without\n", err)
		return 0, false
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s) // it may have ended already
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 2, true
	}
	return max(cmd.ProcessState.ExitCode(), -1), true
}

func catch() chan os.Signal {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	return c
}

// initStage prepares the namespaces, starts the worker and collects every
// process that ends until the worker does.
func initStage(hide []string) int {
	if err := prepare(hide); err != nil {
		fmt.Fprintf(os.Stderr, "prepare the namespaces: %v\n", err)
		return 2
	}
	signals := catch()
	// Set, not appended: of two values the first one would count, for ever.
	if err := os.Setenv(stageEnv, stageWork); err != nil {
		fmt.Fprintf(os.Stderr, "enter the namespaces: %v\n", err)
		return 2
	}
	worker, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		fmt.Fprintf(os.Stderr, "start the worker: %v\n", err)
		return 2
	}
	go func() {
		for s := range signals {
			_ = syscall.Kill(worker, s.(syscall.Signal)) // it may have ended already
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 2
		case pid == worker && status.Signaled():
			return 2
		case pid == worker:
			return status.ExitStatus()
		}
	}
}

// prepare mounts the new process list, hides directories, and brings the new loopback up with the clients behind it.
func prepare(hide []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, dir := range hide {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(s) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return takeClients()
}
