package collectors

import (
	"path"
	"strconv"
	"strings"
)

// lineMost bounds the ancestors that are told.
const lineMost = 8

// lineOf names the ancestors of a process from the topmost below init down to
// its parent, by program: "cron/cron/sh".
func (t *Table) lineOf(p *proc) string {
	var up []string
	for p = t.byPID[p.ppid]; p != nil && p.pid > 1 && len(up) < lineMost; p = t.byPID[p.ppid] {
		up = append([]string{strings.ReplaceAll(p.comm, "/", "_")}, up...)
	}
	return strings.Join(up, "/")
}

// unitOf is the systemd unit that a process runs in, from its control group; ""
// where there is none.
func (t *Table) unitOf(p *proc) string {
	if p.unitRead {
		return p.unit
	}
	p.unitRead = true
	b, err := t.raw.read(rooted(t.Root, "/proc/"+strconv.Itoa(p.pid)+"/cgroup"))
	if err != nil {
		return ""
	}
	p.unit = unitIn(b)
	return p.unit
}

// unitIn finds the unit in /proc/PID/cgroup: "…:/system.slice/mariadb.service".
func unitIn(cgroup []byte) string {
	unit := ""
	procLines(cgroup, func(line []byte) {
		if name := path.Base(string(line)); strings.HasSuffix(name, ".service") && strings.Contains(string(line), "system.slice/") {
			unit = name
		}
	})
	return unit
}

// ageOf is how long a process has run, in seconds.
func (t *Table) ageOf(p *proc) int64 {
	b, err := t.raw.read(rooted(t.Root, "/proc/uptime"))
	if err != nil {
		return 0
	}
	return max(0, procInt(b)-int64(p.started)*tickMs/1000)
}
