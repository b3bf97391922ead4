package collectors

import (
	"os"
	"path"
	"time"

	"hirune/internal/core/evidence"
)

const (
	// limitEvery is how often a group's memory limit is read anew, and memoryEvery
	// how often what of its memory the kernel can drop: the kernel adds it up when asked.
	limitEvery  = time.Minute
	memoryEvery = 10 * time.Second
	// memoryTight is the share of the limit in use from which each beat counts.
	memoryTight = 0.7
	// noLimit is above every machine's memory: version 1 gives a number near 2^63.
	noLimit = 1 << 60
)

// groupMemory is what is known of the memory of one group.
type groupMemory struct {
	limit   int64 // bytes; 0 without a limit
	limitAt time.Time
	droppable,
	kills int64
	statAt time.Time
	read   bool // kills was read before
}

// memory fills in the memory of a group that has a limit, and reports whether it
// is tight or a process was killed for it.
//
//	v1 memory.limit_in_bytes, memory.usage_in_bytes, memory.stat "total_inactive_file 4096", memory.oom_control "oom_kill 1"
//	v2 memory.max ("max": none), memory.current, memory.stat "inactive_file 4096", memory.events "oom_kill 1"
func (c *Cgroups) memory(g *cgroup, now time.Time, f *evidence.Cgroup) bool {
	if c.mem == "" {
		return false
	}
	dir, m := path.Join(c.mem, g.name), &g.memory
	names := memoryFilesV1
	if c.v2 {
		names = memoryFilesV2
	}
	if now.Sub(m.limitAt) >= limitEvery || now.Before(m.limitAt) {
		m.limit, m.limitAt = c.bytesIn(path.Join(dir, names.limit)), now
	}
	if m.limit <= 0 || m.limit >= noLimit {
		return false
	}
	used := c.bytesIn(path.Join(dir, names.used))
	tight := float64(used) > memoryTight*float64(m.limit)
	if tight || now.Sub(m.statAt) >= memoryEvery || now.Before(m.statAt) {
		m.droppable, m.statAt = c.valueIn(path.Join(dir, "memory.stat"), names.droppable), now
	}
	kills := c.valueIn(path.Join(dir, names.events), "oom_kill")
	if m.read {
		f.OOMKills = grew(kills, m.kills)
	}
	m.kills, m.read = kills, true
	f.MemLimitKB, f.MemUsedKB = m.limit/1024, max(used-m.droppable, 0)/1024
	return tight || f.OOMKills > 0
}

// memoryFiles are the names of what the memory controller tells.
type memoryFiles struct{ limit, used, droppable, events string }

var (
	memoryFilesV1 = memoryFiles{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "memory.oom_control"}
	memoryFilesV2 = memoryFiles{"memory.max", "memory.current", "inactive_file", "memory.events"}
)

// bytesIn reads a file of one number; 0 where there is none.
func (c *Cgroups) bytesIn(name string) int64 {
	b, err := c.raw.read(name)
	if err != nil {
		return 0
	}
	return procInt(b)
}

// valueIn reads the number after a name in a file of such lines.
func (c *Cgroups) valueIn(name, key string) int64 {
	out := int64(0)
	if b, err := c.raw.read(name); err == nil {
		procLines(b, func(line []byte) {
			if w := (procFields{line}); string(w.next()) == key {
				out = w.int()
			}
		})
	}
	return out
}

// findMemory finds the memory controller.
func (c *Cgroups) findMemory(base string) {
	c.mem = ""
	if c.v2 {
		c.mem = c.mount
	} else if _, err := os.Stat(path.Join(base, "memory")); err == nil {
		c.mem = path.Join(base, "memory")
	}
}
