package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
	"hirune/internal/core/verify"
	"hirune/internal/edge/collect"
	"hirune/internal/edge/journal"
	"hirune/internal/edge/tape"
)

var planDone = time.Date(2026, 6, 1, 15, 0, 0, 0, time.UTC)

// jobDue is when the accused job is due, and watchedFor how long it is watched then.
const (
	jobDue     = 20 * time.Minute
	watchedFor = 10 * time.Minute
)

// calmTime is a recording of a site that is well, with the job's run.
func calmTime(from, to time.Time) []evidence.Record {
	var out []evidence.Record
	add := func(at time.Time, f evidence.Fact) {
		out = append(out, evidence.Record{At: at, Source: "x", Fact: f})
	}
	for at := from; !at.After(to); at = at.Add(time.Second) {
		add(at, evidence.Host{OverMs: 1000, CPUs: 2, UserMs: 200, IdleMs: 1800, MemTotalKB: 1 << 20, MemAvailKB: 1 << 19})
		add(at, evidence.DBStatus{OverMs: 1000, UptimeS: 1000, Questions: 60, ThreadsRunning: 1, Connected: 3})
		add(at, evidence.Traffic{OverMs: 1000, Class: evidence.ClassPage, Requests: 5, S2xx: 5, TookMs: 100, MaxMs: 20, Clients: 5})
		if at.Second()%5 == 0 {
			add(at, evidence.Probe{Site: "shop", URL: "http://shop/", Status: 200, TookMs: 20, Bytes: 9000})
		}
		if at.Second() == 30 {
			next := planDone.Add(jobDue)
			for next.Before(at) {
				next = next.Add(24 * time.Hour)
			}
			add(at, evidence.CronEvent{Site: "shop", Hook: "tidy", NextUnixS: next.Unix(), Schedule: "daily", IntervalS: 86400})
		}
	}
	return out
}

func tidyRun(run int) RunDue {
	return RunDue{
		Run: run, Ended: planDone,
		Because: remedy.Because{Rule: "purge-without-index", About: diagnose.Subject{Schema: "shop", Table: "ledger"}, Origin: diagnose.Origin{Hook: "tidy"}, Digest: "DELETE"},
		Settle:  remedy.Settle{Hook: "tidy", Site: "shop", Due: planDone.Add(jobDue), Every: 24 * time.Hour, After: watchedFor},
	}
}

// checkBench is a self-check over what it is told, with what it asked for.
type checkBench struct {
	SelfCheck
	runs               []RunDue
	noted              []verify.Outcome
	from, to           []time.Time
	failLoad, failNote error
}

func newCheckBench(runs ...RunDue) *checkBench {
	b := &checkBench{runs: runs}
	b.Runs = func() ([]RunDue, error) { return b.runs, nil }
	b.Load = func(from, to time.Time) (recording.Window, error) {
		b.from, b.to = append(b.from, from), append(b.to, to)
		return recording.New(calmTime(from, to)), b.failLoad
	}
	b.Note = func(run int, o verify.Outcome) error {
		if b.failNote != nil {
			return b.failNote
		}
		b.noted = append(b.noted, o)
		for i := range b.runs {
			if b.runs[i].Run == run {
				b.runs[i].Last, b.runs[i].Checks = &o, b.runs[i].Checks+1
			}
		}
		return nil
	}
	return b
}

func TestSelfCheckWaitsForTheJob(t *testing.T) {
	b := newCheckBench(tidyRun(7))
	first := planDone.Add(jobDue + watchedFor + checkAfter)
	for now := planDone; now.Before(first); now = now.Add(time.Minute) {
		if got := b.Tick(now); len(got) != 0 || len(b.from) != 0 {
			t.Fatalf("at %v: got %+v after reading %v; want it to wait until %v", now, got, b.from, first)
		}
	}
	got := b.Tick(first)
	if len(got) != 1 || got[0].Run != 7 || got[0].Err != nil || got[0].Outcome.Status != verify.Cured || len(b.noted) != 1 {
		t.Fatalf("got %+v, noted %d", got, len(b.noted))
	}
	if want := planDone.Add(jobDue - checkBefore); !b.from[0].Equal(want) || !b.to[0].Equal(first) {
		t.Errorf("read %v to %v, want %v to %v", b.from, b.to, want, first)
	}
	for _, later := range []time.Duration{time.Minute, time.Hour, 48 * time.Hour} {
		if got := b.Tick(first.Add(later)); len(got) != 0 {
			t.Errorf("%v after it was cured: got %+v", later, got)
		}
	}
}

func TestSelfCheckAsksAgainWhileItIsUntested(t *testing.T) {
	at := planDone.Add(40 * time.Minute)
	untested := func(next time.Time, checks int) RunDue {
		r := tidyRun(1)
		r.Checks, r.Last = checks, &verify.Outcome{Status: verify.Untested, At: at, Next: next, Job: &verify.JobRun{Hook: "tidy", Due: planDone.Add(jobDue), Ran: true}}
		return r
	}
	persists := untested(time.Time{}, 1)
	persists.Last.Status = verify.Persists
	cases := []struct {
		name string
		run  RunDue
		want time.Duration // after at; 0: never
	}{
		{"when it said", untested(at.Add(5*time.Hour), 1), 5*time.Hour + checkAfter},
		{"a day later where it said nothing", untested(time.Time{}, 1), checkDaily},
		{"not for ever", untested(at.Add(time.Hour), checksMost), 0},
		{"not where it persists", persists, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newCheckBench(c.run)
			for now := at; now.Before(at.Add(50 * time.Hour)); now = now.Add(time.Minute) {
				if got := b.Tick(now); len(got) == 0 {
					continue
				} else if late := now.Sub(at) - c.want; c.want == 0 || late < 0 || late >= time.Minute {
					t.Errorf("checked %v later, want %v", now.Sub(at), c.want)
				}
				return
			}
			if c.want != 0 {
				t.Errorf("never checked, want it %v later", c.want)
			}
		})
	}
}

func TestSelfCheckOneAtATimeTheOldestFirst(t *testing.T) {
	young, old := tidyRun(1), tidyRun(2)
	young.Settle.Due = young.Settle.Due.Add(time.Minute)
	b := newCheckBench(young, old)
	now := planDone.Add(time.Hour)
	var order []int
	for range 4 {
		for _, s := range b.Tick(now) {
			order = append(order, s.Run)
		}
		now = now.Add(time.Minute)
	}
	if !slices.Equal(order, []int{2, 1}) {
		t.Errorf("checked %v, want 2, then 1, each once", order)
	}
}

func TestSelfCheckSaysAFailureOnceAndTriesAgain(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		set func(*checkBench, error)
	}{
		"the tape":    {func(b *checkBench, err error) { b.failLoad = err }},
		"the journal": {func(b *checkBench, err error) { b.failNote = err }},
		"the runs": {func(b *checkBench, err error) {
			b.Runs = func() ([]RunDue, error) { return b.runs, err }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newCheckBench(tidyRun(1))
			c.set(b, broken)
			now, told := planDone.Add(time.Hour), 0
			for range 60 {
				for _, s := range b.Tick(now) {
					if !errors.Is(s.Err, broken) {
						t.Fatalf("got %+v", s)
					}
					told++
				}
				now = now.Add(time.Minute)
			}
			if told != 1 || len(b.from) > 12 {
				t.Errorf("told %d times, read the tape %d times in an hour; want once, and not each minute", told, len(b.from))
			}
			c.set(b, nil)
			ok := false
			for range 11 {
				now = now.Add(time.Minute)
				for _, s := range b.Tick(now) {
					ok = ok || s.Err == nil && s.Outcome.Status == verify.Cured
				}
			}
			if !ok {
				t.Error("mended, and not checked within ten minutes")
			}
		})
	}
}

func TestWhatIsReadForACheck(t *testing.T) {
	plain := tidyRun(1)
	noJob := RunDue{Ended: planDone, Settle: remedy.Settle{Least: time.Hour}}
	overdue := tidyRun(1)
	overdue.Last = &verify.Outcome{Job: &verify.JobRun{Due: planDone.Add(jobDue)}, Next: planDone.Add(2 * time.Hour)}
	missed := tidyRun(1)
	missed.Last = &verify.Outcome{Job: &verify.JobRun{Due: planDone.Add(jobDue), Ran: true}, Next: planDone.Add(jobDue + 24*time.Hour + watchedFor)}
	cases := []struct {
		name      string
		run       RunDue
		now, want time.Duration // after the plan
	}{
		{"from before the job is due", plain, 32 * time.Minute, jobDue - checkBefore},
		{"never from before the plan was done", plain, 2 * time.Minute, 0},
		{"as long as has to be calm, and once more", noJob, 5 * time.Hour, 3 * time.Hour},
		{"from the due time while it has not run", overdue, 2 * time.Hour, jobDue - checkBefore},
		{"not more than is bearable", overdue, 9 * time.Hour, 6 * time.Hour},
		{"from before the next time, where one was missed", missed, 25 * time.Hour, jobDue + 24*time.Hour - checkBefore},
	}
	for _, c := range cases {
		if got := checkFrom(c.run, planDone.Add(c.now)).Sub(planDone); got != c.want {
			t.Errorf("%s: got %v after the plan, want %v", c.name, got, c.want)
		}
	}
}

func TestWithoutAJobOrItsTimeACheckComesAllTheSame(t *testing.T) {
	unknown := tidyRun(1)
	unknown.Settle.Due = time.Time{}
	past := tidyRun(1)
	past.Settle.Due = planDone.Add(-time.Hour)
	for name, c := range map[string]struct {
		run  RunDue
		want time.Duration
	}{
		"no job":                     {RunDue{Ended: planDone, Settle: remedy.Settle{Least: time.Hour}}, time.Hour + checkAfter},
		"its time is not known":      {unknown, checkAgain},
		"it was due before the plan": {past, 23*time.Hour + watchedFor + checkAfter},
	} {
		if got, ok := checkAt(c.run); !ok || got.Sub(planDone) != c.want {
			t.Errorf("%s: got %v, want %v after the plan", name, got.Sub(planDone), c.want)
		}
	}
}

// The whole of it: a tape, a journal, and what the recorder says.
func TestTheRecorderSaysThatAPlanHasHelped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	path := filepath.Join(t.TempDir(), "site.hirune")
	end := planDone.Add(jobDue + watchedFor + 2*time.Minute)
	w, err := tape.OpenWriter(path, tape.Options{Now: planDone})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Append(calmTime(planDone, end)), w.Commit(end)); err != nil {
		t.Fatal(err)
	}
	defer w.Close() // the recorder holds it
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	due := tidyRun(1)
	plan := &remedy.Plan{Remedy: "add-index", Because: due.Because, Settle: due.Settle}
	for _, e := range []apply.Entry{{At: planDone, Run: 1, Event: apply.RunPlanned, Plan: plan}, {At: planDone, Run: 1, Event: apply.RunEnded}, {At: planDone, Run: 2, Event: apply.RunPlanned, Plan: plan}} {
		if err := j.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs, env: func(string) string { return "" }, now: func() time.Time { return end }}
	eye := checkEye{a.checks(path, dir), a.sayCheck(dir)}
	tick := func(at time.Time) {
		if err := eye.Collect(t.Context(), collect.NewBeat(at, "verify", func(r evidence.Record) { t.Errorf("recorded %+v", r) })); err != nil {
			t.Fatal(err)
		}
	}
	tick(end) // while somebody applies a plan
	if got := errs.String(); !strings.Contains(got, "error: verify run 1") {
		t.Errorf("with the journal in use: got %q", got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	errs.Reset()
	tick(end.Add(checkAgain))
	entries, _, err := journal.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	runs := runsDue(entries)
	if len(runs) != 1 || runs[0].Last == nil || runs[0].Last.Status != verify.Cured || runs[0].Checks != 1 || !runs[0].Ended.Equal(planDone) {
		t.Fatalf("got %+v of %s, said %q", runs, path, errs.String())
	}
	if got := errs.String(); !strings.Contains(got, "cured") || !strings.Contains(got, "tidy") {
		t.Errorf("said %q", got)
	}
	t.Logf("%s", errs.String())
}
