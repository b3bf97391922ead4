package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/report"
)

// form is how a verdict is to be told.
type form struct {
	json, markdown, verbose bool
	lang                    string
}

// formFlags adds the flags of form.
func (a *app) formFlags(c *cobra.Command, f *form) {
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, which is never translated")
	c.Flags().BoolVar(&f.markdown, "markdown", false, "print Markdown, for a ticket")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print all of the evidence")
	a.langFlag(c, &f.lang)
}

func (f form) check(cmd *cobra.Command) error {
	if f.json && f.markdown {
		return usage(cmd, "--json and --markdown cannot be together", "")
	}
	return checkLang(cmd, f.lang)
}

// answer tells the verdict and sets the exit code.
func (a *app) answer(v diagnose.Verdict, f form) error {
	a.code = exitOf(string(v.Status))
	o := report.Options{
		Lang: f.lang, Loc: time.Local, Width: a.width(), Color: a.colours(a.out), ASCII: a.plain(f.lang), Verbose: f.verbose, Now: a.readAt(v),
	}
	switch {
	case f.json:
		return report.JSON(a.out, v)
	case f.markdown:
		return report.Markdown(a.out, v, o)
	}
	return report.Text(a.out, v, o)
}

// fresh is how old a recording may be for its reader to live in its time.
const fresh = time.Hour

// readAt is now for a report on now; for one on the past it is zero, because
// "in 3 h" would not be true.
func (a *app) readAt(v diagnose.Verdict) time.Time {
	if now := a.now(); now.Sub(v.Window.To) < fresh {
		return now
	}
	return time.Time{}
}

func jsonOf(v diagnose.Verdict) ([]byte, error) {
	var b bytes.Buffer
	err := report.JSON(&b, v)
	return b.Bytes(), err
}

// exitOf is the exit code of a verdict's status.
func exitOf(status string) int {
	switch diagnose.Status(status) {
	case diagnose.Healthy:
		return exitHealthy
	case diagnose.Proven, diagnose.Likely, diagnose.NotProven:
		return exitFound
	case diagnose.CannotJudge:
		return exitUnclear
	}
	return exitUnclear
}

// width is how many columns the terminal has; 0 where there is none.
func (a *app) width() int {
	if f, ok := a.out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	w, err := strconv.Atoi(a.env("COLUMNS"))
	if err != nil || w < 0 {
		return 0
	}
	return w
}

// plain reports whether the terminal shows ASCII only, as far as its locale
// says. A locale that says nothing is taken for UTF-8: nearly all are.
func (a *app) plain(lang string) bool {
	if lang != report.English || !isTerminal(a.out) {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(a.env(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
