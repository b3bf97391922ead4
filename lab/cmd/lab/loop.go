package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hirune/lab/faults"
	"hirune/lab/run"
	"hirune/lab/scenario"
)

// The loop's outage, and the quiet time before it, long enough for a baseline.
const (
	loopName  = "audit-log-purge"
	loopQuiet = 22 * time.Second
)

// patient is the case that a verb is about.
func patient(all []scenario.Scenario, f flags) (run.Case, error) {
	if f.name == "" {
		f.name = loopName
	}
	s, err := find(all, f.name)
	if err != nil {
		return run.Case{}, err
	}
	s.Stack.Web = f.web
	path, err := f.binary()
	if err == nil && path == "" {
		err = errors.New("this is about hirune: give --hirune PATH")
	}
	return run.Case{Options: run.Options{Hirune: path, Out: f.out, Keep: f.keep, Seed: f.seed}, Scenario: s, Rows: f.rows, OldShare: f.old, Cores: f.cores, Quiet: loopQuiet}, err
}

func loop(ctx context.Context, all []scenario.Scenario, f flags, stdout, stderr io.Writer) error {
	c, err := patient(all, f)
	if err != nil {
		return err
	}
	out, err := run.Loop(ctx, c, stderr)
	if err != nil {
		return err
	}
	if f.asJSON {
		err = json.NewEncoder(stdout).Encode(out)
	} else {
		out.Print(stdout)
		_, err = fmt.Fprintf(stdout, "  see %s\n", f.out)
	}
	if err == nil && len(out.Wrong) > 0 {
		err = errWrong
	}
	return err
}

// breakIt is the verb faults.
func breakIt(ctx context.Context, all []scenario.Scenario, f flags, stdout, stderr io.Writer) error {
	c, err := patient(all, f)
	if err != nil {
		return err
	}
	o := faults.Options{Case: c, Times: f.times}
	if f.only != "" {
		o.Only = strings.Split(f.only, ",")
	}
	outcomes, err := faults.Run(ctx, o, stderr)
	if err != nil {
		return err
	}
	if f.asJSON {
		err = json.NewEncoder(stdout).Encode(outcomes)
	} else {
		faults.Table(stdout, outcomes)
	}
	if err == nil && slices.ContainsFunc(outcomes, func(o faults.Outcome) bool { return len(o.Wrong) > 0 }) {
		err = errWrong
	}
	return err
}
