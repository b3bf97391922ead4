package webserver

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// Bounds of one configuration.
const (
	configBytes = 1 << 20 // of one file
	configFiles = 1000
	configDepth = 16 // of includes
)

// apacheTree is what an Apache configuration says of where files are taken in
// and of what is served.
type apacheTree struct {
	root  string       // ServerRoot
	hosts []apacheHost // the first is the main server
	takes []take
	// macros says that mod_macro is used: what it makes is not seen.
	macros bool
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
	sure    bool // in force: in no section that may be off, nor in one for some paths
	loads   bool // what it takes in now loads modules
	hosts   bool // … has virtual hosts
}

// How sure it is that what stands in a section counts.
const (
	secOn    = iota
	secMaybe // a condition that is not evaluated here, or a section for some paths
	secOff
)

type section struct {
	name  string
	state int
}

// linkedIn are the modules that distributions link into the program, so that
// no LoadModule names them. Source: apache2 -l on Debian 12.
var linkedIn = []string{"core_module", "so_module", "http_module", "log_config_module", "logio_module", "version_module", "unixd_module", "watchdog_module"}

type apacheReader struct {
	apacheTree
	at      int // open host
	left    int
	vars    map[string]string
	env     map[string]string
	modules map[string]bool
	within  []int // indices of the takes that led to the file
}

// readApache reads the configuration of a running Apache. Only the main file
// has to be readable; what cannot be read elsewhere is left out.
func readApache(file, root string, args, env []string) (apacheTree, error) {
	r := apacheReader{apacheTree: apacheTree{root: root, hosts: []apacheHost{{}}}, left: configFiles, vars: map[string]string{}, env: map[string]string{}, modules: map[string]bool{}}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		r.env[k] = v
	}
	for _, d := range defines(args) {
		name, value, _ := strings.Cut(d, "=")
		r.vars[name] = value
	}
	for _, m := range linkedIn {
		r.modules[m] = true
	}
	err := r.file(file, 0, nil)
	return r.apacheTree, err
}

func defines(args []string) []string {
	var out []string
	for i, a := range args {
		if a == "-D" && i+1 < len(args) {
			out = append(out, args[i+1])
		} else if v, ok := strings.CutPrefix(a, "-D"); ok && v != "" {
			out = append(out, v)
		}
	}
	return out
}

// readConfig returns a regular file's text, at most configBytes of it. A pipe in
// the place of a file does not hold us up.
func readConfig(name string) (string, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", fmt.Errorf("read %s: not a regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, configBytes))
	return string(b), err
}

func (r *apacheReader) file(name string, depth int, open []section) error {
	if r.left == 0 || depth > configDepth {
		return nil
	}
	r.left--
	text, err := readConfig(name)
	if err != nil {
		return err
	}
	outer, before := len(open), r.at
	open = slices.Clone(open)
	for line := range joined(text) {
		if open = r.line(line, open, depth); len(open) < outer {
			return fmt.Errorf("read %s: a section ends that began in another file", name)
		}
	}
	r.at = before // a section does not reach beyond its file
	return nil
}

// joined yields lines, those that end in a backslash as one with the next.
func joined(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		held := ""
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if cut, ok := strings.CutSuffix(line, `\`); ok {
				held += cut
				continue
			}
			if !yield(held + line) {
				return
			}
			held = ""
		}
		if held != "" {
			yield(held)
		}
	}
}

// line takes one line and returns the sections that are open after it.
func (r *apacheReader) line(line string, open []section, depth int) []section {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return open
	}
	if name, ok := strings.CutPrefix(line, "</"); ok {
		return r.shut(strings.ToLower(strings.TrimRight(name, "> \t")), open)
	}
	state := secOn
	if len(open) > 0 {
		state = open[len(open)-1].state
	}
	if strings.HasPrefix(line, "<") {
		words := apacheWords(r.expand(strings.TrimSuffix(line[1:], ">")))
		if len(words) == 0 {
			return open
		}
		name := strings.ToLower(words[0])
		return append(open, section{name, max(state, r.enter(name, words[1:], state))})
	}
	if words := apacheWords(r.expand(line)); state != secOff && len(words) > 1 {
		r.directive(strings.ToLower(words[0]), words[1:], depth, open)
	}
	return open
}

func (r *apacheReader) enter(name string, args []string, state int) int {
	arg := ""
	if len(args) > 0 {
		arg = args[0]
	}
	plain, not := strings.CutPrefix(arg, "!")
	switch name {
	case "ifmodule":
		if r.modules[moduleName(plain)] != not {
			return secOn
		}
		return secOff
	case "ifdefine":
		if _, ok := r.vars[plain]; ok != not {
			return secOn
		}
		return secOff
	case "virtualhost":
		if state != secOff {
			r.hosts = append(r.hosts, apacheHost{addresses: args})
			r.at = len(r.hosts) - 1
			r.mark(func(t *take) { t.hosts = true })
		}
		return secOn
	case "macro":
		r.macros = true
		return secOff
	}
	return secMaybe // <IfVersion> and the like, or a section for some paths
}

func (r *apacheReader) shut(name string, open []section) []section {
	for i, s := range slices.Backward(open) {
		if s.name == name {
			if name == "virtualhost" && s.state != secOff {
				r.at = 0
			}
			return open[:i]
		}
	}
	return open
}

// mark tells all takes that led to where we are what was found in them.
func (r *apacheReader) mark(what func(*take)) {
	for _, i := range r.within {
		what(&r.takes[i])
	}
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
