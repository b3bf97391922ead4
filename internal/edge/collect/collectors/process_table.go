package collectors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

const (
	// idleEvery is how often a process outside the services is read that used
	// no CPU when it was last read: most of a host's processes do nothing.
	idleEvery = 5
	// listEvery bounds how long the list of PIDs is believed when the kernel's
	// last PID did not change.
	listEvery = 10
)

// Table is the list of processes, read once for each beat and shared by the
// collectors that need it: a walk over all of them with prometheus/procfs takes
// 2.7 ms with 140 processes, a beat here 0.4 ms. It is safe for use by several
// goroutines.
type Table struct {
	Root  string                 // prefix of /proc; "" or "/" for this host
	Found func() *discover.Found // what runs here, as last discovered; nil: nothing

	mu      sync.Mutex
	raw     procReader
	dents   []byte
	at      time.Time // of the last scan
	overMs  int64     // from the scan before to the last one; 0 at the first
	scans   int
	lastPID []byte
	byPID   map[int]*proc
	order   []*proc            // by their place in /proc
	ended   []*proc            // in the last interval
	spent   map[instance]int64 // CPU ms by service instance since spentAt
	spentAt time.Time          // when Processes last took them
	found   *discover.Found
	groups  []group
	masters map[int]int // group by the PID of a master
	memKB   int64       // of the machine, once it was asked for
}

// group is one service instance.
type group struct {
	service, instance string
	pid               int
}

// Groups of processes that belong to no service instance.
const groupOther = -1

// proc is one process.
type proc struct {
	pid, ppid int
	path      string // "123/stat"
	comm      string
	title     string // command line, read when asked for
	state     byte
	started   uint64 // clock ticks since boot
	own       int64  // CPU of its own since its start, ms
	waited    int64  // CPU of its ended children, ms
	rssKB     int64
	group     int
	readAt    time.Time

	usedMs    int64 // over the last overMs, ended children included
	overMs    int64 // from the read before; 0: not read in this beat
	fresh     bool  // not there at the scan before
	reaped    int64 // what waited grew by, ms
	debt      int64 // CPU of ended children that was counted while they ran, ms
	debtScans int
	ioReadKB  int64 // at ioAt
	ioWriteKB int64
	ioAt      time.Time
	// What ended children had read and written while they were asked; the kernel
	// counts it again for their parent.
	ioDebtRead, ioDebtWrite int64
	child                   string // name of the child that was seen last
	childMs                 int64  // of usedMs: by children that ended before they were seen
	unit                    string
	unitRead                bool
}

// scan brings the table up to date; a second call in one beat does nothing.
func (t *Table) scan(now time.Time) error {
	if now.Equal(t.at) && t.byPID != nil {
		return nil
	}
	dir, err := unix.Open(rooted(t.Root, "/proc"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return notHere(fmt.Errorf("list the processes: %w", err), "no-proc", "is /proc mounted?")
	}
	defer unix.Close(dir)
	first := t.byPID == nil
	if first {
		t.byPID = map[int]*proc{}
	}
	t.regroup()
	t.overMs = 0
	if !first {
		t.overMs = now.Sub(t.at).Milliseconds()
	}
	t.at, t.ended = now, t.ended[:0]
	known := len(t.order)
	if first || t.scans%listEvery == 0 || t.forked(dir) {
		if err := t.list(dir); err != nil {
			return err
		}
	}
	t.readAll(dir, now, known, first)
	t.account()
	t.spend()
	t.scans++
	return nil
}

// forked reports whether a process or thread was started since the last call:
// the last field of /proc/loadavg is the PID that was given last.
func (t *Table) forked(dir int) bool {
	b, err := t.raw.readAt(dir, "loadavg")
	if err != nil {
		return true
	}
	b = b[bytes.LastIndexByte(b, ' ')+1:]
	same := bytes.Equal(b, t.lastPID)
	t.lastPID = append(t.lastPID[:0], b...)
	return !same
}

// list adds the PIDs that are new.
func (t *Table) list(dir int) error {
	if t.dents == nil {
		t.dents = make([]byte, 32<<10)
	}
	for {
		n, err := unix.Getdents(dir, t.dents)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list the processes: %w", err)
		}
		if n <= 0 {
			return nil
		}
		for b := t.dents[:n]; len(b) > 19; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if pid := direntPID(b[19:size]); pid > 0 && t.byPID[pid] == nil {
				t.add(pid)
			}
			b = b[size:]
		}
	}
}

// direntPID reads a directory entry's name; 0 if it is no number.
func direntPID(name []byte) int {
	if len(name) == 0 || name[0] < '1' || name[0] > '9' {
		return 0
	}
	return int(procInt(name))
}

func (t *Table) add(pid int) {
	p := &proc{pid: pid, path: strconv.Itoa(pid) + "/stat", group: groupOther, fresh: true}
	t.byPID[pid] = p
	t.order = append(t.order, p)
}

// readAll reads the processes that are due and drops those that have ended.
// Those from index known on are new.
func (t *Table) readAll(dir int, now time.Time, known int, first bool) {
	kept := t.order[:0]
	for i, p := range t.order {
		isNew := i >= known
		p.fresh, p.overMs = isNew && !first, 0
		idle := p.group == groupOther && p.usedMs == 0 && !isNew
		if idle && (t.scans+p.pid)%idleEvery != 0 {
			kept = append(kept, p)
			continue
		}
		switch t.read(dir, p, now, first) {
		case readGone:
			delete(t.byPID, p.pid)
			if !isNew {
				t.ended = append(t.ended, p)
			}
			continue
		case readOther: // the PID was given to another process
			old := *p
			t.ended = append(t.ended, &old)
			*p = proc{pid: p.pid, path: p.path, group: groupOther, fresh: true}
			if t.read(dir, p, now, false) == readGone {
				delete(t.byPID, p.pid)
				continue
			}
			isNew = true
		}
		if isNew {
			p.group = t.groupOf(p)
		}
		kept = append(kept, p)
	}
	clear(t.order[len(kept):])
	t.order = kept
	// A child may have been read before its parent was known.
	for _, p := range t.order {
		if p.fresh && p.group == groupOther {
			p.group = t.groupOf(p)
		}
	}
}

const (
	readOK = iota
	readGone
	readOther
)

// read reads /proc/PID/stat:
//
//	pid (comm) state ppid pgrp session tty tpgid flags minflt cminflt majflt
//	cmajflt utime stime cutime cstime priority nice threads 0 starttime vsize rss …
//
// comm may hold blanks and parentheses.
func (t *Table) read(dir int, p *proc, now time.Time, first bool) int {
	b, err := t.raw.readAt(dir, p.path)
	shut := bytes.LastIndexByte(b, ')')
	open := bytes.IndexByte(b, '(')
	if err != nil || open < 0 || shut < open {
		return readGone
	}
	w := procFields{b[shut+1:]}
	state := w.next()
	ppid := int(w.int())
	w.skip(9)
	own, waited := (w.int()+w.int())*tickMs, (w.int()+w.int())*tickMs
	w.skip(4)
	started := uint64(w.int())
	w.skip(1)
	rss := w.int() * pageKB
	if len(state) == 0 {
		return readGone
	}
	if p.started != 0 && p.started != started {
		return readOther
	}
	p.usedMs = 0
	switch {
	case p.started != 0:
		p.usedMs, p.overMs = grew(own, p.own), now.Sub(p.readAt).Milliseconds()
		p.fresh = false
	case !first:
		p.usedMs, p.overMs = own, t.overMs
	}
	if comm := b[open+1 : shut]; string(comm) != p.comm {
		p.comm = string(comm)
	}
	p.state, p.ppid, p.started, p.rssKB, p.readAt = state[0], ppid, started, rss, now
	p.reaped = 0
	if p.overMs > 0 && !p.fresh {
		p.reaped = grew(waited, p.waited)
	} else if p.fresh && !first {
		p.reaped = waited
	}
	p.own, p.waited = own, waited
	return readOK
}

// account adds to each process what its children used that have ended: the
// kernel adds a child's whole CPU time to its parent when it is waited for, and
// what was seen of the child before is taken off again.
func (t *Table) account() {
	for _, c := range t.ended {
		if p := t.byPID[c.ppid]; p != nil {
			p.debt, p.debtScans = p.debt+c.own+c.waited, 0
			p.ioDebtRead, p.ioDebtWrite = p.ioDebtRead+c.ioReadKB, p.ioDebtWrite+c.ioWriteKB
			p.child = c.comm
		}
	}
	for _, p := range t.order {
		p.childMs = 0
		if p.fresh && p.group == groupOther {
			if up := t.byPID[p.ppid]; up != nil {
				up.child = p.comm
			}
		}
		if p.debt == 0 && p.reaped == 0 {
			continue
		}
		extra := p.reaped - p.debt
		p.usedMs += max(0, extra)
		p.childMs = max(0, extra)
		p.debt = max(0, -extra)
		if p.debtScans++; p.debtScans > 3 {
			p.debt = 0 // its parent does not wait for it
		}
		p.reaped = 0
	}
}

// regroup assigns all processes anew when discovery found something else.
func (t *Table) regroup() {
	var f *discover.Found
	if t.Found != nil {
		f = t.Found()
	}
	if f == t.found {
		return
	}
	t.found, t.groups, t.masters = f, serviceGroups(f), map[int]int{}
	for i, g := range t.groups {
		t.masters[g.pid] = i
	}
	for _, p := range t.order {
		p.group = t.groupOf(p)
	}
}

// serviceGroups lists the service instances that were found.
func serviceGroups(f *discover.Found) []group {
	if f == nil {
		return nil
	}
	var out []group
	for _, d := range f.Databases {
		out = append(out, group{evidence.ServiceDatabase, d.Instance, d.PID})
	}
	for _, w := range f.WebServers {
		out = append(out, group{w.Service, w.Instance, w.PID})
	}
	last := 0
	for _, p := range f.Pools {
		if p.MasterPID != last { // the pools of one master follow each other
			out = append(out, group{evidence.ServicePHP, p.Instance, p.MasterPID})
		}
		last = p.MasterPID
	}
	return slices.DeleteFunc(out, func(g group) bool { return g.pid == 0 })
}

// groupOf follows the parents up to a service's master.
func (t *Table) groupOf(p *proc) int {
	for range 64 {
		if g, ok := t.masters[p.pid]; ok {
			return g
		}
		parent := t.byPID[p.ppid]
		if parent == nil || parent == p {
			return groupOther
		}
		p = parent
	}
	return groupOther
}

// childrenOf returns the processes that a master has started.
func (t *Table) childrenOf(master int) []*proc {
	var out []*proc
	for _, p := range t.order {
		if p.ppid == master {
			out = append(out, p)
		}
	}
	return out
}

// titleOf returns the command line, as the process has last set it when it was
// first asked for.
func (t *Table) titleOf(p *proc) string {
	if p.title == "" {
		b, _ := t.raw.read(rooted(t.Root, "/proc/"+strconv.Itoa(p.pid)+"/cmdline"))
		p.title = string(bytes.TrimRight(bytes.ReplaceAll(b, []byte{0}, []byte{' '}), " "))
	}
	return p.title
}

// memory is the machine's memory in KB; it does not change.
func (t *Table) memory() int64 {
	if t.memKB == 0 {
		var f evidence.Host
		(&Host{Root: t.Root}).memory(&f)
		t.memKB = max(1, f.MemTotalKB)
	}
	return t.memKB
}
