package webserver

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"hirune/internal/core/remedy"
	"hirune/internal/edge/webconf"
)

// nginxPlace finds the server blocks that serve the site, and how our file gets
// into each of them: by a pattern that they all include, else by one line at
// the top of each.
func nginxPlace(in In, _ process) (place, error) {
	c, err := webconf.ReadNginx(webconf.Tree{}, in.Config)
	if err != nil {
		return place{}, err
	}
	main := c.Directives
	out := place{root: in.DocRoot}
	blocks := serving(in, main)
	dir := real(filepath.Dir(in.Config))
	name := "hirune_" + slug(in) + "_xmlrpc.conf"
	line := "include " + filepath.Join(dir, "hirune_"+slug(in)+"_*.conf") + ";"
	out.fix = line
	if len(blocks) == 0 {
		out.problem = "no server block was found that serves " + shown(in.DocRoot)
		return out, nil
	}
	for _, b := range blocks {
		out.ends = append(out.ends, nginxEnds(b.Block, in.Listen)...)
	}
	if out.path = shared(in, main, blocks, name); out.path != "" {
		return out, nil
	}
	out.path = filepath.Join(dir, name)
	if strings.ContainsAny(out.path, " \t;{}\"'\\$#") {
		out.problem = "the configuration's directory has a name that cannot be included as it is: " + shown(dir)
		return out, nil
	}
	out.hooks, err = hooks(in, main, blocks, out.path, line)
	if err != nil {
		out.problem, out.hooks = err.Error(), nil
	}
	return out, nil
}

// serving are the site's server blocks: those with its document root, else with
// its name. A block that only redirects starts no PHP.
func serving(in In, main []webconf.Directive) []webconf.Directive {
	var byRoot, byName []webconf.Directive
	for _, http := range webconf.Named(main, "http") {
		outer := webconf.Value(http.Block, "root")
		for _, s := range webconf.Named(http.Block, "server") {
			if len(webconf.Named(s.Block, "return")) > 0 {
				continue
			}
			switch root := rootOf(s.Block, outer); {
			case root != "" && !strings.Contains(root, "$") && filepath.IsAbs(root):
				if sameDir(root, in.DocRoot) {
					byRoot = append(byRoot, s)
				}
			case strings.Contains(root, "$") && in.Host != "" && names(s.Block, in.Host):
				byName = append(byName, s)
			}
		}
	}
	return append(byRoot, byName...)
}

// rootOf is the document root of a server block: its own, that of location /,
// or that of the http block.
func rootOf(block []webconf.Directive, outer string) string {
	if v := webconf.Value(block, "root"); v != "" {
		return v
	}
	for _, l := range webconf.Named(block, "location") {
		if v := webconf.Value(l.Block, "root"); v != "" && len(l.Args) > 0 && l.Args[len(l.Args)-1] == "/" {
			return v
		}
	}
	return outer
}

func names(block []webconf.Directive, host string) bool {
	for _, d := range webconf.Named(block, "server_name") {
		if slices.Contains(d.Args, host) {
			return true
		}
	}
	return false
}

// shared is the path of our file by a pattern that all blocks of the site
// include and no other place does; "" where there is none.
func shared(in In, main, blocks []webconf.Directive, name string) string {
	for _, d := range blocks[0].Block {
		pattern, ok := patternOf(d, filepath.Dir(in.Config))
		if !ok {
			continue
		}
		dir := filepath.Dir(pattern)
		if match, _ := filepath.Match(filepath.Base(pattern), name); !match || webconf.IsPattern(dir) || !isDir(dir) {
			continue
		}
		path := filepath.Join(real(dir), name)
		if takenBy(main, in, path) == len(blocks) && allTake(blocks, in, path) {
			return path
		}
	}
	return ""
}

// patternOf is the absolute pattern of an include with wildcards.
func patternOf(d webconf.Directive, dir string) (string, bool) {
	if !d.Includes() || len(d.Args) != 1 || !webconf.IsPattern(d.Args[0]) {
		return "", false
	}
	return webconf.Under(dir, d.Args[0]), true
}

func allTake(blocks []webconf.Directive, in In, path string) bool {
	return !slices.ContainsFunc(blocks, func(b webconf.Directive) bool { return takers(b.Block, in, path, false) == 0 })
}

// takenBy counts the places of the whole configuration that take a file in.
func takenBy(main []webconf.Directive, in In, path string) int { return takers(main, in, path, true) }

func takers(ds []webconf.Directive, in In, path string, deep bool) int {
	n := 0
	for _, d := range ds {
		if pattern, ok := patternOf(d, filepath.Dir(in.Config)); ok {
			if dir := filepath.Dir(pattern); real(dir) == filepath.Dir(path) {
				if match, _ := filepath.Match(filepath.Base(pattern), filepath.Base(path)); match {
					n++
				}
			}
		}
		if deep || d.Includes() {
			n += takers(d.Block, in, path, deep)
		}
	}
	return n
}

// hooks are the lines that the files of the blocks get. A line that is there
// already is told as well: the step is then found done.
func hooks(in In, main, blocks []webconf.Directive, path, line string) ([]remedy.Hook, error) {
	have := 0
	for _, b := range blocks {
		have += min(takers(b.Block, in, path, false), 1)
	}
	if others := takenBy(main, in, path) - have; others > 0 {
		return nil, fmt.Errorf("another part of the configuration would take in %s, too", path)
	}
	var out []remedy.Hook
	for _, b := range blocks {
		h, err := hookOf(b, line)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, h) { // one file may be included by several parts
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b remedy.Hook) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.At-b.At)
	})
	return out, nil
}

// hookOf finds the first directive of a block that begins a line: ours goes
// before it, so that it is read before the site's own.
func hookOf(b webconf.Directive, line string) (remedy.Hook, error) {
	file := real(b.File)
	text, err := webconf.Tree{}.Read(file)
	if err != nil {
		return remedy.Hook{}, fmt.Errorf("read the server block's file: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	for _, d := range b.Block {
		if !d.First || d.File != b.File || d.Line <= b.Line || d.Line > len(lines) {
			continue
		}
		next := lines[d.Line-1]
		if strings.TrimSpace(strings.TrimSuffix(next, "\r")) == line {
			continue // ours, from before
		}
		indent := next[:len(next)-len(strings.TrimLeft(next, " \t"))]
		return remedy.Hook{File: file, Line: indent + line, Next: strings.TrimSuffix(next, "\r"), At: d.Line}, nil
	}
	return remedy.Hook{}, errors.New("the server block in " + shown(file) + " has no directive that begins a line of its own")
}

// nginxEnds are where a server block answers.
func nginxEnds(block []webconf.Directive, listen string) []endpoint {
	name := ""
	for _, d := range webconf.Named(block, "server_name") {
		for _, a := range d.Args {
			if name == "" && a != "_" && a != "" && !strings.ContainsAny(a, "*~$") {
				name = strings.TrimPrefix(a, ".")
			}
		}
	}
	all := webconf.Named(block, "listen")
	if len(all) == 0 {
		all = []webconf.Directive{{Args: []string{"80"}}}
	}
	_, port, _ := net.SplitHostPort(listen)
	var out []endpoint
	for _, l := range all {
		if len(l.Args) == 0 || strings.HasPrefix(l.Args[0], "unix:") || slices.Contains(l.Args, "proxy_protocol") {
			continue
		}
		if net.ParseIP(strings.Trim(l.Args[0], "[]")) != nil || l.Args[0] == "*" || l.Args[0] == "localhost" {
			port = "80" // an address without a port
		}
		e := endpoint{address: loopback(l.Args[0], port), tls: slices.Contains(l.Args, "ssl") || slices.Contains(l.Args, "quic"), host: name}
		if e.address != "" && !slices.Contains(l.Args, "quic") {
			out = append(out, e)
		}
	}
	return out
}
