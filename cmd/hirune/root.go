package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/edge/tape"
)

// rootCmd is the program: the verbs, and what hirune alone does.
func (a *app) rootCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "hirune",
		Short: "Find out why a WordPress or PHP + MySQL/MariaDB site goes down",
		Long: `hirune (昼寝, "afternoon nap") finds out why a WordPress or other PHP + MySQL/MariaDB site goes down, and says so in words its owner understands.

Without a verb it says how things stand and what to type next.

Exit codes: 0 nothing found, 1 something found, 2 could not tell or wrong usage.`,
		Args:          wrongVerb,
		SilenceErrors: true, // run prints them, with their advice
		SilenceUsage:  true,
		Version:       version(),
		RunE:          func(*cobra.Command, []string) error { return a.status() },
	}
	c.SetOut(a.out)
	c.SetErr(a.err)
	c.SetFlagErrorFunc(wrongFlag)
	c.SetVersionTemplate("hirune {{.Version}}\n")
	c.CompletionOptions.DisableDefaultCmd = true
	c.SetHelpCommand(&cobra.Command{Hidden: true})
	c.AddCommand(a.recordCmd(), a.diagnoseCmd(), a.planCmd(), a.applyCmd(), a.undoCmd(), a.historyCmd(), a.verifyCmd(), a.keepCmd(), a.doctorCmd(), a.demoCmd(), a.tapeCmd(), a.completionCmd(), a.manCmd(), a.versionCmd())
	return c
}

// status says how things stand. Its exit code is that of the last verdict.
func (a *app) status() error {
	path := a.readTape()
	r, err := tape.OpenReader(path)
	switch {
	case errors.Is(err, tape.ErrMissing):
		a.noRecording()
		return nil
	case err != nil:
		return err
	}
	defer r.Close()
	f, err := factsOf(r, path)
	if err != nil {
		return err
	}
	a.standing(f)
	return a.lastVerdict(r)
}

func (a *app) noRecording() {
	fmt.Fprintf(a.out, "no recording yet (%s)\n", safe(a.readTape()))
	a.next("hirune doctor", "what can be seen here, and what cannot",
		a.sudo("hirune record"), "start the recorder",
		a.sudo("hirune diagnose"), "look for 20 seconds and say what is wrong now",
		"hirune demo", "the verdict on a real outage")
}

// standing says whether the recorder runs and what it has.
func (a *app) standing(f tapeFacts) {
	if f.Recorder != 0 {
		fmt.Fprintf(a.out, "the recorder is running (pid %d)\n", f.Recorder)
	} else {
		fmt.Fprintln(a.out, "the recorder is not running")
	}
	if f.From == nil {
		fmt.Fprintf(a.out, "nothing is recorded yet on %s\n", safe(f.Tape))
		return
	}
	fmt.Fprintf(a.out, "recorded: %s to %s with what logs told before, %s on %s\n", stamp(*f.From), stamp(*f.To), size(f.Bytes), safe(f.Tape))
}

// said is what the status needs of a verdict's JSON.
type said struct {
	Status string `json:"status"`
	Causes []struct {
		ID string `json:"id"`
	} `json:"causes"`
}

func (a *app) lastVerdict(r *tape.Reader) error {
	text, at, err := r.LastVerdict()
	if err != nil {
		return err
	}
	var v said
	if text == nil || json.Unmarshal(text, &v) != nil {
		fmt.Fprintln(a.out, "no verdict yet")
	} else {
		fmt.Fprintf(a.out, "last verdict, %s ago: %s\n", long(a.now().Sub(at)), v.words())
		a.code = exitOf(v.Status)
	}
	typed := a.sudo // a tape of the machine is root's
	if a.readTape() == a.ownTape() {
		typed = a.again
	}
	pairs := []string{typed("hirune diagnose"), "why the site is slow or down"}
	if tape.Holder(a.readTape()) == 0 {
		pairs = append([]string{typed("hirune record"), "start the recorder"}, pairs...)
	}
	a.next(append(pairs, "hirune doctor", "what can be seen here, and what cannot")...)
	return nil
}

func (v said) words() string {
	ids := make([]string, 0, len(v.Causes))
	for _, c := range v.Causes {
		ids = append(ids, c.ID)
	}
	out := strings.ReplaceAll(v.Status, "_", " ")
	if len(ids) > 0 {
		out += ": " + strings.Join(ids, ", ")
	}
	return safe(out)
}

// next says what to type, in pairs of a command and what it is for.
func (a *app) next(pairs ...string) {
	wide := 0
	for i := 0; i < len(pairs); i += 2 {
		wide = max(wide, len(pairs[i]))
	}
	fmt.Fprintln(a.out, "\nwhat to type next:")
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(a.out, "  %-*s  %s\n", wide, pairs[i], pairs[i+1])
	}
}

// stale is how old the end of a tape may be for a diagnosis of now.
const stale = 2 * time.Minute
