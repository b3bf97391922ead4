package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// Bounds of the recorder's own use. Source: measured in the lab, see
// docs/benchmarks.md.
const (
	memoryLimit = 24 << 20 // bytes; soft: the collector works harder near it
	gcPercent   = 50       // half as much garbage as Go's default lets lie about
	processors  = 1        // collectors run one after the other anyway
)

func limitMemory() {
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(gcPercent)
	runtime.GOMAXPROCS(processors)
}

// readingPercent trades CPU time for memory where a recording is held in memory: a
// verdict on three hours of it takes 57 MB instead of 74.
const readingPercent = 20

func spareMemory() { debug.SetGCPercent(readingPercent) }

// niceness of the recorder: it must not take from the site what it watches.
const niceness = 5

// beModest lowers what the recorder may take of the machine. Each of it is a
// wish: where the system refuses, recording goes on.
func beModest(euid int) {
	limitMemory()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks { // on Linux every thread has its own niceness; new ones inherit it
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, niceness)
		}
	}
	if euid == 0 {
		// A recorder that dies first in the outage has recorded nothing of it.
		_ = os.WriteFile("/proc/self/oom_score_adj", []byte("-500"), 0)
	}
}
