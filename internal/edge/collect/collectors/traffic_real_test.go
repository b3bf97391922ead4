package collectors

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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

// webServer is a real server on loopback, in a directory of its own.
type webServer struct {
	cmd  *exec.Cmd
	addr string
	log  string
}

const apacheConf = `ServerRoot DIR
PidFile DIR/pid
Listen ADDR
ServerName shop.example
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
DocumentRoot DIR/www
User www-data
Group www-data
ErrorLog DIR/error.log
LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D" timed
CustomLog DIR/access.log timed
`

const nginxConf = `pid DIR/pid;
error_log DIR/error.log;
worker_processes 1;
daemon off;
user www-data;
events { worker_connections 64; }
http {
 client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
 log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time';
 server { listen ADDR; server_name shop.example; root DIR/www; access_log DIR/access.log timed; }
}
`

// startWeb starts a server, or skips where it is not installed; where CI is
// set a missing server is a failure.
func startWeb(t *testing.T, conf string, command ...string) webServer {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil || os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is needed, and root", command[0])
		}
		t.Skipf("%s is not installed, or this is not root", command[0])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := webServer{addr: l.Addr().String(), log: filepath.Join(dir, "access.log")}
	_ = l.Close()
	for d := dir; d != "/" && d != "/tmp"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) // the server's workers have a user of their own
	}
	if err := os.Mkdir(filepath.Join(dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(dir, "www", "index.html"), "hello\n")
	path := filepath.Join(dir, "server.conf")
	appendTo(t, path, strings.NewReplacer("DIR", dir, "ADDR", s.addr).Replace(conf))
	args := strings.Split(strings.ReplaceAll(strings.Join(command[1:], " "), "CONF", path), " ")
	s.cmd = exec.Command(command[0], args...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		_ = s.cmd.Wait()
	})
	s.eventually(t, "the server answers", func() bool { return s.get("/", "setup") == nil })
	s.eventually(t, "it has logged that", func() bool { fi, err := os.Stat(s.log); return err == nil && fi.Size() > 0 })
	return s
}

func (s webServer) get(target, agent string) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+s.addr+target, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", agent)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

func (webServer) eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("in vain: %s", what)
}

// Every request to a real server is counted once, through a rotation and a
// truncation, and hirune's own are not.
func TestRealServers(t *testing.T) {
	for name, start := range map[string]func(*testing.T) (webServer, string, syscall.Signal){
		"apache": func(t *testing.T) (webServer, string, syscall.Signal) {
			return startWeb(t, apacheConf, "apache2", "-f", "CONF", "-DFOREGROUND"), `%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D`, syscall.SIGUSR1
		},
		"nginx": func(t *testing.T) (webServer, string, syscall.Signal) {
			return startWeb(t, nginxConf, "nginx", "-c", "CONF"), `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time`, syscall.SIGUSR1
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, format, reopen := start(t)
			realTraffic(t, s, format, reopen)
		})
	}
}

func realTraffic(t *testing.T, s webServer, format string, reopen syscall.Signal) {
	c := NewTraffic(webLogs(s.log, format))
	defer c.Close()
	p := NewProbes(func() discover.Found {
		return discover.Found{Roots: []discover.Root{{Host: "shop.example", Listen: s.addr}}}
	})
	defer p.Close()
	if _, err := beatOf(t, c, 0); err != nil {
		t.Fatal(err)
	}
	sec, seen := 0, map[string]int64{}
	beat := func() {
		sec++
		rs, err := beatOf(t, c, sec)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range factsOf[evidence.Traffic](rs) {
			if !f.FromHist {
				seen[f.Class] += f.Requests
				if f.TookMs < 0 {
					t.Errorf("no duration: %+v", f)
				}
			}
		}
	}
	var want int64
	send := func(n int) {
		for i := range n {
			if err := s.get(fmt.Sprintf("/?s=%d", i), "\x09visitor \"x\""); err != nil {
				t.Fatal(err)
			}
			if want++; i%7 == 0 {
				beat()
			}
		}
	}
	wait := func(what string) {
		s.eventually(t, what, func() bool { beat(); return seen[evidence.ClassSearch] >= want })
	}
	send(20)
	if f := untilProbe(t, p, 0).Fact.(evidence.Probe); f.Status != 200 || f.Bytes != 6 {
		t.Errorf("probe: %+v", f)
	}
	wait("all requests are seen")
	if err := os.Rename(s.log, s.log+".1"); err != nil {
		t.Fatal(err)
	}
	send(10)
	if err := s.cmd.Process.Signal(reopen); err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "the log is opened anew", func() bool { _, err := os.Stat(s.log); return err == nil })
	send(30)
	wait("all requests are seen through a rotation")
	if err := os.Truncate(s.log, 0); err != nil {
		t.Fatal(err)
	}
	send(10)
	wait("all requests are seen after a truncation")
	beat()
	if seen[evidence.ClassSearch] != want || len(seen) != 1 {
		t.Errorf("got %v, want %d searches and nothing else", seen, want)
	}
}
