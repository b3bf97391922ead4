package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hirune/internal/core/apply"
)

// quotaFiles are the kernel's accounts of one control group's CPU quota, kept
// open: they are read very often.
type quotaFiles struct {
	root  string // "/sys/fs/cgroup"
	path  string // of the group below the mount; "" none was looked for
	stat  *os.File
	usage *os.File // of version 1; version 2 has it in stat
	quota apply.Quota
}

// follow opens the files of a group, or keeps them open.
func (q *quotaFiles) follow(path string) {
	if path == q.path {
		return
	}
	q.close()
	q.path = path
	if path == "" {
		return
	}
	if q.openV2(filepath.Join(q.root, path)) {
		return
	}
	for _, both := range []string{"cpu,cpuacct", "cpuacct,cpu"} {
		if q.openV1(filepath.Join(q.root, both, path), filepath.Join(q.root, both, path)) {
			return
		}
	}
	q.openV1(filepath.Join(q.root, "cpu", path), filepath.Join(q.root, "cpuacct", path))
}

func (q *quotaFiles) openV2(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "cpu.max"))
	w := bytes.Fields(text)
	if err != nil || len(w) != 2 {
		return false
	}
	return q.bound(w[1]) && q.keep(&q.stat, filepath.Join(dir, "cpu.stat"))
}

func (q *quotaFiles) openV1(cpu, acct string) bool {
	period, err := os.ReadFile(filepath.Join(cpu, "cpu.cfs_period_us"))
	if err != nil || !q.bound(period) || !q.keep(&q.stat, filepath.Join(cpu, "cpu.stat")) {
		return false
	}
	if !q.keep(&q.usage, filepath.Join(acct, "cpuacct.usage")) {
		_ = q.stat.Close()
		q.stat = nil
		return false
	}
	return true
}

func (q *quotaFiles) keep(at **os.File, path string) bool {
	f, err := os.Open(path)
	if err == nil {
		*at = f
	}
	return err == nil
}

// bound takes the length of a period, in microseconds.
func (q *quotaFiles) bound(us []byte) bool {
	n := number(us)
	q.quota = apply.Quota{Period: time.Duration(n) * time.Microsecond}
	return n > 0
}

// number is a whole number of a file of the kernel; -1 where it is none.
func number(b []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// read reads the accounts; false where there are none.
func (q *quotaFiles) read() (apply.Quota, bool) {
	if q.stat == nil {
		return apply.Quota{}, false
	}
	var buf [1024]byte
	n, _ := q.stat.ReadAt(buf[:], 0)
	out := q.quota
	out.Periods, out.Used = -1, -1
	for line := range bytes.Lines(buf[:n]) {
		name, value, _ := bytes.Cut(line, []byte(" "))
		switch string(name) {
		case "nr_periods":
			out.Periods = number(value)
		case "usage_usec":
			out.Used = time.Duration(number(value)) * time.Microsecond
		}
	}
	if q.usage != nil {
		n, _ := q.usage.ReadAt(buf[:], 0)
		out.Used = time.Duration(number(buf[:n]))
	}
	return out, out.Periods >= 0 && out.Used >= 0
}

func (q *quotaFiles) close() {
	for _, f := range []*os.File{q.stat, q.usage} {
		if f != nil {
			_ = f.Close() // it was only read
		}
	}
	q.stat, q.usage, q.path = nil, nil, ""
}
