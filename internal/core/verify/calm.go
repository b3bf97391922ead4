package verify

import (
	"time"

	"hirune/internal/core/diagnose"
)

// piece is the time over which demand is compared: visitors of a small site come
// in fits and starts.
const piece = 5 * time.Minute

// demandLeast is the share of the usual demand from which trouble would show.
const demandLeast = 0.5

// calm is what the time without a job to wait for amounts to.
type calm struct {
	watched time.Duration // without trouble, somebody seeing the visitors
	busy    time.Duration // of that, under the usual demand
	rate    float64       // requests a second in watched
	visits  float64       // in watched
}

// byCalm answers where no job has to run again: trouble has to stay away for
// long enough while there are visitors as usual.
func (j *judge) byCalm() Outcome {
	o := j.outcome(Untested)
	all := o.Window
	// An outage that was under way when the plan was done is still the old one.
	if e, ok := j.hurt(diagnose.Span{From: all.From, To: all.From.Add(2 * tolerance)}); ok {
		if all.To.Sub(e.To) < diagnose.GapLeast {
			o.Says = append(o.Says, diagnose.Say("verify-still-down", "since", e.From))
			o.Next = all.To.Add(piece)
			return o
		}
		all.From = e.To.Add(tolerance)
	}
	if blind := j.blind(all); len(blind) > 0 {
		o.Says = blind
		return o
	}
	usual := j.Usual
	c := j.calmOf(all, usual)
	missing := j.Settle.Least - c.busy
	o.Next = j.Window.To.Add(max(missing, piece))
	switch e, hurting := j.hurt(all); {
	case hurting && missing > 0:
		o.Says = append(o.Says, diagnose.Say("verify-other-trouble", "at", e.From))
	case c.watched == 0 && !j.sawVisitors(all):
		o.Says = append(o.Says, diagnose.Say("verify-visitors-unseen"))
	case c.watched < j.Settle.Least:
		o.Says = append(o.Says, diagnose.Say("verify-short", "watched", c.watched, "least", j.Settle.Least))
	case usual <= 0:
		o.Says = append(o.Says, diagnose.Say("verify-usual-unknown"))
		o.Next = time.Time{}
	case missing > 0:
		o.Says = append(o.Says, diagnose.Say("verify-few-visitors", "rate", diagnose.Number(c.rate), "usual", diagnose.Number(usual)))
		o.Next = j.Window.To.Add(max(missing, time.Hour))
	default:
		o.Status, o.Next = Cured, time.Time{}
		o.Says = append(o.Says, diagnose.Say("verify-calm", "watched", c.busy, "rate", diagnose.Number(c.rate), "usual", diagnose.Number(usual)), diagnose.Say("verify-rule-silent"))
		if o.After.OutageMs >= 0 {
			o.Says = append(o.Says, diagnose.Say("verify-visitors", "typical", diagnose.Ms(o.After.OutageMs), "worst", diagnose.Ms(o.After.WorstMs)))
		}
	}
	return o
}

// calmOf goes through a span piece by piece.
func (j *judge) calmOf(s diagnose.Span, usual float64) calm {
	var c calm
	for _, x := range diagnose.Watched(j.after.Between(s.From, s.To), diagnose.GapLeast) {
		for from := x.From; from.Before(x.To); from = from.Add(piece) {
			p := diagnose.Span{From: from, To: earlier(from.Add(piece), x.To)}
			if _, bad := j.hurt(p); bad || !j.sawVisitors(p) {
				continue
			}
			rate := mean(j.c.Rates(p, visits))
			c.watched += p.Duration()
			c.visits += rate * p.Duration().Seconds()
			if usual > 0 && rate >= demandLeast*usual {
				c.busy += p.Duration()
			}
		}
	}
	if c.watched > 0 {
		c.rate = c.visits / c.watched.Seconds()
	}
	return c
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(len(v), 1))
}
