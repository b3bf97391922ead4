package discover

import (
	"path"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/webconf"
)

// lsHost is one virtual host of an OpenLiteSpeed.
type lsHost struct {
	name  string
	root  string // vhRoot
	names []string
	conf  []webconf.Directive
	listen
}

// listen is where a host answers.
type listen struct {
	address string
	tls     bool
}

// litespeed takes one running LiteSpeed. Only the open edition's configuration
// is read; of the other the logs are those that it has open.
func (h *host) litespeed(p *process) {
	l := lsServer{host: h, p: p, root: "/usr/local/lsws", hosts: map[string]*lsHost{}}
	if up := path.Dir(path.Dir(p.exe)); p.exe != "" && p.tree.IsDir(path.Join(up, "conf")) {
		l.root = up
	}
	file := path.Join(l.root, "conf/httpd_config.conf")
	w := WebServer{Service: evidence.ServiceOther, PID: p.pid, Started: p.started, Config: p.tree.Host(file), MaxWorkers: -1}
	conf := l.read(file)
	h.webListens(p, &w, l.listeners(conf))
	l.virtualHosts(conf)
	l.templates(conf)
	l.tell(conf, &w)
	h.openLogs(p, &w, AccessLog{})
	w.Instance = "litespeed:" + webName(w)
	h.found.WebServers = append(h.found.WebServers, w)
}

type lsServer struct {
	host  *host
	p     *process
	root  string
	hosts map[string]*lsHost
	order []string
}

func (l *lsServer) read(file string) []webconf.Directive {
	c, err := webconf.ReadLiteSpeed(l.p.tree, file)
	if err != nil {
		l.host.note("configuration of LiteSpeed", err)
	}
	l.host.notes("configuration of LiteSpeed", c.Faults)
	return c.Directives
}

func (l *lsServer) at(name string) *lsHost {
	if l.hosts[name] == nil {
		l.hosts[name] = &lsHost{name: name}
		l.order = append(l.order, name)
	}
	return l.hosts[name]
}

// listeners takes which names are mapped to which host, and where.
func (l *lsServer) listeners(conf []webconf.Directive) []string {
	var all []string
	for _, d := range webconf.Named(conf, "listener") {
		address := webconf.Value(d.Block, "address")
		if address == "" {
			continue
		}
		all = append(all, address)
		for _, m := range webconf.Named(d.Block, "map") {
			name, domains, _ := strings.Cut(m.Arg(0), " ")
			v := l.at(name)
			v.called(domains)
			if tls := webconf.Value(d.Block, "secure") == "1"; v.address == "" || tls {
				v.listen = listen{address, tls}
			}
		}
	}
	return all
}

// called adds names of the host; "*" is what no other has.
func (v *lsHost) called(domains string) {
	for _, n := range strings.FieldsFunc(domains, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if n != "*" {
			v.names = appendNew(v.names, strings.ReplaceAll(n, "$VH_NAME", v.name))
		}
	}
}

func (l *lsServer) virtualHosts(conf []webconf.Directive) {
	for _, d := range webconf.Named(conf, "virtualhost") {
		v := l.at(d.Arg(0))
		v.root = l.path(v, webconf.Value(d.Block, "vhroot"), l.root)
		if file := webconf.Value(d.Block, "configfile"); file != "" {
			v.conf = l.read(l.path(v, file, l.root))
		}
	}
}

// templates takes the hosts that are members of a template.
func (l *lsServer) templates(conf []webconf.Directive) {
	for _, d := range webconf.Named(conf, "vhtemplate") {
		members := webconf.Named(d.Block, "member")
		if len(members) == 0 {
			continue
		}
		t := l.read(l.path(&lsHost{}, webconf.Value(d.Block, "templatefile"), l.root))
		for _, m := range members {
			v := l.at(m.Arg(0))
			v.root = l.path(v, firstOf(webconf.Value(m.Block, "vhroot"), webconf.Value(t, "vhroot")), l.root)
			v.called(webconf.Value(m.Block, "vhdomain"))
			v.called(webconf.Value(m.Block, "vhaliases"))
			for _, c := range webconf.Named(t, "virtualhostconfig") {
				v.conf = c.Block
			}
		}
	}
}

// path fills in what a path may hold and makes it absolute.
func (l *lsServer) path(v *lsHost, s, dir string) string {
	s = strings.NewReplacer("$SERVER_ROOT", l.root, "$VH_ROOT", strings.TrimSuffix(v.root, "/"), "$VH_NAME", v.name).Replace(strings.Trim(s, `"`))
	if s == "" {
		return ""
	}
	return path.Clean(webconf.Under(dir, s))
}

// tell adds document roots and logs.
func (l *lsServer) tell(conf []webconf.Directive, w *WebServer) {
	proxy := lsProxy(conf)
	server := AccessLog{Proxy: proxy}
	for _, d := range webconf.Named(conf, "accesslog") {
		server.Path, server.Format = l.path(&lsHost{}, d.Arg(0), l.root), lsFormat(d)
		server.Formats = []string{"[%v] " + server.Format} // what it writes for a host without a log of its own
	}
	for _, name := range l.order {
		v := l.hosts[name]
		v.called(webconf.Value(v.conf, "vhdomain"))
		v.called(webconf.Value(v.conf, "vhaliases"))
		by := AccessLog{Names: v.names, Proxy: proxy}
		if len(v.names) > 0 {
			by.Site = v.names[0]
		}
		if dir := l.path(v, webconf.Value(v.conf, "docroot"), v.root); dir != "" {
			by.Roots = []string{l.p.tree.Host(dir)}
			w.DocRoots = append(w.DocRoots, DocRoot{Site: by.Site, Listen: hostListen(firstOf(v.address, "*:80"), w.Listen), Dir: by.Roots[0], TLS: v.tls})
		}
		own := false
		for _, d := range webconf.Named(v.conf, "accesslog") {
			own = webconf.Value(d.Block, "useserver") != "1" // 2 is no log at all
			if own && webconf.Value(d.Block, "useserver") != "2" {
				by.Format = lsFormat(d)
				l.log(w, by, l.path(v, d.Arg(0), v.root))
			}
		}
		if !own {
			server.Names, server.Roots = append(server.Names, by.Names...), append(server.Roots, by.Roots...)
		}
	}
	l.log(w, server, server.Path)
}

func (l *lsServer) log(w *WebServer, by AccessLog, file string) {
	if file == "" {
		return
	}
	for _, by.Path = range l.host.logFiles(l.p, file) {
		l.host.addLog(w, by)
	}
}

// lsFormat is the format of an accesslog block: its own, or the common one with
// the headers that it is told to add, by default Referer and User-Agent.
// Source: AccessLog::log in OpenLiteSpeed 1.7's accesslog.cpp.
func lsFormat(d webconf.Directive) string {
	if f := webconf.Value(d.Block, "logformat"); f != "" {
		return strings.TrimSuffix(strings.TrimPrefix(f, `"`), `"`)
	}
	headers := 3
	if v := webconf.Value(d.Block, "logheaders"); v != "" {
		headers = atoi(v)
	}
	format := []string{commonFormat}
	for i, h := range []struct{ name, key string }{{"Referer", "logreferer"}, {"User-Agent", "loguseragent"}, {"Host", ""}} {
		on := headers&(1<<i) != 0
		if v := webconf.Value(d.Block, h.key); v != "" {
			on = v == "1"
		}
		if on {
			format = append(format, `"%{`+h.name+`}i"`)
		}
	}
	return strings.Join(format, " ")
}

// lsProxy is how it learns who the client is: of every peer, or of those that
// its accessControl marks with a T. The first address in the header counts,
// which the client may have written, whoever the proxy is.
// Source: HttpSession::processNewReqInit in OpenLiteSpeed 1.7's httpsession.cpp.
func lsProxy(conf []webconf.Directive) *Proxy {
	p := Proxy{Header: "X-Forwarded-For", Anyone: true}
	for _, c := range webconf.Named(conf, "accesscontrol") {
		for _, a := range webconf.Named(c.Block, "allow") {
			for _, s := range strings.FieldsFunc(a.Arg(0), func(r rune) bool { return r == ',' || r == ' ' }) {
				if peer, ok := strings.CutSuffix(s, "T"); ok {
					p.trust([]string{peer})
				}
			}
		}
	}
	switch use := webconf.Value(conf, "useipinproxyheader"); {
	case use == "1":
		return &p
	case use == "0", len(p.Trusted)+len(p.Others) == 0:
		return nil
	}
	return &p
}
