package webserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/webconf"
)

// process is the parent of a web server.
type process struct {
	pid, ppid int
	exe       string // program; where it was replaced on disk, the new one's path
	args      []string
	cwd       string
	env       []string
	elsewhere bool // it sees other files than we do
}

// processAt reads a process below proc.
func processAt(proc string, pid int) (process, error) {
	dir := filepath.Join(firstOf(proc, "/proc"), strconv.Itoa(pid))
	p := process{pid: pid}
	exe, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		return p, fmt.Errorf("find its program: %w", err)
	}
	p.exe = strings.TrimSuffix(exe, " (deleted)")
	b, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return p, fmt.Errorf("read its arguments: %w", err)
	}
	if s := strings.TrimRight(string(b), "\x00 "); s != "" {
		p.args = strings.Split(s, "\x00")
	}
	p.cwd, _ = os.Readlink(filepath.Join(dir, "cwd"))
	if b, err := os.ReadFile(filepath.Join(dir, "environ")); err == nil {
		p.env = slices.DeleteFunc(strings.Split(string(b), "\x00"), func(s string) bool { return !strings.Contains(s, "=") })
	}
	p.ppid = parentOf(dir)
	p.elsewhere = otherRoot(filepath.Join(dir, "root"))
	return p, nil
}

// parentOf reads the parent's process id from a process' stat; 0 unknown.
func parentOf(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}

// otherRoot reports whether a process has another root directory than we have.
func otherRoot(link string) bool {
	ours, err1 := os.Stat("/")
	theirs, err2 := os.Stat(link)
	return err1 == nil && err2 == nil && !os.SameFile(ours, theirs)
}

// test is the command that tests the configuration, with what the parent was
// started with and the variables that Debian's configuration is made of: the
// plan can be tried by hand.
func (p process) test(server string) []string {
	out := []string{}
	if server == evidence.ServiceNginx {
		return append(append(out, p.exe, "-t"), nginxFlags(p.args)...)
	}
	for _, kv := range p.env {
		if strings.HasPrefix(kv, "APACHE_") && !strings.HasPrefix(kv, "APACHE_STARTED_BY_") {
			out = append(out, kv)
		}
	}
	if slices.Sort(out); len(out) > 0 {
		out = append([]string{"env"}, out...)
	}
	return append(append(out, p.exe, "-t"), apacheFlags(p.args)...)
}

// apacheFlags are the arguments that say which configuration is read.
func apacheFlags(args []string) []string {
	var out []string
	for i := 1; i < len(args); i++ {
		a := args[i]
		if len(a) < 2 || a[0] != '-' || !strings.ContainsRune("dfDCc", rune(a[1])) {
			continue
		}
		out = append(out, a)
		if len(a) == 2 && i+1 < len(args) {
			i++
			out = append(out, args[i])
		}
	}
	return out
}

// nginxFlags are the same for nginx, which rewrites its title, so that its
// arguments stand in one string. Only -g takes a value with blanks.
func nginxFlags(args []string) []string {
	args = webconf.NginxArgs(args)
	var out []string
	for i := 1; i < len(args); i++ {
		a := args[i]
		if len(a) < 2 || a[0] != '-' || !strings.ContainsRune("pceg", rune(a[1])) {
			continue
		}
		value := a[2:]
		for value == "" && i+1 < len(args) || a[1] == 'g' && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value = strings.TrimSpace(value + " " + args[i])
		}
		out = append(out, a[:2], value)
	}
	return out
}

// signalOf is the signal that reloads gracefully.
// Source: Apache 2.4 manual, Stopping and Restarting; nginx, Controlling nginx.
func signalOf(server string) string {
	if server == evidence.ServiceNginx {
		return "HUP"
	}
	return "USR1"
}

// bare is a test command without the variables that were set for it.
func bare(test []string) []string {
	if len(test) == 0 || test[0] != "env" {
		return test
	}
	i := slices.IndexFunc(test[1:], func(s string) bool { return !strings.Contains(s, "=") })
	return test[1+max(i, 0):]
}

var errNotRunning = errors.New("the web server that the plan was made for does not run")

// find returns the parent of the server that a step was planned for: by its
// process id, or after a restart by its program and arguments.
func find(proc, server string, pid int, test []string) (process, error) {
	want := bare(test)
	same := func(p process) bool { return !p.elsewhere && slices.Equal(bare(p.test(server)), want) }
	if p, err := processAt(proc, pid); err == nil && same(p) {
		return p, nil
	}
	entries, err := os.ReadDir(firstOf(proc, "/proc"))
	if err != nil {
		return process{}, fmt.Errorf("list processes: %w", err)
	}
	var found []process
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, err := processAt(proc, id)
		if err != nil || !same(p) {
			continue
		}
		if up, err := processAt(proc, p.ppid); err == nil && up.exe == p.exe {
			continue // a worker
		}
		found = append(found, p)
	}
	switch {
	case len(found) == 0:
		return process{}, errNotRunning
	case len(found) > 1:
		return process{}, fmt.Errorf("%d web servers run with the same program and arguments", len(found))
	}
	return found[0], nil
}
