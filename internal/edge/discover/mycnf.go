package discover

import (
	"path"
	"slices"
	"strings"

	"hirune/internal/edge/webconf"
)

// myOptions are the server's options by name, with - instead of _ and without
// "loose-". A flag without a value has the value "".
type myOptions map[string]string

// standardMyCnf is where a server looks that was told nothing, in its order:
// Debian and RHEL read both of the first two.
var standardMyCnf = []string{"/etc/my.cnf", "/etc/mysql/my.cnf", "/usr/etc/my.cnf", "/usr/local/etc/my.cnf", "/usr/local/mysql/etc/my.cnf"}

// readMyCnf reads a server's option files with what they include. The later
// line wins. Files that do not exist are passed over, as the server does.
func readMyCnf(t webconf.Tree, files []string) (myOptions, []error) {
	r := myReader{tree: t, out: myOptions{}, left: webconf.MaxFiles}
	for _, f := range files {
		r.file(f, 0)
	}
	return r.out, r.errs
}

type myReader struct {
	tree webconf.Tree
	out  myOptions
	left int
	errs []error
}

func (r *myReader) file(name string, depth int) {
	if depth > webconf.MaxDepth || r.left == 0 {
		return
	}
	r.left--
	if _, ok := r.tree.Stat(name); !ok && depth == 0 {
		return
	}
	b, err := r.tree.Read(name)
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	parseMyCnf(string(b), r.out, func(verb, arg string) { r.include(verb, webconf.Under(path.Dir(name), arg), depth+1) })
}

func (r *myReader) include(verb, name string, depth int) {
	if verb == "!include" {
		r.file(name, depth)
		return
	}
	for _, n := range r.tree.List(name, webconf.MaxFiles) {
		if strings.HasSuffix(n, ".cnf") {
			r.file(path.Join(name, n), depth)
		}
	}
}

// parseMyCnf takes the options of the server's groups from one file's text and
// hands each include to its callback, at its place.
func parseMyCnf(text string, out myOptions, include func(verb, arg string)) {
	ours := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			group, _, _ := strings.Cut(line[1:], "]")
			ours = isServerGroup(strings.TrimSpace(group))
		case line[0] == '!':
			verb, arg, _ := strings.Cut(line, " ")
			if arg = strings.TrimSpace(arg); arg != "" && (verb == "!include" || verb == "!includedir") {
				include(verb, arg)
			}
		case ours:
			out.set(line)
		}
	}
}

// isServerGroup reports whether the server reads the group: [mysqld],
// [mariadb-10.11], [server], …
func isServerGroup(g string) bool {
	if slices.Contains([]string{"mysqld", "mariadb", "mariadbd", "server", "galera", "client-server"}, g) {
		return true
	}
	for _, p := range []string{"mysqld-", "mariadb-", "mariadbd-"} {
		if strings.HasPrefix(g, p) && g != "mysqld-safe" && g != "mariadb-client" {
			return true
		}
	}
	return false
}

// set takes "name = value", "name=value" or "name".
func (o myOptions) set(line string) {
	name, value, _ := strings.Cut(line, "=")
	value = strings.TrimSpace(value)
	if q := strings.IndexAny(value, "'\""); q == 0 {
		if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
			value = value[1 : end+1]
		}
	} else if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimSpace(value[:i])
	}
	name = strings.ReplaceAll(strings.TrimSpace(name), "_", "-")
	name = strings.TrimPrefix(name, "loose-")
	if name != "" {
		o[name] = value
	}
}

// takeArgs overrides the options with those of a command line.
func (o myOptions) takeArgs(args []string) {
	for i, a := range args {
		long, ok := strings.CutPrefix(a, "--")
		switch {
		case ok:
			o.set(long)
		case a == "-h" && i+1 < len(args):
			o["datadir"] = args[i+1]
		case a == "-P" && i+1 < len(args):
			o["port"] = args[i+1]
		}
	}
}

// on reports whether a flag such as skip-networking is set.
func (o myOptions) on(name string) bool {
	v, ok := o[name]
	return ok && !slices.Contains([]string{"0", "off", "false", "no"}, strings.ToLower(v))
}
