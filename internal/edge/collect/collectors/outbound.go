package collectors

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

const (
	outboundPool   = 3  // busy workers from which a pool of unknown size is looked at
	outboundMost   = 64 // workers looked at, and connections told apart
	outboundFacts  = 5  // addresses told, those with most workers
	outboundForget = time.Minute
)

// Outbound looks for whom the workers of PHP-FPM wait while many of them are
// busy: a system call that waits names its file descriptors, and those that are
// connections have an address. Databases and the like on this host are left out;
// the site's own web server is told, as 127.0.0.1 with its port.
type Outbound struct {
	Table *Table

	raw  procReader
	seen map[uint64]*wait // by the socket's inode
}

// wait is one connection that a worker waits for.
type wait struct {
	since, at time.Time
}

// Name implements collect.Collector.
func (*Outbound) Name() string { return "outbound" }

// Blinds implements collect.Blinder.
func (*Outbound) Blinds() string { return "which other server PHP waits for" }

// Collect emits the addresses that workers wait for, while half of a pool's
// workers are busy; an evidence.Outbound without one where they wait for nobody.
func (c *Outbound) Collect(_ context.Context, b *collect.Beat) error {
	t := c.Table
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.scan(b.Now); err != nil {
		return err
	}
	if t.found == nil {
		return nil
	}
	web, _ := webPorts(t.found.WebServers)
	done := map[string]bool{}
	for _, p := range t.found.Pools {
		busy, err := c.busy(p)
		if errors.Is(err, fs.ErrPermission) {
			return notHere(err, "not-root", "run it with sudo")
		}
		if len(busy) < leastBusy(p.MaxChildren) || done[p.Instance+p.Name] {
			continue
		}
		done[p.Instance+p.Name] = true
		c.tell(b, p.Instance, busy, web)
	}
	for inode, w := range c.seen {
		if b.Now.Sub(w.at) > outboundForget {
			delete(c.seen, inode)
		}
	}
	return nil
}

// leastBusy is from how many busy workers on a pool is looked at.
func leastBusy(most int) int {
	if most <= 0 {
		return outboundPool
	}
	return max(2, (most+1)/2)
}

// busy returns the workers of a pool that have work.
func (c *Outbound) busy(p discover.Pool) ([]*proc, error) {
	title := "php-fpm: pool " + p.Name
	var out []*proc
	for _, child := range c.Table.childrenOf(p.MasterPID) {
		if c.Table.titleOf(child) != title || len(out) == outboundMost {
			continue
		}
		works, err := works(&c.raw, c.Table.Root, child)
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		if err == nil && works {
			out = append(out, child)
		}
	}
	return out, nil
}

// tell emits for whom the workers wait.
func (c *Outbound) tell(b *collect.Beat, instance string, busy []*proc, web map[uint16]int) {
	workers := map[uint64]int{} // that wait for a socket, by its inode
	for _, p := range busy {
		dir := rooted(c.Table.Root, "/proc/"+strconv.Itoa(p.pid))
		for _, fd := range c.waitsFor(dir) {
			if inode, ok := socketInode(dir, fd); ok {
				workers[inode]++
				break
			}
		}
	}
	found := map[evidence.Outbound]evidence.Outbound{}
	for _, s := range c.sockets(busy[0], workers) {
		remote, ok := told(s, web)
		if !ok {
			continue
		}
		key := evidence.Outbound{Remote: remote, State: s.state}
		f, old := found[key]
		if !old {
			f = evidence.Outbound{Service: evidence.ServicePHP, Instance: instance, Remote: remote, State: s.state}
		}
		f.Workers += workers[s.inode]
		f.OldestMs = max(f.OldestMs, c.since(s.inode, b.Now).Milliseconds())
		f.Queued += s.unread
		found[key] = f
	}
	if len(found) == 0 {
		b.Emit(evidence.Outbound{Service: evidence.ServicePHP, Instance: instance, State: evidence.OutboundNone})
		return
	}
	all := make([]evidence.Outbound, 0, len(found))
	for _, f := range found {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b evidence.Outbound) int {
		return cmp.Or(b.Workers-a.Workers, strings.Compare(a.Remote, b.Remote), strings.Compare(a.State, b.State))
	})
	for _, f := range all[:min(len(all), outboundFacts)] {
		b.Emit(f)
	}
}

// since is for how long a worker has been seen to wait for a socket.
func (c *Outbound) since(inode uint64, now time.Time) time.Duration {
	if c.seen == nil {
		c.seen = map[uint64]*wait{}
	}
	w := c.seen[inode]
	if w == nil {
		if len(c.seen) >= 16*outboundMost {
			return 0
		}
		w = &wait{since: now}
		c.seen[inode] = w
	}
	w.at = now
	return now.Sub(w.since)
}

// told is the address as it is told; false for what is no other machine's and
// not the site itself.
func told(s inetSocket, web map[uint16]int) (string, bool) {
	if a := s.remote.Addr(); !a.IsLoopback() && a != s.local.Addr() {
		return s.remote.String(), true
	}
	if _, site := web[s.remote.Port()]; site {
		return "127.0.0.1:" + strconv.Itoa(int(s.remote.Port())), true
	}
	return "", false
}

func socketInode(dir string, fd int) (uint64, bool) {
	to, err := os.Readlink(path.Join(dir, "fd", strconv.Itoa(fd)))
	number, ok := strings.CutPrefix(to, "socket:[")
	if err != nil || !ok {
		return 0, false
	}
	inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return inode, err == nil
}

// waitsFor returns the file descriptors that a process waits for, by the system
// call that it is in. Source: /proc/PID/syscall, "7 0x7ffd… 0x1 0x3e8 …", and
// for poll and select the lists that their arguments point to.
func (c *Outbound) waitsFor(dir string) []int {
	b, err := c.raw.read(dir + "/syscall")
	if err != nil {
		return nil
	}
	f := strings.Fields(string(b))
	if len(f) < 4 {
		return nil // running
	}
	call, err := strconv.Atoi(f[0])
	arg := func(i int) uint64 {
		n, _ := strconv.ParseUint(strings.TrimPrefix(f[i], "0x"), 16, 64)
		return n
	}
	switch {
	case err != nil:
		return nil
	case call == unix.SYS_RESTART_SYSCALL && arg(2) > pollMost:
		return nil // of a sleep that was interrupted
	case call == sysPoll || call == unix.SYS_PPOLL || call == unix.SYS_RESTART_SYSCALL: // FPM's slow log interrupts what it looks at
		return pollFDs(memoryOf(dir, arg(1), 8*int(min(arg(2), pollMost))))
	case call == sysSelect || call == unix.SYS_PSELECT6:
		size := (int(min(arg(1), 1024)) + 63) / 64 * 8
		read, write := memoryOf(dir, arg(2), size), []byte(nil)
		if len(f) > 3 {
			write = memoryOf(dir, arg(3), size)
		}
		return append(setFDs(read), setFDs(write)...)
	case slices.Contains(callsOnFD, call):
		return []int{int(min(arg(1), 1<<20))}
	}
	return nil
}

// callsOnFD are the system calls whose first argument is what they wait for.
var callsOnFD = []int{unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CONNECT, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_READV, unix.SYS_WRITEV}
