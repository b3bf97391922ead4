package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hirune/internal/core/apply"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
)

// errDeclined says that the user was asked and did not agree: no fault of anybody.
var errDeclined = errors.New("not agreed")

// canAsk refuses where the user would have to be asked and cannot be, before
// anything is looked at.
func (a *app) canAsk(f helpFlags) error {
	if f.yes || isTerminal(os.Stdin) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: nobody can be asked, because there is no terminal", apply.ErrRefused), "no-terminal", "read the plan first (hirune plan), then say --yes")
}

// agreed asks the user; what cannot be undone is asked for by name.
func (a *app) agreed(ctx context.Context, f helpFlags, ps []remedy.Plan, question string) error {
	named := irreversible(ps, f.wishes.Force)
	if f.yes && len(named) > 0 {
		return hint.Wrap(fmt.Errorf("%w: the plan has a step that cannot be undone: %s", apply.ErrRefused, strings.Join(named, ", ")), "irreversible", "accept it by name: --accept "+strings.Join(named, ","))
	}
	if err := a.canAsk(f); f.yes || err != nil {
		return err
	}
	for _, k := range named {
		if a.ask(ctx, fmt.Sprintf("%s cannot be undone; type %s to agree: ", k, k)) != k {
			return errDeclined
		}
	}
	return a.askYes(ctx, question)
}

// irreversible are the kinds of steps that cannot be undone and were not
// accepted by name.
func irreversible(ps []remedy.Plan, accepted []string) []string {
	var named []string
	for _, p := range ps {
		for _, s := range p.Steps {
			if k := s.Step.Kind(); s.Estimate.Irreversible && !slices.Contains(accepted, k) && !slices.Contains(named, k) {
				named = append(named, k)
			}
		}
	}
	return named
}

// agreedToUndo asks before anything is taken back.
func (a *app) agreedToUndo(ctx context.Context, f helpFlags) error {
	switch {
	case f.yes:
		return nil
	case !isTerminal(os.Stdin):
		return hint.Wrap(fmt.Errorf("%w: nobody can be asked, because there is no terminal", apply.ErrRefused), "no-terminal", "say so: hirune undo … --yes")
	}
	return a.askYes(ctx, "take it back?")
}

// askYes returns errDeclined unless the answer is yes.
func (a *app) askYes(ctx context.Context, question string) error {
	if answer := strings.ToLower(a.ask(ctx, question+" [y/N] ")); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// ask returns the user's answer; "" after Ctrl-C or the end of the input.
func (a *app) ask(ctx context.Context, question string) string {
	fmt.Fprint(a.err, question)
	var line []byte
	for b := make([]byte, 1); len(line) < 200; { // byte by byte: what follows is the next answer
		if !readable(ctx, os.Stdin) {
			fmt.Fprintln(a.err)
			return ""
		}
		if n, err := os.Stdin.Read(b); n == 0 || err != nil || b[0] == '\n' {
			break
		}
		line = append(line, b[0])
	}
	return strings.TrimSpace(string(line))
}

// readable waits until there is something to read, and returns false when ctx
// ends first: a read that waits for the user cannot be interrupted.
func readable(ctx context.Context, f *os.File) bool {
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 100)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return true // or it cannot be waited for: reading tells
		}
	}
	return false
}
