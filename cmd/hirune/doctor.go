package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/hint"
	"hirune/internal/edge/collect"
)

// glance is how long the doctor looks: each collector is asked once or a few
// times, which is enough to know whether it can see.
const glance = 4 * time.Second

// Marks of a check.
const (
	markOK      = "ok"      // found, and it can be seen
	markNote    = "note"    // seen, but less than it could be
	markBad     = "bad"     // something is wrong with the server
	markUnknown = "unknown" // cannot be seen
)

// check is one line of the doctor's: what was found, by which evidence, and
// what to type to change it.
type check struct {
	Mark     string `json:"status"`
	Area     string `json:"area"`
	Name     string `json:"name,omitempty"`
	Message  string `json:"message"`
	Evidence string `json:"evidence,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

func (a *app) doctorCmd() *cobra.Command {
	var asJSON bool
	var config string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what was found on this server, and what cannot be seen",
		Long: `Say what was found on this server: services, web servers, PHP-FPM pools, databases, sites, logs, schedules; and what cannot be seen,
with the command, grant or line that would change it.

Marks: ✔ seen, ! seen but less than it could be, ✘ wrong, ? cannot be seen.
Exit codes: 0 all is seen, 1 something is wrong or less than it could be, 2 something cannot be seen.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), config, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	a.configFlag(c, &config)
	return c
}

func (a *app) doctor(ctx context.Context, config string, asJSON bool) error {
	cfg, err := a.config(config)
	if err != nil {
		return err
	}
	eyes, err := a.open(ctx, cfg)
	if err != nil {
		return err
	}
	defer eyes.close()
	p := a.start("looking at the server", glance)
	records, err := collect.Sample(ctx, eyes.collectors, glance, collect.Options{Version: version()})
	p.done()
	if ctx.Err() != nil {
		return hint.Wrap(errors.New("interrupted"), "interrupted", "let it look for "+long(glance))
	}
	if err != nil {
		return err
	}
	checks := append(a.rounds(*eyes.found(), records), a.ownRecorder())
	a.code = exitOfChecks(checks)
	if asJSON {
		return a.printJSON(struct {
			Schema int     `json:"schema"`
			Checks []check `json:"checks"`
		}{1, checks})
	}
	a.printChecks(checks)
	return nil
}

// exitOfChecks is 1 if something is wrong, else 2 if something is hidden.
func exitOfChecks(checks []check) int {
	code := exitHealthy
	for _, c := range checks {
		switch c.Mark {
		case markBad, markNote:
			return exitFound
		case markUnknown:
			code = exitUnclear
		}
	}
	return code
}

// printChecks writes a line for each check, and below it what to type.
func (a *app) printChecks(checks []check) {
	area := 0
	for _, c := range checks {
		area = max(area, len(c.Area))
	}
	for _, c := range checks {
		text := c.Message
		if c.Name != "" {
			text = c.Name + ": " + c.Message
		}
		fmt.Fprintf(a.out, "%s %-*s  %s\n", a.mark(c.Mark), area, c.Area, safe(text))
		pad := strings.Repeat(" ", area+4)
		if c.Evidence != "" {
			fmt.Fprintf(a.out, "%s%s\n", pad, safe(c.Evidence))
		}
		if c.Hint != "" {
			fmt.Fprintf(a.out, "%s→ %s\n", pad, safe(c.Hint))
		}
	}
}

func (a *app) mark(m string) string {
	signs := map[string][2]string{markOK: {"✔", "32"}, markNote: {"!", "33"}, markBad: {"✘", "31"}, markUnknown: {"?", "36"}}
	if a.plain("en") {
		signs[markOK], signs[markBad] = [2]string{"+", "32"}, [2]string{"x", "31"}
	}
	s := signs[m]
	if !a.colours(a.out) {
		return s[0]
	}
	return "\x1b[" + s[1] + "m" + s[0] + "\x1b[0m"
}
