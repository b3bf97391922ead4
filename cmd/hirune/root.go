package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/core/report"
	"hirune/internal/core/verify"
	"hirune/internal/edge/journal"
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
	c.AddCommand(a.recordCmd(), a.diagnoseCmd(), a.auditCmd(), a.planCmd(), a.applyCmd(), a.undoCmd(), a.historyCmd(), a.verifyCmd(), a.keepCmd(), a.blockCmd(), a.unblockCmd(), a.blocksCmd(), a.allowCmd(), a.attacksCmd(), a.doctorCmd(), a.demoCmd(), a.tapeCmd(), a.importCmd(), a.completionCmd(), a.manCmd(), a.versionCmd())
	return c
}

// status says how things stand. Its exit code is that of the last verdict.
func (a *app) status() error {
	path := a.readTape()
	r, err := tape.OpenReader(path)
	switch {
	case errors.Is(err, tape.ErrMissing):
		fmt.Fprintf(a.out, "no recording yet (%s)\n", safe(path))
		if d, at, err := a.verdictToHelp(helpFlags{}); err == nil {
			a.lastVerdict(d, at) // of a diagnosis that looked at the server itself
			return nil
		}
		a.noRecording()
		return nil
	case err != nil:
		return err
	}
	f, err := factsOf(r, path)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	a.standing(f)
	d, at, err := a.verdictToHelp(helpFlags{})
	if err != nil {
		d = report.Document{} // the verbs that need one say why there is none
	}
	a.lastVerdict(d, at)
	return nil
}

func (a *app) noRecording() {
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

// lastVerdict tells the last verdict and what to type next; a zero document: there is none.
func (a *app) lastVerdict(d report.Document, at time.Time) {
	if d.Status == "" {
		fmt.Fprintln(a.out, "no verdict yet")
	} else {
		fmt.Fprintf(a.out, "last verdict, %s ago: %s\n", long(a.now().Sub(at)), inShort(d))
		a.code = exitOf(string(d.Status))
	}
	typed := a.sudo // a tape of the machine is root's
	if a.readTape() == a.ownTape() {
		typed = a.again
	}
	pairs := a.remedyNext(d)
	if tape.Holder(a.readTape()) == 0 {
		pairs = append(pairs, typed("hirune record"), "start the recorder")
	}
	a.next(append(pairs, typed("hirune diagnose"), "why the site is slow or down", "hirune doctor", "what can be seen here, and what cannot")...)
}

// inShort is a verdict in a few words.
func inShort(d report.Document) string {
	ids := make([]string, 0, len(d.Causes))
	for _, c := range d.Causes {
		ids = append(ids, c.ID)
	}
	out := strings.ReplaceAll(string(d.Status), "_", " ")
	if len(ids) > 0 {
		out += ": " + strings.Join(ids, ", ")
	}
	return safe(out)
}

// remedyNext is what to type next about the cause: what has begun goes first.
func (a *app) remedyNext(d report.Document) []string {
	entries, _, err := journal.Read(a.stateDir(""))
	if err != nil {
		entries = nil // the verbs that need it say why
	}
	unsure := false
	for _, r := range apply.Runs(entries) {
		if r.HalfUndone() {
			fmt.Fprintf(a.out, "run %d (%s) is half undone\n", r.ID, safe(r.Plan.Remedy))
			return []string{a.sudo(fmt.Sprintf("hirune undo %d", r.ID)), "take back the rest of it", a.sudo("hirune history"), "what was done"}
		}
		if r.Open() {
			fmt.Fprintf(a.out, "run %d (%s) has not ended\n", r.ID, safe(r.Plan.Remedy))
			return []string{a.sudo("hirune apply"), "go on with it", a.sudo("hirune history"), "what was done"}
		}
		unsure = unsure || r.Ended && !r.Undone && !aboutBans(r.Plan) && open(r.Verified)
	}
	switch {
	case unsure:
		return []string{a.sudo("hirune verify"), "whether what was done has helped", a.sudo("hirune history"), "what was done"}
	case helpable(d):
		return []string{a.sudo("hirune plan"), "what would help, exactly"}
	}
	return nil
}

// open reports whether it is not known yet if a run has helped.
func open(verified json.RawMessage) bool {
	var o verify.Outcome
	return verified == nil || json.Unmarshal(verified, &o) != nil || o.Status == verify.Untested
}

// helpable reports whether hirune itself can do something about a verdict.
func helpable(d report.Document) bool {
	return slices.ContainsFunc(remedies.All(), func(r remedy.Remedy) bool {
		return slices.ContainsFunc(d.Causes, func(c report.Cause) bool { return slices.Contains(c.Remedies, r.ID) })
	})
}

// next says what to type, in pairs of a command and what it is for.
func (a *app) next(pairs ...string) { nextTo(a.out, pairs...) }

// nextTo is next on another writer: on stderr where a report stands on stdout.
func nextTo(w io.Writer, pairs ...string) {
	wide := 0
	for i := 0; i < len(pairs); i += 2 {
		wide = max(wide, len(pairs[i]))
	}
	fmt.Fprintln(w, "\nwhat to type next:")
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(w, "  %-*s  %s\n", wide, pairs[i], pairs[i+1])
	}
}

// stale is how old the end of a tape may be for a diagnosis of now.
const stale = 2 * time.Minute
