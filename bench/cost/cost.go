// Package cost tells what a process has used, from /proc.
package cost

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Usage is what a process has used so far, or uses now.
type Usage struct {
	CPU           time.Duration // user and system, own and of its ended children
	RSSKB, AnonKB int64         // now
}

// clockTick is the unit of /proc/PID/stat; it is 100 Hz on all architectures
// that Go runs on under Linux.
const clockTick = time.Second / 100

// Read reads what a process has used; one that has ended is an error, also while nobody has waited for it.
func Read(pid int) (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	// The name in brackets may hold blanks; what follows it does not.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 15 {
		return Usage{}, fmt.Errorf("read the CPU time of process %d: %d fields", pid, len(f))
	}
	var ticks int64
	for _, b := range f[11:15] { // utime stime cutime cstime
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		ticks += n
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return Usage{}, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	if string(f[0]) == "Z" {
		return Usage{}, fmt.Errorf("process %d has ended", pid)
	}
	return Usage{time.Duration(ticks) * clockTick, kb(status, "VmRSS:"), kb(status, "RssAnon:")}, nil
}

func kb(status []byte, name string) int64 {
	for line := range bytes.Lines(status) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == name {
			if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}
