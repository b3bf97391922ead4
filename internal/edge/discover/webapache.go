package discover

import (
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/webconf"
)

// Formats that distributions define under these names, for configurations whose
// LogFormat could not be read; commonFormat is also Apache's own default.
const (
	commonFormat   = `%h %l %u %t "%r" %>s %b`
	combinedFormat = `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`
)

// apache takes one running Apache.
func (h *host) apache(p *process) {
	root, file := apacheFiles(p)
	cfg, errs := parseApache(p.tree, webconf.ApacheStart{File: file, Root: root, Defines: webconf.Defines(p.args), Env: h.apacheEnv(p)})
	h.notes("configuration of "+p.comm, errs)
	if cfg.Macros {
		h.keep(Note{What: "configuration of " + p.comm, Why: "mod_macro is used, and what it makes is not seen", Hint: "name the sites and logs in " + DefaultConfig})
	}
	w := WebServer{Service: evidence.ServiceApache, PID: p.pid, Started: p.started, Config: p.tree.Host(webconf.Under(root, file)), MaxWorkers: cfg.MaxWorkers}
	h.webListens(p, &w, cfg.Listen)
	if cfg.Main.ErrorLog == "" {
		cfg.Main.ErrorLog = webconf.Under(cfg.Root, "logs/error_log")
	}
	for i, v := range append([]apacheHost{cfg.Main}, cfg.Hosts...) {
		h.apacheHost(p, &w, cfg, v, i == 0)
	}
	h.openLogs(p, &w, AccessLog{})
	w.Instance = p.program() + ":" + webName(w)
	h.found.WebServers = append(h.found.WebServers, w)
}

// apacheHost adds one host's document root and logs.
func (h *host) apacheHost(p *process, w *WebServer, cfg apacheConfig, v apacheHost, main bool) {
	if v.ErrorLog != "" && !strings.HasPrefix(v.ErrorLog, "syslog") {
		for _, f := range h.logFiles(p, v.ErrorLog) {
			w.ErrorLogs = appendNew(w.ErrorLogs, f)
		}
	}
	by := AccessLog{Site: webconf.PlainName(v.Name), Names: v.names(), Proxy: v.proxy(cfg.Main)}
	if root := firstOf(v.DocRoot, cfg.Main.DocRoot); root != "" {
		by.Roots = []string{p.tree.Host(root)}
	}
	for _, l := range v.logs(cfg.Main) {
		by.Format, by.Partly = l.Format, l.Partly
		for _, by.Path = range h.logFiles(p, l.Target) {
			h.addLog(w, by)
		}
	}
	if v.DocRoot == "" {
		return
	}
	d := DocRoot{Site: by.Site, Dir: p.tree.Host(v.DocRoot), TLS: v.TLS}
	switch {
	case !main && len(v.Addresses) > 0:
		d.Listen = hostListen(v.Addresses[0], w.Listen)
	case len(w.Listen) > 0:
		d.Listen = hostListen("*", w.Listen)
	}
	w.DocRoots = append(w.DocRoots, d)
}

// hostListen turns a section's address into one that can be asked here.
func hostListen(address string, listens []string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), ""
	}
	if port == "" || port == "*" {
		if len(listens) == 0 {
			return ""
		}
		_, port, _ = net.SplitHostPort(listens[0])
	}
	if host == "" || host == "*" || host == "_default_" || host == "0.0.0.0" || host == "::" {
		host = wildcardHost(port, listens)
	}
	return net.JoinHostPort(host, port)
}

// wildcardHost is the address that a wildcard's port really listens on.
func wildcardHost(port string, listens []string) string {
	for _, l := range listens {
		if h, p, _ := net.SplitHostPort(l); p == port && h != "0.0.0.0" && h != "::" && h != "*" && h != "" {
			return h
		}
	}
	return "127.0.0.1"
}

// apacheFiles returns the server root and the configuration file: as told on
// the command line, else what the program was built with.
func apacheFiles(p *process) (root, file string) {
	root, file = webconf.Flag(p.args, "-d"), webconf.Flag(p.args, "-f")
	dirs := []string{"/etc/apache2", "/etc/httpd", "/usr/local/apache2"}
	if p.exe != "" {
		dirs = append([]string{path.Dir(path.Dir(p.exe))}, dirs...) // /opt/bitnami/apache/bin/httpd
	}
	if root != "" {
		dirs = []string{root}
	}
	for _, d := range dirs {
		for _, f := range []string{"apache2.conf", "conf/httpd.conf"} {
			if p.tree.IsFile(path.Join(d, f)) {
				return d, firstOf(file, f)
			}
		}
	}
	if root == "" {
		root = path.Dir(file)
	}
	return root, firstOf(file, "conf/httpd.conf")
}

// apacheEnv is the environment that the configuration's ${NAME} come from: of
// the process, or Debian's envvars where that may not be read.
func (h *host) apacheEnv(p *process) map[string]string {
	env := p.environ(h.base)
	if env["APACHE_LOG_DIR"] != "" {
		return env
	}
	b, err := p.tree.Read("/etc/apache2/envvars")
	if err != nil {
		return env
	}
	for line := range strings.Lines(string(b)) {
		kv, ok := strings.CutPrefix(strings.TrimSpace(line), "export ")
		k, v, ok2 := strings.Cut(kv, "=")
		if _, has := env[k]; ok && ok2 && !has {
			env[k] = strings.ReplaceAll(strings.Trim(v, `"'`), "$SUFFIX", "")
		}
	}
	return env
}

// webListens fills in where a web server listens: what its sockets say, or the
// configuration where they may not be seen.
func (h *host) webListens(p *process, w *WebServer, configured []string) {
	tcp, unix := h.sockets(p).listens(p)
	for _, a := range tcp {
		w.Listen = appendNew(w.Listen, a.String())
	}
	for _, u := range unix {
		if p.program() == "nginx" {
			w.Listen = appendNew(w.Listen, "unix:"+p.seen(u))
		}
	}
	if p.seesFiles && len(w.Listen) > 0 {
		return
	}
	for _, l := range configured {
		if _, err := strconv.Atoi(l); err == nil {
			l = "0.0.0.0:" + l
		}
		w.Listen = appendNew(w.Listen, strings.Replace(l, "*:", "0.0.0.0:", 1))
	}
}

// webName is what tells web servers apart: the lowest port.
func webName(w WebServer) string {
	best := 0
	for _, l := range w.Listen {
		if _, port, err := net.SplitHostPort(l); err == nil && (best == 0 || atoi(port) < best) {
			best = atoi(port)
		}
	}
	if best > 0 {
		return strconv.Itoa(best)
	}
	return firstOf(w.Config, fmt.Sprint(w.PID))
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
