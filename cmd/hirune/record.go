package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/tape"
)

// recordFlags are what `hirune record` was asked for.
type recordFlags struct {
	tape, state, config string
	length              span
}

func (a *app) recordCmd() *cobra.Command {
	var f recordFlags
	c := &cobra.Command{
		Use:   "record",
		Short: "Record what happens on this server, until Ctrl-C",
		Long: `Record what happens on this server: the host, its services, the database, logs, WordPress' schedule, and what a visitor sees.
It only reads, and writes to its tape alone. It keeps going until Ctrl-C or SIGTERM; a kill or a power cut costs the last few seconds.`,
		Example: `  sudo hirune record
  sudo hirune record --for 5m --tape /tmp/now.hirune`,
		Args: a.noTapeArg,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.record(cmd.Context(), f) },
	}
	a.tapeFlag(c, &f.tape, "the `FILE` to record to (default: "+systemDir+"/"+tapeName+" as root, else in ~/.local/state/hirune)")
	c.Flags().Var(&f.length, "for", "how long, such as 5m (default: until Ctrl-C)")
	a.stateFlag(c, &f.state)
	a.configFlag(c, &f.config)
	return c
}

func (a *app) record(ctx context.Context, f recordFlags) (err error) {
	if f.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(f.length))
		defer cancel()
	}
	beModest(a.euid)
	cfg, err := a.config(f.config)
	if err != nil {
		return err
	}
	fresh := !exists(a.tapePath(f.tape))
	w, err := a.openTape(f.tape)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	eyes, err := a.open(ctx, cfg)
	if ctx.Err() != nil {
		return nil // stopped before there was anything to record
	} else if err != nil {
		return err
	}
	defer eyes.close()
	fmt.Fprintf(a.err, "recording to %s; Ctrl-C ends it\n", safe(w.Path()))
	dir := a.stateDir(f.state)
	marks := a.openMarks(w.Path()+marksName, fresh || w.Aside() != "")
	eyes.traffic.Marks, eyes.errors.Marks = marks, marks
	eyes.add(checkEye{checks: a.checks(w.Path(), dir), say: a.sayCheck(dir)}, collect.Timed{Every: slowChange, Steady: true, Timeout: time.Minute})
	began := a.now()
	err = w.Append(anew(eyes.collectors, began))
	if err != nil {
		return err
	}
	ended := a.keepBans(ctx, dir, eyes)
	guarded := a.guardSite(ctx, cfg, dir, eyes)
	err = collect.Run(ctx, eyes.collectors, &marking{Writer: w, marks: marks, warn: a.marksFail}, collect.Options{Version: version(), Warn: a.tapeFails})
	guarded()
	ended()
	if lost := w.Lost(); lost > 0 {
		fmt.Fprintf(a.err, "%d facts could not be written and are lost\n", lost)
	}
	fmt.Fprintf(a.err, "recorded %s to %s; next: %s\n", long(a.now().Sub(began)), safe(w.Path()), a.again("hirune diagnose"+tapeArg(f.tape)))
	return err
}

// openTape opens the tape to record to. The default one's folder is made, a
// folder that the user names is not: it may be a typing error.
func (a *app) openTape(path string) (*tape.Writer, error) {
	own := path == ""
	if path = a.tapePath(path); own {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, hint.Wrap(fmt.Errorf("make the folder of the tape: %w", err), "tape-folder", "record to another file: hirune record --tape FILE")
		}
	}
	w, err := tape.OpenWriter(path, tape.Options{Now: a.now(), Version: version()})
	if err != nil {
		return nil, err
	}
	if aside := w.Aside(); aside != "" {
		fmt.Fprintf(a.err, "the tape was damaged; it is kept as %s, and a new one is begun\n", safe(aside))
	}
	return w, nil
}

// tapePath is the tape to record to.
func (a *app) tapePath(flag string) string {
	if flag != "" {
		return flag
	}
	return a.ownTape()
}

// tapeFails tells when the tape cannot be written, and when it can again.
func (a *app) tapeFails(err error) {
	if err == nil {
		fmt.Fprintln(a.err, "the tape can be written again")
		return
	}
	a.complain(fmt.Errorf("write to the tape: %w", err))
}

// tapeArg repeats --tape in a command to type next.
func tapeArg(path string) string {
	if path == "" {
		return ""
	}
	return " --tape " + quoted(path)
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:@,~", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// again is a command for who just used the same rights.
func (a *app) again(command string) string {
	if a.euid == 0 {
		return a.sudo(command)
	}
	return command
}

// sudo is a command as this user has to type it.
func (a *app) sudo(command string) string {
	if a.euid == 0 && a.env("SUDO_USER") == "" {
		return command
	}
	return "sudo " + command
}
