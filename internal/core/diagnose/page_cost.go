package diagnose

import "time"

const (
	// costRise is how much more of the CPU a page must take than in the quiet time to
	// be told of, and costLeast how many CPUs PHP must use meanwhile.
	costRise, costLeast = 4.0, 0.2
	// costMore is how much more than usual may be finished: beyond it, other pages may
	// have been asked for.
	costMore = 1.5
	// costPages is how many requests must have been finished, and costSeen over how long.
	costPages, costSeen = 20.0, 15 * time.Second
	// costFailing is the share of failures from which the finished requests do not tell
	// what PHP worked on.
	costFailing = 0.3
)

// pageCost tells that PHP takes many times the CPU for a page while no more pages
// are finished than usual: a lead for who looks on, where no cause is found. It
// accuses nobody: which code it is, only PHP's slow log says.
func (c *Case) pageCost() (Sentence, bool) {
	if c.Outage.Duration() < costSeen || c.Quiet.Duration() < costSeen || c.Failing(c.Outage) >= costFailing {
		return Sentence{}, false
	}
	now, before := c.finished(c.Outage), c.finished(c.Quiet)
	pages := now.Rate() * c.Outage.Duration().Seconds()
	if pages < costPages || before.Rate() <= 0 || now.Rate() > costMore*before.Rate() {
		return Sentence{}, false
	}
	cpu, quiet := c.g.mean(linePHP, c.Outage), c.g.mean(linePHP, c.Quiet)
	if cpu < costLeast || quiet <= 0 {
		return Sentence{}, false
	}
	ms, was := 1000*cpu/now.Rate(), 1000*quiet/before.Rate()
	if ms < costRise*was {
		return Sentence{}, false
	}
	return Say("note-page-cost", "now", Ms(ms), "quiet", Ms(was), "rate", Number(now.Rate()), "usual", Number(before.Rate())), true
}

// finished sums up the completed requests that cost PHP, in a span.
func (c *Case) finished(s Span) Requests {
	all := Requests{Seconds: s.Duration().Seconds()}
	for class, r := range c.Traffic(s) {
		if Dynamic(class) {
			all.Count += r.Count
		}
	}
	return all
}
