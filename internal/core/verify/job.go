package verify

import (
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/evidence"
	"hirune/internal/core/recording"
)

// heavy is how long a statement has to run to be what visitors suffer from:
// the same as for the rules on clean-ups.
const heavy = 3 * time.Second

// Gaps that are too long: at the beginning of the run, where its statement would
// be seen, and for the database to say how long it took.
const (
	gapAtRun = 15 * time.Second
	gapTook  = 5 * time.Second
)

// byJob answers where a job has to run again. Of several runs, one that was
// watched says more than the others, else the last.
func (j *judge) byJob() Outcome {
	runs, next, gone := j.runs()
	var out *Outcome
	for i, r := range runs {
		again := next
		if i+1 < len(runs) {
			again = runs[i+1].due
		}
		if o := j.byRun(r, again); out == nil || out.Status == Untested || o.Status == Persists {
			if out = &o; o.Status == Persists {
				break
			}
		}
	}
	if out == nil {
		o := j.byWaiting(next, gone)
		out = &o
	}
	return *out
}

// byWaiting answers where the job has not run again.
func (j *judge) byWaiting(next time.Time, gone bool) Outcome {
	hook := j.Settle.Hook
	o := j.outcome(Untested)
	o.Job = &JobRun{Hook: hook, Due: next, Took: -1}
	switch {
	case gone:
		o.Job.Due = time.Time{}
		o.Says = append(o.Says, diagnose.Say("verify-job-gone", "hook", hook))
	case next.IsZero():
		o.Says = append(o.Says, diagnose.Say("verify-no-due", "hook", hook))
	case next.Add(tolerance).Before(j.Window.To):
		o.Says = append(o.Says, diagnose.Say("verify-job-not-run", "hook", hook, "due", next))
		o.Next = j.Window.To.Add(time.Hour)
	default:
		o.Says = append(o.Says, diagnose.Say("verify-not-due", "hook", hook, "due", next))
		o.Next = next.Add(j.Settle.After)
	}
	return o
}

// byRun answers by one run of the job: of what it did to visitors, if somebody
// saw.
func (j *judge) byRun(r run, again time.Time) Outcome {
	o := j.outcome(Untested)
	o.Job = j.job(r)
	s := diagnose.Span{From: r.from.Add(-tolerance), To: r.to.Add(j.settles(o.Job.Took))}
	o.After = j.fared(s)
	if !again.IsZero() {
		o.Next = again.Add(j.Settle.After)
	}
	if f := j.find(s, time.Time{}); f != nil {
		return j.persists(*f, f.Active.From)
	}
	hurt, hurting := j.hurt(s)
	blind := j.blind(s)
	gapFrom, gapTo, gap := j.gap(r, s)
	switch {
	case hurting && r.statement != nil && r.statement.Running >= heavy && overlap(hurt, widened(r.statement.Active)):
		o.Status, o.Next = Persists, time.Time{}
		o.Says = append(o.Says, diagnose.Say("verify-suffered", "at", hurt.From, "running", r.statement.Running))
	case hurting:
		o.Says = append(o.Says, diagnose.Say("verify-other-trouble", "at", hurt.From))
	case gap:
		o.Says = append(o.Says, diagnose.Say("verify-gap", "from", gapFrom, "to", gapTo))
	case len(blind) > 0:
		o.Says = append(o.Says, blind...)
	case s.To.After(j.Window.To):
		o.Next = s.To
		o.Says = append(o.Says, diagnose.Say("verify-settling", "hook", j.Settle.Hook, "until", s.To))
	case !j.sawVisitors(s):
		o.Says = append(o.Says, diagnose.Say("verify-visitors-unseen"))
	default:
		o.Status, o.Next = Cured, time.Time{}
		o.Says = append(o.Says, j.proofs(r, o)...)
	}
	return o
}

// proofs are what bears a cure.
func (j *judge) proofs(r run, o Outcome) []diagnose.Sentence {
	hook := j.Settle.Hook
	var out []diagnose.Sentence
	switch {
	case o.Job.Took == 0:
		out = append(out, diagnose.Say("verify-job-quick", "hook", hook, "due", r.due))
	case o.Job.Took > 0:
		out = append(out, diagnose.Say("verify-job-took", "hook", hook, "due", r.due, "took", o.Job.Took, "before", j.Because.Running))
	default:
		out = append(out, diagnose.Say("verify-job-done", "hook", hook, "due", r.due))
	}
	if r.how == howSchedule {
		out = append(out, diagnose.Say("verify-host-job", "job", hook))
	}
	out = append(out, diagnose.Say("verify-rule-silent"))
	if o.After.OutageMs >= 0 {
		out = append(out, diagnose.Say("verify-visitors", "typical", diagnose.Ms(o.After.OutageMs), "worst", diagnose.Ms(o.After.WorstMs)))
	}
	return out
}

// quickSettles is how long to watch after a statement of less than a second: it
// has left InnoDB nothing to be at work on for longer.
const quickSettles = time.Minute

func (j *judge) settles(took time.Duration) time.Duration {
	if took >= 0 && took < time.Second {
		return min(j.Settle.After, quickSettles)
	}
	return j.Settle.After
}

// job is what is told of a run.
func (j *judge) job(r run) *JobRun {
	out := &JobRun{Hook: j.Settle.Hook, Due: r.due, Ran: true, How: r.how, Took: -1}
	s := diagnose.Span{From: r.from.Add(-tolerance), To: earlier(r.to.Add(time.Minute), j.Window.To)}
	switch {
	case r.statement != nil:
		out.Took = r.statement.Running
	case covered(diagnose.Stretches[evidence.DBStatus](j.around(s), gapTook), s, gapTook):
		out.Took = 0
	}
	return out
}

// jobAt is the run that a finding is about: the last that began before at.
func (j *judge) jobAt(at time.Time) *JobRun {
	runs, next, _ := j.runs()
	out := &JobRun{Hook: j.Settle.Hook, Due: next, Took: -1}
	for _, r := range runs {
		if !r.from.After(at.Add(j.Settle.After)) {
			out = j.job(r)
		}
	}
	return out
}

// hurt is the first time that visitors suffered in a span.
func (j *judge) hurt(s diagnose.Span) (diagnose.Span, bool) {
	for _, e := range j.c.Episodes {
		if overlap(e, s) {
			return e, true
		}
	}
	return diagnose.Span{}, false
}

// gap is the first stretch of the span that nobody watched. What was to be seen
// at the beginning is over sooner than what comes after it.
func (j *judge) gap(r run, s diagnose.Span) (from, to time.Time, ok bool) {
	s.To = earlier(s.To, j.Window.To)
	begin := diagnose.Span{From: s.From, To: earlier(r.to.Add(time.Minute), s.To)}
	if from, to, ok = uncovered(diagnose.Watched(j.around(begin), gapAtRun), begin, gapAtRun); ok {
		return from, to, ok
	}
	return uncovered(diagnose.Watched(j.around(s), diagnose.GapLeast), s, diagnose.GapLeast)
}

// around is the recording of a span and of a little before and after it.
func (j *judge) around(s diagnose.Span) recording.Window {
	return j.Window.Whole().Between(s.From.Add(-diagnose.GapLeast), s.To.Add(diagnose.GapLeast))
}

func widened(s diagnose.Span) diagnose.Span {
	return diagnose.Span{From: s.From.Add(-2 * tolerance), To: s.To.Add(time.Minute)}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
