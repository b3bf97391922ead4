package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const stateFile = "lab.json"

// identity tells a process from a later one with the same number.
type identity struct {
	Name  string `json:"name"`
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since the boot, field 22 of /proc/PID/stat
}

// state is the pid file of one stack.
type state struct {
	Boot    string     `json:"boot"`
	PIDs    string     `json:"pids"` // the PID namespace: numbers mean nothing outside of it
	Lab     identity   `json:"lab"`
	Daemons []identity `json:"daemons"`
	Cgroups []string   `json:"cgroups,omitempty"` // directories to remove once they are empty
}

func (s *Stack) openState() error {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("read the boot's name: %w", err)
	}
	pids, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return fmt.Errorf("read the PID namespace: %w", err)
	}
	s.state = state{Boot: strings.TrimSpace(string(boot)), PIDs: pids}
	s.state.Lab, err = identify("lab", os.Getpid())
	if err != nil {
		return err
	}
	return s.saveState()
}

func (s *Stack) note(name string, pid int) error {
	id, err := identify(name, pid)
	if err != nil {
		return err
	}
	s.state.Daemons = append(s.state.Daemons, id)
	return s.saveState()
}

// Note adds a process that somebody else started for this stack, as the recorder, to what Clean would stop.
func (s *Stack) Note(name string, pid int) error { return s.note(name, pid) }

// NoteCgroups adds control group directories to what Clean would remove.
func (s *Stack) NoteCgroups(dirs []string) error {
	s.state.Cgroups = append(s.state.Cgroups, dirs...)
	return s.saveState()
}

// closeState leaves a kept directory without anything for Clean to stop.
func (s *Stack) closeState() error {
	return os.RemoveAll(filepath.Join(s.Dir, stateFile))
}

func (s *Stack) saveState() error {
	text, err := json.MarshalIndent(s.state, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the pid file: %w", err)
	}
	path := filepath.Join(s.Dir, stateFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write the pid file: %w", err)
	}
	return os.Rename(path+".new", path)
}

func identify(name string, pid int) (identity, error) {
	st, err := readStat(pid)
	if err != nil {
		return identity{}, err
	}
	return identity{Name: name, PID: pid, Start: st.start}, nil
}

type stat struct {
	pgrp  int
	start uint64
	state byte
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, fmt.Errorf("read the state of PID %d: %w", pid, err)
	}
	return parseStat(string(text))
}

// parseStat reads proc(5)'s stat line. The command name may hold blanks and brackets, so fields are counted from its last ')'.
func parseStat(text string) (stat, error) {
	_, rest, ok := strings.Cut(text[max(0, strings.LastIndexByte(text, ')')):], ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 20 {
		return stat{}, errors.New("read a process' state: too few fields")
	}
	pgrp, err1 := strconv.Atoi(f[2])
	start, err2 := strconv.ParseUint(f[19], 10, 64)
	return stat{pgrp: pgrp, start: start, state: f[0][0]}, errors.Join(err1, err2)
}

// groupMembers lists the processes of a group that are not mere zombies.
func groupMembers(pgrp int) []int {
	var out []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if st, err := readStat(pid); err == nil && st.pgrp == pgrp && st.state != 'Z' {
			out = append(out, pid)
		}
	}
	return out
}

// endGroup kills what is left of a group. The kernel gives no new process the number of a group that still has members, so a
// group found by its dead leader's number is that leader's.
func endGroup(pgrp int, bound time.Duration) error {
	deadline := time.Now().Add(bound)
	for len(groupMembers(pgrp)) > 0 {
		_ = syscall.Kill(-pgrp, syscall.SIGKILL)
		if time.Now().After(deadline) {
			return fmt.Errorf("process group %d does not die", pgrp)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}
