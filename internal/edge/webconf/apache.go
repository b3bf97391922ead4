package webconf

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// ApacheStart is what a running Apache was started with.
type ApacheStart struct {
	File    string   // main configuration file; relative to Root
	Root    string   // ServerRoot until the configuration says another
	Defines []string // of -D: NAME or NAME=value
	Env     map[string]string
}

// ReadApache reads an Apache configuration. Define, LoadModule and ServerRoot
// take effect as they are read; what <IfModule> and <IfDefine> leave out is left
// out, what they let in stands as if they were not there. Other sections stay:
// their conditions are not judged. The error is of the main file, and what
// came before it is returned, too.
func ReadApache(t Tree, s ApacheStart) (Config, error) {
	r := apacheReader{tree: t, root: s.Root, left: MaxFiles, vars: map[string]string{}, env: s.Env, modules: map[string]bool{}}
	for _, d := range s.Defines {
		name, value, _ := strings.Cut(d, "=")
		r.vars[name] = value
	}
	for _, m := range linkedIn {
		r.modules[m] = true
	}
	ds, err := r.file(Under(s.Root, s.File), 0)
	return Config{Directives: ds, Faults: r.faults}, err
}

// linkedIn are the modules that distributions link into the program, so that
// no LoadModule names them. Source: apache2 -l on Debian 12.
var linkedIn = []string{"core_module", "so_module", "http_module", "log_config_module", "logio_module", "version_module", "unixd_module", "watchdog_module"}

type apacheReader struct {
	tree    Tree
	root    string
	left    int
	faults  []error
	vars    map[string]string
	env     map[string]string
	modules map[string]bool
}

// section is one open <…> of a file.
type section struct {
	d     Directive
	off   bool // what it holds does not count
	plain bool // its condition holds: what it holds stands in its place
}

// file returns the directives of one file. A section does not reach beyond it.
func (r *apacheReader) file(name string, depth int) ([]Directive, error) {
	if r.left == 0 || depth > MaxDepth {
		return nil, nil
	}
	r.left--
	text, err := r.tree.Read(name)
	if err != nil {
		return nil, err
	}
	open := []section{{plain: true}}
	for n, line := range apacheLines(string(text)) {
		if open, err = r.line(Directive{File: name, Line: n, First: true}, strings.TrimSpace(line), open, depth); err != nil {
			break
		}
	}
	for len(open) > 1 {
		open = shut(open)
	}
	return open[0].d.Block, err
}

// line takes one line and returns the sections that are open after it.
func (r *apacheReader) line(d Directive, line string, open []section, depth int) ([]section, error) {
	if line == "" || line[0] == '#' {
		return open, nil
	}
	if name, ok := strings.CutPrefix(line, "</"); ok {
		return shutNamed(open, d, strings.ToLower(strings.TrimRight(name, "> \t")))
	}
	last := &open[len(open)-1]
	head, opens := strings.CutPrefix(line, "<")
	if opens {
		head = strings.TrimSuffix(head, ">")
	}
	words := apacheWords(r.expand(head))
	if len(words) == 0 {
		return open, nil
	}
	d.Name, d.Args, d.Open = strings.ToLower(words[0]), words[1:], opens
	switch {
	case opens:
		holds, judged := r.condition(d)
		return append(open, section{d: d, off: last.off || judged && !holds || d.Name == "macro", plain: judged}), nil
	case !last.off:
		r.take(&d, depth)
		last.d.Block = append(last.d.Block, d)
	}
	return open, nil
}

// condition judges a section whose condition can be judged.
func (r *apacheReader) condition(d Directive) (holds, judged bool) {
	plain, not := strings.CutPrefix(d.Arg(0), "!")
	switch d.Name {
	case "ifmodule":
		return r.modules[moduleName(plain)] != not, true
	case "ifdefine":
		_, ok := r.vars[plain]
		return ok != not, true
	}
	return false, false
}

// shut closes the innermost section and puts it, or what it holds, into the one
// around it. A macro's section stays without its content, which is a text yet.
func shut(open []section) []section {
	s, outer := open[len(open)-1], &open[len(open)-2]
	switch {
	case outer.off || s.off && s.d.Name != "macro":
	case s.plain:
		outer.d.Block = append(outer.d.Block, s.d.Block...)
	default:
		outer.d.Block = append(outer.d.Block, s.d)
	}
	return open[:len(open)-1]
}

// shutNamed closes the sections up to the innermost of a name.
func shutNamed(open []section, at Directive, name string) ([]section, error) {
	i := len(open) - 1
	for ; i > 0 && open[i].d.Name != name; i-- {
	}
	if i == 0 {
		return open, fmt.Errorf("read %s: line %d: a section %q ends that did not begin in this file", at.File, at.Line, name)
	}
	for len(open) > i {
		open = shut(open)
	}
	return open, nil
}

// take does what a directive does to the reading of the others.
func (r *apacheReader) take(d *Directive, depth int) {
	if len(d.Args) == 0 {
		return
	}
	switch d.Name {
	case "include", "includeoptional":
		d.Block = r.include(d.Args[0], d.Name == "include", depth+1)
	case "define":
		r.vars[d.Args[0]] = strings.Join(d.Args[1:], " ")
	case "undefine":
		delete(r.vars, d.Args[0])
	case "loadmodule":
		r.modules[d.Args[0]] = true
	case "serverroot":
		r.root = d.Args[0]
	}
}

// include reads the files of a pattern; a directory stands for all below it.
func (r *apacheReader) include(pattern string, must bool, depth int) []Directive {
	pattern = Under(r.root, pattern)
	files := r.tree.Glob(pattern)
	if len(files) == 0 && must {
		r.faults = append(r.faults, fmt.Errorf("include %s: no such file", pattern))
	}
	var out []Directive
	for _, f := range files {
		if _, there := r.tree.Stat(f); there || must {
			out = append(out, r.path(f, depth)...)
		}
	}
	return out
}

// path reads a file, or all files below a directory.
func (r *apacheReader) path(name string, depth int) []Directive {
	if !r.tree.IsDir(name) {
		ds, err := r.file(name, depth)
		if err != nil {
			r.faults = append(r.faults, err)
		}
		return ds
	}
	if depth > MaxDepth {
		return nil
	}
	var out []Directive
	for _, n := range r.tree.List(name, MaxFiles) {
		out = append(out, r.path(path.Join(name, n), depth+1)...)
	}
	return out
}

// moduleName turns "mod_ssl.c", "prefork.c" and "ssl_module" into the last form.
func moduleName(s string) string {
	file, ok := strings.CutSuffix(s, ".c")
	if !ok {
		return s
	}
	if slices.Contains([]string{"prefork", "worker", "event"}, file) {
		return "mpm_" + file + "_module"
	}
	return strings.TrimPrefix(file, "mod_") + "_module"
}

var apacheVar = regexp.MustCompile(`\$\{([^}:]+)\}`)

// expand replaces ${NAME} by what Define or the environment gave it. An unknown
// name stays as it is written, as in Apache.
func (r *apacheReader) expand(line string) string {
	return apacheVar.ReplaceAllStringFunc(line, func(m string) string {
		name := m[2 : len(m)-1]
		if v, ok := r.vars[name]; ok {
			return v
		}
		if v, ok := r.env[name]; ok {
			return v
		}
		return m
	})
}

// Under makes a path absolute against a directory; an empty one stays empty.
func Under(dir, name string) string {
	if name == "" || path.IsAbs(name) || dir == "" {
		return name
	}
	return path.Join(dir, name)
}
