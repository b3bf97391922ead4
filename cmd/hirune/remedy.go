package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/core/report"
	"hirune/internal/edge/tape"
)

// helpFlags are what plan and apply were asked for.
type helpFlags struct {
	tape, state, config, lang string
	keep                      span
	wishes                    remedy.Wishes
	json, sql, verbose, yes   bool
}

// helpFlagsOf adds the flags that say what help is wanted.
func (a *app) helpFlagsOf(c *cobra.Command, f *helpFlags) {
	a.tapeFlag(c, &f.tape, "the tape `FILE` whose last verdict counts (default: the recorder's own)")
	a.stateFlag(c, &f.state)
	a.configFlag(c, &f.config)
	a.langFlag(c, &f.lang)
	c.Flags().Var(&f.keep, "keep", "keep rows that are younger than this, such as 30d (default: as the plugin itself does)")
	c.Flags().StringVar(&f.wishes.Strategy, "strategy", "", "`HOW` to purge: chunks, swap or truncate (default: by estimate)")
	c.Flags().BoolVar(&f.wishes.NoArchive, "no-archive", false, "do not keep the deleted rows, although nothing brings them back then")
	c.Flags().StringSliceVar(&f.wishes.Allow, "allow", nil, "`ADDRESS`es or prefixes that may go on using xmlrpc.php")
	c.Flags().BoolVar(&f.wishes.AllowAll, "allow-callers", false, "let those through that use xmlrpc.php rightly")
	c.Flags().StringSliceVar(&f.wishes.Force, "accept", nil, "`NAME`s of warnings and of steps that cannot be undone which you accept")
	c.Flags().StringVar(&f.wishes.At, "job-at", "", "`TIME` of day for jobs, such as 03:40 (default: a quiet hour)")
	_ = c.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions([]string{remedy.Chunks, remedy.Swap, remedy.Truncate}, cobra.ShellCompDirectiveNoFileComp))
}

// stateFlag adds --state.
func (a *app) stateFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "state", "", "the `FOLDER` of the journal and of deleted rows (default: "+systemDir+" as root, else ~/.local/state/hirune)")
	_ = c.MarkFlagDirname("state")
}

func (f *helpFlags) check(cmd *cobra.Command) error {
	f.wishes.Keep = time.Duration(f.keep)
	if s := f.wishes.Strategy; s != "" && !slices.Contains([]string{remedy.Chunks, remedy.Swap, remedy.Truncate}, s) {
		return usage(cmd, fmt.Sprintf("unknown strategy %q", s), "there are: chunks, swap, truncate")
	}
	if f.wishes.At != "" {
		if _, err := time.Parse("15:04", f.wishes.At); err != nil {
			return usage(cmd, fmt.Sprintf("%q is no time of day", f.wishes.At), "write it as 03:40")
		}
	}
	return checkLang(cmd, f.lang)
}

// lastVerdict is the verdict that a plan answers: the newest one of the tape and
// of the folder.
func (a *app) verdictToHelp(f helpFlags) (report.Document, time.Time, error) {
	text, at, err := a.tapeVerdict(f.tape)
	if err != nil && !errors.Is(err, tape.ErrMissing) {
		return report.Document{}, at, err
	}
	if f.tape == "" {
		path := filepath.Join(a.stateDir(""), verdictName)
		st, err := os.Stat(path)
		if err == nil && st.ModTime().After(at) {
			at = st.ModTime()
			if text, err = os.ReadFile(path); err != nil {
				return report.Document{}, at, fmt.Errorf("read the last verdict: %w", err)
			}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return report.Document{}, at, hint.Wrap(fmt.Errorf("read the last verdict: %w", err), "verdict-denied", "run it with sudo")
		}
	}
	if text == nil && f.tape != "" {
		text, err = a.judged(f.tape) // nobody has asked this tape yet
		if at = a.now(); err != nil {
			return report.Document{}, at, err
		}
	}
	if text == nil {
		return report.Document{}, at, hint.Wrap(errors.New("there is no verdict yet to make a plan for"), "no-verdict", "find the cause first: "+a.sudo("hirune diagnose"))
	}
	d, err := report.ParseJSON(bytes.NewReader(text))
	return d, at, err
}

// judged is the verdict on a tape as JSON.
func (a *app) judged(path string) ([]byte, error) {
	l, err := a.fromTape(diagnoseFlags{tape: path}, question{})
	if err != nil {
		return nil, err
	}
	return jsonOf(judge(l))
}

func (a *app) tapeVerdict(path string) ([]byte, time.Time, error) {
	r, _, err := a.tapeToRead(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer r.Close()
	return r.LastVerdict()
}

// wanted is one remedy for one finding.
type wanted struct {
	remedy  remedy.Remedy
	finding diagnose.Finding
}

// choose returns the remedies for the findings of a verdict, in the order in
// which they are done. args name findings or remedies; none: all of them.
func choose(cmd *cobra.Command, fs []diagnose.Finding, args []string) ([]wanted, error) {
	var out []wanted
	var known []string
	for _, r := range remedies.All() {
		for _, f := range fs {
			known = append(known, f.Rule, r.ID)
			if !slices.Contains(f.Remedies, r.ID) || !asked(args, f.Rule, r.ID) || given(out, r.ID, f) {
				continue
			}
			out = append(out, wanted{r, f})
		}
	}
	for _, arg := range args {
		if !slices.Contains(known, arg) {
			text := fmt.Sprintf("neither a finding of the last verdict nor a remedy: %q", arg)
			if near := hint.Nearest(arg, known); near != "" {
				return nil, usage(cmd, text, "did you mean "+near+"?")
			}
			return nil, usage(cmd, text, "see: hirune diagnose")
		}
	}
	return out, nil
}

func asked(args []string, names ...string) bool {
	return len(args) == 0 || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(args, n) })
}

// given reports whether the remedy is there already for the same subject.
func given(have []wanted, id string, f diagnose.Finding) bool {
	return slices.ContainsFunc(have, func(w wanted) bool {
		return w.remedy.ID == id && w.finding.About.Table == f.About.Table && w.finding.About.Session == f.About.Session
	})
}

// oldVerdict is from when on the cause itself may have changed since.
const oldVerdict = 24 * time.Hour

// plans makes the plans of the last verdict.
func (a *app) plans(ctx context.Context, cmd *cobra.Command, f helpFlags, args []string) ([]remedy.Plan, *hands, error) {
	d, at, err := a.verdictToHelp(f)
	if err != nil {
		return nil, nil, err
	}
	found := d.Findings()
	if d.Status == diagnose.Healthy {
		fmt.Fprintf(a.err, "the last verdict, %s ago, is healthy: there is nothing to remedy\n", long(a.now().Sub(at)))
		return nil, nil, nil
	}
	if len(found) == 0 {
		a.code = exitUnclear
		return nil, nil, hint.Wrap(fmt.Errorf("the last verdict (%s ago) is %q: without a cause there is nothing to remedy", long(a.now().Sub(at)), strings.ReplaceAll(string(d.Status), "_", " ")),
			"no-cause", "look again: "+a.sudo("hirune diagnose"))
	}
	if age := a.now().Sub(at); age > oldVerdict {
		fmt.Fprintf(a.err, "the last verdict is %s old; the server is looked at anew for the plan, but to look for the cause again: %s\n", long(age), a.sudo("hirune diagnose"))
	}
	chosen, err := choose(cmd, found, args)
	if err != nil {
		return nil, nil, err
	}
	h, err := a.reach(ctx, f.config, a.stateDir(f.state))
	if err != nil {
		return nil, nil, err
	}
	var out []remedy.Plan
	var last remedy.World
	for _, w := range chosen {
		world := h.world(ctx, w, f.wishes)
		p := w.remedy.Plan(w.finding, world, f.wishes)
		p.At = world.Now
		if last.Server == nil {
			last = world
		}
		out = append(out, p)
	}
	if p := (remedy.Plan{Remedy: "advice", Advice: remedies.Advise(last, found), At: last.Now}); len(args) == 0 && len(p.Advice) > 0 {
		out = append(out, p)
	}
	return out, h, ctx.Err()
}
