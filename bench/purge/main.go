// Command purge measures ways to delete the old rows of one wide table, side by side: the same data, the same visitors, one after the other.
//
//	go run ./bench/purge --hirune bin/hirune --rows 300000 --times 3 --cap 0.2 --out DIR
//
// It brings the lab's site up in namespaces of its own, lays a fresh copy of the data for each run, and takes the methods in turns, so that a
// slow minute of the machine does not hit one of them alone. Visitors come as planned before the run, whether the site answers or not; their
// times count from the moment planned. It prints a table in Markdown, medians of the runs, and writes every run to DIR/purge.json.
//
// With a cap, everything is held to it, the tool that deletes included: on a machine without CPU credit nothing else is true.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"hirune/lab/alone"
	"hirune/lab/run"
)

func main() {
	code, done := alone.Enter(run.CronDir)
	if !done {
		code = mainExit(os.Args[1:], os.Stdout, os.Stderr)
	}
	os.Exit(code)
}

func mainExit(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o, err := parse(args, stderr)
	if err == nil {
		err = measure(ctx, o, stdout, stderr)
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "purge: error:", err)
	}
	return 2
}

// options are what is measured.
type options struct {
	hirune, out    string
	rows, times    int
	old, cap       float64
	methods        []string
	readView       bool
	toolOutside    bool
	pages, inserts float64 // a second
	reads          float64
	idle, after    time.Duration
	bound          time.Duration
	pool           string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("purge", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&o.hirune, "hirune", "bin/hirune", "the hirune to measure, where one of the methods is")
	set.StringVar(&o.out, "out", "", "directory for what the runs leave")
	set.IntVar(&o.rows, "rows", 300000, "in the table, 3.3 KB each")
	set.Float64Var(&o.old, "old", 0.8, "share of the rows that is to go")
	set.IntVar(&o.times, "times", 3, "runs of each method")
	set.Float64Var(&o.cap, "cap", 0, "cores for all of it; 0: as many as there are")
	set.BoolVar(&o.readView, "read-view", false, "a transaction elsewhere keeps an old view open meanwhile")
	set.BoolVar(&o.toolOutside, "tool-outside", false, "the tool's own CPU is not held to the cap")
	set.Float64Var(&o.pages, "pages", 3, "pages a second")
	set.Float64Var(&o.inserts, "inserts", 10, "rows that visitors write a second")
	set.Float64Var(&o.reads, "reads", 40, "small reads a second")
	set.DurationVar(&o.idle, "idle", 15*time.Second, "how long nothing is done for the method none")
	set.DurationVar(&o.after, "after", 5*time.Second, "how long visitors still come afterwards")
	set.DurationVar(&o.bound, "bound", 30*time.Minute, "of one run")
	set.StringVar(&o.pool, "pool", "128M", "buffer pool")
	var names []string
	for _, m := range methods {
		names = append(names, m.name)
	}
	list := set.String("methods", strings.Join(names, ","), "in this order")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	o.methods = strings.Split(*list, ",")
	for _, m := range o.methods {
		if !slices.Contains(names, m) {
			return o, fmt.Errorf("no method %q; there are %s", m, strings.Join(names, ", "))
		}
	}
	if o.out == "" {
		o.out = filepath.Join(os.TempDir(), "hirune-bench", time.Now().Format("20060102-150405"))
	}
	var errs [2]error
	o.hirune, errs[0] = filepath.Abs(o.hirune)
	o.out, errs[1] = filepath.Abs(o.out)
	return o, errors.Join(errs[:]...)
}
