package main

import (
	"bytes"
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
	"sync"
	"time"

	"hirune/lab/run"
	"hirune/lab/scenario"
)

// errand is one run of the zoo.
type errand struct {
	scenario scenario.Scenario
	vary     int
	out      string
}

// zoo carries scenarios out, each in a process of its own with its own namespaces, some at once if so wished, and prints what they came to.
func zoo(ctx context.Context, all []scenario.Scenario, f flags, stdout, stderr io.Writer) error {
	if _, err := f.binary(); err != nil {
		return err
	}
	var errands []errand
	for n := int(f.vary); n < int(f.vary)+f.times; n++ { // round by round: a zoo that is cut short has seen them all
		for _, s := range all {
			if f.only == "" || slices.Contains(strings.Split(f.only, ","), s.Name) {
				errands = append(errands, errand{s, n, filepath.Join(f.out, fmt.Sprintf("%s-%d", s.Name, n))})
			}
		}
	}
	if len(errands) == 0 {
		return fmt.Errorf("no scenario was run; --only %q", f.only)
	}
	outcomes := f.carryOut(ctx, errands, stderr)
	slices.SortStableFunc(outcomes, func(a, b run.Outcome) int { return strings.Compare(a.Scenario, b.Scenario) })
	var err error
	if f.asJSON {
		err = json.NewEncoder(stdout).Encode(outcomes)
	} else {
		run.Table(stdout, outcomes)
	}
	if err == nil && ctx.Err() == nil && slices.ContainsFunc(outcomes, func(o run.Outcome) bool { return len(o.Wrong) > 0 }) {
		err = errWrong
	}
	return errors.Join(err, ctx.Err())
}

// carryOut returns an outcome for each errand that was begun, in their order.
func (f flags) carryOut(ctx context.Context, errands []errand, stderr io.Writer) []run.Outcome {
	done := make([]*run.Outcome, len(errands))
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range max(f.jobs, 1) {
		wg.Go(func() {
			for i := range next {
				o := f.child(ctx, errands[i])
				mu.Lock()
				done[i] = &o
				o.Print(stderr, errands[i].scenario)
				mu.Unlock()
			}
		})
	}
	for i := range errands {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	var out []run.Outcome
	for _, o := range done {
		if o != nil {
			out = append(out, *o)
		}
	}
	return out
}

// child runs one errand by `lab run`.
func (f flags) child(ctx context.Context, e errand) run.Outcome {
	args := []string{"run", e.scenario.Name, "--json", "--out", e.out, "--vary", strconv.Itoa(e.vary)}
	for flag, on := range map[string]bool{"--no-hirune": f.noHirune, "--keep": f.keep, "--diagnose-live": f.live} {
		if on {
			args = append(args, flag)
		}
	}
	if f.hirune != "" {
		args = append(args, "--hirune", f.hirune)
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	runErr := cmd.Run() // exit 1 says only that something was wrong
	var o run.Outcome
	if err := json.Unmarshal(out.Bytes(), &o); err != nil {
		o = run.Outcome{Scenario: e.scenario.Name, CappedFrom: -1, Wrong: []string{fmt.Sprintf("the lab did not work: %v: %.600s", runErr, words.Bytes())}}
	}
	return o
}
