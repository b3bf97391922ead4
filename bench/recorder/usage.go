package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// usage is what a process has used.
type usage struct {
	cpu           time.Duration // own and of its ended children
	rssKB, anonKB int64
}

// clockTick is the unit of /proc/PID/stat; it is 100 Hz on all architectures
// that Go runs on under Linux.
const clockTick = time.Second / 100

func readUsage(pid int) (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return usage{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	// The name in brackets may hold blanks; what follows it does not.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 15 {
		return usage{}, fmt.Errorf("read the CPU time of process %d: %d fields", pid, len(f))
	}
	var ticks int64
	for _, b := range f[11:15] { // utime stime cutime cstime
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		ticks += n
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return usage{}, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	if string(f[0]) == "Z" {
		return usage{}, fmt.Errorf("process %d has ended", pid)
	}
	return usage{time.Duration(ticks) * clockTick, kb(status, "VmRSS:"), kb(status, "RssAnon:")}, nil
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

// sizeOf is the size of a recording with what lies beside it; 0 if there is none.
func sizeOf(path string) int64 {
	var n int64
	for _, ext := range []string{"", "-wal"} {
		if st, err := os.Stat(path + ext); err == nil {
			n += st.Size()
		}
	}
	return n
}

func processes() int {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0
	}
	return len(dirs)
}
