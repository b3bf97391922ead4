package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// beset is a server and two networks of visitors, each in a network namespace of
// its own: the attacker's, from which the admin comes too, and another one.
//
//	198.51.100.66, .77, 2001:db8:1::66, ::67   attackers --- srv --- others   203.0.113.5, 2001:db8:2::5
type beset struct {
	t    *testing.T
	dir  string // with the state, the configurations, the program
	init int    // pid of the server's first process, which holds its namespaces
	name string // of the namespaces, with a suffix
}

const (
	server4   = "198.51.100.1"
	attacker4 = "198.51.100.66"
	admin4    = "198.51.100.77"
	other4    = "203.0.113.5"
	front4    = "203.0.113.1" // the server as others see it
	attacker6 = "2001:db8:1::66"
	next6     = "2001:db8:1::67" // of the same /64
	other6    = "2001:db8:2::5"
)

// besiege builds it with a real nginx.
func besiege(t *testing.T, nginxMore string) *beset {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, p := range []string{"ip", "nft", "nginx", "unshare", "nsenter"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (apt install iproute2 nftables nginx-light util-linux)", p)
		}
	}
	s := &beset{t: t, dir: t.TempDir(), name: fmt.Sprintf("hrb%d", time.Now().UnixNano()%1e7)}
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"s", "a", "o"} {
		if out, err := exec.Command("ip", "netns", "add", s.name+ns).CombinedOutput(); err != nil {
			t.Skipf("no network namespace can be made: %v: %s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", s.name+ns).Run() })
	}
	s.link("a", []string{server4 + "/24", "2001:db8:1::1/64"}, attacker4+"/24", admin4+"/24", attacker6+"/64", next6+"/64")
	s.link("o", []string{front4 + "/24", "2001:db8:2::1/64"}, other4+"/24", other6+"/64")
	s.ip("s", "link", "set", "lo", "up")
	s.start()
	s.nginx(nginxMore)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(s.dir, "hirune")); err != nil { // testscript.Main runs the program under its name
		t.Fatal(err)
	}
	return s
}

func (s *beset) ip(ns string, args ...string) {
	s.t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", s.name + ns}, args...)...).CombinedOutput(); err != nil {
		s.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// link joins the server with the network ns.
func (s *beset) link(ns string, server []string, clients ...string) {
	s.t.Helper()
	s.ip("s", "link", "add", "to"+ns, "type", "veth", "peer", "name", "far", "netns", s.name+ns)
	for _, a := range server {
		s.address("s", "to"+ns, a)
	}
	for _, a := range clients {
		s.address(ns, "far", a)
	}
	s.ip("s", "link", "set", "to"+ns, "up")
	s.ip(ns, "link", "set", "far", "up")
	s.ip(ns, "link", "set", "lo", "up")
}

func (s *beset) address(ns, dev, a string) {
	args := []string{"addr", "add", a, "dev", dev}
	if strings.Contains(a, ":") {
		args = append(args, "nodad")
	}
	s.ip(ns, args...)
}

// start makes the server's own process namespace, so that hirune finds its web
// server there and no other.
func (s *beset) start() {
	s.t.Helper()
	cmd := exec.Command("ip", "netns", "exec", s.name+"s", "unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "sleep", "3600")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s.eventually("the server's namespaces", func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		s.init, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", s.init))
		return s.init > 0 && strings.TrimSpace(string(comm)) == "sleep"
	})
}

// on is a command on the server.
func (s *beset) on(args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(s.init), "-n", "-p", "-m", "--"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "STATE_DIRECTORY=" + filepath.Join(s.dir, "state"), "LANG=C.UTF-8"}
	return cmd
}

// daemon runs a command on the server until the test ends.
func (s *beset) daemon(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := s.on(args...)
	log, err := os.Create(filepath.Join(s.dir, filepath.Base(args[0])+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); log.Close() })
	return cmd
}

func (s *beset) nginx(more string) {
	s.t.Helper()
	conf := filepath.Join(s.dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; error_log %[1]s/nginx.err; worker_processes 1;
events { worker_connections 64; }
http { access_log %[1]s/access.log; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%[2]s
server { listen 80; listen [::]:80; server_name example.org; root %[1]s; location / { return 200 "ok\n"; } } }
`, s.dir, more)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.daemon("nginx", "-c", conf, "-p", s.dir)
	for _, from := range []string{attacker4, admin4, attacker6, next6, other4, other6} {
		ns, to := way(from)
		s.eventually("nginx answers "+from, func() bool { return s.get(ns, from, to) == 200 })
	}
}

// hirune runs the program on the server and returns its exit code and what it wrote.
func (s *beset) hirune(args ...string) (code int, out, words string) {
	s.t.Helper()
	cmd := s.on(append([]string{filepath.Join(s.dir, "hirune")}, args...)...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("hirune %v: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// does runs the program and wants an exit code.
func (s *beset) does(want int, args ...string) (out, words string) {
	s.t.Helper()
	code, out, words := s.hirune(args...)
	if code != want {
		s.t.Fatalf("hirune %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), code, want, out, words)
	}
	return out, words
}

func (s *beset) nft(args ...string) string {
	s.t.Helper()
	out, err := s.on(append([]string{"nft"}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("nft %v: %v: %s", args, err, out)
	}
	return string(out)
}

// patienceOf a visitor: a packet that is dropped is not answered at all.
const patienceOfVisitor = 700 * time.Millisecond

// dial connects from an address of a namespace.
func (s *beset) dial(ns, from, to string, port int) (net.Conn, error) {
	type result struct {
		c   net.Conn
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its namespace with it
		c, err := dialIn("/var/run/netns/"+s.name+ns, from, to, port)
		done <- result{c, err}
	}()
	r := <-done
	return r.c, r.err
}

func dialIn(ns, from, to string, port int) (net.Conn, error) {
	f, err := os.Open(ns)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: patienceOfVisitor, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
	return d.Dial("tcp", net.JoinHostPort(to, strconv.Itoa(port)))
}

// serve answers at a port of a namespace.
func (s *beset) serve(ns string, port int) {
	s.t.Helper()
	type result struct {
		l   net.Listener
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // as in dial
		f, err := os.Open("/var/run/netns/" + s.name + ns)
		if err == nil {
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
			f.Close()
		}
		var l net.Listener
		if err == nil {
			l, err = net.Listen("tcp4", ":"+strconv.Itoa(port))
		}
		done <- result{l, err}
	}()
	r := <-done
	if r.err != nil {
		s.t.Fatal(r.err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }), ReadHeaderTimeout: patience}
	var ended sync.WaitGroup
	ended.Go(func() { _ = server.Serve(r.l) })
	s.t.Cleanup(func() { _ = server.Close(); ended.Wait() })
}

// get asks for the front page over a new connection; 0: no answer came.
func (s *beset) get(ns, from, to string) int {
	c, err := s.dial(ns, from, to, 80)
	if err != nil {
		return 0
	}
	defer c.Close()
	return ask(c)
}

// ask asks for the front page over an open connection; 0: no answer came.
func ask(c net.Conn) int {
	_ = c.SetDeadline(time.Now().Add(patienceOfVisitor))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"); err != nil {
		return 0
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// answers checks who is served: what is wanted by address of who asks.
func (s *beset) answers(want map[string]int) {
	s.t.Helper()
	for from, status := range want {
		ns, to := way(from)
		if got := s.get(ns, from, to); got != status {
			s.t.Errorf("%s is answered %d, want %d (0: nothing)\n%s", from, got, status, s.nft("list", "ruleset"))
		}
	}
}

// way is the namespace of a visitor, and the server as it is seen from there.
func way(from string) (ns, to string) {
	switch {
	case from == other4:
		return "o", front4
	case from == other6:
		return "o", "2001:db8:2::1"
	case strings.Contains(from, ":"):
		return "a", "2001:db8:1::1"
	}
	return "a", server4
}

// eventually waits for what must come soon.
func (s *beset) eventually(what string, is func() bool) {
	s.t.Helper()
	s.within(patience, what, is)
}

func (s *beset) within(bound time.Duration, what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(bound); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s: not within %v", what, bound)
		}
	}
}

// onTerminal runs the program on the server at a pseudo-terminal.
func (s *beset) onTerminal(args ...string) (*exec.Cmd, *tty) {
	s.t.Helper()
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(m.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(m.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	far, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := s.on(append([]string{filepath.Join(s.dir, "hirune")}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	far.Close()
	t := &tty{m: m}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); m.Close() })
	return cmd, t
}

// tty is a person's end of a terminal.
type tty struct {
	m    *os.File
	text strings.Builder
}

// until reads until the program has written the words.
func (t *tty) until(words string) bool {
	buf := make([]byte, 4096)
	for end := time.Now().Add(patience); !strings.Contains(t.text.String(), words); {
		if time.Now().After(end) {
			return false
		}
		fds := []unix.PollFd{{Fd: int32(t.m.Fd()), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds, 200); n <= 0 {
			continue
		}
		n, err := t.m.Read(buf)
		t.text.Write(buf[:n])
		if err != nil {
			return strings.Contains(t.text.String(), words)
		}
	}
	return true
}

func (t *tty) types(words string) { _, _ = io.WriteString(t.m, words+"\n") }
