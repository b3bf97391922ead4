package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/discover"
)

// Pools reads how many workers of PHP-FPM and of the web servers are busy and
// how many requests wait for one.
//
// A child of PHP-FPM that has nothing to do sleeps in accept() on its pool's
// socket; /proc/PID/syscall says so. Any other state is work, waiting for the
// database included. A child that sleeps in read() on a socket holds a
// connection that the web server keeps open, and does nothing either. Measured
// with PHP-FPM 8.2, pm = static and dynamic, on UNIX and TCP sockets: exact.
//
// The status page is asked only where the processes may not be looked at, that
// is without root: served by the pool itself, it does not answer when the pool
// is full, and each request for it waits in the queue of those who need it.
type Pools struct {
	Table *Table

	diag  socketDiag
	raw   procReader
	beats int
}

// Name implements collect.Collector.
func (*Pools) Name() string { return "pool" }

// Blinds implements collect.Blinder.
func (*Pools) Blinds() string {
	return "how many PHP workers are busy, and how many requests wait for one"
}

// Collect emits one evidence.WorkerPool for each pool and each web server.
func (c *Pools) Collect(ctx context.Context, b *collect.Beat) error {
	t := c.Table
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.scan(b.Now); err != nil {
		return err
	}
	if t.found == nil || len(t.found.Pools)+len(t.found.WebServers) == 0 {
		return nil
	}
	unixQ, uerr := c.diag.unixQueues()
	tcpQ, terr := c.diag.tcpQueues()
	var errs []error
	for _, p := range t.found.Pools {
		q, ok := queueOf(p.Listen, unixQ, tcpQ)
		errs = append(errs, c.php(ctx, b, p, q, ok))
	}
	errs = append(errs, c.web(b, tcpQ, terr == nil))
	if uerr != nil {
		errs = append(errs, notHere(fmt.Errorf("queues of UNIX sockets: %w", uerr), "no-unix-diag", "modprobe unix_diag"))
	}
	if terr != nil {
		errs = append(errs, notHere(fmt.Errorf("queues of TCP sockets: %w", terr), "no-tcp-diag", "modprobe tcp_diag"))
	}
	return errors.Join(errs...)
}

// queueOf finds the queue of a socket's path or host:port.
func queueOf(listen string, unixQ map[string]queue, tcpQ map[netip.AddrPort]queue) (queue, bool) {
	if path.IsAbs(listen) {
		q, ok := unixQ[listen]
		return q, ok
	}
	a, err := netip.ParseAddrPort(strings.Replace(listen, "localhost:", "127.0.0.1:", 1))
	if err != nil {
		return queue{}, false
	}
	for _, try := range []netip.Addr{a.Addr(), netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if q, ok := tcpQ[netip.AddrPortFrom(try, a.Port())]; ok {
			return q, true
		}
	}
	return queue{}, false
}

// php emits one pool of PHP-FPM.
func (c *Pools) php(ctx context.Context, b *collect.Beat, p discover.Pool, q queue, queued bool) error {
	f := evidence.WorkerPool{Service: evidence.ServicePHP, Instance: p.Instance, Pool: p.Name, Busy: -1, Max: p.MaxChildren, Queue: -1, How: "processes"}
	err := c.children(p, &f)
	if queued {
		f.Queue, f.Backlog = q.waiting, q.backlog
	}
	if f.Busy >= 0 && queued && path.IsAbs(p.Listen) {
		f.Detached = max(0, f.Busy-q.served) // it has closed the connection and works on
	}
	if f.Busy < 0 && p.StatusPath != "" && p.StatusListen != "" && c.status(ctx, p, &f) {
		err = nil
	}
	if f.Busy < 0 && queued && path.IsAbs(p.Listen) {
		// A connection that was accepted keeps one child; while one waits, no
		// child is free.
		f.Busy, err = min(f.Children, q.open), nil
		if q.waiting > 0 {
			f.Busy = f.Children
		}
	}
	if f.Busy < 0 && p.StatusPath != "" && f.Queue <= 0 && c.status(ctx, p, &f) {
		err = nil
	}
	if f.Children > 0 || f.Busy >= 0 || f.Queue >= 0 {
		b.Emit(f)
	}
	return err
}

// status takes what the status page says; false if it does not answer. PHP-FPM
// 8.2 reports a queue of 0 for UNIX sockets: what the kernel says stays.
func (c *Pools) status(ctx context.Context, p discover.Pool, f *evidence.WorkerPool) bool {
	s, err := askFPM(ctx, orString(p.StatusListen, p.Listen), p.StatusPath)
	if err != nil {
		return false
	}
	f.How, f.Children, f.Busy = "status", s.Total, s.Active
	if p.StatusListen == "" {
		f.Busy = max(0, s.Active-1) // the one that answered us
	}
	if f.Queue < 0 && !path.IsAbs(p.Listen) {
		f.Queue, f.Backlog = s.Queue, s.Backlog
	}
	return true
}

// children counts a pool's children and those that work; Busy stays -1 where
// that may not be seen.
func (c *Pools) children(p discover.Pool, f *evidence.WorkerPool) error {
	title, busy := "php-fpm: pool "+p.Name, 0
	for _, child := range c.Table.childrenOf(p.MasterPID) {
		if t := c.Table.titleOf(child); t != title {
			if !strings.HasPrefix(t, "php-fpm: pool ") {
				child.title = "" // it has not set its title yet
			}
			continue
		}
		f.Children++
		works, err := works(&c.raw, c.Table.Root, child)
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EPERM) {
			return notHere(fmt.Errorf("what the workers of php-fpm do: %w", err), "not-root", "run it with sudo")
		}
		if err == nil && works {
			busy++
		}
	}
	f.Busy = busy
	return nil
}

// works reports whether a child has a request. Source: /proc/PID/syscall,
// "running" or the number of the call with its arguments in hexadecimal.
func works(raw *procReader, root string, p *proc) (bool, error) {
	if p.state == 'Z' {
		return false, nil
	}
	dir := rooted(root, "/proc/"+strconv.Itoa(p.pid))
	b, err := raw.read(dir + "/syscall")
	if err != nil {
		return false, err
	}
	w := procFields{bytes.TrimSpace(b)}
	call := w.next()
	if len(call) == 0 || call[0] < '0' || call[0] > '9' {
		return true, nil // running, or stopped in no call
	}
	switch procInt(call) {
	case unix.SYS_ACCEPT, unix.SYS_ACCEPT4:
		return false, nil
	case unix.SYS_READ:
		fd, err := strconv.ParseUint(strings.TrimPrefix(string(w.next()), "0x"), 16, 31)
		if err != nil {
			return true, nil
		}
		to, err := os.Readlink(dir + "/fd/" + strconv.FormatUint(fd, 10))
		return err != nil || !strings.HasPrefix(to, "socket:"), nil
	}
	return true, nil
}

const (
	// The kernel walks its whole table of connections to tell those of the web
	// server, and sizes it by the memory: 0.02 ms with 1 GB, 0.4 ms with 24 GB.
	largeMemoryKB = 8 << 20
	largeEvery    = 5 // beats from one count to the next on such a machine
)

// web emits the workers of each web server: those that owe an answer, by the
// connections on its ports.
func (c *Pools) web(b *collect.Beat, tcpQ map[netip.AddrPort]queue, queued bool) error {
	c.beats++
	if len(c.Table.found.WebServers) == 0 || !queued {
		return nil
	}
	if c.Table.memory() > largeMemoryKB && c.beats%largeEvery != 1 {
		return nil
	}
	ports, families := webPorts(c.Table.found.WebServers)
	if err := c.diag.owed(ports, families); err != nil {
		return notHere(fmt.Errorf("connections of the web server: %w", err), "no-tcp-diag", "modprobe tcp_diag")
	}
	for _, w := range c.Table.found.WebServers {
		if f := webPool(w, tcpQ, ports); len(c.Table.childrenOf(w.PID)) > 0 {
			f.Children = len(c.Table.childrenOf(w.PID))
			b.Emit(f)
		}
	}
	return nil
}

// webPorts returns the ports that web servers listen on, and in which families
// of addresses their connections are.
func webPorts(servers []discover.WebServer) (map[uint16]int, []byte) {
	ports, families := map[uint16]int{}, []byte{}
	for _, w := range servers {
		for _, l := range w.Listen {
			a, err := netip.ParseAddrPort(l)
			if err != nil {
				continue
			}
			ports[a.Port()] = 0
			family := byte(unix.AF_INET)
			if a.Addr().Is6() {
				family = unix.AF_INET6
			}
			if !slices.Contains(families, family) {
				families = append(families, family)
			}
		}
	}
	return ports, families
}

// webPool counts one web server's busy workers and its queue.
func webPool(w discover.WebServer, tcpQ map[netip.AddrPort]queue, owed map[uint16]int) evidence.WorkerPool {
	f := evidence.WorkerPool{Service: w.Service, Instance: w.Instance, Pool: "workers", Max: w.MaxWorkers, How: "processes"}
	for _, l := range w.Listen {
		a, err := netip.ParseAddrPort(l)
		if err != nil {
			continue
		}
		q := tcpQ[a]
		f.Queue, f.Backlog = f.Queue+q.waiting, max(f.Backlog, q.backlog)
		f.Busy += owed[a.Port()]
		owed[a.Port()] = 0 // two sockets of one port share the count
	}
	f.Busy = max(0, f.Busy-f.Queue) // a connection in the queue has no worker
	if f.Max > 0 {
		f.Busy = min(f.Busy, f.Max)
	}
	return f
}

func orString(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
