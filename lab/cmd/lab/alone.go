package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// A run has the machine to itself: its own processes, network and mounts. The
// recorder then finds this stack and nothing else that happens to run on the
// host, two runs at once cannot clash, and the kernel ends every daemon with
// the first process of the run, however the run ends.
//
// The lab starts itself three times: the outer one waits and passes signals on,
// the first process of the new namespaces collects the dead, and the third one
// does the work.
const (
	stageEnv  = "HIRUNE_LAB_STAGE"
	stageInit = "init"
	stageWork = "work"
)

// alone carries the arguments out in namespaces of their own and returns the
// exit code; done is false in the process that is to do the work itself, and
// where the lab may not make namespaces.
func alone(args []string) (code int, done bool) {
	switch os.Getenv(stageEnv) {
	case stageWork:
		return 0, false
	case stageInit:
		return initStage(), true
	}
	if os.Geteuid() != 0 || len(args) == 0 || args[0] != "run" && args[0] != "zoo" {
		return 0, false
	}
	cmd := exec.Command("/proc/self/exe", args...) //nolint:noctx // it ends with the signals that are passed on, and with us by Pdeathsig
	cmd.Env = append(os.Environ(), stageEnv+"="+stageInit)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL}
	signals := catch()
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "lab: run in namespaces of its own: %v; going on without\n", err)
		signal.Stop(signals)
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
func initStage() int {
	if err := prepare(); err != nil {
		fmt.Fprintf(os.Stderr, "lab: prepare the namespaces: %v\n", err)
		return 2
	}
	signals := catch()
	// Set, not appended: of two values the first one would count, for ever.
	if err := os.Setenv(stageEnv, stageWork); err != nil {
		fmt.Fprintf(os.Stderr, "lab: %v\n", err)
		return 2
	}
	worker, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		fmt.Fprintf(os.Stderr, "lab: start the worker: %v\n", err)
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

// prepare mounts the new process list and brings the new loopback up.
func prepare() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
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
	return nil
}
