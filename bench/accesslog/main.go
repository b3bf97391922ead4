// Command accesslog measures how fast access logs are read, hirune beside others, on the same log in the same run.
//
//	go build -o bin/hirune ./cmd/hirune
//	go run ./bench/accesslog --hirune bin/hirune --lines 5000000 --times 3 --out DIR
//
// The log is written by lab/weblog: a week of a site with visitors, machines, staff and attacks. Each tool runs alone, in turns, from the page
// cache. CPU and the largest resident set are the kernel's own figures for the process and its children; on a shared machine take CPU, not
// the clock. It prints tables in Markdown and writes all runs to DIR/accesslog.json.
//
// Tools that are not there are left out and named. To have them: apt-get install goaccess fail2ban, and bench/accesslog/crowdsec.sh DIR with
// --crowdsec DIR.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() { os.Exit(mainExit(os.Args[1:], os.Stdout, os.Stderr)) }

func mainExit(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var err error
	if len(args) > 0 && args[0] == "scan" {
		err = scan(ctx, args[1:], stdout)
	} else {
		err = bench(ctx, args, stdout, stderr)
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "accesslog: error:", err)
	}
	return 2
}

// options are what is measured.
type options struct {
	hirune, crowdsec, out string
	lines, distinct       int64
	times                 int
	seed                  uint64
	only                  string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("accesslog", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&o.hirune, "hirune", "bin/hirune", "the program to measure")
	set.StringVar(&o.crowdsec, "crowdsec", "", "what crowdsec.sh prepared")
	set.StringVar(&o.out, "out", filepath.Join(os.TempDir(), "hirune-bench-accesslog"), "where logs and results go: some 8 GB")
	set.Int64Var(&o.lines, "lines", 5_000_000, "of the log")
	set.Int64Var(&o.distinct, "distinct", 10_000_000, "clients of the log that asks for memory; 0: none")
	set.IntVar(&o.times, "times", 3, "runs of each tool")
	set.Uint64Var(&o.seed, "seed", 1, "of the logs")
	set.StringVar(&o.only, "only", "", "names of tools, with commas")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	path, err := filepath.Abs(o.hirune)
	if err != nil {
		return o, err
	}
	o.hirune = path
	if _, err := os.Stat(path); err != nil {
		return o, fmt.Errorf("find hirune: %w", err)
	}
	return o, os.MkdirAll(o.out, 0o755)
}

func (o options) wants(name string) bool {
	return o.only == "" || strings.Contains(","+o.only+",", ","+name+",")
}

// results are all that was measured.
type results struct {
	Beside   []run     `json:"beside"`
	Linear   []run     `json:"linear"`
	Distinct []run     `json:"distinct"`
	Told     []compare `json:"told"`
}

func bench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b := &bed{opt: o, stderr: stderr}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	var r results
	for _, part := range []func(context.Context, *results) error{b.beside, b.linear, b.distinct, b.compare} {
		if err := part(ctx, &r); err != nil {
			return err
		}
	}
	r.print(stdout)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.out, "accesslog.json"), text, 0o644)
}
