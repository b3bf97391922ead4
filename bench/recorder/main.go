// Command recorder measures what the recorder costs on a busy machine, beside
// atop and sadc at the same rate in the same run.
//
//	go run ./bench/recorder -hirune bin/hirune -for 10m
//
// CPU time is read from /proc/PID/stat (own and of ended children), memory from
// /proc/PID/status at the end. The size is that of the file after the program
// has been stopped, with what it wrote while it warmed up, over the whole time:
// for a short run too much rather than too little.
// It prints a table in Markdown. Make the machine busy yourself, for example
// with make lab; the number of processes is printed, because all three pay for
// each process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"hirune/bench/cost"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("recorder", flag.ContinueOnError)
	flags.SetOutput(stderr)
	bin := flags.String("hirune", "bin/hirune", "the hirune to measure")
	d := flags.Duration("for", 5*time.Minute, "how long to measure, after the warm-up")
	warm := flags.Duration("warm", 20*time.Second, "how long to run before measuring: discovery is not the beat")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, stdout, stderr, *bin, *warm, *d); err != nil {
		fmt.Fprintln(stderr, "recorder: error:", err)
		return 1
	}
	return 0
}

// subject is one program that is measured.
type subject struct {
	name string
	args []string
	file string
	cmd  *exec.Cmd
	quit context.CancelFunc // ends cmd by SIGTERM, and after ten seconds by SIGKILL
	base cost.Usage         // after the warm-up
	end  cost.Usage
	size int64 // of the file after the end
	err  error
}

func subjects(dir, bin string, total time.Duration) []*subject {
	at := func(name string) string { return filepath.Join(dir, name) }
	return []*subject{
		{name: "hirune record", file: at("hirune"), args: []string{bin, "record", "--tape", at("hirune"), "--for", (total + time.Minute).String()}},
		{name: "atop 1", file: at("atop"), args: []string{"atop", "-w", at("atop"), "1"}},
		{name: "sadc 1", file: at("sadc"), args: []string{"/usr/lib/sysstat/sadc", "1", at("sadc")}},
	}
}

func measure(ctx context.Context, stdout, stderr io.Writer, bin string, warm, d time.Duration) error {
	dir, err := os.MkdirTemp("", "hirune-bench-")
	if err != nil {
		return fmt.Errorf("make a directory for the recordings: %w", err)
	}
	defer os.RemoveAll(dir)
	all := subjects(dir, bin, warm+d)
	defer func() {
		for _, s := range all {
			s.stop()
		}
	}()
	for _, s := range all {
		s.start(ctx, stderr)
	}
	if err := wait(ctx, warm); err != nil {
		return err
	}
	for _, s := range all {
		s.base = s.usage()
	}
	began, procs := time.Now(), processes()
	if err := wait(ctx, d); err != nil {
		return err
	}
	for _, s := range all {
		s.end = s.usage()
	}
	took := time.Since(began)
	for _, s := range all {
		s.stop()
		s.size = sizeOf(s.file)
	}
	table(stdout, all, took, warm+took, procs)
	return failures(all)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped before the end: %w", ctx.Err())
	}
}

func (s *subject) start(ctx context.Context, stderr io.Writer) {
	ctx, s.quit = context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	cmd.Stderr = stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		s.quit()
		s.err = fmt.Errorf("start %s: %w", s.name, err)
		return
	}
	s.cmd = cmd
}

func (s *subject) usage() cost.Usage {
	if s.cmd == nil {
		return cost.Usage{}
	}
	u, err := cost.Read(s.cmd.Process.Pid)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("%s has ended early: %w", s.name, err)
	}
	return u
}

// stop ends the program and waits for it. How it exits does not matter, as
// long as it does so by itself.
func (s *subject) stop() {
	if s.cmd == nil {
		return
	}
	s.quit()
	_ = s.cmd.Wait()
	if w, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signal() == syscall.SIGKILL {
		s.err = errors.Join(s.err, fmt.Errorf("%s did not end on SIGTERM", s.name))
	}
	s.cmd = nil
}

func failures(all []*subject) error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}

func table(w io.Writer, all []*subject, took, whole time.Duration, procs int) {
	fmt.Fprintf(w, "Measured over %s, %d processes on the machine.\n\n", took.Round(time.Second), procs)
	fmt.Fprintln(w, "| Recorder at 1 Hz | CPU s/h | start-up CPU s | RssAnon MB | VmRSS MB | on disk MB/h |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|")
	perHour := float64(time.Hour) / float64(took)
	for _, s := range all {
		if s.err != nil {
			fmt.Fprintf(w, "| %s | not measured | | | | |\n", s.name)
			continue
		}
		fmt.Fprintf(w, "| %s | %.1f | %.2f | %.1f | %.1f | %.2f |\n", s.name, (s.end.CPU-s.base.CPU).Seconds()*perHour, s.base.CPU.Seconds(),
			float64(s.end.AnonKB)/1024, float64(s.end.RSSKB)/1024, float64(s.size)/1e6*float64(time.Hour)/float64(whole))
	}
}
