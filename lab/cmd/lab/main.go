// Command lab breaks a real WordPress site and checks what hirune says of it. Run it without arguments for its verbs.
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
	"syscall"
	"time"

	"hirune/lab/alone"
	"hirune/lab/run"
	"hirune/lab/scenario"
	"hirune/lab/scenarios"
	"hirune/lab/stack"
)

const usage = `lab breaks a real WordPress site on loopback and checks what hirune says of it.

  lab list                 the scenarios
  lab up [SCENARIO]        bring a site up (that scenario's), print its facts, stay until Ctrl-C
  lab run SCENARIO         carry one out
  lab zoo                  carry each out, several times; a table on stdout; exit 1 if any was wrong
  lab loop [SCENARIO]      the whole loop: its purge (audit-log-purge), the verdict, plan, apply, the next run, verify, undo; exit 1 if any was wrong
  lab faults               disturb an apply in every way, at random moments; a table on stdout; exit 1 if any was wrong
  lab siege                people use the site, attackers flood its log-ins, one gets in: what hirune attacks says of each; exit 1 if any was wrong
  lab weblog               write an access log with visitors and attacks, and what it holds beside it; --help has its flags
  lab clean                stop and remove what a killed lab left

of run and zoo: --hirune PATH  --no-hirune  --out DIR  --json  --keep  --diagnose-live
of run: --seconds N  --vary N (the N-th variation of its names, sizes, rates and moments)
of zoo: --times N (3; each but the first another variation)  --vary N (1: the first of them)  --only NAME,NAME  --jobs N (1: so many at once)
of loop: --hirune PATH  --out DIR  --json  --keep  --rows N (100000)  --old SHARE (0.4)  --cores N  --web nginx
of siege: --hirune PATH  --out DIR  --json  --keep  --web nginx  --seed N
of faults: the same, and --times N  --only NAME,NAME  --seed N
`

var errWrong = errors.New("not all was as it had to be")

func main() {
	code, done := enter(os.Args[1:])
	if !done {
		code = mainExit(os.Args[1:], os.Stdout, os.Stderr)
	}
	os.Exit(code)
}

// enter has the verbs that run hirune do so in namespaces of their own.
func enter(args []string) (code int, done bool) {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case "siege":
		return alone.Enter()
	case "run", "loop", "faults": // a scenario's scripts may leave a job
		return alone.Enter(run.CronDir)
	}
	return 0, false
}

func mainExit(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := dispatch(ctx, args, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return 2
	}
	fmt.Fprintf(stderr, "lab: %v\n", err)
	if errors.Is(err, errWrong) {
		return 1
	}
	return 2
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return flag.ErrHelp
	}
	if args[0] == "weblog" {
		return writeWeblog(ctx, args[1:], stdout, stderr)
	}
	all, err := scenario.Load(scenarios.Files)
	if err != nil {
		return err
	}
	f, err := parse(args[1:], stderr)
	if err != nil {
		return err
	}
	switch args[0] {
	case "list":
		for _, s := range all {
			fmt.Fprintf(stdout, "%-24s %s\n", s.Name, s.Title)
		}
		return nil
	case "clean":
		return stack.Clean("", stderr)
	case "up":
		return up(ctx, all, f, stdout, stderr)
	case "run":
		return runOne(ctx, all, f, stdout, stderr)
	case "loop":
		return loop(ctx, all, f, stdout, stderr)
	case "faults":
		return breakIt(ctx, all, f, stdout, stderr)
	case "siege":
		return besiege(ctx, all, f, stdout, stderr)
	case "zoo":
		return zoo(ctx, all, f, stdout, stderr)
	}
	fmt.Fprint(stderr, usage)
	return fmt.Errorf("no verb %q", args[0])
}

type flags struct {
	hirune, out, only, name, web string
	times, seconds, rows, jobs   int
	old, cores                   float64
	seed, vary                   uint64
	noHirune, asJSON, keep, live bool
}

// parse takes flags before and after the scenario's name.
func parse(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("lab", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() { fmt.Fprint(stderr, usage) }
	set.StringVar(&f.hirune, "hirune", "", "")
	set.StringVar(&f.out, "out", "", "")
	set.StringVar(&f.web, "web", "", "")
	set.StringVar(&f.only, "only", "", "")
	set.IntVar(&f.times, "times", 3, "")
	set.IntVar(&f.seconds, "seconds", 0, "")
	set.IntVar(&f.jobs, "jobs", 1, "")
	set.Uint64Var(&f.vary, "vary", 1, "")
	set.IntVar(&f.rows, "rows", 100000, "")
	set.Uint64Var(&f.seed, "seed", 1, "")
	set.Float64Var(&f.old, "old", 0.4, "")
	set.Float64Var(&f.cores, "cores", 0, "")
	set.BoolVar(&f.noHirune, "no-hirune", false, "")
	set.BoolVar(&f.asJSON, "json", false, "")
	set.BoolVar(&f.keep, "keep", false, "")
	set.BoolVar(&f.live, "diagnose-live", false, "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		f.name = set.Arg(0)
		if err := set.Parse(set.Args()[1:]); err != nil {
			return f, err
		}
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("too many arguments: %q", set.Args())
	}
	if f.out == "" {
		f.out = filepath.Join(os.TempDir(), "hirune-lab-out", time.Now().Format("20060102-150405"))
	}
	return f, nil
}

// binary finds the hirune to test; the path is made absolute, as the recorder is started from elsewhere.
func (f flags) binary() (string, error) {
	if f.noHirune {
		return "", nil
	}
	if f.hirune == "" {
		return "", errors.New("give --hirune PATH or --no-hirune")
	}
	path, err := filepath.Abs(f.hirune)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find hirune: %w", err)
	}
	return path, nil
}

func find(all []scenario.Scenario, name string) (scenario.Scenario, error) {
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
	}
	return scenario.Scenario{}, fmt.Errorf("no scenario %q; try: lab list", name)
}

func up(ctx context.Context, all []scenario.Scenario, f flags, stdout, stderr io.Writer) (err error) {
	cfg := stack.Config{}
	if f.name != "" {
		s, err := find(all, f.name)
		if err != nil {
			return err
		}
		cfg = s.Stack
	}
	cfg.Keep = f.keep
	site, err := stack.Up(ctx, cfg, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Down()) }()
	if err := json.NewEncoder(stdout).Encode(map[string]any{"url": site.URL, "dir": site.Dir, "docroot": site.Docroot(), "logs": site.LogDir(),
		"db_port": site.DBPort, "db_socket": site.DBSocket, "fpm_socket": site.FPMSocket, "table": site.Table()}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func runOne(ctx context.Context, all []scenario.Scenario, f flags, stdout, stderr io.Writer) error {
	s, err := find(all, f.name)
	if err != nil {
		return err
	}
	if f.seconds > 0 { // more of its load, for measurements
		s.Seconds = float64(f.seconds)
	}
	path, err := f.binary()
	if err != nil {
		return err
	}
	o, err := run.Scenario(ctx, s.Vary(f.vary), run.Options{Hirune: path, Out: f.out, Keep: f.keep, DiagnoseLive: f.live, Seed: f.vary}, stderr)
	if err != nil {
		return err
	}
	if f.asJSON {
		err = json.NewEncoder(stdout).Encode(o)
	} else {
		o.Print(stdout, s)
		_, err = fmt.Fprintf(stdout, "  see %s\n", f.out)
	}
	if err == nil && len(o.Wrong) > 0 {
		err = errWrong
	}
	return err
}
