// Command diagnosis measures what a verdict on an hour, a day and two weeks of tape costs.
//
//	go run ./bench/diagnosis -hirune bin/hirune -tape cmd/hirune/demo/case0.hirune
//
// It makes tapes of each length out of a real tape of an outage: its quiet time is repeated
// until the time is full, and the outage comes at the end. It asks for the verdict
// on the whole of each and prints a table in Markdown: CPU time and the largest resident set of each run, by getrusage.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/tape"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("diagnosis", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("hirune", "bin/hirune", "the hirune to measure")
	from := flags.String("tape", "cmd/hirune/demo/case0.hirune", "a tape with a quiet time and then an outage")
	quiet := flags.Duration("quiet", 20*time.Second, "how much of its beginning is quiet")
	lengths := flags.String("lengths", "1h,24h,336h", "how long the tapes are to be")
	times := flags.Int("times", 5, "how often to measure")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	for text := range strings.SplitSeq(*lengths, ",") {
		length, err := time.ParseDuration(text)
		if err == nil {
			err = measure(stdout, *bin, *from, *quiet, length, *times)
		}
		if err != nil {
			fmt.Fprintln(stderr, "diagnosis: error:", err)
			return 1
		}
	}
	return 0
}

func measure(stdout io.Writer, bin, from string, quiet, length time.Duration, times int) error {
	dir, err := os.MkdirTemp("", "hirune-bench-")
	if err != nil {
		return fmt.Errorf("make a directory for the tape: %w", err)
	}
	defer os.RemoveAll(dir)
	long := filepath.Join(dir, "long.hirune")
	facts, err := lengthen(from, long, quiet, length)
	if err != nil {
		return err
	}
	st, err := os.Stat(long)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%v of tape, %d facts, %.2f MB on disk\n\n| run | CPU s | largest RSS MB | verdict |\n|--:|--:|--:|---|\n", length, facts, float64(st.Size())/1e6)
	for n := range times {
		cmd := exec.CommandContext(context.Background(), bin, "diagnose", "--tape", long, "--since", length.String())
		var out bytes.Buffer
		cmd.Stdout = &out
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			return fmt.Errorf("run %s: %w", bin, err)
		}
		use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return errors.New("the system does not tell what a process used")
		}
		first, _, _ := bytes.Cut(out.Bytes(), []byte("\n"))
		fmt.Fprintf(stdout, "| %d | %.2f | %.1f | %s |\n", n+1, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), float64(use.Maxrss)/1024, first)
	}
	return nil
}

// lengthen writes a tape of the given length: the quiet time over and over, then
// the rest. Facts of existence and history come once, with the rest.
func lengthen(from, to string, quiet, length time.Duration) (int, error) {
	r, err := tape.OpenReader(from)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	span, err := r.Span()
	if err != nil {
		return 0, err
	}
	known, _, err := r.Context(span.To)
	if err != nil {
		return 0, err
	}
	all, _, err := r.Records(span.From, span.To)
	if err != nil {
		return 0, err
	}
	began := firstBeat(all)
	w, err := tape.OpenWriter(to, tape.Options{Now: began.Add(-length)})
	if err != nil {
		return 0, err
	}
	facts := 0
	add := func(rs []evidence.Record, at time.Time) error {
		facts += len(rs)
		if err := w.Append(rs); err != nil {
			return err
		}
		return w.Commit(at)
	}
	var calm []evidence.Record
	for _, x := range all {
		if !x.At.Before(began) && x.At.Before(began.Add(quiet)) {
			calm = append(calm, x)
		}
	}
	for back := length - span.To.Sub(began); back > 0; back -= quiet {
		part := make([]evidence.Record, len(calm))
		for i, x := range calm {
			x.At = x.At.Add(-back)
			part[i] = x
		}
		if err := add(part, began.Add(quiet-back)); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(add(append(known, all...), span.To), w.Close()); err != nil {
		return 0, err
	}
	return facts, nil
}

// firstBeat is when recording began: what logs told is older.
func firstBeat(rs []evidence.Record) time.Time {
	var first time.Time
	for _, x := range rs {
		if _, ok := x.Fact.(evidence.Host); ok && (first.IsZero() || x.At.Before(first)) {
			first = x.At
		}
	}
	return first
}
