package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/diagnose/rules"
	"hirune/internal/core/hint"
	"hirune/internal/core/remedy"
	"hirune/internal/core/remedy/remedies"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/tape"
)

// lookFor is how long a diagnosis without a fresh tape looks at the server:
// long enough for ten probes and for rates, short enough to wait for.
const lookFor = 20 * time.Second

// diagnoseFlags are what `hirune diagnose` was asked for.
type diagnoseFlags struct {
	tape, config, at string
	since            span
	form             form
}

func (a *app) diagnoseCmd() *cobra.Command {
	var f diagnoseFlags
	c := &cobra.Command{
		Use:   "diagnose",
		Short: "Say why the site is slow or down",
		Long: `Say why the site is slow or down: the cause with its proof, the way from it to the visitor, who does it and when again, what was
cleared, and what to do.

It reads the recorder's tape. Where there is none, or it has ended, it looks at the server for 20 seconds and adds what logs and tables tell.
Where nobody ever recorded it also reads what the server kept by itself of the last two weeks (logs, also rotated ones, the database's slow log,
sysstat), finds out when there was trouble, and says what is likely.`,
		Example: `  sudo hirune diagnose
  sudo hirune diagnose --at '15:30' --verbose
  hirune diagnose --tape site.hirune --lang ja`,
		Args: a.noTapeArg,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.form.check(cmd); err != nil {
				return err
			}
			return a.diagnose(cmd.Context(), f)
		},
	}
	a.tapeFlag(c, &f.tape, "the tape `FILE` to read (default: the recorder's own)")
	c.Flags().Var(&f.since, "since", "how far back to look, such as 2h or 3d (default 2h)")
	c.Flags().StringVar(&f.at, "at", "", "the moment in question, a `TIME` such as '15:30' or '2006-01-02 15:30' (default: the worst one)")
	a.formFlags(c, &f.form)
	a.configFlag(c, &f.config)
	return c
}

func (a *app) diagnose(ctx context.Context, f diagnoseFlags) error {
	l, err := a.fromTape(f, question{since: time.Duration(f.since), at: f.at})
	if errors.Is(err, tape.ErrMissing) && f.tape == "" {
		fmt.Fprintln(a.err, "no recording yet; looking at the server as it is now, and at what it kept by itself")
		l, err = a.fromServer(ctx, f, true)
	} else if why := a.lacking(l); err == nil && f.tape == "" && f.at == "" && why != "" {
		fmt.Fprintf(a.err, "%s; looking at the server as it is now, too\n", why)
		l, err = a.withServer(ctx, f, l)
	}
	if err != nil {
		return err
	}
	v := judge(l)
	if v, err = a.orKept(f, l, v); err != nil {
		return err
	}
	if f.at == "" && f.since == 0 && l.kept == nil {
		if v, err = a.orEarlier(f, l, v); err != nil {
			return err
		}
	}
	if err := a.answer(v, f.form); err != nil {
		return err
	}
	if f.tape != "" {
		return nil
	}
	a.towardsPlan(v, f.form)
	return a.keep(v)
}

// towardsPlan says on stderr how to get from a verdict to what helps.
func (a *app) towardsPlan(v diagnose.Verdict, f form) {
	if f.json || f.markdown || !slices.ContainsFunc(remedies.All(), func(r remedy.Remedy) bool { return slices.Contains(v.Remedies, r.ID) }) {
		return
	}
	nextTo(a.err, a.sudo("hirune plan"), "what would help, exactly; it changes nothing")
}

func judge(l loaded) diagnose.Verdict {
	return diagnose.Diagnose(l.window(), rules.All(), diagnose.Options{At: l.at, Loc: time.Local})
}

// lacking says why a recording does not do for a verdict on now, or "".
func (a *app) lacking(l loaded) string {
	first, last := watched(l.records)
	switch age := a.now().Sub(l.to); {
	case age > stale:
		return "the recording ended " + long(age) + " ago"
	case last.Sub(first) < lookFor:
		return "the recording is " + long(last.Sub(first)) + " long"
	}
	return ""
}

// fromTape reads the asked part of the tape and tells what of it is lost.
func (a *app) fromTape(f diagnoseFlags, q question) (loaded, error) {
	r, _, err := a.tapeToRead(f.tape)
	if err != nil {
		return loaded{}, err
	}
	defer r.Close()
	l, err := load(r, q)
	if err != nil {
		return l, err
	}
	if l.left {
		found := ""
		if q.open() {
			found = "no trouble in that time; "
		}
		fmt.Fprintf(a.err, "%sonly %s are read in full; for another time: hirune diagnose --at TIME\n", found, hours(readAtOnce))
	}
	if n := len(l.stats.Damaged); n > 0 {
		fmt.Fprintf(a.err, "%s of the tape left out, because of damage\n", count(n, "part"))
	}
	if l.stats.Unknown > 0 {
		fmt.Fprintf(a.err, "%d facts are of a newer hirune and left out; install the newest one to read them\n", l.stats.Unknown)
	}
	return l, nil
}

// fromServer looks at the server as it is now, and where nobody recorded also
// at what it kept by itself.
func (a *app) fromServer(ctx context.Context, f diagnoseFlags, back bool) (loaded, error) {
	cfg, err := a.config(f.config)
	if err != nil {
		return loaded{}, err
	}
	began := a.now()
	eyes, err := a.open(ctx, cfg)
	if err != nil {
		return loaded{}, err
	}
	defer eyes.close()
	p := a.start("looking at the server", lookFor)
	eyes.traffic.HistoryBytes = liveHistory
	readKept := func() *kept { return nil }
	if back {
		readKept = a.lookBack(ctx, eyes, cfg)
	}
	records, err := collect.Sample(ctx, eyes.collectors, lookFor, collect.Options{Version: version()})
	p.done()
	records = append(records, a.restOfLogs(ctx, eyes)...)
	if back {
		records = append(records, a.restOfTables(ctx, eyes)...)
	}
	k := readKept()
	if k != nil {
		a.askPlans(ctx, eyes, k, records)
	}
	if ctx.Err() != nil {
		return loaded{}, hint.Wrap(errors.New("interrupted before there was an answer"), "interrupted", "let it look for "+long(lookFor))
	}
	return loaded{records: records, fresh: anew(eyes.collectors, began), from: began, to: a.now(), kept: k}, err
}

// withServer adds how the server is now to what was recorded before. The
// verdict is then about now.
func (a *app) withServer(ctx context.Context, f diagnoseFlags, before loaded) (loaded, error) {
	now, err := a.fromServer(ctx, f, false)
	if err != nil {
		return now, err
	}
	now.records = slices.Concat(before.records, now.fresh, now.records)
	now.from, now.at, now.trouble = before.from, now.to, before.trouble
	return now, nil
}

// keep lets hirune alone tell the verdict later, and a plan be made of it. A tape
// that this user cannot write to is no fault.
func (a *app) keep(v diagnose.Verdict) error {
	text, err := jsonOf(v)
	if err != nil {
		return err
	}
	err = tape.SaveVerdict(a.readTape(), a.now(), text)
	switch {
	case errors.Is(err, tape.ErrMissing):
		return a.keepVerdict(text)
	case errors.Is(err, tape.ErrDenied):
		return nil
	}
	return err
}
