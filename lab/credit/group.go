package credit

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const period = 100_000 // microseconds, the kernel's default

// Group is a control group that holds the whole machine played. It works on version 1 (cpu and cpuacct) and on version 2.
type Group struct {
	name      string
	cpu, acct string // the same directory on version 2 and where both are mounted together
	memory    string // empty without a limit
	v2        bool
}

// NewGroup makes a group of the given name. It needs root.
func NewGroup(name string) (*Group, error) {
	mounts, err := readMounts("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	g := &Group{name: name}
	switch {
	case mounts["cpu"] != "" && mounts["cpuacct"] != "":
		g.cpu, g.acct = filepath.Join(mounts["cpu"], name), filepath.Join(mounts["cpuacct"], name)
	case mounts["cgroup2"] != "":
		// The root hands the controller down only if asked; where it already does, this changes nothing.
		if err := os.WriteFile(filepath.Join(mounts["cgroup2"], "cgroup.subtree_control"), []byte("+cpu"), 0o644); err != nil {
			return nil, fmt.Errorf("hand the cpu controller down: %w", err)
		}
		g.cpu, g.v2 = filepath.Join(mounts["cgroup2"], name), true
		g.acct = g.cpu
	default:
		return nil, errors.New("no cgroup cpu controller is mounted")
	}
	for _, dir := range g.Dirs() {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("make the control group: %w", err), g.Remove())
		}
	}
	return g, nil
}

// readMounts finds where the controllers are, from a file like proc(5)'s mounts.
func readMounts(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the mounts: %w", err)
	}
	defer f.Close()
	out := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) < 4 {
			continue
		}
		if w[2] == "cgroup2" {
			out["cgroup2"] = w[1]
		}
		if w[2] == "cgroup" {
			for option := range strings.SplitSeq(w[3], ",") {
				if option == "cpu" || option == "cpuacct" || option == "memory" {
					out[option] = w[1]
				}
			}
		}
	}
	return out, lines.Err()
}

// Dirs are the group's directories.
func (g *Group) Dirs() []string {
	out := []string{g.cpu}
	if g.acct != g.cpu {
		out = append(out, g.acct)
	}
	if g.memory != "" && g.memory != g.cpu {
		out = append(out, g.memory)
	}
	return out
}

// LimitMemory gives everything in the group together so much memory, as "700M", and no swap. It is called before anything is started in it.
func (g *Group) LimitMemory(size string) error {
	mounts, err := readMounts("/proc/self/mounts")
	if err != nil {
		return err
	}
	if g.v2 {
		if err := write(mounts["cgroup2"], "cgroup.subtree_control", "+memory"); err != nil {
			return err
		}
		g.memory = g.cpu
		if err := write(g.memory, "memory.swap.max", "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return write(g.memory, "memory.max", size)
	}
	if mounts["memory"] == "" {
		return errors.New("limit the memory: no cgroup memory controller is mounted")
	}
	dir := filepath.Join(mounts["memory"], g.name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make the control group: %w", err)
	}
	g.memory = dir
	if err := write(dir, "memory.limit_in_bytes", size); err != nil {
		return err
	}
	if err := write(dir, "memory.memsw.limit_in_bytes", size); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Wrap gives a command line that starts argv inside the group, under the same PID.
func (g *Group) Wrap(argv []string) []string {
	var script strings.Builder
	for _, dir := range g.Dirs() {
		script.WriteString("echo $$ > " + dir + "/cgroup.procs && ")
	}
	return append([]string{"/bin/sh", "-c", script.String() + `exec "$@"`, "sh"}, argv...)
}

// SetCores caps the group; the quota is that of the whole group, not of each core.
func (g *Group) SetCores(cores float64) error {
	quota := strconv.Itoa(int(cores * period))
	if g.v2 {
		return write(g.cpu, "cpu.max", quota+" "+strconv.Itoa(period))
	}
	return errors.Join(write(g.cpu, "cpu.cfs_period_us", strconv.Itoa(period)), write(g.cpu, "cpu.cfs_quota_us", quota))
}

func write(dir, name, text string) error {
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// Used is the CPU the group has used so far, in core-seconds.
func (g *Group) Used() (float64, error) {
	name, unit := "cpuacct.usage", 1e9
	if g.v2 {
		name, unit = "cpu.stat", 1e6
	}
	text, err := os.ReadFile(filepath.Join(g.acct, name))
	if err != nil {
		return 0, fmt.Errorf("read the group's use: %w", err)
	}
	number := strings.TrimSpace(string(text))
	if g.v2 {
		number = field(number, "usage_usec")
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("read the group's use: %w", err)
	}
	return n / unit, nil
}

// field picks a value out of lines of name and value.
func field(text, name string) string {
	for l := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(l), " "); ok && k == name {
			return v
		}
	}
	return ""
}

// ThrottledMs is how long the group has been held back so far, in milliseconds.
func (g *Group) ThrottledMs() float64 {
	text, err := os.ReadFile(filepath.Join(g.cpu, "cpu.stat"))
	if err != nil {
		return 0
	}
	name, unit := "throttled_time", 1e6
	if g.v2 {
		name, unit = "throttled_usec", 1e3
	}
	n, _ := strconv.ParseFloat(field(string(text), name), 64)
	return n / unit
}

// Remove kills what is still in the group, which is nothing after an orderly end, and removes it.
func (g *Group) Remove() error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := g.members()
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		var errs []error
		for _, dir := range g.Dirs() {
			if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		if len(errs) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("remove the control group: %w", errors.Join(errs...))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (g *Group) members() []int {
	var out []int
	for _, dir := range g.Dirs() {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue
		}
		for w := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(w); err == nil {
				out = append(out, pid)
			}
		}
	}
	return out
}
