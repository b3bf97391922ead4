package webserver

import (
	"path/filepath"
	"strings"

	"hirune/internal/edge/webconf"
)

// apacheTree is what an Apache configuration says of where files are taken in
// and of what is served.
type apacheTree struct {
	root  string       // ServerRoot
	hosts []apacheHost // the first is the main server
	takes []take
}

// apacheHost is the main server or one <VirtualHost>.
type apacheHost struct {
	addresses []string
	names     []string
	docRoot   string
	tls       bool
}

// take is one Include of a pattern or a directory.
type take struct {
	pattern string
	host    int  // index of the host that it stands in
	sure    bool // in force: in no section with a condition, nor in one for some paths
	loads   bool // what it takes in now loads modules
	hosts   bool // … has virtual hosts
}

// readApache reads the configuration of a running Apache. Only the main file
// has to be readable; what cannot be read elsewhere is left out: the server's
// own test will say what is wrong with it.
func readApache(file, root string, args, env []string) (apacheTree, error) {
	vars := map[string]string{}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	c, err := webconf.ReadApache(webconf.Tree{}, webconf.ApacheStart{File: file, Root: root, Defines: webconf.Defines(args), Env: vars})
	t := apacheTree{root: root, hosts: []apacheHost{{}}}
	t.walk(c.Directives, 0, true)
	return t, err
}

// walk takes directives of the host with that index.
func (t *apacheTree) walk(ds []webconf.Directive, host int, sure bool) {
	for _, d := range ds {
		switch {
		case d.Open && d.Name == "virtualhost":
			t.hosts = append(t.hosts, apacheHost{addresses: d.Args})
			t.walk(d.Block, len(t.hosts)-1, sure)
		case d.Open: // a condition that is not judged, or a section for some paths
			t.walk(d.Block, host, false)
		case d.Includes() && len(d.Args) > 0:
			t.include(d, host, sure)
			t.walk(d.Block, host, sure)
		case len(d.Args) > 0:
			t.directive(d, &t.hosts[host])
		}
	}
}

// include takes a pattern or a directory; a file by its name is no place for ours.
func (t *apacheTree) include(d webconf.Directive, host int, sure bool) {
	pattern := webconf.Under(t.root, d.Args[0])
	if !webconf.IsPattern(pattern) {
		if !isDir(pattern) {
			return
		}
		pattern = filepath.Join(pattern, "*")
	}
	t.takes = append(t.takes, take{pattern: pattern, host: host, sure: sure, loads: holds(d.Block, "loadmodule"), hosts: holds(d.Block, "virtualhost")})
}

// holds reports whether directives of a name stand there, at any depth.
func holds(ds []webconf.Directive, name string) bool {
	for _, d := range ds {
		if d.Name == name || holds(d.Block, name) {
			return true
		}
	}
	return false
}

// directive takes what concerns us of one directive.
func (t *apacheTree) directive(d webconf.Directive, h *apacheHost) {
	switch d.Name {
	case "serverroot":
		t.root = d.Args[0]
	case "servername":
		h.names = append([]string{webconf.PlainName(d.Args[0])}, h.names...)
	case "serveralias":
		h.names = append(h.names, d.Args...)
	case "documentroot":
		h.docRoot = webconf.Under(t.root, d.Args[0])
	case "sslengine":
		h.tls = strings.EqualFold(d.Args[0], "on")
	}
}
