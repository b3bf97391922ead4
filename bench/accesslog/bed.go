package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hirune/lab/weblog"
)

// bed holds the logs and runs the tools.
type bed struct {
	opt    options
	self   string
	stderr io.Writer
}

// run is one run of one tool.
type run struct {
	Tool    string  `json:"tool"`
	Lines   int64   `json:"lines"`
	Bytes   int64   `json:"bytes"`
	WallS   float64 `json:"wall_s"`
	CPUS    float64 `json:"cpu_s"`
	PeakMB  float64 `json:"peak_mb"`
	Clients int64   `json:"clients,omitempty"`
}

// tool is a command that reads the log given to it.
type tool struct {
	name  string
	log   string
	lines int64
	argv  []string
	ok    []int // exit codes that are no failure, besides 0
}

// file is a log with what it holds.
type file struct {
	path  string
	truth weblog.Truth
}

// log writes a log, or takes the one that an earlier run wrote.
func (b *bed) log(ctx context.Context, name string, o weblog.Options) (file, error) {
	f := file{path: filepath.Join(b.opt.out, name)}
	o.Seed = b.opt.seed
	if text, err := os.ReadFile(f.path + ".json"); err == nil && json.Unmarshal(text, &f.truth) == nil && f.truth.Lines == o.Lines && f.truth.Seed == o.Seed {
		if fi, err := os.Stat(f.path); err == nil && fi.Size() == f.truth.Bytes {
			return f, nil
		}
	}
	fmt.Fprintf(b.stderr, "writing %d lines to %s\n", o.Lines, f.path)
	to, err := os.Create(f.path)
	if err != nil {
		return f, err
	}
	f.truth, err = weblog.Write(ctx, to, o)
	if err = errors.Join(err, to.Close()); err != nil {
		return f, err
	}
	text, err := json.Marshal(f.truth)
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(f.path+".json", text, 0o644)
}

// head writes the first lines of a log to a file of their own, for tools that take too long for all.
func (b *bed) head(f file, lines int64) (path string, err error) {
	path = fmt.Sprintf("%s.%d", f.path, lines)
	from, err := os.Open(f.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	r, w := bufio.NewReader(from), bufio.NewWriter(to)
	for range lines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if _, err := w.Write(line); err != nil {
			return "", err
		}
	}
	return path, w.Flush()
}

// measure runs a tool once.
func (b *bed) measure(ctx context.Context, t tool) (run, error) {
	if err := warm(t.log); err != nil {
		return run{}, err
	}
	fi, err := os.Stat(t.log)
	if err != nil {
		return run{}, err
	}
	// A process begins with the memory of who started it as its largest: time is small.
	peak := filepath.Join(b.opt.out, "peak")
	c := exec.CommandContext(ctx, "/usr/bin/time", append([]string{"-q", "-o", peak, "-f", "%M"}, t.argv...)...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	began := time.Now()
	out, err := c.CombinedOutput()
	wall := time.Since(began)
	if err != nil && !slices.Contains(t.ok, c.ProcessState.ExitCode()) {
		return run{}, fmt.Errorf("run %s: %w: %.300s", t.name, err, out)
	}
	text, err := os.ReadFile(peak)
	if err != nil {
		return run{}, err
	}
	kb, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return run{}, fmt.Errorf("read what time says: %w", err)
	}
	r := run{Tool: t.name, Lines: t.lines, Bytes: fi.Size(), WallS: wall.Seconds(), CPUS: (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), PeakMB: kb / 1024}
	fmt.Fprintf(b.stderr, "%-34s %9d lines %8.2f s %8.2f CPU s %8.1f MB\n", r.Tool, r.Lines, r.WallS, r.CPUS, r.PeakMB)
	return r, nil
}

// warm brings a file into the page cache.
func warm(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(io.Discard, f)
	return err
}

// turns runs all tools as often as asked for, one after the other in each round: a slow minute of the machine hits all of them.
func (b *bed) turns(ctx context.Context, tools []tool) (out []run, err error) {
	for range b.opt.times {
		for _, t := range tools {
			if !b.opt.wants(t.name) {
				continue
			}
			r, err := b.measure(ctx, t)
			if err != nil {
				return out, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}
