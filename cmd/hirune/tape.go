package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/edge/tape"
)

// tapeCmd groups the verbs on tapes.
func (a *app) tapeCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "tape",
		Short: "Say what a tape holds; make a small redacted one to send; take one in",
		Args:  wrongVerb,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(cmd, "hirune tape needs a verb", "try: hirune tape info")
		},
	}
	c.AddCommand(a.tapeInfoCmd(), a.tapeExportCmd(), a.tapeImportCmd())
	return c
}

// tapeFlag adds --tape.
func (a *app) tapeFlag(c *cobra.Command, path *string, words string) {
	c.Flags().Var((*file)(path), "tape", words)
	_ = c.MarkFlagFilename("tape", "hirune")
}

// file is the name of a file as a flag. An empty one is what an unset variable
// of a shell leaves: it must not turn into the default.
type file string

// String implements pflag.Value.
func (f *file) String() string { return string(*f) }

// Type implements pflag.Value.
func (*file) Type() string { return "FILE" }

// Set implements pflag.Value.
func (f *file) Set(text string) error {
	if text == "" {
		return errors.New("it needs the name of a file")
	}
	*f = file(text)
	return nil
}

// tapeFacts is what is known of a tape as a file. It is also the JSON of tape info.
type tapeFacts struct {
	Schema   int        `json:"schema"`
	Tape     string     `json:"tape"`
	Bytes    int64      `json:"bytes"`
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"`
	Version  string     `json:"version,omitempty"`
	Recorder int        `json:"recorder_pid,omitempty"`
}

// factsOf looks at a tape that is open.
func factsOf(r *tape.Reader, path string) (tapeFacts, error) {
	f := tapeFacts{Schema: 1, Tape: path, Version: r.Version(), Recorder: tape.Holder(path)}
	if st, err := os.Stat(path); err == nil {
		f.Bytes = st.Size()
	}
	span, err := r.Span()
	if err != nil {
		return f, err
	}
	if !span.To.IsZero() {
		f.From, f.To = &span.From, &span.To
	}
	return f, nil
}

func (a *app) tapeInfoCmd() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "info",
		Short: "Say what a tape covers and who writes to it",
		Args:  a.noTapeArg,
		RunE: func(*cobra.Command, []string) error {
			r, name, err := a.tapeToRead(path)
			if err != nil {
				return err
			}
			defer r.Close()
			f, err := factsOf(r, name)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(f)
			}
			a.printTape(f)
			return nil
		},
	}
	a.tapeFlag(c, &path, "the tape `FILE` (default: the recorder's own)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) printTape(f tapeFacts) {
	fmt.Fprintf(a.out, "tape      %s, %s\n", safe(f.Tape), size(f.Bytes))
	if f.From == nil {
		fmt.Fprintln(a.out, "covers    nothing yet")
	} else {
		fmt.Fprintf(a.out, "covers    %s to %s, with what logs told of the time before\n", stamp(*f.From), stamp(*f.To))
	}
	fmt.Fprintf(a.out, "written   by hirune %s\n", safe(f.Version))
	if f.Recorder != 0 {
		fmt.Fprintf(a.out, "recorder  running, pid %d\n", f.Recorder)
	} else {
		fmt.Fprintln(a.out, "recorder  not running")
	}
}

// printJSON writes a value for programs.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// stamp shows a moment in the zone of who reads it.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// long shows a duration by its two largest units.
func long(d time.Duration) string {
	d = d.Round(time.Second)
	switch days := int(d / (24 * time.Hour)); {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, int(d/time.Hour)%24)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d/time.Minute)%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", int(d/time.Minute), int(d/time.Second)%60)
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}

// size shows bytes in units of 1024.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KB", (n+1023)/1024)
}
