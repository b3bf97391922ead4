package discover

import (
	"fmt"
	"strconv"
	"strings"

	"hirune/internal/edge/webconf"
)

// directive takes what concerns us of one directive that has arguments.
func (r *apacheReader) directive(name string, args []string, h *apacheHost) {
	switch name {
	case "loadmodule":
		if mpm, ok := strings.CutPrefix(args[0], "mpm_"); ok {
			r.cfg.MPM = strings.TrimSuffix(mpm, "_module")
		}
	case "serverroot":
		r.cfg.Root = args[0]
	case "listen":
		r.cfg.Listen = append(r.cfg.Listen, args[0])
	case "servername":
		h.Name = args[0]
	case "serveralias":
		h.Aliases = append(h.Aliases, args...)
	case "documentroot":
		h.DocRoot = webconf.Under(r.cfg.Root, args[0])
	case "errorlog":
		h.ErrorLog = r.logPath(args[0])
	case "sslengine":
		h.TLS = strings.EqualFold(args[0], "on")
	case "customlog", "transferlog", "globallog":
		h.Logs = append(h.Logs, r.log(name, args))
	case "logformat":
		if h.Formats == nil {
			h.Formats = map[string]string{}
		}
		nickname := append(args, "")[1] // without one it is the format of the TransferLogs
		h.Formats[nickname] = args[0]
	case "use":
		r.cfg.Macros = true
	default:
		r.limits(name, args[0])
		r.remote(name, args, h)
	}
}

// log takes CustomLog file|pipe format|nickname [env=…|expr=…].
func (r *apacheReader) log(name string, args []string) apacheLog {
	l := apacheLog{Target: r.logPath(args[0]), Global: name == "globallog"}
	if name == "transferlog" || len(args) == 1 {
		return l
	}
	l.Format = args[1]
	l.Partly = len(args) > 2
	return l
}

func (r *apacheReader) limits(name, arg string) {
	n, err := strconv.Atoi(arg)
	if err != nil {
		return
	}
	switch name {
	case "maxrequestworkers", "maxclients":
		r.maxWorkers = n
	case "threadsperchild":
		r.perChild = n
	case "serverlimit":
		r.limit = n
	}
}

// defaultWorkers is MaxRequestWorkers where nothing sets it.
// Source: Apache 2.4 manual, MaxRequestWorkers.
func (r *apacheReader) defaultWorkers() int {
	if r.cfg.MPM == "prefork" {
		return 256
	}
	limit, per := 16, 25
	if r.limit > 0 {
		limit = r.limit
	}
	if r.perChild > 0 {
		per = r.perChild
	}
	return limit * per
}

// remote takes a directive of mod_remoteip.
func (r *apacheReader) remote(name string, args []string, h *apacheHost) {
	switch name {
	case "remoteipheader":
		h.Remote.header = args[0]
	case "remoteipproxyprotocol":
		h.Remote.protocol = strings.EqualFold(args[0], "on")
	case "remoteipinternalproxy", "remoteiptrustedproxy":
		h.Remote.peers = append(h.Remote.peers, args...)
	case "remoteipinternalproxylist", "remoteiptrustedproxylist":
		text, err := r.tree.Read(webconf.Under(r.cfg.Root, args[0]))
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("trusted proxies: %w", err))
			h.Remote.peers = append(h.Remote.peers, args[0]) // there are some
		}
		h.Remote.peers = append(h.Remote.peers, listed(string(text))...)
	}
}

// listed are the words of a list of proxies.
func listed(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		out = append(out, strings.Fields(line)...)
	}
	return out
}

// logPath makes a log's path absolute; "|program" and "syslog:" stay.
func (r *apacheReader) logPath(s string) string {
	if strings.HasPrefix(s, "|") || strings.HasPrefix(s, "syslog") {
		return s
	}
	return webconf.Under(r.cfg.Root, s)
}
