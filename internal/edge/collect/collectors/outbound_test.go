package collectors

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/discover"
)

func TestParseInet(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the lines below are of a machine with its low byte first")
	}
	at := netip.MustParseAddrPort
	for line, want := range map[string]inetSocket{
		"   0: 0100007F:1F90 500200C0:01BB 02 00000001:00000000 01:000000A1 00000002    33        0 61841 2 0000 100 0 0 10 0": {
			local: at("127.0.0.1:8080"), remote: at("192.0.2.80:443"), state: evidence.OutboundConnecting, inode: 61841},
		"   9: 0A00000A:8000 500200C0:0050 01 00000000:0000002A 00:00000000 00000000    33        0 7 1 0000": {
			local: at("10.0.0.10:32768"), remote: at("192.0.2.80:80"), state: evidence.OutboundOpen, unread: 42, inode: 7},
		"   1: B80D0120000000000000000001000000:1F90 B80D0120000000000000000002000000:01BB 01 00000000:00000000 00:00000000 00000000 33 0 8 1": {
			local: at("[2001:db8::1]:8080"), remote: at("[2001:db8::2]:443"), state: evidence.OutboundOpen, inode: 8},
		"   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF0000500200C0:01BB 01 0:0 00:0 0 33 0 8 1": {
			local: at("127.0.0.1:8080"), remote: at("192.0.2.80:443"), state: evidence.OutboundOpen, inode: 8},
	} {
		if got, ok := parseInet(line); !ok || got != want {
			t.Errorf("%s: got %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
		"0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 61 1", "0: 01:1F90 500200C0:01BB 01 0:0 00:0 0 33 0 8 1",
		"0: 0100007F:1F90 500200C0:01BB 01 0:0 00:0 0 33 0 0 1", "0: 0100007F 500200C0:01BB 01 0:0 00:0 0 33 0 8 1"} {
		if got, ok := parseInet(line); ok {
			t.Errorf("%q: got %+v", line, got)
		}
	}
}

func FuzzInetLine(f *testing.F) {
	f.Add("0: 0100007F:1F90 500200C0:01BB 02 00000001:00000000 01:000000A1 00000002 33 0 61841 2")
	f.Fuzz(func(t *testing.T, line string) {
		if s, ok := parseInet(line); ok && (!s.remote.IsValid() || s.inode == 0) {
			t.Errorf("got %+v", s)
		}
	})
}

func TestDescriptorsOfAList(t *testing.T) {
	poll := binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(nil, 11), 1<<32-1) // fd 11, then -1: left out
	set := make([]byte, 16)
	set[0], set[8] = 1<<5, 1<<2
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("laid out for a machine with its low byte first")
	}
	if got := pollFDs(poll); !reflect.DeepEqual(got, []int{11}) {
		t.Errorf("poll: got %v", got)
	}
	if got := setFDs(set); !reflect.DeepEqual(got, []int{5, 66}) {
		t.Errorf("select: got %v", got)
	}
	if pollFDs([]byte{1, 2, 3}) != nil || setFDs(nil) != nil || memoryOf("/nonexistent", 1, 8) != nil || memoryOf("/proc/self", 0, 8) != nil {
		t.Error("got descriptors out of nothing")
	}
}

func TestWhoseAddressIsTold(t *testing.T) {
	web := map[uint16]int{80: 0}
	at := netip.MustParseAddrPort
	for _, c := range []struct{ local, remote, want string }{
		{"10.0.0.1:40000", "192.0.2.1:443", "192.0.2.1:443"},
		{"127.0.0.1:40000", "127.0.0.1:3306", ""},
		{"127.0.0.1:40000", "127.0.0.1:80", "127.0.0.1:80"},
		{"10.0.0.1:40000", "10.0.0.1:80", "127.0.0.1:80"},
		{"10.0.0.1:40000", "10.0.0.1:6379", ""},
		{"[::1]:40000", "[::1]:80", "127.0.0.1:80"},
	} {
		if got, ok := told(inetSocket{local: at(c.local), remote: at(c.remote)}, web); got != c.want || ok != (c.want != "") {
			t.Errorf("%s to %s: got %q, %v; want %q", c.local, c.remote, got, ok, c.want)
		}
	}
}

// deafListener is a port that takes connections in and never answers; once full it
// takes no more.
func deafListener(t *testing.T) uint16 {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(at.(*syscall.SockaddrInet4).Port)
}

// TestRealCalls has the workers of a real PHP-FPM ask a port that is silent, as a
// client of it and as one that does not even get in.
func TestRealCalls(t *testing.T) {
	const bin = "/usr/sbin/php-fpm8.2"
	if _, err := os.Stat(bin); err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs root and %s", bin)
		}
		t.Skipf("needs root and %s: apt-get install php-fpm", bin)
	}
	dir, sock := startFPM(t, bin)
	port := deafListener(t)
	target := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String()
	script := "<?php $s = stream_socket_client('tcp://" + target + "', $n, $e, 20); stream_set_timeout($s, 20); fread($s, 1);"
	if err := os.WriteFile(filepath.Join(dir, "call.php"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	finder := &discover.Finder{}
	var found discover.Found
	eventually(t, "the pool is found", func() bool {
		var err error
		found, err = finder.Find(context.Background(), time.Now())
		return err == nil && slicesHavePool(found.Pools, sock)
	})
	found.Pools = onlyPool(found.Pools, sock)
	found.WebServers = []discover.WebServer{{Service: evidence.ServiceApache, Listen: []string{target}}} // else it is some other service of ours
	table := &Table{Found: func() *discover.Found { return &found }}
	c, pools, now := &Outbound{Table: table}, &Pools{Table: table}, time.Now()
	beat := func() map[string]evidence.Outbound {
		now = now.Add(listEvery * time.Second)
		out := map[string]evidence.Outbound{}
		for _, f := range mustProcBeat(t, c, now) {
			o := f.(evidence.Outbound)
			out[o.Remote+" "+o.State] = o
		}
		return out
	}
	if got := beat(); len(got) != 0 {
		t.Errorf("idle workers: got %+v", got)
	}
	var conns []net.Conn
	for i, c := range hold(t, "unix", sock, 2) {
		if _, err := c.Write(fcgiScript(filepath.Join(dir, "call.php"))); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if i == 0 { // two at once may both get in
			eventually(t, "the first gets in", func() bool { return beat()[target+" open"].Workers == 1 })
		}
	}
	eventually(t, "one waits for an answer, one for the connection", func() bool {
		got := beat()
		return got[target+" open"].Workers == 1 && got[target+" connecting"].Workers == 1 && got[target+" open"].OldestMs >= listEvery*1000
	})
	// A worker whose web server is gone works on with nobody waiting.
	for _, f := range mustProcBeat(t, pools, now.Add(time.Second)) {
		if p, ok := f.(evidence.WorkerPool); ok && p.Service == evidence.ServicePHP && (p.Busy != 2 || p.Detached != 0) {
			t.Errorf("both are waited for: got %+v", p)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	if c.seen == nil || len(c.seen) != 2 {
		t.Errorf("got %d connections remembered, want 2", len(c.seen))
	}
}

// TestRealDetachedWorkers: a script that has sent its answer and goes on.
func TestRealDetachedWorkers(t *testing.T) {
	const bin = "/usr/sbin/php-fpm8.2"
	if _, err := os.Stat(bin); err != nil || os.Getuid() != 0 {
		t.Skipf("needs root and %s: apt-get install php-fpm", bin)
	}
	dir, sock := startFPM(t, bin)
	if err := os.WriteFile(filepath.Join(dir, "on.php"), []byte("<?php echo 'ok'; fastcgi_finish_request(); sleep(20);"), 0o644); err != nil {
		t.Fatal(err)
	}
	finder := &discover.Finder{}
	var found discover.Found
	eventually(t, "the pool is found", func() bool {
		var err error
		found, err = finder.Find(context.Background(), time.Now())
		return err == nil && slicesHavePool(found.Pools, sock)
	})
	found.Pools, found.WebServers = onlyPool(found.Pools, sock), nil
	c, now := &Pools{Table: &Table{Found: func() *discover.Found { return &found }}}, time.Now()
	conns := hold(t, "unix", sock, 3)
	for i, script := range []string{"on.php", "on.php"} {
		if _, err := conns[i].Write(fcgiScript(filepath.Join(dir, script))); err != nil {
			t.Fatal(err)
		}
	}
	// The web server closes when it has the answer.
	if _, err := io.Copy(io.Discard, conns[0]); err != nil {
		t.Fatal(err)
	}
	conns[0].Close()
	eventually(t, "one of two busy workers is detached, and one request waits", func() bool {
		now = now.Add(listEvery * time.Second)
		facts, _ := procBeat(c, now)
		for _, f := range facts {
			if p, ok := f.(evidence.WorkerPool); ok && p.Busy == 2 && p.Detached == 1 && p.Queue == 1 {
				return true
			}
		}
		return false
	})
}
