package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/hint"
	"hirune/internal/edge/tape"
)

// exportFlags are what `hirune tape export` was asked for.
type exportFlags struct {
	tape, at string
	since    span
	force    bool
}

func (a *app) tapeExportCmd() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Make one small redacted tape that somebody else can diagnose",
		Long: `Make one small redacted tape that somebody else can diagnose: values in statements, query strings, user names, cookies and host names
are gone, client addresses are replaced by others, consistently. Names of tables, columns, plugins and hooks stay.`,
		Example: `  sudo hirune tape export outage.hirune
  sudo hirune tape export --at '15:30' outage.hirune`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return a.export(f, args[0]) },
	}
	a.tapeFlag(c, &f.tape, "the tape `FILE` to export from (default: the recorder's own)")
	c.Flags().Var(&f.since, "since", "how far back, such as 2h (default 2h)")
	c.Flags().StringVar(&f.at, "at", "", "the moment in question, a `TIME` such as '15:30'")
	c.Flags().BoolVar(&f.force, "force", false, "write over a file that exists")
	return c
}

func (a *app) tapeImportCmd() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:     "import FILE",
		Short:   "Check a tape that somebody sent, and keep it",
		Long:    "Check a tape that somebody sent, and keep it under another name. A tape can also be diagnosed where it is: hirune diagnose --tape FILE.",
		Example: "  hirune tape import ~/Downloads/outage.hirune --to outage.hirune",
		Args:    oneFile,
		RunE:    func(_ *cobra.Command, args []string) error { return a.importTape(args[0], to) },
	}
	c.Flags().StringVar(&to, "to", "", "the `FILE` to keep it as (default: the same name, here)")
	return c
}

// oneFile takes the name of one file.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usage(cmd, cmd.CommandPath()+" needs the name of one file", "try: "+cmd.CommandPath()+" outage.hirune")
}

func (a *app) export(f exportFlags, to string) error {
	if !f.force && exists(to) {
		return hint.Wrap(fmt.Errorf("export to %s: %w", to, os.ErrExist), "exists", "choose another name, or write over it with --force")
	}
	r, _, err := a.tapeToRead(f.tape)
	if err != nil {
		return err
	}
	defer r.Close()
	whole, err := r.Span()
	if err != nil {
		return err
	}
	if whole.To.IsZero() {
		return hint.Wrap(errEmpty, "tape-empty", "let the recorder run for a while first: sudo hirune record")
	}
	from, end, _, err := question{since: time.Duration(f.since), at: f.at}.stretch(whole)
	if err != nil {
		return err
	}
	var done tape.Exported
	err = writeFile(to, func(w io.Writer) (err error) {
		done, err = tape.Export(r, w, from, end, tape.ExportOptions{Now: a.now(), Version: version()})
		return err
	})
	if err != nil {
		return err
	}
	a.exported(done, to)
	return nil
}

func (a *app) exported(done tape.Exported, to string) {
	var bytes int64
	if st, err := os.Stat(to); err == nil {
		bytes = st.Size()
	}
	fmt.Fprintf(a.err, "%d facts, %s, redacted: %s\n", done.Facts, size(bytes), safe(to))
	if done.Unknown > 0 {
		fmt.Fprintf(a.err, "%d facts of a newer hirune are left out: they could not be redacted\n", done.Unknown)
	}
	if n := len(done.Damaged); n > 0 {
		fmt.Fprintf(a.err, "%d damaged blocks are left out\n", n)
	}
	fmt.Fprintf(a.err, "look at it before you send it: hirune diagnose --verbose%s\n", safe(tapeArg(to)))
}

func (a *app) importTape(from, to string) error {
	if to == "" {
		to = filepath.Base(from)
	}
	if exists(to) {
		return hint.Wrap(fmt.Errorf("import to %s: %w", to, os.ErrExist), "exists", "choose another name with --to, or diagnose it where it is: hirune diagnose"+tapeArg(from))
	}
	if st, err := os.Stat(from); err == nil && !st.Mode().IsRegular() {
		return hint.Wrap(fmt.Errorf("read the tape %s: it is no file", from), "tape-foreign", "name the file that somebody sent")
	}
	in, err := os.Open(from)
	if err != nil {
		return hint.Wrap(fmt.Errorf("read the tape: %w", err), "tape-missing", "is the name right? ls -l "+filepath.Dir(from))
	}
	defer in.Close()
	if err := tape.Import(in, to); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "kept as %s; next: hirune diagnose%s\n", safe(to), safe(tapeArg(to)))
	return nil
}

// reasonOf is an error of the file system without the name of our own choice.
func reasonOf(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// writeFile writes a file of its own beside the name and renames it when it is
// whole: what was there before stays until then.
func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".hirune-*")
	if err != nil {
		return hint.Wrap(fmt.Errorf("write %s: %w", name, reasonOf(err)), "not-writable", "name a file in a folder that is there and that you may write to")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
