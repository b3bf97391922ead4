// Package siege attacks a real site in every way that matters to its owner, beside people who use it as they should, and checks what
// hirune says of it: nothing of the people, all of the attacks with their numbers, and that somebody got in once somebody did.
package siege

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hirune/lab/run"
	"hirune/lab/scenario"
	"hirune/lab/stack"
)

// Options say how a siege is laid.
type Options struct {
	Hirune string // the binary
	Out    string // directory for what the siege leaves
	Keep   bool   // leave the stack's directory
	Web    string // of the stack: "" is Apache
	Seed   uint64
}

// Outcome is what became of a siege.
type Outcome struct {
	Wrong []string `json:"wrong"` // empty: all as it had to be
	Acts  []Act    `json:"acts"`
	Took  float64  `json:"took_seconds"`
}

// Act is one part of it, and what hirune said afterwards.
type Act struct {
	Name    string            `json:"name"`
	Seconds float64           `json:"seconds"`
	Sent    map[string]int    `json:"sent"` // answered attempts by endpoint and group
	Said    map[string]int64  `json:"said"` // attempts by endpoint
	Attacks map[string]string `json:"attacks"`
	BreakIn string            `json:"break_in"`
	Exit    int               `json:"exit"`
	Wrong   []string          `json:"wrong,omitempty"`
}

// siege is one under way.
type siege struct {
	opt      Options
	progress io.Writer
	site     *stack.Stack
	program  run.Program
	people   people
	out      Outcome
}

// Lay carries a siege out. The error is that of a lab that did not work; what hirune got wrong is in the outcome.
func Lay(ctx context.Context, sc scenario.Scenario, opt Options, progress io.Writer) (out Outcome, err error) {
	began := time.Now()
	if err := os.MkdirAll(opt.Out, 0o755); err != nil {
		return out, fmt.Errorf("make the siege's directory: %w", err)
	}
	cfg := sc.Stack
	cfg.Keep, cfg.Web, cfg.LogDuration = opt.Keep, opt.Web, opt.Web != stack.Nginx
	s := &siege{opt: opt, progress: progress, out: Outcome{Wrong: []string{}}}
	s.program = run.Program{Path: opt.Hirune, State: filepath.Join(opt.Out, "state"), Tape: filepath.Join(opt.Out, "tape.hirune")}
	if s.site, err = stack.Up(ctx, cfg, progress); err != nil {
		return s.out, fmt.Errorf("bring the site up: %w", err)
	}
	defer func() { err = errors.Join(err, s.keepLogs(), s.site.Down()) }()
	if err := errors.Join(s.move(ctx), s.forgetPast()); err != nil {
		return s.out, err
	}
	for _, act := range []struct {
		name string
		play func(context.Context, *Act) error
		must func(*Act, answer)
	}{
		{"people", s.usePeople, nobodyAccused},
		{"attacks", s.attack, attacksFound},
		{"got in", s.getIn, breakInFound},
		{"shell", s.dropShell, shellFound},
	} {
		if err := s.act(ctx, act.name, act.play, act.must); err != nil {
			return s.out, fmt.Errorf("%s: %w", act.name, err)
		}
	}
	s.out.Took = time.Since(began).Seconds()
	return s.out, nil
}

// act plays one part, asks hirune, and judges.
func (s *siege) act(ctx context.Context, name string, play func(context.Context, *Act) error, must func(*Act, answer)) error {
	a := Act{Name: name, Sent: map[string]int{}, Said: map[string]int64{}, Attacks: map[string]string{}}
	began := time.Now()
	if err := play(ctx, &a); err != nil {
		return err
	}
	a.Seconds = time.Since(began).Seconds()
	told, err := s.ask(ctx, &a)
	if err != nil {
		return err
	}
	must(&a, told)
	for _, w := range a.Wrong {
		s.out.Wrong = append(s.out.Wrong, name+": "+w)
	}
	s.out.Acts = append(s.out.Acts, a)
	fmt.Fprintf(s.progress, "  %-8s %5.1f s  %v, break-in %s\n", name, a.Seconds, a.Attacks, a.BreakIn)
	return nil
}

func (a *Act) wrong(format string, args ...any) {
	a.Wrong = append(a.Wrong, fmt.Sprintf(format, args...))
}

// forgetPast empties the log as copytruncate does, and takes the rotated ones away: the site's made-up past has attacks of its own,
// and in the hour after midnight the last hour reaches into it.
func (s *siege) forgetPast() error {
	old, err := filepath.Glob(filepath.Join(s.site.LogDir(), "access.log.*"))
	errs := []error{err, os.Truncate(filepath.Join(s.site.LogDir(), "access.log"), 0)}
	for _, path := range old {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}

func (s *siege) keepLogs() error {
	logs, err := filepath.Glob(filepath.Join(s.site.LogDir(), "access*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range logs {
		text, err := os.ReadFile(path)
		errs = append(errs, err)
		if err == nil {
			errs = append(errs, os.WriteFile(filepath.Join(s.opt.Out, filepath.Base(path)), text, 0o644))
		}
	}
	return errors.Join(errs...)
}

// Print writes an outcome for a person.
func (o Outcome) Print(w io.Writer) {
	fmt.Fprintf(w, "\nsiege  (%.0f s)\n", o.Took)
	for _, a := range o.Acts {
		fmt.Fprintf(w, "  %-8s %5.1f s  sent %v, hirune says %v %v, break-in %s\n", a.Name, a.Seconds, a.Sent, a.Said, a.Attacks, a.BreakIn)
	}
	for _, wrong := range o.Wrong {
		fmt.Fprintf(w, "  WRONG: %s\n", wrong)
	}
	if len(o.Wrong) == 0 {
		fmt.Fprintln(w, "  as it had to be")
	}
}

func short(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}
