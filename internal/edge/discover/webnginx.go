package discover

import (
	"path"
	"strings"

	"hirune/internal/core/evidence"
)

// ngxCombined is nginx's built-in format.
const ngxCombined = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// nginx takes one running nginx.
func (h *host) nginx(p *process) {
	args := ngxArgs(p.args)
	prefix, file := ngxFiles(p, args)
	main, errs := parseNginx(p.tree, file)
	h.notes("configuration of nginx", errs)
	w := WebServer{Service: evidence.ServiceNginx, PID: p.pid, Started: p.started, Config: p.tree.host(file), MaxWorkers: h.ngxWorkers(main)}
	n := ngxHosts{host: h, p: p, w: &w, prefix: prefix, formats: map[string]string{"combined": ngxCombined}}
	var listens []string
	for _, http := range find(main, "http") {
		for _, f := range find(http.Block, "log_format") {
			n.format(f.Args)
		}
		for _, s := range find(http.Block, "server") {
			for _, l := range find(s.Block, "listen") {
				if len(l.Args) > 0 {
					listens = append(listens, l.Args[0])
				}
			}
		}
	}
	h.webListens(p, &w, listens)
	n.errorLogs(main)
	for _, http := range find(main, "http") {
		n.http(http.Block)
	}
	h.openLogs(p, &w)
	w.Instance = "nginx:" + webName(w)
	h.found.WebServers = append(h.found.WebServers, w)
}

// ngxArgs returns the arguments behind the title "nginx: master process nginx -c …".
func ngxArgs(args []string) []string {
	if len(args) == 1 {
		if cmd, ok := strings.CutPrefix(args[0], "nginx: master process "); ok {
			return strings.Fields(cmd)
		}
	}
	return args
}

// ngxFiles returns the prefix and the configuration file.
func ngxFiles(p *process, args []string) (prefix, file string) {
	prefix, file = shortArg(args, "-p"), shortArg(args, "-c")
	if prefix != "" {
		prefix = abs(p.cwd, prefix)
		return prefix, abs(prefix, firstOf(file, "conf/nginx.conf"))
	}
	if p.exe != "" {
		if up := path.Dir(path.Dir(p.exe)); p.tree.isFile(path.Join(up, "conf/nginx.conf")) {
			return up, abs(up, firstOf(file, "conf/nginx.conf"))
		}
	}
	return "/usr/share/nginx", abs("/usr/share/nginx", firstOf(file, "/etc/nginx/nginx.conf"))
}

// ngxWorkers is worker_processes times worker_connections.
func (h *host) ngxWorkers(main []ngxDirective) int {
	n, each := 1, 512
	if v, ok := last(main, "worker_processes"); ok {
		if n = atoi(v); v == "auto" {
			n = h.cpus()
		}
	}
	for _, e := range find(main, "events") {
		if v, ok := last(e.Block, "worker_connections"); ok {
			each = atoi(v)
		}
	}
	if n*each <= 0 {
		return -1
	}
	return n * each
}

func (h *host) cpus() int {
	b, _ := tree{base: h.base}.read("/proc/stat")
	return max(1, strings.Count(string(b), "\ncpu"))
}

type ngxHosts struct {
	host    *host
	p       *process
	w       *WebServer
	prefix  string
	formats map[string]string
}

func (n *ngxHosts) format(args []string) {
	if len(args) < 2 {
		return
	}
	parts := args[1:]
	if strings.HasPrefix(parts[0], "escape=") {
		parts = parts[1:]
	}
	n.formats[args[0]] = strings.Join(parts, "")
}

// http takes the block of that name: what a server does not say it inherits.
func (n *ngxHosts) http(block []ngxDirective) {
	n.errorLogs(block)
	root, _ := last(block, "root")
	logs := find(block, "access_log")
	inherited := false
	for _, s := range find(block, "server") {
		site := ngxSite(s.Block)
		own := find(s.Block, "access_log")
		if len(own) == 0 {
			own, inherited = nil, true
		}
		n.logs(own, site)
		n.locations(s.Block, site, 0)
		n.errorLogs(s.Block)
		n.root(s.Block, site, root)
	}
	if inherited {
		n.logs(logs, "")
	}
}

// ngxSite is the first server_name that is a name.
func ngxSite(block []ngxDirective) string {
	for _, d := range find(block, "server_name") {
		for _, a := range d.Args {
			if a != "" && a != "_" && !strings.HasPrefix(a, "~") {
				return strings.TrimPrefix(strings.TrimPrefix(a, "*"), ".")
			}
		}
	}
	return ""
}

// locations takes the logs that stand inside locations.
func (n *ngxHosts) locations(block []ngxDirective, site string, depth int) {
	if depth > maxDepth {
		return
	}
	for _, d := range block {
		if d.Name == "location" || d.Name == "if" {
			n.logs(find(d.Block, "access_log"), site)
			n.locations(d.Block, site, depth+1)
		}
	}
}

func (n *ngxHosts) logs(ds []ngxDirective, site string) {
	for _, d := range ds {
		if len(d.Args) == 0 || d.Args[0] == "off" || strings.HasPrefix(d.Args[0], "syslog:") {
			continue
		}
		if strings.Contains(d.Args[0], "$") {
			n.host.found.Notes = append(n.host.found.Notes, Note{What: "access log " + d.Args[0], Why: "its name holds a variable", Hint: "name the log in " + DefaultConfig})
			continue
		}
		format := ngxCombined
		if len(d.Args) > 1 && !strings.Contains(d.Args[1], "=") {
			format = n.formats[d.Args[1]]
		}
		for _, f := range n.host.logFiles(n.p, abs(n.prefix, d.Args[0])) {
			addLog(n.w, AccessLog{Path: f, Format: format, Site: site})
		}
	}
}

func (n *ngxHosts) errorLogs(block []ngxDirective) {
	for _, d := range find(block, "error_log") {
		if len(d.Args) == 0 || d.Args[0] == "stderr" || strings.Contains(d.Args[0], ":") {
			continue
		}
		for _, f := range n.host.logFiles(n.p, abs(n.prefix, d.Args[0])) {
			n.w.ErrorLogs = appendNew(n.w.ErrorLogs, f)
		}
	}
}

// root adds a server's document root: its own, that of location /, or that of
// the http block.
func (n *ngxHosts) root(block []ngxDirective, site, inherited string) {
	dir, ok := last(block, "root")
	for _, l := range find(block, "location") {
		if !ok && len(l.Args) > 0 && l.Args[len(l.Args)-1] == "/" {
			dir, ok = last(l.Block, "root")
		}
	}
	if dir = firstOf(dir, inherited, "html"); strings.Contains(dir, "$") {
		return
	}
	d := DocRoot{Site: site, Dir: n.p.tree.host(abs(n.prefix, dir))}
	d.Listen = hostListen("*:80", n.w.Listen)
	for i, l := range find(block, "listen") {
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
