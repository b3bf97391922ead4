package verify

import (
	"cmp"
	"slices"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
	"hirune/internal/core/remedy"
)

// In is what Judge goes by.
type In struct {
	Because remedy.Because
	Settle  remedy.Settle
	Ended   time.Time // when the plan was done
	// Window is the time since then; it may begin before, and need not begin with
	// it. What it knows of older times (schedules, tables) is used.
	Window  recording.Window
	Rules   []diagnose.Rule // among them the accusing one
	Options diagnose.Options
	Before  diagnose.Visitors // in the outage; zero if it is not known
	// Usual is the demand of a quiet hour of the outage's day, as Demand gives it;
	// 0 unknown. It is needed only where no job is to run again.
	Usual float64
}

// Defaults where a plan does not say.
const (
	defaultAfter = 10 * time.Minute
	defaultLeast = 30 * time.Minute
)

// How long after its due time a job may begin, and how far a moment may be off.
const (
	jobWithin = 10 * time.Minute
	tolerance = 5 * time.Second
)

// Judge says whether the plan has helped.
//
// It persists if the accusing rule finds the same subject again in the time
// since, or if visitors suffered again beside the same statement. It is cured
// only if there was an occasion for it to come back: where a job is the cause,
// that job ran while somebody watched the machine and the visitors; elsewhere
// there were visitors as usual for long enough.
func Judge(in In) Outcome {
	in.fill()
	j := &judge{In: in, after: in.Window.Between(in.Ended, in.Window.To)}
	if j.after.From.After(j.after.To) || len(diagnose.Watched(j.after, diagnose.GapLeast)) == 0 {
		return j.unwatched()
	}
	j.c = diagnose.NewCase(j.after, in.Options)
	if f, at := j.accused(); f != nil {
		return j.persists(*f, at)
	}
	if in.Settle.Hook != "" {
		return j.byJob()
	}
	return j.byCalm()
}

// fill sets what a plan leaves open. A finding that names a job is settled by
// that job, whichever part of it the plan is for: silence is no cure.
func (in *In) fill() {
	if in.Settle.Hook == "" && in.Because.Origin.Hook != "" {
		in.Settle.Hook, in.Settle.Site = in.Because.Origin.Hook, in.Because.Origin.Site
	}
	if in.Settle.Hook == "" && in.Because.Origin.Schedule != "" {
		in.hostJob()
	}
	in.Settle.After = cmp.Or(in.Settle.After, defaultAfter)
	in.Settle.Least = cmp.Or(in.Settle.Least, defaultLeast)
	in.Options.At = time.Time{}
}

// hostJob takes the job of the host's own schedule as what has to run again.
// Those that are accused run once a day (diagnose.Case.JobAt).
func (in *In) hostJob() {
	for _, s := range recording.Ever[evidence.Schedule](in.Window) {
		if s.Spec == in.Because.Origin.Schedule && s.Next > 0 {
			in.Settle.Hook, in.Settle.Due, in.Settle.Every = s.Command, time.Unix(s.Next, 0).UTC(), 24*time.Hour
		}
	}
}

// judge is one judgement under way.
type judge struct {
	In
	after recording.Window // since the plan was done
	c     *diagnose.Case   // of that
}

// outcome is what every answer has in common.
func (j *judge) outcome(s Status, says ...diagnose.Sentence) Outcome {
	o := Outcome{Status: s, At: j.Window.To, Window: diagnose.Span{From: j.after.From, To: j.after.To}, Before: j.Before, Says: says}
	o.After = j.fared(o.Window)
	return o
}

func (j *judge) unwatched() Outcome {
	o := Outcome{Status: Untested, At: j.Window.To, Before: j.Before, After: diagnose.Visitors{QuietMs: -1, OutageMs: -1, WorstMs: -1},
		Says: []diagnose.Sentence{diagnose.Say("verify-not-watched")}}
	if j.Settle.Hook == "" {
		return o
	}
	o.Job = &JobRun{Hook: j.Settle.Hook, Took: -1}
	if next := rolled(j.Settle.Due, j.Settle.Every, later(j.Ended, j.Window.To)); !next.IsZero() {
		o.Job.Due, o.Next = next, next.Add(j.Settle.After)
	}
	return o
}

func (j *judge) persists(f diagnose.Finding, at time.Time) Outcome {
	id := "verify-fires"
	if f.Harmless {
		id = "verify-fires-harmless"
	}
	o := j.outcome(Persists, diagnose.Say(id, "at", at))
	if j.Settle.Hook != "" {
		o.Job = j.jobAt(at)
	}
	return o
}

// fared is how visitors fared in a span; How is empty where nobody saw.
func (j *judge) fared(s diagnose.Span) diagnose.Visitors {
	w := j.after.Between(s.From, s.To)
	if !seesVisitors(w) {
		return diagnose.Visitors{QuietMs: -1, OutageMs: -1, WorstMs: -1}
	}
	return diagnose.Diagnose(w, nil, j.Options).Visitors
}

// rolled is the first time not before from at which something is due that is
// due every so often; zero if that is not known.
func rolled(due time.Time, every time.Duration, from time.Time) time.Time {
	switch {
	case due.IsZero() || !due.Before(from):
		return due
	case every <= 0:
		return time.Time{}
	}
	return due.Add((from.Sub(due) + every - 1) / every * every)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func overlap(a, b diagnose.Span) bool { return !a.From.After(b.To) && !a.To.Before(b.From) }

// rule is the accusing rule, if it was handed in.
func (j *judge) rule() (diagnose.Rule, bool) {
	i := slices.IndexFunc(j.Rules, func(r diagnose.Rule) bool { return r.ID == j.Because.Rule })
	if i < 0 {
		return diagnose.Rule{}, false
	}
	return j.Rules[i], true
}
