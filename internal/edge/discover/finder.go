package discover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/hint"
	"hirune/internal/edge/webconf"
)

// Finder finds what runs below a root. Its methods are not for several
// goroutines at once.
type Finder struct {
	Root     string // prefix of /proc and of all files; "" or "/" for this host
	Override Config

	known map[int]uint64 // processes at the last Find: start by PID
}

// kinds of daemon that discovery knows.
const (
	kindDatabase  = "database"
	kindApache    = "apache"
	kindNginx     = "nginx"
	kindLiteSpeed = "litespeed"
	kindFPM       = "fpm"
)

// host is one look at all processes.
type host struct {
	base  string
	procs []process
	byPID map[int]int // index into procs
	nets  map[string]sockets
	found *Found
}

// Find looks at all processes and reads the configuration that they name. What
// cannot be read becomes a note; an error means that nothing could be found.
func (f *Finder) Find(ctx context.Context, now time.Time) (Found, error) {
	base := f.base()
	all, err := procs(base)
	if err != nil {
		return Found{}, hint.Wrap(fmt.Errorf("list the processes: %w", err), "no-proc", "is /proc mounted?")
	}
	out := Found{At: now}
	h := &host{base: base, procs: all, byPID: map[int]int{}, nets: map[string]sockets{}, found: &out}
	f.known = map[int]uint64{}
	for i, p := range all {
		h.byPID[p.pid] = i
		f.known[p.pid] = p.started
	}
	for i := range all {
		if ctx.Err() != nil {
			return out, fmt.Errorf("look at the processes: %w", ctx.Err())
		}
		h.master(&all[i])
	}
	h.manager()
	f.Override.apply(&out)
	nameApart(&out)
	h.roots(f.Override)
	return out, nil
}

func (f *Finder) base() string { return strings.TrimSuffix(f.Root, "/") }

// master looks at a process if it is the parent of a daemon that we know.
func (h *host) master(p *process) {
	kind := kindOf(p.comm)
	if kind == "" || h.hasParentOfKind(p, kind) {
		return
	}
	if err := p.look(h.base); errors.Is(err, fs.ErrNotExist) && len(p.args) == 0 {
		return // it has ended meanwhile
	} else if err != nil {
		h.note(fmt.Sprintf("open files of %s (pid %d)", p.comm, p.pid), err)
	}
	if isTool(kind, p.args) {
		return
	}
	switch kind {
	case kindDatabase:
		h.database(p)
	case kindApache:
		h.apache(p)
	case kindNginx:
		h.nginx(p)
	case kindLiteSpeed:
		h.litespeed(p)
	case kindFPM:
		h.fpm(p)
	}
}

// isTool reports whether a daemon's program was started only to test or to print
// something, or to send a signal.
func isTool(kind string, args []string) bool {
	flags := map[string][]string{
		kindDatabase: {"--bootstrap", "--help", "--version", "--initialize", "--initialize-insecure", "--wsrep-recover", "--wsrep_recover"},
		kindApache:   {"-t", "-v", "-V", "-S", "-M", "-l", "-L", "stop", "graceful-stop"},
		kindNginx:    {"-t", "-T", "-v", "-V", "-s"},
	}[kind]
	return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(flags, a) })
}

// kindOf tells a daemon by its command name.
func kindOf(comm string) string {
	switch {
	case comm == "mariadbd" || comm == "mysqld":
		return kindDatabase
	case comm == "apache2" || comm == "httpd" || comm == "httpd.bin":
		return kindApache
	case comm == "nginx":
		return kindNginx
	case comm == "litespeed" || comm == "openlitespeed" || comm == "lshttpd" || strings.HasPrefix(comm, "lshttpd."):
		return kindLiteSpeed
	case strings.HasPrefix(comm, "php-fpm"):
		return kindFPM
	}
	return ""
}

func (h *host) hasParentOfKind(p *process, kind string) bool {
	i, ok := h.byPID[p.ppid]
	return ok && kindOf(h.procs[i].comm) == kind
}

// children returns the processes that a process has started.
func (h *host) children(pid int) []*process {
	var out []*process
	for i := range h.procs {
		if h.procs[i].ppid == pid {
			out = append(out, &h.procs[i])
		}
	}
	return out
}

// sockets returns what listens in the process' network.
func (h *host) sockets(p *process) sockets {
	ns, err := os.Readlink(procPath(h.base, p.pid, "ns/net"))
	if err != nil {
		ns = fmt.Sprint(p.pid)
	}
	s, ok := h.nets[ns]
	if !ok {
		s = readSockets(h.base, p.pid)
		h.nets[ns] = s
	}
	return s
}

// note keeps what could not be read, once.
func (h *host) note(what string, err error) {
	n := Note{What: what, Why: err.Error()}
	if errors.Is(err, fs.ErrPermission) {
		n.Why, n.Hint = "permission denied", "run it with sudo"
	}
	h.keep(n)
}

// keep keeps a note, once.
func (h *host) keep(n Note) {
	if !slices.Contains(h.found.Notes, n) {
		h.found.Notes = append(h.found.Notes, n)
	}
}

func (h *host) notes(what string, errs []error) {
	for _, err := range errs {
		h.note(what, err)
	}
}

// bitnamiScript is where Bitnami's images keep their service control.
const bitnamiScript = "/opt/bitnami/ctlscript.sh"

// manager tells who starts services here. On a Bitnami image that is its own
// script, although systemd runs too.
func (h *host) manager() {
	t := webconf.Tree{Base: h.base}
	if t.IsFile(bitnamiScript) {
		h.found.Bitnami, h.found.Manager = bitnamiScript, "bitnami"
		return
	}
	if t.IsDir("/run/systemd/system") {
		h.found.Manager = "systemd"
	}
}

// Changes is what has become of the processes since a Find.
type Changes struct {
	Gone  []int // PIDs in Found that have ended or are another process now
	Fresh []int // PIDs of daemons that were not there
}

// Any reports whether it is worth finding anew.
func (c Changes) Any() bool { return len(c.Gone)+len(c.Fresh) > 0 }

// Stale tells what has changed since the last Find. It reads the list of
// processes, and only those that are new.
func (f *Finder) Stale(found Found) Changes {
	var c Changes
	for pid, started := range found.pids() {
		if p, ok := readStat(f.base(), pid); !ok || p.started != started {
			c.Gone = append(c.Gone, pid)
		}
	}
	now := webconf.Tree{Base: f.base()}.List("/proc", 1<<20)
	seen := make(map[int]uint64, len(now))
	for _, name := range now {
		pid := atoi(name)
		if pid <= 0 {
			continue
		}
		started, ok := f.known[pid]
		if !ok {
			p, alive := readStat(f.base(), pid)
			if alive && kindOf(p.comm) != "" && !f.isChild(p) {
				c.Fresh = append(c.Fresh, pid)
			}
			started = p.started
		}
		seen[pid] = started
	}
	f.known = seen
	slices.Sort(c.Gone)
	slices.Sort(c.Fresh)
	return c
}

// isChild reports whether the process was started by a daemon of its own kind.
func (f *Finder) isChild(p process) bool {
	parent, ok := readStat(f.base(), p.ppid)
	return ok && kindOf(parent.comm) == kindOf(p.comm)
}

// pids returns the start of each process in it by PID.
func (f Found) pids() map[int]uint64 {
	out := map[int]uint64{}
	for _, d := range f.Databases {
		out[d.PID] = d.Started
	}
	for _, w := range f.WebServers {
		out[w.PID] = w.Started
	}
	for _, p := range f.Pools {
		out[p.MasterPID] = p.Started
	}
	delete(out, 0) // from the override file alone
	return out
}
