package discover

import (
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"hirune/internal/edge/webconf"
)

// addLog adds an access log, or a host to one that several share.
func (h *host) addLog(w *WebServer, l AccessLog) {
	t := webconf.Tree{Base: h.base}
	i := slices.IndexFunc(w.AccessLogs, func(o AccessLog) bool { return t.Same(o.Path, l.Path) })
	if i < 0 {
		w.AccessLogs = append(w.AccessLogs, l)
		return
	}
	o := &w.AccessLogs[i]
	if o.Site != l.Site {
		o.Site = ""
	}
	if l.Format != o.Format {
		o.Formats = appendNew(o.Formats, l.Format)
	}
	for _, n := range l.Names {
		o.Names = appendNew(slices.Clip(o.Names), n)
	}
	for _, r := range l.Roots {
		o.Roots = appendNew(slices.Clip(o.Roots), r)
	}
	o.Proxy = together(o.Proxy, l.Proxy)
	o.Partly, o.Gzip = o.Partly || l.Partly, o.Gzip || l.Gzip
}

// logFiles returns the files that a configured log target stands for: itself,
// or what the program it is piped into has open. Devices are left out.
func (h *host) logFiles(p *process, target string) []string {
	if !strings.HasPrefix(target, "|") {
		if strings.HasPrefix(target, "/dev/") || !path.IsAbs(target) {
			return nil
		}
		return []string{p.seen(target)}
	}
	var out []string
	for _, c := range h.children(p.pid) {
		if c.comm != "rotatelogs" && c.comm != "cronolog" && c.comm != "sh" {
			continue
		}
		if err := c.look(h.base); err != nil && !c.seesFiles {
			h.note("log that "+p.comm+" pipes into "+c.comm, err)
			continue
		}
		for _, f := range h.writes(c) {
			if prefix := pipedPrefix(target); prefix != "" && strings.HasPrefix(f, prefix) {
				out = append(out, c.seen(f))
			}
		}
	}
	if out == nil {
		h.keep(Note{What: "access or error log of " + p.comm, Why: "it goes to a program", Hint: "name the log in " + DefaultConfig})
	}
	return out
}

// pipedPrefix is the fixed part of the file that rotatelogs writes.
func pipedPrefix(target string) string {
	for w := range strings.FieldsSeq(strings.TrimLeft(target, "|$")) {
		if path.IsAbs(w) && !strings.HasSuffix(w, "rotatelogs") && !strings.HasSuffix(w, "cronolog") {
			fixed, _, _ := strings.Cut(w, "%")
			return fixed
		}
	}
	return ""
}

// writes returns the regular files that a process has open for appending.
func (h *host) writes(p *process) []string {
	var out []string
	for _, f := range p.files {
		if path.IsAbs(f.target) && !strings.HasPrefix(f.target, "/dev/") && h.appends(p, f.fd) {
			out = appendNew(out, f.target)
		}
	}
	return out
}

// appends reads the flags of an open file: "flags:	0102001".
func (h *host) appends(p *process, fd int) bool {
	b, err := os.ReadFile(procPath(h.base, p.pid, "fdinfo/") + itoa(fd))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "flags:"); ok {
			flags := parseOctal(strings.TrimSpace(v))
			return flags&syscall.O_APPEND != 0 && flags&syscall.O_ACCMODE != syscall.O_RDONLY
		}
	}
	return false
}

// openLogs holds the configuration's logs against the open files: a log that is
// open but not configured is added, one that is neither open nor there is
// dropped with a note. unnamed is what is known of a log that no directive names.
func (h *host) openLogs(p *process, w *WebServer, unnamed AccessLog) {
	if !p.seesFiles {
		return
	}
	open := h.writes(p)
	for i := range open {
		open[i] = p.seen(open[i])
	}
	t := webconf.Tree{Base: h.base}
	w.AccessLogs = slices.DeleteFunc(w.AccessLogs, func(l AccessLog) bool {
		_, there := t.Stat(l.Path)
		if there || slices.Contains(open, l.Path) {
			return false
		}
		h.keep(Note{What: "access log " + l.Path, Why: "it is configured and does not exist", Hint: "was the configuration changed without a reload?"})
		return true
	})
	for _, f := range open {
		known := slices.ContainsFunc(w.AccessLogs, func(l AccessLog) bool { return t.Same(l.Path, f) })
		known = known || slices.ContainsFunc(w.ErrorLogs, func(e string) bool { return t.Same(e, f) })
		if !known && strings.Contains(path.Base(f), "access") {
			unnamed.Path = f
			w.AccessLogs = append(w.AccessLogs, unnamed)
		}
	}
}
