package discover

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// directive takes what concerns us of one directive.
func (r *apacheReader) directive(name string, args []string, depth int) {
	h := r.host()
	switch name {
	case "include", "includeoptional":
		r.include(args[0], name == "include", depth)
	case "define":
		r.vars[args[0]] = strings.Join(args[1:], " ")
	case "undefine":
		delete(r.vars, args[0])
	case "loadmodule":
		r.load(args[0])
	case "serverroot":
		r.cfg.ServerRoot = args[0]
	case "listen":
		r.cfg.Listen = append(r.cfg.Listen, args[0])
	case "servername":
		h.Name = strings.TrimPrefix(strings.TrimPrefix(args[0], "http://"), "https://")
	case "documentroot":
		h.DocRoot = abs(r.cfg.ServerRoot, args[0])
	case "errorlog":
		h.ErrorLog = r.logPath(args[0])
	case "sslengine":
		h.TLS = strings.EqualFold(args[0], "on")
	case "customlog", "transferlog", "globallog":
		l := apacheLog{Target: r.logPath(args[0])}
		if len(args) > 1 && name != "transferlog" {
			l.Format = args[1]
		}
		h.Logs = append(h.Logs, l)
	case "logformat":
		r.format(args)
	case "use":
		r.cfg.Macros = true
	default:
		r.limits(name, args[0])
	}
}

// format takes LogFormat "format" [nickname]; without one it is the format of
// the TransferLogs.
func (r *apacheReader) format(args []string) {
	name := ""
	if len(args) > 1 {
		name = args[1]
	}
	r.cfg.Formats[name] = args[0]
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

func (r *apacheReader) load(module string) {
	r.modules[module] = true
	if mpm, ok := strings.CutPrefix(module, "mpm_"); ok {
		r.cfg.MPM = strings.TrimSuffix(mpm, "_module")
	}
}

// logPath makes a log's path absolute; "|program" and "syslog:" stay.
func (r *apacheReader) logPath(s string) string {
	if strings.HasPrefix(s, "|") || strings.HasPrefix(s, "syslog") {
		return s
	}
	return abs(r.cfg.ServerRoot, s)
}

// include reads the files of a pattern; a directory stands for all below it.
func (r *apacheReader) include(pattern string, must bool, depth int) {
	pattern = abs(r.cfg.ServerRoot, pattern)
	files := r.tree.glob(pattern)
	if len(files) == 0 && must {
		r.errs = append(r.errs, fmt.Errorf("include %s: no such file", pattern))
	}
	for _, f := range files {
		if r.tree.isDir(f) {
			r.directory(f, depth+1)
			continue
		}
		if _, ok := r.tree.stat(f); ok || must {
			r.file(f, depth+1)
		}
	}
}

func (r *apacheReader) directory(dir string, depth int) {
	if depth > maxDepth {
		return
	}
	for _, n := range r.tree.list(dir, maxFiles) {
		if name := dir + "/" + n; r.tree.isDir(name) {
			r.directory(name, depth+1)
		} else {
			r.file(name, depth)
		}
	}
}

// apacheLines yields the lines of a text, those that end in a backslash joined
// with the next.
func apacheLines(text string) iter.Seq[string] {
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

// apacheWords splits a line into words. Quotes hold blanks together, \" and \\
// inside them stand for the sign itself, as ap_getword_conf has it.
func apacheWords(line string) []string {
	var out []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return out
		}
		var word string
		word, line = apacheWord(line)
		out = append(out, word)
	}
}

func apacheWord(line string) (word, rest string) {
	quote := line[0]
	if quote != '"' && quote != '\'' {
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			return line[:i], line[i:]
		}
		return line, ""
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == quote:
			return b.String(), line[i+1:]
		case line[i] == '\\' && i+1 < len(line) && (line[i+1] == quote || line[i+1] == '\\'):
			i++
		}
		b.WriteByte(line[i])
	}
	return b.String(), ""
}
