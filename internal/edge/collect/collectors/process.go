package collectors

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
)

const (
	maxOthers      = 5       // processes outside the services that are named
	otherCPUShare  = 50      // named from 1/50 of a CPU: under a cap that is a tenth of all …
	otherMemoryPer = 10      // … or 1/10 of the memory …
	otherIOKB      = 2 << 10 // … or 2 MB read and written a second
	maxAsked       = 40      // processes whose reading and writing is asked for in a beat
)

// Processes reads what the services and the busiest other processes use.
type Processes struct {
	Table *Table
	Self  int // our own PID, left out; 0: os.Getpid()

	uses    []evidence.ServiceUse
	busiest []otherUse
	raw     procReader
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

// others emits the busiest programs outside the services. All processes of one
// name and parent count together, those that have ended within the interval too:
// a job that starts one short program after the other is seen as what it is.
func (c *Processes) others(b *collect.Beat) {
	c.busiest = c.busiest[:0]
	asked := 0
	for _, p := range c.Table.order {
		if p.group != groupOther || p.overMs <= 0 || p.pid == c.self() {
			continue
		}
		var read, write int64
		if (p.usedMs > 0 || p.state == 'D') && asked < maxAsked {
			asked++
			read, write = c.io(p)
		}
		if p.usedMs > 0 || read+write > 0 || p.rssKB*otherMemoryPer > c.Table.memory() {
			c.count(p, read, write)
		}
	}
	top := slices.DeleteFunc(c.busiest, func(o otherUse) bool { return !c.counts(o.ProcessUse) })
	slices.SortFunc(top, func(x, y otherUse) int {
		if d := rank(y.ProcessUse) - rank(x.ProcessUse); d != 0 {
			return sign(d)
		}
		return sign(y.RSSKB - x.RSSKB)
	})
	for i := range top[:min(len(top), maxOthers)] {
		o := &top[i]
		o.Line, o.Unit, o.AgeS = c.Table.lineOf(o.proc), c.Table.unitOf(o.proc), c.Table.ageOf(o.proc)
		if o.parent {
			o.Line = strings.TrimPrefix(o.Line+"/"+o.Parent, "/")
		}
		if o.Count == 1 {
			o.Count = 0
		}
		b.Emit(o.ProcessUse)
	}
}

// otherUse is what the processes of one name and parent used; proc is the oldest,
// or their parent where none of them was seen.
type otherUse struct {
	evidence.ProcessUse
	proc   *proc
	parent bool
}

// rank orders programs by what they used; 10 MB read or written weigh as much as
// a tenth of a second of CPU.
func rank(u evidence.ProcessUse) int64 {
	return (u.CPUMs*100 + (u.ReadKB + u.WriteKB)) * 1000 / max(1, u.OverMs)
}

// count adds a process to those of its name and parent. CPU of children that
// ended before they were seen goes under the name of one that was.
func (c *Processes) count(p *proc, read, write int64) {
	child := min(p.childMs, p.usedMs)
	if p.child == "" || child*2 < p.usedMs {
		child = 0
	}
	parent := ""
	if up := c.Table.byPID[p.ppid]; up != nil {
		parent = up.comm
	}
	if own := p.usedMs - child; own > 0 || child == 0 {
		if child > 0 {
			c.addOther(p, p.comm, parent, own, 0, 0, p.rssKB)
		} else {
			c.addOther(p, p.comm, parent, own, read, write, p.rssKB)
		}
	}
	if child > 0 {
		c.addOther(p, p.child, p.comm, child, read, write, 0)
		if o := &c.busiest[c.otherAt(p.child, p.comm)]; o.proc == p {
			o.parent = true
		}
	}
}

func (c *Processes) addOther(p *proc, name, parent string, cpu, read, write, rss int64) {
	i := c.otherAt(name, parent)
	if i < 0 {
		i = len(c.busiest)
		c.busiest = append(c.busiest, otherUse{evidence.ProcessUse{PID: p.pid, Name: name, Parent: parent, State: string(p.state), OverMs: p.overMs}, p, false})
	}
	o := &c.busiest[i]
	o.CPUMs, o.ReadKB, o.WriteKB, o.RSSKB, o.Count = o.CPUMs+cpu, o.ReadKB+read, o.WriteKB+write, o.RSSKB+rss, o.Count+1
	o.OverMs = max(o.OverMs, p.overMs)
	if o.parent || p.started < o.proc.started {
		o.proc, o.parent = p, false
	}
}

func (c *Processes) otherAt(name, parent string) int {
	return slices.IndexFunc(c.busiest, func(o otherUse) bool { return o.Name == name && o.Parent == parent })
}

func (c *Processes) counts(u evidence.ProcessUse) bool {
	return u.CPUMs*otherCPUShare >= u.OverMs || u.RSSKB*otherMemoryPer > c.Table.memory() || (u.ReadKB+u.WriteKB)*1000 >= otherIOKB*u.OverMs
}

func (c *Processes) self() int {
	if c.Self == 0 {
		c.Self = os.Getpid()
	}
	return c.Self
}

// io returns what a process read from and wrote to disks over the interval, in
// KB, its ended children included, from /proc/PID/io: "read_bytes: 4096". It is
// nothing where that may not be read, and the first time that an old process is
// asked.
func (c *Processes) io(p *proc) (readKB, writeKB int64) {
	b, err := c.raw.read(rooted(c.Table.Root, "/proc/"+strconv.Itoa(p.pid)+"/io"))
	if err != nil {
		return 0, 0
	}
	read, write := ioValue(b, "\nread_bytes: ")/1024, ioValue(b, "\nwrite_bytes: ")/1024
	if p.fresh || !p.ioAt.IsZero() && c.Table.at.Sub(p.ioAt) <= ioFresh {
		// What a child had read and written was told while it ran.
		readKB, p.ioDebtRead = owed(grew(read, p.ioReadKB), p.ioDebtRead)
		writeKB, p.ioDebtWrite = owed(grew(write, p.ioWriteKB), p.ioDebtWrite)
	}
	p.ioReadKB, p.ioWriteKB, p.ioAt = read, write, c.Table.at
	return readKB, writeKB
}

// ioFresh is how old a reading may be to compare with: what was read and written
// since is told as of this interval.
const ioFresh = 10 * time.Second

// owed takes a debt off an amount, and returns what is left of each.
func owed(amount, debt int64) (left, still int64) {
	return max(0, amount-debt), max(0, debt-amount)
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
