package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

// eventually asks until a condition holds, at most ten seconds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: not within ten seconds", what)
}

// hold opens connections that stay open until the test ends.
func hold(t testing.TB, network, address string, n int) []net.Conn {
	t.Helper()
	var out []net.Conn
	for range n {
		c, err := net.DialTimeout(network, address, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		out = append(out, c)
	}
	return out
}

func listen(t testing.TB, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestQueuesOfRealSockets asks this kernel for sockets of our own.
func TestQueuesOfRealSockets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	ul, tl := listen(t, "unix", file), listen(t, "tcp", "127.0.0.1:0")
	hold(t, "unix", file, 3)
	hold(t, "tcp", tl.Addr().String(), 2)
	accepted, err := ul.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	var d socketDiag
	unixQ, err := d.unixQueues()
	if err != nil {
		t.Skipf("no unix_diag in this kernel: %v", err)
	}
	if q := unixQ[file]; q.waiting != 2 || q.open < 1 || q.backlog < 2 {
		t.Errorf("unix: got %+v", q)
	}
	tcpQ, err := d.tcpQueues()
	if err != nil {
		t.Fatal(err)
	}
	if q, ok := queueOf(tl.Addr().String(), unixQ, tcpQ); !ok || q.waiting != 2 {
		t.Errorf("tcp: got %+v", q)
	}
}

// TestOwedAnswers counts a connection that waits for us and leaves out one that
// is merely kept alive.
func TestOwedAnswers(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	conns := hold(t, "tcp", l.Addr().String(), 3)
	var served []net.Conn
	for range conns {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		served = append(served, c)
	}
	ask := func(i int) {
		if _, err := conns[i].Write([]byte("GET")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(served[i], make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
	}
	ask(0)
	ask(1)
	if _, err := served[1].Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	// Of three connections one is answered and one has asked nothing.
	eventually(t, "one answer is owed", func() bool {
		port := netip.MustParseAddrPort(l.Addr().String()).Port()
		ports := map[uint16]int{port: 0}
		var d socketDiag
		if err := d.owed(ports, []byte{syscall.AF_INET}); err != nil {
			t.Skipf("no tcp_diag in this kernel: %v", err)
		}
		return ports[port] == 1
	})
}

func TestPoolBySyscall(t *testing.T) {
	root := fakeHost(t)
	for pid, call := range map[int]string{201: "43 0x6 0x7f", 202: "running\n", 203: "7 0x7ffd 0x1", 204: "0 0x4 0x1", 205: "0 0x5 0x1"} {
		fakeProc{pid: pid, ppid: 200, comm: "php-fpm8.2", started: 700}.write(t, root)
		fakeTree{
			fmt.Sprintf("proc/%d/cmdline", pid): "php-fpm: pool www      \x00",
			fmt.Sprintf("proc/%d/syscall", pid): call,
		}.write(t, root)
	}
	for _, l := range [][2]string{{"204/fd/4", "socket:[1]"}, {"205/fd/5", "pipe:[1]"}} {
		p := filepath.Join(root, "proc", l[0])
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(l[1], p); err != nil {
			t.Fatal(err)
		}
	}
	fakeProc{pid: 206, ppid: 200, comm: "php-fpm8.2"}.write(t, root)
	fakeTree{"proc/206/cmdline": "php-fpm: pool other\x00"}.write(t, root)
	got := mustProcBeat(t, &Pools{Table: tableOf(root)}, procStart)
	want := evidence.WorkerPool{Service: "php-fpm", Instance: "php-fpm:8.2", Pool: "www", Children: 5, Busy: 3, Max: 3, Queue: -1, How: "processes"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// fcgiServer answers one request with a body, or never.
func fcgiServer(t testing.TB, answer []byte) string {
	t.Helper()
	l := listen(t, "unix", filepath.Join(t.TempDir(), "s"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if answer != nil {
				_, _ = io.ReadAtLeast(c, make([]byte, 4096), 16)
				_, _ = c.Write(answer)
				c.Close()
			} else {
				defer c.Close()
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestStatusPage(t *testing.T) {
	body := "Content-type: application/json\r\n\r\n" + `{"pool":"www","listen queue":4,"listen queue len":128,"active processes":2,"total processes":5}`
	good := appendFCGI(appendFCGI(nil, fcgiStdout, []byte(body)), fcgiEnd, make([]byte, 8))
	s, err := askFPM(context.Background(), fcgiServer(t, good), "/status")
	if want := (fpmStatus{Pool: "www", Queue: 4, Backlog: 128, Active: 2, Total: 5}); err != nil || s != want {
		t.Errorf("got %+v, %v", s, err)
	}
	for name, answer := range map[string][]byte{
		"silent":    nil,
		"not found": appendFCGI(appendFCGI(nil, fcgiStdout, []byte("Status: 404 Not Found\r\n\r\nFile not found.")), fcgiEnd, make([]byte, 8)),
		"cut short": good[:20],
		"endless":   bytes.Repeat(appendFCGI(nil, fcgiStdout, make([]byte, 60000)), 3),
	} {
		if s, err := askFPM(context.Background(), fcgiServer(t, answer), "/status"); err == nil {
			t.Errorf("%s: got %+v, want an error", name, s)
		}
	}
}

func FuzzFastCGI(f *testing.F) {
	f.Add(appendFCGI(appendFCGI(nil, fcgiStdout, []byte("a: b\r\n\r\n{}")), fcgiEnd, nil))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if body, err := fcgiAnswer(bytes.NewReader(b)); err == nil {
			_, _ = parseFPMStatus(body)
		}
	})
}

func FuzzNetlink(f *testing.F) {
	f.Add([]byte{20, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = eachMessage(b, func(m []byte) { eachAttr(m, func(uint16, []byte) {}) })
	})
}

// TestRealPool starts a PHP-FPM, fills its pool and watches the queue.
func TestRealPool(t *testing.T) {
	const bin = "/usr/sbin/php-fpm8.2"
	if _, err := os.Stat(bin); err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs root and %s", bin)
		}
		t.Skipf("needs root and %s: apt-get install php-fpm", bin)
	}
	dir, sock := startFPM(t, bin)
	finder := &discover.Finder{}
	var found discover.Found
	eventually(t, "the pool is found", func() bool {
		var err error
		found, err = finder.Find(context.Background(), time.Now())
		return err == nil && slicesHavePool(found.Pools, sock)
	})
	found.Pools = onlyPool(found.Pools, sock)
	found.WebServers = nil
	c, now := &Pools{Table: &Table{Found: func() *discover.Found { return &found }}}, time.Now()
	pool := func() evidence.WorkerPool {
		now = now.Add(listEvery * time.Second)
		facts, err := procBeat(c, now)
		if err != nil && !errors.Is(err, evidence.ErrAbsent) || len(facts) != 1 {
			t.Fatalf("got %+v, %v", facts, err)
		}
		return facts[0].(evidence.WorkerPool)
	}
	eventually(t, "two idle children", func() bool { p := pool(); return p.Children == 2 && p.Busy == 0 && p.Queue == 0 })
	conns := hold(t, "unix", sock, 5)
	for _, c := range conns {
		if _, err := c.Write(fcgiScript(filepath.Join(dir, "sleep.php"))); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "two busy children and three that wait", func() bool {
		p := pool()
		return p.Busy == 2 && p.Queue == 3 && p.Full() && p.Max == 2 && p.Backlog == 64
	})
	for _, c := range conns { // a child waits for the web server to close
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	eventually(t, "all done", func() bool { p := pool(); return p.Busy == 0 && p.Queue == 0 })
}

func fcgiScript(file string) []byte {
	var params []byte
	for _, kv := range [][2]string{{"SCRIPT_FILENAME", file}, {"SCRIPT_NAME", "/x.php"}, {"REQUEST_METHOD", "GET"}} {
		params = appendFCGIPair(params, kv[0], kv[1])
	}
	b := appendFCGI(nil, fcgiBegin, []byte{0, 1, 0, 0, 0, 0, 0, 0})
	return appendFCGI(appendFCGI(appendFCGI(b, fcgiParams, params), fcgiParams, nil), fcgiStdin, nil)
}

func slicesHavePool(pools []discover.Pool, listen string) bool {
	return len(onlyPool(pools, listen)) == 1
}

func onlyPool(pools []discover.Pool, listen string) []discover.Pool {
	var out []discover.Pool
	for _, p := range pools {
		if p.Listen == listen {
			out = append(out, p)
		}
	}
	return out
}

// startFPM runs a pool of two children and stops it by its PID.
func startFPM(t *testing.T, bin string) (dir, sock string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sock = filepath.Join(dir, "s")
	conf := "[global]\nerror_log=@/log\ndaemonize=no\n[www]\nuser=www-data\ngroup=www-data\nlisten=@/s\nlisten.backlog=64\npm=static\npm.max_children=2\n"
	fakeTree{"fpm.conf": strings.ReplaceAll(conf, "@", dir), "sleep.php": "<?php sleep(1);\n"}.write(t, dir)
	cmd := exec.Command(bin, "-F", "-y", filepath.Join(dir, "fpm.conf"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	eventually(t, "php-fpm listens", func() bool { _, err := os.Stat(sock); return err == nil })
	return dir, sock
}
