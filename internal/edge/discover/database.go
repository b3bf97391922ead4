package discover

import (
	"net"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/edge/webconf"
)

// database takes one running server: command line before option file, and what
// it listens on before both.
func (h *host) database(p *process) {
	o := h.myOptions(p)
	d := Database{PID: p.pid, Started: p.started, Flavour: flavour(p), Config: p.tree.Host(argValue(p.args, "--defaults-file"))}
	datadir := webconf.Under(p.cwd, o["datadir"])
	if datadir == "" {
		datadir = defaultDataDir(p)
	}
	d.DataDir = p.seen(datadir)
	d.TmpDir = p.seen(firstOf(o["tmpdir"], "/tmp"))
	d.ErrorLog = p.seen(h.dbErrorLog(p, o, datadir))
	d.SlowLog = p.seen(slowLog(p, o, datadir))
	h.dbListens(p, o, &d)
	d.Instance = p.program() + ":" + dbName(d, o)
	h.found.Databases = append(h.found.Databases, d)
}

// myOptions reads the option files that the server was started with.
func (h *host) myOptions(p *process) myOptions {
	var files []string
	switch file := argValue(p.args, "--defaults-file"); {
	case slices.Contains(p.args, "--no-defaults"):
	case file != "":
		files = []string{webconf.Under(p.cwd, file)}
	default:
		files = append(files, standardMyCnf...)
		if extra := argValue(p.args, "--defaults-extra-file"); extra != "" {
			files = append(files, webconf.Under(p.cwd, extra))
		}
	}
	o, errs := readMyCnf(p.tree, files)
	h.notes("option files of "+p.comm, errs)
	o.takeArgs(p.args)
	return o
}

// flavour tells MariaDB from MySQL. Old MariaDB calls itself mysqld too.
func flavour(p *process) string {
	if p.comm == "mariadbd" || strings.Contains(p.exe, "mariadb") || strings.Contains(strings.Join(p.args, " "), "mariadb") {
		return "mariadb"
	}
	if _, ok := p.tree.Stat(path.Join(path.Dir(p.exe), "mariadbd")); ok && p.exe != "" {
		return "mariadb"
	}
	return "mysql"
}

// defaultDataDir is where the program keeps its data when nothing says it; a
// server's working directory is its data directory.
func defaultDataDir(p *process) string {
	if p.cwd != "" && p.cwd != "/" {
		return p.cwd
	}
	return "/var/lib/mysql"
}

// dbErrorLog returns where errors go: as configured, or the file that standard
// error is, which the server reopens as its log.
func (h *host) dbErrorLog(p *process, o myOptions, datadir string) string {
	v, set := o["log-error"]
	if set && v == "" {
		if v = o["pid-file"]; v != "" {
			v = strings.TrimSuffix(path.Base(v), path.Ext(v))
		} else {
			v = h.hostname()
		}
	}
	if v != "" && path.Ext(v) == "" {
		v += ".err"
	}
	if v = webconf.Under(datadir, v); v != "" && p.tree.IsFile(v) {
		return v
	}
	for _, f := range p.files {
		if f.fd == 2 && p.tree.IsFile(f.target) {
			return f.target
		}
	}
	return v
}

func (h *host) hostname() string {
	b, _ := webconf.Tree{Base: h.base}.Read("/proc/sys/kernel/hostname")
	return strings.TrimSpace(string(b))
}

func slowLog(p *process, o myOptions, datadir string) string {
	if v := firstOf(o["slow-query-log-file"], o["log-slow-query-file"]); v != "" {
		return webconf.Under(datadir, v)
	}
	for _, f := range p.files {
		if strings.HasSuffix(f.target, "slow.log") && path.IsAbs(f.target) {
			return f.target
		}
	}
	return ""
}

// Ports that a MySQL server has beside the one for clients.
const (
	portX     = 33060 // X protocol
	portAdmin = 33062
)

// dbListens fills in sockets and ports.
func (h *host) dbListens(p *process, o myOptions, d *Database) {
	tcp, unix := h.sockets(p).listens(p)
	want, extra := atoi(o["port"]), atoi(firstOf(o["extra-port"], o["admin-port"]))
	for _, a := range tcp {
		switch port := int(a.Port()); {
		case port == extra || (extra == 0 && port == portAdmin):
			d.ExtraPort = reachable(a)
		case port == want || (d.Address == "" && port != portX):
			d.Address = reachable(a)
		}
	}
	for _, u := range unix {
		if u = webconf.Under(p.cwd, u); !strings.HasSuffix(u, "mysqlx.sock") && (d.Socket == "" || u == o["socket"]) {
			d.Socket = p.seen(u)
		}
	}
	if h.otherNet(p) && d.Address != "" {
		h.found.Notes = append(h.found.Notes, Note{What: "address of " + p.comm + " in a container", Why: "its network is not ours", Hint: "name its address in " + DefaultConfig})
		d.Address, d.ExtraPort = "", ""
	}
	if p.seesFiles {
		return
	}
	// Which sockets are its own cannot be seen: the configuration must do.
	d.Socket = p.seen(webconf.Under(datadirOr(d.DataDir), firstOf(o["socket"], h.usualSocket(p))))
	if !o.on("skip-networking") {
		d.Address = net.JoinHostPort(bindAddress(o["bind-address"]), strconv.Itoa(orDefault(want, 3306)))
	}
}

// otherNet reports whether the process has a network of its own, as in a
// container.
func (h *host) otherNet(p *process) bool {
	ours, err1 := os.Readlink(h.base + "/proc/self/ns/net")
	theirs, err2 := os.Readlink(procPath(h.base, p.pid, "ns/net"))
	return err1 == nil && err2 == nil && ours != theirs
}

func datadirOr(dir string) string { return firstOf(dir, "/var/lib/mysql") }

// usualSocket returns the default socket that exists here.
func (h *host) usualSocket(p *process) string {
	for _, s := range []string{"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"} {
		if _, ok := p.tree.Stat(s); ok {
			return s
		}
	}
	return ""
}

func bindAddress(s string) string {
	first, _, _ := strings.Cut(s, ",")
	if a, err := netip.ParseAddr(first); err == nil && !a.IsUnspecified() {
		return a.String()
	}
	return "127.0.0.1"
}

// dbName is what tells two servers apart: the port, also before it listens, or
// the socket where there is no port.
func dbName(d Database, o myOptions) string {
	if _, port, err := net.SplitHostPort(d.Address); err == nil {
		return port
	}
	if o.on("skip-networking") {
		return firstOf(d.Socket, o["socket"], d.DataDir)
	}
	return strconv.Itoa(orDefault(atoi(o["port"]), 3306))
}

// argValue returns the value of --name=value or --name value.
func argValue(args []string, name string) string {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, name+"="); ok {
			return v
		}
		if a == name && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// atoi returns 0 for what is not a number.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}
