package collectors

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
)

const (
	maxOthers      = 5  // processes outside the services that are named
	otherCPUShare  = 20 // named from 1/20 of a CPU …
	otherMemoryPer = 10 // … or 1/10 of the memory
)

// Processes reads what the services and the busiest other processes use.
type Processes struct {
	Table *Table
	Self  int // our own PID, left out; 0: os.Getpid()

	uses []evidence.ServiceUse
	raw  procReader
}

// Name implements collect.Collector.
func (*Processes) Name() string { return "process" }

// Blinds implements collect.Blinder.
func (*Processes) Blinds() string {
	return "which processes use the CPU"
}

// Collect emits a ServiceUse for each service instance and a ProcessUse for the
// busiest others. The first call has nothing to compare with and emits nothing.
func (c *Processes) Collect(_ context.Context, b *collect.Beat) error {
	t := c.Table
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.scan(b.Now); err != nil {
		return err
	}
	if t.overMs <= 0 {
		return nil
	}
	c.services(b)
	c.others(b)
	return nil
}

func (c *Processes) services(b *collect.Beat) {
	t := c.Table
	spent, over := t.take()
	c.uses = c.uses[:0]
	for _, g := range t.groups {
		c.uses = append(c.uses, evidence.ServiceUse{OverMs: over, Service: g.service, Instance: g.instance, CPUMs: spent[g.key()]})
	}
	for _, p := range t.order {
		if p.group != groupOther {
			countProcess(&c.uses[p.group], p)
		}
	}
	for _, p := range t.ended {
		if p.group != groupOther && p.group < len(c.uses) {
			c.uses[p.group].Ended++
		}
	}
	for _, u := range c.uses {
		b.Emit(u)
	}
}

func countProcess(u *evidence.ServiceUse, p *proc) {
	if p.state == 'Z' {
		return
	}
	u.Processes++
	u.RSSKB += p.rssKB
	switch p.state {
	case 'R':
		u.Running++
	case 'D':
		u.Blocked++
	}
	if p.fresh {
		u.Started++
	}
}

// others emits the busiest processes outside the services.
func (c *Processes) others(b *collect.Beat) {
	var top []*proc
	for _, p := range c.Table.order {
		if p.group == groupOther && p.overMs > 0 && p.pid != c.self() && c.counts(p) {
			top = append(top, p)
		}
	}
	slices.SortFunc(top, func(a, b *proc) int {
		if d := b.usedMs*max(1, a.overMs) - a.usedMs*max(1, b.overMs); d != 0 {
			return sign(d)
		}
		return sign(b.rssKB - a.rssKB)
	})
	for _, p := range top[:min(len(top), maxOthers)] {
		u := evidence.ProcessUse{OverMs: p.overMs, PID: p.pid, Name: p.comm, CPUMs: p.usedMs, RSSKB: p.rssKB, State: string(p.state)}
		if parent := c.Table.byPID[p.ppid]; parent != nil {
			u.Parent = parent.comm
		}
		c.io(p, &u)
		b.Emit(u)
	}
}

func (c *Processes) counts(p *proc) bool {
	return p.usedMs*otherCPUShare >= p.overMs || p.rssKB*otherMemoryPer > c.Table.memory()
}

func (c *Processes) self() int {
	if c.Self == 0 {
		c.Self = os.Getpid()
	}
	return c.Self
}

// io fills in what a process read and wrote over the interval, from
// /proc/PID/io: "read_bytes: 4096". It is left out where that may not be read,
// and the first time that a process is named.
func (c *Processes) io(p *proc, u *evidence.ProcessUse) {
	b, err := c.raw.read(rooted(c.Table.Root, "/proc/"+strconv.Itoa(p.pid)+"/io"))
	if err != nil {
		return
	}
	read, write := ioValue(b, "\nread_bytes: ")/1024, ioValue(b, "\nwrite_bytes: ")/1024
	if b := p.ioAt; !b.IsZero() && c.Table.at.Sub(b).Milliseconds() <= p.overMs {
		u.ReadKB, u.WriteKB = grew(read, p.ioReadKB), grew(write, p.ioWriteKB)
	}
	p.ioReadKB, p.ioWriteKB, p.ioAt = read, write, c.Table.at
}

func ioValue(b []byte, key string) int64 {
	_, v, _ := bytes.Cut(b, []byte(key))
	return procInt(v)
}

func sign(n int64) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
