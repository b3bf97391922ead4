package protect

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/block"
)

// world writes a small server below a folder.
type world struct {
	t    *testing.T
	root string
	n    int
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, root: t.TempDir()}
	w.file("/proc/net/tcp", "  sl  local_address rem_address   st\n")
	return w
}

func (w *world) file(name, text string) {
	w.t.Helper()
	path := w.root + name
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

// hexOf is an address as /proc/net/tcp has it.
func hexOf(s string) string {
	a := netip.MustParseAddrPort(s)
	b := a.Addr().AsSlice()
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	return strings.ToUpper(hex.EncodeToString(b)) + fmt.Sprintf(":%04X", a.Port())
}

// socket adds a row, and returns its inode.
func (w *world) socket(local, peer, state string) string {
	w.t.Helper()
	w.n++
	inode := fmt.Sprint(5000 + w.n)
	row := fmt.Sprintf("%4d: %s %s %s 00000000:00000000 00:00000000 00000000     0        0 %s 1 0000000000000000 100 0 0 10 0\n", w.n, hexOf(local), hexOf(peer), state, inode)
	name := "/proc/net/tcp"
	if strings.HasPrefix(local, "[") {
		name += "6"
	}
	old, _ := os.ReadFile(w.root + name)
	w.file(name, string(old)+row)
	return inode
}

// process adds one with its sockets.
func (w *world) process(pid, ppid int, comm, title string, env []string, inodes ...string) {
	w.t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	w.file(dir+"/comm", comm+"\n")
	w.file(dir+"/cmdline", strings.ReplaceAll(title, " ", "\x00")+"\x00")
	w.file(dir+"/stat", fmt.Sprintf("%d (%s) S %d 1 1 0 -1", pid, comm, ppid))
	w.file(dir+"/environ", strings.Join(env, "\x00")+"\x00")
	if err := os.MkdirAll(w.root+dir+"/fd", 0o755); err != nil {
		w.t.Fatal(err)
	}
	for i, inode := range inodes {
		if err := os.Symlink("socket:["+inode+"]", fmt.Sprintf("%s%s/fd/%d", w.root, dir, 3+i)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// why are the reasons for which addresses are protected.
func (w *world) why(h Host) map[string]string {
	w.t.Helper()
	h.Root = w.root
	all, err := h.Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range all {
		if !p.Prefix.IsValid() {
			w.t.Errorf("an invalid prefix is protected: %+v", p)
		}
		if p.Prefix.IsSingleIP() {
			out[p.Prefix.Addr().String()] += p.Why + " "
		} else {
			out[p.Prefix.String()] += p.Why + " "
		}
	}
	return out
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(w *world) Host
		want map[string]string // address: reasons; "" not protected
	}{
		{"logged in by SSH", func(w *world) Host {
			door := w.socket("0.0.0.0:22", "0.0.0.0:0", listening)
			in := w.socket("192.0.2.1:22", "198.51.100.7:50000", established)
			w.process(100, 1, "sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", nil, door)
			w.process(101, 100, "sshd", "sshd: admin [priv]", nil, in)
			w.process(102, 101, "sshd", "sshd: admin@pts/0", nil, in)
			return Host{}
		}, map[string]string{"198.51.100.7": "ssh-peer "}},
		{"guessing at passwords by SSH", func(w *world) Host {
			in := w.socket("192.0.2.1:22", "198.51.100.8:50000", established)
			w.process(101, 1, "sshd", "sshd: root [priv]", nil, in)
			w.process(102, 101, "sshd", "sshd: root [net]", nil, in)
			first := w.socket("192.0.2.1:22", "198.51.100.9:50000", established)
			w.process(103, 1, "sshd", "sshd: [accepted]", nil, first)
			newer := w.socket("192.0.2.1:22", "198.51.100.10:50000", established)
			w.process(104, 1, "sshd-session", "sshd-session: unknown [preauth]", nil, newer)
			return Host{}
		}, map[string]string{"198.51.100.8": "", "198.51.100.9": "", "198.51.100.10": ""}},
		{"an sshd at another port, IPv4 in IPv6", func(w *world) Host {
			door := w.socket("[::]:2222", "[::]:0", listening)
			w.process(100, 1, "sshd", "sshd: /usr/sbin/sshd [listener]", nil, door)
			in := w.socket("[::ffff:192.0.2.1]:2222", "[::ffff:198.51.100.7]:50000", established)
			w.process(101, 100, "sshd", "sshd: admin@pts/0", nil, in)
			return Host{}
		}, map[string]string{"198.51.100.7": "ssh-peer "}},
		{"started by systemd for each connection", func(w *world) Host {
			in := w.socket("[2001:db8::1]:2222", "[2001:db8:7::9]:50000", established)
			w.process(101, 1, "sshd", "sshd: admin@notty", nil, in)
			return Host{}
		}, map[string]string{"2001:db8:7::9": "ssh-peer "}},
		{"whose process cannot be seen", func(w *world) Host {
			w.socket("192.0.2.1:22", "198.51.100.7:50000", established)
			w.socket("192.0.2.1:80", "198.51.100.66:50000", established)
			return Host{}
		}, map[string]string{"198.51.100.7": "ssh-peer ", "198.51.100.66": ""}},
		{"a visitor of the site", func(w *world) Host {
			w.socket("192.0.2.1:443", "198.51.100.66:50000", established)
			return Host{WebPorts: []int{443}}
		}, map[string]string{"198.51.100.66": ""}},
		{"our own session, through sudo and a multiplexer", func(w *world) Host {
			w.process(300, 200, "hirune", "hirune block", []string{"PATH=/bin"})
			w.process(200, 150, "sudo (x) 1", "sudo hirune", []string{"SUDO_USER=admin"})
			w.process(150, 1, "bash", "-bash", []string{"TERM=xterm", "SSH_CONNECTION=198.51.100.7 50000 192.0.2.1 22", "SSH_CLIENT=2001:db8:7::9 50000 22"})
			return Host{PID: 300}
		}, map[string]string{"198.51.100.7": "ssh-client ", "2001:db8:7::9": "ssh-client "}},
		{"a session that lies", func(w *world) Host {
			w.process(300, 300, "hirune", "hirune", []string{"SSH_CONNECTION=everybody", "SSH_CLIENT=", "SSH_CONNECTION"})
			return Host{PID: 300}
		}, nil},
		{"logind", func(w *world) Host {
			w.file("/run/systemd/sessions/3", "UID=1000\nREMOTE=1\nREMOTE_HOST=198.51.100.7\n")
			w.file("/run/systemd/sessions/4", "REMOTE_HOST=some.name.example\n")
			return Host{}
		}, map[string]string{"198.51.100.7": "session "}},
		{"gateways and name servers", func(w *world) Host {
			w.file("/proc/net/route", "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t010200C0\t0003\neth0\t000200C0\t00000000\t0001\nodd\n")
			w.file("/proc/net/ipv6_route", "00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400 1 0 3 eth0\n")
			w.file("/etc/resolv.conf", "# x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nsearch example.org\n")
			return Host{}
		}, map[string]string{"192.0.2.1": "gateway ", "2001:db8::1": "gateway ", "192.0.2.53": "dns ", "fe80::1": "dns "}},
		{"databases", func(w *world) Host {
			w.socket("192.0.2.1:40000", "192.0.2.9:3306", established)
			w.socket("192.0.2.1:40001", "192.0.2.10:3307", established)
			w.socket("192.0.2.1:3306", "198.51.100.66:50000", established) // its port is open to everybody
			w.socket("127.0.0.1:40000", "127.0.0.1:3306", established)
			return Host{DatabasePorts: []int{3307}}
		}, map[string]string{"192.0.2.9": "database-peer ", "192.0.2.10": "database-peer ", "198.51.100.66": "", "127.0.0.1": ""}},
		{"what the caller knows", func(*world) Host {
			return Host{Interfaces: func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil },
				Proxies: all("192.0.2.128/25"), Allow: all("198.51.100.0/28"), Admins: []netip.Addr{netip.MustParseAddr("198.51.100.99")}}
		}, map[string]string{"192.0.2.1": "own ", "192.0.2.128/25": "proxy ", "198.51.100.0/28": "allowed ", "198.51.100.99": "admin-session "}},
		{"lists", func(*world) Host { return Host{} }, map[string]string{"104.16.0.0/13": "proxy ", "192.0.64.0/18": "jetpack "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			got := w.why(c.set(w))
			for a, why := range c.want {
				if got[a] != why {
					t.Errorf("%s is protected as %q, want %q", a, got[a], why)
				}
			}
		})
	}
}

func TestShellPorts(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(w *world) Host
		want []int
	}{
		{"nothing runs", func(*world) Host { return Host{} }, []int{22}},
		{"an sshd beside a web server", func(w *world) Host {
			w.process(100, 1, "sshd", "sshd: /usr/sbin/sshd [listener]", nil, w.socket("0.0.0.0:443", "0.0.0.0:0", listening), w.socket("[::]:2222", "[::]:0", listening))
			w.process(200, 1, "nginx", "nginx: master", nil, w.socket("0.0.0.0:80", "0.0.0.0:0", listening), w.socket("0.0.0.0:8443", "0.0.0.0:0", listening))
			return Host{WebPorts: []int{80, 8443}}
		}, []int{22, 443, 2222}},
		{"an sshd at the port of a web server", func(w *world) Host {
			w.process(100, 1, "sshd", "sshd: /usr/sbin/sshd [listener]", nil, w.socket("192.0.2.2:443", "0.0.0.0:0", listening))
			w.process(200, 1, "nginx", "nginx: master", nil, w.socket("192.0.2.1:443", "0.0.0.0:0", listening))
			return Host{WebPorts: []int{443}}
		}, []int{22, 443}},
		{"started for each connection", func(w *world) Host {
			w.socket("0.0.0.0:443", "0.0.0.0:0", listening) // of another program
			w.process(101, 1, "sshd", "sshd: admin@notty", nil, w.socket("192.0.2.1:443", "198.51.100.7:50000", established))
			return Host{}
		}, []int{22, 443}},
		{"systemd waits for whom it starts", func(w *world) Host {
			shared := w.socket("0.0.0.0:80", "0.0.0.0:0", listening)
			w.process(1, 0, "systemd", "/sbin/init", nil, w.socket("0.0.0.0:443", "0.0.0.0:0", listening), shared, w.socket("192.0.2.1:8080", "192.0.2.9:50000", established))
			w.process(200, 1, "apache2", "apache2", nil, shared)
			return Host{WebPorts: []int{80}}
		}, []int{22, 443}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			h := c.set(w)
			h.Root = w.root
			got, err := h.ShellPorts()
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, err %v, want %v", got, err, c.want)
			}
		})
	}
	if _, err := (Host{Root: t.TempDir()}).ShellPorts(); err == nil {
		t.Error("no error where there is no /proc")
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	if _, err := (Host{Root: t.TempDir()}).Find(t.Context()); err == nil {
		t.Error("nobody was found where there is no /proc, without an error")
	}
	w := newWorld(t)
	boom := errors.New("no interfaces")
	if _, err := (Host{Root: w.root, Interfaces: func() ([]netip.Addr, error) { return nil, boom }}).Find(t.Context()); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Host{Root: w.root}).Find(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestThisHost looks at the machine of the test itself.
func TestThisHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all, err := Host{PID: os.Getpid(), Interfaces: InterfaceAddrs}.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(p block.Protected) bool { return p.Why == block.Own && p.Prefix.Addr().IsLoopback() }) {
		t.Errorf("its own loopback is not among %v", all)
	}
	socks, err := Host{}.sockets()
	if err != nil || !slices.ContainsFunc(socks, func(s socket) bool { return s.local.String() == l.Addr().String() && s.state == listening }) {
		t.Errorf("the socket %v was not found, err %v", l.Addr(), err)
	}
}

func TestBefore(t *testing.T) {
	w := newWorld(t)
	w.socket("0.0.0.0:80", "0.0.0.0:0", listening)
	for i := range 6 {
		w.socket("192.0.2.1:80", fmt.Sprintf("104.16.0.%d:50000", i), established)
	}
	for i := range 4 {
		w.socket("192.0.2.1:80", fmt.Sprintf("198.51.100.%d:50000", i), established)
		w.socket("192.0.2.1:22", fmt.Sprintf("10.0.0.%d:50000", i), established)   // another port
		w.socket("127.0.0.1:80", fmt.Sprintf("127.0.0.1:500%02d", i), established) // within this host
		w.socket("192.0.2.1:80", fmt.Sprintf("192.0.2.1:500%02d", i), established) // the site asks itself
	}
	h := Host{Root: w.root, WebPorts: []int{80}, Interfaces: func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil }}
	got, err := h.Before()
	if want := (Before{Doors: 1, Peers: 10, Proxies: 6}); err != nil || got != want || !got.Proxied() {
		t.Errorf("got %+v (%v), err %v, want %+v", got, got.Proxied(), err, want)
	}
	for _, b := range []Before{{Peers: 4, Proxies: 4}, {Peers: 10, Proxies: 5}, {}} {
		if b.Proxied() {
			t.Errorf("%+v counts as proxied", b)
		}
	}
}

func TestBehind(t *testing.T) {
	for _, c := range []struct {
		listens []string
		want    bool
	}{{[]string{"127.0.0.1:8080"}, true}, {[]string{"127.0.0.1:8080", "[::1]:8080"}, true}, {[]string{"127.0.0.1:8080", "0.0.0.0:80"}, false}, {[]string{"192.0.2.1:80"}, false}, {nil, false}, {[]string{"odd"}, false}} {
		if got := Behind(c.listens); got != c.want {
			t.Errorf("%v: got %v", c.listens, got)
		}
	}
	if got := Ports([]string{"0.0.0.0:443", "[::]:80", "0.0.0.0:80", "odd"}); !slices.Equal(got, []int{80, 443}) {
		t.Errorf("ports %v", got)
	}
}

// names is a name system of a few entries.
type names struct {
	ptr   map[string][]string
	addr  map[string][]string
	down  bool
	asked int
}

func (n *names) LookupAddr(_ context.Context, a string) ([]string, error) {
	n.asked++
	if n.down {
		return nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}
	}
	if p := n.ptr[a]; p != nil {
		return p, nil
	}
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range n.addr[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if out == nil {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}
	return out, nil
}

func TestBotsAreProvenByTheirNames(t *testing.T) {
	n := &names{
		ptr: map[string][]string{
			"66.249.66.1": {"crawl-66-249-66-1.googlebot.com."}, "203.0.113.1": {"crawl-66-249-66-1.googlebot.com."}, "203.0.113.2": {"googlebot.com.evil.example."},
			"203.0.113.3": {"evilgooglebot.com."}, "203.0.113.4": {"4.113.0.203.bc.googleusercontent.com."}, "157.55.39.1": {"msnbot-157-55-39-1.search.msn.com."},
		},
		addr: map[string][]string{"crawl-66-249-66-1.googlebot.com": {"66.249.66.1"}, "googlebot.com.evil.example": {"203.0.113.2"}, "evilgooglebot.com": {"203.0.113.3"},
			"4.113.0.203.bc.googleusercontent.com": {"203.0.113.4"}, "msnbot-157-55-39-1.search.msn.com": {"157.55.39.1"}},
	}
	now := time.Unix(1_700_000_000, 0)
	b := &Bots{Resolver: n, Now: func() time.Time { return now }}
	for _, c := range []struct {
		a, bot string
		want   int
	}{
		{"66.249.66.1", "Googlebot", 1}, {"66.249.66.1", "", 1}, {"66.249.66.1", "bingbot", -1}, {"157.55.39.1", "Bingbot", 1},
		{"203.0.113.1", "Googlebot", -1}, {"203.0.113.2", "Googlebot", -1}, {"203.0.113.3", "Googlebot", -1}, {"203.0.113.4", "Googlebot", -1}, {"203.0.113.5", "Googlebot", -1}, {"10.0.0.1", "Googlebot", -1},
		{"2001:4860:4801:10::28", "Googlebot", -1}, {"2001:4860:4801:10::", "Googlebot", 0}, // a /64 as it is written is nobody's address
	} {
		if got := b.Verified(t.Context(), c.bot, netip.MustParseAddr(c.a)); got != c.want {
			t.Errorf("%s as %q: got %d, want %d", c.a, c.bot, got, c.want)
		}
	}
	asked := n.asked
	b.Verified(t.Context(), "Googlebot", netip.MustParseAddr("66.249.66.1"))
	if n.asked != asked {
		t.Error("it asked again for what it knows")
	}
	now = now.Add(25 * time.Hour)
	b.Verified(t.Context(), "Googlebot", netip.MustParseAddr("66.249.66.1"))
	if n.asked != asked+1 {
		t.Error("it did not ask again after a day")
	}
	all := []netip.Addr{netip.MustParseAddr("66.249.66.1"), netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("157.55.39.1")}
	got := b.Find(t.Context(), all)
	if len(got) != 2 || got[0].Why != block.VerifiedBot || got[0].Prefix.String() != "66.249.66.1/32" || got[1].Note != "bing" {
		t.Errorf("got %+v", got)
	}
}

func TestNobodyIsGuiltyOfADeadNameSystem(t *testing.T) {
	n := &names{down: true}
	now := time.Unix(1_700_000_000, 0)
	b := &Bots{Resolver: n, Now: func() time.Time { return now }}
	a := netip.MustParseAddr("66.249.66.1")
	if got := b.Verified(t.Context(), "Googlebot", a); got != 0 {
		t.Errorf("got %d", got)
	}
	b.Verified(t.Context(), "Googlebot", a)
	if n.asked != 1 {
		t.Errorf("asked %d times within ten minutes", n.asked)
	}
	n.down, n.ptr, n.addr = false, map[string][]string{"66.249.66.1": {"x.googlebot.com."}}, map[string][]string{"x.googlebot.com": {"66.249.66.1"}}
	now = now.Add(11 * time.Minute)
	if got := b.Verified(t.Context(), "Googlebot", a); got != 1 {
		t.Errorf("later: got %d", got)
	}
}

func FuzzParseSockets(f *testing.F) {
	f.Add([]byte("   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000 105 0 50753 1 x\n"))
	f.Add([]byte("   0: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF0000420A33C6:C350 01 0 0 0 0 0 7\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseSockets(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range all {
			if !s.local.IsValid() || !s.peer.IsValid() || s.local.Addr().Is4In6() {
				t.Errorf("got %+v", s)
			}
		}
	})
}
