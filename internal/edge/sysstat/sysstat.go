// Package sysstat reads what the system's own accounting kept of the machine:
// CPU, memory and disks every ten minutes, for a week or a month, where the
// package sysstat is installed and was switched on.
//
// It asks sadf, which knows the format of every version of the files, and reads
// its JSON.
package sysstat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"hirune/internal/core/evidence"
)

// Dirs are where the daily files are.
var Dirs = []string{"/var/log/sysstat", "/var/log/sa"}

const (
	filesMost = 31
	perFile   = 10 * time.Second
	textMost  = 64 << 20 // bytes that sadf may print of one file
)

// Host is the state of the machine at the end of an interval.
type Host struct {
	At   time.Time
	Fact evidence.Host
}

// Files are the daily files in a directory that were written since, oldest first.
func Files(dir string, since time.Time) []string {
	type aged struct {
		path string
		at   time.Time
	}
	var found []aged
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		fi, err := e.Info()
		if ok, _ := filepath.Match("sa[0-9]*", e.Name()); !ok || err != nil || !fi.Mode().IsRegular() || fi.ModTime().Before(since) {
			continue
		}
		found = append(found, aged{filepath.Join(dir, e.Name()), fi.ModTime()})
	}
	slices.SortFunc(found, func(a, b aged) int { return a.at.Compare(b.at) })
	var out []string
	for _, f := range found[max(0, len(found)-filesMost):] {
		out = append(out, f.path)
	}
	return out
}

// Sadf is the path of the program that reads the files, or "" where it is not installed.
func Sadf() string {
	path, err := exec.LookPath("sadf")
	if err != nil {
		return ""
	}
	return path
}

// Read asks sadf for what one daily file holds. The error wraps
// evidence.ErrAbsent where there is no sadf.
func Read(ctx context.Context, sadf, file string, each func(Host)) error {
	ctx, cancel := context.WithTimeout(ctx, perFile)
	defer cancel()
	cmd := exec.CommandContext(ctx, sadf, "-j", file, "--", "-u", "-r", "ALL", "-S", "-q", "-b", "-d", "-W")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("ask sadf for %s: %w", file, err)
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			err = fmt.Errorf("%w: %w", evidence.ErrAbsent, err)
		}
		return fmt.Errorf("ask sadf for %s: %w", file, err)
	}
	bad := Parse(io.LimitReader(out, textMost), each)
	_, _ = io.Copy(io.Discard, out) // sadf is not to be stopped by a full pipe
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("ask sadf for %s: %w", file, err)
	}
	if bad != nil {
		return fmt.Errorf("read what sadf says of %s: %w", file, bad)
	}
	return nil
}

// statistic is one interval as sadf tells it.
type statistic struct {
	Timestamp struct {
		Date, Time string
		UTC        int
		Interval   float64
	}
	CPU []struct {
		CPU                                     string
		Usr, User, Nice, Sys, System, Irq, Soft float64
		Iowait, Steal, Idle, Guest              float64
	} `json:"cpu-load"`
	Swap struct {
		In  float64 `json:"pswpin"`
		Out float64 `json:"pswpout"`
	} `json:"swap-pages"`
	IO struct {
		Reads struct {
			Ops    float64 `json:"rtps"`
			Blocks float64 `json:"bread"`
		} `json:"io-reads"`
		Writes struct {
			Ops    float64 `json:"wtps"`
			Blocks float64 `json:"bwrtn"`
		} `json:"io-writes"`
	} `json:"io"`
	Memory struct {
		Free    int64   `json:"memfree"`
		Avail   int64   `json:"avail"`
		Used    int64   `json:"memused"`
		UsedPct float64 `json:"memused-percent"`
		Buffers int64   `json:"buffers"`
		Cached  int64   `json:"cached"`
		Slab    int64   `json:"slab"`
		SwpFree int64   `json:"swpfree"`
		SwpUsed int64   `json:"swpused"`
	} `json:"memory"`
	Queue struct {
		Running int     `json:"runq-sz"`
		Load1   float64 `json:"ldavg-1"`
		Blocked int     `json:"blocked"`
	} `json:"queue"`
	Disk []struct {
		Util float64 `json:"util-percent"`
	} `json:"disk"`
}

// Parse reads the answer of sadf -j and hands out one state of the machine for
// each interval. It keeps one interval in memory.
func Parse(r io.Reader, each func(Host)) error {
	d := json.NewDecoder(r)
	cpus := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t {
		case "number-of-cpus":
			if err := d.Decode(&cpus); err != nil {
				return err
			}
		case "statistics":
			if t, err = d.Token(); err != nil || t != json.Delim('[') {
				return errors.Join(err, errors.New("statistics is no list"))
			}
			for d.More() {
				var s statistic
				if err := d.Decode(&s); err != nil {
					return err
				}
				if h, ok := s.host(cpus); ok {
					each(h)
				}
			}
		}
	}
}

// Bounds of what is believed.
const (
	cpusMost     = 4096
	intervalMost = 24 * 3600 // s
)

// host turns rates and shares into the amounts of the interval.
func (s statistic) host(cpus int) (Host, bool) {
	loc := time.Local
	if s.Timestamp.UTC == 1 {
		loc = time.UTC
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", s.Timestamp.Date+" "+s.Timestamp.Time, loc)
	over := s.Timestamp.Interval
	if err != nil || cpus < 1 || cpus > cpusMost || over <= 0 || over > intervalMost || len(s.CPU) == 0 {
		return Host{}, false
	}
	c := s.CPU[0]
	if c.CPU != "all" && c.CPU != "-1" {
		return Host{}, false
	}
	ms := func(share float64) int64 { return int64(min(max(share, 0), 100) / 100 * over * 1000 * float64(cpus)) }
	f := evidence.Host{
		OverMs: int64(over * 1000), CPUs: cpus, UserMs: ms(c.Usr + c.User + c.Nice + c.Guest), SystemMs: ms(c.Sys + c.System + c.Irq + c.Soft),
		IdleMs: ms(c.Idle), IowaitMs: ms(c.Iowait), StealMs: ms(c.Steal),
		Load1: s.Queue.Load1, Runnable: s.Queue.Running, Blocked: s.Queue.Blocked,
		MemTotalKB: s.memory(), MemAvailKB: max(s.Memory.Avail, s.Memory.Free, 0),
		SwapKB: max(s.Memory.SwpFree, 0) + max(s.Memory.SwpUsed, 0), SwapFreeKB: max(s.Memory.SwpFree, 0),
		SwapInKB: amount(s.Swap.In*pageKB, over), SwapOutKB: amount(s.Swap.Out*pageKB, over),
		ReadKB: amount(s.IO.Reads.Blocks/2, over), WriteKB: amount(s.IO.Writes.Blocks/2, over),
		ReadOps: amount(s.IO.Reads.Ops, over), WriteOps: amount(s.IO.Writes.Ops, over),
	}
	for _, d := range s.Disk {
		f.DiskBusyMs = max(f.DiskBusyMs, int64(min(max(d.Util, 0), 100)/100*over*1000))
	}
	return Host{at.UTC(), f}, true
}

// memory is the size of the memory in KB. What counts as used changed with the
// versions of sysstat: its share tells which of the two sums is meant.
func (s statistic) memory() int64 {
	m := s.Memory
	plain := max(m.Free, 0) + max(m.Used, 0)
	whole := plain + max(m.Buffers, 0) + max(m.Cached, 0) + max(m.Slab, 0)
	if m.UsedPct <= 0 {
		return whole
	}
	said := int64(float64(m.Used) / m.UsedPct * 100)
	if max(said-plain, plain-said) < max(said-whole, whole-said) {
		return plain
	}
	return whole
}

const pageKB = 4

// amount is a rate a second over an interval; 0 for what no machine does.
func amount(rate, over float64) int64 {
	if !(rate > 0 && rate < 1e12) {
		return 0
	}
	return int64(rate * over)
}
