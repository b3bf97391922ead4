package discover

import (
	"strings"

	"hirune/internal/edge/webconf"
)

// apacheConfig is what an Apache configuration says, as far as it concerns us.
type apacheConfig struct {
	Root       string   // ServerRoot
	Listen     []string // as written: "80", "127.0.0.1:8080", "[::]:80"
	Main       apacheHost
	Hosts      []apacheHost
	MaxWorkers int    // -1 if nothing says it
	MPM        string // "prefork", "worker", "event" or ""
	Macros     bool   // mod_macro is used: what it makes is not seen
}

// apacheHost is the main server or one <VirtualHost>.
type apacheHost struct {
	Addresses []string // of the section: "*:80"
	Name      string
	Aliases   []string
	DocRoot   string
	ErrorLog  string
	Logs      []apacheLog
	Formats   map[string]string // LogFormat by nickname; "" is that of the TransferLogs
	TLS       bool
	Remote    remoteIP
}

// apacheLog is one CustomLog, GlobalLog or TransferLog.
type apacheLog struct {
	Target string // path, or "|program …"
	Format string // nickname or the format itself; empty for the default
	Partly bool   // not every request is written
	Global bool   // hosts with logs of their own write to it, too
}

// pathless are the sections whose content counts wherever a visitor goes. Their
// conditions are not judged: they are taken to hold.
var pathless = map[string]bool{"ifversion": true, "iffile": true, "ifdirective": true, "ifsection": true}

// parseApache reads an Apache configuration and what it includes. A file that
// cannot be read is an error and the rest goes on.
func parseApache(t webconf.Tree, s webconf.ApacheStart) (apacheConfig, []error) {
	c, err := webconf.ReadApache(t, s)
	errs := c.Faults
	if err != nil {
		errs = append(errs, err)
	}
	r := apacheReader{tree: t, cfg: apacheConfig{Root: s.Root, MaxWorkers: -1}}
	r.walk(c.Directives, -1)
	if r.maxWorkers > 0 {
		r.cfg.MaxWorkers = r.maxWorkers
	} else if r.cfg.MPM != "" {
		r.cfg.MaxWorkers = r.defaultWorkers()
	}
	return r.cfg, append(errs, r.errs...)
}

type apacheReader struct {
	tree webconf.Tree
	cfg  apacheConfig
	errs []error

	maxWorkers int
	perChild   int
	limit      int
}

// walk takes directives of the host with that index, -1 for the main server.
func (r *apacheReader) walk(ds []webconf.Directive, at int) {
	for _, d := range ds {
		switch {
		case d.Open && d.Name == "virtualhost":
			r.cfg.Hosts = append(r.cfg.Hosts, apacheHost{Addresses: d.Args})
			r.walk(d.Block, len(r.cfg.Hosts)-1)
		case d.Open && d.Name == "macro":
			r.cfg.Macros = true
		case d.Includes(), d.Open && pathless[d.Name]:
			r.walk(d.Block, at)
		case d.Open: // <Directory> and the like: nothing of ours may stand there
		case len(d.Args) > 0:
			r.directive(d.Name, d.Args, r.host(at))
		}
	}
}

func (r *apacheReader) host(at int) *apacheHost {
	if at < 0 {
		return &r.cfg.Main
	}
	return &r.cfg.Hosts[at]
}

// names are what the host answers to: ServerName without scheme and port, then
// ServerAlias as written.
func (h apacheHost) names() []string {
	var out []string
	if n := webconf.PlainName(h.Name); n != "" {
		out = append(out, n)
	}
	return append(out, h.Aliases...)
}

// logs are those that the host writes to, with the format in force in place of
// a nickname: its own, else the main server's, and those that are for all.
// Where hosts that share a log mean different formats by one nickname, Apache
// writes one of them for all; each is told then.
// Source: merge_config_log_state and open_multi_logs in Apache 2.4's
// mod_log_config.c, and lines that 2.4.71 wrote.
func (h apacheHost) logs(main apacheHost) []apacheLog {
	var out []apacheLog
	for _, l := range h.Logs {
		l.Format = h.format(l.Format, main)
		out = append(out, l)
	}
	for _, l := range main.Logs {
		if len(h.Logs) == 0 || l.Global {
			l.Format = h.format(l.Format, main)
			out = append(out, l)
		}
	}
	return out
}

// format is the format that a log of the host is written in: by nickname of the
// host or of the main server, or as it stands. It is empty where the nickname
// is not known: its LogFormat may stand in a file that could not be read.
// Source: open_multi_logs in Apache 2.4's mod_log_config.c.
func (h apacheHost) format(name string, main apacheHost) string {
	for _, formats := range []map[string]string{h.Formats, main.Formats} {
		f, ok := formats[name]
		if ok && name == "" && f != "" && !strings.Contains(f, "%") {
			return h.format(f, main) // LogFormat with a nickname alone
		}
		if ok {
			return f
		}
	}
	switch {
	case strings.Contains(name, "%"):
		return name
	case name == "", name == "CLF", name == "common":
		return commonFormat
	case name == "combined":
		return combinedFormat
	}
	return ""
}
