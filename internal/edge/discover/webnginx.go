package discover

import (
	"path"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/webconf"
)

// ngxCombined is nginx's built-in format.
const ngxCombined = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// nginx takes one running nginx.
func (h *host) nginx(p *process) {
	args := webconf.NginxArgs(p.args)
	prefix, file := ngxFiles(p, args)
	c, err := webconf.ReadNginx(p.tree, file)
	if err != nil {
		h.note("configuration of nginx", err)
	}
	h.notes("configuration of nginx", c.Faults)
	main := c.Directives
	w := WebServer{Service: evidence.ServiceNginx, PID: p.pid, Started: p.started, Config: p.tree.Host(file), MaxWorkers: h.ngxWorkers(main)}
	n := ngxHosts{host: h, p: p, w: &w, prefix: prefix, formats: map[string]string{"combined": ngxCombined}}
	var listens []string
	for _, http := range webconf.Named(main, "http") {
		for _, f := range webconf.Named(http.Block, "log_format") {
			n.format(f.Args)
		}
		for _, s := range webconf.Named(http.Block, "server") {
			for _, l := range webconf.Named(s.Block, "listen") {
				if len(l.Args) > 0 {
					listens = append(listens, l.Args[0])
				}
			}
		}
	}
	h.webListens(p, &w, listens)
	n.errorLogs(main)
	for _, http := range webconf.Named(main, "http") {
		n.http(http.Block)
	}
	w.Passes = ngxPasses(main)
	h.openLogs(p, &w, n.unnamed)
	w.Instance = "nginx:" + webName(w)
	h.found.WebServers = append(h.found.WebServers, w)
}

// ngxFiles returns the prefix and the configuration file.
func ngxFiles(p *process, args []string) (prefix, file string) {
	prefix, file = webconf.Flag(args, "-p"), webconf.Flag(args, "-c")
	if prefix != "" {
		prefix = webconf.Under(p.cwd, prefix)
		return prefix, webconf.Under(prefix, firstOf(file, "conf/nginx.conf"))
	}
	if p.exe != "" {
		if up := path.Dir(path.Dir(p.exe)); p.tree.IsFile(path.Join(up, "conf/nginx.conf")) {
			return up, webconf.Under(up, firstOf(file, "conf/nginx.conf"))
		}
	}
	return "/usr/share/nginx", webconf.Under("/usr/share/nginx", firstOf(file, "/etc/nginx/nginx.conf"))
}

// ngxWorkers is worker_processes times worker_connections.
func (h *host) ngxWorkers(main []webconf.Directive) int {
	n, each := 1, 512
	if v := webconf.Value(main, "worker_processes"); v != "" {
		if n = atoi(v); v == "auto" {
			n = h.cpus()
		}
	}
	for _, e := range webconf.Named(main, "events") {
		if v := webconf.Value(e.Block, "worker_connections"); v != "" {
			each = atoi(v)
		}
	}
	if n*each <= 0 {
		return -1
	}
	return n * each
}

func (h *host) cpus() int {
	b, _ := webconf.Tree{Base: h.base}.Read("/proc/stat")
	return max(1, strings.Count(string(b), "\ncpu"))
}

type ngxHosts struct {
	host    *host
	p       *process
	w       *WebServer
	prefix  string
	formats map[string]string
	unnamed AccessLog // the log of servers that none is named for
}

// format takes log_format name [escape=…] string…; an escape that is not the
// default stays before the format.
func (n *ngxHosts) format(args []string) {
	if len(args) < 2 {
		return
	}
	parts, escape := args[1:], ""
	if strings.HasPrefix(parts[0], "escape=") {
		if parts[0] != "escape=default" {
			escape = parts[0] + " "
		}
		parts = parts[1:]
	}
	n.formats[args[0]] = escape + strings.Join(parts, "")
}

// http takes the block of that name: what a server does not say it inherits.
func (n *ngxHosts) http(block []webconf.Directive) {
	n.errorLogs(block)
	root, real := webconf.Value(block, "root"), realIP{}.in(block)
	logs := webconf.Named(block, "access_log")
	var heirs []AccessLog
	for _, s := range webconf.Named(block, "server") {
		by := AccessLog{Site: ngxSite(s.Block), Names: ngxNames(s.Block)}
		real := real.in(s.Block)
		by.Proxy = real.proxy()
		if dir := n.rootOf(s.Block, root); dir != "" {
			by.Roots = []string{n.p.tree.Host(dir)}
			n.root(s.Block, by.Site, by.Roots[0])
		}
		own := webconf.Named(s.Block, "access_log")
		if len(own) == 0 {
			heir := by
			heir.Site = ""
			heirs = append(heirs, heir)
		}
		n.logs(own, by)
		n.locations(s.Block, by, real, 0)
		n.errorLogs(s.Block)
	}
	for _, by := range heirs {
		if n.logs(logs, by); len(logs) == 0 {
			n.unnamed = by
			n.unnamed.Format = ngxCombined
		}
	}
	if len(heirs) > 1 {
		n.unnamed.Names, n.unnamed.Roots = nil, nil
		for _, by := range heirs {
			n.unnamed.Proxy = together(n.unnamed.Proxy, by.Proxy)
		}
	}
}

// ngxSite is the first server_name that is a name.
func ngxSite(block []webconf.Directive) string {
	for _, a := range ngxNames(block) {
		if !strings.HasPrefix(a, "~") {
			return strings.TrimPrefix(strings.TrimPrefix(a, "*"), ".")
		}
	}
	return ""
}

// ngxNames are the server names as written, without the "_" that stands for none.
func ngxNames(block []webconf.Directive) []string {
	var out []string
	for _, d := range webconf.Named(block, "server_name") {
		for _, a := range d.Args {
			if a != "" && a != "_" {
				out = append(out, a)
			}
		}
	}
	return out
}

// locations takes the logs that stand inside locations.
func (n *ngxHosts) locations(block []webconf.Directive, by AccessLog, real realIP, depth int) {
	if depth > webconf.MaxDepth {
		return
	}
	for _, d := range webconf.Flat(block) {
		if d.Name == "location" || d.Name == "if" {
			real := real.in(d.Block)
			by.Proxy = real.proxy()
			n.logs(webconf.Named(d.Block, "access_log"), by)
			n.locations(d.Block, by, real, depth+1)
		}
	}
}

// logs takes access_log path [format [buffer=…] [gzip[=…]] [flush=…] [if=…]].
func (n *ngxHosts) logs(ds []webconf.Directive, by AccessLog) {
	for _, d := range ds {
		if len(d.Args) == 0 || d.Args[0] == "off" || strings.HasPrefix(d.Args[0], "syslog:") {
			continue
		}
		if strings.Contains(d.Args[0], "$") {
			n.host.keep(Note{What: "access log " + d.Args[0], Why: "its name holds a variable", Hint: "name the log in " + DefaultConfig})
			continue
		}
		by.Format, by.Partly, by.Gzip = ngxCombined, false, false
		for i, a := range d.Args[1:] {
			switch {
			case strings.HasPrefix(a, "if="):
				by.Partly = true
			case a == "gzip" && i > 0, strings.HasPrefix(a, "gzip="):
				by.Gzip = true
			case i == 0 && !strings.Contains(a, "="):
				by.Format = n.formats[a]
			}
		}
		for _, by.Path = range n.host.logFiles(n.p, webconf.Under(n.prefix, d.Args[0])) {
			n.host.addLog(n.w, by)
		}
	}
}

func (n *ngxHosts) errorLogs(block []webconf.Directive) {
	for _, d := range webconf.Named(block, "error_log") {
		if len(d.Args) == 0 || d.Args[0] == "stderr" || strings.Contains(d.Args[0], ":") {
			continue
		}
		for _, f := range n.host.logFiles(n.p, webconf.Under(n.prefix, d.Args[0])) {
			n.w.ErrorLogs = appendNew(n.w.ErrorLogs, f)
		}
	}
}

// rootOf is a server's document root: its own, that of location /, or that of
// the http block; "" where it holds a variable.
func (n *ngxHosts) rootOf(block []webconf.Directive, inherited string) string {
	dir := webconf.Value(block, "root")
	for _, l := range webconf.Named(block, "location") {
		if dir == "" && len(l.Args) > 0 && l.Args[len(l.Args)-1] == "/" {
			dir = webconf.Value(l.Block, "root")
		}
	}
	if dir = firstOf(dir, inherited, "html"); strings.Contains(dir, "$") {
		return ""
	}
	return webconf.Under(n.prefix, dir)
}

// root adds a server's document root.
func (n *ngxHosts) root(block []webconf.Directive, site, dir string) {
	d := DocRoot{Site: site, Dir: dir}
	d.Listen = hostListen("*:80", n.w.Listen)
	for i, l := range webconf.Named(block, "listen") {
		if len(l.Args) == 0 || strings.HasPrefix(l.Args[0], "unix:") {
			continue
		}
		tls := strings.Contains(strings.Join(l.Args, " "), "ssl")
		if i > 0 && !tls {
			continue
		}
		address := l.Args[0]
		if atoi(address) > 0 {
			address = "*:" + address
		}
		d.Listen, d.TLS = hostListen(address, n.w.Listen), tls
	}
	n.w.DocRoots = append(n.w.DocRoots, d)
}
