package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/edge/tape"
)

// troubleBack is how far back a tape is searched for trouble when nobody says
// when it was: an owner comes back after a holiday.
const troubleBack = 14 * 24 * time.Hour

// What a bad minute is. It only says where to look; the diagnosis is stricter
// and knows the sites apart.
const (
	slowMinute  = 1000 // ms for a page; what core calls slow
	slowTimes   = 3    // that much slower than in quick minutes
	failedShare = 0.3  // of the requests of hirune that usually work
	errorShare  = 0.2  // of the visitors' requests
	errorsLeast = 5
	minutesGap  = 3 * time.Minute // bad minutes that are nearer belong together
)

// trouble is a stretch of bad minutes.
type trouble struct {
	from, to time.Time
	minutes  int
}

// middle is the moment to ask about. A long trouble is asked about near its
// start, where its cause is.
func (t trouble) middle() time.Time {
	return t.from.Add(min(t.to.Sub(t.from)/2, defaultAhead/2))
}

// troubleOf finds the trouble of the last days on a tape, oldest first.
func troubleOf(r *tape.Reader, recorded tape.Span) ([]trouble, error) {
	ms, err := r.Minutes(later(recorded.From.Add(-time.Minute), recorded.To.Add(-troubleBack)), recorded.To)
	if err != nil && !errors.Is(err, tape.ErrDamaged) {
		return nil, err
	}
	return troubles(ms), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// troubles joins bad minutes.
func troubles(ms []tape.Minute) []trouble {
	slow, usual := usualMinutes(ms)
	var out []trouble
	for _, m := range ms {
		if !badMinute(m, slow, usual) {
			continue
		}
		end := m.From.Add(time.Minute)
		if n := len(out) - 1; n >= 0 && m.From.Sub(out[n].to) <= minutesGap {
			out[n].to = end
			out[n].minutes++
			continue
		}
		out = append(out, trouble{from: m.From, to: end, minutes: 1})
	}
	return out
}

// usualMinutes is from when on a page is slow here, and which share of
// hirune's own requests always fails: a site that never answers is no news.
func usualMinutes(ms []tape.Minute) (slow int64, failing float64) {
	var took []int64
	var failed []float64
	for _, m := range ms {
		if m.Probes > 0 {
			took = append(took, m.ProbeMs)
			failed = append(failed, float64(m.ProbesFailed)/float64(m.Probes))
		}
	}
	if len(took) == 0 {
		return slowMinute, 0
	}
	slices.Sort(took)
	slices.Sort(failed)
	slow = slowMinute
	if quick := took[len(took)/10]; quick < slowMinute {
		slow = max(slow, slowTimes*quick)
	}
	return slow, failed[len(failed)/10]
}

func badMinute(m tape.Minute, slow int64, usual float64) bool {
	if m.Errors5xx >= errorsLeast && float64(m.Errors5xx) > errorShare*float64(m.Requests) {
		return true
	}
	if m.Probes == 0 {
		return false
	}
	failed := float64(m.ProbesFailed) / float64(m.Probes)
	return m.ProbeMs >= slow || failed > usual+failedShare*(1-usual)
}

// since leaves out what ended before from.
func since(all []trouble, from time.Time) []trouble {
	return slices.DeleteFunc(slices.Clone(all), func(t trouble) bool { return t.to.Before(from) })
}

// worst is the longest trouble.
func worst(all []trouble) (trouble, bool) {
	if len(all) == 0 {
		return trouble{}, false
	}
	return slices.MaxFunc(all, func(a, b trouble) int { return a.minutes - b.minutes }), true
}

// orEarlier is the verdict on the worst trouble of the last days where nobody
// suffered in the last hours, and v itself otherwise. It says which it is, and
// when else there was trouble.
func (a *app) orEarlier(f diagnoseFlags, l loaded, v diagnose.Verdict) (diagnose.Verdict, error) {
	before := slices.DeleteFunc(slices.Clone(l.trouble), func(t trouble) bool { return !t.from.Before(v.Window.From) })
	if v.Status == diagnose.CannotJudge || !v.Outage.Zero() {
		a.alsoAt(f, before)
		return v, nil
	}
	t, ok := worst(before)
	if !ok {
		return v, nil
	}
	fmt.Fprintf(a.err, "no trouble now; this is about the worst of the last days, %s to %s\n", stamp(t.from), stamp(t.to))
	l, err := a.fromTape(f, question{moment: t.middle()})
	if err != nil {
		return v, err
	}
	a.alsoAt(f, slices.DeleteFunc(before, func(o trouble) bool { return o == t }))
	return judge(l), nil
}

// alsoMost is how many other times are told, the latest.
const alsoMost = 3

func (a *app) alsoAt(f diagnoseFlags, others []trouble) {
	if len(others) == 0 {
		return
	}
	var at []string
	for _, t := range others[max(0, len(others)-alsoMost):] {
		at = append(at, minute(t.middle().Local()))
	}
	fmt.Fprintf(a.err, "there was also trouble at %s; to ask about it: %s\n", strings.Join(at, ", "),
		a.again("hirune diagnose --at '"+at[len(at)-1]+"'"+tapeArg(f.tape)))
}
