package discover

import (
	"regexp"
	"slices"
	"strings"
)

// apacheConfig is what an Apache configuration says, as far as it concerns us.
type apacheConfig struct {
	ServerRoot string
	Listen     []string // as written: "80", "127.0.0.1:8080", "[::]:80"
	Main       apacheHost
	Hosts      []apacheHost
	Formats    map[string]string // LogFormat by nickname
	MaxWorkers int               // -1 if nothing says it
	MPM        string            // "prefork", "worker", "event" or ""
	Macros     bool              // mod_macro is used: what it makes is not seen
}

// apacheHost is the main server or one <VirtualHost>.
type apacheHost struct {
	Addresses []string // of the section: "*:80"
	Name      string
	DocRoot   string
	ErrorLog  string
	Logs      []apacheLog
	TLS       bool
}

// apacheLog is one CustomLog or TransferLog.
type apacheLog struct {
	Target string // path, or "|program …"
	Format string // nickname or the format itself; empty for the default
}

// builtIn are the modules that distributions link into the program, so that
// no LoadModule names them. Source: apache2 -l on Debian 12.
var builtIn = []string{"core_module", "so_module", "http_module", "log_config_module", "logio_module", "version_module", "unixd_module", "watchdog_module"}

// parseApache reads an Apache configuration and what it includes. defines are
// the names given by -D, env the environment for ${NAME}. A file that cannot
// be read is an error and the rest goes on.
func parseApache(t tree, root, file string, defines []string, env map[string]string) (apacheConfig, []error) {
	r := apacheReader{tree: t, left: maxFiles, at: -1, vars: map[string]string{}, env: env, modules: map[string]bool{}}
	r.cfg = apacheConfig{ServerRoot: root, MaxWorkers: -1, Formats: map[string]string{"common": `%h %l %u %t "%r" %>s %b`}}
	for _, d := range defines {
		name, value, _ := strings.Cut(d, "=")
		r.vars[name] = value
	}
	for _, m := range builtIn {
		r.modules[m] = true
	}
	r.file(abs(root, file), 0)
	if r.maxWorkers > 0 {
		r.cfg.MaxWorkers = r.maxWorkers
	} else if r.cfg.MPM != "" {
		r.cfg.MaxWorkers = r.defaultWorkers()
	}
	return r.cfg, r.errs
}

type apacheReader struct {
	tree tree
	cfg  apacheConfig
	at   int // index of the open <VirtualHost>, -1 for the main server
	left int
	errs []error

	vars, env  map[string]string
	modules    map[string]bool
	maxWorkers int
	perChild   int
	limit      int
}

// section is one open <…> on the way to a line.
type apacheSection struct {
	name string
	off  bool // what it holds does not count
}

func (r *apacheReader) file(name string, depth int) {
	if r.left == 0 || depth > maxDepth {
		return
	}
	r.left--
	b, err := r.tree.read(name)
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	var open []apacheSection
	before := r.at
	for line := range apacheLines(string(b)) {
		open = r.line(line, open, depth)
	}
	r.at = before // a section does not reach beyond its file
}

func (r *apacheReader) host() *apacheHost {
	if r.at < 0 {
		return &r.cfg.Main
	}
	return &r.cfg.Hosts[r.at]
}

// line takes one line and returns the sections that are open after it.
func (r *apacheReader) line(line string, open []apacheSection, depth int) []apacheSection {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return open
	}
	off := len(open) > 0 && open[len(open)-1].off
	if name, ok := strings.CutPrefix(line, "</"); ok {
		return r.shut(strings.ToLower(strings.TrimRight(name, "> \t")), open)
	}
	if strings.HasPrefix(line, "<") {
		words := apacheWords(r.expand(strings.TrimSuffix(line[1:], ">")))
		if len(words) == 0 {
			return open
		}
		name := strings.ToLower(words[0])
		return append(open, apacheSection{name: name, off: off || !r.enter(name, words[1:])})
	}
	if words := apacheWords(r.expand(line)); !off && len(words) > 1 {
		r.directive(strings.ToLower(words[0]), words[1:], depth)
	}
	return open
}

// enter opens a section and reports whether what it holds counts for us.
func (r *apacheReader) enter(name string, args []string) bool {
	arg := ""
	if len(args) > 0 {
		arg = args[0]
	}
	plain, not := strings.CutPrefix(arg, "!")
	switch name {
	case "ifmodule":
		return r.modules[moduleName(plain)] != not
	case "ifdefine":
		_, ok := r.vars[plain]
		return ok != not
	case "ifversion", "iffile", "ifdirective", "ifsection":
		return true
	case "virtualhost":
		r.cfg.Hosts = append(r.cfg.Hosts, apacheHost{Addresses: args})
		r.at = len(r.cfg.Hosts) - 1
		return true
	case "macro":
		r.cfg.Macros = true
	}
	return false // <Directory> and the like: nothing of ours may stand there
}

func (r *apacheReader) shut(name string, open []apacheSection) []apacheSection {
	for i, s := range slices.Backward(open) {
		if s.name == name {
			if name == "virtualhost" && !s.off {
				r.at = -1
			}
			return open[:i]
		}
	}
	return open
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
