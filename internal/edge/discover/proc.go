package discover

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/edge/webconf"
)

// process is one row of /proc that discovery looks at.
type process struct {
	pid, ppid int
	started   uint64 // clock ticks since boot
	comm      string
	args      []string
	exe       string // empty where it may not be read
	cwd       string
	tree      webconf.Tree // its files
	files     []openFile
	seesFiles bool // its open files could be read
}

// openFile is one link below /proc/PID/fd.
type openFile struct {
	fd     int
	target string // path, "socket:[123]", …; " (deleted)" is cut off
	inode  string // of a socket
}

// procs lists the processes below base, without their links.
func procs(base string) ([]process, error) {
	entries, err := os.ReadDir(base + "/proc")
	if err != nil {
		return nil, err
	}
	var out []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := readStat(base, pid); ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b process) int { return a.pid - b.pid })
	return out, nil
}

// readStat reads /proc/PID/stat; false if the process has ended.
func readStat(base string, pid int) (process, bool) {
	b, err := os.ReadFile(procPath(base, pid, "stat"))
	if err != nil {
		return process{}, false
	}
	open, shut := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || shut < open {
		return process{}, false
	}
	f := strings.Fields(string(b[shut+1:]))
	if len(f) < 20 || f[0] == "Z" {
		return process{}, false // a zombie runs nothing
	}
	p := process{pid: pid, comm: string(b[open+1 : shut])}
	p.ppid, _ = strconv.Atoi(f[1])
	p.started, _ = strconv.ParseUint(f[19], 10, 64)
	return p, true
}

func procPath(base string, pid int, name string) string {
	return base + "/proc/" + strconv.Itoa(pid) + "/" + name
}

// look reads the rest of a process that is worth it: arguments, program,
// directories and open files. It returns an error for the first thing that
// may not be read.
func (p *process) look(base string) error {
	if b, err := os.ReadFile(procPath(base, p.pid, "cmdline")); err == nil {
		p.args = splitArgs(b)
	}
	p.tree = processTree(base, p.pid)
	exe, err := os.Readlink(procPath(base, p.pid, "exe"))
	p.exe = strings.TrimSuffix(exe, " (deleted)")
	p.cwd, _ = os.Readlink(procPath(base, p.pid, "cwd"))
	entries, ferr := os.ReadDir(procPath(base, p.pid, "fd"))
	if ferr != nil {
		return ferr
	}
	p.seesFiles = true
	for _, e := range entries {
		if f, ok := readLink(procPath(base, p.pid, "fd"), e.Name()); ok {
			p.files = append(p.files, f)
		}
	}
	slices.SortFunc(p.files, func(a, b openFile) int { return a.fd - b.fd })
	return err
}

// splitArgs splits a command line. A process that rewrote its title leaves one
// string padded with zeros or blanks.
func splitArgs(b []byte) []string {
	s := strings.TrimRight(string(b), "\x00 ")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}

func readLink(dir, name string) (openFile, bool) {
	fd, err := strconv.Atoi(name)
	if err != nil {
		return openFile{}, false
	}
	to, err := os.Readlink(filepath.Join(dir, name))
	if err != nil {
		return openFile{}, false
	}
	f := openFile{fd: fd, target: strings.TrimSuffix(to, " (deleted)")}
	if in, ok := strings.CutPrefix(to, "socket:["); ok {
		f.inode = strings.TrimSuffix(in, "]")
	}
	return f, true
}

// processTree tells whether the process has another root than we have: a
// chroot or a container. A private /tmp alone does not count.
func processTree(base string, pid int) webconf.Tree {
	link := procPath("", pid, "root")
	st, err := os.Lstat(base + link)
	if err != nil {
		return webconf.Tree{Base: base}
	}
	if st.IsDir() { // a fixture of a container
		return webconf.Tree{Base: base, Root: link}
	}
	if to, err := os.Readlink(base + link); err == nil && to != "/" {
		return webconf.Tree{Base: base, Root: to}
	}
	if base != "" {
		return webconf.Tree{Base: base}
	}
	ours, err1 := os.Stat("/")
	theirs, err2 := os.Stat(link)
	if err1 == nil && err2 == nil && !os.SameFile(ours, theirs) {
		return webconf.Tree{Root: link}
	}
	return webconf.Tree{}
}

// seen returns the path by which the host sees a file that the process names,
// also when it lies in the process' private /tmp.
func (p *process) seen(name string) string {
	if name == "" || p.tree.Root != "" || p.tree.Base != "" {
		return p.tree.Host(name)
	}
	private := procPath("", p.pid, "root") + path.Clean("/"+name)
	if _, err := os.Lstat(name); err == nil {
		return name
	}
	if _, err := os.Lstat(private); err == nil {
		return private
	}
	return name
}

// program returns the last part of the program's path, or the command name where
// the path may not be read.
func (p *process) program() string {
	if p.exe != "" {
		return path.Base(p.exe)
	}
	return p.comm
}

// environ returns the environment that the process was started with; empty
// where it may not be read.
func (p *process) environ(base string) map[string]string {
	out := map[string]string{}
	b, err := os.ReadFile(procPath(base, p.pid, "environ"))
	if err != nil {
		return out
	}
	for kv := range strings.SplitSeq(string(b), "\x00") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			out[k] = v
		}
	}
	return out
}
