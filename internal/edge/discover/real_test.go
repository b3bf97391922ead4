package discover

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFindsRealDaemons starts two Apaches, two MariaDBs, an nginx and a PHP-FPM
// with two pools, none of them in a usual place, and finds them all.
func TestFindsRealDaemons(t *testing.T) {
	bins := needDaemons(t, "apache2", "mariadbd", "nginx", "php-fpm8.2")
	r := &rig{t: t, dir: shortTemp(t), bins: bins}
	for _, d := range []string{"www/blog/wp-includes", "shop", "logs", "run", "tmp", "db1", "db2", "pool.d", "sites"} {
		r.mkdir(d)
	}
	r.write("www/blog/wp-config.php", "<?php\n")
	r.write("shop/wp-config.php", "<?php\n")
	a1, a2 := r.apache("a1", "www", false), r.apache("a2", "shop", true)
	db1, db2 := r.mariadb("db1", true), r.mariadb("db2", false)
	ngx, fpmPort := r.nginx(), r.fpm()
	found := r.findAll(6)

	web := map[string]WebServer{}
	for _, w := range found.WebServers {
		web[w.Instance] = w
	}
	one, two := web[fmt.Sprint("apache2:", a1)], web[fmt.Sprint("apache2:", a2)]
	if len(one.AccessLogs) != 1 || one.AccessLogs[0].Path != r.path("logs/a1-access.log") || !strings.HasSuffix(one.AccessLogs[0].Format, " %D") {
		t.Errorf("first apache: got logs %+v", one.AccessLogs)
	}
	if len(two.AccessLogs) != 1 || two.AccessLogs[0].Path != r.path("logs/a2-vhost.log") || two.AccessLogs[0].Site != "shop.example" {
		t.Errorf("second apache: got logs %+v", two.AccessLogs)
	}
	if one.MaxWorkers != 50 || len(one.ErrorLogs) != 1 || one.ErrorLogs[0] != r.path("logs/a1-error.log") {
		t.Errorf("first apache: got %d workers, error logs %v", one.MaxWorkers, one.ErrorLogs)
	}
	if w := web[fmt.Sprint("nginx:", ngx)]; len(w.AccessLogs) != 1 || w.AccessLogs[0].Format != "$remote_addr $request_time" || len(w.DocRoots) != 1 || w.DocRoots[0].Dir != r.path("shop") {
		t.Errorf("nginx: got %+v", w)
	}
	r.checkDatabases(found, db1, db2)
	r.checkPools(found, fpmPort)
	r.checkRoots(found)
}

func (r *rig) checkDatabases(found Found, db1, db2 int) {
	r.t.Helper()
	for _, want := range []Database{
		{Instance: fmt.Sprint("mariadbd:", db1), Socket: r.path("db1/s"), Address: fmt.Sprint("127.0.0.1:", db1), DataDir: r.path("db1"), ErrorLog: r.path("logs/db1.err"), Config: r.path("db1.cnf"), TmpDir: r.path("tmp")},
		{Instance: fmt.Sprint("mariadbd:", db2), Socket: r.path("db2/s"), Address: fmt.Sprint("127.0.0.1:", db2), DataDir: r.path("db2"), ErrorLog: r.path("logs/db2.out"), TmpDir: "/tmp"},
	} {
		want.Flavour = "mariadb"
		ok := false
		for _, got := range found.Databases {
			if got.Instance != want.Instance {
				continue
			}
			ok, want.PID, want.Started = true, got.PID, got.Started
			if got != want {
				r.t.Errorf("database: got %+v, want %+v", got, want)
			}
		}
		if !ok {
			r.t.Errorf("database %s: not found in %+v", want.Instance, found.Databases)
		}
	}
}

func (r *rig) checkPools(found Found, port int) {
	r.t.Helper()
	got := map[string]Pool{}
	for _, p := range found.Pools {
		if strings.HasSuffix(p.Instance, ":"+r.path("php-fpm.conf")) {
			got[p.Name] = p
		}
	}
	if p := got["one"]; p.Listen != r.path("run/one.sock") || p.MaxChildren != 3 || p.StatusPath != "/status" || p.ErrorLog != r.path("logs/fpm.log") {
		r.t.Errorf("pool one: got %+v", p)
	}
	if p := got["two"]; p.Listen != fmt.Sprint("127.0.0.1:", port) || p.MaxChildren != 2 || p.Config != r.path("pool.d/two.conf") {
		r.t.Errorf("pool two: got %+v", p)
	}
}

func (r *rig) checkRoots(found Found) {
	r.t.Helper()
	want := map[string]string{r.path("www/blog"): r.path("www/blog/wp-config.php"), r.path("shop"): r.path("shop/wp-config.php"), r.path("www"): ""}
	for _, root := range found.Roots {
		if config, ok := want[root.Dir]; ok {
			if root.WPConfig != config || root.Listen == "" {
				r.t.Errorf("root %s: got %+v, want configuration %q", root.Dir, root, config)
			}
			delete(want, root.Dir)
		}
	}
	if len(want) > 0 {
		r.t.Errorf("roots not found: %v in %+v", want, found.Roots)
	}
}

// rig runs daemons in a directory of its own and stops them by their PIDs.
type rig struct {
	t    *testing.T
	dir  string
	bins map[string]string
	pids map[int]bool
}

// needDaemons skips where the daemons cannot run. In CI that is a failure.
func needDaemons(t *testing.T, names ...string) map[string]string {
	t.Helper()
	miss := func(format string, args ...any) {
		if os.Getenv("CI") == "true" {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	if os.Getuid() != 0 {
		miss("needs root to start daemons under their own users")
	}
	out := map[string]string{}
	for _, n := range names {
		for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
			if _, err := os.Stat(filepath.Join(dir, n)); err == nil {
				out[n] = filepath.Join(dir, n)
			}
		}
		if out[n] == "" {
			miss("needs %s: apt-get install apache2 mariadb-server nginx-light php-fpm", n)
		}
	}
	return out
}

// shortTemp makes a directory whose path leaves room for a socket's name, and
// that other users may enter.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "find")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) mkdir(name string) {
	r.t.Helper()
	if err := os.MkdirAll(r.path(name), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Chmod(r.path(name), 0o777); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(strings.ReplaceAll(text, "@", r.dir)), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// freePort returns a port of loopback that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a daemon in the foreground, its output in a file.
func (r *rig) start(out, name string, args ...string) {
	r.t.Helper()
	log, err := os.Create(r.path("logs/" + out))
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(r.bins[name], args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	if r.pids == nil {
		r.pids = map[int]bool{}
	}
	r.pids[cmd.Process.Pid] = true
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		if r.t.Failed() {
			b, _ := os.ReadFile(r.path("logs/" + out))
			r.t.Logf("%s said: %s", name, b)
		}
	})
}

const apacheModules = `LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
`

func (r *rig) apache(name, root string, vhost bool) int {
	port := freePort(r.t)
	conf := apacheModules + "ServerRoot @\nDefine LOGS @/logs\nServerName 127.0.0.1\nPidFile @/run/" + name + ".pid\nMutex file:@/run default\nDefaultRuntimeDir @/run\n" +
		fmt.Sprintf("Listen 127.0.0.1:%d\n", port) +
		"ErrorLog ${LOGS}/" + name + "-error.log\nLogFormat \"%h %l %u %t \\\"%r\\\" %>s %O %D\" timed\n" +
		"<IfModule mpm_event_module>\nStartServers 1\nMaxRequestWorkers 50\n</IfModule>\n<IfModule mpm_prefork_module>\nMaxRequestWorkers 7\n</IfModule>\n"
	if vhost {
		conf += "IncludeOptional sites/" + name + "-*.conf\n"
		r.write("sites/"+name+"-shop.conf", fmt.Sprintf("<VirtualHost 127.0.0.1:%d>\nServerName shop.example\nDocumentRoot @/%s\nCustomLog ${LOGS}/%s-vhost.log timed\n</VirtualHost>\n", port, root, name))
	} else {
		conf += "DocumentRoot @/" + root + "\nCustomLog logs/" + name + "-access.log timed\n"
	}
	r.write(name+".conf", conf)
	r.start(name+".out", "apache2", "-f", r.path(name+".conf"), "-D", "FOREGROUND")
	return port
}

// mariadb starts a server on an empty data directory, either by a file of
// options or by arguments.
func (r *rig) mariadb(name string, byFile bool) int {
	port := freePort(r.t)
	if byFile {
		r.write(name+".cnf", fmt.Sprintf("[mysqld]\ndatadir = @/%s\nport=%d\nbind_address=127.0.0.1\nsocket=@/%s/s\nlog_error=@/logs/%s.err\ntmpdir=@/tmp\nuser=root\nskip-grant-tables\nskip-networking=0\nlc-messages-dir=/usr/share/mysql\n", name, port, name, name))
		r.start(name+".out", "mariadbd", "--defaults-file="+r.path(name+".cnf"))
		return port
	}
	r.start(name+".out", "mariadbd", "--no-defaults", "--datadir="+r.path(name), fmt.Sprint("--port=", port), "--bind-address=127.0.0.1", "--socket="+r.path(name+"/s"), "--user=root", "--skip-grant-tables", "--skip-networking=0", "--lc-messages-dir=/usr/share/mysql")
	return port
}

func (r *rig) nginx() int {
	port := freePort(r.t)
	r.write("nginx.conf", "pid @/run/nginx.pid;\nerror_log @/logs/nginx-error.log;\nevents { worker_connections 64; }\nhttp {\n log_format timed '$remote_addr ' '$request_time';\n access_log off;\n include sites/nginx-*.conf;\n}\n")
	r.write("sites/nginx-shop.conf", fmt.Sprintf("server { listen 127.0.0.1:%d; server_name shop.example; root @/shop; access_log @/logs/nginx-access.log timed; }\n", port))
	r.start("nginx.out", "nginx", "-p", r.dir, "-c", r.path("nginx.conf"), "-g", "daemon off;")
	return port
}

func (r *rig) fpm() int {
	port := freePort(r.t)
	r.write("php-fpm.conf", "[global]\npid=@/run/fpm.pid\nerror_log=@/logs/fpm.log\ndaemonize=no\ninclude=@/pool.d/*.conf\n")
	r.write("pool.d/one.conf", "[one]\nuser=www-data\ngroup=www-data\nlisten=@/run/$pool.sock\npm=static\npm.max_children=3\npm.status_path=/status\n")
	r.write("pool.d/two.conf", fmt.Sprintf("[two]\nuser=www-data\ngroup=www-data\nlisten=127.0.0.1:%d\npm=ondemand\npm.max_children=2\n", port))
	r.start("fpm.out", "php-fpm8.2", "-y", r.path("php-fpm.conf"), "-F")
	return port
}

// findAll looks until all of our masters listen, at most a minute.
func (r *rig) findAll(want int) Found {
	r.t.Helper()
	f := &Finder{}
	var found Found
	for range 120 {
		var err error
		if found, err = f.Find(context.Background(), time.Now()); err != nil {
			r.t.Fatal(err)
		}
		if n := r.ready(found); n == want {
			if c := f.Stale(found); slicesHave(c.Gone, r.pids) || slicesHave(c.Fresh, r.pids) {
				r.t.Errorf("stale right after a look: %+v", c)
			}
			return found
		}
		time.Sleep(500 * time.Millisecond)
	}
	r.t.Fatalf("%d of %d daemons came up: %+v", r.ready(found), want, found)
	return found
}

func slicesHave(list []int, ours map[int]bool) bool {
	for _, pid := range list {
		if ours[pid] {
			return true
		}
	}
	return false
}

// ready counts our daemons that listen.
func (r *rig) ready(found Found) int {
	seen := map[int]bool{}
	for _, d := range found.Databases {
		seen[d.PID] = d.Socket != "" && d.Address != ""
	}
	for _, w := range found.WebServers {
		seen[w.PID] = len(w.Listen) > 0
	}
	for _, p := range found.Pools {
		seen[p.MasterPID] = true
	}
	n := 0
	for pid, ok := range seen {
		if ok && r.pids[pid] {
			n++
		}
	}
	return n
}
