package collectors

import (
	"bytes"
	"context"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
)

// cgroupEvery is how often a control group without a quota is reported.
const cgroupEvery = time.Minute

// Cgroups reads CPU quota, throttling and memory of the control groups that hold
// the services, and of those around them: a limit there holds for them too.
type Cgroups struct {
	Table *Table
	Root  string // prefix of /proc and /sys; "" or "/" for this host

	raw    procReader
	groups map[string]*cgroup // by directory of the CPU controller
	looked time.Time          // when the services' groups were last looked up
	scan   any                // the discovery that they belong to
	v2     bool
	mount  string // where the CPU controller is
	acct   string // where CPU use is counted (v1)
	mem    string // where the memory controller is; empty without one
}

// cgroup is one directory with its counters.
type cgroup struct {
	name                     string // below the mount
	at, told                 time.Time
	usedUs, count, stalledUs int64
	memory                   groupMemory
}

// Name implements collect.Collector.
func (*Cgroups) Name() string { return "cgroup" }

// Blinds implements collect.Blinder.
func (*Cgroups) Blinds() string {
	return "CPU and memory limits of the services, and whether they bite"
}

// Collect emits one evidence.Cgroup for each group with a quota or whose memory is
// tight, and once a minute for the others. The first call emits nothing.
func (c *Cgroups) Collect(_ context.Context, b *collect.Beat) error {
	if err := c.lookUp(b.Now); err != nil {
		return err
	}
	names := make([]string, 0, len(c.groups))
	for name := range c.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c.one(b, c.groups[name])
	}
	return nil
}

func (c *Cgroups) one(b *collect.Beat, g *cgroup) {
	quota, ok := c.quota(g.name)
	if !ok {
		delete(c.groups, g.name) // it was removed
		return
	}
	now := cgroup{name: g.name, at: b.Now, told: g.told, usedUs: -1}
	c.stat(&now)
	old := *g
	f := evidence.Cgroup{OverMs: b.Now.Sub(old.at).Milliseconds(), Path: g.name, QuotaCPUs: quota, UsedMs: -1}
	f.Throttled, f.ThrottledMs = grew(now.count, old.count), grew(now.stalledUs, old.stalledUs)/1000
	if now.usedUs >= 0 && old.usedUs >= 0 {
		f.UsedMs = grew(now.usedUs, old.usedUs) / 1000
	}
	tight := c.memory(g, b.Now, &f)
	limited := quota > 0 || f.Throttled > 0 || tight
	if !limited && b.Now.Sub(old.told) < cgroupEvery && !old.at.IsZero() {
		return // its amounts go on to count until it is told
	}
	now.told, now.memory = b.Now, g.memory
	*g = now
	if !old.at.IsZero() && f.OverMs > 0 {
		b.Emit(f)
	}
}

// quota returns the CPUs that the group may use, -1 without a limit; false if
// there is no such group.
//
//	v1 cpu.cfs_quota_us "20000", cpu.cfs_period_us "100000"; no limit is -1
//	v2 cpu.max          "20000 100000"; no limit is "max 100000"; the root has none
func (c *Cgroups) quota(name string) (float64, bool) {
	dir := path.Join(c.mount, name)
	if !c.v2 && c.mem != "" {
		if _, err := os.Stat(dir); err != nil { // a group of the memory controller alone
			_, err := os.Stat(path.Join(c.mem, name))
			return -1, err == nil
		}
	}
	if c.v2 {
		b, err := c.raw.read(dir + "/cpu.max")
		if err != nil {
			_, err := os.Stat(dir)
			return -1, err == nil
		}
		w := procFields{b}
		quota, period := w.next(), w.int()
		if string(quota) == "max" || period <= 0 {
			return -1, true
		}
		return float64(procInt(quota)) / float64(period), true
	}
	b, err := c.raw.read(dir + "/cpu.cfs_quota_us")
	if err != nil {
		_, err := os.Stat(dir)
		return -1, err == nil
	}
	quota := procInt(b)
	b, err = c.raw.read(dir + "/cpu.cfs_period_us")
	if period := procInt(b); err == nil && quota > 0 && period > 0 {
		return float64(quota) / float64(period), true
	}
	return -1, true
}

// stat reads cpu.stat: "nr_throttled 12", then throttled_time in ns (v1) or
// throttled_usec with usage_usec (v2). v1 counts use in cpuacct.usage, ns.
func (c *Cgroups) stat(g *cgroup) {
	b, err := c.raw.read(path.Join(c.mount, g.name, "cpu.stat"))
	if err == nil {
		procLines(b, func(line []byte) {
			w := procFields{line}
			switch string(w.next()) {
			case "nr_throttled":
				g.count = w.int()
			case "throttled_time":
				g.stalledUs = w.int() / 1000
			case "throttled_usec":
				g.stalledUs = w.int()
			case "usage_usec":
				g.usedUs = w.int()
			}
		})
	}
	if !c.v2 && c.acct != "" {
		if b, err := c.raw.read(path.Join(c.acct, g.name, "cpuacct.usage")); err == nil {
			g.usedUs = procInt(b) / 1000
		}
	}
}

// processesOld is how old the list of processes may be; longer than the slowest
// cadence of the collectors that read it.
const processesOld = 12 * time.Second

// lookUp finds the services' groups when discovery found something else, and
// each minute: a service may be moved.
func (c *Cgroups) lookUp(now time.Time) error {
	t := c.Table
	t.mu.Lock()
	defer t.mu.Unlock()
	// Which processes there are may be a little old: the groups change seldom,
	// and under a CPU cap a walk over all processes each second is too much.
	if now.Sub(t.at) > processesOld || now.Before(t.at) || t.byPID == nil {
		if err := t.scan(now); err != nil {
			return err
		}
	}
	if c.scan == t.found && c.groups != nil && now.Sub(c.looked) < time.Minute {
		return nil
	}
	if !c.findMount() {
		return notHere(os.ErrNotExist, "no-cgroup", "mount the cpu controller of cgroups, or do without: throttling of a container is then not seen")
	}
	c.scan, c.looked = t.found, now
	wanted := map[string]bool{}
	for _, g := range t.groups {
		b, _ := c.raw.read(rooted(c.Root, "/proc/"+strconv.Itoa(g.pid)+"/cgroup"))
		for _, name := range c.namesIn(b) {
			for ; name != "/" && name != "."; name = path.Dir(name) {
				wanted[name] = true
			}
			wanted["/"] = true
		}
	}
	c.keep(wanted)
	return nil
}

func (c *Cgroups) keep(wanted map[string]bool) {
	if c.groups == nil {
		c.groups = map[string]*cgroup{}
	}
	for name := range c.groups {
		if !wanted[name] {
			delete(c.groups, name)
		}
	}
	for name := range wanted {
		if c.groups[name] == nil {
			c.groups[name] = &cgroup{name: name, usedUs: -1}
		}
	}
}

// namesIn finds the groups of the CPU and memory controllers in /proc/PID/cgroup:
//
//	4:cpu,cpuacct:/system.slice/mariadb.service
//	0::/system.slice/mariadb.service
func (c *Cgroups) namesIn(b []byte) []string {
	var found []string
	procLines(b, func(line []byte) {
		parts := bytes.SplitN(line, []byte(":"), 3)
		if len(parts) < 3 {
			return
		}
		controllers := strings.Split(string(parts[1]), ",")
		ours := slices.Contains(controllers, "cpu") || c.mem != "" && slices.Contains(controllers, "memory")
		if name := string(parts[2]); (c.v2 && len(parts[1]) == 0 || !c.v2 && ours) && !strings.Contains(name, "..") { // that is outside of what this namespace sees
			found = append(found, name)
		}
	})
	return found
}

// findMount finds the CPU controller below /sys/fs/cgroup.
func (c *Cgroups) findMount() bool {
	base := rooted(c.Root, "/sys/fs/cgroup")
	if _, err := os.Stat(base + "/cgroup.controllers"); err == nil {
		c.v2, c.mount = true, base
		c.findMemory(base)
		return true
	}
	for _, d := range []string{"cpu,cpuacct", "cpuacct,cpu", "cpu"} {
		if _, err := os.Stat(path.Join(base, d)); err == nil {
			c.mount = path.Join(base, d)
			break
		}
	}
	for _, d := range []string{"cpu,cpuacct", "cpuacct,cpu", "cpuacct"} {
		if _, err := os.Stat(path.Join(base, d)); err == nil {
			c.acct = path.Join(base, d)
			break
		}
	}
	c.findMemory(base)
	return c.mount != ""
}
