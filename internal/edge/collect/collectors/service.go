package collectors

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/collect"
)

const (
	downEvery    = 10 * time.Second // how often a service that is down is told
	upEvery      = time.Minute      // and one that is up
	enabledEvery = time.Minute      // how often the enabled services are read
	restartSpan  = 10 * time.Minute // over which restarts are counted
)

// ServiceHint says that a service should run here and does not: for example a
// site's configuration names a database whose socket does not answer.
type ServiceHint struct {
	Service  string // evidence.ServiceDatabase, …
	Instance string
	Detail   string // e.g. the error of the connection; no secrets
}

// Services tells whether each service of this host is up: those that were seen
// running, and those that are set up to run.
type Services struct {
	Table  *Table
	Root   string               // prefix of /proc, /etc and /opt
	Expect func() []ServiceHint // what should run, by others; nil: nothing

	known    map[serviceKey]*serviceMemory
	expected []expectedService
	readAt   time.Time // of expected
	raw      procReader
}

type serviceKey struct{ service, instance string }

// serviceMemory is what is known of a service since the recorder began.
type serviceMemory struct {
	pid      int
	up       bool
	told     time.Time
	unit     string // systemd unit, if it had one
	program  string
	restarts []time.Time // when the process changed
	how      string
	detail   string
}

// Name implements collect.Collector.
func (*Services) Name() string { return "service" }

// Blinds implements collect.Blinder.
func (*Services) Blinds() string {
	return "which services are up"
}

// Collect emits an evidence.ServiceState when something changed, else each ten
// seconds while a service is down and each minute while it is up.
func (c *Services) Collect(_ context.Context, b *collect.Beat) error {
	t := c.Table
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.scan(b.Now); err != nil {
		return err
	}
	if t.found == nil {
		return nil
	}
	if c.known == nil {
		c.known = map[serviceKey]*serviceMemory{}
	}
	up := map[serviceKey]bool{}
	for _, g := range t.groups {
		if p := t.byPID[g.pid]; p != nil && p.state != 'Z' {
			up[serviceKey{g.service, g.instance}] = true
			c.seen(b.Now, serviceKey{g.service, g.instance}, p)
		}
	}
	c.replaced(up)
	c.expect(b.Now, up)
	for _, k := range sortedKeys(c.known) {
		c.tell(b, k, up[k])
	}
	return nil
}

// seen takes a service that runs.
func (c *Services) seen(now time.Time, k serviceKey, p *proc) {
	m := c.known[k]
	if m == nil {
		m = &serviceMemory{}
		c.known[k] = m
	}
	if m.pid == p.pid && m.up {
		return
	}
	if m.pid != 0 && m.pid != p.pid {
		m.restarts = append(m.restarts, now)
	}
	m.pid, m.program, m.how, m.detail = p.pid, p.comm, "process", ""
	m.unit = c.unitOf(p.pid)
}

// replaced forgets a service that is gone when one of its kind has appeared
// under a name that is new: it was moved to another port.
func (c *Services) replaced(up map[serviceKey]bool) {
	for k := range up {
		if m := c.known[k]; !m.told.IsZero() {
			continue
		}
		for old, m := range c.known {
			if old.service == k.service && old != k && !up[old] && !m.told.IsZero() {
				delete(c.known, old)
			}
		}
	}
}

// expect adds services that should run and were never seen.
func (c *Services) expect(now time.Time, up map[serviceKey]bool) {
	if now.Sub(c.readAt) >= enabledEvery || c.readAt.IsZero() {
		c.expected, c.readAt = enabledServices(c.Root, c.Table.found), now
	}
	list := slices.Clone(c.expected)
	if c.Expect != nil {
		for _, h := range c.Expect() {
			list = append(list, expectedService{service: h.Service, instance: h.Instance, how: "socket", detail: h.Detail})
		}
	}
	wanted := map[serviceKey]bool{}
	for _, e := range list {
		if c.everSeen(e.service) {
			continue // its own entry tells what became of it
		}
		k := serviceKey{e.service, e.instance}
		wanted[k] = true
		if c.known[k] == nil {
			c.known[k] = &serviceMemory{how: e.how, unit: e.unit, program: e.program, detail: e.detail, up: true}
		}
	}
	for k, m := range c.known {
		if m.pid == 0 && !wanted[k] {
			delete(c.known, k)
		}
	}
}

// everSeen reports whether a service of the kind has run since we watch.
func (c *Services) everSeen(service string) bool {
	for k, m := range c.known {
		if k.service == service && m.pid != 0 {
			return true
		}
	}
	return false
}

// tell emits the state if it changed or is due.
func (c *Services) tell(b *collect.Beat, k serviceKey, up bool) {
	m := c.known[k]
	every := upEvery
	if !up {
		every = downEvery
	}
	restarted := len(m.restarts) > 0 && m.restarts[len(m.restarts)-1].Equal(b.Now)
	if m.up == up && !m.told.IsZero() && !restarted && b.Now.Sub(m.told) < every {
		return
	}
	m.up, m.told = up, b.Now
	f := evidence.ServiceState{Service: k.service, Instance: k.instance, Up: up, How: m.how, Detail: m.detail, Start: c.start(k.service, m)}
	if p := c.Table.byPID[m.pid]; up && p != nil {
		f.PID, f.UptimeS = m.pid, c.Table.ageOf(p)
	}
	m.restarts = slices.DeleteFunc(m.restarts, func(t time.Time) bool { return b.Now.Sub(t) > restartSpan })
	if n := len(m.restarts); n > 0 {
		f.Detail = strings.TrimPrefix(fmt.Sprintf("%s; restarted %d times in 10 min", f.Detail, n), "; ")
	}
	b.Emit(f)
}

// unitOf returns the systemd unit that a process belongs to, from its control
// group: "…:/system.slice/mariadb.service".
func (c *Services) unitOf(pid int) string {
	b, err := c.raw.read(rooted(c.Root, "/proc/"+strconv.Itoa(pid)+"/cgroup"))
	if err != nil {
		return ""
	}
	return unitIn(b)
}

// start returns the command that starts a service here, or "".
func (c *Services) start(service string, m *serviceMemory) string {
	f := c.Table.found
	switch {
	case f.Manager == "bitnami":
		if name := bitnamiName(c.Root, service); name != "" {
			return "sudo " + f.Bitnami + " start " + name
		}
	case m.unit != "":
		return "sudo systemctl start " + strings.TrimSuffix(m.unit, ".service")
	case f.Manager == "systemd" && unitNames[m.program] != "":
		return "sudo systemctl start " + unitNames[m.program]
	}
	return ""
}

func sortedKeys(m map[serviceKey]*serviceMemory) []serviceKey {
	out := make([]serviceKey, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b serviceKey) int {
		if d := strings.Compare(a.service, b.service); d != 0 {
			return d
		}
		return strings.Compare(a.instance, b.instance)
	})
	return out
}

var _ collect.Collector = (*Services)(nil)
