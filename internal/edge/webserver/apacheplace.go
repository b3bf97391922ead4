package webserver

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"hirune/internal/edge/webconf"
)

// apachePlace finds the pattern that takes our file in: one at the level of the
// server, which every site's sections are merged with; the file itself names
// the site. Directories of settings are better than those of virtual hosts, and
// these than those where modules are loaded.
func apachePlace(in In, p process) (place, error) {
	t, err := readApache(in.Config, apacheRoot(p, in.Config), p.args, p.env)
	if err != nil {
		return place{}, err
	}
	out := place{root: in.DocRoot}
	var ends []endpoint
	for _, h := range t.hosts {
		if h.docRoot != "" && sameDir(h.docRoot, in.DocRoot) {
			out.root = h.docRoot
			ends = append(ends, h.endpoints(in.Listen)...)
		}
	}
	out.ends = ends
	name := "hirune-xmlrpc-" + slug(in) + ".conf"
	out.path = pathIn(t.takes, name)
	if out.path == "" {
		out.problem = "no IncludeOptional of a directory was found at the level of the server in " + shown(in.Config)
		out.fix = "IncludeOptional " + filepath.Join(filepath.Dir(in.Config), "hirune-*.conf")
	}
	if spelling(t.hosts, out.root) > 1 {
		out.problem = fmt.Sprintf("the configuration names the site's directory %s in several ways", shown(in.DocRoot))
	}
	return out, nil
}

// apacheRoot is the ServerRoot that relative paths are taken from until the
// configuration names one: -d, or what the program was built with, which is the
// directory above its configuration.
func apacheRoot(p process, config string) string {
	if root := webconf.Flag(p.args, "-d"); root != "" {
		return root
	}
	if dir := filepath.Dir(config); filepath.Base(dir) != "conf" {
		return dir
	}
	return filepath.Dir(filepath.Dir(config))
}

// pathIn is where a file of that name is taken in, or "".
func pathIn(takes []take, name string) string {
	best, rank := "", 0
	for _, t := range takes {
		if t.host != 0 || !t.sure {
			continue
		}
		ok, err := filepath.Match(filepath.Base(t.pattern), name)
		dir := filepath.Dir(t.pattern)
		if err != nil || !ok || webconf.IsPattern(dir) || !isDir(dir) {
			continue
		}
		mine := 3
		switch {
		case t.loads:
			mine = 1
		case t.hosts:
			mine = 2
		}
		if mine >= rank { // of equals the last: modules that it needs are loaded by then
			best, rank = filepath.Join(real(dir), name), mine
		}
	}
	return best
}

// sameDir reports whether two paths lead to one directory.
func sameDir(a, b string) bool {
	return filepath.Clean(a) == filepath.Clean(b) || real(a) == real(b)
}

// spelling counts the ways in which hosts write the directory.
func spelling(hosts []apacheHost, dir string) int {
	seen := []string{}
	for _, h := range hosts {
		if c := filepath.Clean(h.docRoot); h.docRoot != "" && sameDir(h.docRoot, dir) && !slices.Contains(seen, c) {
			seen = append(seen, c)
		}
	}
	return len(seen)
}

// endpoints are where a host answers; a wildcard is asked over loopback.
func (h apacheHost) endpoints(listen string) []endpoint {
	_, port, _ := net.SplitHostPort(listen)
	name := ""
	for _, n := range h.names {
		if name == "" && !strings.ContainsAny(n, "*?") {
			name = n
		}
	}
	var out []endpoint
	for _, a := range h.addresses {
		e := endpoint{address: loopback(a, port), tls: h.tls, host: name}
		if e.address != "" {
			out = append(out, e)
		}
	}
	return out
}

// loopback turns an address of the configuration, such as "*:80", "80" or
// "[::]:443", into one that can be asked from here; "" where it cannot.
func loopback(a, port string) string {
	host, p, err := net.SplitHostPort(a)
	switch {
	case err == nil && p != "*":
		port = p
	case err != nil && digits(a):
		host, port = "", a
	case err != nil:
		host = strings.Trim(a, "[]")
	}
	switch host {
	case "", "*", "_default_", "0.0.0.0", "localhost":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	if !digits(port) || net.ParseIP(host) == nil {
		return ""
	}
	return net.JoinHostPort(host, port)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
